"""Absences of officials and their stand-ins. Pure."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from zhengling.rules.absences import AbsenceKind, Basis, Power


class StandIn(BaseModel):
    """A stand-in for an absent official: the powers, and their basis."""

    model_config = ConfigDict(frozen=True)
    official: str
    acts: tuple[Power, ...]
    clause: str
    basis: Basis
    decided_by: str | None = None
    reason: str = ""


class Vacancy(BaseModel):
    """A stand-in that a rule permits once its basis is recorded."""

    model_config = ConfigDict(frozen=True)
    candidates: tuple[str, ...]
    acts: tuple[Power, ...]
    clause: str
    basis: Basis


class Absent(BaseModel):
    """An official's absence from `since` to `until`, both days included, with the stand-ins. After an early return `until`
    is the last day away; it is before `since` if no day was left."""

    model_config = ConfigDict(frozen=True)
    absence_id: str
    official: str
    absence_kind: AbsenceKind
    since: date
    until: date
    clause: str
    stand_ins: tuple[StandIn, ...] = ()
    vacancies: tuple[Vacancy, ...] = ()

    def covers(self, on: date) -> bool:
        return self.since <= on <= self.until
