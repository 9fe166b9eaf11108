"""Reads of calendar-svc: deadlines, which are pure computations, and the calendar in all its versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from calendar_svc.closure.closure import Closure
from calendar_svc.year.schemas import (
    CalendarView,
    ClosureView,
    DaysView,
    DayView,
    DeadlineRequest,
    NoticeView,
    VersionView,
    YearView,
)
from zhengling.database.session import NATIONAL, enter_government, government_of, load
from zhengling.dates.deadlines import DeadlineRule, Due, compute
from zhengling.dates.workdays import CalendarYear, WorkdayCalendar, overlay
from zhengling.kernel.errors import Problem, Text, invalid
from zhengling.replicas import calendar as calendar_
from zhengling.replicas.due_dates import DueView, view_of
from zhengling.rules.rulebook import Rulebook
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, page

AD_HOC = "period"
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
_NOTICES = sa.text("""
    SELECT year, issuer, number, date, amends, holidays, entered_by, recorded_at FROM notice
    WHERE CAST(:year AS int) IS NULL OR year = :year ORDER BY year, date
""")


# Deadlines ----------------------------------------------------------------------------------------------------------


@dataclass
class _Reckoner:
    """Computes due dates for one call: each government's rules and calendar are looked up once."""

    call: Call
    calendars: dict[str, WorkdayCalendar] = field(default_factory=dict)
    books: dict[str, Rulebook] = field(default_factory=dict)

    async def enter(self, governments: Iterable[str]) -> None:
        """Get ready for these governments. Another one's deadlines need the scope calendar:national (403)."""
        call = self.call
        wanted = set(governments) - self.calendars.keys()
        if wanted - {call.government} and not call.principal.has("calendar:national"):
            raise Problem(
                403,
                "another_government",
                Text("a deadline of another government was asked for", "不能查询其他政府的时限"),
                Text(f"ask for {call.government}, or with the scope calendar:national", "请查询本级政府的时限"),
            )
        for government in sorted(wanted):
            self.books[government] = call.service.rulebooks.current(government, call.now)
            if government != government_of(call.session):
                await enter_government(call.session, government)
            self.calendars[government] = await calendar_.current(call.session)
        if government_of(call.session) != call.government:
            await enter_government(call.session, call.government)

    def due(self, item: DeadlineRequest) -> Due:
        name = item.rule or AD_HOC
        rule = item.period.rule() if item.period else self.books[item.government].deadline(name)
        return compute(name, rule, item.from_, self.calendars[item.government], item.occurrence)


async def compute_deadlines(call: Call, requests: list[DeadlineRequest], *, with_trace: bool) -> list[DueView]:
    """Due dates by the rules in force today. Another government's need the scope calendar:national."""
    reckoner = _Reckoner(call)
    await reckoner.enter(item.government for item in requests)
    return [
        view_of(reckoner.due(item), reckoner.calendars[item.government], call.language, with_trace=with_trace)
        for item in requests
    ]


async def compute_batch(call: Call, items: list[Any]) -> list[dict[str, Any]]:
    """Due dates without traces for raw items of a batch, each as `DeadlineRequest` has it; the shapes of `DueView`.

    The same question is answered once: of 100,000 dates most have been asked before. Problems (422) name the item.
    """
    reckoner = _Reckoner(call)
    known: dict[object, dict[str, Any]] = {}
    answers: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        try:
            key: object = tuple(item.items()) if len(item) == 3 and "from" in item and "rule" in item else place
            answer = known.get(key)
        except (AttributeError, TypeError):  # no object, or a value that is none of the texts it should be
            key, answer = place, None
        if answer is None:
            request = _validated(item, place)
            if request.government not in reckoner.calendars:
                await reckoner.enter([request.government])
            try:
                answer = known[key] = _answer(reckoner.due(request))
            except Problem as problem:
                problem.extra["place"] = f"items.{place}"
                raise
        answers.append(answer)
    return answers


def _validated(item: object, place: int) -> DeadlineRequest:
    try:
        return DeadlineRequest.model_validate(item)
    except ValidationError as error:
        found = [e | {"loc": ("body", "items", place, *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found, body=item) from error


def _answer(due: Due) -> dict[str, Any]:
    """As `view_of` without a trace, for orjson."""
    rule: DeadlineRule = due.terms
    return {
        "date": due.date,
        "at": due.at,
        "provisional": due.provisional,
        "rule": due.rule,
        "clause": rule.clause,
        "explanation": None,
        "trace": None,
        "changes": None,
    }


# The calendar -------------------------------------------------------------------------------------------------------


async def _years(call: Call, as_of: dt.datetime | None) -> tuple[list[CalendarYear], str]:
    """The years of the caller's government, now or as they were known at an instant, and their version."""
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
        raise invalid("nothing_known_then", f"no calendar was known at {as_of}", f"{as_of}时尚无工作日历")
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
    """What each day of a span is, and what that rests on. Problem 422 `span_too_long` beyond 800 days."""
    if not dt.timedelta(0) <= last - first < dt.timedelta(days=MAX_DAYS):
        raise invalid(
            "span_too_long", f"from and to span 1 to {MAX_DAYS} days", f"查询期间须为1至{MAX_DAYS}天", days=MAX_DAYS
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


async def list_notices(call: Call, year: int | None) -> list[NoticeView]:
    return [
        NoticeView.model_validate(dict(row))
        for row in (await call.session.execute(_NOTICES, {"year": year})).mappings()
    ]


async def list_closures(call: Call, request: PageRequest) -> Page[ClosureView]:
    rows, cursor = await page(call.session, Closure, request)
    return Page(items=[ClosureView.model_validate(row) for row in rows], next_cursor=cursor)


async def get_closure(call: Call, closure_id: str) -> ClosureView:
    return ClosureView.model_validate(await load(call.session, Closure, closure_id, "closure", "停止办公安排"))
