"""The consumer: one group member that handles records sequentially and commits offsets only after its database commit.

The records of one poll are one transaction; then exactly their offsets are committed. The watchdog rebuilds the consumer
when the group has lag and its committed offset doesn't advance, whichever member believes to own the partition.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError

from zhengling.backbone.crash_points import crash_point
from zhengling.backbone.inbox import Inbox
from zhengling.backbone.kafka import Consumer, KafkaSettings, Offsets, ensure_topics
from zhengling.database.session import Database, is_outage, is_refused_data, loggable, whole

log = logging.getLogger(__name__)
RECEIVED = Counter("zhengling_records_received", "Records taken from Kafka", ["consumer"])
REBUILT = Counter("zhengling_consumer_rebuilt", "Consumers rebuilt by the watchdog", ["consumer"])
LAG = Gauge("zhengling_consumer_lag", "Records that the group hasn't committed", ["consumer"])
SPACING = 0.02  # seconds between the starts of two batches: under load more events share one transaction


class StandsStill(Exception):
    """The group has lag and its committed offsets don't advance."""


def is_fault_of_record(error: Exception) -> bool:
    """Whether a record's content made the inbox fail. Else the database did, or Kafka: then the batch is taken again."""
    return is_refused_data(error) or not (isinstance(error, DBAPIError | KafkaError) or is_outage(error))


class EventConsumer:
    """Reads `topics` into the inbox until it is cancelled or fails; the caller restarts it."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        settings: KafkaSettings,
        instance: str,
        topics: list[str],
        *,
        batch: int = 200,
        patience: float = 30.0,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._settings = settings
        self._instance = instance
        self._topics = topics
        self._batch = batch
        self._patience = patience
        self._client: Consumer | None = None
        self._read_at = -math.inf  # by the loop's clock
        self._still = 0  # rebuilds by the watchdog since one that helped

    @property
    def assigned(self) -> int:
        """The number of partitions this member believes to own."""
        return len(self._client.assigned()) if self._client else 0

    @property
    def _forbearance(self) -> float:
        """Seconds without progress before this run is given up: twice as long after each rebuild that didn't help. Members
        that rejoin sooner than the group can rebalance would keep each other from ever owning a partition."""
        return self._patience * (1 << min(self._still, 4))

    @property
    def behind(self) -> float:
        """Seconds: the group has consumed every record that was in the log this long ago; infinite until known."""
        return asyncio.get_running_loop().time() - self._read_at

    async def run(self) -> None:
        """Consume until a `KafkaError`, a database outage or cancellation; returns when the watchdog wants a rebuild."""
        await ensure_topics(self._settings, self._topics)
        # A static member that rejoins gets its old partitions back without a rebalance. A member that stalls again right
        # after a rebuild therefore joins under another instance id.
        instance = self._instance if self._still < 2 else f"{self._instance}.{self._still}"
        self._client = Consumer(self._settings, self._inbox.consumer, instance, self._topics)
        try:
            await self._client.start()
            moved_at: dict[TopicPartition, float] = {}
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._consume(self._client, moved_at))
                tasks.create_task(self._watch(self._client, moved_at))
        except* StandsStill:
            self._still += 1
        except* TimeoutError:
            self._still = 0  # the embedded broker doesn't admit another instance id
            raise
        finally:
            client, self._client = self._client, None
            await client.close()

    async def _consume(self, client: Consumer, moved_at: dict[TopicPartition, float]) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            if batches := await client.poll(1.0, self._batch):
                began = clock()
                await whole(self._take(client, batches, moved_at))
                await asyncio.sleep(max(0.0, began + SPACING - clock()))

    async def _take(
        self,
        client: Consumer,
        batches: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]],
        moved_at: dict[TopicPartition, float],
    ) -> None:
        """Commit the records of one poll to the database, then their offsets to Kafka."""
        records = [record for batch in batches.values() for record in batch]

        def progress() -> None:  # a slow batch isn't a stalled consumer
            moved_at.update(dict.fromkeys(client.assigned(), asyncio.get_running_loop().time()))

        try:
            await self._apply(records, progress)
        except Exception as error:
            if not is_fault_of_record(error):
                raise
            log.warning("%s takes %d records one by one: %s", self._inbox.consumer, len(records), loggable(error))
            for record in records:
                await self._apply_alone(record, progress)
        crash_point("consumer.committed")
        RECEIVED.labels(self._inbox.consumer).inc(len(records))
        await client.commit({partition: batch[-1].offset + 1 for partition, batch in batches.items()})

    async def _apply(self, records: list[ConsumerRecord[bytes, bytes]], progress: Callable[[], None]) -> None:
        async with self._database.transaction(None) as session:
            await self._inbox.receive(session, records, progress)
            crash_point("consumer.handled")

    async def _apply_alone(self, record: ConsumerRecord[bytes, bytes], progress: Callable[[], None]) -> None:
        """One record in its own transaction. What the inbox fails on is set aside as unreadable, whatever it holds, so that
        the records behind it are applied."""
        try:
            await self._apply([record], progress)
        except Exception as error:
            if not is_fault_of_record(error):
                raise
            async with self._database.transaction(None) as session:
                await self._inbox.set_aside(session, record, error)

    async def _watch(self, client: Consumer, moved_at: dict[TopicPartition, float]) -> None:
        """Raise `StandsStill` when a partition has lag, its committed offset hasn't advanced for `_forbearance` seconds,
        and this member, if it believes to own it, has handled no record in that time."""
        patience = self._forbearance
        before: Offsets = {}
        mark: Offsets = {}  # end offsets at `marked_at`
        marked_at = self._read_at
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            await asyncio.sleep(self._patience / 5 * random.uniform(0.8, 1.2))
            looked_at = clock()
            committed, ends = await client.lag()
            LAG.labels(self._inbox.consumer).set(sum(max(0, end - committed[part]) for part, end in ends.items()))
            # A log whose end offset is below the mark was recreated.
            if all(committed.get(part, 0) >= min(end, ends.get(part, 0)) for part, end in mark.items()):
                self._read_at, mark, marked_at = marked_at, ends, looked_at
            for partition, end in ends.items():
                if committed[partition] >= end or committed[partition] != before.get(partition):
                    moved_at[partition] = clock()
            before = committed
            if clock() - began > 3 * patience:  # this rebuild helped: the next stall is found as soon as the first
                self._still, patience = 0, self._patience
            if any(clock() - moment > patience for moment in moved_at.values()):
                REBUILT.labels(self._inbox.consumer).inc()
                log.warning("%s has lag and makes no progress, its consumer is rebuilt", self._inbox.consumer)
                raise StandsStill
