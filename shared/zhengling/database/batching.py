"""Batched inserts: rows gathered during a transaction and inserted with one statement per kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.database.transaction import Writer, state_of


async def write(session: AsyncSession, writer: Writer, rows: list[Any]) -> None:
    """Have `writer` insert the rows: now, or inside `together` with all rows of their kind at the block's end."""
    if (gathered := state_of(session).gathered) is None:
        await writer(session, rows)
    else:
        gathered.setdefault(writer, []).extend(rows)


async def read_back(session: AsyncSession, writer: Writer) -> None:
    """Have `writer` insert now the rows gathered for it by `together`, before the caller reads them."""
    if rows := (state_of(session).gathered or {}).pop(writer, None):
        await writer(session, rows)


@asynccontextmanager
async def together(session: AsyncSession) -> AsyncIterator[None]:
    """Inside the block rows of events, audit, deadlines and timers are gathered and inserted at its end, one statement per
    kind; none if the block fails. For one government; call `read_back` before reading such rows inside the block."""
    gathered: dict[Writer, list[Any]] = {}
    state_of(session).gathered = gathered
    try:
        yield
        await session.flush()
    finally:
        state_of(session).gathered = None
    for writer, rows in gathered.items():
        await writer(session, rows)


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Column name → array of values, for a statement that combines the arrays with `unnest`."""
    return {name: [row[name] for row in rows] for name in rows[0]}
