"""The relay: everything committed is published, in order per aggregate, by any number of replicas."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, NotEnoughReplicasError

from tests.broker import chosen_broker
from tests.trial import GOVERNMENT, SOURCE, Log, LogProducer, ThingCounted, Trial, thing
from zhengling.backbone import outbox, relay
from zhengling.backbone.kafka import Consumer, KafkaSettings, Message, Producer, ensure_topics
from zhengling.backbone.outbox import emit
from zhengling.backbone.relay import Relay
from zhengling.database.transaction import Cause, state_of
from zhengling.events.cloudevents import decode
from zhengling.events.event import topics_of
from zhengling.local.processes import free_port
from zhengling.local.stack import EmbeddedStack


def relay_of(trial: Trial, producer: LogProducer | Producer) -> Relay:
    return Relay(trial.worker, producer, "trial")  # type: ignore[arg-type]  # the log in memory stands in


async def emit_to(trial: Trial, *identities: str, n: int = 1, government: str = GOVERNMENT) -> None:
    async with trial.app.transaction(government) as session:
        await emit(session, *(ThingCounted(thing_id=identity, n=n) for identity in identities))


async def unpublished(trial: Trial) -> list[tuple[str, int]]:
    rows = await trial.ask(
        "SELECT aggregate_id, aggregate_seq FROM outbox WHERE published_at IS NULL ORDER BY aggregate_id, aggregate_seq"
    )
    return [tuple(row) for row in rows]


async def publish_all(trial: Trial, *relays: Relay) -> None:
    """Let the relays pass over the lanes until everything is published."""
    async with asyncio.timeout(60):
        while await unpublished(trial):
            await asyncio.gather(*(each.publish() for each in relays))


async def test_several_relays_publish_each_aggregate_in_order_while_writers_go_on(trial: Trial) -> None:
    log, identities = Log(), [thing() for _ in range(12)]
    relays = [relay_of(trial, LogProducer(log)) for _ in range(3)]

    async def write() -> None:
        for n in range(1, 4):
            await emit_to(trial, *sorted(identities), n=n)

    await asyncio.gather(write(), write(), *(each.publish() for each in relays))
    await publish_all(trial, *relays)
    for identity in identities:
        assert log.sequences(identity) == [1, 2, 3, 4, 5, 6]


async def test_an_event_isnt_skipped_when_a_later_position_commits_before_it(trial: Trial) -> None:
    log, slow, fast = Log(), thing(), thing()
    publisher = relay_of(trial, LogProducer(log))
    async with trial.app.transaction(GOVERNMENT) as session:
        await emit(session, ThingCounted(thing_id=slow, n=1))
        await emit_to(trial, fast)
        await publisher.publish()
        assert (log.sequences(slow), log.sequences(fast)) == ([], [1])
    rows = await trial.ask("SELECT aggregate_id FROM outbox ORDER BY pos")
    assert [row[0] for row in rows] == [slow, fast]
    await publisher.publish()
    assert (log.sequences(slow), log.sequences(fast)) == ([1], [1])


async def test_at_most_one_event_of_an_aggregate_is_in_flight(trial: Trial) -> None:
    """Otherwise an event that is refused at first would be overtaken by the next one."""
    log, identity, tries = Log(), thing(), iter([NotEnoughReplicasError()])
    producer = LogProducer(log, lambda event: next(tries, None) if event["sequence"] == "1" else None)
    await emit_to(trial, *[identity] * 5, thing())
    publisher = relay_of(trial, producer)
    async with asyncio.timeout(60):
        while await unpublished(trial):
            with suppress(NotEnoughReplicasError):
                await publisher.publish()
            await trial.ask("UPDATE outbox SET next_attempt_at = NULL")
    assert log.sequences(identity) == [1, 2, 3, 4, 5]
    for wave in producer.waves:
        assert len({message.key for message in wave}) == len(wave)


async def test_a_lane_that_another_relay_has_is_passed_over(trial: Trial) -> None:
    log, identity = Log(), thing()
    await emit_to(trial, identity)
    async with trial.worker.engine.begin() as other:
        await outbox.lock_lanes(other, [outbox.lane_of(identity)])
        assert await relay_of(trial, LogProducer(log)).publish() == 0
    assert await relay_of(trial, LogProducer(log)).publish() == 1


async def same_lane(identity: str) -> str:
    while outbox.lane_of(other := thing()) != outbox.lane_of(identity):
        pass
    return other


async def test_an_aggregate_waits_behind_its_refused_event_and_all_others_go_on(trial: Trial) -> None:
    refused = thing()
    log, other, failing = Log(), await same_lane(refused), True
    producer = LogProducer(
        log, lambda event: NotEnoughReplicasError() if failing and event["subject"] == refused else None
    )
    publisher = relay_of(trial, producer)
    await emit_to(trial, refused, refused, other, other)
    await publisher.publish()
    assert (log.sequences(refused), log.sequences(other)) == ([], [1, 2])
    (row,) = await trial.ask("SELECT attempts, last_error FROM outbox WHERE next_attempt_at IS NOT NULL")
    assert row["attempts"] == 1
    assert "NotEnoughReplicas" in row["last_error"]
    failing = False
    await publish_all(trial, publisher)  # its backoff passes meanwhile
    assert log.sequences(refused) == [1, 2]


async def test_an_event_that_can_never_be_sent_is_parked_until_a_replay(trial: Trial) -> None:
    log, parked, other, large = Log(), thing(), thing(), True
    producer = LogProducer(
        log,
        lambda event: (
            MessageSizeTooLargeError() if large and (event["subject"], event["sequence"]) == (parked, "2") else None
        ),
    )
    publisher = relay_of(trial, producer)
    await emit_to(trial, parked, parked, parked, other)
    await publisher.publish()
    await publisher.publish()
    assert await unpublished(trial) == [(parked, 2), (parked, 3)]
    assert (log.sequences(parked), log.sequences(other)) == ([1], [1])
    large = False
    async with trial.app.transaction(GOVERNMENT) as session:
        await outbox.replay(session, datetime.now(UTC) - timedelta(hours=1), "thing", parked)
    await publisher.publish()
    assert log.sequences(parked) == [1, 1, 2, 3]


async def test_while_the_broker_is_unreachable_rows_stay_unpublished_without_counting_attempts(trial: Trial) -> None:
    log, identity = Log(), thing()
    log.away = True
    publisher = relay_of(trial, LogProducer(log))
    await emit_to(trial, identity)
    with pytest.raises(KafkaConnectionError):
        await publisher.publish()
    (row,) = await trial.ask("SELECT attempts, next_attempt_at FROM outbox")
    assert tuple(row) == (0, None)
    log.away = False
    await publisher.publish()
    assert log.sequences(identity) == [1]


async def test_a_relay_that_dies_before_marking_causes_duplicates_and_no_gap(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, identity = Log(), thing()

    deaths = ["relay.sent", "relay.marked"]

    def die(name: str) -> None:
        if deaths[:1] == [name]:
            raise ConnectionResetError(deaths.pop(0))

    monkeypatch.setattr(relay, "crash_point", die)
    await emit_to(trial, identity, identity)
    for point in ("relay.sent", "relay.marked"):
        with pytest.raises(ConnectionResetError, match=point):
            await relay_of(trial, LogProducer(log)).publish()
    await relay_of(trial, LogProducer(log)).publish()
    assert log.sequences(identity) == [1, 2, 1, 2, 1, 2]
    assert not await unpublished(trial)


async def test_a_lane_that_takes_long_marks_what_was_sent_and_goes_on_later(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a slow broker and many events of one aggregate would outlast the transaction, again and again."""
    monkeypatch.setattr(relay, "TIME_LIMIT", 0.0)
    log, identity = Log(), thing()
    publisher = relay_of(trial, LogProducer(log))
    await emit_to(trial, *[identity] * 4)
    async with trial.worker.engine.connect() as connection:
        rows = await outbox.unpublished(connection, [outbox.lane_of(identity)], 10)
    assert len(relay.waves(rows)) == 4
    await publish_all(trial, publisher)
    assert log.sequences(identity) == [1, 2, 3, 4]


async def test_a_relay_that_is_stopped_while_sending_still_marks_what_it_sent(trial: Trial) -> None:
    log, identity = Log(), thing()
    sending, acknowledged = asyncio.Event(), asyncio.Event()

    class Slow(LogProducer):
        async def send(self, messages):  # type: ignore[no-untyped-def]
            sending.set()
            await acknowledged.wait()
            return await super().send(messages)

    await emit_to(trial, identity)
    running = asyncio.create_task(relay_of(trial, Slow(log)).run())
    await asyncio.wait_for(sending.wait(), 30)
    running.cancel()
    await asyncio.sleep(0)
    acknowledged.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert log.sequences(identity) == [1]
    assert not await unpublished(trial)


async def test_the_relay_wakes_when_something_was_committed_and_without_any_notification(trial: Trial) -> None:
    log, identities = Log(), [thing() for _ in range(3)]
    running = asyncio.create_task(relay_of(trial, LogProducer(log)).run())
    try:
        async with asyncio.timeout(30):
            for identity in identities:
                await emit_to(trial, identity)
                while not log.sequences(identity):
                    await asyncio.sleep(0.01)
            await trial.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN \"outbox\"'")
            await emit_to(trial, identities[0])
            while log.sequences(identities[0]) != [1, 2]:
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_record_is_a_cloudevent_whose_attributes_are_headers_too(trial: Trial) -> None:
    identity = thing()
    async with trial.app.transaction(GOVERNMENT) as session:
        state_of(session).cause = Cause("request-1")
        await emit(session, ThingCounted(thing_id=identity, n=1))
    async with trial.worker.engine.connect() as connection:
        (row,) = await outbox.unpublished(connection, [outbox.lane_of(identity)], 10)
    message = relay.message_of(row, SOURCE)
    event = decode(message.value)
    assert (event.id, event.source, event.type) == (str(row.event_id), SOURCE, ThingCounted.type)
    assert (event.subject, event.sequence, event.government) == (identity, 1, GOVERNMENT)
    assert (event.data, event.correlationid) == ({"thing_id": identity, "n": 1}, "request-1")
    headers = dict(message.headers)
    assert message.key == identity.encode()
    assert headers["content-type"] == b"application/cloudevents+json; charset=UTF-8"
    assert (headers["ce_id"], headers["ce_sequence"]) == (event.id.encode(), b"1")


# --- with a real broker


@pytest.fixture
def kafka(stack: EmbeddedStack) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=stack.kafka_bootstrap_servers,
        fetch_max_wait_ms=20,
        session_timeout_ms=3000,
    )


async def test_a_too_large_event_is_parked_and_the_others_reach_the_broker(trial: Trial, kafka: KafkaSettings) -> None:
    large, other = thing(), thing()
    await emit_to(trial, large, other)
    await trial.ask("UPDATE outbox SET topic = 'zhengling.trialrelay.v1'")
    await trial.ask(
        "UPDATE outbox SET payload = jsonb_build_object('thing_id', repeat('x', 1100000), 'n', 1) WHERE aggregate_id = $1",
        large,
    )
    producer = Producer(kafka, "trialrelay")
    try:
        assert await relay_of(trial, producer).publish() == 1
    finally:
        await producer.close()
    (row,) = await trial.ask("SELECT last_error FROM outbox WHERE parked_at IS NOT NULL AND aggregate_id = $1", large)
    assert "MessageSizeTooLarge" in row["last_error"]


async def test_what_a_broker_that_came_back_empty_acknowledges_is_in_its_log(tmp_path: Path) -> None:
    """A producer from before writes on, and another one begins: to an empty Apache Kafka, whose producer ids begin anew too,
    both could be the same idempotent producer, and the second one's events duplicates of the first one's."""
    broker = chosen_broker()(tmp_path / "broker")
    await asyncio.to_thread(broker.start)
    try:
        await asyncio.to_thread(broker.wait_ready)
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, partitions=1)
        before, after = Producer(settings, "trial"), Producer(settings, "trial")
        await before.ready()
        await asyncio.to_thread(broker.restart_empty)
        await ensure_topics(settings, topics_of("trial"))
        values = [b"before", b"after"]
        for producer, value in zip((before, after), values, strict=True):
            assert await producer.send([Message(ThingCounted.kafka_topic(), b"key", value, [])]) == [None]
        reader = Consumer(settings, "reader", "0", [ThingCounted.kafka_topic()])
        await reader.start()
        found: list[bytes | None] = []
        async with asyncio.timeout(60):
            while len(found) < len(values):
                found += [record.value for batch in (await reader.poll(1.0, 10)).values() for record in batch]
        assert found == values
        for client in (before, after, reader):
            await client.close()
    finally:
        await asyncio.to_thread(broker.kill)


async def test_a_broker_that_cant_be_reached_leaves_nothing_running_behind(trial: Trial) -> None:
    producer = Producer(KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}", send_limit=1), "trial")
    await emit_to(trial, thing())
    before = asyncio.all_tasks()
    with pytest.raises((KafkaConnectionError, OSError, TimeoutError)):
        await relay_of(trial, producer).publish()
    await asyncio.sleep(0.05)
    assert asyncio.all_tasks() <= before


async def test_no_lane_is_held_while_the_producer_connects(trial: Trial) -> None:
    """Connecting may take tens of seconds; other relays and replays would wait for the lane meanwhile."""
    identity, log = thing(), Log()
    await emit_to(trial, identity)
    free: list[int] = []

    class Connecting(LogProducer):
        async def ready(self) -> None:
            async with trial.worker.engine.begin() as other:
                free.extend(await outbox.lock_lanes(other, [outbox.lane_of(identity)]))

        async def send(self, messages):  # type: ignore[no-untyped-def]
            return [None for _ in messages]

    await relay_of(trial, Connecting(log)).publish()
    assert free == [outbox.lane_of(identity)]
    assert not await unpublished(trial)
