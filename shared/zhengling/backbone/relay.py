"""The relay publishes the outbox in order per aggregate, with any number of replicas and no leader.

One transaction handles several lanes: lock them (SKIP LOCKED), read, send in waves with at most one event per aggregate
in flight, mark the acknowledged rows, commit. A relay that dies or freezes in between causes duplicates only. The sends
happen inside the transaction, each with a time limit: the one exception to the rule against network calls there.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress

import asyncpg
from aiokafka.errors import KafkaError
from opentelemetry.trace import Span, SpanKind
from sqlalchemy.ext.asyncio import AsyncConnection

from zhengling.backbone import outbox
from zhengling.backbone.crash_points import crash_point
from zhengling.backbone.kafka import PERMANENT, Message, Producer
from zhengling.backbone.outbox import OutboxRow
from zhengling.database.session import Database, whole
from zhengling.events.cloudevents import Envelope, source_of
from zhengling.kernel import tracing

log = logging.getLogger(__name__)
BATCH = 500
LANES_AT_ONCE = 8  # half of all lanes: a frozen relay blocks no more until the server ends its transaction
TIME_LIMIT = 15.0  # seconds after which a transaction starts no further wave, so that sent rows get marked
SPACING = (
    0.02  # seconds between the starts of two passes: under load more events share one, a single event doesn't wait
)
POLL = 1.0  # seconds; NOTIFY is a hint, this poll is the guarantee


def message_of(row: OutboxRow, source: str, span: Span | None = None) -> Message:
    envelope = Envelope.model_construct(  # already checked by the columns' constraints
        id=str(row.event_id),
        source=source,
        type=row.event_type,
        subject=row.aggregate_id,
        time=row.created_at,
        government=row.government,
        aggregatetype=row.aggregate_type,
        sequence=row.aggregate_seq,
        classification=row.classification,
        correlationid=row.correlation_id,
        causationid=row.causation_id,
        traceparent=tracing.traceparent(row.traceparent, span) if row.traceparent else None,
        data=row.payload,
    )
    return Message(row.topic, row.aggregate_id.encode(), envelope.encode(), envelope.headers())


def _publishing(row: OutboxRow) -> Span:
    said = {
        "messaging.system": "kafka",
        "messaging.destination.name": row.topic,
        "messaging.message.id": str(row.event_id),
    }
    return tracing.begin(f"publish {row.event_type}", SpanKind.PRODUCER, row.traceparent, **said)


def waves(rows: list[OutboxRow]) -> list[list[OutboxRow]]:
    """Split rows into waves: wave n holds the n-th row of each aggregate, ordered by sequence."""
    depth: dict[tuple[str, str], int] = {}
    cut: list[list[OutboxRow]] = []
    for row in sorted(rows, key=lambda row: row.aggregate_seq):
        aggregate = (row.aggregate_type, row.aggregate_id)
        wave = depth.get(aggregate, 0)
        depth[aggregate] = wave + 1
        if wave == len(cut):
            cut.append([])
        cut[wave].append(row)
    return cut


class Relay:
    """Publishes one service's outbox until stopped."""

    def __init__(self, database: Database, producer: Producer, service: str) -> None:
        self._database = database
        self._producer = producer
        self._source = source_of(service)
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Publish on NOTIFY or every `POLL` seconds until cancelled. Broker and database errors are raised; the caller
        retries."""
        listener = asyncio.create_task(self._listen())
        clock = asyncio.get_running_loop().time
        try:
            await self._producer.ready()  # readers can't create its topics, and wait for them
            while True:
                self._wake.clear()
                began = clock()
                if not await self.publish():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), POLL)
                await asyncio.sleep(max(0.0, began + SPACING - clock()))
        finally:
            listener.cancel()

    async def publish(self) -> int:
        """One pass over every lane with work. Returns the number of published rows; raises if the broker is unreachable."""
        async with self._database.autocommit.connect() as connection:
            lanes = await outbox.lanes_with_work(connection)
        if lanes:
            await self._producer.ready()
        random.shuffle(lanes)
        published = 0
        while lanes:
            count, away = await whole(self._take_lanes(lanes[:LANES_AT_ONCE]))
            lanes = lanes[LANES_AT_ONCE:]
            published += count
            if away:
                raise away
        return published

    async def _take_lanes(self, lanes: list[int]) -> tuple[int, BaseException | None]:
        """Publish, in one transaction, the lanes that no other relay holds. Returns the number of published rows, and the
        error if the broker accepted none of a wave."""
        async with self._database.engine.begin() as connection:
            taken = await outbox.lock_lanes(connection, lanes)
            return await self._publish(connection, await outbox.unpublished(connection, taken, BATCH))

    async def _publish(self, connection: AsyncConnection, rows: list[OutboxRow]) -> tuple[int, BaseException | None]:
        published: list[int] = []
        away: BaseException | None = None
        held: set[tuple[str, str]] = set()
        clock = asyncio.get_running_loop().time
        until = clock() + TIME_LIMIT
        for wave in waves(rows):
            wave = [row for row in wave if (row.aggregate_type, row.aggregate_id) not in held]
            spans = [_publishing(row) for row in wave]
            messages = [message_of(row, self._source, span) for row, span in zip(wave, spans, strict=True)]
            try:
                outcomes = await self._producer.send(messages)
            except (KafkaError, OSError, TimeoutError) as error:
                outcomes, away = [error] * len(wave), error
            for span, outcome in zip(spans, outcomes, strict=True):
                if outcome is not None:
                    tracing.failed(span, outcome)
                span.end()
            if away:
                break
            published += [row.pos for row, outcome in zip(wave, outcomes, strict=True) if outcome is None]
            refused = [(row, outcome) for row, outcome in zip(wave, outcomes, strict=True) if outcome is not None]
            held |= {(row.aggregate_type, row.aggregate_id) for row, _ in refused}
            for row, outcome in refused:
                if isinstance(outcome, PERMANENT):
                    log.error("event %s can't be published and is parked: %r", row.event_id, outcome)
                    await outbox.park(connection, row.pos, repr(outcome))
                elif len(refused) < len(wave):
                    log.warning("event %s wasn't acknowledged: %r", row.event_id, outcome)
                    await outbox.back_off(connection, row.pos, repr(outcome))
                else:
                    away = outcome
            if away or clock() > until:
                break
        crash_point("relay.sent")
        if published:
            await outbox.mark_published(connection, published)
        crash_point("relay.marked")
        return len(published), away

    async def _listen(self) -> None:
        """Wake the relay on NOTIFY. While this connection is down, only the poll wakes it."""
        dsn = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                connection = await asyncpg.connect(dsn, timeout=5)
                try:
                    await connection.add_listener(outbox.CHANNEL, lambda *_: self._wake.set())
                    while not connection.is_closed():
                        await asyncio.sleep(1)
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("listening for outbox notifications failed, polling meanwhile: %r", error)
            await asyncio.sleep(1)
