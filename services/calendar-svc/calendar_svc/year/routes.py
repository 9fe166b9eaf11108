"""HTTP → queries of the working days and their versions; no rules here."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Header, Path, Query, Response

from calendar_svc.scopes import ReadPublic
from calendar_svc.year import queries as see
from calendar_svc.year.schemas import CalendarView, DaysView, Versions, YearView
from zhengling.kernel.instants import Day, Instant
from zhengling.web.routing import queries

reads = queries("/v1", "calendar")

Year = Annotated[int, Path(ge=1, le=9999)]
AsOf = Annotated[Instant | None, Query(description="as known at that instant")]


@reads.get("/calendar", operation_id="get_calendar", summary="The whole calendar of the caller's government, with ETag")
async def get_calendar(
    call: ReadPublic, response: Response, if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None
) -> CalendarView:
    view = await see.get_calendar(call)
    tag = f'"{hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:32]}"'
    if if_none_match and tag in [part.strip().removeprefix("W/") for part in if_none_match.split(",")]:
        return Response(status_code=304, headers={"ETag": tag})  # type: ignore[return-value]  # no body to describe
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return view


@reads.get("/days", operation_id="list_days", summary="What each day is, why, and by which notice")
async def list_days(
    call: ReadPublic,
    first: Annotated[Day, Query(alias="from")],
    last: Annotated[Day, Query(alias="to")],
    as_of: AsOf = None,
) -> DaysView:
    return await see.list_days(call, first, last, as_of)


@reads.get("/years/{year}", operation_id="get_year", summary="A year of working days of the caller's government")
async def get_year(year: Year, call: ReadPublic, as_of: AsOf = None) -> YearView:
    return await see.get_year(call, year, as_of)


@reads.get(
    "/years/{year}/versions", operation_id="list_year_versions", summary="List the versions of a year, oldest first"
)
async def list_year_versions(year: Year, call: ReadPublic) -> Versions:
    return Versions(items=await see.list_versions(call, year))


ROUTERS = [reads]
