"""The consumer: one member of the group, sequential, that never runs ahead of its database.

What one poll brings is one transaction; then exactly these offsets are committed. The watchdog builds the consumer
anew when the group's lag stands still, whoever believes to own the partitions.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random

from aiokafka import ConsumerRecord, TopicPartition
from prometheus_client import Counter

from zhengling.backbone.crash_points import crash_point
from zhengling.backbone.inbox import Inbox
from zhengling.backbone.kafka import Consumer, KafkaSettings, Offsets, ensure_topics
from zhengling.database.session import Database, whole

log = logging.getLogger(__name__)
RECEIVED = Counter("zhengling_records_received", "Records taken from Kafka", ["consumer"])
REBUILT = Counter("zhengling_consumer_rebuilt", "Consumers built anew by the watchdog", ["consumer"])


SPACING = 0.02  # seconds between the beginnings of two batches: under load more events share one transaction


class StandsStill(Exception):
    """The group has lag and its committed offsets don't move."""


class EventConsumer:
    """Reads `topics` into the inbox until stopped or until something fails; the caller starts it again."""

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
        self._still = 0  # how often in a row it was built anew since it stood still

    @property
    def assigned(self) -> int:
        """How many partitions this member believes to own."""
        return len(self._client.assigned()) if self._client else 0

    @property
    def behind(self) -> float:
        """Whatever stood in the log so many seconds ago the group has taken; infinite until that is known."""
        return asyncio.get_running_loop().time() - self._read_at

    async def run(self) -> None:
        """Consume; ends only by an error (a `KafkaError`, an outage of the database, `StandsStill`) or cancellation."""
        await ensure_topics(self._settings, sorted({topic.split(".")[1] for topic in self._topics}))
        # A static member that comes back is given what it had, without anybody looking again at who owns what. One that
        # stood still again right after it was built anew therefore comes under another name.
        instance = self._instance if self._still < 2 else f"{self._instance}.{self._still}"
        began = asyncio.get_running_loop().time()
        self._client = Consumer(self._settings, self._inbox.consumer, instance, self._topics)
        try:
            await self._client.start()
            moved_at: dict[TopicPartition, float] = {}
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._consume(self._client, moved_at))
                tasks.create_task(self._watch(self._client, moved_at))
        except* StandsStill:
            soon = asyncio.get_running_loop().time() - began < 3 * self._patience
            self._still = self._still + 1 if soon else 1
        except* TimeoutError:
            self._still = 0  # the embedded broker doesn't let in who comes under another name
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
        """Commit what one poll brought to the database, then its offsets to Kafka."""
        records = [record for batch in batches.values() for record in batch]

        def progress() -> None:  # slow isn't still
            moved_at.update(dict.fromkeys(client.assigned(), asyncio.get_running_loop().time()))

        async with self._database.transaction(None) as session:
            await self._inbox.receive(session, records, progress)
            crash_point("consumer.handled")
        crash_point("consumer.committed")
        RECEIVED.labels(self._inbox.consumer).inc(len(records))
        await client.commit({partition: batch[-1].offset + 1 for partition, batch in batches.items()})

    async def _watch(self, client: Consumer, moved_at: dict[TopicPartition, float]) -> None:
        """Raise `StandsStill` when some partition has lag, its committed offset hasn't moved for `patience` s, and
        this member, if it believes to own it, hasn't handled a record in that time."""
        before: Offsets = {}
        mark: Offsets = {}  # where the log ended at `marked_at`
        marked_at = self._read_at
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._patience / 5 * random.uniform(0.8, 1.2))
            looked_at = clock()
            committed, ends = await client.lag()
            # A log that ends before the mark has begun anew.
            if all(committed.get(part, 0) >= min(end, ends.get(part, 0)) for part, end in mark.items()):
                self._read_at, mark, marked_at = marked_at, ends, looked_at
            for partition, end in ends.items():
                if committed[partition] >= end or committed[partition] != before.get(partition):
                    moved_at[partition] = clock()
            before = committed
            if any(clock() - moment > self._patience for moment in moved_at.values()):
                REBUILT.labels(self._inbox.consumer).inc()
                log.warning("%s stands still with lag and is built anew", self._inbox.consumer)
                raise StandsStill
