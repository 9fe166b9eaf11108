"""Payloads and views of leave from a meeting and of delegates."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool

from meeting_svc.meeting.record import AnswerState
from zhengling.authority.composition import Key
from zhengling.authority.schemas import ActView
from zhengling.kernel.payload import OccurredAt, Opinion, Payload, Private, Reason, View
from zhengling.rules.vocabulary import LeaveReason, Role

ForWhom = Annotated[Key | None, Field(description="the official concerned; by default the caller")]


class AskLeave(Payload):
    reason: Reason
    reason_kind: Annotated[LeaveReason | None, Field(description="required where the rules list the kinds")] = None
    official: ForWhom = None
    occurred_at: OccurredAt = None


class WithdrawLeave(Payload):
    reason: Reason
    official: Annotated[Key | None, Field(description="the official concerned; by default the caller")] = None
    occurred_at: OccurredAt = None


class SendDelegate(Payload):
    delegate: Annotated[Key, Field(description="who attends instead")]
    reason: Reason
    official: ForWhom = None
    occurred_at: OccurredAt = None


class AnswerRequest(Payload):
    official: Annotated[Key, Field(description="the official who asked")]
    approve: StrictBool
    opinion: Opinion = ""
    occurred_at: OccurredAt = None


class AnswerView(View):
    act: ActView
    opinion: str


class WithdrawalView(View):
    act: ActView
    reason: Private


class LeaveView(View):
    official: str
    reason_kind: LeaveReason | None
    reason: Private
    asked: Annotated[
        list[Role], Field(description="the roles that answer or report it; empty where the rules require neither")
    ]
    reported_to: Annotated[list[Role], Field(description="to whom the office reports it, where no grant is required")]
    clause: str | None
    requested: ActView
    state: AnswerState
    answer: AnswerView | None
    withdrawal: WithdrawalView | None


class DelegationView(View):
    official: str
    delegate: str
    reason: Private
    asked: list[Role]
    clause: str | None
    requested: ActView
    state: AnswerState
    answer: AnswerView | None
