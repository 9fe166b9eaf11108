"""What the API takes and gives of leave from a meeting and of delegates."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool

from meeting_svc.meeting.record import AnswerState
from zhengling.authority.composition import Key
from zhengling.authority.schemas import ActView
from zhengling.kernel.payload import OccurredAt, Opinion, Payload, Reason, View
from zhengling.rules.vocabulary import LeaveReason, Role

ForWhom = Annotated[Key | None, Field(description="for whom; whoever asks where absent")]


class AskLeave(Payload):
    reason: Reason
    reason_kind: Annotated[LeaveReason | None, Field(description="needed where the rules list the kinds")] = None
    official: ForWhom = None
    occurred_at: OccurredAt = None


class WithdrawLeave(Payload):
    reason: Reason
    official: Annotated[Key | None, Field(description="whose leave it is; the caller's own where absent")] = None
    occurred_at: OccurredAt = None


class SendDelegate(Payload):
    delegate: Annotated[Key, Field(description="who comes instead")]
    reason: Reason
    official: ForWhom = None
    occurred_at: OccurredAt = None


class AnswerRequest(Payload):
    official: Annotated[Key, Field(description="who asked")]
    approve: StrictBool
    opinion: Opinion = ""
    occurred_at: OccurredAt = None


class AnswerView(View):
    act: ActView
    opinion: str


class WithdrawalView(View):
    act: ActView
    reason: str


class LeaveView(View):
    official: str
    reason_kind: LeaveReason | None
    reason: str
    asked: Annotated[list[Role], Field(description="who answers, or reports it; nobody where the rules ask nobody")]
    reported_to: Annotated[list[Role], Field(description="to whom the office reports it, where nobody grants it")]
    clause: str | None
    requested: ActView
    state: AnswerState
    answer: AnswerView | None
    withdrawal: WithdrawalView | None


class DelegationView(View):
    official: str
    delegate: str
    reason: str
    asked: list[Role]
    clause: str | None
    requested: ActView
    state: AnswerState
    answer: AnswerView | None
