"""Payloads of convening a meeting."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zhengling.authority.composition import Key
from zhengling.kernel.instants import Day, Instant
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Payload, Reason, Title

Place = Annotated[str, Field(max_length=200, examples=["区政府一楼会议室"])]
StartsAt = Annotated[Instant | None, Field(description="the planned time, on the meeting's day")]


# payloads -----------------------------------------------------------------------------------------------------------
class ParticipantsPayload(Payload):
    """The participants named by the call, for a kind whose rule names no members; a unit sends its principal."""

    officials: Annotated[list[Key], Field(default_factory=list, max_length=500), Once()]
    organisations: Annotated[list[Key], Field(default_factory=list, max_length=200), Once()]


class RecordSound(Payload):
    by: Annotated[str, Field(min_length=2, max_length=120, pattern=SAYING, description="who records")]
    occurred_at: OccurredAt = None


class CallMeeting(Payload):
    kind: Annotated[str, Field(max_length=60, examples=["executive"])]
    title: Annotated[Title, Field(examples=["区政府2026年第3次常务会议"])]
    day: Annotated[Day, Field(description="the day it is called for (Asia/Shanghai)")]
    starts_at: StartsAt = None
    place: Place = ""
    organised_by: Annotated[Key | None, Field(description="the organising unit, if it isn't the office")] = None
    convener: Annotated[Key | None, Field(description="the official planned to chair")] = None
    participants: Annotated[ParticipantsPayload, Field(default_factory=lambda: ParticipantsPayload())]
    request_id: Annotated[str | None, Field(max_length=64, description="the approved request for it")] = None
    recording: Annotated[RecordSound | None, Field(description="only where the office arranges it")] = None


class Postpone(Payload):
    day: Day
    starts_at: StartsAt = None
    place: Annotated[str | None, Field(max_length=200, description="by default unchanged")] = None
    reason: Reason
    occurred_at: OccurredAt = None


class CancelMeeting(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class Entrust(Payload):
    to: Annotated[Key, Field(description="the official entrusted with chairing")]
    reason: Reason
    occurred_at: OccurredAt = None
