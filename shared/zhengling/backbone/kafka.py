"""The only file that uses aiokafka: producer, consumer, topics.

Invariants: every await on the broker has a time limit; a `CancelledError` raised inside aiokafka never reaches a caller,
who would take it for its own cancellation; a failed producer or consumer is dropped and rebuilt, never repaired. Settings
that differ from aiokafka's defaults: acks=all, no auto-commit, auto.offset.reset=earliest, static group membership. The
producer isn't idempotent (decision 0017).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)
from pydantic import BaseModel, SecretStr

from zhengling.events.event import BACKBONE, EventKind, kind_of, owner_of, topics_of

log = logging.getLogger(__name__)
#: Permanent errors: a retry can't help, so the row is parked.
PERMANENT = (MessageSizeTooLargeError, TopicAuthorizationFailedError, InvalidTopicError)
Offsets = dict[TopicPartition, int]
T = TypeVar("T")


class KafkaSettings(BaseModel):
    """How to reach the broker. Times are in milliseconds where the name ends in `_ms`, else in seconds."""

    bootstrap_servers: str
    fetch_max_wait_ms: int = 500
    partitions: int = 6
    replication_factor: int = 1
    session_timeout_ms: int = 10_000
    send_limit: float = 10.0
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_file: str | None = None
    ssl_certificate_file: str | None = None
    ssl_key_file: str | None = None
    ssl_key_password: SecretStr | None = None

    def client(self) -> dict[str, object]:
        options: dict[str, object] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": 10_000,
            "metadata_max_age_ms": 10_000,
            "retry_backoff_ms": 200,
        }
        if self.sasl_mechanism:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value() if self.sasl_password else None,
            }
        if self.security_protocol.endswith("SSL"):
            from aiokafka.helpers import create_ssl_context

            options["ssl_context"] = create_ssl_context(
                cafile=self.ssl_ca_file,
                certfile=self.ssl_certificate_file,
                keyfile=self.ssl_key_file,
                # Without one OpenSSL would ask on the terminal for that of an encrypted key.
                password=self.ssl_key_password.get_secret_value() if self.ssl_key_password else "",
            )
        return options


async def _within(seconds: float, call: Awaitable[T]) -> T:
    """Await a call of aiokafka. Raises `TimeoutError` after `seconds`, `KafkaError` if aiokafka cancelled it."""
    (outcome,) = await _outcomes(seconds, [call])
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


async def _outcomes(seconds: float, calls: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    """Each call's result or error; `TimeoutError` for calls not done within `seconds` (for all of them together).

    A call that timed out, or whose caller was cancelled, is cancelled but not awaited: some aiokafka calls swallow the
    cancellation while the broker is unreachable, and awaiting them would never return.
    """
    tasks: list[asyncio.Future[T]] = [asyncio.ensure_future(call) for call in calls]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            if not task.done():
                _abandoned.add(task)
                task.add_done_callback(_forget)
                task.cancel()
    outcomes: list[T | BaseException] = []
    for task in tasks:
        if not task.done():
            outcomes.append(TimeoutError("the broker didn't answer in time"))
        elif task.cancelled():
            outcomes.append(KafkaError("aiokafka cancelled a task of its own"))
        else:
            outcomes.append(task.exception() or task.result())
    return outcomes


_abandoned: set[asyncio.Future[Any]] = set()


def _forget(task: asyncio.Future[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # mark it as retrieved, else asyncio logs it


async def ensure_topics(settings: KafkaSettings, topics: Iterable[str]) -> None:
    """Create those of these topics that are missing. Snapshot topics are compacted; they and the backbone's topics have one
    partition: they carry little, and each partition adds an entry to every fetch request."""
    admin = AIOKafkaAdminClient(**settings.client())
    try:
        await _within(10, admin.start())
        there = set(await _within(10, admin.list_topics()))
        if missing := [_new_topic(settings, topic) for topic in topics if topic not in there]:
            answer = await _within(10, admin.create_topics(missing))
            for name, code, *_ in answer.topic_errors:
                if code and (error := for_code(code)) is not TopicAlreadyExistsError:
                    raise error(f"the topic {name} can't be created")
    finally:
        with suppress(TimeoutError, KafkaError, OSError):
            await _within(5, admin.close())


def _new_topic(settings: KafkaSettings, topic: str) -> NewTopic:
    snapshot = kind_of(topic) == EventKind.snapshot
    return NewTopic(
        topic,
        1 if snapshot or owner_of(topic) == BACKBONE else settings.partitions,
        settings.replication_factor,
        topic_configs={"cleanup.policy": "compact" if snapshot else "delete"},
    )


async def reachable(settings: KafkaSettings) -> bool:
    """Whether a broker answers a metadata request within 3 s."""
    client = AIOKafkaClient(**settings.client())
    try:
        await _within(3, client.bootstrap())
        return True
    except (TimeoutError, KafkaError, OSError):
        return False
    finally:
        with suppress(TimeoutError, KafkaError, OSError):
            await _within(3, client.close())


@dataclass(frozen=True)
class Message:
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Producer:
    """Sends waves of messages and returns the outcome of each."""

    def __init__(self, settings: KafkaSettings, service: str) -> None:
        self._settings = settings
        self._service = service
        self._producer: AIOKafkaProducer | None = None

    async def ready(self) -> AIOKafkaProducer:
        """Connect unless connected. Raises `KafkaError`, `OSError` or `TimeoutError` if the broker can't be reached."""
        if self._producer is None:
            await ensure_topics(self._settings, [*topics_of(self._service), *topics_of(BACKBONE)])
            producer = AIOKafkaProducer(
                **self._settings.client(),
                acks="all",
                max_request_size=1_048_576,
            )
            self._producer = producer
            try:
                await _within(10, producer.start())
            except BaseException:
                await self.close()
                raise
        return self._producer

    async def send(self, messages: list[Message]) -> list[BaseException | None]:
        """Send all messages concurrently and wait. Returns per message None if acknowledged, else its error.

        Raises `KafkaError`, `OSError` or `TimeoutError` if the broker can't be reached.
        """
        producer = await self.ready()
        outcomes = await _outcomes(
            self._settings.send_limit,
            [
                producer.send_and_wait(message.topic, key=message.key, value=message.value, headers=message.headers)
                for message in messages
            ],
        )
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if any(not isinstance(outcome, PERMANENT) for outcome in failed):
            await self.close()  # it may hold batches that never expire (aiokafka #1101): build a new one
        return [outcome if isinstance(outcome, BaseException) else None for outcome in outcomes]

    async def close(self) -> None:
        """Close without the flush of aiokafka's `stop()`, which waits for the broker without limit. Unacknowledged messages
        are sent again from the outbox; a producer left open could still send them at any time."""
        producer, self._producer = self._producer, None
        if producer:
            producer._closed = True
            await _end(producer._sender.close, producer.client.close)


class Consumer:
    """One group member that subscribes to whole topics and commits manually. Used until an error, then dropped."""

    def __init__(self, settings: KafkaSettings, group: str, instance: str, topics: list[str]) -> None:
        self.topics = topics
        self._settings = settings
        self._polled_as: tuple[int, str] | None = None
        self._consumer = AIOKafkaConsumer(
            *topics,
            **settings.client(),
            group_id=group,
            group_instance_id=instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=settings.fetch_max_wait_ms,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 5,
            max_poll_interval_ms=300_000,
        )

    async def start(self) -> None:
        await _within(30, self._consumer.start())

    async def poll(self, timeout: float, most: int) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        """At most `most` records that arrive within `timeout` seconds, in order per partition."""
        return await _within(timeout + 30, self._poll(timeout, most))

    async def _poll(self, timeout: float, most: int) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        batches: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = await self._consumer.getmany(
            timeout_ms=int(timeout * 1000), max_records=most
        )
        self._polled_as = self._membership()
        return batches

    async def commit(self, offsets: Offsets) -> None:
        """Commit exactly these offsets (the next to read), unless the member has joined anew since the last poll: then its
        records come again.

        aiokafka would commit them as the new member, or as no member while it has yet to join. A broker that came back
        empty takes both, and the group would begin its new log behind records that it never read.
        """
        await _within(10, self._commit(offsets))

    async def _commit(self, offsets: Offsets) -> None:
        await self._consumer._coordinator.ensure_coordinator_known()  # may take long, and the member may join meanwhile
        if self._polled_as and self._membership() == self._polled_as:
            await self._consumer.commit(offsets)

    def _membership(self) -> tuple[int, str] | None:
        """Generation and member id that the group knows this member by; None while it has to join."""
        coordinator = self._consumer._coordinator
        return (coordinator.generation, coordinator.member_id) if coordinator.generation >= 0 else None

    async def lag(self) -> tuple[Offsets, Offsets]:
        """Committed and end offsets (high watermarks) of all partitions of the topics, whichever member holds them.

        Records that retention deleted unread count as committed. A topic without known partitions counts as one record
        behind.
        """
        return await _within(20, self._lag())

    async def _lag(self) -> tuple[Offsets, Offsets]:
        partitions = [
            TopicPartition(topic, part)
            for topic in self.topics
            for part in (self._consumer.partitions_for_topic(topic) or ())
        ]
        unknown = [TopicPartition(topic, -1) for topic in set(self.topics) - {each.topic for each in partitions}]
        if not partitions:
            return dict.fromkeys(unknown, 0), dict.fromkeys(unknown, 1)
        begins: Offsets = await self._consumer.beginning_offsets(partitions)
        ends: Offsets = await self._consumer.end_offsets(partitions)
        committed = {
            partition: max(await self._consumer.committed(partition) or 0, begins[partition])
            for partition in partitions
        }
        return committed | dict.fromkeys(unknown, 0), ends | dict.fromkeys(unknown, 1)

    def assigned(self) -> set[TopicPartition]:
        partitions: set[TopicPartition] = self._consumer.assignment()
        return partitions

    async def close(self) -> None:
        consumer = self._consumer
        parts = [consumer.stop]
        if consumer._coordinator:  # `stop()` ends at the first failing part and leaves the others running
            parts += [
                consumer._coordinator._stop_heartbeat_task,
                consumer._coordinator._stop_commit_offsets_refresh_task,
            ]
        if consumer._fetcher:
            parts += [consumer._fetcher.close]
        await _end(*parts, consumer._client.close)


async def _end(*parts: Callable[[], Awaitable[None]]) -> None:
    """Close a client's parts, the first within 5 s, the others within 1 s each; a failing part doesn't stop the rest."""
    limit = 5.0
    for part in parts:
        try:
            await _within(limit, part())
        except (TimeoutError, KafkaError, OSError) as error:
            log.warning(
                "%s of a Kafka client failed, the client is dropped: %r", getattr(part, "__name__", part), error
            )
        limit = 1.0
