"""The outbox: an event exists exactly if the change it reports is committed.

Invariants: `emit` writes through the caller's session and never commits; an aggregate's sequence is gapless and follows
the order of commits, since its row in `outbox_sequence` is locked until the commit, whatever the order of flushes. Rows
are never deleted, so that events a broker lost can be published again. All SQL on the outbox is in this file.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from uuid_utils.compat import uuid7

from zhengling.backbone.crash_points import crash_point
from zhengling.database.batching import columns, write
from zhengling.database.session import government_of
from zhengling.database.transaction import state_of
from zhengling.events.backbone import Denial, Missing, Moved
from zhengling.events.cloudevents import Envelope, digest_of
from zhengling.events.event import BACKBONE, Event, topics_of

LANES = 16  # frozen: a change would move aggregates between lanes while their events are in flight
CHANNEL = "outbox"
_WAKE = sa.text("SELECT pg_notify('outbox', '')")

# One statement for any number of events. All callers lock the rows of `outbox_sequence` in the same order.
_EMIT = sa.text("""
    WITH event AS (
        SELECT * FROM unnest(
            CAST(:event_id AS uuid[]), CAST(:lane AS smallint[]), CAST(:topic AS text[]), CAST(:aggregate_type AS text[]),
            CAST(:aggregate_id AS text[]), CAST(:event_type AS text[]), CAST(:payload AS text[]),
            CAST(:correlation_id AS text[]), CAST(:causation_id AS text[]), CAST(:traceparent AS text[])) WITH ORDINALITY
        AS e (event_id, lane, topic, aggregate_type, aggregate_id, event_type, payload, correlation_id, causation_id,
              traceparent, n)
    ), sequence AS (
        INSERT INTO outbox_sequence AS s (aggregate_type, aggregate_id, government, last_seq)
        SELECT aggregate_type, aggregate_id, :government, count(*) FROM event GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE SET last_seq = s.last_seq + excluded.last_seq
        RETURNING aggregate_type, aggregate_id, last_seq
    ), row AS (
        INSERT INTO outbox (event_id, government, lane, topic, aggregate_type, aggregate_id, aggregate_seq, event_type,
                            payload, correlation_id, causation_id, traceparent)
        SELECT event_id, :government, lane, topic, aggregate_type, aggregate_id,
               last_seq + 1 - row_number() OVER (PARTITION BY aggregate_type, aggregate_id ORDER BY n DESC), event_type,
               CAST(payload AS jsonb), correlation_id, causation_id, traceparent
        FROM event JOIN sequence USING (aggregate_type, aggregate_id) ORDER BY n
        RETURNING lane
    )
    SELECT pg_notify('outbox', count(*)::text) FROM row
""")
_LANES_WITH_WORK = sa.text("""
    SELECT DISTINCT lane FROM outbox
    WHERE published_at IS NULL AND parked_at IS NULL AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())
""")
_LOCK_LANES = sa.text("SELECT lane FROM outbox_lane WHERE lane = ANY(:lanes) FOR UPDATE SKIP LOCKED")
# An aggregate with a row that is backing off or parked is skipped whole: its later events wait.
_UNPUBLISHED = sa.text("""
    SELECT pos, event_id, government, topic, aggregate_type, aggregate_id, aggregate_seq, event_type, payload,
           classification, correlation_id, causation_id, traceparent, created_at, attempts
    FROM unnest(CAST(:lanes AS smallint[])) AS l (taken) CROSS JOIN LATERAL (
        SELECT * FROM outbox o
        WHERE lane = taken AND published_at IS NULL
          AND NOT EXISTS (
            SELECT 1 FROM outbox held
            WHERE held.aggregate_type = o.aggregate_type AND held.aggregate_id = o.aggregate_id
              AND held.published_at IS NULL
              AND (held.parked_at IS NOT NULL OR held.next_attempt_at > clock_timestamp()))
        ORDER BY pos LIMIT :limit) o
""")
_MARK_PUBLISHED = sa.text("""
    UPDATE outbox SET published_at = clock_timestamp(), next_attempt_at = NULL, last_error = NULL
    WHERE pos = ANY(:positions)
""")
_BACK_OFF = sa.text("""
    UPDATE outbox SET attempts = attempts + 1, last_error = :error,
        next_attempt_at = clock_timestamp() + least(60, 0.2 * 2 ^ least(attempts, 10)) * interval '1 second'
    WHERE pos = :pos
""")
_PARK = sa.text("""
    UPDATE outbox SET attempts = attempts + 1, last_error = :error, parked_at = clock_timestamp() WHERE pos = :pos
""")
# While the lanes are locked no relay can mark as published what it sent before.
_WAIT_FOR_LANES = sa.text("SELECT lane FROM outbox_lane WHERE lane = ANY(:lanes) ORDER BY lane FOR UPDATE")
_REPLAY = sa.text("""
    UPDATE outbox SET published_at = NULL, parked_at = NULL, next_attempt_at = NULL, attempts = 0, last_error = NULL
    WHERE created_at >= :since
      AND (CAST(:aggregate_type AS text) IS NULL OR aggregate_type = :aggregate_type)
      AND (CAST(:aggregate_id AS text) IS NULL OR aggregate_id = :aggregate_id)
""")
# In portions, in the order of `pos`: aggregates keep their order, and no transaction is as large as the history.
_REPUBLISH = sa.text("""
    UPDATE outbox SET published_at = NULL, attempts = 0 WHERE pos IN (
        SELECT pos FROM outbox WHERE created_at >= :since AND pos > :after AND published_at IS NOT NULL
        ORDER BY pos LIMIT :most)
    RETURNING pos
""")
# Only published rows: unpublished ones will be sent anyway, and parked ones stay parked.
_PUBLISH_AGAIN = sa.text("""
    UPDATE outbox o SET published_at = NULL, attempts = 0
    FROM unnest(CAST(:aggregate_type AS text[]), CAST(:aggregate_id AS text[]), CAST(:first AS bigint[]),
                CAST(:last AS bigint[])) AS asked (aggregate_type, aggregate_id, first, last)
    WHERE o.aggregate_type = asked.aggregate_type AND o.aggregate_id = asked.aggregate_id
      AND o.aggregate_seq BETWEEN asked.first AND asked.last AND o.published_at IS NOT NULL
""")
# WITH TIES: all rows of the last instant, so that the next query can begin after it.
_MOVED = sa.text("""
    WITH moved AS (
        SELECT topic, aggregate_type, aggregate_id, aggregate_seq, created_at FROM outbox
        WHERE created_at > :since AND created_at <= :until AND topic <> ALL(:own)
        ORDER BY created_at FETCH FIRST :most ROWS WITH TIES)
    SELECT topic, aggregate_type, jsonb_object_agg(aggregate_id, last_seq), sum(rows), max(moment)
    FROM (SELECT topic, aggregate_type, aggregate_id, max(aggregate_seq) AS last_seq, count(*) AS rows,
                 max(created_at) AS moment
          FROM moved GROUP BY 1, 2, 3) a
    GROUP BY 1, 2 ORDER BY 1, 2
""")
_CONTENTS = sa.text("""
    SELECT event_id, event_type, government, aggregate_type, aggregate_id, aggregate_seq, classification, payload, created_at
    FROM outbox WHERE event_id = ANY(:events)
""")
_OWN = list(topics_of(BACKBONE))
_DEPTH = sa.text("""
    SELECT count(*) FILTER (WHERE parked_at IS NULL), count(*) FILTER (WHERE parked_at IS NOT NULL),
           coalesce(extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)
    FROM outbox WHERE published_at IS NULL
""")


@dataclass(frozen=True)
class OutboxRow:
    """One unpublished event."""

    pos: int
    event_id: UUID
    government: str
    topic: str
    aggregate_type: str
    aggregate_id: str
    aggregate_seq: int
    event_type: str
    payload: dict[str, JsonValue]
    classification: str
    correlation_id: str | None
    causation_id: str | None
    traceparent: str | None
    created_at: datetime
    attempts: int


def lane_of(aggregate_id: str) -> int:
    return zlib.crc32(aggregate_id.encode()) % LANES


async def emit(session: AsyncSession, *events: Event) -> None:
    """Insert events into the outbox in the caller's transaction and government, numbered per aggregate in this order."""
    cause = state_of(session).cause
    rows = [
        {
            "event_id": uuid7(),
            "lane": lane_of(event.aggregate_id),
            "topic": event.kafka_topic(),
            "aggregate_type": event.aggregate,
            "aggregate_id": event.aggregate_id,
            "event_type": event.type,
            "payload": event.model_dump_json(),
            "correlation_id": cause.correlation_id,
            "causation_id": cause.causation_id,
            "traceparent": cause.traceparent,
        }
        for event in events
    ]
    if rows:
        await write(session, _insert, rows)


async def _insert(session: AsyncSession, rows: list[dict[str, object]]) -> None:
    await session.execute(_EMIT, columns(rows) | {"government": government_of(session)})
    crash_point("outbox.emitted")


async def lanes_with_work(connection: AsyncConnection) -> list[int]:
    return list((await connection.execute(_LANES_WITH_WORK)).scalars())


async def lock_lanes(connection: AsyncConnection, lanes: list[int]) -> list[int]:
    """Lock these lanes until the transaction ends, except those that another relay holds. Returns the locked ones."""
    return list((await connection.execute(_LOCK_LANES, {"lanes": lanes})).scalars())


async def unpublished(connection: AsyncConnection, lanes: list[int], limit: int) -> list[OutboxRow]:
    """The first unpublished rows of each lane, at most `limit` in all."""
    if not lanes:
        return []
    rows = await connection.execute(_UNPUBLISHED, {"lanes": lanes, "limit": -(-limit // len(lanes))})
    return [OutboxRow(*row) for row in rows]


async def mark_published(connection: AsyncConnection, positions: list[int]) -> None:
    await connection.execute(_MARK_PUBLISHED, {"positions": positions})


async def back_off(connection: AsyncConnection, pos: int, error: str) -> None:
    """Retry the row later (0.2 s doubling to 60 s); its aggregate waits."""
    await connection.execute(_BACK_OFF, {"pos": pos, "error": error[:500]})


async def park(connection: AsyncConnection, pos: int, error: str) -> None:
    """Park the row until a replay; its aggregate waits."""
    await connection.execute(_PARK, {"pos": pos, "error": error[:500]})


async def replay(
    session: AsyncSession, since: datetime, aggregate_type: str | None = None, aggregate_id: str | None = None
) -> int:
    """Mark this government's events created since `since` for publishing again; inboxes drop the duplicates. Returns their
    number."""
    await session.execute(_WAIT_FOR_LANES, {"lanes": list(range(LANES))})
    result = await session.execute(
        _REPLAY, {"since": since, "aggregate_type": aggregate_type, "aggregate_id": aggregate_id}
    )
    await session.execute(_WAKE)
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it


async def republish(session: AsyncSession, since: datetime, after: int, most: int) -> tuple[int, int]:
    """Mark at most so many events of all governments, created since `since` and with positions above `after`, for publishing
    again. Returns their number and the last position. The session's role must see all governments."""
    await session.execute(_WAIT_FOR_LANES, {"lanes": list(range(LANES))})
    found = (await session.execute(_REPUBLISH, {"since": since, "after": after, "most": most})).scalars().all()
    await session.execute(_WAKE)
    return len(found), max(found, default=after)


async def publish_again(session: AsyncSession, missing: Sequence[Missing]) -> int:
    """Mark these events, of any government, for publishing again. Returns their number."""
    lanes = sorted({lane_of(each.aggregate_id) for each in missing})
    await session.execute(_WAIT_FOR_LANES, {"lanes": lanes})
    result = await session.execute(_PUBLISH_AGAIN, columns([each.model_dump() for each in missing]))
    await session.execute(_WAKE)
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it


async def moved(
    session: AsyncSession, since: datetime, until: datetime, most: int
) -> tuple[tuple[Moved, ...], datetime | None]:
    """The last sequence number of each aggregate with events in (since, until], over all governments and about `most`
    events. Also returns the instant to continue from, or None if complete. Excludes the backbone's own events."""
    rows = (await session.execute(_MOVED, {"since": since, "until": until, "own": _OWN, "most": most})).all()
    found = tuple(Moved(topic=row[0], aggregate_type=row[1], last_seq=row[2]) for row in rows)
    return found, max(row[4] for row in rows) if sum(row[3] for row in rows) >= most else None


async def denied(session: AsyncSession, source: str, events: Mapping[str, str]) -> dict[str, Denial]:
    """Those of these events (id → digest, an empty one isn't compared) that this service, which sends as `source`, never
    emitted, of any government."""
    found = (await session.execute(_CONTENTS, {"events": [UUID(event) for event in events]})).mappings()
    emitted = {str(row["event_id"]): _digest_of(row, source) for row in found}
    wrong: dict[str, Denial] = {}
    for event, digest in events.items():
        if event not in emitted:
            wrong[event] = Denial.never_emitted
        elif digest and digest != emitted[event]:
            wrong[event] = Denial.other_content
    return wrong


def _digest_of(row: sa.RowMapping, source: str) -> str:
    envelope = Envelope.model_construct(
        id=str(row["event_id"]),
        source=source,
        type=row["event_type"],
        subject=row["aggregate_id"],
        time=row["created_at"],
        government=row["government"],
        aggregatetype=row["aggregate_type"],
        sequence=row["aggregate_seq"],
        classification=row["classification"],
        data=row["payload"],
    )
    return digest_of(envelope).hex()


async def depth(connection: AsyncConnection) -> tuple[int, int, float]:
    """Unpublished rows, parked rows, and the age of the oldest unpublished one in seconds."""
    unpublished_rows, parked, age = (await connection.execute(_DEPTH)).one()
    return unpublished_rows, parked, float(age)
