"""When the calendar changes, every affected open deadline is recomputed, and its move is stored with the reason.

Invariants: a writer holds a shared lock on the calendar until its commit, and a change waits for it, so that all deadlines
computed with the old calendar are visible here; recomputation ends when no running deadline of the government has an older
calendar version. A met deadline isn't touched; a suspended one is recomputed when it is resumed.
"""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.backbone.inbox import Received
from zhengling.backbone.outbox import emit
from zhengling.database.session import NATIONAL, backbone, enter_government, government_of, now
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.events.calendar import WorkdaysChanged
from zhengling.events.catalogue import RECOMPUTED
from zhengling.events.event import Event
from zhengling.kernel.errors import Problem, Text
from zhengling.replicas import calendar as calendars
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import COLUMNS, KeptDeadline, Moved, Owner, Owners
from zhengling.rules.loading import Rulebooks

log = logging.getLogger(__name__)
EXAMINED = Counter("zhengling_deadlines_recomputed", "Deadlines examined anew", ["service"])
BATCH = 1000

# A national year newly in range moves nothing, unless there are deadlines computed with a calendar without it.
_REQUEST = sa.text("""
    INSERT INTO recomputation AS r (calendar, government, version, why_en, why_zh)
    SELECT :calendar, CAST(:government AS text), CAST(:version AS bigint), :why_en, :why_zh
    WHERE CAST(:government AS text) <> '*' OR CAST(:version AS bigint) > 1
       OR EXISTS (SELECT 1 FROM deadline WHERE state = 'running')
    ON CONFLICT (calendar) DO UPDATE SET version = excluded.version, why_en = excluded.why_en, why_zh = excluded.why_zh,
        requested_at = clock_timestamp(), finished_at = NULL,
        examined = CASE WHEN r.finished_at IS NULL THEN r.examined ELSE 0 END,
        moved = CASE WHEN r.finished_at IS NULL THEN r.moved ELSE 0 END
""")
_ANY_OPEN = sa.text("SELECT EXISTS (SELECT 1 FROM recomputation WHERE finished_at IS NULL)")
_HOLD = sa.text("SELECT held_calendar_version()")
_OPEN = sa.text("""
    SELECT calendar, government, version, why_en, why_zh, examined, moved FROM recomputation
    WHERE finished_at IS NULL AND requested_at <= clock_timestamp() ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_COUNT = sa.text("""
    UPDATE recomputation SET examined = examined + :examined, moved = moved + :moved WHERE calendar = :calendar
""")
_POSTPONE = sa.text("""
    UPDATE recomputation SET requested_at = clock_timestamp() + interval '1 minute' WHERE calendar = :calendar
""")
_FINISH = sa.text("UPDATE recomputation SET finished_at = clock_timestamp() WHERE calendar = :calendar")
# A loose index scan: one index look-up per government, however many deadlines it has.
_GOVERNMENTS = sa.text("""
    WITH RECURSIVE g AS (
        (SELECT government FROM deadline WHERE state = 'running' ORDER BY government LIMIT 1)
        UNION ALL
        SELECT (SELECT d.government FROM deadline d WHERE d.state = 'running' AND d.government > g.government
                ORDER BY d.government LIMIT 1)
        FROM g WHERE g.government IS NOT NULL)
    SELECT government FROM g WHERE government IS NOT NULL
""")
_STALE = sa.text(f"""
    (SELECT {COLUMNS} FROM deadline
     WHERE government = :government AND state = 'running' AND calendar_version < :version LIMIT :batch)
    UNION ALL
    (SELECT {COLUMNS} FROM deadline
     WHERE government = :government AND state = 'running' AND calendar_version > :version LIMIT :batch)
    LIMIT :batch
""")
_STILL_STALE = sa.text("""
    SELECT id FROM deadline WHERE id = ANY(:ids) AND state = 'running' AND calendar_version <> :version
    ORDER BY id FOR UPDATE
""")
_STAMP = sa.text("UPDATE deadline SET calendar_version = :version WHERE id = ANY(:ids) AND state = 'running'")


async def on_workdays_changed(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, WorkdaysChanged)
    # Lock the calendar first, then the request, in the same order as recomputation.
    await calendars.take_calendar(session)
    await backbone(
        session,
        _REQUEST,
        {
            "calendar": event.calendar,
            "government": government_of(session),
            "version": event.version,
            "why_en": event.why_en,
            "why_zh": event.why_zh,
        },
    )
    await calendars.store_calendar_year(session, event.version, event.year)


async def recompute_some(session: AsyncSession, service: str, rulebooks: Rulebooks, owners: Owners) -> bool:
    """Recompute up to one batch of deadlines, or report that none is left. Returns False if there is no request.

    A government whose deadlines can't be computed, as its rulebook can't be used or lacks their rule, keeps them as they are
    and holds up no other; its request is tried again a minute later.

    Runs in the caller's transaction, which must not have a government yet. Emits `<service>.deadlines.recomputed` at the
    end.
    """
    if not await session.scalar(_ANY_OPEN):
        return False
    await session.execute(_HOLD)  # before the request's row, the same order as a change of the calendar
    change = (await session.execute(_OPEN)).mappings().first()
    if change is None:
        return False
    governments = [change["government"]]
    if change["government"] == NATIONAL:
        governments = list((await session.execute(_GOVERNMENTS)).scalars())
    stuck = False
    for government in governments:
        await enter_government(session, government)
        calendar = await calendars.current(session)
        found = await session.execute(_STALE, {"government": government, "version": calendar.version, "batch": BATCH})
        if stale := [KeptDeadline.of(row) for row in found.mappings()]:
            why = Text(change["why_en"], change["why_zh"])
            try:
                async with session.begin_nested():
                    moved = await _recompute(session, rulebooks, owners, calendar, stale, why)
            except Problem as problem:
                log.error("the due dates of %s can't be recomputed, others are: %s", government, problem)
                stuck = True
                continue
            counts = {"examined": len(stale), "moved": moved, "calendar": change["calendar"]}
            await session.execute(_COUNT, counts)
            EXAMINED.labels(service).inc(len(stale))
            return True
    if stuck:
        await session.execute(_POSTPONE, {"calendar": change["calendar"]})
        return True
    await enter_government(session, change["government"])
    await session.execute(_FINISH, {"calendar": change["calendar"]})
    await emit(
        session,
        RECOMPUTED[service](
            calendar=change["calendar"],
            version=change["version"],
            examined=change["examined"],
            moved=change["moved"],
            finished_at=now(session),
        ),
    )
    return True


async def _recompute(
    session: AsyncSession,
    rulebooks: Rulebooks,
    owners: Owners,
    calendar: WorkdayCalendar,
    stale: list[KeptDeadline],
    why: Text,
) -> int:
    """Recompute these rows with the calendar and update their nouns. Returns how many due dates changed."""
    government = government_of(session)
    moves = []
    for before in stale:
        after = before.recomputed(calendar, rulebooks, government)
        if (after.due, after.due_at, after.provisional) != (before.due, before.due_at, before.provisional):
            moves.append(Moved(before, after, "recomputed", why))
    nouns = {owner.subject_type: await _locked(session, owner, moves) for owner in owners}
    # After locking the nouns, as settling or extending a deadline locks its noun: from here the set to move is fixed.
    wanted = {"ids": [one.before.id for one in moves], "version": calendar.version}
    live = set((await session.execute(_STILL_STALE, wanted)).scalars())
    moves = [one for one in moves if one.before.id in live]
    await due_dates.move(session, moves)
    touched = {one.before.id for one in moves}
    rest = [row.id for row in stale if row.id not in touched]
    await session.execute(_STAMP, {"ids": rest, "version": calendar.version})
    for owner in owners:
        name = owner.subject_type
        owned = [(nouns[name][one.before.subject_id], one) for one in moves if one.before.subject_type == name]
        if owned:
            await due_dates.follow(session, owner, rulebooks, owned)
    return sum(one.another_day for one in moves)


async def _locked(session: AsyncSession, owner: Owner, moves: list[Moved]) -> dict[str, Any]:
    """The nouns of these moves, by id, locked in a fixed order."""
    model = owner.model
    wanted = sorted({one.before.subject_id for one in moves if one.before.subject_type == owner.subject_type})
    if not wanted:
        return {}
    identity: sa.Column[str] = sa.inspect(model).columns["id"]
    rows: sa.Result[Any] = await session.execute(
        sa.select(model).where(identity.in_(wanted)).order_by(identity).with_for_update(),
        execution_options={"populate_existing": True},
    )
    found: list[Any] = list(rows.scalars())
    return {row.id: row for row in found}
