"""A year of working days: its effective days, the changes between versions.

Invariant: a year is never edited in place; functions return new years. Statutory days, days off by swap, weekends and
make-up working days are distinguished, and each special day names its notice. Pure: no I/O.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from zhengling.dates.workdays import (
    CalendarYear,
    SpecialDay,
    overlay,
)
from zhengling.kernel.errors import Problem, Text

ONE_DAY = dt.timedelta(days=1)
FRIDAY = 4


class DayChange(NamedTuple):
    """A changed day; None for an ordinary weekday or weekend."""

    day: dt.date
    before: SpecialDay | None
    after: SpecialDay | None


def changed_years(
    known: Mapping[int, tuple[int, CalendarYear]], coming: Iterable[CalendarYear]
) -> list[tuple[int, CalendarYear]]:
    """Years whose content differs from the known one, each with its next version (from 1)."""
    return [
        (known[year.year][0] + 1 if year.year in known else 1, year)
        for year in coming
        if year.year not in known or known[year.year][1] != year
    ]


def changed_days(before: CalendarYear | None, after: CalendarYear) -> list[DayChange]:
    """The days on which the two years differ in kind or name; a different notice alone isn't a change."""
    old = before.days if before else {}

    def meaning(special: SpecialDay | None) -> object:
        return special and (special.kind, special.name, special.swapped_with)

    return [
        DayChange(day, old.get(day), after.days.get(day))
        for day in sorted(old.keys() | after.days.keys())
        if meaning(old.get(day)) != meaning(after.days.get(day))
    ]


def effective(national: CalendarYear, local: CalendarYear | None) -> CalendarYear:
    """One year of one government: the national year with the government's closures applied."""
    return overlay([national], [local] if local else [])[0]


def require_span(first: dt.date, last: dt.date) -> None:
    """Problem 422 `closure_out_of_order` unless the period ends on or after its first day, within a year."""
    if not dt.timedelta(0) <= last - first <= dt.timedelta(days=366):
        raise Problem(
            422,
            "closure_out_of_order",
            Text(f"{first} to {last} isn't a span of at most a year", f"{first}至{last}不是一年以内的有效期间"),
            Text("state its first and last day", "请填写起止日期"),
        )
