"""Payloads of a session."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from meeting_svc.attendance.schemas import AttendancePayload, AttendingGuestPayload
from zhengling.authority.composition import Key
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Payload, Reason, Title


class HandOutPapers(Payload):
    holders: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=120, pattern=SAYING)]],
        Field(min_length=1, max_length=500, description="the holders, who get one copy each"),
        Once(),
    ]
    paper_id: Annotated[
        str | None, Field(max_length=64, description="a paper of a topic on the agenda; determines title and mark")
    ] = None
    title: Annotated[Title, Field(description="for a paper that doesn't belong to a topic")] = "会议材料"
    to_return: Annotated[StrictBool, Field(description="marked for return after the meeting")] = True
    occurred_at: OccurredAt = None


class ReturnPapers(Payload):
    copies: Annotated[list[Annotated[StrictInt, Field(ge=1, le=100_000)]], Field(min_length=1, max_length=500), Once()]
    occurred_at: OccurredAt = None


class HandOver(Payload):
    to: Annotated[Key, Field(description="who chairs from now on")]
    reason: Reason
    occurred_at: OccurredAt = None


class DeclareDevices(Payload):
    occurred_at: OccurredAt = None


class OpenSession(Payload):
    chair: Key
    attendance: Annotated[list[AttendancePayload], Field(min_length=1, max_length=500), Once(by=("official",))]
    guests: Annotated[
        list[AttendingGuestPayload],
        Field(default_factory=list, max_length=200, description="outside guests (外请人员)"),
        Once(by=("name",)),
    ]
    occurred_at: OccurredAt = None


class CloseSession(Payload):
    occurred_at: OccurredAt = None
