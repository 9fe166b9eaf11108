"""One deadline, and a million, compared with numpy and two holiday packages for the same dates.

Measured are `compute` of `dates/deadlines.py`, the function that the services call, and `compute_many`. All contenders
have the same working days and starts, take turns in every round and are compared by the median of the rounds, in processor
time, as none waits for I/O and the machine may be shared. Their results are compared first, and a difference stops the
benchmark. numpy has no working Sundays: its calendar has a week mask of seven days and every day off as a holiday.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from statistics import median
from time import thread_time
from typing import Any

import chinese_calendar
import holidays
import numpy as np

from bench.table import Row
from zhengling.dates.deadlines import DeadlineRule, compute, compute_many
from zhengling.dates.workdays import WorkdayCalendar, base_years

FIRST, LAST = date(2011, 1, 1), date(2026, 6, 30)  # the starts: years whose notices all contenders have
STARTS, SLOW_STARTS, MANY = 20_000, 100, 1_000_000
ROUNDS, ROUNDS_OF_MANY = 41, 11
ONE_DAY = timedelta(days=1)

#: Computes each start, in this contender's own type, and discards the result.
Loop = Callable[[Sequence[Any]], None]


class Contender:
    """A way to compute one date: `one` computes it, `loop` does so for many, `starts_of` makes the starts."""

    def __init__(
        self,
        name: str,
        one: Callable[[Any], Any],
        loop: Loop,
        starts_of: Callable[[list[date]], Sequence[Any]],
        starts: int,
    ) -> None:
        self.name, self.one, self.loop, self.starts_of, self.starts = name, one, loop, starts_of, starts
        self.times: list[float] = []

    def round(self, days: list[int]) -> None:
        """Time the loop over newly made starts, as a date just read from somewhere has nothing cached."""
        starts = self.starts_of([date.fromordinal(day) for day in days[: self.starts]])
        began = thread_time()
        self.loop(starts)
        self.times.append((thread_time() - began) / len(starts) * 1e6)

    @property
    def microseconds(self) -> float:
        return median(self.times)


def same(starts: list[date]) -> list[date]:
    return starts


def as_datetime64(starts: list[date]) -> list[np.datetime64]:
    """numpy scalars: twice as fast for numpy as dates, which it would convert each time."""
    return list(np.array(starts, dtype="datetime64[D]"))


def ours(rule: DeadlineRule, calendar: WorkdayCalendar) -> Contender:
    def loop(starts: Sequence[date]) -> None:
        for start in starts:
            compute("rule", rule, start, calendar)

    return Contender("compute", lambda start: compute("rule", rule, start, calendar).date, loop, same, STARTS)


def ours_in_full(rule: DeadlineRule, calendar: WorkdayCalendar) -> Contender:
    def loop(starts: Sequence[date]) -> None:
        for start in starts:
            due = compute("rule", rule, start, calendar)
            _ = due.at, due.provisional

    return Contender("compute in full", lambda start: compute("rule", rule, start, calendar).date, loop, same, STARTS)


def numpy_offset(busdays: np.busdaycalendar, add: int, n: int, roll: Any) -> Contender:
    offset = np.busday_offset
    days = np.timedelta64(add, "D")

    def one(start: np.datetime64) -> date:
        found: date = offset(start + days, n, roll, busdaycal=busdays).item()
        return found

    def loop(starts: Sequence[np.datetime64]) -> None:
        for start in starts:
            offset(start, n, roll, busdaycal=busdays)

    def loop_adding(starts: Sequence[np.datetime64]) -> None:
        for start in starts:
            offset(start + days, n, roll, busdaycal=busdays)

    return Contender("numpy.busday_offset", one, loop_adding if add else loop, as_datetime64, STARTS)


def holidays_package(n: int) -> Contender:
    china = holidays.country_holidays("CN", years=range(FIRST.year - 1, LAST.year + 2))

    def loop(starts: Sequence[date]) -> None:
        for start in starts:
            china.get_nth_working_day(start, n)

    return Contender(
        "holidays get_nth_working_day", lambda start: china.get_nth_working_day(start, n), loop, same, SLOW_STARTS
    )


def chinese_calendar_walking(n: int) -> Contender:
    step = ONE_DAY if n > 0 else -ONE_DAY

    def one(start: date) -> date:
        left = abs(n)
        while left:
            start += step
            left -= chinese_calendar.is_workday(start)
        return start

    def loop(starts: Sequence[date]) -> None:
        for start in starts:
            one(start)

    return Contender("chinesecalendar is_workday, walking", one, loop, same, SLOW_STARTS)


def chinese_calendar_listing(n: int) -> Contender:
    """List the working days of a long enough period and pick one; forward only."""

    def one(start: date) -> date:
        after = chinese_calendar.get_workdays(start + ONE_DAY, start + ONE_DAY * (2 * n + 12))
        found: date = after[n - 1]
        return found

    def loop(starts: Sequence[date]) -> None:
        for start in starts:
            one(start)

    return Contender("chinesecalendar get_workdays", one, loop, same, SLOW_STARTS)


def agree(contenders: Sequence[Contender], days: list[int]) -> None:
    """Check that all contenders agree with the first for many starts; AssertionError names the one that differs."""
    starts = [date.fromordinal(day) for day in days[:1000]]
    first, *others = ([contender.one(s) for s in contender.starts_of(starts)] for contender in contenders)
    for contender, found in zip(contenders[1:], others, strict=True):
        wrong = [s for s, expected, answer in zip(starts, first, found, strict=True) if answer != expected]
        if wrong:
            raise AssertionError(f"{contender.name} differs for {len(wrong)} starts, such as {wrong[0]}")


def one_at_a_time(
    what: str, rule: DeadlineRule, calendar: WorkdayCalendar, contenders: list[Contender], days: list[int]
) -> list[Row]:
    """A row per contender; the ratio's limit applies to the fastest."""
    our, full = ours(rule, calendar), ours_in_full(rule, calendar)
    everybody = [our, full, *contenders]
    agree(everybody, days)
    for _ in range(ROUNDS + 1):
        for contender in everybody:
            contender.round(days)
    for contender in everybody:
        del contender.times[0]  # the warm-up
    contenders.sort(key=lambda contender: contender.microseconds)
    fastest = contenders[0]
    note = "fastest of the others; dates agree"
    return [
        Row(f"{what}: the date", our.microseconds, "µs", fastest.microseconds, fastest.name, 0.2, note),
        *(Row(f"{what}: the date", our.microseconds, "µs", c.microseconds, c.name) for c in contenders[1:]),
        Row(f"{what}: also the instant and whether provisional", full.microseconds, "µs"),
    ]


def many_at_once(
    what: str, rule: DeadlineRule, calendar: WorkdayCalendar, busdays: np.busdaycalendar, n: int, add: int, roll: Any
) -> Row:
    """A million at once, in milliseconds."""
    span = LAST.toordinal() - FIRST.toordinal()
    starts = np.datetime64(FIRST, "D") + np.random.default_rng(7).integers(0, span, MANY)
    days = np.timedelta64(add, "D")

    def our() -> Any:
        return compute_many("rule", rule, starts, calendar)

    def theirs() -> Any:
        return np.busday_offset(starts + days if add else starts, n, roll, busdaycal=busdays)

    if not np.array_equal(our(), theirs()):
        raise AssertionError(f"{what}: numpy differs")
    times: dict[Callable[[], Any], list[float]] = {our: [], theirs: []}
    for _ in range(ROUNDS_OF_MANY):
        for contender, taken in times.items():
            began = thread_time()
            contender()
            taken.append((thread_time() - began) * 1e3)
    return Row(
        f"{what}: {MANY:,} at once",
        median(times[our]),
        "ms",
        median(times[theirs]),
        "numpy.busday_offset, vectorised",
        1.0,
        "`compute_many`; dates agree",
    )


async def run() -> list[Row]:
    """Run all in this process; takes about 15 s."""
    calendar = WorkdayCalendar(base_years(), "national")
    off = [day for day in calendar.dates if not calendar.is_workday(day)]
    busdays = np.busdaycalendar(weekmask="1111111", holidays=np.array(off, dtype="datetime64[D]"))
    span = range(FIRST.toordinal(), LAST.toordinal() + 1)
    days = random.Random(7).choices(span, k=STARTS)

    def rule(**fields: object) -> DeadlineRule:
        return DeadlineRule.model_validate({"clause": "bench", "of": "receipt", **fields})

    within, before, moved = (
        rule(within=5, unit="working_day"),
        rule(before=5, unit="working_day"),
        rule(within=7, unit="day"),
    )
    rows = one_at_a_time(
        "5 working days after",
        within,
        calendar,
        [
            numpy_offset(busdays, 0, 5, "preceding"),
            holidays_package(5),
            chinese_calendar_walking(5),
            chinese_calendar_listing(5),
        ],
        days,
    )
    rows += one_at_a_time(
        "5 working days before",
        before,
        calendar,
        [numpy_offset(busdays, 0, -5, "following"), holidays_package(-5), chinese_calendar_walking(-5)],
        days,
    )
    rows += one_at_a_time(
        "7 days after, moved to a working day", moved, calendar, [numpy_offset(busdays, 7, 0, "following")], days
    )
    return [
        *rows,
        many_at_once("5 working days after", within, calendar, busdays, 5, 0, "preceding"),
        many_at_once("5 working days before", before, calendar, busdays, -5, 0, "following"),
        many_at_once("7 days after, moved to a working day", moved, calendar, busdays, 0, 7, "following"),
    ]
