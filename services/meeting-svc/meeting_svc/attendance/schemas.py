"""Payloads and views of attendance: roll call, movements, staff, copies of papers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StrictBool

from meeting_svc.agenda.schemas import TopicId
from meeting_svc.meeting.record import Capacity, Move, Presence
from zhengling.authority.composition import Key
from zhengling.authority.schemas import ActView
from zhengling.kernel.payload import (
    SAYING,
    UNPADDED,
    OccurredAt,
    Payload,
    Private,
    Reason,
    View,
)

GuestName = Annotated[
    str,
    Field(min_length=2, max_length=120, pattern=SAYING, description="as on the list of invitees", examples=["王教授"]),
    UNPADDED,
]


class AttendancePayload(Payload):
    official: Key
    present: StrictBool
    reason: Annotated[str, Field(max_length=200)] = ""
    topic_id: Annotated[TopicId | None, Field(description="the topic for which they attend")] = None


class AttendingGuestPayload(Payload):
    name: GuestName
    present: StrictBool
    reason: Annotated[str, Field(max_length=200, description="why they don't attend")] = ""
    topic_id: Annotated[TopicId | None, Field(description="by default the invitation's topic")] = None


class RecordMovement(Payload):
    """The movement of either an official or an outside guest."""

    official: Key | None = None
    guest: GuestName | None = None
    move: Move
    topic_id: Annotated[TopicId | None, Field(description="the topic for which they attend")] = None
    occurred_at: OccurredAt = None


class ApproveStaff(Payload):
    topic_id: TopicId
    official: Annotated[Key, Field(description="who may attend beyond the rule's limit")]
    reason: Reason
    occurred_at: OccurredAt = None


class AttendanceView(View):
    official: str
    present: bool
    reason: Private
    capacity: Annotated[Capacity, Field(description="only members count towards a quorum")]
    status: Annotated[Presence, Field(description="in the roll call; `away` means an absence known to the calendar")]
    delegate: str | None
    topic_id: str | None
    arrived_at: datetime | None
    left_at: Annotated[datetime | None, Field(description="empty while present, also after a return")]


class AttendingGuestView(View):
    name: str
    present: bool
    reason: str
    topic_id: str | None
    arrived_at: datetime | None
    left_at: Annotated[datetime | None, Field(description="empty while present, also after a return")]


class ExpectedView(View):
    """Somebody who has to be in the roll call, with what is known before the opening."""

    official: str
    name: str
    capacity: Capacity
    away: Annotated[bool, Field(description="absent according to the calendar")]
    on_leave: bool
    delegate: str | None
    told_at: Annotated[datetime | None, Field(description="when the latest agenda was sent to them")]
    coming: Annotated[bool | None, Field(description="as they acknowledged")]


class MovementView(View):
    official: str | None
    guest: Annotated[str | None, Field(description="an outside guest, by the invitation's name")]
    move: Move
    topic_id: str | None
    act: ActView


class StaffView(View):
    topic_id: str
    official: str
    reason: str
    act: ActView


class CopyView(View):
    number: int
    holder: str
    title: str
    to_return: bool
    handed_out: ActView
    returned: ActView | None
    outstanding: bool


class QuorumView(View):
    """The quorum in figures: before the session, while it is open, and after it."""

    members: Annotated[int, Field(description="who should attend")]
    needed: int
    expected: Annotated[int | None, Field(description="before the session: members not known to be unable to attend")]
    present: Annotated[int | None, Field(description="present now, or at the end once the session is over")]
    at_opening: int | None
    lowest: Annotated[int | None, Field(description="the fewest at any time of the session")]
    met: bool
    clause: str
