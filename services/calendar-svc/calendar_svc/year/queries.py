"""Queries of the working days and their versions."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calendar_svc.year.schemas import CalendarView, DaysView, DayView, VersionView, YearView
from zhengling.database.session import NATIONAL
from zhengling.dates.workdays import CalendarYear, WorkdayCalendar, overlay
from zhengling.kernel.errors import Problem, Text, invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendar_
from zhengling.web.call import Call

MAX_DAYS = 800

_YEARS = sa.text("SELECT government, content FROM calendar_year ORDER BY year")
_YEARS_AS_OF = sa.text("""
    SELECT DISTINCT ON (government, year) government, year, version, content FROM year_version WHERE recorded_at <= :as_of
    ORDER BY government, year, version DESC
""")
_VERSIONS = sa.text("""
    SELECT government, year, version, cause, why_en, why_zh, recorded_at, recorded_by FROM year_version
    WHERE year = :year ORDER BY recorded_at, version
""")


async def _years(call: Call, as_of: dt.datetime | None) -> tuple[list[CalendarYear], str]:
    """The years of the caller's government and their version, now or as known at an instant."""
    if as_of is None:
        calendar = await calendar_.current(call.session)
        rows = (await call.session.execute(_YEARS)).all()
        version = calendar.version
    else:
        rows = (await call.session.execute(_YEARS_AS_OF, {"as_of": as_of})).all()
        version = f"as of {as_of.isoformat()}"
    years: dict[bool, list[CalendarYear]] = {True: [], False: []}
    for row in rows:
        years[row.government == NATIONAL].append(CalendarYear.model_validate(row.content))
    if not years[True]:
        raise invalid(
            "nothing_known_then", f"no calendar was known at {as_of}", f"{shanghai_day(as_of or call.now)}尚无工作日历"
        )
    return overlay(years[True], years[False]), version


async def get_calendar(call: Call) -> CalendarView:
    years, version = await _years(call, None)
    return CalendarView(
        government=call.government,
        calendar_version=version,
        first=dt.date(years[0].year, 1, 1),
        last=dt.date(years[-1].year, 12, 31),
        years=years,
    )


async def get_year(call: Call, year: int, as_of: dt.datetime | None = None) -> YearView:
    years, version = await _years(call, as_of)
    for found in years:
        if found.year == year:
            return YearView(government=call.government, calendar_version=version, year=found)
    first, last = years[0].year, years[-1].year
    raise Problem(
        404,
        "year_out_of_range",
        Text(f"no working days are known for {year}", f"没有{year}年的工作日历"),
        Text(f"a year from {first} to {last}", f"可查询{first}至{last}年"),
    )


async def list_days(call: Call, first: dt.date, last: dt.date, as_of: dt.datetime | None) -> DaysView:
    """What each day of a period is, and the notice or order behind it. Problem 422 `span_too_long` beyond 800 days."""
    if not dt.timedelta(0) <= last - first < dt.timedelta(days=MAX_DAYS):
        raise invalid(
            "span_too_long",
            f"the period from–to has to be 1 to {MAX_DAYS} days",
            f"查询期间须为1至{MAX_DAYS}天",
            days=MAX_DAYS,
        )
    if as_of is None:
        calendar = await calendar_.current(call.session)
    else:
        years, version = await _years(call, as_of)
        calendar = WorkdayCalendar(years, version)
    for day in (first, last):
        calendar.require(day)
    days = []
    for n in range((last - first).days + 1):
        day = first + dt.timedelta(days=n)
        what = calendar.day(day)
        days.append(
            DayView(
                date=day,
                worked=what.kind.worked,
                kind=what.kind,
                name=what.name,
                status=calendar.status(day),
                notice=calendar.notice(day),
                swapped_with=calendar.swapped_with(day),
            )
        )
    return DaysView(government=call.government, calendar_version=calendar.version, days=days)


async def list_versions(call: Call, year: int) -> list[VersionView]:
    return [VersionView.model_validate(row) for row in await call.session.execute(_VERSIONS, {"year": year})]
