"""The cadence of meetings: periods, missed periods, the latest date; compared with a naive loop."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from zhengling.rules.cadence import (
    Cadence,
    DaysOfMonth,
    Period,
    period_of,
    sentence,
    standing,
)

FORTNIGHT = Cadence(every=2, unit="week")
MONTHLY = Cadence(unit="month")
TWICE_A_MONTH = Cadence(unit="month", at_least=2)
QUARTERLY = Cadence(every=3, unit="month")
HALF_YEARLY = Cadence(every=6, unit="month")
EARLY_IN_THE_MONTH = Cadence(unit="month", days=DaysOfMonth(first=1, last=10))
LONG_AGO = date(2025, 1, 1)


@pytest.mark.parametrize(
    ("day", "months", "first", "last"),
    [
        (date(2026, 2, 12), 1, date(2026, 2, 1), date(2026, 2, 28)),
        (date(2024, 2, 12), 1, date(2024, 2, 1), date(2024, 2, 29)),
        (date(2026, 2, 12), 2, date(2026, 1, 1), date(2026, 2, 28)),
        (date(2026, 12, 31), 3, date(2026, 10, 1), date(2026, 12, 31)),
        (date(2026, 7, 1), 6, date(2026, 7, 1), date(2026, 12, 31)),
        (date(2026, 6, 30), 12, date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_periods_of_months_are_those_of_the_calendar(day: date, months: int, first: date, last: date) -> None:
    assert period_of(day, months) == (first, last)


def test_every_two_weeks_the_next_one_is_in_time_until_two_weeks_after_the_last() -> None:
    held = [date(2026, 3, 4), date(2026, 3, 18)]
    on_the_day = standing(FORTNIGHT, held, date(2026, 4, 1), LONG_AGO)
    assert (on_the_day.next_latest, on_the_day.behind, on_the_day.held) == (date(2026, 4, 1), False, 1)
    after = standing(FORTNIGHT, held, date(2026, 4, 2), LONG_AGO)
    assert (after.behind, after.missed) == (True, Period(date(2026, 3, 18), date(2026, 4, 1)))
    assert standing(FORTNIGHT, [*held, date(2026, 4, 2)], date(2026, 4, 2), LONG_AGO).behind is False


def test_fewer_than_two_in_a_calendar_month_is_behind_and_more_than_three_is_fine() -> None:
    one = [date(2026, 1, 9)]
    assert standing(TWICE_A_MONTH, one, date(2026, 1, 31), LONG_AGO).next_latest == date(2026, 1, 31)
    february = standing(TWICE_A_MONTH, one, date(2026, 2, 1), LONG_AGO)
    assert (february.behind, february.missed) == (True, Period(date(2026, 1, 1), date(2026, 1, 31)))
    four = [date(2026, 1, day) for day in (5, 12, 19, 26)]
    assert standing(TWICE_A_MONTH, four, date(2026, 2, 1), LONG_AGO).behind is False
    assert standing(TWICE_A_MONTH, four, date(2026, 1, 31), LONG_AGO).next_latest == date(2026, 2, 28)


def test_a_month_with_too_few_meetings_is_reported_until_a_full_one_follows() -> None:
    held = [date(2026, 1, 9), date(2026, 2, 3)]
    assert standing(TWICE_A_MONTH, held, date(2026, 2, 20), LONG_AGO).behind is True
    assert standing(TWICE_A_MONTH, [*held, date(2026, 2, 20)], date(2026, 2, 20), LONG_AGO).behind is False


def test_a_quarter_and_a_half_year_are_behind_only_once_they_are_over() -> None:
    assert standing(QUARTERLY, [], date(2026, 3, 31), date(2026, 1, 1)).behind is False
    assert standing(QUARTERLY, [], date(2026, 4, 1), date(2026, 1, 1)).missed == (date(2026, 1, 1), date(2026, 3, 31))
    assert standing(HALF_YEARLY, [], date(2026, 6, 30), date(2026, 1, 1)).next_latest == date(2026, 6, 30)
    assert standing(HALF_YEARLY, [], date(2026, 7, 1), date(2026, 1, 1)).behind is True


def test_within_days_of_a_month_it_is_behind_once_those_days_are_over() -> None:
    assert standing(EARLY_IN_THE_MONTH, [date(2026, 4, 2)], date(2026, 5, 10), LONG_AGO).behind is False
    late = standing(EARLY_IN_THE_MONTH, [date(2026, 4, 2), date(2026, 5, 11)], date(2026, 5, 11), LONG_AGO)
    assert (late.behind, late.held, late.next_latest) == (True, 0, date(2026, 6, 10))
    assert late.missed == (date(2026, 5, 1), date(2026, 5, 10))


def test_a_period_that_had_begun_before_anything_was_on_record_asks_for_nothing() -> None:
    begun = standing(HALF_YEARLY, [], date(2026, 8, 1), since=date(2026, 6, 25))
    assert (begun.behind, begun.expected, begun.next_latest) == (False, 1, date(2026, 12, 31))
    first = standing(HALF_YEARLY, [], date(2026, 6, 30), since=date(2026, 6, 25))
    assert (first.behind, first.expected, first.next_latest) == (False, 0, date(2026, 12, 31))
    weeks = standing(FORTNIGHT, [], date(2026, 7, 9), since=date(2026, 6, 25))
    assert (weeks.behind, weeks.next_latest) == (False, date(2026, 7, 9))


def test_where_nothing_is_on_record_nothing_is_expected_and_it_says_so() -> None:
    for cadence in (FORTNIGHT, TWICE_A_MONTH, HALF_YEARLY):
        rhythm = standing(cadence, [], date(2026, 7, 9), None)
        assert (rhythm.expected, rhythm.next_latest, rhythm.behind) == (0, None, False)
        assert "尚无开会记录" in sentence(rhythm, "常务会议", "TV-1").zh


def test_the_sentence_says_what_was_missed_or_until_when_the_next_is_in_time() -> None:
    behind = sentence(standing(QUARTERLY, [], date(2026, 4, 1), LONG_AGO), "全体会议", "TV-2")
    assert "2026-01-01至2026-03-31召开次数不足" in behind.zh
    assert "behind" in behind.en
    fine = sentence(standing(QUARTERLY, [date(2026, 4, 1)], date(2026, 4, 1), LONG_AGO), "全体会议", "TV-2")
    assert "下次会议最迟应于2026-09-30召开" in fine.zh
    assert "TV-2" in fine.en


@pytest.mark.parametrize(
    "wrong",
    [
        {"unit": "week", "days": {"last": 10}},
        {"unit": "month", "every": 3, "days": {"last": 10}},
        {"unit": "month", "days": {"first": 11, "last": 10}},
        {"unit": "month", "every": 0},
        {"unit": "day"},
    ],
)
def test_an_invalid_cadence_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Cadence.model_validate(wrong)


# a plain loop as the second opinion ---------------------------------------------------------------------------------
BEGIN = date(2025, 1, 1)
Days = st.sets(st.integers(0, 500), max_size=40).map(lambda s: sorted(BEGIN + timedelta(days=n) for n in s))
Cadences = st.one_of(
    st.builds(Cadence, unit=st.just("week"), every=st.integers(1, 6), at_least=st.integers(1, 3)),
    st.builds(Cadence, unit=st.just("month"), every=st.sampled_from([1, 2, 3, 4, 6, 12]), at_least=st.integers(1, 3)),
    st.builds(
        Cadence,
        unit=st.just("month"),
        days=st.tuples(st.integers(1, 28), st.integers(1, 31)).map(
            lambda d: DaysOfMonth(first=min(d), last=max(d)) if min(d) <= 28 else DaysOfMonth()
        ),
    ),
)


def behind_by_a_loop(cadence: Cadence, held: list[date], on: date, since: date) -> bool:
    """Walks every day from the first on record: in weeks it looks at the days of the stretch that ends on the day, in
    months it cuts the days into the calendar's periods and looks at those that are over."""
    since = min([since, *(day for day in held if day <= on)])
    if cadence.unit == "week":
        first = on - timedelta(days=7 * cadence.every)
        stretch = [first + timedelta(days=n) for n in range(7 * cadence.every + 1)]
        return since < first and sum(day in held for day in stretch) < cadence.at_least
    counted: dict[tuple[int, int], int] = {}
    is_over: dict[tuple[int, int], bool] = {}
    whole: dict[tuple[int, int], bool] = {}
    day = date(since.year - 1, 1, 1)
    while day <= on + timedelta(days=800):
        key = (day.year, (day.month - 1) // cadence.every)
        if cadence.days is None or inside(day, cadence.days):
            counted.setdefault(key, 0)
            whole[key] = whole.get(key, True) and day >= since
            is_over[key] = on > day
            counted[key] += day in held and day <= on
        day += timedelta(days=1)
    current = (on.year, (on.month - 1) // cadence.every)
    before = max(key for key in counted if key < current)
    if counted[current] >= cadence.at_least:
        return False
    return any(whole[key] and is_over[key] and counted[key] < cadence.at_least for key in (before, current))


def inside(day: date, days: DaysOfMonth) -> bool:
    length = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    return min(days.first, length) <= day.day <= min(days.last, length)


@settings(max_examples=400, deadline=None)
@given(Cadences, Days, st.integers(0, 600), st.integers(0, 300))
def test_behind_agrees_with_a_check_of_every_day(cadence: Cadence, held: list[date], on: int, since: int) -> None:
    day, first = BEGIN + timedelta(days=on), BEGIN + timedelta(days=since)
    assert standing(cadence, held, day, first).behind == behind_by_a_loop(cadence, held, day, first)


@settings(max_examples=400, deadline=None)
@given(Cadences, Days, st.integers(0, 600), st.integers(0, 300))
def test_nothing_falls_behind_before_the_latest_date_and_all_does_after_it(
    cadence: Cadence, held: list[date], on: int, since: int
) -> None:
    """As long as nothing more is held, and nothing is behind yet."""
    day, first = BEGIN + timedelta(days=on), BEGIN + timedelta(days=since)
    known = [each for each in held if each <= day]
    rhythm = standing(cadence, known, day, first)
    if rhythm.behind or first > day:
        return
    latest = rhythm.next_latest
    assert latest is not None
    assert latest >= day
    assert standing(cadence, known, latest, first).behind is False
    assert standing(cadence, known, latest + timedelta(days=1), first).behind is True


@given(Cadences, Days, st.integers(0, 600))
def test_one_more_meeting_never_puts_anything_behind(cadence: Cadence, held: list[date], on: int) -> None:
    day = BEGIN + timedelta(days=on)
    before, after = [standing(cadence, days, day, LONG_AGO) for days in (held, [*held, day])]
    assert after.held >= before.held
    assert not (after.behind and not before.behind)
