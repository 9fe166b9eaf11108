"""Payloads and views of invitees, notices and acknowledgements."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from meeting_svc.agenda.schemas import TopicId
from zhengling.authority.composition import Key
from zhengling.authority.schemas import ActView, StepView
from zhengling.kernel.payload import SAYING, UNPADDED, OccurredAt, Once, Payload, Reason, View


class InviteePayload(Payload):
    """Exactly one of an official, a unit and an outside guest's name; for the whole meeting or one topic."""

    official: Key | None = None
    organisation: Key | None = None
    name: Annotated[str | None, Field(min_length=2, max_length=120, pattern=SAYING), UNPADDED] = None
    topic_id: TopicId | None = None


class ProposeInvitees(Payload):
    invitees: Annotated[
        list[InviteePayload],
        Field(min_length=1, max_length=200),
        Once(by=("official", "organisation", "name", "topic_id")),
    ]
    occurred_at: OccurredAt = None


class WithdrawInvitee(Payload):
    number: Annotated[StrictInt, Field(ge=1, le=10_000)]
    reason: Reason
    occurred_at: OccurredAt = None


class GiveConsent(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class SendNotice(Payload):
    recipients: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=120, pattern=SAYING)]],
        Field(
            default_factory=list,
            max_length=1000,
            description="officials, units, names of outside guests; by default everybody who takes part",
        ),
        Once(),
    ]
    papers: Annotated[StrictBool, Field(description="the papers were sent with the agenda")] = True
    occurred_at: OccurredAt = None


class Acknowledge(Payload):
    coming: StrictBool
    official: Annotated[Key | None, Field(description="the official concerned; by default the caller")] = None
    note: Annotated[str, Field(max_length=200)] = ""
    occurred_at: OccurredAt = None


class InviteeView(View):
    number: int
    official: str | None
    organisation: str | None
    name: str | None
    topic_id: str | None
    proposed: ActView
    approved: bool
    approval: list[StepView]


class InviteeRemovalView(View):
    invitee: InviteeView
    reason: str
    act: ActView


class OutsideConsentView(View):
    officials: list[str]
    reason: str
    act: ActView


class NoticeView(View):
    agenda_version: int
    round: Annotated[int, Field(description="how often the meeting had been postponed by then")]
    recipients: list[str]
    papers: bool
    act: ActView


class AcknowledgementView(View):
    official: str
    coming: bool
    note: str
    round: int
    act: ActView
