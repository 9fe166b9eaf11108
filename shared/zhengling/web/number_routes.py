"""The register of numbers over the API, the same in every service: as a list, and as an Excel workbook.

No postponed annotations here: FastAPI must resolve dependencies that close over the service's name.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from zhengling.database.numbering import Number, NumberState, number_table
from zhengling.documents.xlsx import MEDIA_TYPE, workbook_of
from zhengling.kernel.errors import Language, Text, invalid
from zhengling.kernel.instants import SHANGHAI
from zhengling.web.call import Call
from zhengling.web.paging import Page, Paging, equal, page_of_all
from zhengling.web.routing import queries, query
from zhengling.web.sight import Sees

#: The maximum number of rows of a workbook: it is held in memory.
MOST_EXPORTED = 20_000
_STATES = {
    NumberState.reserved: Text("reserved", "预留"),
    NumberState.used: Text("used", "已用"),
    NumberState.void: Text("void", "作废"),
}
_TITLE = Text("Numbers", "编号登记簿")
_HEADINGS = (
    Text("Series", "编号序列"), Text("Period", "年度"), Text("n", "序号"), Text("Number", "编号"), Text("Subject", "对象"),
    Text("Id", "对象标识"), Text("State", "状态"), Text("Given by", "给号人"), Text("Given at", "给号时间"),
    Text("Changed by", "变更人"), Text("Changed at", "变更时间"), Text("Reason", "理由"),
)  # fmt: skip
_BINARY = {"schema": {"type": "string", "format": "binary"}}


class NumberView(BaseModel):
    """A number that a series has given. A void one stays taken, with its reason."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    series: Annotated[str, Field(examples=["ledger", "minutes:executive"])]
    period: Annotated[int | None, Field(description="the year; null if the series never begins again")]
    n: int
    text: Annotated[str, Field(description="the number as it is written")]
    subject_noun: Annotated[
        str, Field(description="what carries it: decision (the source of a ledger entry), minutes, …")
    ]
    subject_id: str
    state: NumberState
    given_by: Annotated[str, Field(description="an official, or the event on which it was given")]
    given_at: datetime
    state_by: Annotated[str, Field(description="who brought it into its state")]
    state_at: datetime
    reason: Annotated[str, Field(description="why it is void; else empty")]
    modified_at: datetime


Series = Annotated[str | None, Query(max_length=100, description="such as ledger or minutes:executive")]
Period = Annotated[int | None, Query(ge=1, le=9999, description="the year")]
State = Annotated[NumberState | None, Query()]


def routes(name: str) -> APIRouter:
    """The register of one service."""
    read = f"{name}:read"
    reads = queries("/v1", "numbers")

    @reads.get(
        "/numbers", operation_id="list_numbers", summary="List the numbers that were given, also as a change feed"
    )
    async def list_numbers(
        call: Annotated[Call, query(read, sees=Sees.government)],
        paging: Paging,
        series: Series = None,
        period: Period = None,
        state: State = None,
    ) -> Page[NumberView]:
        filters = equal(Number, series=series, period=period, state=state)
        rows, cursor = await page_of_all(call, Number, paging, *filters)
        return Page(items=[NumberView.model_validate(row) for row in rows], next_cursor=cursor)

    @reads.get(
        "/numbers.xlsx",
        operation_id="get_numbers_workbook",
        summary="The numbers that were given as an Excel workbook, by series, period and number",
        response_class=Response,
        responses={200: {"content": {MEDIA_TYPE: _BINARY}, "description": "The workbook"}},
    )
    async def get_numbers_workbook(
        call: Annotated[Call, query(read, sees=Sees.government)],
        series: Series = None,
        period: Period = None,
        state: State = None,
    ) -> Response:
        table = number_table.c
        statement = sa.select(Number).where(*equal(Number, series=series, period=period, state=state))
        statement = statement.order_by(table.series, table.period, table.n).limit(MOST_EXPORTED + 1)
        found = list((await call.session.execute(statement)).scalars())
        if len(found) > MOST_EXPORTED:
            raise invalid(
                "too_many_numbers",
                f"a workbook has at most {MOST_EXPORTED} numbers; choose a series, a period or a state",
                f"一次最多导出{MOST_EXPORTED}个编号，请按编号序列、年度或状态筛选",
            )
        headings = [heading.in_language(call.language) for heading in _HEADINGS]
        rows = (_cells(each, call.language) for each in found)  # drawn up in the thread
        content = await asyncio.to_thread(workbook_of, _TITLE.in_language(call.language), headings, rows)
        headers = {"Content-Disposition": f'attachment; filename="numbers-{call.service.name}.xlsx"'}
        return Response(content, media_type=MEDIA_TYPE, headers=headers)

    return reads


def _cells(number: Number, language: Language) -> list[Any]:
    return [
        number.series, number.period, number.n, number.text, number.subject_noun, number.subject_id,
        _STATES[NumberState(number.state)].in_language(language), number.given_by, _moment(number.given_at),
        number.state_by, _moment(number.state_at), number.reason,
    ]  # fmt: skip


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
