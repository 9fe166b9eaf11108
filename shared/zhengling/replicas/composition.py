"""Replicas of what other services own: the composition of a government, who is away, its working-day calendar.

Each service keeps them in its own database, fed by snapshot events, and reads them in its own transaction; what was
parsed is kept per version. Also: which rulebook content this database has worked under.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.authority.composition import Absent, Composition
from zhengling.backbone.inbox import Handlers, Received, ignored
from zhengling.database.session import (
    NATIONAL,
    backbone,
    enter_government,
    government_of,
    looked_up,
    now,
)
from zhengling.dates.deadlines import shanghai_day
from zhengling.dates.workdays import CalendarYear, WorkdayCalendar, overlay
from zhengling.events.event import (
    AbsenceApproved,
    AbsenceCancelled,
    AbsenceEntrusted,
    AbsenceExtended,
    AbsenceRefused,
    AbsenceReturned,
    CompositionChanged,
    Event,
)
from zhengling.kernel.errors import Problem, Text
from zhengling.rules.loading import Rulebooks

# Whoever was away lately counts too, since a fact may be told a while after it occurred; and whoever will be soon.
_COMPOSITION_VERSION = sa.text("""
    SELECT version, (SELECT jsonb_agg(content ORDER BY id) FROM absence_replica
                     WHERE government = :government AND in_force AND since <= :soon AND until >= :lately) AS absences
    FROM composition WHERE government = :government
""")
_STORE_ABSENCE = sa.text("""
    INSERT INTO absence_replica (id, government, since, until, in_force, content)
    VALUES (:id, :government, :since, :until, :in_force, CAST(:content AS jsonb))
    ON CONFLICT (government, id) DO UPDATE SET since = excluded.since, until = excluded.until,
        in_force = excluded.in_force, content = excluded.content, changed_at = clock_timestamp()
""")
A_WHILE = timedelta(days=31)
_COMPOSITION = sa.text("SELECT content FROM composition WHERE government = :government")
_STORE_COMPOSITION = sa.text("""
    INSERT INTO composition (government, version, content) VALUES (:government, :version, CAST(:content AS jsonb))
    ON CONFLICT (government) DO UPDATE SET version = excluded.version, content = excluded.content,
        changed_at = clock_timestamp()
    WHERE composition.version < excluded.version
""")
_CALENDAR_VERSION = sa.text("SELECT held_calendar_version()")
_WAIT_FOR_WRITERS = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('calendar_year', 0))")
_CALENDAR = sa.text("SELECT government, content FROM calendar_year")
_STORE_YEAR = sa.text("""
    INSERT INTO calendar_year (government, year, version, content)
    VALUES (:government, :year, :version, CAST(:content AS jsonb))
    ON CONFLICT (government, year) DO UPDATE SET version = excluded.version, content = excluded.content,
        changed_at = clock_timestamp()
""")
_EDITION = sa.text("""
    SELECT revision, digest FROM rulebook_edition WHERE government = :government AND edition = :edition
    ORDER BY revision DESC LIMIT 1
""")
_REMEMBER_EDITION = sa.text("""
    INSERT INTO rulebook_edition (government, edition, revision, digest)
    VALUES (:government, :edition, :revision, :digest) ON CONFLICT DO NOTHING
""")
K = TypeVar("K")
V = TypeVar("V")
_KEEP = 64
_compositions: OrderedDict[tuple[str, int], Composition] = OrderedDict()
_calendars: OrderedDict[tuple[str, str], WorkdayCalendar] = OrderedDict()


def _keep(cache: OrderedDict[K, V], key: K, value: V) -> V:
    cache[key] = value
    if len(cache) > _KEEP:
        cache.popitem(last=False)
    return value


async def composition(session: AsyncSession) -> Composition:
    """The composition of the session's government, knowing who is away: one for a whole transaction. Problem
    `no_composition` (409) until one was loaded."""
    government = government_of(session)
    known: dict[str, Composition] = looked_up(session, "composition")
    if government not in known:
        known[government] = await _composition(session, government)
    return known[government]


async def _composition(session: AsyncSession, government: str) -> Composition:
    today = shanghai_day(now(session))
    place = {"government": government, "soon": today + A_WHILE, "lately": today - A_WHILE}
    row = (await session.execute(_COMPOSITION_VERSION, place)).first()
    if row is None:
        raise Problem(
            409,
            "no_composition",
            Text(f"{government} has no composition here yet", f"{government}尚未导入机构与人员"),
            Text("load it with PUT /v1/composition of meeting-svc", "请先通过会议服务导入组成人员"),
        )
    version, absences = row
    found = _compositions.get((government, version))
    if found is None:
        content = await session.scalar(_COMPOSITION, {"government": government})
        found = _keep(_compositions, (government, version), Composition.model_validate(content))
    return found.with_absences(map(Absent.model_validate, absences)) if absences else found


async def store_absence(session: AsyncSession, absent: Absent, *, in_force: bool = True) -> None:
    """Keep an absence as it is now; not `in_force` where it doesn't take place."""
    looked_up(session, "composition").clear()
    row: dict[str, Any] = {
        "id": absent.absence_id,
        "government": government_of(session),
        "since": absent.since,
        "until": absent.until,
        "in_force": in_force,
        "content": absent.model_dump_json(include=set(Absent.model_fields)),
    }
    await backbone(session, _STORE_ABSENCE, row)


async def store_composition(session: AsyncSession, version: int, content: Composition) -> bool:
    """Keep this version; False where one as new is here already."""
    looked_up(session, "composition").clear()
    stored = await session.execute(
        _STORE_COMPOSITION,
        {"government": government_of(session), "version": version, "content": content.model_dump_json()},
    )
    return bool(stored.rowcount)  # type: ignore[attr-defined]  # an INSERT's result has it


async def calendar(session: AsyncSession) -> WorkdayCalendar:
    """The working days of the session's government as known here: one calendar for a whole transaction, which no other
    replaces before its commit. Problem 503 until a first snapshot came."""
    government = government_of(session)
    known: dict[str, WorkdayCalendar] = looked_up(session, "calendar")
    if government not in known:
        known[government] = await _calendar(session, government)
    return known[government]


async def _calendar(session: AsyncSession, government: str) -> WorkdayCalendar:
    version = (await backbone(session, _CALENDAR_VERSION, {})).scalar()
    if version is None:
        raise Problem(
            503,
            "no_calendar_yet",
            Text("the working-day calendar hasn't arrived here yet", "工作日历尚未同步到本服务"),
            Text("try again shortly", "请稍后重试"),
            headers={"Retry-After": "2"},
        )
    if found := _calendars.get((government, version)):
        return found
    rows = (await session.execute(_CALENDAR)).all()
    national, local = (
        [CalendarYear.model_validate(content) for owner, content in rows if (owner == NATIONAL) == is_national]
        for is_national in (True, False)
    )
    return _keep(_calendars, (government, version), WorkdayCalendar(overlay(national, local), version))


async def take_calendar(session: AsyncSession) -> None:
    """Have the calendar alone until the commit. Before anything of it is read, as two that read it and then both want it
    alone would wait for one another."""
    await session.execute(_WAIT_FOR_WRITERS)


async def store_calendar_year(session: AsyncSession, version: int, year: CalendarYear) -> None:
    """Keep this version for the session's government. Waits for transactions that write by the calendar before it."""
    looked_up(session, "calendar").clear()
    await take_calendar(session)
    await session.execute(
        _STORE_YEAR,
        {
            "government": government_of(session),
            "year": year.year,
            "version": version,
            "content": year.model_dump_json(),
        },
    )


async def on_composition_changed(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, CompositionChanged)
    await store_composition(session, event.version, event.composition)


async def on_absence_changed(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, Absent)
    await store_absence(session, event, in_force=not isinstance(event, AbsenceCancelled))


#: What a service that keeps the replica of absences does on calendar-svc's events of them.
ABSENCES: Handlers = {
    AbsenceApproved: on_absence_changed,
    AbsenceEntrusted: on_absence_changed,
    AbsenceExtended: on_absence_changed,
    AbsenceReturned: on_absence_changed,
    AbsenceCancelled: on_absence_changed,
    AbsenceRefused: ignored,
}


class RulebookChanged(Exception):
    """An edition's content differs from what this database worked under, without a higher revision."""


async def remember_editions(session: AsyncSession, rulebooks: Rulebooks) -> None:
    """Record every edition's content. Raises `RulebookChanged` where one changed under the same revision."""
    for book in rulebooks.all():
        await enter_government(session, book.code)
        place = {"government": book.code, "edition": book.edition}
        known = (await session.execute(_EDITION, place)).first()
        if known and known.digest != book.digest and book.government.revision <= known.revision:
            raise RulebookChanged(
                f"{book.code}/{book.edition}: the content changed but revision is still {book.government.revision}; "
                f"raise revision in government.yaml above {known.revision}, or bring the old content back"
            )
        await session.execute(_REMEMBER_EDITION, place | {"revision": book.government.revision, "digest": book.digest})
