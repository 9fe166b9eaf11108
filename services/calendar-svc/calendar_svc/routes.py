"""HTTP → command or query; no rules here. Deadlines are pure computations, exempt from Idempotency-Key."""

from __future__ import annotations

import hashlib
from typing import Annotated

import orjson
from fastapi import Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from calendar_svc.absence import routes as absence_routes
from calendar_svc.closure import commands as closure_commands
from calendar_svc.closure import queries as closure_queries
from calendar_svc.closure.schemas import ClosureRequest, ClosureView, LiftRequest
from calendar_svc.deadline import queries as deadline_queries
from calendar_svc.deadline.schemas import (
    MAX_BATCH,
    MAX_TRACED,
    DeadlineAnswers,
    DeadlineBatch,
    DeadlineRequest,
    Deadlines,
)
from calendar_svc.notice import commands as notice_commands
from calendar_svc.notice import queries as notice_queries
from calendar_svc.notice.schemas import NoticeRequest, Notices
from calendar_svc.operation import queries as operation_queries
from calendar_svc.operation.schemas import DayChangeView, Operation, Preview
from calendar_svc.year import queries as see
from calendar_svc.year.schemas import CalendarView, DaysView, Versions, YearView
from zhengling.kernel.errors import invalid
from zhengling.kernel.instants import Day, Instant
from zhengling.replicas.due_dates import DueView
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import change, command, commands, queries, query

READ, WRITE, NATIONAL = "calendar:read", "calendar:write", "calendar:national"
Read = Annotated[Call, query(READ)]
Change = Annotated[Call, change(WRITE)]
Year = Annotated[int, Path(ge=1, le=9999)]
AsOf = Annotated[Instant | None, Query(description="as it was known at that instant")]

#: A batch of 100,000 dates is larger than other bodies.
BODY_LIMITS = {"/v1/deadlines": 16 * 1_048_576}
_DEADLINES: TypeAdapter[DeadlineRequest | DeadlineBatch] = TypeAdapter(Deadlines)

#: The body is read as it is, since to model 100,000 items takes longer than to compute them.
DOCUMENTED = (DeadlineRequest, DeadlineBatch)
_BODY = {"anyOf": [{"$ref": f"#/components/schemas/{model.__name__}"} for model in DOCUMENTED]}

writes = commands("/v1", "calendar")
reads = queries("/v1", "calendar")


# Deadlines ----------------------------------------------------------------------------------------------------------


@reads.post(
    "/deadlines",
    operation_id="compute_deadlines",
    summary="One due date, or a batch of up to 100,000 (1,000 with their traces)",
    response_model=DueView | DeadlineAnswers,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}},
)
async def compute_deadlines(
    request: Request,
    call: Read,
    trace: Annotated[bool, Query(description="explain each day by day")] = False,
) -> Response:
    raw = await request.body()
    if not raw:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}])
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestValidationError([], body=raw)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        place = [{"type": "json_invalid", "loc": ("body", error.pos), "msg": str(error), "input": None}]
        raise RequestValidationError(place, body=None) from error
    items = body.get("items") if isinstance(body, dict) and body.keys() == {"items"} else None
    if isinstance(items, list) and 0 < len(items) <= MAX_BATCH and not trace:
        return _json({"items": await deadline_queries.compute_batch(call, items)})
    try:
        asked = _DEADLINES.validate_python(body)
    except ValidationError as error:
        found = [e | {"loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found, body=body) from error
    if isinstance(asked, DeadlineRequest):
        return _json((await deadline_queries.compute_deadlines(call, [asked], with_trace=trace))[0].model_dump())
    if len(asked.items) > MAX_TRACED:
        raise invalid(
            "too_many_traces",
            f"{len(asked.items)} traces were asked for; up to {MAX_TRACED} at a time",
            f"一次最多返回{MAX_TRACED}条计算过程",
            limit=MAX_TRACED,
        )
    answers = await deadline_queries.compute_deadlines(call, asked.items, with_trace=trace)
    return _json({"items": [answer.model_dump() for answer in answers]})


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


# The calendar -------------------------------------------------------------------------------------------------------


@reads.get("/calendar", operation_id="get_calendar", summary="The whole calendar of the caller's government, with ETag")
async def get_calendar(
    call: Read, response: Response, if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None
) -> CalendarView:
    view = await see.get_calendar(call)
    tag = f'"{hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:32]}"'
    if if_none_match and tag in [part.strip().removeprefix("W/") for part in if_none_match.split(",")]:
        return Response(status_code=304, headers={"ETag": tag})  # type: ignore[return-value]  # no body to describe
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return view


@reads.get("/days", operation_id="list_days", summary="What each day is, why, and which notice it rests on")
async def list_days(
    call: Read, first: Annotated[Day, Query(alias="from")], last: Annotated[Day, Query(alias="to")], as_of: AsOf = None
) -> DaysView:
    return await see.list_days(call, first, last, as_of)


@reads.get("/years/{year}", operation_id="get_year", summary="A year of working days of the caller's government")
async def get_year(year: Year, call: Read, as_of: AsOf = None) -> YearView:
    return await see.get_year(call, year, as_of)


@reads.get("/years/{year}/versions", operation_id="list_year_versions", summary="Every version of a year, oldest first")
async def list_year_versions(year: Year, call: Read) -> Versions:
    return Versions(items=await see.list_versions(call, year))


@reads.get("/operations/{operation_id}", operation_id="get_operation", summary="How far a change of the calendar got")
async def get_operation(operation_id: str, call: Read) -> Operation:
    return await operation_queries.get_operation(call, operation_id)


# Notices ------------------------------------------------------------------------------------------------------------


@reads.get("/notices", operation_id="list_notices", summary="The notices that were entered here, as they were stated")
async def list_notices(call: Read, year: Annotated[int | None, Query(ge=1, le=9999)] = None) -> Notices:
    return Notices(items=await notice_queries.list_notices(call, year))


@reads.post("/notices/preview", operation_id="preview_notice", summary="Which days a notice would change")
async def preview_notice(body: NoticeRequest, call: Annotated[Call, query(READ, NATIONAL)]) -> Preview:
    return Preview(days=[DayChangeView.of(day) for day in await notice_commands.preview_notice(call, body)])


@writes.post("/notices", operation_id="enter_notice", status_code=202, summary="Enter a year's holiday notice")
async def enter_notice(
    body: NoticeRequest, call: Annotated[Call, command(WRITE, NATIONAL)], response: Response
) -> Operation:
    return await _accepted(call, await notice_commands.enter_notice(call, body), response)


# Local closures -----------------------------------------------------------------------------------------------------


@reads.get("/closures", operation_id="list_closures", summary="Local closures, also as a change feed")
async def list_closures(call: Read, paging: Paging) -> Page[ClosureView]:
    return await closure_queries.list_closures(call, paging)


@reads.get("/closures/{closure_id}", operation_id="get_closure")
async def get_closure(closure_id: str, call: Read, response: Response) -> ClosureView:
    view = await closure_queries.get_closure(call, closure_id)
    response.headers["ETag"] = etag(view.version)
    return view


@reads.post("/closures/preview", operation_id="preview_closure", summary="Which days a closure would change")
async def preview_closure(body: ClosureRequest, call: Read) -> Preview:
    return Preview(days=[DayChangeView.of(day) for day in await closure_commands.preview_closure(call, body)])


@writes.post("/closures", operation_id="enter_closure", status_code=202, summary="Close the offices of the government")
async def enter_closure(body: ClosureRequest, call: Annotated[Call, command(WRITE)], response: Response) -> Operation:
    closure, operation = await closure_commands.enter_closure(call, body)
    response.headers["ETag"] = etag(closure.version)
    return await _accepted(call, operation, response)


@writes.post(
    "/closures/{closure_id}/lift", operation_id="lift_closure", status_code=202, summary="Open the offices again"
)
async def lift_closure(closure_id: str, body: LiftRequest, call: Change, response: Response) -> Operation:
    closure, operation = await closure_commands.lift_closure(call, closure_id, body)
    response.headers["ETag"] = etag(closure.version)
    return await _accepted(call, operation, response)


async def _accepted(call: Call, operation: str, response: Response) -> Operation:
    response.headers["Location"] = f"/v1/operations/{operation}"
    return await operation_queries.get_operation(call, operation)


ROUTERS = [writes, reads, *absence_routes.ROUTERS]
