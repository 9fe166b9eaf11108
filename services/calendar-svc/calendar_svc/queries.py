"""Reads of calendar-svc: deadlines, which are pure computations, and years of working days."""

from __future__ import annotations

import sqlalchemy as sa

from calendar_svc.schemas import DeadlineRequest, YearView
from zhengling import references
from zhengling.db import government_of
from zhengling.deadlines import compute
from zhengling.due_dates import DueView, view_of
from zhengling.errors import Problem, Text
from zhengling.service import Call
from zhengling.workdays import CalendarYear

_YEAR = sa.text("SELECT content FROM calendar_year WHERE year = :year ORDER BY government = '*' LIMIT 1")


async def compute_deadlines(call: Call, requests: list[DeadlineRequest], *, with_trace: bool) -> list[DueView]:
    """Due dates by the rules in force today. Another government's need the scope calendar:national."""
    governments = {item.government for item in requests}
    if governments - {call.government} and not call.principal.has("calendar:national"):
        raise Problem(
            403,
            "another_government",
            Text("a deadline of another government was asked for", "不能查询其他政府的时限"),
            Text(f"ask for {call.government}, or with the scope calendar:national", "请查询本级政府的时限"),
        )
    calendar = await references.calendar(call.session)
    books = {code: call.service.rulebooks.current(code, call.now) for code in governments}
    answers = []
    for item in requests:
        book = books[item.government]
        due = compute(item.rule, book.deadline(item.rule), item.from_, calendar, item.occurrence)
        answers.append(view_of(due, book, calendar, call.language, with_trace=with_trace))
    return answers


async def get_year(call: Call, year: int) -> YearView:
    calendar = await references.calendar(call.session)
    content = await call.session.scalar(_YEAR, {"year": year})
    if content is None:
        raise Problem(
            404,
            "year_out_of_range",
            Text(f"no working days are known for {year}", f"没有{year}年的工作日历"),
            Text(
                f"a year from {calendar.first.year} to {calendar.last.year}",
                f"可查询{calendar.first.year}至{calendar.last.year}年",
            ),
        )
    return YearView(
        government=government_of(call.session),
        calendar_version=calendar.version,
        year=CalendarYear.model_validate(content),
    )
