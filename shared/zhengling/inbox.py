"""The inbox: a handler's effect happens once, in the order of its aggregate, whatever is delivered again.

Invariants: an event's row, its effect and the step of its aggregate's cursor are one transaction; an aggregate moves
from seq n to n + 1 only; an event that failed blocks its own aggregate alone; nothing that was received is dropped:
it is applied, ignored, waiting, dead, discarded, or poison. All SQL on the inbox is in this file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import orjson
import sqlalchemy as sa
from aiokafka import ConsumerRecord
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling import audit
from zhengling.cloudevents import Envelope, decode
from zhengling.db import is_outage
from zhengling.errors import Problem
from zhengling.events import EVENTS, Event, EventKind
from zhengling.faults import crash_point
from zhengling.rulebook import Rulebooks

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 8
GAP_PATIENCE = 60  # seconds an event may wait for the one before it until that is an alert


class Status(StrEnum):
    applied = "applied"
    ignored = "ignored"
    waiting = "waiting"
    dead = "dead"
    discarded = "discarded"


@dataclass(frozen=True)
class Received:
    """What a handler gets beside the payload: where the event comes from, when it was recorded there, and the rules."""

    rulebooks: Rulebooks
    event_id: UUID
    source: str
    government: str
    time: datetime
    sequence: int


#: Handlers are called in the consumer's transaction, for the event's government; they commit nothing themselves.
Handler = Callable[[AsyncSession, Event, Received], Awaitable[None]]


async def ignored(session: AsyncSession, event: Event, received: Received) -> None:
    """The handler of a type that this consumer knows and has nothing to do with."""


Handlers = Mapping[type[Event], Handler]

_ENTER = sa.text("""
    INSERT INTO inbox_cursor AS c (consumer, source, aggregate_type, aggregate_id)
    VALUES (:consumer, :source, :aggregate_type, :aggregate_id)
    ON CONFLICT (consumer, source, aggregate_type, aggregate_id) DO UPDATE SET last_seq = c.last_seq
    RETURNING last_seq, blocked_by, set_config('app.government', :government, true), business_now()
""")
_SEEN = sa.text("""
    SELECT event_id, status FROM inbox
    WHERE consumer = :consumer AND (event_id = :event_id
       OR (source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
           AND aggregate_seq = :aggregate_seq AND collides_with IS NULL))
""")
_INSERT = """
    INSERT INTO inbox (consumer, event_id, source, government, event_type, aggregate_type, aggregate_id, aggregate_seq,
                       status, envelope, attempts, next_attempt_at, last_error, collides_with, topic, part, koffset, applied_at)
    VALUES (:consumer, :event_id, :source, :government, :event_type, :aggregate_type, :aggregate_id, :aggregate_seq,
            :status, CAST(:envelope AS jsonb), :attempts, clock_timestamp() + :backoff * interval '1 second', :last_error,
            :collides_with, :topic, :part, :koffset, CASE WHEN :status IN ('applied', 'ignored') THEN clock_timestamp() END)
"""
_RECORD = sa.text(f"{_INSERT} ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id")
_RECORD_AND_STEP = sa.text(f"""
    WITH inserted AS ({_INSERT} ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id),
    step AS (
        UPDATE inbox_cursor SET last_seq = :aggregate_seq, blocked_by = NULL
        WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type
          AND aggregate_id = :aggregate_id AND EXISTS (SELECT 1 FROM inserted)
    )
    SELECT event_id FROM inserted
""")
_STEP = sa.text("""
    WITH event AS (
        UPDATE inbox SET status = :status, envelope = NULL, next_attempt_at = NULL, applied_at = clock_timestamp()
        WHERE consumer = :consumer AND event_id = :event_id
    )
    UPDATE inbox_cursor SET last_seq = :aggregate_seq, blocked_by = NULL
    WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
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
    SELECT event_id, envelope, attempts, status FROM inbox
    WHERE consumer = :consumer AND source = :source AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id
      AND aggregate_seq = :aggregate_seq AND status IN ('waiting', 'discarded') AND collides_with IS NULL
    FOR UPDATE
""")
# A blocked aggregate goes on when its blocker may be tried again, or a second person discarded it.
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
_COUNTS = sa.text("""
    SELECT count(*) FILTER (WHERE status = 'waiting'), count(*) FILTER (WHERE status = 'dead'),
           count(*) FILTER (WHERE status = 'waiting' AND next_attempt_at IS NULL
                            AND received_at < clock_timestamp() - :patience * interval '1 second')
    FROM inbox WHERE consumer = :consumer AND status IN ('waiting', 'dead')
""")


class Inbox:
    """One consumer's inbox. `handlers` is total over the types of its sources; an unlisted type is dead."""

    def __init__(self, consumer: str, handlers: Handlers, rulebooks: Rulebooks) -> None:
        self.consumer = consumer
        self.handlers = handlers
        self.rulebooks = rulebooks

    async def receive(self, session: AsyncSession, record: ConsumerRecord[bytes, bytes]) -> None:
        """Take one record of a partition, in the caller's transaction."""
        try:
            envelope = decode(record.value)
        except ValueError as error:
            await self._poison(session, record, error)
            return
        place = self._place(envelope)
        last_seq, blocked_by, _, moment = (
            await session.execute(_ENTER, place | {"government": envelope.government})
        ).one()
        session.info.update(government=envelope.government, now=moment)
        row = place | {
            "event_id": UUID(envelope.id),
            "government": envelope.government,
            "event_type": envelope.type,
            "aggregate_seq": envelope.sequence,
            "topic": record.topic,
            "part": record.partition,
            "koffset": record.offset,
        }
        event_type = EVENTS.get(envelope.type)
        snapshot = event_type is not None and event_type.kind == EventKind.snapshot
        if snapshot:
            if await self._duplicate_or_collision(session, envelope, row, may_be_new=True):
                return
            if envelope.sequence > last_seq:
                await session.execute(_SUPERSEDE, row)
                await self._apply_new(session, envelope, row)
            else:
                await self._record(session, row, Status.ignored)
        elif envelope.sequence <= last_seq:
            await self._duplicate_or_collision(session, envelope, row)
        elif envelope.sequence > last_seq + 1 or blocked_by is not None:
            if not await self._duplicate_or_collision(session, envelope, row, may_be_new=True):
                await self._record(session, row, Status.waiting, envelope)
        else:
            if await self._apply_new(session, envelope, row):
                await self._drain(session, place, envelope.sequence)

    async def drain_blocked(self, session: AsyncSession) -> bool:
        """Take up one blocked aggregate that may go on. Returns False where none may. The worker calls it."""
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

    async def counts(self, session: AsyncSession) -> tuple[int, int, int]:
        """Waiting events, dead ones, and those that wait for a missing one for longer than `GAP_PATIENCE`."""
        waiting, dead, gaps = (
            await session.execute(_COUNTS, {"consumer": self.consumer, "patience": GAP_PATIENCE})
        ).one()
        return waiting, dead, gaps

    def _place(self, envelope: Envelope) -> dict[str, object]:
        return {
            "consumer": self.consumer,
            "source": envelope.source,
            "aggregate_type": envelope.aggregatetype,
            "aggregate_id": envelope.subject,
        }

    async def _apply_new(self, session: AsyncSession, envelope: Envelope, row: dict[str, object]) -> bool:
        """Apply an event that is next in its aggregate; on failure it waits or is dead, and blocks its aggregate."""
        try:
            async with session.begin_nested():
                inserted = await session.execute(_RECORD_AND_STEP, self._record_of(row, self._done(envelope)))
                if inserted.first() is None:
                    return False  # delivered again
                await self._handle(session, envelope)
        except Exception as error:
            status, backoff = verdict(error, 1)
            log.warning("%s couldn't handle %s %s (%s): %r", self.consumer, envelope.type, envelope.id, status, error)
            await self._record(session, row, status, envelope, error, backoff)
            await session.execute(_BLOCK, row)
            return False
        return True

    async def _drain(self, session: AsyncSession, place: dict[str, object], last_seq: int) -> None:
        """Apply what waits behind `last_seq`, one after another, until there is a gap or one fails."""
        while True:
            step = place | {"aggregate_seq": last_seq + 1}
            found = (await session.execute(_WAITING_AT, step)).mappings().first()
            if not found:
                return
            step["event_id"] = found["event_id"]
            if found["status"] == Status.discarded:
                await session.execute(_STEP, step | {"status": Status.discarded})
            else:
                try:
                    envelope = Envelope.model_validate(found["envelope"])
                    async with session.begin_nested():
                        _, _, _, moment = (
                            await session.execute(_ENTER, place | {"government": envelope.government})
                        ).one()
                        session.info.update(government=envelope.government, now=moment)
                        await session.execute(_STEP, step | {"status": self._done(envelope)})
                        await self._handle(session, envelope)
                except Exception as error:
                    status, backoff = verdict(error, found["attempts"] + 1)
                    log.warning("%s couldn't handle %s (%s): %r", self.consumer, found["event_id"], status, error)
                    await session.execute(
                        _FAIL, step | {"status": status, "last_error": repr(error)[:500], "backoff": backoff}
                    )
                    await session.execute(_BLOCK, step)
                    return
            last_seq += 1

    async def _handle(self, session: AsyncSession, envelope: Envelope) -> None:
        event_type = EVENTS.get(envelope.type)
        handler = self.handlers.get(event_type) if event_type else None
        if event_type is None or handler is None:
            raise UnknownType(envelope.type)
        if handler is ignored:
            return
        event = event_type.model_validate(envelope.data, extra="ignore")  # a newer writer may say more
        session.expunge_all()  # what the event before loaded may be another government's
        session.info.update(
            causation_id=envelope.id, correlation_id=envelope.correlationid, traceparent=envelope.traceparent
        )
        received = Received(
            self.rulebooks, UUID(envelope.id), envelope.source, envelope.government, envelope.time, envelope.sequence
        )
        await handler(session, event, received)
        await session.flush()
        crash_point("consumer.handling")
        await audit.record(
            session, actor=f"event:{envelope.id}", action=handler.__name__, subject=envelope.subject, details={}
        )

    def _done(self, envelope: Envelope) -> Status:
        event_type = EVENTS.get(envelope.type)
        return Status.ignored if event_type and self.handlers.get(event_type) is ignored else Status.applied

    def _record_of(
        self,
        row: dict[str, object],
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
            "last_error": repr(error)[:500] if error else None,
            "collides_with": collides_with,
        }

    async def _record(
        self,
        session: AsyncSession,
        row: dict[str, object],
        status: Status,
        envelope: Envelope | None = None,
        error: BaseException | None = None,
        backoff: float | None = None,
        collides_with: UUID | None = None,
    ) -> None:
        await session.execute(_RECORD, self._record_of(row, status, envelope, error, backoff, collides_with))

    async def _duplicate_or_collision(
        self, session: AsyncSession, envelope: Envelope, row: dict[str, object], *, may_be_new: bool = False
    ) -> bool:
        """True where the event is here already. A seq that another event has taken is a fault of the source:
        that record is kept as dead, with the event it collides with, and nothing is applied."""
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

    async def _poison(self, session: AsyncSession, record: ConsumerRecord[bytes, bytes], error: ValueError) -> None:
        raw = record.value or b""
        log.error(
            "%s: %s[%s]@%s can't be read: %s", self.consumer, record.topic, record.partition, record.offset, error
        )
        await session.execute(
            _POISON,
            {
                "consumer": self.consumer,
                "topic": record.topic,
                "part": record.partition,
                "koffset": record.offset,
                "digest": hashlib.sha256(raw).digest(),
                "raw": raw,
                "error": str(error)[:500],
            },
        )


class UnknownType(Exception):
    """No handler is listed for the event's type: dead until the upgrade that lists one."""


class SequenceCollision(Exception):
    """Two events of one aggregate carry the same sequence number."""


def verdict(error: Exception, attempts: int) -> tuple[Status, float | None]:
    """What becomes of a failed event: dead at once where trying again can't help, else waiting with a backoff in
    seconds (doubling from 0.2 to 60) until `MAX_ATTEMPTS`. Raises the error itself where the database is away: then
    the whole batch is taken again. A 503 problem waits without limit: what it waits for comes from elsewhere."""
    if is_outage(error):
        raise error
    backoff = min(60.0, 0.2 * 2**attempts)
    if isinstance(error, Problem) and error.status == 503:
        return Status.waiting, min(backoff, 5.0)
    permanent = isinstance(error, (Problem, ValidationError, UnknownType)) or attempts >= MAX_ATTEMPTS
    return (Status.dead, None) if permanent else (Status.waiting, backoff)
