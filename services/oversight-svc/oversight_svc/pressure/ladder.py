"""The escalation ladder of a matter: which of its rungs come when, by working days before and after the due date. Pure."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import NamedTuple

from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import SHANGHAI
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import Pressure, Rung
from zhengling.rules.vocabulary import in_chinese


class Step(NamedTuple):
    """A rung that isn't taken yet: its place on the ladder, from 0, and when it comes."""

    n: int
    rung: Rung
    moment: datetime


def steps(rules: Pressure, due: date, calendar: WorkdayCalendar, taken: int = -1) -> list[Step]:
    """The rungs above the last one taken, in their order."""
    return [Step(n, rung, _moment(rung, rules.hour, due, calendar)) for n, rung in enumerate(rules.ladder) if n > taken]


def first(book: Rulebook, due: date, calendar: WorkdayCalendar) -> datetime | None:
    """When the ladder of a new matter begins; None without a ladder."""
    rules = book.supervision and book.supervision.pressure
    return steps(rules, due, calendar)[0].moment if rules and rules.ladder else None


def _moment(rung: Rung, hour: int, due: date, calendar: WorkdayCalendar) -> datetime:
    """The hour of the rung's day. A day outside the calendar counts as its last: it is computed anew when that comes."""
    day = due
    if rung.days:
        try:
            day = calendar.shift(due, rung.days)
        except Problem:
            day = max(due, calendar.last) if rung.days > 0 else due
    return datetime.combine(day, time(hour), SHANGHAI)


def reason(rung: Rung, due: date) -> Text:
    """Why a rung is taken, in words."""
    n = abs(rung.days)
    if rung.days < 0:
        said = Text(f"due on {due}, in {n} working days", f"办结时限为{due}，距到期还有{n}个工作日")
    elif rung.days == 0:
        said = Text(f"due today, {due}", f"今日（{due}）到期")
    else:
        said = Text(f"overdue: it was due on {due}, {n} working days ago", f"办结时限为{due}，已逾期{n}个工作日")
    return Text(f"{rung.act.value}: {said.en}", f"{in_chinese(rung.act)}：{said.zh}")
