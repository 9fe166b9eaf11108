"""HTTP → commands and queries of field research; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from calendar_svc.absence.routes import Create
from calendar_svc.field_research import commands as do
from calendar_svc.field_research import queries as see
from calendar_svc.field_research.field_research import FieldDay
from calendar_svc.field_research.schemas import FieldDayView, FieldResearch, RecordFieldDay, WithdrawFieldDay
from calendar_svc.scopes import Change, Read
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.routing import commands, queries

writes = commands("/v1", "absence")
reads = queries("/v1", "absence")


def _field_day(call: Call, response: Response, day: FieldDay) -> FieldDayView:
    response.headers["ETag"] = etag(day.version)
    call.audit_details["subject"] = f"field_day:{day.id}"
    return FieldDayView.model_validate(day)


@writes.post(
    "/field-research", operation_id="record_field_day", status_code=201, summary="Record a day of field research (调研)"
)
async def record_field_day(body: RecordFieldDay, call: Create, response: Response) -> FieldDayView:
    return _field_day(call, response, await do.record_field_day(call, body))


@writes.post(
    "/field-research/{field_day_id}/withdrawal", operation_id="withdraw_field_day", summary="Withdraw a wrong record"
)
async def withdraw_field_day(
    field_day_id: str, body: WithdrawFieldDay, call: Change, response: Response
) -> FieldDayView:
    return _field_day(call, response, await do.withdraw_field_day(call, field_day_id, body))


@reads.get("/field-research", operation_id="get_field_research", summary="Each leader's year: held and expected so far")
async def get_field_research(call: Read, year: Annotated[int, Query(ge=2010, le=2100)]) -> FieldResearch:
    return await see.get_field_research(call, year)


ROUTERS = [writes, reads]
