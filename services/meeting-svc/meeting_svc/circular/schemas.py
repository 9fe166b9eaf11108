"""Payloads and views of the attendance circular."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, OccurredAt, Payload, View


class TallyView(View):
    """How often somebody was expected, and with which results; `late` and `left_early` are included in `present`."""

    expected: int
    present: int
    on_leave: int
    away: int
    represented: int
    absent: Annotated[int, Field(description="without leave")]
    late: int
    left_early: int


class CircularRowView(View):
    key: str
    name: str
    tally: TallyView


class AttendanceFigures(View):
    since: date
    until: date
    kind: str | None
    meetings: int
    officials: list[CircularRowView]
    organisations: list[CircularRowView]
    guests: Annotated[list[CircularRowView], Field(description="outside guests by name, as in the roll calls")]
    last_circular: Annotated[datetime | None, Field(description="when attendance was last circulated")]


class SendCircular(Payload):
    since: Day
    until: Day
    kind: Annotated[str | None, Field(max_length=60)] = None
    recipients: Annotated[str, Field(min_length=2, max_length=500, pattern=SAYING, examples=["区政府各部门、各街道"])]
    occurred_at: OccurredAt = None


class CircularView(View):
    id: str
    version: int
    since: date
    until: date
    kind: str | None
    recipients: str
    officials: list[CircularRowView]
    organisations: list[CircularRowView]
    guests: Annotated[list[CircularRowView], Field(description="outside guests by name, as in the roll calls")]
    sent_by: str
    sent_at: datetime
    recorded_at: datetime
    modified_at: datetime
