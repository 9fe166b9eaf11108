"""The inbox turns at-least-once delivery into one effect per event, in the order of the event's aggregate.

Invariants: an event's row, its effect and its aggregate's cursor change in one transaction; a cursor advances from seq n
to n + 1 only; a failed event blocks only its own aggregate; no received record is dropped: it becomes applied, ignored,
waiting, dead, discarded or poison. All SQL on the inbox is in this file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from aiokafka import ConsumerRecord
from opentelemetry.trace import SpanKind
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.backbone import audit
from zhengling.backbone.crash_points import crash_point
from zhengling.database.batching import columns, together
from zhengling.database.session import enter_government, government_of, is_outage, loggable
from zhengling.database.transaction import Cause, state_of
from zhengling.events.backbone import Denial, Receipts
from zhengling.events.catalogue import EVENTS
from zhengling.events.cloudevents import Envelope, decode, digest_of
from zhengling.events.event import BACKBONE, Event, EventKind, topics_of
from zhengling.events.ownership import require_owner
from zhengling.kernel import tracing
from zhengling.kernel.errors import Problem
from zhengling.rules.loading import Rulebooks

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 8
GAP_PATIENCE = 60  # seconds an event may wait for a missing predecessor before it counts as a gap (alert)


class Status(StrEnum):
    applied = "applied"
    ignored = "ignored"
    waiting = "waiting"
    dead = "dead"
    discarded = "discarded"


@dataclass(frozen=True)
class Received:
    """What a handler gets beside the payload: the event's metadata, the rulebooks, the consumer and its topics.
    `time` is when the source recorded the event."""

    rulebooks: Rulebooks
    event_id: UUID
    source: str
    government: str
    time: datetime
    sequence: int
    consumer: str
    topics: frozenset[str]

    @property
    def actor(self) -> str:
        """Who acts, in the audit trail and wherever it is recorded by whom: the event."""
        return f"event:{self.event_id}"


#: Handlers run in the consumer's transaction, in the event's government; they never commit.
Handler = Callable[[AsyncSession, Event, Received], Awaitable[None]]


async def ignored(session: AsyncSession, event: Event, received: Received) -> None:
    """The handler for types that this consumer knows and ignores."""


Handlers = Mapping[type[Event], Handler]


@dataclass(frozen=True)
class Discarded:
    """Why an event was discarded, and who confirmed it."""

    reason: str
    by: str


#: What follows where an event of a type is discarded, in the transaction in which its aggregate goes on.
Discards = Mapping[type[Event], Callable[[AsyncSession, Event, Received, Discarded], Awaitable[None]]]
#: Source, aggregate type and aggregate id.
Place = tuple[str, str, str]

# Statements over several rows take arrays and lock in one fixed order. A value read together with a lock must be in the
# locked row itself (`furthest`): under READ COMMITTED a statement that waited for a lock sees other rows as of its start.
_ENTER = sa.text("""
    INSERT INTO inbox_cursor AS c (consumer, source, aggregate_type, aggregate_id)
    SELECT DISTINCT :consumer, source, aggregate_type, aggregate_id
    FROM unnest(CAST(:source AS text[]), CAST(:aggregate_type AS text[]), CAST(:aggregate_id AS text[]))
        AS e (source, aggregate_type, aggregate_id)
    ORDER BY source, aggregate_type, aggregate_id
    ON CONFLICT (consumer, source, aggregate_type, aggregate_id) DO UPDATE SET last_seq = c.last_seq
    RETURNING source, aggregate_type, aggregate_id, last_seq, blocked_by, furthest
""")
_HERE = sa.text("SELECT event_id FROM inbox WHERE consumer = :consumer AND event_id = ANY(:events)")
_SEEN = sa.text("""
    SELECT event_id, status FROM inbox
    WHERE consumer = :consumer AND (event_id = :event_id
       OR (source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
           AND aggregate_seq = :aggregate_seq AND collides_with IS NULL))
""")
_RECORD = sa.text("""
    WITH ahead AS (
        UPDATE inbox_cursor SET furthest = greatest(furthest, :aggregate_seq)
        WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type
          AND aggregate_id = :aggregate_id AND :status IN ('waiting', 'dead') AND CAST(:collides_with AS uuid) IS NULL
    )
    INSERT INTO inbox (consumer, event_id, source, government, event_type, aggregate_type, aggregate_id, aggregate_seq,
                       status, envelope, attempts, next_attempt_at, last_error, collides_with, topic, part, koffset, digest,
                       applied_at)
    VALUES (:consumer, :event_id, :source, :government, :event_type, :aggregate_type, :aggregate_id, :aggregate_seq,
            :status, CAST(:envelope AS jsonb), :attempts, clock_timestamp() + :backoff * interval '1 second', :last_error,
            :collides_with, :topic, :part, :koffset, :digest, CASE WHEN :status = 'ignored' THEN clock_timestamp() END)
    ON CONFLICT (consumer, event_id) DO NOTHING
""")
_RECORD_AND_STEP = sa.text("""
    WITH event AS (
        SELECT * FROM unnest(
            CAST(:event_id AS uuid[]), CAST(:source AS text[]), CAST(:event_type AS text[]), CAST(:aggregate_type AS text[]),
            CAST(:aggregate_id AS text[]), CAST(:aggregate_seq AS bigint[]), CAST(:status AS text[]), CAST(:topic AS text[]),
            CAST(:part AS integer[]), CAST(:koffset AS bigint[]), CAST(:digest AS bytea[]))
        AS e (event_id, source, event_type, aggregate_type, aggregate_id, aggregate_seq, status, topic, part, koffset, digest)
    ), inserted AS (
        INSERT INTO inbox (consumer, event_id, source, government, event_type, aggregate_type, aggregate_id, aggregate_seq,
                           status, topic, part, koffset, digest, applied_at)
        SELECT :consumer, event_id, source, :government, event_type, aggregate_type, aggregate_id, aggregate_seq, status,
               topic, part, koffset, digest, clock_timestamp()
        FROM event ON CONFLICT (consumer, event_id) DO NOTHING
        RETURNING source, aggregate_type, aggregate_id, aggregate_seq
    ), step AS (
        UPDATE inbox_cursor c SET last_seq = i.last_seq, blocked_by = NULL
        FROM (SELECT source, aggregate_type, aggregate_id, max(aggregate_seq) AS last_seq FROM inserted GROUP BY 1, 2, 3) i
        WHERE c.consumer = :consumer AND c.source = i.source AND c.aggregate_type = i.aggregate_type
          AND c.aggregate_id = i.aggregate_id
    )
    SELECT count(*) FROM inserted
""")
_STEP = sa.text("""
    WITH event AS (
        UPDATE inbox SET status = :status, envelope = NULL, next_attempt_at = NULL, applied_at = clock_timestamp()
        WHERE consumer = :consumer AND event_id = :event_id
    )
    UPDATE inbox_cursor SET last_seq = :aggregate_seq, blocked_by = NULL
    WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
""")
_END = sa.text("""
    UPDATE inbox SET status = :status, envelope = NULL, next_attempt_at = NULL, applied_at = clock_timestamp()
    WHERE consumer = :consumer AND event_id = :event_id
""")
_FAIL = sa.text("""
    UPDATE inbox SET status = :status, attempts = attempts + 1, last_error = :last_error,
        next_attempt_at = clock_timestamp() + :backoff * interval '1 second'
    WHERE consumer = :consumer AND event_id = :event_id
""")
_BLOCK = sa.text("""
    UPDATE inbox_cursor SET blocked_by = :event_id
    WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
""")
_SUPERSEDE = sa.text("""
    UPDATE inbox SET status = 'ignored', envelope = NULL, next_attempt_at = NULL
    WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
      AND aggregate_seq < :aggregate_seq AND status IN ('waiting', 'dead') AND collides_with IS NULL
""")
_WAITING_AT = sa.text("""
    SELECT event_id, envelope, attempts, status, discard_reason, discarded_by FROM inbox
    WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
      AND aggregate_seq = :aggregate_seq AND (status = 'waiting' OR (status = 'discarded' AND collides_with IS NULL))
    ORDER BY collides_with IS NULL LIMIT 1 FOR UPDATE
""")
# Events whose number is free again, of aggregates that are beyond it. Those of others are found at their number.
_NEXT_FREED = sa.text("""
    SELECT source, aggregate_type, aggregate_id, i.event_id, i.aggregate_seq, i.envelope, i.attempts
    FROM inbox i JOIN inbox_cursor c USING (consumer, source, aggregate_type, aggregate_id)
    WHERE consumer = :consumer AND i.status = 'waiting' AND i.collides_with IS NOT NULL
      AND i.next_attempt_at <= clock_timestamp() AND i.aggregate_seq <= c.last_seq
    ORDER BY i.aggregate_seq LIMIT 1 FOR UPDATE SKIP LOCKED
""")
# An event that its sender denied has no claim to its number once two persons have closed the denial: who came under that
# number waits for its turn, unless it is denied itself.
_FREE = sa.text("""
    UPDATE inbox i SET status = 'waiting', attempts = 0, next_attempt_at = clock_timestamp(), last_error = NULL
    FROM denied_event d
    WHERE i.consumer = :consumer AND i.status = 'dead' AND i.last_error LIKE :collision
      AND d.consumer = i.consumer AND d.event_id = i.collides_with AND d.discarded_by IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM denied_event own WHERE own.consumer = i.consumer AND own.event_id = i.event_id)
""")
_LATEST = sa.text("""
    SELECT coalesce(max(aggregate_seq), 0) FROM inbox i
    WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
      AND (collides_with IS NULL OR status = 'applied')
      AND NOT EXISTS (SELECT 1 FROM denied_event d
                      WHERE d.consumer = i.consumer AND d.event_id = i.event_id AND d.discarded_by IS NOT NULL)
""")
# A blocked aggregate resumes when its blocking event is due for a retry, or was discarded by a second person.
_NEXT_BLOCKED = sa.text("""
    SELECT c.source, c.aggregate_type, c.aggregate_id, c.last_seq, i.event_id, i.aggregate_seq, i.status
    FROM inbox_cursor c JOIN inbox i ON i.consumer = c.consumer AND i.event_id = c.blocked_by
    WHERE c.consumer = :consumer AND c.blocked_by IS NOT NULL
      AND ((i.status = 'waiting' AND i.next_attempt_at <= clock_timestamp()) OR i.status = 'discarded')
    ORDER BY i.next_attempt_at NULLS FIRST LIMIT 1 FOR UPDATE OF c SKIP LOCKED
""")
_POISON = sa.text("""
    INSERT INTO poison (consumer, topic, part, koffset, digest, raw, error)
    VALUES (:consumer, :topic, :part, :koffset, :digest, :raw, :error) ON CONFLICT DO NOTHING
""")
_POISONED = sa.text("SELECT count(*) FROM poison WHERE consumer = :consumer AND discarded_by IS NULL")
_COUNTS = sa.text("""
    SELECT count(*) FILTER (WHERE status = 'waiting'), count(*) FILTER (WHERE status = 'dead'),
           count(*) FILTER (WHERE status = 'waiting' AND next_attempt_at IS NULL
                            AND received_at < clock_timestamp() - :patience * interval '1 second')
    FROM inbox WHERE consumer = :consumer AND status IN ('waiting', 'dead')
""")


# WITH TIES: all rows of the last instant, so that the next query can begin after it.
_RECEIVED = sa.text("""
    WITH came AS (
        SELECT source, event_id, digest, received_at FROM inbox
        WHERE consumer = :consumer AND received_at > :since AND received_at <= :until AND topic <> ALL(:shared)
        ORDER BY received_at FETCH FIRST :most ROWS WITH TIES)
    SELECT source, jsonb_object_agg(event_id, coalesce(encode(digest, 'hex'), '')), count(*), max(received_at)
    FROM came GROUP BY source ORDER BY source
""")
_GOVERNMENTS = sa.text("""
    SELECT event_id, government FROM inbox
    WHERE consumer = :consumer AND source = :source AND event_id = ANY(:events) ORDER BY government
""")
_DENY = sa.text("""
    INSERT INTO denied_event (consumer, event_id, government, reason)
    SELECT :consumer, event_id, :government, reason
    FROM unnest(CAST(:event_id AS uuid[]), CAST(:reason AS text[])) AS e (event_id, reason) ON CONFLICT DO NOTHING
""")
_DENIED = sa.text("SELECT count(*) FROM denied_event WHERE consumer = :consumer AND discarded_by IS NULL")
_SHARED = list(topics_of(BACKBONE))


class NotTogether(Exception):
    """One event of a batch was already recorded, so the batch is handled event by event."""


@dataclass(frozen=True)
class Cursor:
    """An aggregate's progress: last seq handled, the event that blocks it, and the highest seq waiting or dead."""

    last_seq: int
    blocked_by: UUID | None
    furthest: int

    @property
    def plain(self) -> bool:
        """Whether the aggregate is neither blocked nor has events waiting or dead."""
        return self.blocked_by is None and self.furthest <= self.last_seq


@dataclass(frozen=True)
class Arrival:
    """A record that was decoded."""

    envelope: Envelope
    place: Place
    row: dict[str, Any]
    type: type[Event] | None

    @property
    def snapshot(self) -> bool:
        return self.type is not None and self.type.kind == EventKind.snapshot


def _kind_and_government(arrival: Arrival) -> tuple[bool, str]:
    return not arrival.snapshot, arrival.envelope.government


class Inbox:
    """One consumer's inbox. `handlers` covers all event types of its sources; an event of an unlisted type becomes dead."""

    def __init__(
        self, consumer: str, handlers: Handlers, rulebooks: Rulebooks, discards: Discards | None = None
    ) -> None:
        self.consumer = consumer
        self.handlers = handlers
        self.discards = discards or {}
        self.rulebooks = rulebooks
        self.topics = frozenset(event.kafka_topic() for event in handlers)

    async def receive(
        self,
        session: AsyncSession,
        records: Sequence[ConsumerRecord[bytes, bytes]],
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Handle records (in order per partition) in the caller's transaction; calls `progress` after each event.

        Snapshots come first: a change of the calendar waits for whoever computes by it, so this transaction must not hold
        nouns yet, which they may wait for. Records are grouped by government, so that group members lock a government's
        shared rows (its number series) in one order and don't deadlock; the order within an aggregate is kept, since an
        aggregate belongs to one government and has one kind of events.
        Events that are next in their aggregate are applied as a batch, with one statement for their common rows; if one
        fails, the batch is rolled back to its savepoint and each event is handled by itself.
        """
        arrived: list[Arrival] = []
        for record in records:
            try:
                arrived.append(self._arrival(decode(record.value), record))
            except ValueError as error:
                await self.set_aside(session, record, error)
        arrived.sort(key=_kind_and_government)
        for (_, government), found in groupby(arrived, key=_kind_and_government):
            group = list(found)
            await enter_government(session, government)
            if len(group) > 1:
                cursors = await self._lock(session, group)
                group = await self._without_duplicates(session, group, cursors)
                plain = self._plainly_next(group, cursors)
                if await self._apply_together(session, plain, progress):
                    done = {id(each) for each in plain}
                    group = [each for each in group if id(each) not in done]
            for each in group:
                await self._take(session, each)
                progress()

    def _arrival(self, envelope: Envelope, record: ConsumerRecord[bytes, bytes]) -> Arrival:
        require_owner(envelope, record.topic)
        row = {
            "event_id": UUID(envelope.id),
            "source": envelope.source,
            "event_type": envelope.type,
            "aggregate_type": envelope.aggregatetype,
            "aggregate_id": envelope.subject,
            "aggregate_seq": envelope.sequence,
            "status": self._done(envelope).value,
            "topic": record.topic,
            "part": record.partition,
            "koffset": record.offset,
            "digest": digest_of(envelope),
        }
        place = (envelope.source, envelope.aggregatetype, envelope.subject)
        return Arrival(envelope, place, row, EVENTS.get(envelope.type))

    async def _lock(self, session: AsyncSession, arrivals: list[Arrival]) -> dict[Place, Cursor]:
        """Lock the cursors of the events' aggregates until the commit."""
        names = ("source", "aggregate_type", "aggregate_id")
        places = columns([{name: each.row[name] for name in names} for each in arrivals])
        found = await session.execute(_ENTER, places | {"consumer": self.consumer})
        return {(row[0], row[1], row[2]): Cursor(*row[3:]) for row in found}

    async def _without_duplicates(
        self, session: AsyncSession, group: list[Arrival], cursors: dict[Place, Cursor]
    ) -> list[Arrival]:
        """Drop events already recorded, of aggregates whose cursor is beyond them; after a replay that may be all."""
        old = [each.row["event_id"] for each in group if each.envelope.sequence <= cursors[each.place].last_seq]
        if not old:
            return group
        here = set((await session.execute(_HERE, {"consumer": self.consumer, "events": old})).scalars())
        return [each for each in group if each.row["event_id"] not in here]

    def _plainly_next(self, group: list[Arrival], cursors: dict[Place, Cursor]) -> list[Arrival]:
        """The ordered events that continue their aggregate's sequence, for aggregates with nothing blocked or waiting."""
        last = {place: cursor.last_seq for place, cursor in cursors.items() if cursor.plain}
        for each in group:
            if each.snapshot or each.envelope.sequence != last.get(each.place, -1) + 1:
                last.pop(each.place, None)
            else:
                last[each.place] += 1
        return [each for each in group if each.place in last]

    async def _apply_together(
        self, session: AsyncSession, arrivals: list[Arrival], progress: Callable[[], None]
    ) -> bool:
        """Apply all of these events or none. Returns False if one failed or there are fewer than two."""
        if len(arrivals) < 2:
            return False
        try:
            async with session.begin_nested(), together(session):
                session.expunge_all()
                await self._record_and_step(session, arrivals)
                for each in arrivals:
                    await self._handle(session, each.envelope)
                    progress()
        except Exception as error:
            if is_outage(error):
                raise
            log.info("%s handles %d events one by one: %s", self.consumer, len(arrivals), loggable(error))
            return False
        return True

    async def _record_and_step(self, session: AsyncSession, arrivals: list[Arrival]) -> None:
        """Insert the events' rows and advance their cursors. Raises `NotTogether` if one was already recorded."""
        rows = columns([each.row for each in arrivals])
        place = {"consumer": self.consumer, "government": arrivals[0].envelope.government}
        if await session.scalar(_RECORD_AND_STEP, rows | place) != len(arrivals):
            raise NotTogether

    async def _take(self, session: AsyncSession, arrival: Arrival) -> None:
        """Handle one event: apply it, or record it as waiting, ignored or dead."""
        envelope = arrival.envelope
        cursor = (await self._lock(session, [arrival]))[arrival.place]
        row = arrival.row | {"consumer": self.consumer, "government": envelope.government}
        if arrival.snapshot:
            if await self._duplicate_or_collision(session, envelope, row, may_be_new=True):
                return
            newest = max(cursor.last_seq, cursor.furthest)
            if envelope.sequence > newest or envelope.sequence > await session.scalar(_LATEST, row):
                await session.execute(_SUPERSEDE, row)
                await self._apply_new(session, arrival, row)
            else:
                await self._record(session, row, Status.ignored)
        elif envelope.sequence <= cursor.last_seq:
            await self._duplicate_or_collision(session, envelope, row)
        elif envelope.sequence > cursor.last_seq + 1 or cursor.blocked_by is not None:
            if not await self._duplicate_or_collision(session, envelope, row, may_be_new=True):
                await self._record(session, row, Status.waiting, envelope)
        elif await self._apply_new(session, arrival, row) and not cursor.plain:
            await self._drain(session, row, envelope.sequence)

    async def drain_blocked(self, session: AsyncSession) -> bool:
        """Resume one blocked aggregate that is due. Returns False if none is. Called by the worker."""
        found = (await session.execute(_NEXT_BLOCKED, {"consumer": self.consumer})).mappings().first()
        if not found:
            return False
        place = {
            "consumer": self.consumer,
            "source": found["source"],
            "aggregate_type": found["aggregate_type"],
            "aggregate_id": found["aggregate_id"],
        }
        await self._drain(session, place, found["aggregate_seq"] - 1)
        return True

    async def take_freed(self, session: AsyncSession) -> bool:
        """Apply one event that came under the number of another one, which its sender then denied and two persons gave up.
        Its aggregate is beyond its number: an ordered event is applied late, a snapshot unless a newer one is here. One that
        fails blocks nothing. Returns False if there is none. Called by the worker."""
        await session.execute(_FREE, {"consumer": self.consumer, "collision": f"{SequenceCollision.__name__}%"})
        found = (await session.execute(_NEXT_FREED, {"consumer": self.consumer})).mappings().first()
        if not found:
            return False
        row = dict(found) | {"consumer": self.consumer}
        envelope = Envelope.model_validate(found["envelope"])
        await enter_government(session, envelope.government)
        event_type = EVENTS.get(envelope.type)
        snapshot = event_type is not None and event_type.kind == EventKind.snapshot
        if snapshot and envelope.sequence <= await session.scalar(_LATEST, row):
            await session.execute(_END, row | {"status": Status.ignored})
            return True
        try:
            async with session.begin_nested(), together(session):
                session.expunge_all()
                await session.execute(_END, row | {"status": self._done(envelope)})
                await self._handle(session, envelope)
        except Exception as error:
            await self._fail(session, row, error)
        return True

    async def counts(self, session: AsyncSession) -> tuple[int, int, int]:
        """Counts of waiting events, dead events, and events waiting for a missing one longer than `GAP_PATIENCE`."""
        waiting, dead, gaps = (
            await session.execute(_COUNTS, {"consumer": self.consumer, "patience": GAP_PATIENCE})
        ).one()
        return waiting, dead, gaps

    async def poisoned(self, session: AsyncSession) -> int:
        """The number of records that can't be parsed and aren't discarded."""
        return int(await session.scalar(_POISONED, {"consumer": self.consumer}) or 0)

    async def denied(self, session: AsyncSession) -> int:
        """The number of events that their sender never emitted and nobody has discarded."""
        return int(await session.scalar(_DENIED, {"consumer": self.consumer}) or 0)

    async def _apply_new(self, session: AsyncSession, arrival: Arrival, row: dict[str, Any]) -> bool:
        """Apply the event that is next in its aggregate. If its handler fails, it becomes waiting or dead and blocks its
        aggregate. Returns whether it was applied."""
        envelope = arrival.envelope
        try:
            async with session.begin_nested(), together(session):
                session.expunge_all()
                await self._record_and_step(session, [arrival])
                await self._handle(session, envelope)
        except NotTogether:
            return False  # a duplicate
        except Exception as error:
            status, backoff = verdict(error, 1)
            log.warning(
                "%s couldn't handle %s %s (%s): %s", self.consumer, envelope.type, envelope.id, status, loggable(error)
            )
            await self._record(session, row, status, envelope, error, backoff)
            await session.execute(_BLOCK, row)
            return False
        return True

    async def _drain(self, session: AsyncSession, place: dict[str, Any], last_seq: int) -> None:
        """Apply the events waiting after `last_seq` in order, until there is a gap or one fails."""
        while True:
            step = place | {"aggregate_seq": last_seq + 1}
            found = (await session.execute(_WAITING_AT, step)).mappings().first()
            if not found:
                return
            step["event_id"] = found["event_id"]
            if found["status"] == Status.discarded:
                await session.execute(_STEP, step | {"status": Status.discarded})
                await self._follow_discard(session, found)
            else:
                try:
                    envelope = Envelope.model_validate(found["envelope"])
                    await enter_government(session, envelope.government)
                    async with session.begin_nested(), together(session):
                        session.expunge_all()
                        await session.execute(_STEP, step | {"status": self._done(envelope)})
                        await self._handle(session, envelope)
                except Exception as error:
                    await self._fail(session, step | {"attempts": found["attempts"]}, error)
                    await session.execute(_BLOCK, step)
                    return
            last_seq += 1

    async def _fail(self, session: AsyncSession, row: dict[str, Any], error: Exception) -> None:
        """Note that a recorded event failed again: it waits for its next attempt or is dead."""
        status, backoff = verdict(error, row["attempts"] + 1)
        log.warning("%s couldn't handle %s (%s): %s", self.consumer, row["event_id"], status, loggable(error))
        await session.execute(_FAIL, row | {"status": status, "last_error": loggable(error), "backoff": backoff})

    async def _handle(self, session: AsyncSession, envelope: Envelope) -> None:
        event_type = EVENTS.get(envelope.type)
        handler = self.handlers.get(event_type) if event_type else None
        if event_type is None or handler is None:
            raise UnknownType(envelope.type)
        if handler is ignored:
            return
        event = event_type.model_validate(envelope.data, extra="ignore")  # a newer writer may add fields
        said = {"messaging.message.id": envelope.id, "zhengling.government": envelope.government}
        with tracing.span(f"handle {envelope.type}", SpanKind.CONSUMER, envelope.traceparent, **said):
            traceparent = tracing.traceparent(envelope.traceparent)
            state_of(session).cause = Cause(envelope.correlationid, envelope.id, traceparent)
            received = self._received(envelope)
            await handler(session, event, received)
            crash_point("consumer.handling")
            await audit.record(
                session, actor=received.actor, action=handler.__name__, subject=envelope.subject, details={}
            )

    def _received(self, envelope: Envelope) -> Received:
        return Received(
            self.rulebooks, UUID(envelope.id), envelope.source, envelope.government, envelope.time, envelope.sequence,
            self.consumer, self.topics,
        )  # fmt: skip

    async def _follow_discard(self, session: AsyncSession, found: Mapping[Any, Any]) -> None:
        """Do what the service declares for a discarded event of this type; nothing if the event itself can't be read."""
        envelope = Envelope.model_validate(found["envelope"])
        event_type = EVENTS.get(envelope.type)
        if event_type is None or (follow := self.discards.get(event_type)) is None:
            return
        try:
            event = event_type.model_validate(envelope.data, extra="ignore")
        except ValidationError:
            return
        await enter_government(session, envelope.government)
        await follow(
            session, event, self._received(envelope), Discarded(found["discard_reason"], found["discarded_by"])
        )

    def _done(self, envelope: Envelope) -> Status:
        event_type = EVENTS.get(envelope.type)
        return Status.ignored if event_type and self.handlers.get(event_type) is ignored else Status.applied

    def _record_of(
        self,
        row: dict[str, Any],
        status: Status,
        envelope: Envelope | None = None,
        error: BaseException | None = None,
        backoff: float | None = None,
        collides_with: UUID | None = None,
    ) -> dict[str, object]:
        return row | {
            "status": status.value,
            "envelope": orjson.dumps(envelope.model_dump(mode="json")).decode() if envelope else None,
            "attempts": 1 if error else 0,
            "backoff": backoff,
            "last_error": loggable(error) if error else None,
            "collides_with": collides_with,
        }

    async def _record(
        self,
        session: AsyncSession,
        row: dict[str, Any],
        status: Status,
        envelope: Envelope | None = None,
        error: BaseException | None = None,
        backoff: float | None = None,
        collides_with: UUID | None = None,
    ) -> None:
        await session.execute(_RECORD, self._record_of(row, status, envelope, error, backoff, collides_with))

    async def _duplicate_or_collision(
        self, session: AsyncSession, envelope: Envelope, row: dict[str, Any], *, may_be_new: bool = False
    ) -> bool:
        """Whether the event was already recorded. If another event has its seq, the source is at fault or one of the two is
        forged: the record is kept as dead with the event it collides with, and nothing is applied (but see `take_freed`)."""
        seen = (await session.execute(_SEEN, row)).all()
        if any(event_id == row["event_id"] for event_id, _ in seen):
            return True
        if may_be_new and not seen:
            return False
        other = seen[0][0] if seen else UUID(int=0)
        error = SequenceCollision(
            f"seq {envelope.sequence} of {envelope.aggregatetype} {envelope.subject} is {other}'s"
        )
        log.error("%s: %r, event %s is kept as dead", self.consumer, error, envelope.id)
        await self._record(session, row, Status.dead, envelope, error, collides_with=other)
        return True

    async def set_aside(self, session: AsyncSession, record: ConsumerRecord[bytes, bytes], error: Exception) -> None:
        """Keep a record that can't be read, or that its sender may not send: its bytes, and what is wrong with them. Two
        persons can give it up."""
        raw = record.value or b""
        log.error("%s: %s[%s]@%s is set aside: %s", self.consumer, record.topic, record.partition, record.offset, error)
        await session.execute(
            _POISON,
            {
                "consumer": self.consumer,
                "topic": record.topic,
                "part": record.partition,
                "koffset": record.offset,
                "digest": hashlib.sha256(raw).digest(),
                "raw": raw,
                "error": (str(error) if isinstance(error, ValueError) else type(error).__name__)[:500],
            },
        )


async def received_since(
    session: AsyncSession, consumer: str, since: datetime, until: datetime, most: int
) -> tuple[tuple[Receipts, ...], datetime | None]:
    """The events received in (since, until], over all governments and about `most`, by source. Also returns the instant to
    continue from, or None if complete. Excludes the backbone's own events."""
    span = {"consumer": consumer, "since": since, "until": until, "shared": _SHARED, "most": most}
    rows = (await session.execute(_RECEIVED, span)).all()
    found = tuple(Receipts(source=row[0], events=row[1]) for row in rows)
    return found, max(row[3] for row in rows) if sum(row[2] for row in rows) >= most else None


async def note_denied(session: AsyncSession, consumer: str, source: str, events: Mapping[str, Denial]) -> None:
    """Note received events that `source` never emitted. Enters their governments, and then the one from before."""
    ids = [UUID(event) for event in events]
    rows = (await session.execute(_GOVERNMENTS, {"consumer": consumer, "source": source, "events": ids})).all()
    before = government_of(session)
    for government, group in groupby(rows, key=lambda row: row.government):
        denied = [{"event_id": row.event_id, "reason": events[str(row.event_id)].value} for row in group]
        log.error(
            "%s received events that %s never emitted: %s",
            consumer,
            source,
            ", ".join(str(d["event_id"]) for d in denied),
        )
        await enter_government(session, government)
        await session.execute(_DENY, columns(denied) | {"consumer": consumer, "government": government})
    await enter_government(session, before)


class UnknownType(Exception):
    """No handler is listed for the event's type: the event is dead until an upgrade lists one."""


class SequenceCollision(Exception):
    """Two events of one aggregate carry the same sequence number. An event is kept as dead with this as its error until its
    number is free; what goes wrong with it afterwards is another error."""


def is_collision(last_error: str | None) -> bool:
    """Whether an event is kept for its number only, by its last error."""
    return (last_error or "").startswith(SequenceCollision.__name__)


def verdict(error: Exception, attempts: int) -> tuple[Status, float | None]:
    """The status of a failed event: dead at once for a permanent error, else waiting with a backoff in seconds (doubling
    from 0.4 to 60) until `MAX_ATTEMPTS`. A 503 problem waits without limit (backoff at most its Retry-After, by default
    5 s), since it depends on another event or service, or on a rulebook that has to be corrected or loaded. Re-raises the
    error on a database outage: then the whole batch is redelivered."""
    if is_outage(error):
        raise error
    backoff = min(60.0, 0.2 * 2 ** min(attempts, 10))  # who waits without limit has any number of attempts
    if isinstance(error, Problem) and error.status == 503:
        return Status.waiting, min(backoff, float(error.headers.get("Retry-After", 5.0)))
    permanent = isinstance(error, (Problem, ValidationError, UnknownType)) or attempts >= MAX_ATTEMPTS
    return (Status.dead, None) if permanent else (Status.waiting, backoff)
