"""What the API takes and gives of meetings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from meeting_svc.meeting import MeetingState
from meeting_svc.schemas import NextStep, OccurredAt, Payload, Reason, StepView, Title, View
from zhengling.authority import Key
from zhengling.events import Resolution
from zhengling.moments import Day
from zhengling.rulebook import (
    TopicNature,
)


class CallMeeting(Payload):
    kind: Annotated[str, Field(max_length=60, examples=["executive"])]
    title: Annotated[Title, Field(examples=["区政府2026年第3次常务会议"])]
    day: Annotated[Day, Field(description="the day it is called for (Asia/Shanghai)")]


class AddToAgenda(Payload):
    topic_id: Annotated[str, Field(max_length=64)]
    position: Annotated[StrictInt | None, Field(ge=1, le=200)] = None


class Entrust(Payload):
    to: Annotated[Key, Field(description="the official entrusted with chairing")]
    reason: Reason
    occurred_at: OccurredAt = None


class AttendancePayload(Payload):
    official: Key
    present: StrictBool
    reason: Annotated[str, Field(max_length=200)] = ""


class OpenSession(Payload):
    chair: Key
    attendance: Annotated[list[AttendancePayload], Field(min_length=1, max_length=500)]
    occurred_at: OccurredAt = None


class CloseSession(Payload):
    occurred_at: OccurredAt = None


class AgendaItemView(View):
    topic_id: str
    title: str
    nature: TopicNature
    sponsor: str


class AttendanceView(View):
    official: str
    present: bool
    reason: str


class EntrustmentView(View):
    to: str
    by: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime


class MeetingView(View):
    id: str
    version: int
    kind: str
    title: str
    day: date
    state: MeetingState
    called_by: str
    agenda: list[AgendaItemView]
    agenda_steps: list[StepView]
    entrustment: EntrustmentView | None
    chair: str | None
    members: list[str]
    attendance: list[AttendanceView]
    resolutions: list[Resolution]
    opened_at: datetime | None
    closed_at: datetime | None
    minutes_steps: list[StepView]
    away: Annotated[
        list[str],
        Field(default_factory=list, description="members who are known to be away on its day, before it opens"),
    ]
    next_step: NextStep | None = None
    edition: str
    modified_at: datetime
