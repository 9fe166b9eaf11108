"""HTTP → commands on invitees, notices and acknowledgements; no rules here."""

from __future__ import annotations

from fastapi import Response

from meeting_svc.invitation import commands as do
from meeting_svc.invitation.schemas import Acknowledge, GiveConsent, ProposeInvitees, SendNotice, WithdrawInvitee
from meeting_svc.meeting.routes import meeting_answer
from meeting_svc.meeting.schemas import MeetingView
from meeting_svc.scopes import Change
from zhengling.authority.schemas import TakeStep
from zhengling.web.routing import commands

writes = commands("/v1", "meeting")


@writes.post("/meetings/{meeting_id}/invitees", operation_id="propose_invitees", summary="Propose invitees")
async def propose_invitees(meeting_id: str, body: ProposeInvitees, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.propose_invitees(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/invitees/steps",
    operation_id="take_invitee_step",
    summary="Take the next step on the list of invitees",
)
async def take_invitee_step(meeting_id: str, body: TakeStep, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.take_invitee_step(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/invitees/withdrawals", operation_id="withdraw_invitee", summary="Remove an invitee"
)
async def withdraw_invitee(meeting_id: str, body: WithdrawInvitee, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.withdraw_invitee(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/invitees/consent",
    operation_id="consent_to_outsiders",
    summary="Consent to principals outside the chair's portfolio",
)
async def consent_to_outsiders(meeting_id: str, body: GiveConsent, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.consent_to_outsiders(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/notice", operation_id="send_notice", summary="Record who was sent agenda and papers"
)
async def send_notice(meeting_id: str, body: SendNotice, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.send_notice(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/acknowledgements", operation_id="acknowledge_notice", summary="Acknowledge the notice"
)
async def acknowledge_notice(meeting_id: str, body: Acknowledge, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.acknowledge(call, meeting_id, body))


ROUTERS = [writes]
