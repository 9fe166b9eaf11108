"""HTTP → commands and queries of the pressure on a matter; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from oversight_svc.pressure import commands as do
from oversight_svc.pressure import queries as see
from oversight_svc.pressure.schemas import Press, PressedView, PressureOnEntry, SupervisedUnits
from oversight_svc.scopes import Change, Read
from zhengling.kernel.instants import Day
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
async def press_entry(entry_id: str, body: Press, call: Change, response: Response) -> PressedView:
    """The answer's ETag is the matter's."""
    entry, done = await do.press(call, entry_id, body)
    response.headers["ETag"] = etag(entry.version)
    return await see.pressed_view(call, done)


@reads.get(
    "/entries/{entry_id}/pressure",
    operation_id="list_entry_pressure",
    summary="What was done to have a matter move, and which rungs of its ladder come",
)
async def list_entry_pressure(entry_id: str, call: Read) -> PressureOnEntry:
    return await see.pressure_on(call, entry_id)


@reads.get(
    "/supervised-units",
    operation_id="list_supervised_units",
    summary="Lead units with who supervised them by hand in a period; first those with several supervisors (多头督查提示)",
)
async def list_supervised_units(
    call: Read,
    since: Annotated[
        Day | None, Query(alias="from", description="first day; by default 29 days before the last")
    ] = None,
    until: Annotated[Day | None, Query(alias="to", description="last day; by default today")] = None,
    unit: Annotated[str | None, Query(max_length=64, description="code of a lead unit")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> SupervisedUnits:
    return await see.supervised_units(call, since, until, unit, limit)


ROUTERS = [writes, reads]
