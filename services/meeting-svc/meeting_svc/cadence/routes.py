"""HTTP → query of the cadence; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from meeting_svc.cadence import queries as see
from meeting_svc.cadence.schemas import CadenceView
from meeting_svc.scopes import ReadInOffice
from zhengling.kernel.instants import Day
from zhengling.web.routing import queries

reads = queries("/v1", "planning")


@reads.get("/cadence", operation_id="get_cadence", summary="Meetings held and expected, by kind; warns only")
async def get_cadence(
    call: ReadInOffice, on: Annotated[Day | None, Query(description="the day; by default today")] = None
) -> CadenceView:
    return await see.get_cadence(call, on)


ROUTERS = [reads]
