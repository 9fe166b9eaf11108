"""A model check of the backbone: writers, relays, members, retries, reconciliation and operators in any interleaving
that Hypothesis generates, with faults between their steps, over the real code and a real database.

A step runs one actor until it is done, frozen on purpose, or waiting for another actor's lock. After each step the
invariants are checked by plain SQL; at the end all faults are healed, and then no event may be missing, whatever the log
lost, without a replay by hand.
`MODEL_EXAMPLES=500 pytest tests/shared/backbone/test_backbone_model.py` looks longer than the ordinary run.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest
import sqlalchemy as sa
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    RequestTimedOutError,
)
from hypothesis import HealthCheck, Phase, currently_in_test_context, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import ScratchDatabase
from tests.trial import NO_RULEBOOKS, Log
from zhengling.backbone import consumer, inbox, outbox, reconciliation, relay, timers
from zhengling.backbone.consumer import EventConsumer
from zhengling.backbone.inbox import Handlers, Inbox, Received, ignored
from zhengling.backbone.kafka import KafkaSettings, Message, Offsets
from zhengling.backbone.relay import Relay
from zhengling.database.batching import together
from zhengling.database.session import Database, government_of, now
from zhengling.database.transaction import state_of
from zhengling.events.backbone import EventsMissed, SequencesReported
from zhengling.events.catalogue import EVENTS
from zhengling.events.cloudevents import Envelope
from zhengling.events.event import Event, EventKind
from zhengling.kernel.errors import Problem, Text

# --- the events, and what their handlers leave behind


class Counted(Event, type="zhengling.model.thing.counted.v1", aggregate="thing", key="thing_id"):
    """An ordered event; `n` is its writer's own mark, unlike any other's."""

    thing_id: str
    n: int


class Noted(Event, type="zhengling.model.thing.noted.v1", aggregate="thing", key="thing_id"):
    """An ordered event of the same aggregates, in which the consumer has nothing to do."""

    thing_id: str
    n: int


class Changed(
    Event, type="zhengling.model.state.changed.v1", aggregate="state", key="thing_id", kind=EventKind.snapshot
):
    """A snapshot: the latest wins."""

    thing_id: str
    n: int


class Echoed(Event, type="zhengling.model.series.echoed.v1", aggregate="series", key="series_id"):
    """What the handler of `Counted` emits: one series per government, so that members meet at its lock."""

    series_id: str
    n: int


MODEL_EVENTS = {cls.type: cls for cls in (Counted, Noted, Changed, Echoed)}
SOURCE = "/zhengling/model-svc"
#: Where each aggregate belongs. j and s share a lane, and so do a and xigang's series.
GOVERNMENTS = {"a": "dalian", "j": "dalian", "b": "xigang", "s": "dalian", "t": "xigang"}
WRITES: dict[str, Callable[[int], Event]] = {
    "a": lambda n: Counted(thing_id="a", n=n),
    "j": lambda n: Counted(thing_id="j", n=n),
    "b": lambda n: Counted(thing_id="b", n=n),
    "a noted": lambda n: Noted(thing_id="a", n=n),
    "s": lambda n: Changed(thing_id="s", n=n),
    "t": lambda n: Changed(thing_id="t", n=n),
}
OWN = (SequencesReported, EventsMissed)  # what the backbone's own events are
PARTITIONS = [TopicPartition(cls.kafka_topic(), part) for cls in (Counted, Changed, *OWN) for part in (0, 1)]
OF_THE_BACKBONE = {cls.kafka_topic() for cls in OWN}
PATIENCE = 50.0  # seconds, of the model's clock
NOWHERE = KafkaSettings(bootstrap_servers="127.0.0.1:1")

#: The model's own clock stands in for PostgreSQL's, so that a backoff is over when a step says so and not before.
TABLES = """
    CREATE TABLE model_change (mark bigint NOT NULL, government text NOT NULL);
    CREATE TABLE model_effect (
        pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        government text NOT NULL, event_id uuid NOT NULL, aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        aggregate_seq bigint NOT NULL, mark bigint NOT NULL
    );
    CREATE TABLE model_ring (at timestamptz NOT NULL);
    CREATE TABLE model_subject (only_row boolean PRIMARY KEY DEFAULT true);
    INSERT INTO model_subject DEFAULT VALUES;
    CREATE TABLE model_clock (moment timestamptz NOT NULL);
    INSERT INTO model_clock VALUES (pg_catalog.clock_timestamp());
    CREATE SEQUENCE model_tick;
    CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS $$SELECT moment + nextval('public.model_tick') * interval '1 microsecond' FROM public.model_clock$$;
    ALTER TABLE outbox ALTER created_at SET DEFAULT public.clock_timestamp();
    GRANT SELECT, INSERT ON model_change, model_effect, model_ring TO $app, $worker;
    GRANT SELECT, UPDATE ON model_subject TO $app, $worker;
    GRANT SELECT ON model_clock TO $app, $worker;
    GRANT USAGE ON model_tick TO $app, $worker;
"""
SETTINGS = """
    ALTER DATABASE "{name}" SET search_path = public, pg_catalog;
    ALTER DATABASE "{name}" SET synchronous_commit = off;
    ALTER DATABASE "{name}" SET deadlock_timeout = '30ms';
"""
EMPTY = """
    DELETE FROM outbox; DELETE FROM outbox_sequence; DELETE FROM inbox; DELETE FROM inbox_cursor; DELETE FROM poison;
    DELETE FROM missing_event; DELETE FROM timer; DELETE FROM audit;
    DELETE FROM model_change; DELETE FROM model_effect; DELETE FROM model_ring;
    UPDATE business_clock SET shift = '0';
    UPDATE model_clock SET moment = pg_catalog.clock_timestamp();
    UPDATE reconciliation SET reported_until = 'epoch', reported_at = 'epoch', sent_at = pg_catalog.clock_timestamp();
"""
AHEAD = "SELECT EXISTS (SELECT 1 FROM timer WHERE state = 'pending' AND due_at > business_now())"
EVERYTHING = """
    SELECT json_build_object(
        'changes', (SELECT json_agg(mark) FROM model_change),
        'outbox', (SELECT json_agg(o ORDER BY aggregate_seq) FROM (
            SELECT event_id, government, aggregate_type, aggregate_id, aggregate_seq, event_type, published_at, parked_at,
                   created_at, causation_id, CAST(payload->>'n' AS bigint) AS mark
            FROM outbox WHERE topic NOT LIKE 'zhengling.backbone.%') o),
        'inbox', (SELECT json_agg(i ORDER BY aggregate_type, aggregate_id, aggregate_seq, topic, part, koffset) FROM (
            SELECT event_id, government, aggregate_type, aggregate_id, aggregate_seq, status, last_error, collides_with,
                   attempts, envelope IS NOT NULL AS kept, topic, part, koffset
            FROM inbox WHERE topic NOT LIKE 'zhengling.backbone.%') i),
        'cursor', (SELECT json_agg(c) FROM inbox_cursor c WHERE aggregate_type NOT IN ('report', 'request')),
        'effects', (SELECT json_agg(e ORDER BY pos) FROM model_effect e),
        'audit', (SELECT json_agg(json_build_array(actor, government)) FROM audit
                  WHERE action NOT IN ('on_sequences_reported', 'on_events_missed')),
        'poison', (SELECT json_agg(convert_from(raw, 'UTF8')) FROM poison),
        'timers', (SELECT json_agg(t) FROM timer t),
        'rings', (SELECT json_agg(r) FROM model_ring r))
"""
#: Who waits for whose lock, by the names that the connections carry.
WAITING = """
    SELECT waiter.application_name, holder.application_name
    FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) ungranted
    JOIN pg_stat_activity waiter USING (pid)
    CROSS JOIN LATERAL unnest(pg_blocking_pids(waiter.pid)) blocking
    LEFT JOIN pg_stat_activity holder ON holder.pid = blocking
    WHERE waiter.datname = current_database()
"""
CUT = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = '{name}'
"""
_EFFECT = sa.text("""
    INSERT INTO model_effect (government, event_id, aggregate_type, aggregate_id, aggregate_seq, mark)
    VALUES (:government, :event_id, :aggregate_type, :aggregate_id, :aggregate_seq, :mark)
""")

Row = dict[str, Any]
Place = tuple[str, str]


class Violation(AssertionError):
    """The backbone violated an invariant."""


class Crash(BaseException):
    """The end of a process at this point, as SIGKILL has it: its transaction is rolled back, and nothing is handled."""


class Refusal(Exception):
    """An error that makes a command roll back."""


class Trouble(Exception):
    """A transient error of a handler."""


# --- actors: tasks that can be frozen, killed, cut off from their database, and made to wait for one another


@dataclass
class Actor:
    """One process' part: a task over a database connection of its own."""

    name: str
    database: Database
    world: World
    task: asyncio.Task[object] | None = None
    fault: str = ""
    countdown: int = 0
    gate: asyncio.Future[object] | None = None
    cut: bool = False

    @property
    def busy(self) -> bool:
        """Under way: neither done nor stopped at a gate. It may wait for a lock."""
        return self.task is not None and not self.task.done() and self.gate is None

    @property
    def idle(self) -> bool:
        return self.task is None

    def start(self, work: Coroutine[Any, Any, object], fault: str = "", at: int = 1) -> None:
        self.fault, self.countdown, self.cut = fault, at, False
        context = contextvars.copy_context()
        context.run(ACTOR.set, self)
        self.task = asyncio.get_running_loop().create_task(work, context=context)
        self.task.add_done_callback(lambda _: self.world.moved.set())

    def meets(self, fault: str) -> bool:
        """Whether this is where the step's fault strikes; it does so once."""
        if self.fault != fault:
            return False
        self.countdown -= 1
        if self.countdown:
            return False
        self.fault = ""
        return True

    async def stop(self) -> object:
        """Stand still until somebody says how to go on. Returns that order."""
        self.gate = asyncio.get_running_loop().create_future()
        self.world.moved.set()
        return await self.gate

    async def may_freeze(self, place: str) -> None:
        if self.meets(f"freezes {place}"):
            order = await self.stop()
            if order == "die":
                raise Crash(f"{self.name} while frozen {place}")

    def go(self, order: object = None) -> None:
        assert self.gate
        gate, self.gate = self.gate, None
        gate.set_result(order)


ACTOR: contextvars.ContextVar[Actor] = contextvars.ContextVar("actor")


def trace(what: str) -> None:
    """Say what a step led to, beside the steps that Hypothesis prints for a counterexample."""
    (note if currently_in_test_context() else print)(f"    {what}")


def crash_point(name: str) -> None:
    actor = ACTOR.get(None)
    if actor and actor.meets(f"crashes at {name}"):
        raise Crash(name)


class World:
    """What outlives an example: the loop, the database, and the actors' connections."""

    def __init__(self, scratch: ScratchDatabase) -> None:
        self.scratch = scratch
        self.loop = asyncio.new_event_loop()
        self.databases: dict[str, Database] = {}
        self.emit = outbox.emit
        self.spying = asyncio.Lock()
        self.moved = asyncio.Event()
        self.run(self._connect())

    async def _connect(self) -> None:
        self.admin = await asyncpg.connect(self.scratch.admin, timeout=10, command_timeout=30)
        await self.admin.execute(SETTINGS.format(name=self.scratch.name))
        self.spy = await asyncpg.connect(self.scratch.admin, timeout=10, command_timeout=30)

    def run(self, work: Awaitable[Any], within: float = 60.0) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, within))

    def actor(self, name: str, role: str = "worker") -> Actor:
        if name not in self.databases:
            self.databases[name] = Database(getattr(self.scratch, role), application=name, pool_size=2)
        return Actor(name, self.databases[name], self)

    async def look(self, statement: str, *values: object) -> list[asyncpg.Record]:
        async with self.spying:
            found: list[asyncpg.Record] = await self.spy.fetch(statement, *values)
            return found

    def close(self) -> None:
        async def close() -> None:
            for database in self.databases.values():
                await database.close()
            await self.admin.close(timeout=5)
            await self.spy.close(timeout=5)

        self.run(close())
        self.loop.close()


# --- the log in Kafka's place


@dataclass(frozen=True)
class Sent:
    """One record as it came into the log, whatever became of the log since."""

    place: Place
    sequence: int
    event_id: str
    mark: int


class ModelLog(Log):
    """A log that remembers everything it ever took, and that may lose its tail."""

    def __init__(self) -> None:
        super().__init__(partitions=2)
        self.history: list[Sent] = []
        self.taken = 0

    def append(self, message: Message) -> None:
        super().append(message)
        self.taken += 1
        if message.topic in OF_THE_BACKBONE:
            return
        with suppress(ValueError):
            found = orjson.loads(message.value)
            place = (found["aggregatetype"], found["subject"])
            self.history.append(Sent(place, int(found["sequence"]), found["id"], found["data"]["n"]))


class ModelProducer:
    """In the place of `zhengling.kafka.Producer`; what goes wrong is the acting relay's fault of this step."""

    def __init__(self, log: ModelLog, actor: Actor) -> None:
        self.log, self.actor = log, actor

    async def ready(self) -> None:
        if self.actor.meets("finds no broker"):
            raise KafkaConnectionError

    async def send(self, messages: list[Message]) -> list[BaseException | None]:
        await self.ready()
        await self.actor.may_freeze("before the broker")
        outcomes = [self._take(message) for message in messages]
        await self.actor.may_freeze("after the broker")
        return outcomes

    def _take(self, message: Message) -> BaseException | None:
        outcome: BaseException | None = None
        if self.actor.meets("has one refused"):
            outcome = NotEnoughReplicasError()
        elif self.actor.meets("has one too large"):
            outcome = MessageSizeTooLargeError()
        else:
            self.log.append(message)
            if self.actor.meets("misses an acknowledgement"):
                outcome = RequestTimedOutError()
        return outcome

    async def close(self) -> None:
        pass


class ModelConsumer:
    """In the place of `zhengling.kafka.Consumer`. A member believes to own every partition, whoever else does so too;
    it reads on from where it is, and starts from the committed offsets only when it is built."""

    def __init__(self, machine: Backbone, actor: Actor) -> None:
        self.machine, self.actor = machine, actor
        self.position = dict(machine.log.committed)
        self.taken: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = {}

    def take(self, partition: TopicPartition, most: int) -> list[ConsumerRecord[bytes, bytes]]:
        records = self.machine.log.records[partition]
        begin = self.position.get(partition, 0)
        if begin > len(records):
            begin = 0  # out of range: from the earliest on
        batch = records[begin : begin + most]
        self.position[partition] = begin + len(batch)
        self.taken[partition] = batch
        return batch

    def assigned(self) -> set[TopicPartition]:
        return set(PARTITIONS)

    async def commit(self, offsets: Offsets) -> None:
        """Whoever comes late may set the group back; what must not be is an offset ahead of the database."""
        await self.actor.may_freeze("before the offsets")
        for partition, offset in offsets.items():
            for record in self.taken[partition]:
                if record.offset < offset:
                    await self._must_be_kept(record)
        if self.actor.meets("can't commit its offsets"):
            raise CommitFailedError
        log = self.machine.log
        log.committed |= offsets
        if any(offset > len(log.records[partition]) for partition, offset in offsets.items()):
            self.machine.suspect()  # what comes into the log next will be passed over

    async def _must_be_kept(self, record: ConsumerRecord[bytes, bytes]) -> None:
        identity = dict(record.headers).get("ce_id", b"").decode()
        if identity:
            kept = await self.actor.world.look("SELECT 1 FROM inbox WHERE event_id = $1", identity)
        else:
            kept = await self.actor.world.look("SELECT 1 FROM poison WHERE raw = $1", record.value)
        if not kept:
            raise Violation(f"an offset was committed ahead of the database, which hasn't got {record}")


# --- the machine


@dataclass
class Member:
    actor: Actor
    client: ModelConsumer
    core: EventConsumer


@dataclass
class Stumble:
    """How the handler of one event fails, and how often before it no longer does."""

    kind: str
    times: int

    async def happen(self, session: AsyncSession) -> None:
        if self.times == 0:
            return
        self.times -= 1
        if self.kind == "a statement fails":
            await session.execute(sa.text("SELECT 1 / 0 AS trouble"))
        if self.kind == "the rules refuse":
            raise Problem(409, "trouble", Text("trouble", "trouble"))
        if self.kind == "not there yet":
            raise Problem(503, "trouble", Text("trouble", "trouble"))
        if self.kind == "the database goes away":
            raise InterfaceError("trouble: connection is closed", None, Exception())
        raise Trouble("trouble")


ANY = 0  # in a sequence number's place
STUMBLES = ("it passes", "a statement fails", "the rules refuse", "not there yet", "the database goes away")
RELAY_FAULTS = (
    "", "", "freezes before the broker", "freezes after the broker", "crashes at relay.sent",
    "crashes at relay.marked", "has one refused", "has one refused", "has one too large", "misses an acknowledgement",
    "finds no broker",
)  # fmt: skip
MEMBER_FAULTS = (
    "", "", "freezes while handling", "freezes before the offsets", "crashes at consumer.handling",
    "crashes at consumer.handled", "crashes at consumer.committed", "crashes at outbox.emitted",
    "can't commit its offsets",
)  # fmt: skip
DRAIN_FAULTS = ("", "", "freezes while handling", "crashes at consumer.handling", "crashes at outbox.emitted")
TIMER_FAULTS = ("", "", "freezes while handling", "freezes before its commit", "crashes at timer.fired", "stumbles")
RECONCILIATION_FAULTS = ("", "", "freezes before its commit", "crashes at outbox.emitted")
OPERATOR_FAULTS = ("", "", "freezes before its commit")
WRITER_ORDERS = ("emit", "emit", "commit", "commit", "roll back", "crashes at outbox.emitted")
AT = st.sampled_from((1, 1, 2, 3))
ENDS = st.sampled_from(("", "", "cut", "die"))
SOME_PARTITIONS = st.sets(st.integers(0, len(PARTITIONS) - 1), min_size=1)
EVENTS_BEFORE = st.lists(st.sampled_from(sorted(WRITES)), max_size=4)


class Backbone(RuleBasedStateMachine):
    """One example: actors, a log, and what the model itself knows about what was done."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.log = ModelLog()
        self.marks = 0
        self.stumbles: dict[tuple[str, str, int], Stumble] = {}
        self.strangers: dict[str, str] = {}
        self.rubbish: Counter[str] = Counter()
        self.discarded: set[str] = set()
        self.opened: set[str] = set()  # writers that have written something and not ended their transaction
        self.suspects: set[str] = set()
        self.lost = False
        self.found: dict[str, list[Any]] = {}
        self.handlers: Handlers = {
            Counted: self.on_event,
            Changed: self.on_event,
            Echoed: self.on_event,
            Noted: ignored,
            **reconciliation.HANDLERS,
        }
        self.inbox = Inbox("model", self.handlers, NO_RULEBOOKS)
        self.writers = [world.actor(f"writer {n}", "app") for n in range(4)]
        self.relays = [world.actor(f"relay {n}") for n in range(4)]
        self.cores = [Relay(each.database, ModelProducer(self.log, each), "model") for each in self.relays]  # type: ignore[arg-type]
        self.members = [self._member(world.actor(f"member {n}")) for n in range(3)]
        self.drainers = [world.actor(f"retries {n}") for n in range(2)]
        self.operators = [world.actor(f"operator {n}", "app") for n in range(2)]
        self.bells = [world.actor(f"timers {n}") for n in range(2)]
        self.reconcilers = [world.actor(f"reconciliation {n}") for n in range(2)]
        self.actors = [
            *self.writers,
            *self.relays,
            *(each.actor for each in self.members),
            *self.drainers,
            *self.operators,
            *self.bells,
            *self.reconcilers,
        ]
        world.run(world.admin.execute(EMPTY))

    def _member(self, actor: Actor) -> Member:
        core = EventConsumer(actor.database, self.inbox, NOWHERE, "0", sorted(self.inbox.topics))
        return Member(actor, ModelConsumer(self, actor), core)

    def suspect(self) -> None:
        """The log may lack something that the outbox holds for published, until a replay."""
        self.suspects = set(GOVERNMENTS.values())
        self.lost = True

    # --- what the actors do

    async def on_event(self, session: AsyncSession, event: Event, received: Received) -> None:
        assert isinstance(event, (Counted, Changed, Echoed))
        effect = {
            "government": government_of(session), "event_id": received.event_id, "aggregate_type": event.aggregate,
            "aggregate_id": event.aggregate_id, "aggregate_seq": received.sequence, "mark": event.n,
        }  # fmt: skip
        await session.execute(_EFFECT, effect)
        if isinstance(event, Counted):
            await self.world.emit(session, Echoed(series_id=received.government, n=event.n))
        await ACTOR.get().may_freeze("while handling")
        for number in (received.sequence, ANY):
            if stumble := self.stumbles.get((event.aggregate, event.aggregate_id, number)):
                await stumble.happen(session)

    async def _write(self, actor: Actor, government: str) -> None:
        async with actor.database.transaction(government) as session:
            while True:
                order = await actor.stop()
                if order == "commit":
                    return
                if order == "die":
                    raise Crash(actor.name)
                if order == "roll back":
                    raise Refusal
                assert isinstance(order, list)
                async with together(session) if len(order) > 1 else nullcontext():
                    for name in order:
                        if GOVERNMENTS[name[0]] == government:
                            await self._change(session, name)

    async def _change(self, session: AsyncSession, name: str) -> None:
        """A change and its event, in the caller's transaction."""
        self.marks += 1
        mark = self.marks
        await session.execute(
            sa.text("INSERT INTO model_change (mark, government) VALUES (:mark, :government)"),
            {"mark": mark, "government": government_of(session)},
        )
        await self.world.emit(session, WRITES[name](mark))

    async def _nothing(self) -> None:
        pass

    async def _drain(self, actor: Actor) -> bool:
        async with actor.database.transaction(None) as session:
            return await self.inbox.drain_blocked(session)

    async def _reconcile(self, actor: Actor) -> bool:
        async with actor.database.transaction(None) as session:
            more = await reconciliation.reconcile(session, "model", patience=PATIENCE, interval=PATIENCE, behind=0.0)
            await actor.may_freeze("before its commit")
            return more

    async def _replay(self, actor: Actor, government: str, aggregate: str | None, skipped: int) -> None:
        async with actor.database.transaction(government) as session:
            kind = None if aggregate is None else WRITES[aggregate](0).aggregate
            moments = sorted(datetime.fromisoformat(row["created_at"]) for row in self.found.get("outbox", []))
            since = moments[skipped] if 0 < skipped < len(moments) else datetime.now(UTC) - timedelta(days=1)
            await outbox.replay(session, since, kind, aggregate)
            await actor.may_freeze("before its commit")
        if (
            aggregate is None
            and not skipped
            and all(
                self.log.committed[partition] <= len(records)
                and all(each.client.position.get(partition, 0) <= len(records) for each in self.members)
                for partition, records in self.log.records.items()
            )
        ):
            self.suspects.discard(government)

    async def _schedule(self, actor: Actor, hours: int) -> None:
        async with actor.database.transaction("dalian") as session:
            await session.execute(sa.text("SELECT 1 FROM model_subject FOR UPDATE"))
            await timers.schedule(session, "ring", {"bell": now(session) + timedelta(hours=hours)})
            await actor.may_freeze("before its commit")

    async def on_ring(self, session: AsyncSession, subject: str) -> None:
        await session.execute(sa.text("SELECT 1 FROM model_subject FOR UPDATE"))
        await session.execute(sa.text("INSERT INTO model_ring (at) VALUES (business_now())"))
        await ACTOR.get().may_freeze("while handling")
        if ACTOR.get().meets("stumbles"):
            raise Trouble("trouble")

    async def _fire(self, actor: Actor) -> bool:
        async with actor.database.transaction(None) as session:
            return await timers.fire_next(session, {"ring": self.on_ring})

    async def _operate(self, actor: Actor, row: Row, action: str) -> None:
        """What the operations' routes do, in their own order: lock the row, look at it, change it."""
        async with actor.database.transaction(row["government"]) as session:
            event = {"event_id": row["event_id"]}
            locked = await session.execute(sa.text("SELECT * FROM inbox WHERE event_id = :event_id FOR UPDATE"), event)
            found = locked.mappings().one()
            if found["status"] not in ("waiting", "dead"):
                return
            if action == "discard":
                await session.execute(
                    sa.text("UPDATE inbox SET status = 'discarded' WHERE event_id = :event_id"), event
                )
            elif found["collides_with"] is None:
                await session.execute(
                    sa.text("""
                        UPDATE inbox SET status = 'waiting', attempts = 0, next_attempt_at = clock_timestamp()
                        WHERE event_id = :event_id
                    """),
                    event,
                )
            await actor.may_freeze("before its commit")
        if action == "discard":
            self.discarded.add(row["event_id"])

    # --- letting them go on

    def settle(self) -> None:
        self.world.run(self._settle())

    async def _settle(self) -> None:
        """Until every actor is done, frozen, or waits for a lock that a frozen one has."""
        while busy := {each.name for each in self.actors if each.busy}:
            self.world.moved.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.world.moved.wait(), 0.01)
                continue
            held = await self.world.admin.fetch(WAITING)
            holders: dict[str, set[str]] = defaultdict(set)
            for waiter, holder in held:
                holders[waiter].add(holder)
            if set(holders) >= busy and not self._in_a_circle(holders):
                return
        for each in self.actors:
            if each.task and each.task.done():
                await self._finish(each)

    @staticmethod
    def _in_a_circle(holders: dict[str, set[str]]) -> bool:
        """Whether some wait for one another: the server will choose one of them as its victim."""
        for start in holders:
            reached, ahead = set(), [start]
            while ahead:
                for holder in holders.get(ahead.pop(), ()):
                    if holder == start:
                        return True
                    if holder not in reached:
                        reached.add(holder)
                        ahead.append(holder)
        return False

    async def _finish(self, actor: Actor) -> None:
        task, actor.task = actor.task, None
        assert task
        error = task.exception()
        outcome = repr(error)[:150] if error else f"done, {task.result()}"
        trace(f"{actor.name}: {outcome}")
        for each in self.members:
            if each.actor is actor and error:
                each.client = ModelConsumer(self, actor)
        if actor.cut:
            await actor.database.engine.dispose()
        if error and not self._known(actor, error):
            raise Violation(f"{actor.name} failed") from error

    @staticmethod
    def _known(actor: Actor, error: BaseException) -> bool:
        if isinstance(error, (Crash, Refusal, KafkaError)):
            return True
        if isinstance(error, InterfaceError) and "trouble" in str(error):
            return True
        if actor.cut and isinstance(error, (DBAPIError, OSError)):
            return True
        return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == "40P01"

    def _step(
        self, actor: Actor, work: Callable[[], Coroutine[Any, Any, object]], fault: str = "", at: int = 1, end: str = ""
    ) -> None:
        """Begin this work; or, where the actor is frozen, have it go on with what it was at: as if nothing had been,
        without the database connection that it had ("cut"), or not at all ("die")."""

        async def go() -> None:
            if actor.idle:
                actor.start(work(), fault, at)
            elif actor.gate is not None:
                if end == "cut":
                    actor.cut = True
                    await self.world.admin.execute(CUT.format(name=actor.name))
                actor.go(end)
            await self._settle()

        self.world.run(go())

    # --- steps

    @rule(
        which=st.integers(0, 2), order=st.sampled_from(WRITER_ORDERS),
        events=st.lists(st.sampled_from(sorted(WRITES)), min_size=1, max_size=3),
    )  # fmt: skip
    def writer(self, which: int, order: str, events: list[str]) -> None:
        self.write(which, order, events)

    def write(self, which: int, order: str, events: list[str]) -> None:
        actor = self.writers[which]

        async def go() -> None:
            if actor.idle:
                actor.start(self._write(actor, GOVERNMENTS[events[0][0]]))
                await self._settle()
            elif actor.gate is None:
                return  # it waits for another writer's lock
            if order.startswith("crashes"):
                actor.fault, actor.countdown = order, len(events)
            if order not in ("commit", "roll back") or actor.name not in self.opened:
                actor.go(events)
                await self._settle()
            if order in ("commit", "roll back") and actor.gate is not None:
                actor.go(order)
                await self._settle()
            if actor.task is None:
                self.opened.discard(actor.name)
            else:
                self.opened.add(actor.name)

        self.world.run(go())

    def commit_some(self, events: list[str]) -> None:
        """What is committed meanwhile, each in a transaction of its own; who is in the way commits first."""
        while events and any(each.gate is not None for each in self.writers):
            for number, each in enumerate(self.writers):
                if each.gate is not None:
                    self.write(number, "commit", [])
        for name in events:
            self.write(-1, "commit", [name])

    @rule(which=st.integers(0, 2), fault=st.sampled_from(RELAY_FAULTS), at=AT, end=ENDS, committed_before=EVENTS_BEFORE)
    def relay(self, which: int, fault: str, at: int, end: str, committed_before: list[str]) -> None:
        self.commit_some(committed_before)
        self.publish(which, fault, at, end)

    def publish(self, which: int, fault: str = "", at: int = 1, end: str = "") -> None:
        actor = self.relays[which]

        self._step(actor, self.cores[which].publish, fault, at, end)

    @rule(
        which=st.integers(0, 2), partitions=SOME_PARTITIONS, most=st.integers(1, 6),
        fault=st.sampled_from(MEMBER_FAULTS), at=AT, end=ENDS, published_before=EVENTS_BEFORE,
    )  # fmt: skip
    def member(
        self, which: int, partitions: set[int], most: int, fault: str, at: int, end: str, published_before: list[str]
    ) -> None:
        if published_before:
            self.commit_some(published_before)
            self.publish(-1)
        self.consume(which, partitions, most, fault, at, end)

    def consume(
        self, which: int = 0, partitions: Iterable[int] = range(len(PARTITIONS)), most: int = 200, fault: str = "", at: int = 1,
        end: str = "",
    ) -> bool:  # fmt: skip
        """One poll: at most so many records from each of the partitions. Returns whether there were any."""
        member = self.members[which]
        if not member.actor.idle:
            self._step(member.actor, self._nothing, end=end)
            return False
        chosen = [PARTITIONS[number] for number in sorted(partitions)]
        batches = {place: batch for place in chosen if (batch := member.client.take(place, most))}
        if batches:
            take = member.core._take
            self._step(member.actor, lambda: take(member.client, batches, {}), fault, at)  # type: ignore[arg-type]
        return bool(batches)

    @rule(which=st.integers(0, 1), fault=st.sampled_from(DRAIN_FAULTS), at=AT, end=ENDS)
    def retries(self, which: int, fault: str, at: int, end: str) -> None:
        self.drain(which, fault, at, end)

    def drain(self, which: int = 0, fault: str = "", at: int = 1, end: str = "") -> bool:
        """Returns whether there was something to retry."""
        actor, result = self.drainers[which], False

        async def drain() -> bool:
            nonlocal result
            result = await self._drain(actor)
            return result

        self._step(actor, drain, fault, at, end)
        return result

    @rule(which=st.integers(0, 1), fault=st.sampled_from(RECONCILIATION_FAULTS), end=ENDS)
    def reconciliation(self, which: int, fault: str, end: str) -> None:
        self.reconcile(which, fault, end)

    def reconcile(self, which: int = 0, fault: str = "", end: str = "") -> None:
        """Report what was emitted and ask for what is missing, where it is time."""
        actor = self.reconcilers[which]
        self._step(actor, lambda: self._reconcile(actor), fault, 1, end)

    @rule(
        which=st.integers(0, 1), action=st.sampled_from(("retry", "discard")), number=st.integers(0, 3),
        fault=st.sampled_from(OPERATOR_FAULTS), end=ENDS,
    )  # fmt: skip
    def operator(self, which: int, action: str, number: int, fault: str, end: str) -> None:
        failed = [row for row in self.found.get("inbox", []) if row["status"] in ("waiting", "dead")]
        actor = self.operators[which]
        if failed:
            row = failed[number % len(failed)]
            self._step(actor, lambda: self._operate(actor, row, action), fault, 1, end)

    @rule(
        which=st.integers(0, 1), government=st.sampled_from(("dalian", "xigang")),
        aggregate=st.sampled_from((None, None, "a", "b", "s")), skipped=st.integers(0, 6),
        fault=st.sampled_from(OPERATOR_FAULTS), end=ENDS,
    )  # fmt: skip
    def replay(self, which: int, government: str, aggregate: str | None, skipped: int, fault: str, end: str) -> None:
        self.publish_again(government, aggregate, skipped, which, fault, end)

    def publish_again(
        self, government: str, aggregate: str | None = None, skipped: int = 0, which: int = 0, fault: str = "",
        end: str = "",
    ) -> None:  # fmt: skip
        """Replay the government or one aggregate, but for so many of the oldest events of all."""
        actor = self.operators[which]
        self._step(actor, lambda: self._replay(actor, government, aggregate, skipped), fault, 1, end)

    @rule(
        which=st.integers(0, 1), hours=st.one_of(st.none(), st.integers(-1, 2)),
        fault=st.sampled_from(TIMER_FAULTS), end=ENDS,
    )  # fmt: skip
    def timer(self, which: int, hours: int | None, fault: str, end: str) -> None:
        """Set it to so many hours from now; or let what is due fire."""
        if hours is None:
            self.fire(which, fault, end)
        else:
            actor = self.operators[which]
            self._step(actor, lambda: self._schedule(actor, hours), fault, 1, end)

    def fire(self, which: int = 0, fault: str = "", end: str = "") -> bool:
        """Returns whether one was due."""
        actor, result = self.bells[which], False

        async def fire() -> bool:
            nonlocal result
            result = await self._fire(actor)
            return result

        self._step(actor, fire, fault, 1, end)
        return result

    @rule(
        aggregate=st.sampled_from(("thing a", "thing a", "thing j", "thing b", "state s", "series dalian")),
        ahead=st.integers(0, 2), kind=st.sampled_from(STUMBLES), times=st.integers(1, 4),
    )  # fmt: skip
    def handler_will_stumble(self, aggregate: str, ahead: int, kind: str, times: int) -> None:
        """Over the aggregate's next event but so many; or, with 0, over whichever comes."""
        kind_of, identity = aggregate.split()
        done = max((row["aggregate_seq"] for row in self.found.get("effects", [])
                    if (row["aggregate_type"], row["aggregate_id"]) == (kind_of, identity)), default=0)  # fmt: skip
        self.stumbles[kind_of, identity, done + ahead if ahead else ANY] = Stumble(kind, times)

    @rule(seconds=st.sampled_from((1, 100)))
    def time_passes(self, seconds: int) -> None:
        """A second that no backoff outlasts, or so long that all are over; an hour of business time with it."""
        passing = f"""
            UPDATE model_clock SET moment = moment + interval '{seconds} seconds';
            UPDATE business_clock SET shift = shift + interval '1 hour';
        """
        self.world.run(self.world.admin.execute(passing))

    @rule(which=st.integers(0, 2))
    def rebalance(self, which: int) -> None:
        """The member is built anew, from the committed offsets on; another one may still be at work on what it gets."""
        member = self.members[which]
        if member.actor.idle:
            member.client = ModelConsumer(self, member.actor)

    @rule(
        which=st.integers(0, 2), events=st.lists(st.sampled_from(sorted(WRITES)), min_size=1, max_size=4),
        partitions=SOME_PARTITIONS,
    )  # fmt: skip
    def delivery(self, which: int, events: list[str], partitions: set[int]) -> None:
        """From the commit to the effect without a fault, unless somebody frozen stands in the way."""
        self.commit_some(events)
        self.publish(-1)
        self.consume(which, partitions)

    @rule(
        what=st.sampled_from(("loses its tail", "loses its tail", "holds one twice", "rubbish", "stranger")),
        partition=st.integers(0, len(PARTITIONS) - 1), number=st.integers(0, 3),
    )  # fmt: skip
    def log_has(self, what: str, partition: int, number: int) -> None:
        records = self.log.records[PARTITIONS[partition]]
        if what == "rubbish":
            self.put_rubbish(PARTITIONS[partition])
        elif what == "stranger":
            self.put_stranger(number)
        elif records and what == "holds one twice":
            self.log.put(records[number % len(records)])
        elif records:
            self.lose(partition, number + 1)

    def lose(self, partition: int, count: int) -> None:
        """What a broker acknowledged and lost."""
        del self.log.records[PARTITIONS[partition]][-count:]
        self.suspect()

    def put_rubbish(self, place: TopicPartition) -> None:
        text = f"rubbish {sum(self.rubbish.values())}"
        self.rubbish[text] += 1
        key = next(each for each in (b"\0", b"\1") if sum(each) % 2 == place.partition)
        self.log.append(Message(place.topic, key, text.encode(), []))

    def put_stranger(self, number: int) -> None:
        """Another event under a number that was received already, as after a sender's restore."""
        received = [row for row in self.found.get("inbox", []) if not row["collides_with"]]
        if not received:
            return
        known = received[number % len(received)]
        identity = str(uuid4())
        classes: dict[str, type[Event]] = {"thing": Counted, "state": Changed, "series": Echoed}
        cls = classes[known["aggregate_type"]]
        stranger = Envelope(
            id=identity, source=SOURCE, type=cls.type, subject=known["aggregate_id"], time=datetime.now(UTC),
            government=known["government"], aggregatetype=known["aggregate_type"], sequence=known["aggregate_seq"],
            data={cls.key: known["aggregate_id"], "n": -1},
        )  # fmt: skip
        self.strangers[identity] = known["event_id"]
        self.log.append(
            Message(cls.kafka_topic(), known["aggregate_id"].encode(), stranger.encode(), stranger.headers())
        )

    # --- what holds after every step

    @invariant()
    def everything_holds(self) -> None:
        text = self.world.run(self.world.admin.fetchval(EVERYTHING))
        self.found = {name: rows or [] for name, rows in orjson.loads(text).items()}
        Books(self).check()

    # --- the end

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._heal()
        finally:
            self._end()

    def _heal(self) -> None:
        """Without any further fault everything comes to rest, and nothing is missing that a replay needn't bring."""
        trace("-- healing")
        self.stumbles.clear()
        for _ in range(100):
            frozen = [each for each in self.actors if each.gate is not None]
            if not frozen and not any(each.busy for each in self.actors):
                break
            for each in frozen:
                each.fault = ""
                each.go("commit" if each in self.writers else None)
            self.settle()
        else:
            raise Violation("the actors don't come to an end")
        self.rebalance(0)
        self._come_to_rest()
        Books(self).check_all_arrived(without=self.suspects)
        self._come_together()
        for government in sorted(set(GOVERNMENTS.values())):
            self.publish_again(government)
        self._come_to_rest()
        Books(self).check_all_arrived()

    def _come_together(self, days: int = 25) -> None:
        """Whatever the log lost arrives without anybody's help, sooner or later."""
        for day in range(1, days + 1):
            self.time_passes(90_000)
            self.reconcile()
            self._come_to_rest()
            try:
                return Books(self).check_all_arrived(replayed=False)
            except Violation:
                if day == days:
                    raise
        return None

    def _come_to_rest(self) -> None:
        """Until time alone brings nothing more: neither something to do nor a timer that is yet to be due."""
        for _ in range(40):
            self.time_passes(100)
            before = self.log.taken
            self.publish(0)
            moved = self.log.taken != before
            while self.consume():
                moved = True
            while self.drain() or self.fire():
                moved = True
            if not moved and not self.world.run(self.world.admin.fetchval(AHEAD)):
                break
        else:
            raise Violation("it doesn't come to rest")
        self.everything_holds()

    def _end(self) -> None:
        """Let nothing of this example reach into the next."""

        async def end() -> None:
            while unfinished := [each for each in self.actors if each.task]:
                for each in unfinished:
                    if each.gate is not None:
                        each.go("die")
                tasks = [each.task for each in unfinished if each.task]
                await asyncio.wait(tasks, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
                for each in unfinished:
                    if each.task and each.task.done():
                        each.task.exception()
                        each.task = None
                        if each.cut:
                            await each.database.engine.dispose()

        self.world.run(end())


class Books:
    """Checks the tables against the invariants, independently of the code under test."""

    def __init__(self, machine: Backbone) -> None:
        self.machine = machine
        found = machine.found
        self.outbox = {row["event_id"]: row for row in found["outbox"]}
        self.inbox = {row["event_id"]: row for row in found["inbox"]}
        self.cursors = {(row["aggregate_type"], row["aggregate_id"]): row for row in found["cursor"]}
        self.emitted, self.received, self.effects = (
            self._by_place(found[name]) for name in ("outbox", "inbox", "effects")
        )

    @staticmethod
    def _by_place(rows: list[Row]) -> dict[Place, list[Row]]:
        places: dict[Place, list[Row]] = defaultdict(list)
        for row in rows:
            if not row.get("collides_with"):
                places[row["aggregate_type"], row["aggregate_id"]].append(row)
        return places

    @staticmethod
    def _must(holds: object, what: str) -> None:
        if not holds:
            raise Violation(what)

    def check(self) -> None:
        self._check_outbox()
        self._check_log()
        for place in self.received.keys() | self.cursors.keys() | self.effects.keys():
            self._check_place(place)
        self._check_what_failed()
        self._check_traces()
        self._check_timers()

    def _check_outbox(self) -> None:
        for place, rows in self.emitted.items():
            numbers = [row["aggregate_seq"] for row in rows]
            self._must(numbers == list(range(1, len(rows) + 1)), f"{place} is numbered {numbers}")
        marks = sorted(row["mark"] for row in self.machine.found["outbox"] if row["aggregate_type"] != "series")
        changes = sorted(self.machine.found["changes"])
        self._must(marks == changes, f"the changes {changes} have the events {marks}")

    def _check_log(self) -> None:
        first: dict[Place, list[int]] = defaultdict(list)
        there = set()
        for sent in self.machine.log.history:
            if sent.event_id in self.machine.strangers:
                continue
            row = self.outbox.get(sent.event_id)
            self._must(row, f"{sent} is in the log and in no committed transaction")
            assert row
            emitted = ((row["aggregate_type"], row["aggregate_id"]), row["aggregate_seq"], row["mark"])
            self._must(emitted == (sent.place, sent.sequence, sent.mark), f"{sent} isn't what was emitted: {emitted}")
            there.add(sent.event_id)
            if sent.sequence not in first[sent.place]:
                first[sent.place].append(sent.sequence)
        for place, numbers in first.items():
            self._must(numbers == list(range(1, len(numbers) + 1)), f"{place} came into the log as {numbers}")
        for row in self.machine.found["outbox"]:
            self._must(not row["published_at"] or row["event_id"] in there, f"{row} was never published")

    def _check_place(self, place: Place) -> None:
        rows, effects = self.received[place], [row["aggregate_seq"] for row in self.effects[place]]
        cursor = self.cursors.get(place)
        self._must(cursor, f"{place} was received and has no cursor")
        assert cursor
        last = cursor["last_seq"]
        status = {row["aggregate_seq"]: row["status"] for row in rows}
        self._must(len(status) == len(rows), f"{place} has two events under one number")
        picture = f"{place}: cursor {last}, blocked by {cursor['blocked_by']}, effects {effects}, inbox {status}"
        for sequence, state in status.items():
            done = state in ("applied", "ignored", "discarded")
            self._must(done or sequence > last, f"below its cursor something is open: {picture}")
            self._must(state not in ("applied", "ignored") or sequence <= last or place[0] == "state",
                       f"beyond its cursor something is done: {picture}")  # fmt: skip
        for row in rows:
            self._must(
                row["status"] != "discarded" or row["event_id"] in self.machine.discarded, f"who discarded {row}?"
            )
            self._must(
                row["kept"] or row["status"] not in ("waiting", "dead"), f"{row} is open and its content is gone"
            )
            emitted = self.outbox.get(row["event_id"])
            self._must(emitted, f"{row} was received and never committed")
        applied = [sequence for sequence in sorted(status) if status[sequence] == "applied"]
        self._must(effects == applied, f"effects aren't what the inbox says: {picture}")
        blocker = self.inbox.get(cursor["blocked_by"] or "")
        if place[0] == "state":
            self._check_snapshots(status, last, effects, blocker, picture)
        else:
            self._check_order(place, status, last, effects, blocker, picture)
        for row in self.effects[place]:
            emitted = self.outbox[row["event_id"]]
            same = ("government", "aggregate_type", "aggregate_id", "aggregate_seq", "mark")
            self._must(all(row[name] == emitted[name] for name in same), f"the effect {row} isn't that of {emitted}")

    def _check_order(
        self, place: Place, status: dict[int, str], last: int, effects: list[int], blocker: Row | None, picture: str
    ) -> None:
        silent = {row["aggregate_seq"] for row in self.emitted[place]
                  if row["event_type"] == Noted.type or row["event_id"] in self.machine.discarded}  # fmt: skip
        due = [sequence for sequence in range(1, last + 1) if sequence not in silent]
        self._must(effects == due, f"effects aren't each once and in order up to the cursor: {picture}")
        self._must(set(range(1, last + 1)) <= set(status), f"the inbox lacks what was done: {picture}")
        if last + 1 in status:
            self._must(blocker and blocker["aggregate_seq"] == last + 1, f"nobody will go on with the next: {picture}")
        else:
            self._must(blocker is None, f"blocked by something else than the next: {picture}")

    def _check_snapshots(
        self, status: dict[int, str], last: int, effects: list[int], blocker: Row | None, picture: str
    ) -> None:
        self._must(effects == sorted(set(effects)), f"an older snapshot came after a newer one: {picture}")
        done = [sequence for sequence, state in status.items() if state == "applied"]
        self._must(last >= max(done, default=0), f"the cursor is behind: {picture}")
        self._must(last == 0 or status.get(last) in ("applied", "discarded"), f"the cursor is ahead: {picture}")
        still_open = [sequence for sequence, state in status.items() if state in ("waiting", "dead")]
        self._must(len(still_open) <= 1, f"several snapshots are open: {picture}")
        if still_open:
            self._must(blocker and blocker["aggregate_seq"] == still_open[0], f"nobody will go on with it: {picture}")

    def _check_what_failed(self) -> None:
        for identity, row in self.inbox.items():
            self._must(
                (identity in self.machine.strangers) == bool(row["collides_with"]), f"a collision of its own: {row}"
            )
            if row["collides_with"]:
                self._must(row["status"] in ("dead", "discarded"), f"a stranger is {row['status']}: {row}")
                self._must(row["collides_with"] == self.machine.strangers[identity], f"it collides with another: {row}")
            elif row["attempts"]:
                known = ("trouble", "division by zero", "eadlock")
                self._must(any(word in (row["last_error"] or "") for word in known), f"it failed by itself: {row}")
            self._must(row["status"] != "dead" or row["attempts"], f"dead without having failed: {row}")
        self._must(set(self.machine.found["poison"]) <= set(self.machine.rubbish), "poison that nobody put there")

    def _check_traces(self) -> None:
        """Each effect has its audit row and, where the handler emits, its event; nothing else has."""
        effects = self.machine.found["effects"]
        handled = sorted([f"event:{row['event_id']}", row["government"]] for row in effects)
        handled += sorted([f"timer:{row['id']}", "dalian"] for row in self.machine.found["timers"] if row["fired_at"])
        self._must(sorted(self.machine.found["audit"]) == handled, "the audit doesn't match the handled events")
        echoes = sorted(
            row["causation_id"] for row in self.machine.found["outbox"] if row["aggregate_type"] == "series"
        )
        causes = sorted(row["event_id"] for row in effects if row["aggregate_type"] == "thing")
        self._must(echoes == causes, f"{causes} had effects, and what they emitted names {echoes}")

    def _check_timers(self) -> None:
        """Each generation once, never early; the rings are in the transactions that say fired."""
        rows = self.machine.found["timers"]
        fired, rings = [row for row in rows if row["state"] == "fired"], self.machine.found["rings"]
        self._must(len(fired) == len(rings), f"{len(fired)} timers have fired, {len(rings)} rings are left")
        for row in rows:
            moment = row["fired_at"] and datetime.fromisoformat(row["fired_at"])
            self._must(not moment or moment >= datetime.fromisoformat(row["due_at"]), f"it fired early: {row}")
            self._must(not row["last_error"] or "trouble" in row["last_error"], f"it failed by itself: {row}")
        numbers = sorted(row["generation"] for row in rows)
        self._must(numbers == list(range(1, len(rows) + 1)), f"generations {numbers}")

    def check_all_arrived(self, without: set[str] = frozenset(), replayed: bool = True) -> None:  # type: ignore[assignment]
        """After healing: every committed event had its effect, but for what is dead and what waits behind it. Of snapshots
        that were lost only a replay by hand brings others than the latest."""
        for row in self.machine.found["outbox"]:
            self._must(row["published_at"] or self._behind_parked(row), f"it stays in the outbox: {row}")
        for record in [each for records in self.machine.log.records.values() for each in records]:
            if record.topic in OF_THE_BACKBONE:
                continue
            identity = dict(record.headers).get("ce_id", b"").decode()
            kept = identity in self.inbox or (record.value or b"").decode() in self.machine.found["poison"]
            self._must(kept or self.machine.lost, f"it is in the log and neither in the inbox nor poison: {record}")
        late = [row for row in self.machine.found["timers"] if row["state"] == "pending"]
        self._must(not late, f"timers never fired: {late}")
        for place, rows in self.emitted.items():
            if rows[0]["government"] in without or any(self._behind_parked(row) for row in rows):
                continue
            status = {row["aggregate_seq"]: row["status"] for row in self.received[place]}
            picture = f"{place}: {len(rows)} emitted, inbox {status}, cursor {self.cursors.get(place)}"
            due = {len(rows)} if place[0] == "state" and not replayed else {row["aggregate_seq"] for row in rows}
            self._must(due <= set(status), f"not everything arrived: {picture}")
            dead = [sequence for sequence, state in status.items() if state == "dead"]
            waiting = [sequence for sequence, state in status.items() if state == "waiting"]
            if place[0] == "state":
                self._must(not waiting, f"a snapshot waits: {picture}")
                newest = status[len(rows)]
                self._must(newest in ("applied", "dead", "discarded"), f"the latest didn't win: {picture}")
                if newest == "applied":
                    last = self.effects[place][-1]["aggregate_seq"]
                    self._must(last == len(rows), f"the latest wasn't the last: {picture}")
            else:
                self._must(
                    all(dead and sequence > min(dead) for sequence in waiting), f"it waits for nothing: {picture}"
                )

    def _behind_parked(self, row: Row) -> bool:
        """Set aside by the broker's refusal, or behind such a one: until a replay."""
        rows = self.emitted[row["aggregate_type"], row["aggregate_id"]]
        return any(each["parked_at"] for each in rows)


# --- the tests


@pytest.fixture(scope="module")
async def model_database(scratch_database: Callable[..., Awaitable[ScratchDatabase]]) -> ScratchDatabase:
    return await scratch_database(TABLES)


@pytest.fixture(scope="module")
def connected(model_database: ScratchDatabase) -> Iterator[World]:
    made = World(model_database)
    yield made
    made.close()


@pytest.fixture
def world(connected: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, event in MODEL_EVENTS.items():
        monkeypatch.setitem(EVENTS, name, event)
    for module in (outbox, relay, consumer, inbox, timers):
        monkeypatch.setattr(module, "crash_point", crash_point)
    logging.disable(logging.CRITICAL)  # a failure should show the steps that led to it, and they alone
    yield connected
    logging.disable(logging.NOTSET)


EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
ORDINARY = settings(
    max_examples=EXAMPLES or 20,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(max(900, 3 * EXAMPLES))  # to make a counterexample short takes minutes
def test_no_interleaving_and_no_fault_violates_an_invariant_of_the_backbone(world: World) -> None:
    run_state_machine_as_test(lambda: Backbone(world), settings=ORDINARY)  # type: ignore[arg-type]  # any factory will do


# --- the model can fail: without one of its mechanisms the backbone is caught


@dataclass(frozen=True)
class Mutation:
    """A removed mechanism, and the shortest steps that then violate an invariant."""

    steps: Callable[[Backbone], object]
    sql: str = "SELECT"
    undo: str = "SELECT"
    patch: Callable[[pytest.MonkeyPatch, World], object] = lambda patch, world: None
    rare: bool = False  # several steps in a row that chance seldom strings together


def deliver(machine: Backbone, *events: str) -> None:
    machine.delivery(0, list(events), {0, 1, 2, 3})
    machine.everything_holds()


def trigger(table: str, when: str, body: str) -> dict[str, Any]:
    return {
        "sql": f"""
            CREATE FUNCTION mutation() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$;
            CREATE TRIGGER mutation {when} ON {table} FOR EACH ROW EXECUTE FUNCTION mutation();
        """,
        "undo": f"DROP TRIGGER mutation ON {table}; DROP FUNCTION mutation",
    }


def deliver_twice(machine: Backbone) -> None:
    machine.commit_some(["a", "a"])
    machine.publish(0)
    machine.consume(fault="crashes at consumer.committed")
    machine.rebalance(0)
    machine.consume()
    machine.everything_holds()


def deliver_with_a_gap(machine: Backbone) -> None:
    machine.commit_some(["a"])
    machine.publish(0)
    for partition in range(4):
        machine.lose(partition, 1)
    deliver(machine, "a")


def deliver_to_one_who_dies(machine: Backbone) -> None:
    machine.commit_some(["a", "a"])
    machine.publish(0)
    machine.consume(fault="crashes at consumer.handled")
    machine.consume()
    machine._heal()


def publish_with_one_refused(machine: Backbone) -> None:
    machine.commit_some(["a", "a"])
    machine.publish(0, "has one refused")
    machine.everything_holds()


def write_side_by_side(machine: Backbone) -> None:
    machine.write(0, "emit", ["a"])
    machine.write(1, "commit", ["a"])
    machine.write(0, "commit", [])
    machine.everything_holds()


def roll_back(machine: Backbone) -> None:
    machine.write(0, "emit", ["a"])
    machine.write(0, "roll back", [])
    machine.everything_holds()


def stumble(machine: Backbone) -> None:
    machine.stumbles["thing", "a", 1] = Stumble("it passes", 2)
    deliver(machine, "a", "b", "a")


def replay_beside_a_frozen_relay(machine: Backbone) -> None:
    machine.commit_some(["a"])
    machine.publish(0, "freezes after the broker")
    machine.lose(1, 1)
    machine.publish_again("dalian")
    machine.publish(0)
    machine._heal()


def lose_the_only_event(machine: Backbone) -> None:
    machine.commit_some(["a", "s"])
    machine.publish(0)
    for partition in range(4):
        machine.lose(partition, 1)
    machine._heal()


def fire(machine: Backbone) -> None:
    machine.timer(0, -1, "", "")
    machine.fire()
    machine.fire()
    machine.everything_holds()


async def emit_without_a_lock(session: AsyncSession, *events: Event) -> None:
    """As one would write it at first: the next number is one more than there are."""
    for event in events:
        await session.execute(
            sa.text("""
                INSERT INTO outbox (event_id, government, lane, topic, aggregate_type, aggregate_id, aggregate_seq,
                                    event_type, payload, causation_id)
                SELECT :event_id, :government, :lane, :topic, :type, :id, count(*) + 1, :event_type,
                       CAST(:payload AS jsonb), :causation_id
                FROM outbox WHERE aggregate_type = :type AND aggregate_id = :id
            """),
            {
                "event_id": uuid4(), "government": government_of(session), "lane": outbox.lane_of(event.aggregate_id),
                "topic": event.kafka_topic(), "type": event.aggregate, "id": event.aggregate_id, "event_type": event.type,
                "payload": event.model_dump_json(), "causation_id": state_of(session).cause.causation_id,
            },
        )  # fmt: skip


async def emit_at_once(session: AsyncSession, *events: Event) -> None:
    async with ACTOR.get().database.transaction(government_of(session)) as own:
        state_of(own).cause = state_of(session).cause
        await outbox.emit(own, *events)


def swap_the_commits(patch: pytest.MonkeyPatch, world: World) -> None:
    take = EventConsumer._take

    async def swapped(self: EventConsumer, client: Any, batches: Any, moved_at: Any) -> None:
        patch.setattr(client, "_must_be_kept", unchecked)  # so that only what comes of it shows
        await client.commit({partition: batch[-1].offset + 1 for partition, batch in batches.items()})
        await take(self, client, batches, moved_at)

    async def unchecked(record: object) -> None:
        pass

    patch.setattr(EventConsumer, "_take", swapped)


def lock_no_lane(patch: pytest.MonkeyPatch, world: World) -> None:
    async def unlocked(connection: object, lanes: list[int]) -> list[int]:
        return lanes

    patch.setattr(outbox, "lock_lanes", unlocked)


def stay_in_the_transaction(patch: pytest.MonkeyPatch, world: World) -> None:
    patch.setattr(AsyncSession, "begin_nested", lambda session: nullcontext())


async def nothing_moved(*_: object) -> tuple[tuple[()], None]:
    return (), None


async def no(*_: object) -> bool:
    return False


async def none(*_: object) -> int:
    return 0


MUTATIONS = {
    "without the inbox row": Mutation(
        deliver_twice,
        **trigger("inbox", "AFTER INSERT", "DELETE FROM inbox WHERE event_id = NEW.event_id; RETURN NULL;"),
    ),
    "without the inbox row and the cursor's step": Mutation(
        deliver_twice,
        """
            CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql
                AS $$BEGIN DELETE FROM inbox WHERE event_id = NEW.event_id; RETURN NULL; END$$;
            CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.last_seq = 0; RETURN NEW; END$$;
            CREATE TRIGGER forget AFTER INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION forget();
            CREATE TRIGGER stay BEFORE UPDATE ON inbox_cursor FOR EACH ROW EXECUTE FUNCTION stay();
        """,
        "DROP TRIGGER forget ON inbox; DROP TRIGGER stay ON inbox_cursor; DROP FUNCTION forget; DROP FUNCTION stay",
    ),
    "without the check of the sequence": Mutation(
        deliver_with_a_gap, patch=lambda patch, world: patch.setattr(Counted, "kind", EventKind.snapshot)
    ),
    "with the commits swapped": Mutation(deliver_to_one_who_dies, patch=swap_the_commits),
    "without waves": Mutation(
        publish_with_one_refused,
        patch=lambda patch, world: patch.setattr(relay, "waves", lambda rows: [rows] if rows else []),
    ),
    "without the lock on the sequence": Mutation(
        write_side_by_side, patch=lambda patch, world: patch.setattr(world, "emit", emit_without_a_lock)
    ),
    "without the change's transaction": Mutation(
        roll_back, patch=lambda patch, world: patch.setattr(world, "emit", emit_at_once)
    ),
    "without the block behind a failure": Mutation(
        stumble, **trigger("inbox_cursor", "BEFORE UPDATE", "NEW.blocked_by = NULL; RETURN NEW;")
    ),
    "without the savepoint": Mutation(stumble, patch=stay_in_the_transaction),
    "without the audit's row": Mutation(
        lambda machine: deliver(machine, "a", "a"), **trigger("audit", "BEFORE INSERT", "RETURN NULL;")
    ),
    "without the lock on the lane": Mutation(replay_beside_a_frozen_relay, patch=lock_no_lane, rare=True),
    "without reports": Mutation(
        lose_the_only_event, patch=lambda patch, world: patch.setattr(outbox, "moved", nothing_moved)
    ),
    "without requests": Mutation(
        lose_the_only_event, patch=lambda patch, world: patch.setattr(reconciliation, "_ask", no)
    ),
    "without an answer to requests": Mutation(
        lose_the_only_event, patch=lambda patch, world: patch.setattr(outbox, "publish_again", none)
    ),
    "without the timer's state": Mutation(
        fire, **trigger("timer", "BEFORE UPDATE", "NEW.state = 'pending'; RETURN NEW;")
    ),
}


def replay_older_snapshots_behind_a_failed_one(machine: Backbone) -> None:
    deliver(machine, "s")
    machine.commit_some(["s", "s"])
    machine.publish(0)
    machine.lose(3, 2)
    machine.stumbles["state", "s", 4] = Stumble("it passes", 1)
    deliver(machine, "s")
    machine.publish_again("dalian")
    deliver(machine)
    machine._heal()


def close_a_gap_beside_a_frozen_member(machine: Backbone) -> None:
    """Member 0 has the third event in hand, member 1 gets the second and waits for the aggregate's lock meanwhile."""
    deliver(machine, "a")
    machine.rebalance(1)
    machine.commit_some(["a"])
    machine.publish(0)
    machine.lose(1, 2)
    machine.commit_some(["a", "b"])
    machine.publish(0)
    machine.everything_holds()
    machine.consume(0, fault="freezes while handling")
    machine.lose(1, 1)
    machine.publish_again("dalian", "a", 1)
    machine.publish(0)
    machine.consume(1, {1}, 1)
    machine.consume(0)
    machine.everything_holds()
    machine._heal()


def heal_while_a_timer_is_two_hours_ahead_and_nothing_else_happens(machine: Backbone) -> None:
    machine.timer(0, 2, "", "")
    machine.everything_holds()
    machine._heal()


@pytest.fixture(params=MUTATIONS)
def mutation(request: pytest.FixtureRequest) -> Mutation:
    return MUTATIONS[request.param]


@pytest.mark.parametrize(
    "steps",
    [
        replay_older_snapshots_behind_a_failed_one,
        close_a_gap_beside_a_frozen_member,
        heal_while_a_timer_is_two_hours_ahead_and_nothing_else_happens,
    ],
)
def test_steps_that_once_violated_an_invariant_no_longer_do(steps: Callable[[Backbone], object], world: World) -> None:
    play(Backbone(world), steps)


@pytest.fixture
def mutant(mutation: Mutation, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The world without one mechanism."""
    mutation.patch(monkeypatch, world)
    world.run(world.admin.execute(mutation.sql))
    yield world
    world.run(world.admin.execute(mutation.undo))


def play(machine: Backbone, steps: Callable[[Backbone], object]) -> None:
    try:
        steps(machine)
    finally:
        machine._end()


def test_the_steps_that_show_what_a_mechanism_is_for_pass_with_it(mutation: Mutation, world: World) -> None:
    play(Backbone(world), mutation.steps)


def test_a_backbone_without_one_of_its_mechanisms_is_caught(mutation: Mutation, mutant: World) -> None:
    with pytest.raises(Violation):
        play(Backbone(mutant), mutation.steps)


@pytest.mark.timeout(max(900, 3 * EXAMPLES))
@pytest.mark.skipif(not EXAMPLES, reason="takes a while: only with MODEL_EXAMPLES")
def test_random_steps_also_detect_the_missing_mechanism(mutation: Mutation, mutant: World) -> None:
    if mutation.rare:
        pytest.skip("only the steps of its own find it within minutes")
    tries: list[Backbone] = []

    def machine() -> Backbone:
        tries.append(Backbone(mutant))
        return tries[-1]

    searching = settings(ORDINARY, phases=[Phase.generate], database=None, max_examples=max(EXAMPLES, 300))
    with pytest.raises(Violation):
        run_state_machine_as_test(machine, settings=searching)  # type: ignore[arg-type]
    print(f"found by example {len(tries)}")
