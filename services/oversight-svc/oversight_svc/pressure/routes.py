"""HTTP → commands and queries of the pressure on a matter; no rules here."""

from __future__ import annotations

from fastapi import Response

from oversight_svc.pressure import commands as do
from oversight_svc.pressure import queries as see
from oversight_svc.pressure.schemas import Press, PressureOnEntry, PressureView
from oversight_svc.scopes import Change, Read
from zhengling.web.etags import etag
from zhengling.web.routing import commands, queries

writes = commands("/v1", "oversight")
reads = queries("/v1", "oversight")


@writes.post(
    "/entries/{entry_id}/pressure",
    operation_id="press_entry",
    summary="Urge a matter (催办), or record another way of supervision (督办方式)",
    status_code=201,
)
async def press_entry(entry_id: str, body: Press, call: Change, response: Response) -> PressureView:
    """The answer's ETag is the matter's."""
    entry, done = await do.press(call, entry_id, body)
    response.headers["ETag"] = etag(entry.version)
    return see.view_of(call, done)


@reads.get(
    "/entries/{entry_id}/pressure",
    operation_id="list_entry_pressure",
    summary="What was done to have a matter move, and which rungs of its ladder come",
)
async def list_entry_pressure(entry_id: str, call: Read) -> PressureOnEntry:
    return await see.pressure_on(call, entry_id)


ROUTERS = [writes, reads]
