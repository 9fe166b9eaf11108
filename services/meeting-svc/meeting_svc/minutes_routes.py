"""HTTP → command or query of minutes; no rules here."""

from __future__ import annotations

from fastapi import Response

from meeting_svc import minutes_commands as do
from meeting_svc import minutes_queries as see
from meeting_svc.meeting_routes import meeting_answer
from meeting_svc.meeting_schemas import MeetingView
from meeting_svc.minutes_schemas import DraftMinutes, MinutesView
from meeting_svc.schemas import TakeStep
from meeting_svc.scopes import Change, Read
from zhengling.service import commands, queries

writes = commands("/v1", "minutes")
reads = queries("/v1", "minutes")


@writes.post(
    "/meetings/{meeting_id}/minutes", operation_id="draft_minutes", status_code=201, summary="Draft the minutes"
)
async def draft_minutes(meeting_id: str, body: DraftMinutes, call: Change, response: Response) -> MinutesView:
    minutes = await do.draft_minutes(call, meeting_id, body)
    response.headers["Location"] = f"/v1/meetings/{meeting_id}/minutes"
    call.audit_details["subject"] = f"minutes:{minutes.id}"
    return MinutesView.model_validate(minutes)


@reads.get("/meetings/{meeting_id}/minutes", operation_id="get_minutes")
async def get_minutes(meeting_id: str, call: Read) -> MinutesView:
    return await see.get_minutes(call, meeting_id)


@writes.post(
    "/meetings/{meeting_id}/minutes/steps", operation_id="take_minutes_step", summary="Review or sign the minutes"
)
async def take_minutes_step(meeting_id: str, body: TakeStep, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.take_minutes_step(call, meeting_id, body))


ROUTERS = [writes, reads]
