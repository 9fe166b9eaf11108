"""Payloads and views of absences."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from calendar_svc.absence.absence import AbsenceState
from calendar_svc.absence.obligations import DutyState
from zhengling.authority.composition import Key
from zhengling.authority.schemas import NextStepView, StepView
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.instants import Day, Instant
from zhengling.kernel.payload import SAYING, Payload, Private
from zhengling.rules.absences import (
    AbsenceKind,
    Basis,
    Duty,
    LimitName,
    Power,
)
from zhengling.rules.vocabulary import Role

Reason = Annotated[str, Field(min_length=2, max_length=500, pattern=SAYING), SeveralLines]
Note = Annotated[str, Field(max_length=200)]
Exceptional = Annotated[
    str,
    Field(max_length=500, description="why a limit should be waived; without a reason a breach is refused at once"),
    SeveralLines,
]
OccurredAt = Annotated[
    Instant | None, Field(description="when it happened, with offset; by default now; never in the future")
]


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


# payloads -----------------------------------------------------------------------------------------------------------
class RequestAbsence(Payload):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "official_trip", "since": "2026-06-08", "until": "2026-06-10", "reason": "赴省城参加会议"}
            ]
        },
    )
    kind: AbsenceKind
    since: Annotated[Day, Field(description="the first day away (Asia/Shanghai)")]
    until: Annotated[Day, Field(description="the last day away")]
    reason: Reason
    official: Annotated[Key | None, Field(description="the absent official; by default the caller")] = None
    destination: Note = ""
    contact: Annotated[Note, Field(description="how the absent official can be reached")] = ""
    exception: Exceptional = ""
    occurred_at: OccurredAt = None


class Answer(Payload):
    opinion: Annotated[str, Field(max_length=1000), SeveralLines] = ""
    occurred_at: OccurredAt = None


class RefuseAbsence(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class LiftLimit(Payload):
    limit: LimitName
    reason: Reason
    occurred_at: OccurredAt = None


class Extend(Payload):
    until: Annotated[Day, Field(description="the new last day away")]
    reason: Reason
    exception: Exceptional = ""
    occurred_at: OccurredAt = None


class NameStandIn(Payload):
    official: Annotated[Key, Field(description="the stand-in")]
    reason: Reason
    occurred_at: OccurredAt = None


class RecordReturn(Payload):
    occurred_at: OccurredAt = None


class CancelAbsence(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class RecordDuty(Payload):
    duty: Duty
    when: Literal["before", "after"] = "before"
    note: Note = ""
    occurred_at: OccurredAt = None


# views --------------------------------------------------------------------------------------------------------------
class LiftView(View):
    limit: Annotated[LimitName, Field(validation_alias="rule")]
    covers: Annotated[
        list[date], Field(description="the days for which the limit is waived; for the notice, the departure")
    ]
    clause: str
    official: str
    reason: str
    occurred_at: datetime
    on_behalf_of: str | None
    since: Annotated[date | None, Field(description="the first of the days")] = None
    until: Annotated[date | None, Field(description="the last of the days")] = None

    @model_validator(mode="after")
    def _first_and_last(self) -> Self:
        self.since, self.until = min(self.covers, default=None), max(self.covers, default=None)
        return self


class AwayView(View):
    official: str
    since: date
    until: date


class BreachView(View):
    """A limit that the request breaks, and the roles that may waive it."""

    limit: Annotated[LimitName, Field(validation_alias="rule")]
    clause: str
    first: date
    last: date
    lift: Annotated[list[Role], Field(validation_alias="waivable_by")]
    because_of: list[AwayView]
    at_most: int | None
    due: date | None


class StandInView(View):
    official: str
    acts: list[Power]
    clause: str
    basis: Basis
    decided_by: str | None
    reason: str


class VacancyView(View):
    """A power without a stand-in, and the candidates who stand in once recorded."""

    candidates: list[str]
    acts: list[Power]
    clause: str
    basis: Basis


class DutyView(View):
    duty: Duty
    when: str
    clause: str
    state: DutyState
    official: str | None
    occurred_at: datetime | None


class ExtensionView(View):
    until: date
    reason: Private
    requested_by: str
    requested_at: datetime
    outcome: AbsenceState
    steps: list[StepView]
    closed_reason: str


class AbsenceView(View):
    id: str
    version: int
    official: str
    kind: AbsenceKind
    since: date
    until: date
    away_until: Annotated[date, Field(description="the current last day of absence; earlier after an early return")]
    state: AbsenceState
    reason: Private
    destination: Private
    contact: Private
    exception: Private
    clause: Annotated[str, Field(description="the clause under which it is requested")]
    asks_as: Role
    organisation: str | None
    requested_by: str
    requested_at: datetime
    recorded_at: datetime
    notice_due: Annotated[date | None, Field(description="the last day for a request in time")]
    steps: list[StepView]
    lifts: list[LiftView]
    stand_ins: list[StandInView]
    vacancies: list[VacancyView]
    extensions: list[ExtensionView]
    approved_at: datetime | None
    returned_on: date | None
    closed_reason: str
    edition: str
    modified_at: datetime
    next_step: NextStepView | None = None
    breaches: Annotated[list[BreachView], Field(description="limits that the request breaks, not waived")] = []
    duties: Annotated[list[DutyView], Field(description="duties beside the approval")] = []
    contact_wanted: Annotated[
        str | None, Field(description="the clause that requires a contact, if none was given")
    ] = None
    late: Annotated[
        bool, Field(description="put on record after the departure, or after the last day for a request")
    ] = False
    return_overdue: Annotated[bool, Field(description="the last day is over and no return was recorded")] = False


class AwayTodayView(View):
    """An official who is away on a day, and the stand-in on that day."""

    absence_id: str
    official: str
    name: str
    kind: AbsenceKind
    since: date
    until: date
    stand_ins: list[StandInView]
    vacancies: list[VacancyView]


class AwayList(View):
    on: date
    items: list[AwayTodayView]
