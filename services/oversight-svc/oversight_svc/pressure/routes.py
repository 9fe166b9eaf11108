"""HTTP → commands and queries of the pressure on a matter; no rules here."""

from __future__ import annotations

from oversight_svc.pressure import commands as do
from oversight_svc.pressure import queries as see
from oversight_svc.pressure.schemas import Press, PressureOnEntry, PressureView
from oversight_svc.scopes import Read, Write
from zhengling.web.routing import commands, queries

writes = commands("/v1", "oversight")
reads = queries("/v1", "oversight")


@writes.post(
    "/entries/{entry_id}/pressure",
    operation_id="press_entry",
    summary="Urge a matter (催办), or record another way of supervision (督办方式)",
    status_code=201,
)
async def press_entry(entry_id: str, body: Press, call: Write) -> PressureView:
    return see.view_of(call, await do.press(call, entry_id, body))


@reads.get(
    "/entries/{entry_id}/pressure",
    operation_id="list_entry_pressure",
    summary="What was done to have a matter move, and which rungs of its ladder come",
)
async def list_entry_pressure(entry_id: str, call: Read) -> PressureOnEntry:
    return await see.pressure_on(call, entry_id)


ROUTERS = [writes, reads]
