"""The working-day calendar, against a day-by-day loop and against a second opinion."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from zhengling.dates.workdays import (
    CalendarYear,
    DayKind,
    SpecialDay,
    WorkdayCalendar,
    base_years,
    overlay,
)
from zhengling.kernel.errors import Problem

ONE_DAY = timedelta(days=1)
NATIONAL = base_years(date(2026, 11, 22))
CALENDAR = WorkdayCalendar(NATIONAL, "national-1")


def days(first: date, last: date) -> list[date]:
    return [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]


special_kinds = st.sampled_from([kind for kind in DayKind if kind not in (DayKind.workday, DayKind.weekend)])


@st.composite
def calendars(draw: st.DrawFn) -> WorkdayCalendar:
    """Two or three years with any days closed or worked."""
    years = []
    for year in range(2023, 2023 + draw(st.integers(2, 3))):
        marked = draw(st.dictionaries(st.dates(date(year, 1, 1), date(year, 12, 31)), special_kinds, max_size=60))
        listed = {day: SpecialDay(kind=kind, name="某日") for day, kind in marked.items()}
        years.append(CalendarYear(year=year, provisional=False, days=listed))
    return WorkdayCalendar(years, "random")


def walk(calendar: WorkdayCalendar, day: date, n: int) -> date | None:
    """The plain loop: one day at a time; None past the edge."""
    step = ONE_DAY if n > 0 else -ONE_DAY
    for _ in range(abs(n)):
        day += step
        while calendar.first <= day <= calendar.last and not calendar.day(day).kind.worked:
            day += step
    return day if calendar.first <= day <= calendar.last else None


@settings(deadline=None)  # building the calendars takes most of the time
@given(calendars(), st.dates(date(2023, 1, 1), date(2024, 12, 31)), st.integers(-300, 300).filter(bool))
def test_shifting_agrees_with_walking_day_by_day(calendar: WorkdayCalendar, day: date, n: int) -> None:
    expected = walk(calendar, day, n)
    if expected:
        assert calendar.shift(day, n) == expected
    else:
        with pytest.raises(Problem, match="date_out_of_range"):
            calendar.shift(day, n)


@settings(deadline=None)
@given(calendars(), st.dates(date(2023, 1, 1), date(2024, 12, 31)), st.integers(1, 200))
def test_from_a_working_day_back_and_forward_are_inverse(calendar: WorkdayCalendar, day: date, n: int) -> None:
    assume(calendar.is_workday(day))
    for there in (n, -n):
        try:
            reached = calendar.shift(day, there)
        except Problem:
            continue  # past the edge
        assert calendar.shift(reached, -there) == day


@settings(deadline=None)
@given(calendars(), st.dates(date(2023, 6, 1), date(2024, 6, 30)))
def test_following_and_preceding_are_the_nearest_working_days_or_the_day_itself(
    calendar: WorkdayCalendar, day: date
) -> None:
    later, earlier = day, day
    while not calendar.is_workday(later):
        later += ONE_DAY
    while not calendar.is_workday(earlier):
        earlier -= ONE_DAY
    assert (calendar.following(day), calendar.preceding(day)) == (later, earlier)


@settings(deadline=None)
@given(calendars(), st.dates(date(2023, 1, 1), date(2024, 12, 31)))
def test_a_day_is_worked_exactly_when_its_kind_is(calendar: WorkdayCalendar, day: date) -> None:
    assert calendar.is_workday(day) == calendar.day(day).kind.worked


def test_every_gazetted_day_agrees_with_a_second_package() -> None:
    gazetted = days(date(2010, 1, 1), date(2026, 12, 31))
    disagreeing = [day for day in gazetted if CALENDAR.is_workday(day) != chinese_calendar.is_workday(day)]
    assert disagreeing == []


def test_years_run_from_2010_to_five_ahead_and_those_without_a_notice_are_provisional() -> None:
    assert [year.year for year in NATIONAL] == list(range(2010, 2032))
    assert [year.year for year in NATIONAL if year.provisional] == [2027, 2028, 2029, 2030, 2031]
    assert CALENDAR.provisional(date(2027, 1, 1)) and not CALENDAR.provisional(date(2026, 12, 31))
    assert CALENDAR.provisional(date(2026, 12, 31), date(2027, 1, 1))


@pytest.mark.parametrize(
    ("day", "kind", "name"),
    [
        (date(2026, 9, 30), DayKind.workday, "工作日"),
        (date(2026, 9, 20), DayKind.makeup_workday, "调休上班日"),
        (date(2026, 10, 11), DayKind.weekend, "周末"),
        (date(2026, 10, 6), DayKind.swap_day_off, "调休休息日"),
        (date(2026, 10, 3), DayKind.statutory_holiday, "国庆节"),
        (date(2026, 10, 5), DayKind.statutory_holiday, "国庆节（补假）"),
        (date(2020, 10, 1), DayKind.statutory_holiday, "中秋节、国庆节"),
        (date(2011, 12, 31), DayKind.makeup_workday, "调休上班日"),
    ],
)
def test_a_day_says_what_it_is_and_what_it_is_called(day: date, kind: DayKind, name: str) -> None:
    assert CALENDAR.day(day) == (kind, name)


def test_the_two_days_of_a_swap_name_each_other_even_across_the_new_year() -> None:
    assert CALENDAR.swapped_with(date(2012, 1, 3)) == date(2011, 12, 31)
    assert CALENDAR.swapped_with(date(2011, 12, 31)) == date(2012, 1, 3)
    assert CALENDAR.swapped_with(date(2026, 10, 1)) is None


@pytest.mark.parametrize("day", [date(2009, 12, 31), date(2032, 1, 1)])
def test_a_day_outside_the_calendar_is_refused_with_its_range(day: date) -> None:
    for ask in (CALENDAR.is_workday, CALENDAR.day, CALENDAR.following, CALENDAR.preceding, CALENDAR.require):
        with pytest.raises(Problem) as refused:
            ask(day)
        assert (refused.value.status, refused.value.code) == (422, "date_out_of_range")
        assert refused.value.extra == {"first": "2010-01-01", "last": "2031-12-31"}


def test_the_last_working_day_has_no_next_one() -> None:
    assert CALENDAR.shift(date(2031, 12, 30), 1) == date(2031, 12, 31)
    with pytest.raises(Problem, match="date_out_of_range"):
        CALENDAR.shift(date(2031, 12, 31), 1)
    with pytest.raises(Problem, match="date_out_of_range"):
        CALENDAR.preceding(date(2010, 1, 1))


def test_a_shift_by_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.shift(date(2026, 1, 5), 0)


def test_a_year_survives_its_journey_as_json() -> None:
    for year in NATIONAL:
        assert CalendarYear.model_validate_json(year.model_dump_json()) == year


def test_a_local_year_replaces_the_national_one_for_that_government_only() -> None:
    storm = SpecialDay(kind=DayKind.local_closure, name="台风停工")
    national = next(year for year in NATIONAL if year.year == 2025)
    local = CalendarYear(year=2025, provisional=False, days={**national.days, date(2025, 8, 14): storm})
    calendar = WorkdayCalendar(overlay(NATIONAL, [local]), "local-1")
    assert calendar.day(date(2025, 8, 14)) == (DayKind.local_closure, "台风停工")
    assert calendar.shift(date(2025, 8, 13), 1) == date(2025, 8, 15)
    assert CALENDAR.shift(date(2025, 8, 13), 1) == date(2025, 8, 14)


def test_a_year_lists_only_its_own_special_days() -> None:
    ordinary = SpecialDay(kind=DayKind.weekend, name="周末")
    closed = SpecialDay(kind=DayKind.local_closure, name="停工")
    with pytest.raises(ValidationError, match="ordinary weekend is not listed"):
        CalendarYear(year=2025, provisional=False, days={date(2025, 1, 4): ordinary})
    with pytest.raises(ValidationError, match="not a day of 2025"):
        CalendarYear(year=2025, provisional=False, days={date(2026, 1, 5): closed})


def test_a_calendar_with_a_missing_or_a_doubled_year_is_refused() -> None:
    for years in ([], [NATIONAL[0], NATIONAL[2]], [NATIONAL[0], NATIONAL[0]]):
        with pytest.raises(ValueError, match="consecutive"):
            WorkdayCalendar(years, "broken")
