"""The cost of an outbox that keeps every row: a relay's pass, an event, a replay and a report, on a large and a small one.

Ours is the large outbox, the baseline a small one on the same PostgreSQL, both through our code; no broker. Rows are as
services leave them: ids in order of time, three events per aggregate, published, some 1 kB each.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

import meeting_svc.app
from bench.pipeline import event_of
from bench.table import Row
from zhengling.backbone import outbox
from zhengling.database.bootstrap import Passwords, bootstrap_database
from zhengling.database.session import Database
from zhengling.events.backbone import Missing
from zhengling.local.postgres import EmbeddedPostgres
from zhengling.service.program import migrate_database

SIZES = tuple(int(n) for n in os.environ.get("BENCH_OUTBOX", "10000,2000000").split(","))
GOVERNMENT, BACKLOG, ROUNDS = "dalian", 500, 25
_FILL = """
    INSERT INTO outbox (event_id, government, lane, topic, aggregate_type, aggregate_id, aggregate_seq, event_type, payload,
                        created_at, published_at)
    SELECT uuidv7(), $1, a.n % 16, 'zhengling.meeting.v1', 'decision', a.id, seq, 'zhengling.meeting.decision.adopted.v1',
           CAST($2 AS jsonb), moment, moment
    FROM (SELECT n, CAST(uuidv7() AS text) AS id, now() - ($5::int - n) * interval '1 second' - interval '1 hour' AS moment
          FROM generate_series($3::int, $4::int) AS n) a,
         generate_series(1, 3) AS seq
"""
_SIZES = "SELECT pg_table_size('outbox') AS rows, pg_indexes_size('outbox') AS indexes"


class Filled:
    """A database with an outbox of `size` published rows."""

    def __init__(self, size: int, server: str, name: str, passwords: Passwords) -> None:
        self.size = size
        host = server.split("@", 1)[1]
        self.admin = f"{server}/{name}"
        self.owner = f"postgresql://{name}_owner:{passwords.owner}@{host}/{name}"
        self.app = Database(f"postgresql://{name}_app:{passwords.app}@{host}/{name}", application="bench")
        self.worker = Database(f"postgresql://{name}_worker:{passwords.worker}@{host}/{name}", application="bench")

    async def fill(self) -> None:
        payload = event_of(GOVERNMENT).model_dump_json()
        connection = await asyncpg.connect(self.admin)
        for first in range(1, self.size // 3 + 1, 50_000):
            last = min(first + 49_999, self.size // 3)
            await connection.execute(_FILL, GOVERNMENT, payload, first, last, self.size // 3)
        await connection.execute("VACUUM ANALYZE outbox")
        await connection.close()

    async def bytes_per_row(self) -> tuple[float, float]:
        connection = await asyncpg.connect(self.admin)
        found = await connection.fetchrow(_SIZES)
        await connection.close()
        return found["rows"] / self.size, found["indexes"] / self.size

    # timed operations -------------------------------------------------------------------------------------------

    async def emit(self) -> None:
        """Emit and commit one event."""
        async with self.app.transaction(GOVERNMENT) as session:
            await outbox.emit(session, event_of(GOVERNMENT))

    async def idle(self) -> None:
        """The relay's query when there is nothing to publish."""
        async with self.worker.autocommit.connect() as connection:
            assert not await outbox.lanes_with_work(connection)

    async def publish(self) -> None:
        """A relay's pass over the unpublished rows, without the broker."""
        async with self.worker.engine.begin() as connection:
            lanes = await outbox.lock_lanes(connection, await outbox.lanes_with_work(connection))
            rows = await outbox.unpublished(connection, lanes, 2 * BACKLOG)
            await outbox.mark_published(connection, [row.pos for row in rows])

    async def backlog(self) -> None:
        async with self.app.transaction(GOVERNMENT) as session:
            await outbox.emit(session, *(event_of(GOVERNMENT) for _ in range(BACKLOG)))

    async def _some(self) -> str:
        connection = await asyncpg.connect(self.admin)
        found: str = await connection.fetchval(
            "SELECT aggregate_id FROM outbox WHERE pos = $1", random.randint(1, self.size // 2)
        )
        await connection.close()
        return found

    async def replay(self, identity: str) -> None:
        """A manual replay of one aggregate: all its events."""
        async with self.app.transaction(GOVERNMENT) as session:
            await outbox.replay(session, datetime(2020, 1, 1, tzinfo=UTC), "decision", identity)

    async def answer(self, identity: str) -> None:
        """A replay of one aggregate as requested by another service."""
        missing = Missing(aggregate_type="decision", aggregate_id=identity, first=1, last=3)
        async with self.worker.transaction(None) as session:
            await outbox.publish_again(session, [missing])

    async def report(self) -> None:
        """The report of the last period: the events of this measurement."""
        async with self.worker.transaction(None) as session:
            now = datetime.now(UTC)
            await outbox.moved(session, now - timedelta(minutes=20), now, 1000)


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def measure(filled: Filled) -> dict[str, float]:
    """Median milliseconds of each operation."""
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, work in (("one event, committed", filled.emit), ("a look that finds nothing", filled.idle)):
            found.setdefault(name, []).append(await timed(work))
            await filled.publish()
        await filled.backlog()
        found.setdefault(f"a relay's pass over {BACKLOG}, unsent", []).append(await timed(filled.publish))
        for name, again in (("replay of one aggregate", filled.replay), ("one aggregate asked for", filled.answer)):
            identity = await filled._some()

            async def ask(again: Callable[[str], Awaitable[None]] = again, identity: str = identity) -> None:
                await again(identity)

            found.setdefault(name, []).append(await timed(ask))
            await filled.publish()
        found.setdefault("what moved lately, for a report", []).append(await timed(filled.report))
    return {name: statistics.median(times) * 1e3 for name, times in found.items()}


@asynccontextmanager
async def databases() -> AsyncIterator[list[Filled]]:
    with TemporaryDirectory(prefix="bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        postgres.start()
        try:
            postgres.wait_ready()
            made = []
            for size in SIZES:
                name, passwords = f"outbox_{size}", Passwords.random()
                await bootstrap_database(postgres.url(), name, passwords)
                made.append(Filled(size, postgres.url().rsplit("/", 1)[0], name, passwords))
                await asyncio.to_thread(migrate_database, meeting_svc.app.PROGRAM.migrations, made[-1].owner, "head")
                await made[-1].fill()
            yield made
            for each in made:
                await each.app.close()
                await each.worker.close()
        finally:
            postgres.stop()


async def run() -> list[Row]:
    async with databases() as (small, large):
        base, ours = await measure(small), await measure(large)
        rows, indexes = await large.bytes_per_row()
    beside = f"{small.size:,} rows"
    found = [Row(f"{name}, {large.size:,} rows", ours[name], "ms", base[name], beside, 2) for name in ours]
    return [*found, Row("a row; its share of the indexes", rows, "bytes", note=f"{indexes:.0f} bytes")]
