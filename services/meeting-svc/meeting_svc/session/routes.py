"""HTTP → commands on a session; no rules here."""

from __future__ import annotations

from fastapi import Response

from meeting_svc.meeting.routes import meeting_answer
from meeting_svc.meeting.schemas import MeetingView
from meeting_svc.scopes import Change
from meeting_svc.session import commands as do
from meeting_svc.session.schemas import CloseSession, DeclareDevices, HandOutPapers, HandOver, OpenSession, ReturnPapers
from zhengling.web.routing import commands

writes = commands("/v1", "meeting")


@writes.post("/meetings/{meeting_id}/papers", operation_id="hand_out_papers", summary="Hand out copies of a paper")
async def hand_out_papers(meeting_id: str, body: HandOutPapers, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.hand_out_papers(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/papers/returned", operation_id="take_papers_back", summary="Record copies as returned"
)
async def take_papers_back(meeting_id: str, body: ReturnPapers, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.take_papers_back(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/devices",
    operation_id="declare_devices",
    summary="Declare that phones and recorders were handed in",
)
async def declare_devices(meeting_id: str, body: DeclareDevices, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.declare_devices(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/opening", operation_id="open_session", summary="Open the session")
async def open_session(meeting_id: str, body: OpenSession, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.open_session(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/handover", operation_id="hand_over_chair", summary="Record the handover of the chair"
)
async def hand_over_chair(meeting_id: str, body: HandOver, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.hand_over_chair(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/closing", operation_id="close_session", summary="Close the session")
async def close_session(meeting_id: str, body: CloseSession, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.close_session(call, meeting_id, body))


ROUTERS = [writes]
