"""The use cases of calendar-svc; the caller's transaction around them is committed at the edge."""

from __future__ import annotations

import sqlalchemy as sa

from calendar_svc.workyear import changed_years
from zhengling import references
from zhengling.db import NATIONAL, Database, now
from zhengling.deadlines import shanghai_day
from zhengling.events import WorkdaysChanged
from zhengling.outbox import emit
from zhengling.workdays import CalendarYear, base_years

_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('calendar_seed', 0))")
_KNOWN = sa.text("SELECT year, version, content FROM calendar_year WHERE government = '*'")


async def seed_national_years(database: Database) -> bool:
    """Bring the national years up to the base data and publish those that changed. Emits workdays.changed.

    Runs at the worker's start and hourly, so that a new year comes into range by itself. Always returns False.
    """
    async with database.transaction(NATIONAL) as session:
        await session.execute(_ONE_AT_A_TIME)
        known = {
            year: (version, CalendarYear.model_validate(content))
            for year, version, content in (await session.execute(_KNOWN)).all()
        }
        for version, year in changed_years(known, base_years(shanghai_day(now(session)))):
            await references.store_calendar_year(session, version, year)
            await emit(
                session,
                WorkdaysChanged(calendar=f"{NATIONAL}:{year.year}", government=NATIONAL, version=version, year=year),
            )
    return False
