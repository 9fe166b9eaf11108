"""Suspending, resuming and extending a deadline, against plain loops over the days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.shared.dates.test_workdays import calendars
from zhengling.dates.adjustments import Extension, Suspension, adjusted
from zhengling.dates.deadlines import DeadlineRule, Roll, Unit, compute
from zhengling.dates.explanations import explain, sentence
from zhengling.dates.workdays import WorkdayCalendar, base_years
from zhengling.kernel.errors import Problem

ONE_DAY = timedelta(days=1)
CALENDAR = WorkdayCalendar(base_years(date(2026, 11, 22)), "v1")
STARTS = st.dates(date(2023, 2, 1), date(2023, 9, 30))


def rule(**given: object) -> DeadlineRule:
    return DeadlineRule.model_validate({"clause": "ST-64", "of": "receipt"} | given)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def suspension(since: date, until: date | None) -> Suspension:
    return Suspension(since=noon(since), until=until and noon(until), reason="补正材料", by="office")


@settings(deadline=None)
@given(calendars(), STARTS, st.integers(1, 30), st.integers(0, 40), st.integers(0, 60))
def test_working_days_that_were_left_run_on_from_the_resumption(
    calendar: WorkdayCalendar, start: date, amount: int, after: int, stood: int
) -> None:
    due = compute("r", rule(within=amount, unit="working_day"), start, calendar)
    since = start + ONE_DAY * after
    until = since + ONE_DAY * stood
    assume(since <= due.date)
    later = adjusted(due, [suspension(since, until)], calendar)
    # One day at a time: those before the suspension and those from the resumption on count, as many as the rule has.
    counted, day = 0, start
    while counted < amount:
        day += ONE_DAY
        if calendar.is_workday(day) and not since <= day < until:
            counted += 1
    assert later.due.date == day


@settings(deadline=None)
@given(calendars(), STARTS, st.integers(1, 90), st.integers(0, 89), st.integers(0, 60), st.sampled_from(Roll))
def test_calendar_days_arent_counted_during_a_suspension(
    calendar: WorkdayCalendar, start: date, amount: int, after: int, stood: int, roll: Roll
) -> None:
    due = compute("r", rule(within=amount, unit="day", roll=roll), start, calendar)
    since = start + ONE_DAY * after
    assume(since <= due.unmoved)
    until = since + ONE_DAY * stood
    end, left = start, amount
    while left:
        end += ONE_DAY
        if not since <= end < until:
            left -= 1
    step = {Roll.following: ONE_DAY, Roll.preceding: -ONE_DAY, Roll.none: timedelta(0)}[roll]
    while step and not calendar.is_workday(end):
        end += step
    if end < max(until, start + ONE_DAY):  # an end that moves to the working day before, never before the resumption
        end = calendar.following(max(until, start + ONE_DAY))
    assert adjusted(due, [suspension(since, until)], calendar).due.date == end


@given(st.dates(date(2024, 1, 1), date(2026, 6, 30)), st.integers(1, 20), st.integers(1, 20))
def test_an_extension_in_working_days_is_as_if_the_rule_had_given_more(start: date, amount: int, more: int) -> None:
    due = compute("r", rule(within=amount, unit="working_day"), start, CALENDAR)
    longer = Extension(at=noon(start), amount=more, unit=Unit.working_day, reason="案情复杂", approved_by="head")
    expected = compute("r", rule(within=amount + more, unit="working_day"), start, CALENDAR)
    assert adjusted(due, [longer], CALENDAR).due.date == expected.date


def test_a_deadline_resumed_on_the_day_it_was_suspended_is_the_same() -> None:
    due = compute("r", rule(within=5, unit="working_day"), date(2026, 9, 24), CALENDAR)
    later = adjusted(due, [suspension(date(2026, 9, 27), date(2026, 9, 27))], CALENDAR)
    assert later.due.date == due.date == date(2026, 10, 9)


def test_hours_arent_counted_during_a_suspension() -> None:
    at = datetime(2026, 9, 24, 1, tzinfo=UTC)
    due = compute("r", rule(within=24, unit="hour"), at, CALENDAR)
    stood = Suspension(since=at + timedelta(hours=2), until=at + timedelta(hours=5), reason="停电", by="office")
    assert adjusted(due, [stood], CALENDAR).due.at == due.at + timedelta(hours=3)


def test_an_hour_deadline_extended_by_days_ends_at_the_same_time_of_day() -> None:
    at = datetime(2026, 9, 27, 1, tzinfo=UTC)
    due = compute("r", rule(within=24, unit="hour"), at, CALENDAR)
    more = Extension(at=at, amount=2, unit=Unit.working_day, reason="节前", approved_by="head")
    later = adjusted(due, [more], CALENDAR).due
    assert (later.date, later.at) == (date(2026, 9, 30), due.at + timedelta(days=2))


def test_a_deadline_whose_moved_end_alone_was_left_never_ends_before_it_is_resumed() -> None:
    due = compute("r", rule(within=7, unit="day"), date(2026, 11, 14), CALENDAR)
    assert (due.unmoved, due.date) == (date(2026, 11, 21), date(2026, 11, 23))  # a Saturday, and the Monday after
    later = adjusted(due, [suspension(date(2026, 11, 23), date(2026, 11, 25))], CALENDAR)
    assert later.due.date == date(2026, 11, 25)


@settings(deadline=None)
@given(calendars(), STARTS, st.integers(1, 60), st.integers(0, 70), st.integers(0, 60), st.sampled_from(Roll))
def test_nothing_falls_due_before_it_is_resumed(
    calendar: WorkdayCalendar, start: date, amount: int, after: int, stood: int, roll: Roll
) -> None:
    due = compute("r", rule(within=amount, unit="day", roll=roll), start, calendar)
    since = start + ONE_DAY * after
    assume(since <= due.date)
    until = since + ONE_DAY * stood
    assert adjusted(due, [suspension(since, until)], calendar).due.date >= until


def test_an_extension_to_a_day_keeps_that_day_whatever_the_calendar_does() -> None:
    due = compute("r", rule(within=7, unit="day"), date(2026, 9, 24), CALENDAR)
    saturday = Extension(at=noon(date(2026, 9, 25)), to=date(2026, 10, 17), reason="另有安排", approved_by="head")
    assert adjusted(due, [saturday], CALENDAR).due.date == date(2026, 10, 17)


def test_the_explanation_lists_each_suspension_and_extension_in_both_languages() -> None:
    by = rule(within=5, unit="working_day")
    due = compute("r", by, date(2026, 9, 24), CALENDAR)
    more = Extension(
        at=noon(date(2026, 10, 12)), amount=2, unit=Unit.working_day, reason="案情复杂", approved_by="区长"
    )
    later = adjusted(due, [suspension(date(2026, 9, 27), date(2026, 10, 8)), more], CALENDAR)
    steps = explain(due, by, CALENDAR, later)
    assert [step.effect for step in steps if step.effect in ("suspended", "resumed", "extended")] == [
        "suspended", "resumed", "extended",
    ]  # fmt: skip
    assert steps[-2].effect == "due"
    assert steps[-2].date == later.due.date
    explained = sentence(due, by, CALENDAR, later)
    assert "中止：补正材料" in explained.zh
    assert "经区长批准延长2个工作日" in explained.zh
    assert "approved by 区长" in explained.en
    assert f"{later.due.date:%Y-%m-%d}" in explained.en


def test_what_is_counted_back_from_an_event_cannot_be_suspended() -> None:
    due = compute("r", rule(before=5, unit="working_day"), date(2026, 9, 24), CALENDAR)
    with pytest.raises(Problem, match="not_suspendable"):
        adjusted(due, [suspension(date(2026, 9, 15), None)], CALENDAR)


def test_a_deadline_in_days_is_not_extended_by_hours() -> None:
    due = compute("r", rule(within=5, unit="working_day"), date(2026, 9, 24), CALENDAR)
    with pytest.raises(Problem, match="extension_unit"):
        adjusted(
            due,
            [Extension(at=noon(date(2026, 9, 25)), amount=3, unit=Unit.hour, reason="x", approved_by="y")],
            CALENDAR,
        )


@pytest.mark.parametrize(
    "measure", [{}, {"to": date(2026, 10, 17), "amount": 2, "unit": "day"}, {"amount": 2}, {"unit": "day"}]
)
def test_an_extension_has_one_measure(measure: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="give either `to`"):
        Extension.model_validate({"at": noon(date(2026, 9, 25)), "reason": "x", "approved_by": "y"} | measure)


def test_a_deadline_is_not_resumed_before_it_was_suspended() -> None:
    with pytest.raises(ValidationError, match="resumed before it was suspended"):
        suspension(date(2026, 9, 25), date(2026, 9, 24))
