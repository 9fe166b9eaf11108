"""HTTP → commands on attendance and staff; no rules here."""

from __future__ import annotations

from fastapi import Response

from meeting_svc.attendance import commands as do
from meeting_svc.attendance.schemas import ApproveStaff, RecordMovement
from meeting_svc.meeting.routes import meeting_answer
from meeting_svc.meeting.schemas import MeetingView
from meeting_svc.scopes import Change
from zhengling.web.routing import commands

writes = commands("/v1", "meeting")


@writes.post(
    "/meetings/{meeting_id}/attendance", operation_id="record_movement", summary="Record an arrival or departure"
)
async def record_movement(meeting_id: str, body: RecordMovement, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.record_movement(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/staff", operation_id="approve_staff", summary="Approve one more staff member by name"
)
async def approve_staff(meeting_id: str, body: ApproveStaff, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.approve_staff(call, meeting_id, body))


ROUTERS = [writes]
