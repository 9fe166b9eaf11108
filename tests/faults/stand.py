"""The stand that faults are tried on: a stack whose processes die, freeze and come back, and decisions to lose."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.broker import ON_APACHE, chosen_broker
from tests.conftest import ROOT, composition_of
from tests.faults import mutant
from tests.faults.invariants import Books, ask
from tests.faults.links import Links
from tests.faults.rows import FULL
from zhengling.backbone.outbox import emit
from zhengling.database.session import Database, is_outage
from zhengling.events.meeting import CompositionChanged, DecisionAdopted, MinutesSigned, Resolution, Unit
from zhengling.local.apache_kafka import ApacheKafka
from zhengling.local.broker import Broker, EmbeddedBroker
from zhengling.local.postgres import EmbeddedPostgres
from zhengling.local.processes import ServiceProcess, free_port
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.vocabulary import Outcome

T = TypeVar("T")
GOVERNMENTS = {"dalian": "2014-06-28", "xigang": "2023-08-21", "shuangtaizi": "2022-11-02"}
SERVICES = ("meeting", "oversight", "calendar")
#: In every task that a decision gives: nothing but tables and events may hold it.
MARK = "内情-8d1f"
LATER = date(2030, 1, 1)
PATIENCE = 120.0  # seconds without any progress until a wait is given up: longer than the longest backoff
#: What the relay is going to send: what is parked, and what stands behind it, waits for somebody.
_ON_THEIR_WAY = """
    SELECT count(*) FROM outbox o WHERE published_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM outbox parked WHERE parked.aggregate_id = o.aggregate_id AND parked.parked_at IS NOT NULL)
"""
_DECISION = sa.text("""
    INSERT INTO decision (id, government, version, meeting_id, topic_id, resolution, standing)
    VALUES (:id, :government, 1, :meeting, :id, CAST(:resolution AS jsonb), 'adopted')
""")

#: How many of each process a row has unless it says otherwise. The embedded broker takes up to a minute to hand
#: partitions from one member to another: on it there is one worker of each service.
REPLICAS = {
    "meeting-api": 2,
    "meeting-worker": 2,
    "oversight-api": 1,
    "oversight-worker": 2,
    "calendar-api": 1,
    "calendar-worker": 1,
}
#: Which crash point is armed where: all at once, or in two rounds where there is but one worker of each service.
CRASHES: tuple[dict[str, str], ...] = (
    {
        "meeting-api-0": "outbox.emitted",
        "meeting-worker-0": "relay.sent",
        "meeting-worker-1": "relay.marked",
        "oversight-worker-0": "consumer.handling",
        "oversight-worker-1": "consumer.committed",
        "oversight-worker-2": "timer.fired",
        "calendar-worker-0": "consumer.handled",
    },
)
if not ON_APACHE:
    CRASHES = (
        {
            "meeting-api-0": "outbox.emitted",
            "meeting-worker-0": "relay.sent",
            "oversight-worker-0": "consumer.handling",
            "calendar-worker-0": "consumer.handled",
        },
        {
            "meeting-worker-0": "relay.marked",
            "oversight-worker-0": "timer.fired",
            "calendar-worker-0": "consumer.committed",
        },
    )


class LinkedBroker(EmbeddedBroker):
    """The embedded broker, which has but one address to tell its clients: the link's, for all of them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.advertised = free_port()
        self.command[self.command.index("--advertised-listener-url") + 1] = f"tcp://127.0.0.1:{self.advertised}"


class FaultyStack(EmbeddedStack):
    """Each process has a crash point with an empty budget, and a link to each part that it needs, which it takes while
    `linked` says so."""

    def __init__(self, broker: Callable[[Path], Broker] | None = None, environment: Mapping[str, str] | None = None):
        kept = os.environ.get("FAULTS_FOLDER")  # to look into afterwards
        super().__init__(
            Path(tempfile.mkdtemp(prefix="stand-", dir=kept)) if kept else None,
            rulebooks=[ROOT / "rulebooks"],
            services=SERVICES,
            broker=broker or (chosen_broker(links=SERVICES) if ON_APACHE else LinkedBroker),
            environment={"KAFKA_SESSION_TIMEOUT_MS": "3000", "CONSUMER_PATIENCE": "10"} | dict(environment or {}),
            start_within=180,
        )
        self.links = Links(self.folder)
        self.linked = not FULL  # a few decisions a second cost the proxies nothing, and a restart of all is saved

    def _start_servers(self) -> None:
        self._undo.callback(self.links.stop)
        self.links.start()
        self.links.wait_ready()
        assert self.postgres and self.broker
        for service in self.services:
            self.links.open(f"{service}-postgres", free_port(), self.postgres.port)
        if isinstance(self.broker, LinkedBroker):
            self.links.open("services-kafka", self.broker.advertised, self.broker.port)
        elif isinstance(self.broker, ApacheKafka):
            for node in self.broker.nodes:
                for name, listener in node.listeners.items():
                    if listener.advertised != listener.port:
                        self.links.open(f"{name}-kafka-{node.number}", listener.advertised, listener.port)
        self.links.open("clients-api", free_port())
        super()._start_servers()

    def _environment_of(self, service: str, database_role: str, instance: str) -> dict[str, str]:
        env = super()._environment_of(service, database_role, instance) | {
            "CRASH_POINT": CRASHES[0].get(instance, "outbox.emitted"),
            "CRASH_BUDGET": str(self.folder / instance),
        }
        if self.linked:
            url = urlsplit(env["DATABASE_URL"])
            netloc = f"{url.netloc.rpartition(':')[0]}:{self.links.ports[f'{service}-postgres']}"
            env["DATABASE_URL"] = url._replace(netloc=netloc).geturl()
            if isinstance(self.broker, ApacheKafka):
                env["KAFKA_BOOTSTRAP_SERVERS"] = self.broker.bootstrap_for(service)
        return env

    def secrets(self) -> set[str]:
        """What no log, metric or dead letter may hold, beside the tokens of those who call."""
        words = {word for passwords in self._passwords.values() for word in passwords}
        private = (self.folder / "issuer" / "private.json").read_text()
        assert self.postgres
        return words | {urlsplit(self.postgres.url()).password or "", private, MARK}


class Stand:
    """A stack with replicas; whatever dies is started again, as Kubernetes would."""

    def __init__(self, stack: FaultyStack) -> None:
        self.stack = stack
        self.books = Books(stack, stack.secrets())
        self.sound = True  # whether the last test left it so
        self._app = Database(stack.database_url("meeting", "app"), application="faults", pool_size=16)
        self._wanted: dict[str, int] = {name.rpartition("-")[0]: 1 for name in stack.processes}
        self._busy: dict[str, asyncio.Lock] = {}

    # processes ------------------------------------------------------------------------------------------------------

    def process(self, name: str) -> ServiceProcess:
        return self.stack.processes[name]

    def busy(self, name: str) -> asyncio.Lock:
        """Held by whoever is about to kill, freeze or restart this part."""
        return self._busy.setdefault(name, asyncio.Lock())

    def names(self, *kinds: str) -> list[str]:
        """The processes that are wanted now, of these kinds (`meeting-worker`) or of all."""
        return [f"{kind}-{n}" for kind in kinds or self._wanted for n in range(self._wanted[kind])]

    async def scale(self, **replicas: int) -> None:
        """So many of each (`oversight_worker=3`), all others as by default; all are ready afterwards."""
        wanted = REPLICAS | {kind.replace("_", "-"): count for kind, count in replicas.items()}
        self._wanted = {
            kind: 1 if kind.endswith("-worker") and not ON_APACHE else count for kind, count in wanted.items()
        }
        for name in self.names():
            if name not in self.stack.processes:
                service, role, _ = name.split("-")
                self.stack.processes[name] = self.stack._service_process(service, role, name)
        surplus = [process for name, process in self.stack.processes.items() if name not in self.names()]
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in surplus))
        self.restart_the_dead()
        await self.until_ready(*self.names())
        self.stack.links.lead("clients-api", [self.process(name).port for name in self.names("meeting-api")])

    async def relink(self, linked: bool) -> None:
        """Have all processes on links or without, started anew where they weren't so."""
        if self.stack.linked == linked:
            return
        self.stack.linked = linked
        await asyncio.gather(*(asyncio.to_thread(self.process(name).stop) for name in self.names()))
        for name in self.names():
            process = self.process(name)
            kept = {key: (process.env or {})[key] for key in ("HOST", "PORT", "METRICS_PORT", "CRASH_POINT")}
            service, role, _ = name.split("-")
            database_role = "app" if role == "api" else role
            process.env = self.stack._environment_of(service, database_role, name) | kept
        await self.scale(**{kind.replace("-", "_"): count for kind, count in self._wanted.items()})

    async def until_ready(self, *names: str, within: float = 180) -> None:
        async with asyncio.timeout(within):
            for name in names:
                while not await asyncio.to_thread(self.process(name).is_ready):
                    await asyncio.sleep(0.1)

    async def restart(self, name: str, **environment: str) -> None:
        """SIGTERM, wait until it has ended, start it again, with something changed in its environment; it is ready."""
        process = self.process(name)
        async with self.busy(name):
            await asyncio.to_thread(process.stop)
            process.env = dict(process.env or {}) | environment
            process.start()
        await self.until_ready(name)

    def mutate(self, name: str, mutation: str) -> None:
        """Have the worker run with this mutation of `mutant.py` from its next start on."""
        service, role, _ = name.split("-")
        process = self.process(name)
        process.command = [sys.executable, str(Path(mutant.__file__)), mutation, service, role]
        process.env = dict(process.env or {}) | {"PYTHONPATH": str(ROOT), "CRASH_POINT": "consumer.handled"}

    def restart_the_dead(self) -> None:
        for name in self.names():
            if not self.process(name).alive and not self.busy(name).locked():
                self.process(name).start()

    @asynccontextmanager
    async def restarting(self) -> AsyncIterator[None]:
        """Inside the block whatever dies is started again."""

        async def forever() -> None:
            while True:
                self.restart_the_dead()
                await asyncio.sleep(0.2)

        async with during(forever()):
            yield

    async def arm(self, name: str, point: str, kills: int) -> Path:
        """Have a process kill itself so many times at a crash point; returns the file that counts down. The process is
        started anew where another point was in its environment."""
        process = self.process(name)
        budget = Path((process.env or {})["CRASH_BUDGET"])
        if (process.env or {})["CRASH_POINT"] != point:
            await self.restart(name, CRASH_POINT=point)
        budget.write_text(str(kills))
        return budget

    def disarm(self) -> None:
        """Have all live on, also where their test has failed before their budgets were used up."""
        for name in self.stack.processes:
            (self.stack.folder / name).write_text("0")

    # business -------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def shifted(self) -> AsyncIterator[Callable[[timedelta], Coroutine[None, None, None]]]:
        """Gives the hand that moves business time in all services; it is back at the end."""

        async def shift(by: timedelta) -> None:
            for service in self.stack.services:
                await ask(self.stack, service, "UPDATE business_clock SET shift = $1", by)

        try:
            yield shift
        finally:
            await shift(timedelta(0))

    async def decide(
        self,
        meeting: str,
        n: int,
        due: date = LATER,
        *,
        editions: Sequence[str] = (),
        roll_back: bool = False,
        digest: str = "0" * 64,
    ) -> str | None:
        """One transaction of the n-th government's: the minutes' event on an aggregate that others share, and a
        decision with its event. Returns the decision's id, or None where it was to be rolled back. With the database
        away it tries again under another id, as what became of the first nobody knows.

        `editions`: what the decision's events rest on, one each; the one in force unless something else is said. A
        `digest` can be longer than Kafka takes.
        """
        government = list(GOVERNMENTS)[n % len(GOVERNMENTS)]
        while True:
            identity = str(uuid4())
            events = [
                decision_adopted(identity, meeting, edition, due) for edition in editions or [GOVERNMENTS[government]]
            ]
            resolution = events[0].resolution.model_dump_json()
            row = {"id": identity, "government": government, "meeting": meeting, "resolution": resolution}
            try:
                async with self._app.transaction(government) as session:
                    await emit(session, minutes_signed(meeting, identity, digest), *events)
                    await session.execute(_DECISION, row)
                    if roll_back:
                        raise LookupError("rolled back on purpose")
                return identity
            except LookupError:
                return None
            except (DBAPIError, OSError, TimeoutError) as error:
                if not is_outage(error):
                    raise
                await asyncio.sleep(0.05)

    async def decide_many(self, count: int, due: date = LATER, meetings: int = 4) -> list[str]:
        """So many transactions over so many meetings, eight at a time; a tenth more are rolled back. Returns the
        decisions that were committed."""
        numbers, decided, batch = iter(range(count)), [], uuid4().hex[:8]

        async def committer() -> None:
            for n in numbers:
                meeting = n % meetings
                if n % 10 == 9:
                    await self.decide(f"{batch}-{meeting}", meeting, due, roll_back=True)
                if identity := await self.decide(f"{batch}-{meeting}", meeting, due):
                    decided.append(identity)

        await asyncio.gather(*(committer() for _ in range(8)))
        return decided

    async def lose(self, count: int, meetings: int = 4) -> list[str]:
        """So many decisions and a composition, of which the broker loses all that it acknowledged, with every topic and
        offset, while those who would have read them are frozen. Returns the decisions."""
        broker = self.stack.broker
        workers = [self.process(name) for name in self.names("oversight-worker", "calendar-worker")]
        assert broker
        for worker in workers:
            worker.freeze()
        try:
            await asyncio.sleep(
                2.0
            )  # else a fetch that still waits at the broker, 0.5 s at most, would bring them nevertheless
            lost = await self.decide_many(count, meetings=meetings)
            await self.recompose()
            while (await ask(self.stack, "meeting", _ON_THEIR_WAY))[0][0]:
                await asyncio.sleep(0.1)
            await self.books.read_log()
            await asyncio.to_thread(broker.kill)  # an orderly stop would wait for its clients
            await asyncio.to_thread(broker.restart_empty)
            self.books.forget_the_log()
        finally:
            for worker in workers:
                worker.thaw()
        return lost

    @asynccontextmanager
    async def reconciling(self, seconds: float = 2.0) -> AsyncIterator[None]:
        """Inside the block workers report and ask after so many seconds rather than minutes, and who stands still after the
        broker came back without topics is built anew sooner."""
        names = self.names(*(kind for kind in self._wanted if kind.endswith("-worker")))
        before = {name: dict(self.process(name).env or {}) for name in names}
        sooner = {
            "GAP_PATIENCE": str(seconds), "REPORT_INTERVAL": str(seconds), "CONSUMER_PATIENCE": str(2 * seconds),
        }  # fmt: skip
        await asyncio.gather(*(self.restart(name, **sooner) for name in names))
        try:
            yield
        finally:
            for name in names:
                self.process(name).env = before[name]
            await asyncio.gather(*(self.restart(name) for name in names))

    async def recompose(self) -> None:
        """Tell the other services a composition: a snapshot for the calendar's consumer."""
        async with self._app.transaction("dalian") as session:
            await emit(
                session, CompositionChanged(government="dalian", version=1, composition=composition_of("dalian"))
            )

    # waiting --------------------------------------------------------------------------------------------------------

    async def unfinished(self) -> dict[str, int]:
        """What is still under way: decisions without an entry, events unpublished, waiting or dead."""
        adopted = await ask(self.stack, "meeting", "SELECT count(*) FROM decision WHERE standing = 'adopted'")
        found = {"decisions": int(adopted[0][0])}
        for service in self.stack.services:
            rows = await ask(
                self.stack,
                service,
                "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL),"
                " (SELECT count(*) FROM inbox WHERE status IN ('waiting', 'dead')),"
                " (SELECT count(*) FROM inbox)",
            )
            found |= {f"{service} unpublished": rows[0][0], f"{service} not applied": rows[0][1]}
            found[f"{service} received"] = -rows[0][2]  # no work left over, but progress
        return found

    async def in_ledger(self, decisions: Sequence[str]) -> int:
        rows = await ask(
            self.stack,
            "oversight",
            "SELECT count(DISTINCT source_id) FROM ledger_entry WHERE source_id = ANY($1)",
            decisions,
        )
        return int(rows[0][0])

    async def until_composed(self) -> None:
        """Until the calendar's service has the latest composition."""
        latest = "SELECT event_id FROM outbox WHERE aggregate_type = 'government' ORDER BY pos DESC LIMIT 1"
        event: UUID = (await ask(self.stack, "meeting", latest))[0][0]
        received = "SELECT 1 FROM inbox WHERE event_id = $1"
        async for found in looks(lambda: ask(self.stack, "calendar", received, event), PATIENCE):
            if found:
                return

    async def until_in_ledger(self, decisions: Sequence[str], patience: float = PATIENCE) -> None:
        async for count in looks(lambda: self.in_ledger(decisions), patience):
            if count == len(decisions):
                return

    async def until_drained(self, patience: float = PATIENCE) -> None:
        """Until nothing is under way any more; an AssertionError with what is, once nothing moves for so long."""
        async for found in looks(self.unfinished, patience):
            if all(count <= 0 for count in found.values()):
                return

    async def until_settled(self, patience: float = PATIENCE) -> None:
        """Until every invariant holds; an AssertionError with what doesn't, once that stays as it is."""
        await self.until_drained(patience)
        await self.until_ready(*self.names())  # their metrics are looked at too
        async for found in looks(self.books.findings, min(patience, 90.0)):
            if not found:
                return

    async def connect_to(self, postgres: EmbeddedPostgres) -> None:
        """Decide and look on another server from here on."""
        await self._app.close()
        self.stack.postgres = postgres
        self._app = Database(self.stack.database_url("meeting", "app"), application="faults", pool_size=16)

    async def close(self) -> None:
        await self._app.close()


async def looks(look: Callable[[], Awaitable[T]], patience: float) -> AsyncIterator[T]:
    """What `look` finds, again and again; an AssertionError with it once it hasn't changed for `patience` seconds."""
    before, since = None, time.monotonic()
    while True:
        if (now := await look()) != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > patience:
            found = "\n".join(now[:50]) if isinstance(now, list) else now
            raise AssertionError(f"nothing moves any more: {found}")
        yield now
        await asyncio.sleep(0.2)


@asynccontextmanager
async def during(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs the work beside the block and ends it with the block; an error of the work is the block's."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome


def decision_adopted(identity: str, meeting: str, edition: str, due: date) -> DecisionAdopted:
    unit = Unit(code="office", name="办公室")
    moment = datetime.now(UTC)
    return DecisionAdopted(
        decision_id=identity,
        meeting_id=meeting,
        meeting_kind="executive",
        meeting_title="常务会议",
        meeting_clause="XG-1",
        edition=edition,
        resolution=Resolution(
            decision_id=identity, topic_id=identity, number=1, title="关于供水管网的请示", sponsor=unit, outcome=Outcome.passed,
            task=f"抓紧实施（{MARK}）", lead=unit, due=due,
        ),
        signed_at=moment,
        recorded_at=moment,
    )  # fmt: skip


def minutes_signed(meeting: str, identity: str, digest: str) -> MinutesSigned:
    moment = datetime.now(UTC)
    return MinutesSigned(
        meeting_id=meeting,
        minutes_id=identity,
        version=1,
        digest=digest,
        signed_by="head",
        signed_at=moment,
        recorded_at=moment,
    )
