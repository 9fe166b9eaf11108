"""Rows that a transaction gathers and writes together: one statement for many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.database.transaction import Writer, state_of


async def write(session: AsyncSession, writer: Writer, rows: list[Any]) -> None:
    """Have `writer` insert the rows: now, or inside `together` with all others of their kind at the block's end."""
    if (gathered := state_of(session).gathered) is None:
        await writer(session, rows)
    else:
        gathered.setdefault(writer, []).extend(rows)


async def read_back(session: AsyncSession, writer: Writer) -> None:
    """Have `writer` insert now what `together` has gathered for it, as the caller is about to read it."""
    if rows := (state_of(session).gathered or {}).pop(writer, None):
        await writer(session, rows)


@asynccontextmanager
async def together(session: AsyncSession) -> AsyncIterator[None]:
    """Inside the block what only records (events, audit, kept deadlines, timers) is gathered and written at its end, one
    statement per kind; nothing of it where the block fails. For one government; who reads such rows inside the block
    asks for them first (`read_back`)."""
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
    """Rows as columns, for a statement that takes each as an array and puts them together with `unnest`."""
    return {name: [row[name] for row in rows] for name in rows[0]}
