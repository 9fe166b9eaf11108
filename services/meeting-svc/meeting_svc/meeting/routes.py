"""HTTP → queries of meetings; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from meeting_svc.meeting import queries as see
from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.meeting.schemas import MeetingView
from meeting_svc.scopes import Read
from zhengling.kernel.instants import Day
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries
from zhengling.web.worklist import WaitsFor

writes = commands("/v1", "meeting")
reads = queries("/v1", "meeting")


async def meeting_answer(call: Call, response: Response, meeting: Meeting) -> MeetingView:
    response.headers["ETag"] = etag(meeting.version)
    call.audit_details["subject"] = f"meeting:{meeting.id}"
    return await see.meeting_view(call, meeting)


@reads.get("/meetings", operation_id="list_meetings")
async def list_meetings(
    call: Read,
    paging: Paging,
    kind: Annotated[str | None, Query(max_length=60)] = None,
    state: Annotated[MeetingState | None, Query()] = None,
    since: Annotated[Day | None, Query(alias="from", description="its day is this day or later")] = None,
    until: Annotated[Day | None, Query(alias="to", description="its day is this day or earlier")] = None,
    waits_for: WaitsFor = None,
) -> Page[MeetingView]:
    return await see.list_meetings(call, paging, kind, state, since, until, waits_for)


@reads.get("/meetings/{meeting_id}", operation_id="get_meeting")
async def get_meeting(meeting_id: str, call: Read, response: Response) -> MeetingView:
    view = await see.get_meeting(call, meeting_id)
    response.headers["ETag"] = etag(view.version)
    return view


ROUTERS = [writes, reads]
