"""HTTP → commands on leave from a meeting and on delegates; no rules here."""

from __future__ import annotations

from fastapi import Response

from meeting_svc.leave import commands as do
from meeting_svc.leave.schemas import AnswerRequest, AskLeave, SendDelegate, WithdrawLeave
from meeting_svc.meeting.routes import meeting_answer
from meeting_svc.meeting.schemas import MeetingView
from meeting_svc.scopes import Change
from zhengling.web.routing import commands

writes = commands("/v1", "meeting")


@writes.post("/meetings/{meeting_id}/leave", operation_id="ask_meeting_leave", summary="Ask for leave from a meeting")
async def ask_meeting_leave(meeting_id: str, body: AskLeave, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.ask_leave(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/leave/answers", operation_id="answer_meeting_leave", summary="Grant or refuse leave"
)
async def answer_meeting_leave(meeting_id: str, body: AnswerRequest, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.answer_leave(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/leave/withdrawals",
    operation_id="withdraw_meeting_leave",
    summary="Withdraw a pending or granted leave",
)
async def withdraw_meeting_leave(meeting_id: str, body: WithdrawLeave, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.withdraw_leave(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/delegates", operation_id="send_delegate", summary="Name a delegate")
async def send_delegate(meeting_id: str, body: SendDelegate, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.send_delegate(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/delegates/answers",
    operation_id="answer_delegate",
    summary="Consent to a delegate, or refuse",
)
async def answer_delegate(meeting_id: str, body: AnswerRequest, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.answer_delegate(call, meeting_id, body))


ROUTERS = [writes]
