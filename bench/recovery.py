"""Draining a backlog: unpublished decisions by the relay, then published ones by the consumer."""

from __future__ import annotations

import asyncio
import os

from bench.pipeline import Bench, Side, ask, bench
from bench.table import Row

BACKLOG = int(os.environ.get("BENCH_BACKLOG", "100000"))
LIMIT = 1800.0  # seconds, as a guard against hanging


async def _until(parts: Bench, database: str, statement: str, count: int) -> None:
    async with asyncio.timeout(LIMIT):
        while int((await ask(parts.postgres.url(database), statement))[0][0]) < count:
            await asyncio.sleep(0.5)


async def drain(parts: Bench, side: Side) -> tuple[float, float]:
    """Seconds per event: of the relay alone, then of the consumer (with the relay of the events it emits)."""
    await asyncio.to_thread(side.start)  # creates topics and groups, and receives the calendar
    await asyncio.sleep(5)
    await asyncio.to_thread(side.stop)
    await side.pile_up(BACKLOG)
    database, statement = side.published()
    await asyncio.to_thread(side.start, 1, ("meeting",))
    await _until(parts, database, f"SELECT count(moment) FROM ({statement}) x", BACKLOG)
    url = parts.postgres.url(database)
    first, last = (await ask(url, f"SELECT min(moment), max(moment) FROM ({statement}) x"))[0]
    await asyncio.to_thread(side.stop)
    await asyncio.to_thread(side.start)
    database, statement = side.entered()
    await _until(parts, database, f"SELECT count(*) FROM ({statement}) x", BACKLOG)
    url = parts.postgres.url(database)
    begin, end = (await ask(url, f"SELECT min(moment), max(moment) FROM ({statement}) x"))[0]
    await asyncio.to_thread(side.stop)
    return (last - first) / BACKLOG, (end - begin) / BACKLOG


async def run() -> list[Row]:
    async with bench() as parts:
        floor = await drain(parts, parts.floor)
        ours = await drain(parts, parts.ours)
    return [
        Row(f"{what}, per event of {BACKLOG:,}", mine * 1e3, "ms", least * 1e3, "floor", note=f"{1 / mine:,.0f}/s")
        for what, mine, least in zip(("relay", "consumer"), ours, floor, strict=True)
    ]
