"""Scaling: more workers, more stored decisions, and memory over time."""

from __future__ import annotations

import asyncio
import os

from bench.decisions import throughput
from bench.pipeline import Bench, at_once, bench, memory
from bench.table import Row

WORKERS = (1, 2, 4)
SIZES = tuple(int(n) for n in os.environ.get("BENCH_SIZES", "1000,10000,100000").split(","))
SAMPLE = 1000


async def beside_the_floor(parts: Bench, workers: int, what: str) -> Row:
    """Time per decision of both sides, one after the other, with `workers` workers of each service."""
    found: dict[str, float] = {}
    for side in parts.sides:
        await asyncio.to_thread(side.start, workers)
        try:
            await throughput(parts, side, 100)
            found[side.name] = await throughput(parts, side, SAMPLE)
        finally:
            await asyncio.to_thread(side.stop)
    return Row(what, found[parts.ours.name] * 1e3, "ms", found[parts.floor.name] * 1e3, "floor, same workers")


async def fill(parts: Bench, size: int) -> None:
    """Make decisions until there are `size` entries."""
    there = await parts.count(parts.ours)
    await at_once(parts.ours.decide, max(0, size - there))
    await parts.until_entered(parts.ours, size, within=1800)


async def run() -> list[Row]:
    rows: list[Row] = []
    async with bench(workers=max(WORKERS)) as parts:
        for workers in WORKERS:
            rows.append(await beside_the_floor(parts, workers, f"time per decision, {workers} workers of each service"))
        before: dict[str, float] = {}
        after: dict[str, float] = {}
        for size in SIZES:
            await asyncio.to_thread(parts.ours.start)
            try:
                await fill(parts, size // 5)
                before = memory(parts.ours.processes())
                await fill(parts, size)
                after = memory(parts.ours.processes())
            finally:
                await asyncio.to_thread(parts.ours.stop)
            rows.append(await beside_the_floor(parts, 1, f"time per decision, {size:,} in the ledger"))
    hour = f"{size // 5 * 4:,} decisions earlier"
    return rows + [Row(f"memory of {name}", after[name], "MB", before[name], hour, 1.1) for name in after]
