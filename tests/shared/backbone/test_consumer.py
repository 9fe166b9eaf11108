"""The consumer: the offset is never ahead of the database, and a stalled consumer is rebuilt."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy.exc import InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.broker import chosen_broker
from tests.trial import GOVERNMENT, Log, LogConsumer, ThingCounted, Trial, counted, record, thing
from zhengling.backbone import consumer as module
from zhengling.backbone import kafka
from zhengling.backbone.consumer import EventConsumer
from zhengling.backbone.inbox import Inbox
from zhengling.backbone.kafka import (
    Consumer,
    KafkaSettings,
    Message,
    Offsets,
    Producer,
    ensure_topics,
)
from zhengling.backbone.outbox import emit
from zhengling.backbone.relay import Relay
from zhengling.events.catalogue import EVENTS
from zhengling.events.event import topics_of
from zhengling.local.broker import EmbeddedBroker
from zhengling.local.stack import EmbeddedStack
from zhengling.service.worker import Worker

NOWHERE = KafkaSettings(bootstrap_servers="127.0.0.1:1")
TOPIC = "zhengling.trial.v1"


class Members:
    """Consumers on a log in memory; each is run again after an error, as the worker does."""

    def __init__(self, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trial, self.log = trial, Log()
        self.client: type[LogConsumer] = LogConsumer
        self.errors: list[BaseException] = []
        self._patch = monkeypatch
        monkeypatch.setattr(module, "ensure_topics", self._no_topics)
        monkeypatch.setattr(module, "Consumer", self._join)
        self.names: list[str] = []

    def _join(self, settings: KafkaSettings, group: str, instance: str, topics: list[str]) -> LogConsumer:
        self.names.append(instance)
        return self.client(self.log)

    async def _no_topics(self, *_: object) -> None:
        pass

    def make(self, **options: float) -> EventConsumer:
        return EventConsumer(self.trial.worker, self.trial.inbox(), NOWHERE, "0", [TOPIC], **options)  # type: ignore[arg-type]

    async def _supervise(self, member: EventConsumer) -> None:
        while True:
            try:
                await member.run()
            except ExceptionGroup as group:
                self.errors += group.exceptions
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self, count: int = 1, **options: float) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._supervise(self.make(**options))) for _ in range(count)]
        try:
            yield
        finally:
            # Python 3.11's TaskGroup loses a cancellation that arrives as a child fails, as the watchdog does.
            left = set(tasks)
            while left:
                for task in left:
                    task.cancel()
                _, left = await asyncio.wait(left, timeout=1)
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def members(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> Members:
    return Members(trial, monkeypatch)


async def test_a_replay_from_the_first_record_on_changes_nothing(trial: Trial, members: Members) -> None:
    identities = [thing() for _ in range(6)]
    members.log.put(*(counted(identity, n) for n in (1, 2, 3) for identity in identities))
    for _ in range(3):
        members.log.committed.clear()
        async with members.running():
            await members.log.until_drained()
    for identity in identities:
        assert await trial.effects(identity) == [1, 2, 3]
    assert not members.errors


async def test_members_that_all_own_every_partition_apply_each_event_once(trial: Trial, members: Members) -> None:
    """What was seen on a broker: both members believe to own the same partitions."""
    identities = [thing() for _ in range(8)]
    members.log.put(*(counted(identity, n) for n in range(1, 6) for identity in identities))
    async with members.running(3, batch=4):
        await members.log.until_drained()
    for identity in identities:
        assert await trial.effects(identity) == [1, 2, 3, 4, 5]


async def test_the_offset_never_runs_ahead_of_the_database(trial: Trial, members: Members) -> None:
    """With a database that goes away in the middle of batches again and again."""
    identity, dice = thing(), random.Random(5)
    missing: list[int] = []

    class Checking(LogConsumer):
        async def commit(self, offsets: Offsets) -> None:
            stored = len(await trial.effects(identity))
            missing.extend(offset for offset in offsets.values() if offset > stored)
            await super().commit(offsets)

    async def go_away(session: AsyncSession, thing_id: str, n: int) -> None:
        if dice.random() < 0.1:
            raise InterfaceError("connection is closed", None, Exception())

    trial.on_handle = go_away
    members.client = Checking
    members.log.put(*(counted(identity, n) for n in range(1, 41)))
    async with members.running(batch=7):
        await members.log.until_drained()
    assert await trial.effects(identity) == list(range(1, 41))
    assert not missing
    assert any(isinstance(error, InterfaceError) for error in members.errors)


async def test_records_committed_to_the_database_only_are_absorbed_when_redelivered(
    trial: Trial, members: Members
) -> None:
    """A process that dies between the two commits, or whose partition was taken away meanwhile."""
    identity, lost = thing(), iter([True, True])

    class Losing(LogConsumer):
        async def commit(self, offsets: Offsets) -> None:
            if next(lost, False):
                raise ConnectionResetError
            await super().commit(offsets)

    members.client = Losing
    members.log.put(*(counted(identity, n) for n in (1, 2, 3)))
    async with members.running():
        await members.log.until_drained()
    assert await trial.effects(identity) == [1, 2, 3]
    assert len(members.errors) == 2


async def test_poison_and_failures_dont_delay_other_aggregates(trial: Trial, members: Members) -> None:
    failing, other = thing(), thing()
    trial.errors[failing, 1] = RuntimeError("not now")
    members.log.put(counted(failing, 1), record(b"rubbish"), counted(other, 1), counted(failing, 2), counted(other, 2))
    async with members.running():
        await members.log.until_drained()
    assert await trial.effects(other) == [1, 2]
    assert await trial.effects(failing) == []
    trial.errors.clear()
    await trial.drain()
    assert await trial.effects(failing) == [1, 2]
    assert not members.errors


async def test_members_take_governments_in_one_order_and_dont_shoot_one_another(trial: Trial, members: Members) -> None:
    """Handlers of one government lock the same row (its series of numbers) until their batch is committed."""

    async def number(session: AsyncSession, thing_id: str, n: int) -> None:
        await session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('series' || current_government()))"))
        await asyncio.sleep(0.02)

    trial.on_handle = number
    forth = [counted(thing(), 1, government=government) for government in ("dalian", "xigang") * 3]
    back = [counted(thing(), 1, government=government) for government in ("xigang", "dalian") * 3]
    first, second = members.make(), members.make()
    partition = TopicPartition(TOPIC, 0)
    client = LogConsumer(members.log)
    await asyncio.gather(
        first._take(client, {partition: forth}, {}),  # type: ignore[arg-type]
        second._take(client, {partition: back}, {}),  # type: ignore[arg-type]
    )
    assert not await trial.ask("SELECT last_error FROM inbox WHERE status <> 'applied'")


async def test_a_consumer_whose_poll_hangs_although_there_is_lag_is_built_anew(trial: Trial, members: Members) -> None:
    identity = thing()

    class Hanging(LogConsumer):
        async def poll(self, timeout, most):  # type: ignore[no-untyped-def]
            if self.log.members <= 2:
                await asyncio.Event().wait()
            return await super().poll(timeout, most)

    members.client = Hanging
    members.log.put(counted(identity, 1))
    before = module.REBUILT.labels("trial")._value.get()
    async with members.running(patience=0.2):
        await members.log.until_drained()
    assert await trial.effects(identity) == [1]
    assert module.REBUILT.labels("trial")._value.get() > before
    assert members.names == ["0", "0", "0.2"]  # under its old name a group may give it what it had, unasked


async def test_a_group_that_rebalances_for_longer_than_the_patience_is_given_time(
    trial: Trial, members: Members
) -> None:
    """Otherwise its members would rejoin forever, and each time the rebalance would begin again."""
    identity = thing()

    class Rebalancing(LogConsumer):
        joined: float | None = None

        async def poll(self, timeout, most):  # type: ignore[no-untyped-def]
            clock = asyncio.get_running_loop().time
            self.joined = self.joined or clock()
            if clock() - self.joined < 0.6:
                await asyncio.sleep(0.05)
                return {}
            return await super().poll(timeout, most)

    members.client = Rebalancing
    members.log.put(counted(identity, 1))
    async with members.running(patience=0.1):
        await members.log.until_drained()
    assert await trial.effects(identity) == [1]


async def test_a_consumer_without_its_partitions_is_rebuilt(trial: Trial, members: Members) -> None:
    """It handles what it has, but some partition has lag and belongs to nobody."""
    identity = thing()

    class Deprived(LogConsumer):
        async def poll(self, timeout, most):  # type: ignore[no-untyped-def]
            found = await super().poll(timeout, most)
            return found if self.log.members > 1 else {p: r for p, r in found.items() if p in self.assigned()}

        def assigned(self) -> set[TopicPartition]:
            owned = super().assigned()
            return owned if self.log.members > 1 else {p for p in owned if p.partition == 0}

    members.client = Deprived
    while len(members.log.records) < 2:
        members.log.put(counted(thing(), 1))
    members.log.put(counted(identity, 1))
    async with members.running(patience=0.2):
        await members.log.until_drained()
    assert await trial.effects(identity) == [1]


async def test_a_batch_that_takes_longer_than_the_patience_isnt_aborted(trial: Trial, members: Members) -> None:
    """Otherwise it would be started and aborted forever."""
    identity = thing()

    async def slowly(session: AsyncSession, thing_id: str, n: int) -> None:
        await asyncio.sleep(0.5)

    trial.on_handle = slowly
    members.log.put(*(counted(identity, n) for n in range(1, 13)))
    async with members.running(patience=4):
        await members.log.until_drained()
    assert await trial.effects(identity) == list(range(1, 13))
    assert members.log.members == 1


async def test_a_consumer_that_is_stopped_finishes_its_batch_and_commits_both(trial: Trial, members: Members) -> None:
    identity, handling, go_on = thing(), asyncio.Event(), asyncio.Event()

    async def linger(session: AsyncSession, thing_id: str, n: int) -> None:
        handling.set()
        await go_on.wait()

    trial.on_handle = linger
    members.log.put(*(counted(identity, n) for n in (1, 2)))
    running = asyncio.create_task(members.make().run())
    await asyncio.wait_for(handling.wait(), 30)
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await trial.effects(identity) == [1, 2]
    assert members.log.drained


async def test_records_deleted_by_retention_are_no_lag() -> None:
    """Otherwise a new group on an old topic would be rebuilt forever."""
    partition = TopicPartition(TOPIC, 0)

    class Expired:
        def partitions_for_topic(self, topic: str) -> set[int]:
            return {0}

        async def beginning_offsets(self, partitions: list[TopicPartition]) -> Offsets:
            return {partition: 100}

        async def end_offsets(self, partitions: list[TopicPartition]) -> Offsets:
            return {partition: 100}

        async def committed(self, partition: TopicPartition) -> None:
            return None

    client = Consumer(NOWHERE, "late", "0", [TOPIC])
    real, client._consumer = client._consumer, Expired()
    assert await client.lag() == ({partition: 100}, {partition: 100})
    client._consumer = real
    await client.close()


async def test_a_supervised_task_is_restarted_after_a_leaked_cancelled_error() -> None:
    """aiokafka lets a `CancelledError` of its own tasks escape; taken for the task's end it would end it for good."""
    worker = Worker.__new__(Worker)
    worker._failing = {}
    runs: list[int] = []
    again = asyncio.Event()

    async def run() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise asyncio.CancelledError
        again.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(worker._supervise("consumer", run))
    await asyncio.wait_for(again.wait(), 30)
    assert "consumer" in worker._failing
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# --- with a real broker


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)


async def test_clients_close_completely_when_their_broker_is_unreachable(tmp_path: Path) -> None:
    def kafka_tasks() -> list[str]:
        names = [task.get_coro().__qualname__ for task in asyncio.all_tasks() if task not in before]  # type: ignore[union-attr]
        return [name for name in names if "test_clients" not in name]

    before = asyncio.all_tasks()
    with EmbeddedBroker(tmp_path / "broker") as broker:
        settings = KafkaSettings(
            bootstrap_servers=broker.bootstrap_servers, fetch_max_wait_ms=20, session_timeout_ms=3000,
            send_limit=0.5,
        )  # fmt: skip
        producer = Producer(settings, "trial")
        message = Message(TOPIC, b"key", b"value", [])
        assert await producer.send([message]) == [None]
        client = Consumer(settings, "trial", "0", [TOPIC])
        await client.start()
        while not await client.poll(1.0, 10):
            pass
        await asyncio.to_thread(broker.kill)
        (outcome,) = await producer.send([message])
        assert outcome is not None
        await client.close()
    await asyncio.sleep(0.1)
    assert kafka_tasks() == []


async def test_what_was_read_before_a_broker_came_back_empty_moves_nobody_in_its_new_log(tmp_path: Path) -> None:
    """A member that commits it while its group is unknown, and once it has joined again."""
    broker = chosen_broker()(tmp_path / "broker")
    await asyncio.to_thread(broker.start)
    try:
        await asyncio.to_thread(broker.wait_ready)
        settings = KafkaSettings(
            bootstrap_servers=broker.bootstrap_servers, partitions=1, session_timeout_ms=6000, fetch_max_wait_ms=20
        )
        writer, member = Producer(settings, "trial"), Consumer(settings, "group", "0", [TOPIC])

        async def write(*values: bytes) -> None:
            await ensure_topics(settings, topics_of("trial"))
            assert await writer.send([Message(TOPIC, b"key", value, []) for value in values]) == [None] * len(values)

        await write(b"1", b"2", b"3")
        await member.start()
        async with asyncio.timeout(120):
            old: Offsets = {}
            while set(old.values()) != {3}:
                old |= {each: batch[-1].offset + 1 for each, batch in (await member.poll(1.0, 10)).items()}
            then = member._membership()
            await asyncio.to_thread(broker.restart_empty)
            await write(b"4", b"5", b"6", b"7")
            while member._membership() in (None, then):
                with suppress(KafkaError, TimeoutError, OSError):
                    await member.commit(old)
                await asyncio.sleep(0.01)
            await member.commit(old)
            found: set[bytes | None] = set()
            while len(found) < 4:
                found |= {record.value for batch in (await member.poll(1.0, 10)).values() for record in batch}
        assert found == {b"4", b"5", b"6", b"7"}
        for client in (writer, member):
            await client.close()
    finally:
        await asyncio.to_thread(broker.kill)


async def test_replicas_on_a_real_broker_apply_all_in_order_though_one_is_ended_meanwhile(
    stack: EmbeddedStack, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Recounted(ThingCounted, type="zhengling.trialreal.thing.counted.v1", aggregate="thing", key="thing_id"):
        pass

    monkeypatch.setitem(EVENTS, Recounted.type, Recounted)
    kafka = KafkaSettings(
        bootstrap_servers=stack.kafka_bootstrap_servers,
        fetch_max_wait_ms=20,
        session_timeout_ms=3000,
    )
    await ensure_topics(kafka, topics_of("trialreal"))
    identities = [thing() for _ in range(20)]
    producers = [Producer(kafka, "trialreal") for _ in range(2)]
    inbox = Inbox("trialreal", {Recounted: trial.on_counted}, trial.inbox().rulebooks)
    readers = [EventConsumer(trial.worker, inbox, kafka, f"{n}", [Recounted.kafka_topic()], batch=5) for n in range(2)]

    async def again(run: Callable[[], object]) -> None:
        while True:
            with suppress(Exception):
                await run()  # type: ignore[misc]
            await asyncio.sleep(0.1)

    async def write() -> None:
        for n in range(1, 6):
            async with trial.app.transaction(GOVERNMENT) as session:
                await emit(session, *(Recounted(thing_id=identity, n=n) for identity in identities))
            await asyncio.sleep(0.2)

    relays = [asyncio.create_task(again(Relay(trial.worker, producer, "trialreal").run)) for producer in producers]
    first, second = (asyncio.create_task(again(reader.run)) for reader in readers)
    try:
        await until(lambda: all(reader.assigned for reader in readers))
        writing = asyncio.create_task(write())
        async with asyncio.timeout(60):
            while not await trial.ask("SELECT 1 FROM effect"):
                await asyncio.sleep(0.05)
        second.cancel()
        relays[1].cancel()
        await writing
        async with asyncio.timeout(90):
            while (await trial.ask("SELECT count(*) FROM effect"))[0][0] < 100:
                await asyncio.sleep(0.1)
    finally:
        for task in (first, second, *relays):
            task.cancel()
        await asyncio.gather(first, second, *relays, return_exceptions=True)
        await asyncio.gather(*(producer.close() for producer in producers))
    for identity in identities:
        assert await trial.effects(identity) == [1, 2, 3, 4, 5]


async def test_a_client_call_that_swallows_its_cancellation_blocks_nobody(trial: Trial, members: Members) -> None:
    """As aiokafka's do while the broker is away: the time limit and the watchdog act all the same."""
    identity, released = thing(), asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            with suppress(asyncio.CancelledError):
                await released.wait()

    class Stubborn(LogConsumer):
        async def poll(self, timeout, most):  # type: ignore[no-untyped-def]
            if self.log.members == 1:
                await kafka._within(60, stubborn())
            return await super().poll(timeout, most)

    with pytest.raises(TimeoutError):
        await kafka._within(0.05, stubborn())
    members.client = Stubborn
    members.log.put(counted(identity, 1))
    try:
        async with members.running(patience=0.2):
            await members.log.until_drained()
    finally:
        released.set()
    assert await trial.effects(identity) == [1]


async def test_a_member_knows_how_far_behind_the_log_the_group_is(trial: Trial, members: Members) -> None:
    """What a record that is still being handled says doesn't count as read, so that nobody asks for it meanwhile."""
    clock, going_on = asyncio.get_running_loop().time, asyncio.Event()
    looks = 0

    class Counting(LogConsumer):
        async def lag(self) -> tuple[Offsets, Offsets]:
            nonlocal looks
            looks += 1
            return await super().lag()

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                await asyncio.sleep(0.01)

    async def wait(*_: object) -> None:
        await going_on.wait()

    members.client = Counting
    member = members.make(patience=5.0)
    assert member.behind == float("inf")
    task = asyncio.create_task(member.run())
    try:
        began = clock()
        await until(lambda: clock() - member.behind >= began)
        trial.on_handle = wait
        put_at = clock()
        members.log.put(counted(thing(), 1))
        seen = looks
        await until(lambda: looks >= seen + 3)
        assert clock() - member.behind <= put_at
        going_on.set()
        await until(lambda: clock() - member.behind > put_at)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
