"""Who is away, and who stands in for whom. Pure."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from zhengling.rules.absences import AbsenceKind, Basis, Power


class StandIn(BaseModel):
    """Somebody who acts for an official that is away: in which powers, and on what that rests."""

    model_config = ConfigDict(frozen=True)
    official: str
    acts: tuple[Power, ...]
    clause: str
    basis: Basis
    decided_by: str | None = None
    reason: str = ""


class Vacancy(BaseModel):
    """What a rule would let somebody do for an official that is away, once it is recorded."""

    model_config = ConfigDict(frozen=True)
    candidates: tuple[str, ...]
    acts: tuple[Power, ...]
    clause: str
    basis: Basis


class Absent(BaseModel):
    """An official away from `since` to `until`, both days included, with whoever stands in. After an early return
    `until` is the last day away; it lies before `since` where none was left."""

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
