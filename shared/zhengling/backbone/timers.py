"""Timers: each fires once at an instant of business time, never early, with any number of replicas.

`schedule` makes a new generation and cancels the previous one; a due timer's effect, events and state are one transaction.
The handler checks the domain's state again: a timer that has become obsolete does nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import sqlalchemy as sa
from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from zhengling.backbone import audit
from zhengling.backbone.crash_points import crash_point
from zhengling.database.batching import read_back, write
from zhengling.database.session import backbone, enter_government, government_of, is_outage, loggable
from zhengling.database.transaction import Cause, state_of
from zhengling.kernel import tracing

log = logging.getLogger(__name__)

#: A timer's handler gets the session (in the timer's government) and the subject's id.
TimerHandler = Callable[[AsyncSession, str], Awaitable[None]]
Timers = Mapping[str, TimerHandler]

# SKIP LOCKED leaves out a timer that is firing now: its handler waits for the subject's row, which the caller has locked,
# and then sees the changed state. Waiting for the timer here would deadlock.
_CANCEL = sa.text("""
    UPDATE timer SET state = 'cancelled' WHERE id IN (
        SELECT id FROM timer JOIN unnest(CAST(:kinds AS text[]), CAST(:subjects AS text[])) AS s (kind, subject_id)
            USING (kind, subject_id)
        WHERE state = 'pending' FOR UPDATE OF timer SKIP LOCKED)
""")
_SCHEDULE = sa.text(f"""
    WITH before AS ({_CANCEL} RETURNING 1)
    INSERT INTO timer (id, government, kind, subject_id, due_at, generation)
    SELECT id, :government, kind, subject, due_at,
           coalesce((SELECT max(generation) FROM timer t WHERE t.kind = s.kind AND t.subject_id = subject), 0) + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS text[]), CAST(:moments AS timestamptz[]))
        AS s (id, kind, subject, due_at)
""")
_DUE = sa.text("""
    SELECT id, government, kind, subject_id, attempts FROM timer
    WHERE state = 'pending' AND due_at <= business_now() AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_LATE = sa.text("""
    SELECT count(*) FILTER (WHERE due_at < business_now() - interval '60 seconds'),
           coalesce(extract(epoch FROM business_now() - min(due_at)), 0)
    FROM timer WHERE state = 'pending' AND due_at <= business_now()
""")
_FIRED = sa.text("UPDATE timer SET state = 'fired', fired_at = business_now() WHERE id = :id")
_FAILED = sa.text("""
    UPDATE timer SET attempts = attempts + 1, last_error = :error,
        next_attempt_at = clock_timestamp() + least(60, 0.2 * 2 ^ least(attempts, 10)) * interval '1 second'
    WHERE id = :id
""")


async def cancel(session: AsyncSession, kind: str, *subjects: str) -> None:
    """Cancel the pending timers of this kind for these subjects."""
    await read_back(session, _insert)
    await session.execute(_CANCEL, {"kinds": [kind] * len(subjects), "subjects": list(subjects)})


async def schedule(session: AsyncSession, kind: str, moments: Mapping[str, datetime]) -> None:
    """Fire `kind` for each subject when business time reaches its instant; the previous generation is cancelled.

    The caller holds the locks of the subjects' rows, so that generations don't overlap.
    """
    if moments:
        await write(session, _insert, [(kind, subject, moment) for subject, moment in moments.items()])


async def _insert(session: AsyncSession, rows: list[tuple[str, str, datetime]]) -> None:
    """Insert one timer per kind and subject: the last given, as each would have cancelled the previous one."""
    last = {(kind, subject): moment for kind, subject, moment in rows}
    await backbone(
        session,
        _SCHEDULE,
        {
            "ids": [uuid7() for _ in last],
            "government": government_of(session),
            "kinds": [kind for kind, _ in last],
            "subjects": [subject for _, subject in last],
            "moments": list(last.values()),
        },
    )


async def late(session: AsyncSession) -> tuple[int, float]:
    """Timers of all governments that are late by over a minute, and by how many seconds the most overdue one is."""
    count, seconds = (await session.execute(_LATE)).one()
    return count, float(seconds)


async def fire_next(session: AsyncSession, handlers: Timers) -> bool:
    """Fire one due timer in this transaction. Returns False if none is due."""
    due = (await session.execute(_DUE)).mappings().first()
    if due is None:
        return False
    await enter_government(session, due["government"])
    try:
        with tracing.span(f"timer {due['kind']}", SpanKind.INTERNAL, **{"zhengling.government": due["government"]}):
            state_of(session).cause = Cause(traceparent=tracing.traceparent(None))
            async with session.begin_nested():
                await handlers[due["kind"]](session, due["subject_id"])
                await audit.record(
                    session, actor=f"timer:{due['id']}", action=due["kind"], subject=due["subject_id"], details={}
                )
                await session.execute(_FIRED, {"id": due["id"]})
        crash_point("timer.fired")
    except Exception as error:
        if is_outage(error):
            raise
        log.error("timer %s of %s failed and is retried: %s", due["kind"], due["subject_id"], loggable(error))
        await session.execute(_FAILED, {"id": due["id"], "error": loggable(error)})
    return True
