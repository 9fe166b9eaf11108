"""The replica of the working-day calendar: stored from calendar-svc's events, read as one calendar for a whole transaction."""

from __future__ import annotations

from collections import OrderedDict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.database.session import NATIONAL, backbone, government_of
from zhengling.database.transaction import Lookup
from zhengling.dates.workdays import CalendarYear, WorkdayCalendar, overlay
from zhengling.kernel.errors import Problem, Text
from zhengling.replicas.cache import keep

_CALENDAR_VERSION = sa.text("SELECT held_calendar_version()")
_WAIT_FOR_WRITERS = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('calendar_year', 0))")
_CALENDAR = sa.text("SELECT government, content FROM calendar_year")
_STORE_YEAR = sa.text("""
    INSERT INTO calendar_year (government, year, version, content)
    VALUES (:government, :year, :version, CAST(:content AS jsonb))
    ON CONFLICT (government, year) DO UPDATE SET version = excluded.version, content = excluded.content,
        changed_at = clock_timestamp()
""")


KNOWN: Lookup[WorkdayCalendar] = Lookup()
_calendars: OrderedDict[tuple[str, str], WorkdayCalendar] = OrderedDict()


async def current(session: AsyncSession) -> WorkdayCalendar:
    """The working days of the session's government by this replica: the same calendar for the whole transaction, which
    holds a shared lock on it until its commit. Problem 503 before the first snapshot arrived."""
    government = government_of(session)
    known = KNOWN.of(session)
    if government not in known:
        known[government] = await _read(session, government)
    return known[government]


async def _read(session: AsyncSession, government: str) -> WorkdayCalendar:
    version = (await backbone(session, _CALENDAR_VERSION, {})).scalar()
    if version is None:
        raise Problem(
            503,
            "no_calendar_yet",
            Text("the working-day calendar isn't replicated to this service yet", "工作日历尚未同步到本服务"),
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
    return keep(_calendars, (government, version), WorkdayCalendar(overlay(national, local), version))


async def take_calendar(session: AsyncSession) -> None:
    """Lock the calendar exclusively until the commit. Call it before reading the calendar: two transactions that hold
    shared locks and both ask for the exclusive one would deadlock."""
    await session.execute(_WAIT_FOR_WRITERS)


async def store_calendar_year(session: AsyncSession, version: int, year: CalendarYear) -> None:
    """Store this version for the session's government. Waits for transactions that use the previous calendar."""
    KNOWN.of(session).clear()
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
