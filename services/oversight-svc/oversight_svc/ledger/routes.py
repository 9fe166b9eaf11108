"""HTTP → queries of the ledger as a whole; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from oversight_svc.entry.routes import Filters
from oversight_svc.ledger import queries as see
from oversight_svc.ledger.period import period_of
from oversight_svc.ledger.schemas import LedgerNumbers
from oversight_svc.scopes import Read
from zhengling.documents.xlsx import MEDIA_TYPE
from zhengling.kernel.instants import Day, shanghai_day
from zhengling.web.routing import queries

reads = queries("/v1", "oversight")
Since = Annotated[
    Day | None, Query(alias="from", description="the first day of the period; by default 1 January of this year")
]
Until = Annotated[Day | None, Query(alias="to", description="its last day; by default 31 December of that year")]
BINARY = {"schema": {"type": "string", "format": "binary"}}


@reads.get(
    "/entries/numbers",
    operation_id="get_entry_numbers",
    summary="Numbers of the ledger by unit, leader, category, source, state, light and month, of what the caller sees",
)
async def get_entry_numbers(call: Read, wanted: Filters, since: Since = None, until: Until = None) -> LedgerNumbers:
    return await see.get_numbers(call, wanted, period_of(since, until, shanghai_day(call.now)))


@reads.get(
    "/entries.xlsx",
    operation_id="get_entries_workbook",
    summary="The ledger as an Excel workbook, as filtered; at most 10,000 matters",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: BINARY}, "description": "The workbook"}},
)
async def get_entries_workbook(call: Read, wanted: Filters) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="ledger-{shanghai_day(call.now)}.xlsx"'}
    return Response(await see.get_workbook(call, wanted), media_type=MEDIA_TYPE, headers=headers)


ROUTERS = [reads]
