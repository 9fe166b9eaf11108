"""HTTP → commands that convene a meeting; no rules here."""

from __future__ import annotations

from fastapi import Response

from meeting_svc.convening import commands as do
from meeting_svc.convening.schemas import CallMeeting, CancelMeeting, Entrust, Postpone, RecordSound
from meeting_svc.meeting.routes import meeting_answer
from meeting_svc.meeting.schemas import MeetingView
from meeting_svc.scopes import Change, Create
from zhengling.web.routing import commands

writes = commands("/v1", "meeting")


@writes.post("/meetings", operation_id="call_meeting", status_code=201, summary="Call a meeting for a day")
async def call_meeting(body: CallMeeting, call: Create, response: Response) -> MeetingView:
    meeting = await do.call_meeting(call, body)
    response.headers["Location"] = f"/v1/meetings/{meeting.id}"
    return await meeting_answer(call, response, meeting)


@writes.post(
    "/meetings/{meeting_id}/postponement", operation_id="postpone_meeting", summary="Change the day, time or place"
)
async def postpone_meeting(meeting_id: str, body: Postpone, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.postpone_meeting(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/cancellation", operation_id="cancel_meeting", summary="Cancel a meeting")
async def cancel_meeting(meeting_id: str, body: CancelMeeting, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.cancel_meeting(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/entrustment", operation_id="entrust_chair", summary="Entrust an official with chairing"
)
async def entrust_chair(meeting_id: str, body: Entrust, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.entrust_chair(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/recording", operation_id="arrange_recording", summary="Arrange a recording")
async def arrange_recording(meeting_id: str, body: RecordSound, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.arrange_recording(call, meeting_id, body))


ROUTERS = [writes]
