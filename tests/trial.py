"""A trial service for the backbone's tests: its events, a handler with its effects, and an in-memory log in place of
Kafka, so that order, loss and redelivery can be controlled.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import orjson
import sqlalchemy as sa
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import ScratchDatabase
from zhengling.backbone.inbox import Handlers, Inbox, Received
from zhengling.backbone.kafka import Message, Offsets
from zhengling.database.session import Database, government_of
from zhengling.events.catalogue import EVENTS
from zhengling.events.cloudevents import Envelope, source_of
from zhengling.events.event import BACKBONE, Event, EventKind
from zhengling.rules.loading import Rulebooks

GOVERNMENT = "dalian"
SOURCE = "/zhengling/trial-svc"
NO_RULEBOOKS = Rulebooks([])


class ThingCounted(Event, type="zhengling.trial.thing.counted.v1", aggregate="thing", key="thing_id"):
    """An ordered event: `n` is meant to be its sequence."""

    thing_id: str
    n: int


class StateChanged(
    Event, type="zhengling.trial.state.changed.v1", aggregate="state", key="thing_id", kind=EventKind.snapshot
):
    """A snapshot: the latest wins."""

    thing_id: str
    n: int


#: In `EVENTS` only while a test of the backbone runs: the catalogue stays what the services have.
TRIAL_EVENTS = {cls.type: cls for cls in (ThingCounted, StateChanged)}

#: What a handler leaves behind. Nothing in it keeps an effect from happening twice: that is the inbox's to do.
EFFECTS = """
    CREATE TABLE effect (
        pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        government text NOT NULL,
        thing_id text NOT NULL,
        n integer NOT NULL
    );
    GRANT SELECT, INSERT ON effect TO $app, $worker;
"""
_EFFECT = sa.text("INSERT INTO effect (government, thing_id, n) VALUES (:government, :thing_id, :n)")


async def leave_effect(session: AsyncSession, thing_id: str, n: int) -> None:
    await session.execute(_EFFECT, {"government": government_of(session), "thing_id": thing_id, "n": n})


class Trial:
    """A database with the backbone under both roles, an inbox over it, and a handler that can be made to fail."""

    def __init__(self, scratch: ScratchDatabase) -> None:
        self.scratch = scratch
        self.app = Database(scratch.app, application="trial-api")
        self.worker = Database(scratch.worker, application="trial-worker", pool_size=20)
        self.errors: dict[tuple[str, int], Exception] = {}
        self.on_handle: Callable[[AsyncSession, str, int], Awaitable[None]] | None = None
        self.handlers: Handlers = {ThingCounted: self.on_counted, StateChanged: self.on_counted}

    async def on_counted(self, session: AsyncSession, event: Event, received: Received) -> None:
        assert isinstance(event, (ThingCounted, StateChanged))
        await leave_effect(session, event.thing_id, event.n)
        if self.on_handle:
            await self.on_handle(session, event.thing_id, event.n)
        if error := self.errors.get((event.thing_id, event.n)):
            raise error

    def inbox(self, consumer: str = "trial") -> Inbox:
        return Inbox(consumer, self.handlers, NO_RULEBOOKS)

    async def close(self) -> None:
        await self.app.close()
        await self.worker.close()

    async def ask(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """A statement as superuser: past row-level security and past the code under test."""
        connection = await asyncpg.connect(self.scratch.admin, timeout=10, command_timeout=30)
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, *values)
            return found
        finally:
            await connection.close(timeout=5)

    async def effects(self, thing_id: str) -> list[int]:
        """The effects on a thing in the order in which they happened."""
        return [row["n"] for row in await self.ask("SELECT n FROM effect WHERE thing_id = $1 ORDER BY pos", thing_id)]

    async def statuses(self, thing_id: str, consumer: str = "trial") -> list[tuple[int, str]]:
        rows = await self.ask(
            "SELECT aggregate_seq, status FROM inbox WHERE aggregate_id = $1 AND consumer = $2 ORDER BY aggregate_seq",
            thing_id, consumer,
        )  # fmt: skip
        return [(row["aggregate_seq"], row["status"]) for row in rows]

    async def receive(self, *records: ConsumerRecord[bytes, bytes], inbox: Inbox | None = None) -> None:
        """Take records as one batch."""
        async with self.worker.transaction(None) as session:
            await (inbox or self.inbox()).receive(session, records)

    async def drain_once(self) -> bool:
        """One step of the worker's task for retries, with every backoff over."""
        await self.ask("UPDATE inbox SET next_attempt_at = clock_timestamp() WHERE next_attempt_at IS NOT NULL")
        async with self.worker.transaction(None) as session:
            return await self.inbox().drain_blocked(session) or await self.inbox().take_freed(session)

    async def drain(self) -> None:
        """Run the worker's retry task until nothing is left to retry."""
        async with asyncio.timeout(30):
            while await self.drain_once():
                pass

    async def until_blocked(self, statement: str) -> None:
        """Wait until a backend that runs a statement with these words waits for a lock."""
        question = """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1
        """
        async with asyncio.timeout(30):
            while not (await self.ask(question, f"%{statement}%"))[0][0]:
                await asyncio.sleep(0.02)


def thing() -> str:
    """A fresh aggregate's id."""
    return f"thing-{uuid4()}"


def envelope(
    event: Event, sequence: int, *, id: str | None = None, government: str = GOVERNMENT, type: str | None = None
) -> Envelope:
    return Envelope(
        id=id or str(uuid4()),
        source=SOURCE if event.service() == BACKBONE else source_of(event.service()),
        type=type or event.type,
        subject=event.aggregate_id,
        time=datetime.now(UTC),
        government=government,
        aggregatetype=event.aggregate,
        sequence=sequence,
        data=orjson.loads(event.model_dump_json()),
    )


def record(value: Envelope | bytes | None, offset: int = 0, topic: str | None = None) -> ConsumerRecord[bytes, bytes]:
    """On the topic of its type, unless another is given."""
    raw = value.encode() if isinstance(value, Envelope) else value
    headers, key = (value.headers(), value.subject.encode()) if isinstance(value, Envelope) else ([], b"key")
    known = EVENTS.get(value.type) if isinstance(value, Envelope) else None
    name = topic or (known or ThingCounted).kafka_topic()
    return ConsumerRecord(name, 0, offset, 0, 0, key, raw, None, len(key), len(raw or b""), tuple(headers))


def counted(thing_id: str, sequence: int, **options: str) -> ConsumerRecord[bytes, bytes]:
    """The record of the n-th event of a thing."""
    return record(envelope(ThingCounted(thing_id=thing_id, n=sequence), sequence, **options))


def changed(thing_id: str, sequence: int, **options: str) -> ConsumerRecord[bytes, bytes]:
    """The record of the n-th snapshot of a thing."""
    return record(envelope(StateChanged(thing_id=thing_id, n=sequence), sequence, **options))


class Log:
    """Topics, partitions and committed offsets in memory. Every member gets every partition, as in the worst case
    that was seen: two members that both believe to own them."""

    def __init__(self, partitions: int = 2) -> None:
        self.partitions = partitions
        self.records: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = defaultdict(list)
        self.committed: dict[TopicPartition, int] = defaultdict(int)
        self.away = False
        self.members = 0

    def append(self, message: Message) -> None:
        partition = TopicPartition(message.topic, sum(message.key) % self.partitions)
        records = self.records[partition]
        records.append(
            ConsumerRecord(
                partition.topic, partition.partition, len(records), 0, 0, message.key, message.value, None,
                len(message.key), len(message.value), tuple(message.headers),
            )
        )  # fmt: skip

    def put(self, *records: ConsumerRecord[bytes, bytes]) -> None:
        for given in records:
            self.append(Message(given.topic, given.key or b"", given.value or b"", list(given.headers)))

    def sequences(self, aggregate_id: str) -> list[int]:
        """The sequence numbers of an aggregate's records in the log, including duplicates."""
        envelopes = [orjson.loads(each.value) for records in self.records.values() for each in records]
        return [int(found["sequence"]) for found in envelopes if found["subject"] == aggregate_id]

    @property
    def drained(self) -> bool:
        return all(self.committed[partition] == len(records) for partition, records in self.records.items())

    async def until_drained(self, within: float = 60.0) -> None:
        async with asyncio.timeout(within):
            while not self.drained:
                await asyncio.sleep(0.02)


class LogProducer:
    """In the place of `zhengling.kafka.Producer`. `refuse` says per envelope what goes wrong, if anything does."""

    def __init__(self, log: Log, refuse: Callable[[dict[str, object]], BaseException | None] = lambda _: None) -> None:
        self.log = log
        self.refuse = refuse
        self.waves: list[list[Message]] = []

    async def ready(self) -> None:
        if self.log.away:
            raise KafkaConnectionError

    async def send(self, messages: list[Message]) -> list[BaseException | None]:
        await self.ready()
        self.waves.append(messages)
        await asyncio.sleep(0)
        outcomes = [self.refuse(orjson.loads(message.value)) for message in messages]
        for message, outcome in zip(messages, outcomes, strict=True):
            if outcome is None:
                self.log.append(message)
        return outcomes

    async def close(self) -> None:
        pass


class LogConsumer:
    """In the place of `zhengling.kafka.Consumer`: reads from the committed offsets on, as after a join."""

    def __init__(self, log: Log, *_: object) -> None:
        self.log = log
        self.position = dict(log.committed)
        log.members += 1

    async def start(self) -> None:
        if self.log.away:
            raise KafkaConnectionError

    async def poll(self, timeout: float, most: int) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        found = {}
        for partition, records in self.log.records.items():
            begin = self.position.get(partition, 0)
            if batch := records[begin : begin + most]:
                found[partition] = batch
                self.position[partition] = begin + len(batch)
        await asyncio.sleep(0 if found else 0.01)
        return found

    async def commit(self, offsets: Offsets) -> None:
        self.log.committed |= offsets

    async def lag(self) -> tuple[Offsets, Offsets]:
        ends = {partition: len(records) for partition, records in self.log.records.items()}
        return {partition: self.log.committed[partition] for partition in ends}, ends

    def assigned(self) -> set[TopicPartition]:
        return set(self.log.records)

    async def close(self) -> None:
        pass
