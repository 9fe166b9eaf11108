"""Payloads and views of field research."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from calendar_svc.absence.schemas import OccurredAt, Reason, View
from zhengling.authority.composition import Key
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, Payload


class RecordFieldDay(Payload):
    day: Annotated[Day, Field(description="the day spent on field research")]
    official: Annotated[Key | None, Field(description="the leader; by default the caller")] = None
    place: Annotated[str, Field(min_length=2, max_length=200, pattern=SAYING)]
    subject: Annotated[str, Field(min_length=2, max_length=200, pattern=SAYING)]


class WithdrawFieldDay(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class FieldDayView(View):
    id: str
    version: int
    official: str
    day: date
    place: str
    subject: str
    recorded_by: str
    recorded_at: datetime
    withdrawn: bool
    withdrawn_reason: str


class FieldResearchStanding(View):
    official: str
    name: str
    held: int
    expected: Annotated[int, Field(description="days expected for the elapsed part of the year")]
    minimum: int
    behind: bool
    days: list[FieldDayView]


class FieldResearch(View):
    year: int
    clause: str
    items: list[FieldResearchStanding]
