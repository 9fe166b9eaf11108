"""The two sides compared by the pipeline's benchmarks, on the same PostgreSQL and the same broker.

Each side's processes are started for a measurement and stopped after it, so that only one side runs at a time. Instants are
PostgreSQL's commit timestamps: of the decision in one database, of the entry in the other.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import uuid4

import asyncpg
import psutil
import sqlalchemy as sa
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from uuid_utils.compat import uuid7

from bench import floor
from zhengling.backbone.outbox import emit
from zhengling.database.session import Database
from zhengling.events.meeting import DecisionAdopted, Resolution, Unit
from zhengling.local.apache_kafka import ApacheKafka
from zhengling.local.broker import Broker, EmbeddedBroker
from zhengling.local.postgres import EmbeddedPostgres
from zhengling.local.processes import ChildProcess
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.vocabulary import Outcome

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ROOT / "deploy" / "apache-kafka" / "target" / "lib"
SERVICES = ("meeting", "oversight", "calendar")
EDITIONS = {path.parent.name: path.name for path in sorted((ROOT / "rulebooks").glob("*/*")) if path.is_dir()}
_DECISION = sa.text("""
    INSERT INTO decision (id, government, version, meeting_id, topic_id, resolution, standing)
    VALUES (:id, :government, 1, 'bench', :id, CAST(:resolution AS jsonb), 'adopted')
""")


async def ask(url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url, timeout=20, command_timeout=300)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
        return rows
    finally:
        await connection.close()


class Side(Protocol):
    """One side: how it writes decisions, and the queries of its instants."""

    name: str

    def start(self, workers: int = 1, services: tuple[str, ...] = SERVICES) -> None: ...
    def stop(self) -> None: ...
    def processes(self) -> list[ChildProcess]: ...
    async def decide(self) -> None: ...
    async def pile_up(self, count: int) -> None: ...
    #: Database and query of the instants at which decisions' events were published, in seconds.
    def published(self) -> tuple[str, str]: ...
    #: Database (`meeting` or `oversight`) and query of the commit timestamps: id, instant in seconds.
    def decided(self) -> tuple[str, str]: ...
    def entered(self) -> tuple[str, str]: ...
    #: Database and query of the count of assigned ledger numbers, which is polled, as its cost doesn't grow with entries.
    def numbered(self) -> tuple[str, str]: ...


def event_of(government: str) -> DecisionAdopted:
    """The event of an adopted decision of signed minutes."""
    identity, moment = str(uuid7()), datetime.now(UTC)  # as meeting-svc names its decisions
    unit = Unit(code="office", name="办公室")
    resolution = Resolution(
        decision_id=identity, topic_id=identity, number=1, title="关于老旧小区供水管网改造的请示", sponsor=unit,
        outcome=Outcome.passed, task="抓紧组织实施，年底前完工", lead=unit,
    )  # fmt: skip
    return DecisionAdopted(
        decision_id=identity, meeting_id="bench", meeting_kind="executive", meeting_title="政府第5次常务会议",
        meeting_clause="DL-24", edition=EDITIONS[government], resolution=resolution, signed_at=moment, recorded_at=moment,
    )  # fmt: skip


class Ours:
    """Zhengling's meeting-svc and oversight-svc: their workers, and decisions committed as by a signature."""

    name = "Zhengling"

    def __init__(self, stack: EmbeddedStack) -> None:
        self.stack = stack
        self._app = Database(stack.database_url("meeting", "app"), application="bench", pool_size=16)
        self._turn = 0

    def processes(self) -> list[ChildProcess]:
        return [process for process in self.stack.processes.values() if process.role == "worker"]

    def start(self, workers: int = 1, services: tuple[str, ...] = SERVICES) -> None:
        """Start `workers` workers of meeting-svc and oversight-svc each, and an idle one of calendar-svc."""
        chosen = [
            process
            for process in self.processes()
            for service, _, n in [process.name.rpartition("-worker-")]
            if service in services and int(n) < (1 if service == "calendar" else workers) and not process.alive
        ]
        for process in chosen:
            process.start()
        for process in chosen:
            process.wait_ready()

    def stop(self) -> None:
        for process in self.processes():
            process.stop()

    async def decide(self) -> None:
        self._turn += 1
        government = list(EDITIONS)[self._turn % len(EDITIONS)]
        event = event_of(government)
        async with self._app.transaction(government) as session:
            resolution = event.resolution.model_dump_json()
            await session.execute(
                _DECISION, {"id": event.decision_id, "government": government, "resolution": resolution}
            )
            await emit(session, event)

    async def pile_up(self, count: int) -> None:
        """Insert decisions and their events, 500 per transaction: a backlog as after an outage."""
        for n in range(0, count, 500):
            government = list(EDITIONS)[n // 500 % len(EDITIONS)]
            events = [event_of(government) for _ in range(min(500, count - n))]
            rows = [
                {"id": event.decision_id, "government": government, "resolution": event.resolution.model_dump_json()}
                for event in events
            ]
            async with self._app.transaction(government) as session:
                await session.execute(_DECISION, rows)
                await emit(session, *events)

    def published(self) -> tuple[str, str]:
        return "meeting", (
            "SELECT extract(epoch FROM published_at)::float8 AS moment FROM outbox WHERE aggregate_type = 'decision'"
        )

    def decided(self) -> tuple[str, str]:
        # a decision's row is updated when its entry is opened; the row of its sequence isn't
        return "meeting", (
            "SELECT aggregate_id AS id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS moment"
            " FROM outbox_sequence WHERE aggregate_type = 'decision'"
        )

    def entered(self) -> tuple[str, str]:
        return "oversight", (
            "SELECT source_id AS id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS moment FROM ledger_entry"
        )

    def numbered(self) -> tuple[str, str]:
        return "oversight", "SELECT count(*) FROM number WHERE series = 'ledger'"

    async def close(self) -> None:
        await self._app.close()


class Floor:
    """Raw SQL and plain aiokafka: `bench.floor`."""

    name = "floor"

    def __init__(self, postgres: EmbeddedPostgres, broker: Broker, folder: Path, pool: asyncpg.Pool) -> None:
        self._postgres, self._broker, self._folder, self._pool = postgres, broker, folder, pool
        self._workers: list[ChildProcess] = []
        self._turn = 0

    def processes(self) -> list[ChildProcess]:
        return self._workers

    def start(self, workers: int = 1, services: tuple[str, ...] = SERVICES) -> None:
        for service in sorted({"meeting", "oversight"} & set(services)):
            for n in range(workers):
                url = self._postgres.url(f"floor_{service}")
                command = [sys.executable, "-m", "bench.floor", service, url, self._broker.bootstrap_servers]
                name = f"floor-{service}-{n}"
                process = ChildProcess(
                    name,
                    [*command, f"{service}-{n}"],
                    self._folder / f"{name}-{uuid4().hex[:6]}.log",
                    os.environ | {"PYTHONPATH": str(ROOT)},
                )
                process.start()
                self._workers.append(process)

    def stop(self) -> None:
        for process in self._workers:
            process.stop()
        self._workers = []

    async def decide(self) -> None:
        self._turn += 1
        event = event_of(list(EDITIONS)[self._turn % len(EDITIONS)])
        async with self._pool.acquire() as connection, connection.transaction():
            await floor.decide(connection, event.decision_id, event.model_dump(mode="json"))

    async def pile_up(self, count: int) -> None:
        for n in range(0, count, 500):
            events = [event_of(list(EDITIONS)[n // 500 % len(EDITIONS)]) for _ in range(min(500, count - n))]
            async with self._pool.acquire() as connection, connection.transaction():
                for event in events:
                    await floor.decide(connection, event.decision_id, event.model_dump(mode="json"))

    def published(self) -> tuple[str, str]:
        return "floor_meeting", "SELECT extract(epoch FROM published_at)::float8 AS moment FROM outbox"

    def decided(self) -> tuple[str, str]:
        return "floor_meeting", (
            "SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS moment FROM decision"
        )

    def entered(self) -> tuple[str, str]:
        return "floor_oversight", (
            "SELECT source_id AS id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS moment FROM entry"
        )

    def numbered(self) -> tuple[str, str]:
        return "floor_oversight", "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM entry_number"


class Bench:
    """PostgreSQL, a broker and the two sides over them."""

    def __init__(self, postgres: EmbeddedPostgres, broker: Broker, ours: Ours, floor_side: Floor) -> None:
        self.postgres, self.broker, self.ours, self.floor = postgres, broker, ours, floor_side

    @property
    def sides(self) -> tuple[Floor, Ours]:
        return self.floor, self.ours

    async def count(self, side: Side) -> int:
        database, statement = side.entered()
        return int((await ask(self.postgres.url(database), f"SELECT count(*) FROM ({statement}) x"))[0][0])

    async def until_entered(self, side: Side, count: int, within: float = 600) -> None:
        """Wait until the ledger has `count` entries in total. Polls the numbers, as counting entries costs more with each."""
        database, statement = side.numbered()
        async with asyncio.timeout(within):
            while int((await ask(self.postgres.url(database), statement))[0][0]) < count:
                await asyncio.sleep(0.1)
            while await self.count(side) < count:  # a sequence isn't rolled back
                await asyncio.sleep(0.1)

    async def moments(self, side: Side) -> tuple[dict[str, float], dict[str, float]]:
        """Id → commit timestamp in seconds, of the decisions and of the entries."""
        answers = []
        for database, statement in (side.decided(), side.entered()):
            rows = await ask(self.postgres.url(database), statement)
            answers.append({row["id"]: row["moment"] for row in rows})
        return answers[0], answers[1]

    async def commits(self, side: Side) -> int:
        """Transactions committed so far in the side's databases."""
        await asyncio.sleep(1.2)  # sessions report their counts at most once per second
        names = [side.decided()[0], side.entered()[0]]
        statement = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = ANY($1)"
        return int((await ask(self.postgres.url(), statement, names))[0][0])


async def at_once(decide: Callable[[], Coroutine[None, None, None]], count: int, concurrency: int = 16) -> None:
    """Make `count` decisions, `concurrency` at a time."""
    left = iter(range(count))

    async def writer() -> None:
        for _ in left:
            await decide()

    async with asyncio.TaskGroup() as writers:
        for _ in range(concurrency):
            writers.create_task(writer())


async def paced(decide: Callable[[], Coroutine[None, None, None]], count: int, per_second: float) -> None:
    """Make `count` decisions at this rate, independent of their duration (open loop)."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as writers:
        for n in range(count):
            await asyncio.sleep(max(0.0, began + n / per_second - loop.time()))
            writers.create_task(decide())


def chosen_broker(folder: Path) -> Broker:
    """Apache Kafka, unless BENCH_BROKER=embedded."""
    return EmbeddedBroker(folder) if os.environ.get("BENCH_BROKER") == "embedded" else ApacheKafka(folder, LIBRARIES)


@asynccontextmanager
async def bench(workers: int = 1) -> AsyncIterator[Bench]:
    """Start everything except the workers of both sides."""
    with TemporaryDirectory(prefix="zhengling-bench-") as name:
        folder = Path(name)
        postgres, broker = EmbeddedPostgres(folder / "postgres"), chosen_broker(folder / "broker")
        try:
            await asyncio.to_thread(postgres.start)
            await asyncio.to_thread(broker.start)
            await asyncio.to_thread(postgres.wait_ready)
            await ask(postgres.url(), "ALTER SYSTEM SET track_commit_timestamp = on")
            await asyncio.to_thread(postgres.stop)
            await asyncio.to_thread(postgres.start)
            await asyncio.to_thread(postgres.wait_ready)
            await asyncio.to_thread(broker.wait_ready)
            await _prepare_floor(postgres, broker)
            stack = EmbeddedStack(
                folder / "stack",
                rulebooks=[ROOT / "rulebooks"],
                services=SERVICES,
                replicas={"api": 0, "worker": workers},
                database_admin_url=postgres.url(),
                kafka_bootstrap_servers=broker.bootstrap_servers,
                environment={**broker.environment, "KAFKA_FETCH_MAX_WAIT_MS": "20"},
            )
            await asyncio.to_thread(stack.start)
            try:
                await _prepare_ours(postgres)
                ours = Ours(stack)
                await asyncio.to_thread(ours.stop)
                async with asyncpg.create_pool(postgres.url("floor_meeting"), min_size=16, max_size=16) as pool:
                    floor_side = Floor(postgres, broker, folder, pool)
                    try:
                        yield Bench(postgres, broker, ours, floor_side)
                    finally:
                        await asyncio.to_thread(floor_side.stop)
                        await ours.close()
            finally:
                await asyncio.to_thread(stack.stop)
        finally:
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(postgres.stop)


async def _prepare_floor(postgres: EmbeddedPostgres, broker: Broker) -> None:
    for service in ("meeting", "oversight"):
        await ask(postgres.url(), f"CREATE DATABASE floor_{service}")
        await ask_all(postgres.url(f"floor_{service}"), floor.TABLES)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, floor.PARTITIONS, 1) for topic in floor.TOPICS.values()])
    await admin.close()


async def _prepare_ours(postgres: EmbeddedPostgres) -> None:
    for name in ("meeting", "topic"):  # these decisions have no meeting and no topic
        await ask(postgres.url("meeting"), f"ALTER TABLE decision DROP CONSTRAINT decision_{name}_id_fkey")
    async with asyncio.timeout(60):  # opening an entry needs the calendar's replica
        while not (await ask(postgres.url("oversight"), "SELECT count(*) FROM calendar_year"))[0][0]:
            await asyncio.sleep(0.2)


async def ask_all(url: str, script: str) -> None:
    """Execute a script of several statements."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


def _processor(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def processor(parts: Bench, side: Side) -> dict[str, float]:
    """Seconds of processor time so far of the workers, the writer, the broker and PostgreSQL."""
    spent = {"writer": _processor(psutil.Process())}
    for process in side.processes():
        name = process.name.removeprefix("floor-").partition("-")[0]
        spent[f"{name} worker"] = spent.get(f"{name} worker", 0.0) + _processor(psutil.Process(process.pid))
    brokers = getattr(parts.broker, "nodes", [parts.broker])
    spent["broker"] = sum(_processor(psutil.Process(broker.pid)) for broker in brokers)
    spent["PostgreSQL"] = sum(map(_processor, psutil.Process(parts.postgres.pid).children()))
    return spent


def memory(processes: list[ChildProcess]) -> dict[str, float]:
    """Resident megabytes of each running process."""
    return {p.name: psutil.Process(p.pid).memory_info().rss / 2**20 for p in processes if p.alive}
