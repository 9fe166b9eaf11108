"""HTTP → commands and queries of holiday arrangements; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from calendar_svc.notice import commands as do
from calendar_svc.notice import queries as see
from calendar_svc.notice.schemas import NoticeRequest, Notices
from calendar_svc.operation.routes import accepted
from calendar_svc.operation.schemas import DayChangeView, Operation, Preview
from calendar_svc.scopes import NATIONAL, READ, WRITE, ReadPublic
from zhengling.web.call import Call
from zhengling.web.routing import command, commands, queries, query
from zhengling.web.sight import Sees

writes = commands("/v1", "calendar")
reads = queries("/v1", "calendar")


@reads.get("/notices", operation_id="list_notices", summary="List the notices entered, as stated")
async def list_notices(call: ReadPublic, year: Annotated[int | None, Query(ge=1, le=9999)] = None) -> Notices:
    return Notices(items=await see.list_notices(call, year))


@reads.post("/notices/preview", operation_id="preview_notice", summary="Preview the days that a notice would change")
async def preview_notice(
    body: NoticeRequest, call: Annotated[Call, query(READ, NATIONAL, sees=Sees.administrators)]
) -> Preview:
    return Preview(days=[DayChangeView.of(day) for day in await do.preview_notice(call, body)])


@writes.post("/notices", operation_id="enter_notice", status_code=202, summary="Enter a year's holiday notice")
async def enter_notice(
    body: NoticeRequest, call: Annotated[Call, command(WRITE, NATIONAL)], response: Response
) -> Operation:
    return await accepted(call, await do.enter_notice(call, body), response)


ROUTERS = [writes, reads]
