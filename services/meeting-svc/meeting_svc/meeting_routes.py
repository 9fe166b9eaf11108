"""HTTP → command or query of meetings; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from meeting_svc import meeting_commands as do
from meeting_svc import meeting_queries as see
from meeting_svc.meeting import Meeting, MeetingState
from meeting_svc.meeting_schemas import AddToAgenda, CallMeeting, CloseSession, Entrust, MeetingView, OpenSession
from meeting_svc.schemas import TakeStep
from meeting_svc.scopes import Change, Create, Read
from zhengling.paging import Page, Paging
from zhengling.service import Call, commands, etag, queries

writes = commands("/v1", "meeting")
reads = queries("/v1", "meeting")


async def meeting_answer(call: Call, response: Response, meeting: Meeting) -> MeetingView:
    response.headers["ETag"] = etag(meeting.version)
    call.audit_details["subject"] = f"meeting:{meeting.id}"
    return await see.meeting_view(call, meeting)


@writes.post("/meetings", operation_id="call_meeting", status_code=201, summary="Call a meeting for a day")
async def call_meeting(body: CallMeeting, call: Create, response: Response) -> MeetingView:
    meeting = await do.call_meeting(call, body)
    response.headers["Location"] = f"/v1/meetings/{meeting.id}"
    return await meeting_answer(call, response, meeting)


@reads.get("/meetings", operation_id="list_meetings")
async def list_meetings(
    call: Read,
    paging: Paging,
    kind: Annotated[str | None, Query(max_length=60)] = None,
    state: Annotated[MeetingState | None, Query()] = None,
) -> Page[MeetingView]:
    return await see.list_meetings(call, paging, kind, state)


@reads.get("/meetings/{meeting_id}", operation_id="get_meeting")
async def get_meeting(meeting_id: str, call: Read, response: Response) -> MeetingView:
    view = await see.get_meeting(call, meeting_id)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post("/meetings/{meeting_id}/agenda", operation_id="add_to_agenda", summary="Put a topic on the agenda")
async def add_to_agenda(meeting_id: str, body: AddToAgenda, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.add_to_agenda(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/agenda/steps", operation_id="take_agenda_step", summary="Arrange, approve the agenda"
)
async def take_agenda_step(meeting_id: str, body: TakeStep, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.take_agenda_step(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/entrustment", operation_id="entrust_chair", summary="The head entrusts the chair")
async def entrust_chair(meeting_id: str, body: Entrust, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.entrust_chair(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/opening", operation_id="open_session", summary="Open the session")
async def open_session(meeting_id: str, body: OpenSession, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.open_session(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/closing", operation_id="close_session", summary="Close the session")
async def close_session(meeting_id: str, body: CloseSession, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.close_session(call, meeting_id, body))


ROUTERS = [writes, reads]
