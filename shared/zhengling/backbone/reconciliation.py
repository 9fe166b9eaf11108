"""Reconciliation: services report the last sequence number of each aggregate and request events they miss; they report
what they received, and deny what they never emitted.

Invariants: every committed event is reported to all services; a consumer requests a missing event from its source, with
intervals doubling to an hour, until it arrives. Reports are ordered events, so a lost report is detected like any other
gap; requests may be lost, as they are repeated while events are missing. An event requested needlessly is a duplicate to
the inbox. Every received event is reported to its sender, with a digest of its content: what was written to a topic by
somebody else is found within an interval, and raises an alarm; it isn't prevented, which is for the broker to do. Two
services need only the backbone's topics for this.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.backbone import outbox
from zhengling.backbone.inbox import Handlers, Received, note_denied, received_since
from zhengling.backbone.outbox import emit
from zhengling.database.batching import columns
from zhengling.database.session import NATIONAL, enter_government
from zhengling.events.backbone import Denials, EventsMissed, Missing, Receipts, SequencesReported
from zhengling.events.cloudevents import source_of
from zhengling.events.event import Event, EventKind, kind_of

log = logging.getLogger(__name__)
CHUNK = 1000  # events read for one report, aggregates in one request: some 100 kB at most
QUIET = timedelta(days=1)  # after which an empty report is sent, so that the loss of the last report is detected

_TURN = sa.text("""
    SELECT reported_until AS since, received_until AS received_since,
           clock_timestamp() - :patience * interval '1 second' AS until,
           sent_at < clock_timestamp() - CAST(:quiet AS interval) AS quiet,
           reported_at <= clock_timestamp() - :interval * interval '1 second' AND NOT EXISTS (
               SELECT 1 FROM outbox WHERE published_at IS NULL AND parked_at IS NULL AND next_attempt_at IS NULL
                 AND created_at < clock_timestamp() - :patience * interval '1 second') AS due
    FROM reconciliation FOR UPDATE SKIP LOCKED
""")
# Periods overlap: rows committed late are reported too, and most rows twice.
_REPORTED = sa.text("""
    UPDATE reconciliation SET
        reported_until = coalesce(CAST(:so_far AS timestamptz), CAST(:until AS timestamptz) - :overlap * interval '1 second'),
        received_until = coalesce(CAST(:received_so_far AS timestamptz),
                                  greatest(received_until, CAST(:until AS timestamptz) - :patience * interval '1 second')),
        reported_at = CASE WHEN :complete THEN clock_timestamp() ELSE reported_at END,
        sent_at = CASE WHEN :sent THEN clock_timestamp() ELSE sent_at END
""")
# Events that are waiting or dead were received; what is missing before them is a gap (`_NOTE_GAPS`).
_NOTE = sa.text("""
    INSERT INTO missing_event AS m (consumer, source, aggregate_type, aggregate_id, snapshot, upto, since)
    SELECT :consumer, :source, e.aggregate_type, e.aggregate_id, e.snapshot, e.last_seq, clock_timestamp()
    FROM unnest(CAST(:aggregate_type AS text[]), CAST(:aggregate_id AS text[]), CAST(:last_seq AS bigint[]),
                CAST(:snapshot AS boolean[])) AS e (aggregate_type, aggregate_id, last_seq, snapshot)
    LEFT JOIN inbox_cursor c ON c.consumer = :consumer AND c.source = :source
          AND c.aggregate_type = e.aggregate_type AND c.aggregate_id = e.aggregate_id
    WHERE e.last_seq > greatest(c.last_seq, c.furthest, 0)
    ORDER BY e.aggregate_type, e.aggregate_id
    ON CONFLICT (consumer, source, aggregate_type, aggregate_id) DO UPDATE SET upto = excluded.upto
    WHERE m.upto < excluded.upto
""")
_NOTE_GAPS = sa.text("""
    INSERT INTO missing_event AS m (consumer, source, aggregate_type, aggregate_id, snapshot, upto, since)
    SELECT consumer, source, aggregate_type, aggregate_id, false, max(furthest), min(received_at)
    FROM inbox JOIN inbox_cursor c USING (consumer, source, aggregate_type, aggregate_id)
    WHERE consumer = :consumer AND status = 'waiting' AND next_attempt_at IS NULL AND blocked_by IS NULL
      AND received_at <= clock_timestamp() - :patience * interval '1 second'
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (consumer, source, aggregate_type, aggregate_id) DO UPDATE SET upto = excluded.upto
    WHERE m.upto < excluded.upto
""")
_LACKING = sa.text("""
    WITH due AS (
        SELECT * FROM missing_event
        WHERE consumer = :consumer AND since <= clock_timestamp()
              - (CAST(:behind AS float8) + least(3600, CAST(:patience AS float8) * 2 ^ least(asks, 20))) * interval '1 second'
        ORDER BY since LIMIT :most FOR UPDATE SKIP LOCKED
    ), lacking AS (
        SELECT d.source, d.aggregate_type, d.aggregate_id, min(n) AS first, max(n) AS last
        FROM due d LEFT JOIN inbox_cursor c USING (consumer, source, aggregate_type, aggregate_id)
        CROSS JOIN LATERAL generate_series(greatest(coalesce(c.last_seq, 0) + 1, CASE WHEN d.snapshot THEN d.upto END),
                                           d.upto) AS n
        WHERE NOT EXISTS (
            SELECT 1 FROM inbox i
            WHERE i.consumer = d.consumer AND i.source = d.source AND i.aggregate_type = d.aggregate_type
              AND i.aggregate_id = d.aggregate_id AND i.aggregate_seq = n AND i.collides_with IS NULL)
        GROUP BY 1, 2, 3
    ), came AS (
        DELETE FROM missing_event m USING due d LEFT JOIN lacking l USING (source, aggregate_type, aggregate_id)
        WHERE m.consumer = d.consumer AND m.source = d.source AND m.aggregate_type = d.aggregate_type
          AND m.aggregate_id = d.aggregate_id AND l.first IS NULL
    ), asked AS (
        UPDATE missing_event m SET asks = asks + 1, since = clock_timestamp() FROM lacking l
        WHERE m.consumer = :consumer AND m.source = l.source AND m.aggregate_type = l.aggregate_type
          AND m.aggregate_id = l.aggregate_id
    )
    SELECT source, aggregate_type, aggregate_id, first, last FROM lacking ORDER BY source, aggregate_type, aggregate_id
""")
_ASKED_FOR = sa.text("SELECT count(*) FROM missing_event WHERE consumer = :consumer AND asks > 0")


async def reconcile(session: AsyncSession, service: str, *, patience: float, interval: float, behind: float) -> bool:
    """Report the events this service emitted and request those it misses, where due. Returns whether more is due now.
    A row lock admits one worker at a time.

    Runs in the caller's transaction, which must not have a government yet. Times in seconds: reports are sent every
    `interval`, and cover events older than `patience`; events missing for `patience` are requested; all records that were
    in the log `behind` seconds ago have been consumed.
    """
    turn = (
        (await session.execute(_TURN, {"patience": patience, "interval": interval, "quiet": QUIET})).mappings().first()
    )
    if turn is None:
        return False
    await enter_government(session, NATIONAL)
    more = False
    if turn["due"]:
        moved, so_far = await outbox.moved(session, turn["since"], turn["until"], CHUNK)
        came, came_so_far = await received_since(session, service, turn["received_since"], turn["until"], CHUNK)
        if sent := bool(moved or came) or turn["quiet"]:
            await emit(session, SequencesReported(source=source_of(service), moved=moved, received=came))
        more = so_far is not None or came_so_far is not None
        stand = {
            "until": turn["until"],
            "so_far": so_far,
            "received_so_far": came_so_far,
            "complete": not more,
            "sent": sent,
            "overlap": max(interval, patience),
            "patience": patience,
        }
        await session.execute(_REPORTED, stand)
    return await _ask(session, service, patience, behind) or more


async def _ask(session: AsyncSession, consumer: str, patience: float, behind: float) -> bool:
    """Request due missing events, in one event per source. Returns whether there may be more."""
    if behind == float("inf"):
        return False  # records unread in the log aren't missing
    await session.execute(_NOTE_GAPS, {"consumer": consumer, "patience": patience})
    due = {"consumer": consumer, "patience": patience, "behind": behind, "most": CHUNK}
    missing: dict[str, list[Missing]] = defaultdict(list)
    for source, aggregate_type, aggregate_id, first, last in await session.execute(_LACKING, due):
        each = Missing(aggregate_type=aggregate_type, aggregate_id=aggregate_id, first=first, last=last)
        missing[source].append(each)
    for source, lacking in missing.items():
        log.warning("%s requests missing events of %d aggregates from %s", consumer, len(lacking), source)
        request = f"{consumer} of {source}"
        await emit(session, EventsMissed(request=request, reader=consumer, source=source, missing=tuple(lacking)))
    return sum(map(len, missing.values())) >= CHUNK


async def asked_for(session: AsyncSession, consumer: str) -> int:
    """The number of aggregates with events requested and not known to have arrived."""
    return int(await session.scalar(_ASKED_FOR, {"consumer": consumer}) or 0)


async def on_sequences_reported(session: AsyncSession, event: Event, received: Received) -> None:
    """Note which reported events of this consumer's topics are missing (they may be in flight, so no request is made yet),
    deny events that were received in this service's name and it never emitted, and note those that others deny."""
    assert isinstance(event, SequencesReported)
    rows = [
        {
            "aggregate_type": each.aggregate_type,
            "aggregate_id": aggregate_id,
            "last_seq": last_seq,
            "snapshot": kind_of(each.topic) == EventKind.snapshot,
        }
        for each in event.moved
        if each.topic in received.topics
        for aggregate_id, last_seq in each.last_seq.items()
    ]
    if rows:
        await session.execute(_NOTE, columns(rows) | {"consumer": received.consumer, "source": received.source})
    own = source_of(received.consumer)
    for receipts in event.received:
        if receipts.source == own:
            await _deny(session, event.source, own, receipts)
    for denials in event.denied:
        if denials.reader == own:
            await note_denied(session, received.consumer, event.source, denials.events)


async def _deny(session: AsyncSession, reader: str, own: str, receipts: Receipts) -> None:
    """Tell the reader at once which of these events this service never emitted."""
    if wrong := await outbox.denied(session, own, receipts.events):
        log.error("%s received events that %s never emitted: %s", reader, own, ", ".join(wrong))
        denials = Denials(reader=reader, events=wrong)
        await emit(session, SequencesReported(source=own, moved=(), denied=(denials,)))


async def on_events_missed(session: AsyncSession, event: Event, received: Received) -> None:
    """Publish again the events another service misses, if this service is the source."""
    assert isinstance(event, EventsMissed)
    if event.source == source_of(received.consumer):
        count = await outbox.publish_again(session, event.missing)
        log.warning("%d events are published again, since %s misses them", count, event.reader)


#: Every service's handlers for the backbone's events.
HANDLERS: Handlers = {SequencesReported: on_sequences_reported, EventsMissed: on_events_missed}
