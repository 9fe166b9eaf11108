"""HTTP → commands and queries of attendance over a period; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from meeting_svc.circular import commands as do
from meeting_svc.circular import queries as see
from meeting_svc.circular import workbook
from meeting_svc.circular.schemas import AttendanceFigures, CircularView, SendCircular
from meeting_svc.scopes import Create, ReadInOffice, ReadWhole
from zhengling.documents.xlsx import MEDIA_TYPE
from zhengling.kernel.instants import Day
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries

writes = commands("/v1", "meeting")
reads = queries("/v1", "meeting")
From = Annotated[Day | None, Query(alias="from", description="the first day; by default 1 January of this year")]
To = Annotated[Day | None, Query(alias="to", description="the last day; by default today")]
Kind = Annotated[str | None, Query(max_length=60)]
BINARY = {"schema": {"type": "string", "format": "binary"}}


@reads.get("/attendance", operation_id="get_attendance", summary="Attendance of officials and units in a period")
async def get_attendance(call: ReadWhole, since: From = None, until: To = None, kind: Kind = None) -> AttendanceFigures:
    return await see.get_attendance(call, since, until, kind)


@reads.get(
    "/attendance.xlsx",
    operation_id="get_attendance_workbook",
    summary="Attendance in a period as an Excel workbook",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: BINARY}, "description": "The workbook"}},
)
async def get_attendance_workbook(call: ReadWhole, since: From = None, until: To = None, kind: Kind = None) -> Response:
    figures = await see.get_attendance(call, since, until, kind)
    name = f"attendance-{figures.since}-{figures.until}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(workbook.workbook(figures, call.language), media_type=MEDIA_TYPE, headers=headers)


@writes.post(
    "/attendance/circulars",
    operation_id="send_attendance_circular",
    status_code=201,
    summary="Record that the attendance of a period was circulated",
)
async def send_attendance_circular(body: SendCircular, call: Create, response: Response) -> CircularView:
    circular = await do.send_circular(call, body)
    response.headers["ETag"] = etag(circular.version)
    call.audit_details["subject"] = f"circular:{circular.id}"
    return CircularView.model_validate(circular)


@reads.get("/attendance/circulars", operation_id="list_attendance_circulars")
async def list_attendance_circulars(call: ReadInOffice, paging: Paging) -> Page[CircularView]:
    return await see.list_circulars(call, paging)


ROUTERS = [writes, reads]
