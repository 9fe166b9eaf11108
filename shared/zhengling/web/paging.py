"""Pages and change feeds: rows ordered by last change, with an opaque cursor."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import orjson
import sqlalchemy as sa
from fastapi import Depends, Query
from pydantic import BaseModel, TypeAdapter
from sqlalchemy.dialects.postgresql import ARRAY

from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import Instant
from zhengling.web.call import Call
from zhengling.web.sight import reader_table, sees_nearly_all, visible

T = TypeVar("T")
V = TypeVar("V")
_CURSOR = TypeAdapter(tuple[Instant, str])


class Page(BaseModel, Generic[T]):
    """Items ordered by last change; `next_cursor` if there are more."""

    items: list[T]
    next_cursor: str | None = None


class PageRequest(BaseModel):
    limit: int
    after: tuple[datetime, str] | None
    modified_since: datetime | None


def _page_request(
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="next_cursor of the previous page")] = None,
    modified_since: Annotated[
        Instant | None,
        Query(description="only items changed since; overlap by two minutes, as transactions may commit late"),
    ] = None,
) -> PageRequest:
    after = None
    if cursor is not None:
        try:
            after = _CURSOR.validate_json(base64.urlsafe_b64decode(cursor.encode()))
        except ValueError as error:
            text = Text("invalid cursor: use next_cursor of a page", "游标无效，请使用上一页返回的游标")
            raise Problem(422, "invalid_cursor", text) from error
    return PageRequest(limit=limit, after=after, modified_since=modified_since)


Paging = Annotated[PageRequest, Depends(_page_request)]


async def page(call: Call, model: type[T], request: PageRequest, *filters: Any) -> tuple[list[T], str | None]:
    """The rows of one page that the caller sees, and the cursor of the next. `model` has the columns `modified_at` and `id`.

    Who sees nearly all finds a page early in the order of the last change; for everybody else the rows are looked up under each
    of the caller's keys, which costs the same however few there are."""
    if sees_nearly_all(call, model):
        return await _page(call, model, request, visible(call, model), *filters)
    return await _page(call, model, request, sa.inspect(model).columns["id"].in_(_seen(call, model, request, *filters)))


async def page_of_all(call: Call, model: type[T], request: PageRequest, *filters: Any) -> tuple[list[T], str | None]:
    """As `page`, for an operation whose whole answer is for the caller, or whose filters say which rows are."""
    return await _page(call, model, request, *filters)


async def _page(call: Call, model: type[T], request: PageRequest, *filters: Any) -> tuple[list[T], str | None]:
    columns = sa.inspect(model).columns
    modified_at, key = columns["modified_at"], columns["id"]
    statement = _cut_out(sa.select(model).where(*filters), request, modified_at, key)
    rows: list[Any] = list((await call.session.execute(statement)).scalars())
    return cut(rows, request.limit, lambda row: (row.modified_at, row.id))


def _cut_out(statement: sa.Select[Any], request: PageRequest, modified_at: Any, key: Any) -> sa.Select[Any]:
    """The part of the statement's rows that the request asks for, and one more."""
    if request.modified_since:
        statement = statement.where(modified_at >= request.modified_since)
    if request.after:
        statement = statement.where(sa.tuple_(modified_at, key) > sa.tuple_(*map(sa.literal, request.after)))
    return statement.order_by(modified_at, key).limit(request.limit + 1)


def _seen(call: Call, model: type[Any], request: PageRequest, *filters: Any) -> sa.Select[Any]:
    """The ids of the page's rows that show themselves to the caller, from the table of readers: as many under each key as the
    page holds, and the first of them all."""
    key, listed = sa.inspect(model).columns["id"], reader_table(model).c
    held = (
        sa.func.unnest(sa.bindparam(None, sorted(call.keys), type_=ARRAY(sa.Text))).table_valued("key").render_derived()
    )
    under = sa.select(listed.modified_at, listed.id).where(listed.reader == held.c.key)
    if filters:
        under = under.where(sa.select(key).where(key == listed.id, *filters).correlate(listed.id.table).exists())
    one = _cut_out(under, request, listed.modified_at, listed.id).lateral()
    every = sa.select(one.c.modified_at, one.c.id).select_from(held.join(one, sa.true())).distinct().subquery()
    first = sa.select(every).order_by(every.c.modified_at, every.c.id).limit(request.limit + 1).subquery()
    return sa.select(first.c.id)


def cut(rows: list[T], limit: int, place: Callable[[T], tuple[datetime, str]]) -> tuple[list[T], str | None]:
    """From rows queried with limit + 1: those of the page, and the cursor of the next. `place` gives a row's sort key."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], _cursor(*place(rows[limit - 1]))


def _cursor_behind(row: Any) -> str:
    return _cursor(row.modified_at, row.id)


def _cursor(moment: datetime, key: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([moment.isoformat(), key])).decode()


def bounds(request: PageRequest) -> dict[str, Any]:
    """The parameters of a textual statement with paging, to be used with `cut`."""
    after, key = request.after or (None, None)
    return {"limit": request.limit + 1, "after": after, "key": key, "since": request.modified_since}


#: The maximum number of rows read for one picked page, and the size of a batch.
MOST_LOOKED_AT, AT_A_TIME = 2000, 200


async def picked(
    call: Call,
    model: type[T],
    request: PageRequest,
    pick: Callable[[list[T]], Awaitable[list[V | None]]],
    *filters: Any,
) -> Page[V]:
    """A page of `pick`'s results, without None: for filters that SQL can't evaluate. Rows are read in batches until the page
    is full or `MOST_LOOKED_AT` rows were read; the cursor is after the last row read, so a page may be short or empty and
    still have a next one."""
    found: list[V] = []
    read = request.model_copy(update={"limit": AT_A_TIME})
    for _ in range(MOST_LOOKED_AT // AT_A_TIME):
        rows, cursor = await page(call, model, read, *filters)
        for at, (row, item) in enumerate(zip(rows, await pick(rows), strict=True)):
            if item is not None:
                found.append(item)
            if len(found) == request.limit:
                more = cursor is not None or at + 1 < len(rows)
                return Page(items=found, next_cursor=_cursor_behind(row) if more else None)
        if cursor is None:
            break
        last: Any = rows[-1]
        read = read.model_copy(update={"after": (last.modified_at, last.id)})
    return Page(items=found, next_cursor=cursor)


def equal(model: type[Any], **wanted: object) -> list[Any]:
    columns = sa.inspect(model).columns
    return [columns[name] == value for name, value in wanted.items() if value is not None]
