"""Due dates and their explanations, against cases computed by hand, a day-by-day loop and hand-written texts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from zhengling.dates.deadlines import (
    DeadlineRule,
    Due,
    Roll,
    Unit,
    compute,
    compute_many,
)
from zhengling.dates.explanations import explain, sentence
from zhengling.dates.workdays import (
    CalendarYear,
    DayKind,
    SpecialDay,
    WorkdayCalendar,
    base_years,
    overlay,
)
from zhengling.kernel.errors import Problem
from zhengling.kernel.instants import SHANGHAI
from zhengling.rules.loading import Rulebooks

ROOT = Path(__file__).parents[3]
NATIONAL = base_years(date(2026, 11, 22))
CALENDAR = WorkdayCalendar(NATIONAL, "national-1")


BOOKS = Rulebooks.load([ROOT / "rulebooks"])


def rules_of(government: str) -> dict[str, DeadlineRule]:
    (path,) = ROOT.glob(f"rulebooks/{government}/*/deadlines.yaml")
    return BOOKS.edition(government, path.parent.name).deadlines


RULES = {name: rules_of(name) for name in ("dalian", "xigang", "shuangtaizi", "huancui", "zhanqian")}


class Case(NamedTuple):
    government: str
    rule: str
    start: date
    date: date

    def __str__(self) -> str:
        return f"{self.government} {self.rule} {self.start}"


CASES = [
    Case(case["government"], case["rule"], case["from"], case["date"])
    for case in yaml.safe_load((ROOT / "tests/rulebooks/cases/deadlines.yaml").read_text("utf-8"))
]


def due(government: str, name: str, start: date, occurrence: int = 1) -> Due:
    return compute(name, RULES[government][name], start, CALENDAR, occurrence)


def rule(**fields: object) -> DeadlineRule:
    return DeadlineRule.model_validate({"clause": "XX-1", "of": "receipt", **fields})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_worked_case_comes_out(case: Case) -> None:
    assert due(case.government, case.rule, case.start).date == case.date


@pytest.mark.parametrize(
    ("name", "start", "unmoved", "moved"),
    [
        ("matter-general", date(2026, 9, 28), date(2026, 10, 4), date(2026, 10, 8)),
        ("matter-complex", date(2026, 9, 21), date(2026, 10, 20), date(2026, 10, 20)),
    ],
)
def test_by_710_the_day_of_deployment_counts_and_the_unmoved_end_is_shown(
    name: str, start: date, unmoved: date, moved: date
) -> None:
    found = due("shuangtaizi", name, start)
    assert (found.unmoved, found.date) == (unmoved, moved)
    assert unmoved in {step.date for step in explain(found, RULES["shuangtaizi"][name], CALENDAR)}


def test_every_rule_of_every_government_is_there_under_its_clause() -> None:
    clauses = {(gov, name): rule.clause for gov, rules in RULES.items() for name, rule in rules.items()}
    assert len(clauses) == 43
    assert clauses["shuangtaizi", "matter-general"] == "ST-55"
    assert clauses["xigang", "instruction-fetch"] == "XG-45"


# Counting -----------------------------------------------------------------------------------------------------------


@given(st.dates(date(2012, 1, 1), date(2024, 12, 31)), st.integers(1, 60), st.booleans())
def test_working_days_forward_agree_with_a_loop(start: date, n: int, counted: bool) -> None:
    day, left = start - timedelta(days=counted), n
    while left:
        day += timedelta(days=1)
        left -= CALENDAR.is_workday(day)
    found = compute("r", rule(within=n, unit="working_day", count_start_day=counted), start, CALENDAR)
    assert (found.date, found.unmoved) == (day, day)


@given(st.dates(date(2012, 1, 1), date(2024, 12, 31)), st.integers(1, 60))
def test_working_days_back_agree_with_a_loop(start: date, n: int) -> None:
    day, left = start, n
    while left:
        day -= timedelta(days=1)
        left -= CALENDAR.is_workday(day)
    assert compute("r", rule(before=n, unit="working_day"), start, CALENDAR).date == day


@given(st.dates(date(2012, 1, 1), date(2024, 12, 31)), st.integers(1, 400), st.booleans())
def test_calendar_days_end_where_a_naive_count_ends_then_move(start: date, n: int, counted: bool) -> None:
    found = compute("r", rule(within=n, unit="day", count_start_day=counted), start, CALENDAR)
    first = start if counted else start + timedelta(days=1)
    assert found.unmoved == first + timedelta(days=n - 1)
    later = found.unmoved
    while not CALENDAR.is_workday(later):
        later += timedelta(days=1)
    assert found.date == later


@pytest.mark.parametrize(
    ("start", "counted", "unmoved"),
    [
        (date(2024, 3, 21), False, date(2024, 4, 21)),
        (date(2024, 3, 21), True, date(2024, 4, 20)),
        (date(2023, 1, 31), False, date(2023, 2, 28)),
        (date(2023, 1, 31), True, date(2023, 2, 28)),
        (date(2024, 1, 29), True, date(2024, 2, 28)),
        (date(2023, 12, 1), True, date(2023, 12, 31)),
        (date(2023, 12, 31), False, date(2024, 1, 31)),
    ],
)
def test_a_month_ends_on_the_corresponding_day_or_the_months_last(start: date, counted: bool, unmoved: date) -> None:
    found = compute("r", rule(within=1, unit="month", count_start_day=counted), start, CALENDAR)
    assert found.unmoved == unmoved


def test_a_month_back_from_a_long_month_is_the_short_months_last_day_unmoved() -> None:
    assert compute("r", rule(before=1, unit="month"), date(2026, 3, 31), CALENDAR).date == date(2026, 2, 28)


def test_a_stricter_rulebook_keeps_the_end_where_it_falls() -> None:
    strict = rule(within=7, unit="day", count_start_day=True, roll="none")
    assert compute("r", strict, date(2025, 9, 28), CALENDAR).date == date(2025, 10, 4)


def test_periods_are_counted_from_the_start_so_a_moved_end_does_not_shift_the_next() -> None:
    first, second = (due("shuangtaizi", "instruction-report-long-term", date(2026, 9, 20), k) for k in (1, 2))
    assert (first.unmoved, first.date) == (date(2026, 10, 4), date(2026, 10, 8))
    assert (second.unmoved, second.date) == (date(2026, 10, 18), date(2026, 10, 19))


def test_months_repeat_on_the_day_of_the_start() -> None:
    monthly = rule(every=1, unit="month", roll="none")
    ends = [compute("r", monthly, date(2024, 1, 31), CALENDAR, k).date for k in (1, 2)]
    assert ends == [date(2024, 2, 29), date(2024, 3, 31)]


# All forms, against counting on the fingers ---------------------------------------------------------------------------

YEARS = (2023, 2024, 2025)  # a leap year in the middle
FIRST, LAST = date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31)
kinds_marked = st.sampled_from([kind for kind in DayKind if kind not in (DayKind.workday, DayKind.weekend)])


@st.composite
def calendars(draw: st.DrawFn) -> WorkdayCalendar:
    """Three years with any days closed or worked."""
    marked = draw(st.dictionaries(st.dates(FIRST, LAST), kinds_marked, max_size=80))
    special = {day: SpecialDay(kind=kind, name="某日") for day, kind in marked.items()}
    years = [
        CalendarYear(year=year, provisional=False, days={d: s for d, s in special.items() if d.year == year})
        for year in YEARS
    ]
    return WorkdayCalendar(years, "random")


@st.composite
def rules(draw: st.DrawFn) -> DeadlineRule:
    """Any rule but one in hours: every form, unit, direction, roll and way to count the start."""
    form = draw(st.sampled_from(["within", "before", "every", "by"]))
    roll = draw(st.sampled_from(Roll))
    if form == "by":
        day = draw(st.dates(date(2023, 1, 1), date(2023, 12, 31)))
        year = draw(st.sampled_from(["previous", "same", "next"]))
        return rule(by={"month": day.month, "day": day.day, "year": year}, roll=roll)
    unit = draw(st.sampled_from([Unit.working_day, Unit.day, Unit.week, Unit.month]))
    fields: dict[str, object] = {form: draw(st.integers(1, 40)), "unit": unit}
    if unit is not Unit.working_day:
        fields["roll"] = roll
    if form != "before":
        fields["count_start_day"] = draw(st.booleans())
    return rule(**fields)


def on_the_fingers(terms: DeadlineRule, start: date, calendar: WorkdayCalendar, occurrence: int) -> date | None:
    """The due date by counting day by day; None outside the calendar."""

    def stepped(day: date, direction: int, until_worked: bool) -> date:
        day += timedelta(days=direction)
        while until_worked and calendar.first <= day <= calendar.last and not calendar.day(day).kind.worked:
            day += timedelta(days=direction)
        return day

    if terms.by:
        years = {"previous": -1, "same": 0, "next": 1}[terms.by.year]
        end = start.replace(year=start.year + years, month=terms.by.month, day=terms.by.day)
    elif terms.unit is Unit.month:
        months = -terms.before if terms.before else (terms.within or (terms.every or 0) * occurrence)
        month = start.replace(day=1)
        for _ in range(abs(months)):
            month = (month + timedelta(days=31) if months > 0 else month - timedelta(days=1)).replace(day=1)
        end = month
        while end.day < start.day and (end + timedelta(days=1)).month == month.month:
            end += timedelta(days=1)
        if terms.count_start_day and end.day == start.day:
            end -= timedelta(days=1)
    else:
        amount = terms.before or terms.within or (terms.every or 0) * occurrence
        direction, end = -1 if terms.before else 1, start
        if terms.count_start_day:
            end -= timedelta(days=1)
        for _ in range(amount * (7 if terms.unit is Unit.week else 1)):
            end = stepped(end, direction, until_worked=terms.unit is Unit.working_day)
    if not calendar.first <= end <= calendar.last:
        return None
    if terms.roll is not Roll.none and not calendar.day(end).kind.worked:
        end = stepped(end, 1 if terms.roll is Roll.following else -1, until_worked=True)
    return end if calendar.first <= end <= calendar.last else None


def computed(terms: DeadlineRule, start: date, calendar: WorkdayCalendar, occurrence: int) -> date | None:
    try:
        return compute("r", terms, start, calendar, occurrence).date
    except Problem as problem:
        if problem.code != "date_out_of_range":
            raise
        return None


@settings(deadline=None, max_examples=400)  # building the calendars takes most of the time
@given(st.data(), calendars(), rules(), st.dates(FIRST, LAST))
def test_every_form_of_rule_ends_where_a_naive_count_ends(
    data: st.DataObject, calendar: WorkdayCalendar, terms: DeadlineRule, start: date
) -> None:
    occurrence = data.draw(st.integers(1, 5)) if terms.every else 1
    assert computed(terms, start, calendar, occurrence) == on_the_fingers(terms, start, calendar, occurrence)


EVERY_DAY = np.arange(FIRST, LAST + timedelta(days=1), dtype="datetime64[D]")


@settings(deadline=None, max_examples=200)
@given(st.data(), calendars(), rules())
def test_many_at_once_are_the_same_as_one_by_one(
    data: st.DataObject, calendar: WorkdayCalendar, terms: DeadlineRule
) -> None:
    occurrence = data.draw(st.integers(1, 5)) if terms.every else 1
    one_by_one = [computed(terms, day, calendar, occurrence) for day in EVERY_DAY.tolist()]
    inside = np.array([due is not None for due in one_by_one])
    expected = np.array([due for due in one_by_one if due], dtype="datetime64[D]")
    few = compute_many("r", terms, EVERY_DAY[inside], calendar, occurrence)
    assert few.dtype == "datetime64[D]" and (few == expected).all()
    repeated = compute_many("r", terms, np.tile(EVERY_DAY[inside], (4, 1)), calendar, occurrence)
    assert repeated.shape == (4, len(expected)) and (repeated == expected).all()
    for number in (1, 2000):  # both ways to reckon: for few starts and for many
        for day in EVERY_DAY[~inside][:2]:
            with pytest.raises(Problem, match="date_out_of_range"):
                compute_many("r", terms, np.repeat(day, number), calendar, occurrence)


@pytest.mark.parametrize("amount", [10**6, 10**12, 10**30])
@pytest.mark.parametrize("unit", ["working_day", "day", "week", "month"])
@pytest.mark.parametrize("form", ["within", "before"])
def test_many_at_once_that_end_beyond_all_numbers_are_refused(form: str, unit: str, amount: int) -> None:
    starts = np.array(["2026-01-05", "2031-12-31", "2010-01-01"], dtype="datetime64[D]")
    with pytest.raises(Problem, match="date_out_of_range"):
        compute_many("r", rule(**{form: amount, "unit": unit}), starts, CALENDAR)


@pytest.mark.parametrize("start", ["2009-12-31", "2032-01-01", "NaT", "1300-01-01"])
@pytest.mark.parametrize("number", [1, 10_000])
def test_many_at_once_start_inside_the_calendar(start: str, number: int) -> None:
    starts = np.full(number, "2026-01-05", dtype="datetime64[D]")
    starts[-1] = np.datetime64(start)
    with pytest.raises(Problem, match="date_out_of_range") as refused:
        compute_many("r", rule(within=5, unit="day"), starts, CALENDAR)
    assert start in refused.value.detail.en


def test_many_at_once_are_days_and_never_instants() -> None:
    instants = np.array(["2026-01-05T20:00"], dtype="datetime64[s]")  # the 6th in Shanghai, if it was UTC
    with pytest.raises(TypeError, match=r"datetime64\[D\]"):
        compute_many("r", rule(within=5, unit="day"), instants, CALENDAR)
    days = instants.astype("datetime64[D]")
    with pytest.raises(Problem, match="instant_needed"):
        compute_many("r", rule(within=5, unit="hour"), days, CALENDAR)
    with pytest.raises(Problem, match="no_such_occurrence"):
        compute_many("r", rule(within=5, unit="day"), days, CALENDAR, 2)
    assert compute_many("r", rule(within=5, unit="day"), days[:0], CALENDAR).shape == (0,)


# Instants -----------------------------------------------------------------------------------------------------------


def test_due_on_a_day_means_until_its_midnight_in_shanghai() -> None:
    found = due("shuangtaizi", "document-issue", date(2026, 9, 30))
    assert found.at == datetime(2026, 10, 13, 16, tzinfo=UTC)
    assert found.at.isoformat() == "2026-10-14T00:00:00+08:00"


def test_due_on_a_day_means_until_closing_time_where_the_office_has_one() -> None:
    issue = RULES["shuangtaizi"]["document-issue"]
    found = compute("document-issue", issue, date(2026, 9, 30), CALENDAR, closing=time(17, 30))
    assert found.at.isoformat() == "2026-10-13T17:30:00+08:00"
    assert "17:30" in sentence(found, issue, CALENDAR).zh


def test_an_instant_counts_as_its_day_in_shanghai() -> None:
    late_in_utc = datetime(2026, 9, 29, 16, 30, tzinfo=UTC)
    assert due("shuangtaizi", "document-issue", late_in_utc) == due("shuangtaizi", "document-issue", date(2026, 9, 30))


def test_hours_are_real_hours_through_a_holiday() -> None:
    found = due("xigang", "instruction-fetch", datetime(2026, 10, 1, 2, 30, tzinfo=UTC))
    assert found.at == datetime(2026, 10, 2, 10, 30, tzinfo=SHANGHAI)
    assert (found.date, found.provisional) == (date(2026, 10, 2), False)


def test_hours_that_end_at_midnight_are_due_on_the_day_that_ends() -> None:
    found = due("xigang", "instruction-fetch", datetime(2026, 10, 1, tzinfo=SHANGHAI))
    assert (found.date, found.at) == (date(2026, 10, 1), datetime(2026, 10, 2, tzinfo=SHANGHAI))


# Provisional years --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "start", "provisional"),
    [
        ({"within": 1, "unit": "working_day"}, date(2026, 12, 30), False),
        ({"within": 2, "unit": "working_day"}, date(2026, 12, 30), True),
        ({"before": 1, "unit": "working_day"}, date(2027, 1, 1), False),
        ({"before": 1, "unit": "working_day"}, date(2027, 1, 2), True),
        ({"before": 15, "unit": "day"}, date(2027, 6, 1), False),
        ({"within": 1, "unit": "month"}, date(2026, 12, 20), True),
        ({"within": 3, "unit": "day"}, date(2026, 12, 20), False),
        ({"by": {"month": 12, "day": 31, "year": "same"}}, date(2027, 2, 1), True),
        ({"by": {"month": 12, "day": 31, "year": "previous"}}, date(2027, 2, 1), False),
    ],
)
def test_a_date_is_provisional_when_a_day_looked_up_lies_in_a_year_without_notice(
    fields: dict[str, object], start: date, provisional: bool
) -> None:
    assert compute("r", rule(**fields), start, CALENDAR).provisional is provisional


# Refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "fields", "start", "occurrence"),
    [
        ("naive_datetime", {"within": 5, "unit": "day"}, datetime(2026, 1, 5, 9), 1),
        ("naive_datetime", {"within": 5, "unit": "hour"}, datetime(2026, 1, 5, 9), 1),
        ("instant_needed", {"within": 24, "unit": "hour"}, date(2026, 1, 5), 1),
        ("no_such_occurrence", {"within": 5, "unit": "day"}, date(2026, 1, 5), 2),
        ("no_such_occurrence", {"every": 2, "unit": "week"}, date(2026, 1, 5), 0),
        ("date_out_of_range", {"within": 5, "unit": "day"}, date(2009, 12, 31), 1),
        ("date_out_of_range", {"before": 5, "unit": "day"}, date(2010, 1, 4), 1),
        ("date_out_of_range", {"within": 9, "unit": "month"}, date(2031, 6, 1), 1),
        ("date_out_of_range", {"within": 10**12, "unit": "day"}, date(2026, 1, 5), 1),
        ("date_out_of_range", {"within": 10**6, "unit": "month"}, date(2026, 1, 5), 1),
        ("date_out_of_range", {"within": 10**15, "unit": "hour"}, datetime(2026, 1, 5, tzinfo=UTC), 1),
        ("date_out_of_range", {"every": 1, "unit": "week"}, date(2026, 1, 5), 10**12),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(
    code: str, fields: dict[str, object], start: date, occurrence: int
) -> None:
    with pytest.raises(Problem) as refused:
        compute("r", rule(**fields), start, CALENDAR, occurrence)
    assert (refused.value.status, refused.value.code) == (422, code)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("exactly one of within, before, every, by; given: none", {}),
        ("given: within, before", {"within": 1, "before": 1, "unit": "day"}),
        ("within: 5 of what", {"within": 5}),
        ("has no unit", {"by": {"month": 11, "day": 30, "year": "same"}, "unit": "day"}),
        ("no day 31 in every year", {"by": {"month": 11, "day": 31, "year": "same"}}),
        ("no day 29 in every year", {"by": {"month": 2, "day": 29, "year": "same"}}),
        ("count_start_day is for", {"before": 3, "unit": "day", "count_start_day": True}),
        ("count_start_day is for", {"within": 3, "unit": "hour", "count_start_day": True}),
        ("drop roll", {"within": 3, "unit": "working_day", "roll": "following"}),
        ("greater than or equal to 1", {"within": 0, "unit": "day"}),
        ("valid integer", {"within": "5", "unit": "day"}),
        ("valid integer", {"within": True, "unit": "day"}),
        ("'working_day', 'week' or 'month'", {"within": 5, "unit": "workday"}),
        ("'meeting.closed'", {"within": 5, "unit": "day", "of": "someday"}),
        ("Extra inputs are not permitted", {"within": 5, "unit": "day", "rool": "none"}),
    ],
)
def test_an_ambiguous_rule_is_refused_with_an_explanation(message: str, fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=message):
        rule(**fields)


def test_a_rule_that_says_nothing_about_moving_follows_the_convention() -> None:
    assert rule(within=7, unit="day").roll is Roll.following
    assert rule(every=2, unit="week").roll is Roll.following
    assert rule(within=5, unit="working_day").roll is Roll.none
    assert rule(before=15, unit="day").roll is Roll.none
    assert rule(within=24, unit="hour").roll is Roll.none
    assert rule(by={"month": 12, "day": 31, "year": "same"}).roll is Roll.preceding


# Explanations -------------------------------------------------------------------------------------------------------


def trace(government: str, name: str, start: date) -> list[tuple[str, str]]:
    steps = explain(due(government, name, start), RULES[government][name], CALENDAR)
    return [(step.date.strftime("%m-%d") if step.date else "", step.effect) for step in steps]


def test_working_days_are_explained_day_by_day() -> None:
    assert trace("shuangtaizi", "countersign-reply", date(2026, 9, 24)) == [
        ("09-24", "start"),
        ("09-25", "skipped"),
        ("09-26", "skipped"),
        ("09-27", "skipped"),
        ("09-28", "counted"),
        ("09-29", "counted"),
        ("09-30", "counted"),
        *[(f"10-0{day}", "skipped") for day in range(1, 8)],
        ("10-08", "counted"),
        ("10-09", "counted"),
        ("10-09", "due"),
        ("", "clause"),
    ]


def test_counting_back_is_explained_in_the_order_of_counting() -> None:
    assert trace("xigang", "topic-papers", date(2025, 5, 31)) == [
        ("05-31", "start"),
        ("05-30", "counted"),
        ("05-29", "counted"),
        ("05-29", "due"),
        ("", "clause"),
    ]


def test_a_moved_end_is_explained_with_the_unmoved_one_and_each_day_it_passed() -> None:
    assert trace("shuangtaizi", "matter-general", date(2025, 9, 28)) == [
        ("09-28", "start"),
        ("10-04", "ended"),
        *[(f"10-0{day}", "skipped") for day in range(4, 9)],
        ("10-09", "moved"),
        ("10-09", "due"),
        ("", "clause"),
    ]


def test_an_end_moved_back_is_explained_backwards() -> None:
    assert trace("shuangtaizi", "matter-annual", date(2023, 1, 20))[1:5] == [
        ("12-31", "ended"),
        ("12-31", "skipped"),
        ("12-30", "skipped"),
        ("12-29", "moved"),
    ]


def test_each_skipped_or_made_up_day_says_why() -> None:
    issue = RULES["shuangtaizi"]["document-issue"]
    steps = explain(due("shuangtaizi", "document-issue", date(2026, 9, 30)), issue, CALENDAR)
    by_day = {step.date: step.text for step in steps if step.effect in ("skipped", "counted")}
    assert by_day[date(2026, 10, 1)].zh == "2026年10月1日星期四为法定节假日“国庆节”，不计"
    assert by_day[date(2026, 10, 6)].en == (
        "Tue 2026-10-06 is a day off by swap (swapped with Sun 2026-09-20): not counted"
    )
    assert by_day[date(2026, 10, 10)].en == (
        "Sat 2026-10-10 is a make-up working day (swapped with Wed 2026-10-07): number 3"
    )


def test_a_local_closure_is_named_in_the_proof() -> None:
    closed = SpecialDay(kind=DayKind.local_closure, name="台风停工")
    national = next(year for year in NATIONAL if year.year == 2025)
    local = CalendarYear(year=2025, provisional=False, days={**national.days, date(2025, 8, 14): closed})
    calendar = WorkdayCalendar(overlay(NATIONAL, [local]), "local-1")
    reply = RULES["xigang"]["countersign-reply"]
    found = compute("countersign-reply", reply, date(2025, 8, 13), calendar)
    assert (found.date, found.calendar_version) == (date(2025, 8, 15), "local-1")
    assert "除周末外不计台风停工" in sentence(found, reply, calendar).zh


@pytest.mark.parametrize(
    ("government", "name", "start", "english", "chinese"),
    [
        (
            "shuangtaizi",
            "matter-general",
            date(2025, 9, 28),
            "7 calendar days from the deployment (Sun 2025-09-28), that day counted, end on Sat 2025-10-04; "
            "Sat 2025-10-04 is a weekend, moved to the next working day, Thu 2025-10-09; "
            "due by 24:00 on Thu 2025-10-09 (ST-55).",
            "自部署之日（2025年9月28日星期日）当日起7日，至2025年10月4日星期六届满；"
            "2025年10月4日星期六为周末，顺延至2025年10月9日星期四；应于2025年10月9日星期四24:00前完成（ST-55）。",
        ),
        (
            "xigang",
            "topic-papers",
            date(2025, 5, 31),
            "2 working days before the meeting day (Sat 2025-05-31) is Thu 2025-05-29; "
            "due by 24:00 on Thu 2025-05-29 (XG-35).",
            "会议召开之日（2025年5月31日星期六）前第2个工作日为2025年5月29日星期四；"
            "应于2025年5月29日星期四24:00前完成（XG-35）。",
        ),
        (
            "xigang",
            "instruction-fetch",
            datetime(2026, 10, 1, 10, 30, tzinfo=SHANGHAI),
            "24 hours from the office's notice (Thu 2026-10-01 10:30), to the minute, end on Fri 2026-10-02 10:30; "
            "due by 10:30 on Fri 2026-10-02 (XG-45).",
            "自办公室通知之时（2026年10月1日星期四10:30）起24小时，至2026年10月2日星期五10:30届满；"
            "应于2026年10月2日星期五10:30前完成（XG-45）。",
        ),
        (
            "shuangtaizi",
            "instruction-report-long-term",
            date(2026, 12, 28),
            "Every 2 weeks from the instruction (Mon 2026-12-28), that day not counted: this period ends on Mon 2027-01-11; "
            "due by 24:00 on Mon 2027-01-11; provisional: the holiday notice of a year concerned isn't published yet (ST-64).",
            "自批示之日（2026年12月28日星期一）次日起每2周一期，本期至2027年1月11日星期一届满；"
            "应于2027年1月11日星期一24:00前完成；相关年度节假日安排尚未公布，该日期为暂定日期（ST-64）。",
        ),
        (
            "dalian",
            "annual-meeting-plan",
            date(2026, 1, 1),
            "By 11-30 of the year before, counted from 2026, the year of the meeting day: Sun 2025-11-30; "
            "Sun 2025-11-30 is a weekend, moved to the previous working day, Fri 2025-11-28; "
            "due by 24:00 on Fri 2025-11-28 (DL-43).",
            "以会议召开所在年度（2026年）的上一年11月30日为限，即2025年11月30日星期日；"
            "2025年11月30日星期日为周末，提前至2025年11月28日星期五；应于2025年11月28日星期五24:00前完成（DL-43）。",
        ),
    ],
)
def test_a_due_date_reads_as_one_sentence_in_both_languages(
    government: str, name: str, start: date, english: str, chinese: str
) -> None:
    found = sentence(due(government, name, start), RULES[government][name], CALENDAR)
    assert found == (english, chinese)


@pytest.mark.parametrize("case", CASES[::3], ids=str)
def test_the_proof_of_a_case_ends_on_its_date_and_its_clause(case: Case) -> None:
    found, of = due(case.government, case.rule, case.start), RULES[case.government][case.rule]
    *_, last_day, clause = explain(found, of, CALENDAR)
    assert (last_day.effect, last_day.date) == ("due", case.date)
    assert of.clause in clause.text.zh and of.clause in sentence(found, of, CALENDAR).en


def test_a_due_date_is_not_explained_with_another_calendar_version() -> None:
    found, issue = due("shuangtaizi", "document-issue", date(2026, 9, 30)), RULES["shuangtaizi"]["document-issue"]
    with pytest.raises(Problem, match="calendar_version_changed"):
        explain(found, issue, WorkdayCalendar(NATIONAL, "national-2"))
