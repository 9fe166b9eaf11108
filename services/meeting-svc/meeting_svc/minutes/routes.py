"""HTTP → commands and queries of minutes; no rules here."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Header, Path, Response

from meeting_svc.meeting.meeting import Meeting
from meeting_svc.minutes import commands as do
from meeting_svc.minutes import queries as see
from meeting_svc.minutes.minutes import Minutes
from meeting_svc.minutes.schemas import (
    CorrectMinutes,
    DraftMinutes,
    MinutesVersions,
    MinutesView,
    ReturnMinutes,
    WaiveMinutes,
)
from meeting_svc.scopes import Change, Read
from zhengling.authority.schemas import TakeStep
from zhengling.web.call import Call
from zhengling.web.etags import etag, is_current
from zhengling.web.file_routes import disposition_of
from zhengling.web.routing import commands, queries

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_AS_DOCX: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file; its ETag is its SHA-256", "content": {DOCX: {"schema": {"type": "string"}}}},
    304: {"description": "The caller's copy is current"},
}
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="the ETag of the caller's copy")]
Number = Annotated[int, Path(ge=1, le=100_000, description="number of the version, from 1")]

writes = commands("/v1", "minutes")
reads = queries("/v1", "minutes")


async def _answer(call: Call, response: Response, minutes: Minutes, meeting: Meeting) -> MinutesView:
    """The answer to every command on minutes: the version, under the ETag of its meeting."""
    response.headers["ETag"] = etag(meeting.version)
    call.audit_details["subject"] = f"minutes:{minutes.id}"
    return await see.minutes_view(call, minutes, meeting)


async def _drafted(call: Call, response: Response, minutes: Minutes, meeting: Meeting) -> MinutesView:
    response.headers["Location"] = f"/v1/meetings/{meeting.id}/minutes/versions/{minutes.number}"
    return await _answer(call, response, minutes, meeting)


@writes.post(
    "/meetings/{meeting_id}/minutes",
    operation_id="draft_minutes",
    status_code=201,
    summary="Draft the minutes, or draft them again",
)
async def draft_minutes(meeting_id: str, body: DraftMinutes, call: Change, response: Response) -> MinutesView:
    return await _drafted(call, response, *await do.draft_minutes(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/minutes/corrections",
    operation_id="correct_minutes",
    status_code=201,
    summary="Draft a correction of signed minutes",
)
async def correct_minutes(meeting_id: str, body: CorrectMinutes, call: Change, response: Response) -> MinutesView:
    return await _drafted(call, response, *await do.correct_minutes(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/minutes/return", operation_id="return_minutes", summary="Return a draft, with a reason"
)
async def return_minutes(meeting_id: str, body: ReturnMinutes, call: Change, response: Response) -> MinutesView:
    return await _answer(call, response, *await do.return_minutes(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/minutes/steps", operation_id="take_minutes_step", summary="Review or sign the minutes"
)
async def take_minutes_step(meeting_id: str, body: TakeStep, call: Change, response: Response) -> MinutesView:
    return await _answer(call, response, *await do.take_minutes_step(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/minutes/waiver",
    operation_id="waive_minutes",
    summary="Record that the chair decided on no minutes",
)
async def waive_minutes(meeting_id: str, body: WaiveMinutes, call: Change, response: Response) -> MinutesView:
    return await _answer(call, response, *await do.waive_minutes(call, meeting_id, body))


@reads.get("/meetings/{meeting_id}/minutes", operation_id="get_minutes", summary="The newest version of the minutes")
async def get_minutes(meeting_id: str, call: Read, response: Response) -> MinutesView:
    return _read(response, await see.get_minutes(call, meeting_id, None))


@reads.get(
    "/meetings/{meeting_id}/minutes.docx",
    operation_id="get_minutes_document",
    summary="The newest version as an official document (DOCX)",
    response_class=Response,
    responses=_AS_DOCX,
)
async def get_minutes_document(meeting_id: str, call: Read, if_none_match: IfNoneMatch = None) -> Response:
    return _file(*await see.document_of(call, meeting_id, None), if_none_match)


@reads.get("/meetings/{meeting_id}/minutes/versions", operation_id="list_minutes_versions", summary="List all versions")
async def list_minutes_versions(meeting_id: str, call: Read) -> MinutesVersions:
    return await see.list_versions(call, meeting_id)


@reads.get("/meetings/{meeting_id}/minutes/versions/{number}", operation_id="get_minutes_version")
async def get_minutes_version(meeting_id: str, number: Number, call: Read, response: Response) -> MinutesView:
    return _read(response, await see.get_minutes(call, meeting_id, number))


@reads.get(
    "/meetings/{meeting_id}/minutes/versions/{number}/docx",
    operation_id="get_minutes_version_document",
    summary="A version as an official document (DOCX)",
    response_class=Response,
    responses=_AS_DOCX,
)
async def get_minutes_version_document(
    meeting_id: str, number: Number, call: Read, if_none_match: IfNoneMatch = None
) -> Response:
    return _file(*await see.document_of(call, meeting_id, number), if_none_match)


def _read(response: Response, view: MinutesView) -> MinutesView:
    response.headers["ETag"] = etag(view.version)
    return view


def _file(name: str, content: bytes, if_none_match: str | None) -> Response:
    """The file, or 304 if the caller has the same bytes. The caller may cache it, but must revalidate it."""
    tag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if is_current(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = disposition_of(name)
    return Response(content, media_type=DOCX, headers=headers)


ROUTERS = [writes, reads]
