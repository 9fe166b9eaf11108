"""Versions of working years: read, published, seeded; the transaction is committed at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from calendar_svc.year.year import DayChange, changed_days, changed_years, effective
from zhengling.backbone.outbox import emit
from zhengling.database.session import (
    NATIONAL,
    Database,
    government_of,
    now,
    one_at_a_time,
)
from zhengling.dates.workdays import CalendarYear, base_years
from zhengling.events.calendar import WorkdaysChanged
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendar_

Cause = Literal["base", "notice", "closure", "lift"]

_KNOWN = sa.text("""
    SELECT DISTINCT ON (year) year, version, content, cause FROM year_version WHERE government = :government
    ORDER BY year, version DESC
""")
_ADD_VERSION = sa.text("""
    INSERT INTO year_version (government, year, version, content, cause, why_en, why_zh, recorded_by)
    VALUES (:government, :year, :version, CAST(:content AS jsonb), :cause, :why_en, :why_zh, :by)
""")


@dataclass(frozen=True)
class Known:
    """The current years of one government, with their versions and causes."""

    years: dict[int, CalendarYear]
    versions: dict[int, int]
    causes: dict[int, str]

    def changed(self, coming: list[CalendarYear]) -> list[tuple[int, CalendarYear]]:
        return changed_years({n: (self.versions[n], year) for n, year in self.years.items()}, coming)

    def days(self, coming: list[CalendarYear]) -> list[DayChange]:
        """The days of the national calendar that change."""
        return [change for year in coming for change in changed_days(self.years.get(year.year), year)]

    def own_days(self, coming: list[CalendarYear], national: Mapping[int, CalendarYear]) -> list[DayChange]:
        """The days of one government that change, with its closures applied to the national years."""
        return [
            change
            for year in coming
            for change in changed_days(
                effective(national[year.year], self.years.get(year.year)), effective(national[year.year], year)
            )
        ]


async def known_years(session: AsyncSession) -> Known:
    """The years entered by the session's government; the national years for `*`."""
    rows = (await session.execute(_KNOWN, {"government": government_of(session)})).all()
    return Known(
        {row.year: CalendarYear.model_validate(row.content) for row in rows},
        {row.year: row.version for row in rows},
        {row.year: row.cause for row in rows},
    )


async def one_change_at_a_time(session: AsyncSession) -> None:
    """Serialise changes of a government's calendar, and writes that depend on it."""
    await calendar_.take_calendar(session)
    await one_at_a_time(session, "calendar")


async def publish(
    session: AsyncSession, versions: list[tuple[int, CalendarYear]], cause: Cause, why: Text, by: str
) -> dict[str, int]:
    """Store new versions of years and publish them. Returns calendar → version. Emits workdays.changed for each."""
    government, events = government_of(session), []
    for version, year in versions:
        reasons = {"why_en": why.en, "why_zh": why.zh}
        row = {"government": government, "year": year.year, "version": version, "cause": cause, "by": by} | reasons
        await session.execute(_ADD_VERSION, row | {"content": year.model_dump_json()})
        await calendar_.store_calendar_year(session, version, year)
        name = f"{government}:{year.year}"
        events.append(WorkdaysChanged(calendar=name, government=government, version=version, year=year, **reasons))
    await emit(session, *events)
    return {event.calendar: event.version for event in events}


async def seed_national_years(database: Database) -> bool:
    """Update the national years to the base data and publish the changed ones. Emits workdays.changed.

    Runs at the worker's start and hourly, so that a new year comes into range automatically. A year changed by an
    entered notice is left unchanged. Always returns False.
    """
    async with database.transaction(NATIONAL) as session:
        await one_change_at_a_time(session)
        known = await known_years(session)
        base = base_years(shanghai_day(now(session)))
        coming = [year for year in base if known.causes.get(year.year, "base") == "base"]
        why = Text("the calendar that comes with the system", "系统内置工作日历")
        await publish(session, known.changed(coming), "base", why, "calendar-svc")
    return False
