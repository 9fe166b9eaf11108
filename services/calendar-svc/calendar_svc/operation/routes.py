"""HTTP → query of the progress of a change of the calendar; no rules here."""

from __future__ import annotations

from fastapi import Response

from calendar_svc.operation import queries as see
from calendar_svc.operation.schemas import Operation
from calendar_svc.scopes import ReadInOffice
from zhengling.web.call import Call
from zhengling.web.routing import queries

reads = queries("/v1", "calendar")


@reads.get(
    "/operations/{operation_id}", operation_id="get_operation", summary="The progress of a change of the calendar"
)
async def get_operation(operation_id: str, call: ReadInOffice) -> Operation:
    return await see.get_operation(call, operation_id)


async def accepted(call: Call, operation: str, response: Response) -> Operation:
    response.headers["Location"] = f"/v1/operations/{operation}"
    return await see.get_operation(call, operation)


ROUTERS = [reads]
