"""HTTP → query of deadlines; no rules here. Pure computations, without Idempotency-Key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from calendar_svc.deadline import queries as see
from calendar_svc.deadline.schemas import (
    MAX_BATCH,
    MAX_TRACED,
    DeadlineAnswers,
    DeadlineBatch,
    DeadlineRequest,
    Deadlines,
)
from calendar_svc.scopes import ReadPublic
from zhengling.dates.schemas import DueView
from zhengling.kernel.errors import invalid
from zhengling.service.admission import Admission
from zhengling.web.json_bodies import parse
from zhengling.web.routing import queries

reads = queries("/v1", "calendar")

#: A batch of 100,000 dates is larger than other bodies.
BODY_LIMITS = {"/v1/deadlines": 16 * 1_048_576}
MOST_VALUES = 10 * MAX_BATCH
LARGE = 262_144
_ADMISSION = Admission(at_a_time=2, waiting=8)
_DEADLINES: TypeAdapter[DeadlineRequest | DeadlineBatch] = TypeAdapter(Deadlines)

#: The body is read without models, since validating 100,000 items takes longer than computing them.
DOCUMENTED = (DeadlineRequest, DeadlineBatch)
_BODY = {"anyOf": [{"$ref": f"#/components/schemas/{model.__name__}"} for model in DOCUMENTED]}


async def _admitted(request: Request) -> AsyncIterator[None]:
    """Of large batches two are computed at a time: each takes some hundred megabytes while it is. 503 `busy`."""
    if len(await request.body()) <= LARGE:
        yield
        return
    async with _ADMISSION:
        yield


@reads.post(
    "/deadlines",
    operation_id="compute_deadlines",
    summary="Compute one due date, or a batch of up to 100,000 (1,000 with traces)",
    response_model=DueView | DeadlineAnswers,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}},
)
async def compute_deadlines(
    request: Request,
    admitted: Annotated[None, Depends(_admitted)],  # before the call, which begins the transaction
    call: ReadPublic,
    trace: Annotated[bool, Query(description="explain each due date day by day")] = False,
) -> Response:
    raw = await request.body()  # read before the transaction
    if not raw:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}])
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestValidationError([], body=raw)
    try:
        body = await asyncio.to_thread(parse, raw, MOST_VALUES)
    except json.JSONDecodeError as error:
        place = [{"type": "json_invalid", "loc": ("body", error.pos), "msg": str(error), "input": None}]
        raise RequestValidationError(place, body=None) from error
    items = body.get("items") if isinstance(body, dict) and body.keys() == {"items"} else None
    if isinstance(items, list) and 0 < len(items) <= MAX_BATCH and not trace:
        return _json(await see.compute_batch(call, items))
    if trace and isinstance(items, list) and MAX_TRACED < len(items) <= MAX_BATCH:
        raise invalid(
            "too_many_traces",
            f"{len(items)} traces are requested; at most {MAX_TRACED} are possible at a time",
            f"一次最多返回{MAX_TRACED}条计算过程",
            limit=MAX_TRACED,
        )
    if isinstance(items := body.get("items") if isinstance(body, dict) else None, list) and len(items) > MAX_TRACED:
        if len(items) > MAX_BATCH:
            raise RequestValidationError([_too_long(len(items))], body=None)
        body["items"] = items[:MAX_TRACED]  # other members are wrong: enough to say so, as all findings take seconds
    try:
        asked = await asyncio.to_thread(_DEADLINES.validate_python, body)
    except ValidationError as error:
        found = [e | {"loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found, body=body) from error
    if isinstance(asked, DeadlineRequest):
        return _json(orjson.dumps((await see.compute_deadlines(call, [asked], with_trace=trace))[0].model_dump()))
    answers = await see.compute_deadlines(call, asked.items, with_trace=trace)
    return _json(await asyncio.to_thread(_written, answers))


def _too_long(number: int) -> dict[str, Any]:
    text = f"List should have at most {MAX_BATCH} items after validation, not {number}"
    return {"type": "too_long", "loc": ("body", "items"), "msg": text, "input": None, "ctx": {"max_length": MAX_BATCH}}


def _written(answers: list[DueView]) -> bytes:
    return orjson.dumps({"items": [answer.model_dump() for answer in answers]})


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


ROUTERS = [reads]
