"""Working days as events of a feed."""

from __future__ import annotations

from datetime import UTC, date, datetime

from calendar_svc.feed import Change, Run, _event, runs
from zhengling.dates.workdays import CalendarYear, DayKind, SpecialDay, WorkdayCalendar, base_years

CALENDAR = WorkdayCalendar(base_years(date(2026, 11, 22)), "test")


def of(first: date, last: date, calendar: WorkdayCalendar = CALENDAR) -> list[Run]:
    return [run for run in runs(calendar, first) if run.first <= last]


def test_the_national_holiday_of_2025_is_shown_as_in_the_notice() -> None:
    shown = [(run.first, run.last, run.kind, run.name) for run in of(date(2025, 9, 27), date(2025, 10, 12))]
    assert shown == [
        (date(2025, 9, 28), date(2025, 9, 28), "makeup_workday", "调休上班日"),
        (date(2025, 10, 1), date(2025, 10, 3), "statutory_holiday", "国庆节"),
        (date(2025, 10, 6), date(2025, 10, 6), "statutory_holiday", "中秋节"),
        (date(2025, 10, 7), date(2025, 10, 8), "swap_day_off", "调休休息日"),
        (date(2025, 10, 11), date(2025, 10, 11), "makeup_workday", "调休上班日"),
    ]


def test_joined_days_off_name_all_the_days_worked_in_their_place() -> None:
    (swap,) = [run for run in of(date(2025, 10, 1), date(2025, 10, 12)) if run.kind == "swap_day_off"]
    assert swap.swapped_with == (date(2025, 9, 28), date(2025, 10, 11))


def test_every_special_day_is_in_exactly_one_run_and_no_ordinary_day_is_in_any() -> None:
    shown = [
        date.fromordinal(n)
        for run in runs(CALENDAR, CALENDAR.first)
        for n in range(run.first.toordinal(), run.last.toordinal() + 1)
    ]
    ordinary = {DayKind.workday, DayKind.weekend}
    assert shown == [day for day in CALENDAR.dates if CALENDAR.day(day).kind not in ordinary]


def test_a_closure_over_new_year_is_split_where_only_the_new_year_is_provisional() -> None:
    closure = SpecialDay(kind=DayKind.local_closure, name="暴雪停工")
    days = [date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)]
    for provisional, expected in (
        (True, [(days[0], days[1], False), (days[2], days[3], True)]),
        (False, [(days[0], days[3], False)]),
    ):
        years = [
            CalendarYear(year=2026, provisional=False, days=dict.fromkeys(days[:2], closure)),
            CalendarYear(year=2027, provisional=provisional, days=dict.fromkeys(days[2:], closure)),
        ]
        found = runs(WorkdayCalendar(years, "test"), date(2026, 1, 1))
        assert [(run.first, run.last, run.provisional) for run in found] == expected


def test_different_closures_on_neighbouring_days_stay_apart() -> None:
    names = {date(2026, 8, 3): "台风停工", date(2026, 8, 4): "台风停工", date(2026, 8, 5): "县庆"}
    days = {day: SpecialDay(kind=DayKind.local_closure, name=name) for day, name in names.items()}
    calendar = WorkdayCalendar([CalendarYear(year=2026, provisional=False, days=days)], "test")
    assert [(run.name, run.first.day, run.last.day) for run in runs(calendar, calendar.first)] == [
        ("台风停工", 3, 4),
        ("县庆", 5, 5),
    ]


def test_a_closure_that_is_worked_for_on_another_day_names_both() -> None:
    days = {
        date(2026, 8, 3): SpecialDay(kind=DayKind.local_closure, name="台风停工", swapped_with=date(2026, 8, 8)),
        date(2026, 8, 8): SpecialDay(kind=DayKind.makeup_workday, name="台风补班", swapped_with=date(2026, 8, 3)),
    }
    calendar = WorkdayCalendar([CalendarYear(year=2026, provisional=False, days=days)], "test")
    changed = datetime(2026, 8, 1, tzinfo=UTC)
    closed, worked = [_event(run, {2026: Change(3, changed)}) for run in runs(calendar, calendar.first)]
    assert closed.summary == ("Local closure (台风停工), worked on Sat 2026-08-08", "台风停工（8月8日周六上班）")
    assert worked.summary == ("Make-up working day, for Mon 2026-08-03", "调休上班（补8月3日周一）")
    assert worked.description is not None and "台风补班" in worked.description.zh
    assert (closed.modified, closed.sequence) == (changed, 2)
