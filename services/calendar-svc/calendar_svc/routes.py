"""HTTP → query; no rules here. Deadlines are pure computations, exempt from Idempotency-Key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from calendar_svc import absence_routes
from calendar_svc import queries as see
from calendar_svc.schemas import DeadlineAnswers, DeadlineRequest, Deadlines, YearView
from zhengling.due_dates import DueView
from zhengling.service import Call, queries, query

Read = Annotated[Call, query("calendar:read")]
reads = queries("/v1", "calendar")


@reads.post("/deadlines", operation_id="compute_deadlines", summary="One due date, or a batch of them")
async def compute_deadlines(
    body: Deadlines,
    call: Read,
    trace: Annotated[bool, Query(description="explain each day by day")] = False,
) -> DueView | DeadlineAnswers:
    if isinstance(body, DeadlineRequest):
        return (await see.compute_deadlines(call, [body], with_trace=trace))[0]
    return DeadlineAnswers(items=await see.compute_deadlines(call, body.items, with_trace=trace))


@reads.get("/years/{year}", operation_id="get_year", summary="A year of working days of the caller's government")
async def get_year(year: Annotated[int, Path(ge=1, le=9999)], call: Read) -> YearView:
    return await see.get_year(call, year)


ROUTERS = [reads, *absence_routes.ROUTERS]
