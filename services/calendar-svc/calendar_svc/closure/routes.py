"""HTTP → commands and queries of local closures; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from calendar_svc.closure import commands as do
from calendar_svc.closure import queries as see
from calendar_svc.closure.schemas import ClosureRequest, ClosureView, LiftRequest
from calendar_svc.operation.routes import accepted
from calendar_svc.operation.schemas import DayChangeView, Operation, Preview
from calendar_svc.scopes import WRITE, Change, ReadPublic
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import command, commands, queries

writes = commands("/v1", "calendar")
reads = queries("/v1", "calendar")


@reads.get("/closures", operation_id="list_closures", summary="List local closures, also as a change feed")
async def list_closures(call: ReadPublic, paging: Paging) -> Page[ClosureView]:
    return await see.list_closures(call, paging)


@reads.get("/closures/{closure_id}", operation_id="get_closure")
async def get_closure(closure_id: str, call: ReadPublic, response: Response) -> ClosureView:
    view = await see.get_closure(call, closure_id)
    response.headers["ETag"] = etag(view.version)
    return view


@reads.post("/closures/preview", operation_id="preview_closure", summary="Preview the days that a closure would change")
async def preview_closure(body: ClosureRequest, call: ReadPublic) -> Preview:
    return Preview(days=[DayChangeView.of(day) for day in await do.preview_closure(call, body)])


@writes.post("/closures", operation_id="enter_closure", status_code=202, summary="Close the offices of the government")
async def enter_closure(body: ClosureRequest, call: Annotated[Call, command(WRITE)], response: Response) -> Operation:
    closure, operation = await do.enter_closure(call, body)
    response.headers["ETag"] = etag(closure.version)
    return await accepted(call, operation, response)


@writes.post(
    "/closures/{closure_id}/lift",
    operation_id="lift_closure",
    status_code=202,
    summary="Lift a closure: the offices open again",
)
async def lift_closure(closure_id: str, body: LiftRequest, call: Change, response: Response) -> Operation:
    closure, operation = await do.lift_closure(call, closure_id, body)
    response.headers["ETag"] = etag(closure.version)
    return await accepted(call, operation, response)


ROUTERS = [writes, reads]
