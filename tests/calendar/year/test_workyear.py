"""A year of working days after notices and local closures, against the gazetted years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendar_svc.closure.closure import ClosedDays, closed_years
from calendar_svc.notice.notice import Arrangement, gazette
from calendar_svc.year.year import changed_days, changed_years, effective
from zhengling.dates.workdays import (
    CalendarYear,
    DayKind,
    DayStatus,
    Notice,
    WorkdayCalendar,
    base_years,
    statutory_days,
)
from zhengling.kernel.errors import Problem

BASE = base_years(date(2026, 11, 22))
YEARS = {year.year: year for year in BASE}
ONE_DAY = timedelta(days=1)
GAZETTED = range(2011, 2027)  # 2010's notice speaks of no day of 2009 that is kept


def test_everything_is_new_to_an_empty_service() -> None:
    assert [(version, year.year) for version, year in changed_years({}, BASE)] == [(1, y) for y in range(2010, 2032)]


def test_an_unchanged_year_is_not_published_again() -> None:
    assert changed_years({year.year: (4, year) for year in BASE}, BASE) == []


def test_a_year_whose_notice_came_out_gets_the_next_version() -> None:
    known = {year.year: (4, year) for year in BASE}
    known[2026] = (4, known[2026][1].model_copy(update={"provisional": True}))
    assert [(version, year.year) for version, year in changed_years(known, BASE)] == [(5, 2026)]


# notices ------------------------------------------------------------------------------------------------------------
def granted_in(year: int) -> dict[date, str]:
    """Days that an amending notice gave beyond the statutory ones; 30 January 2020 as its Saturday wasn't worked after all."""
    more = {date(2020, 1, 30): "春节"} if year == 2020 else {}
    return more | {day: name for day, name in statutory_days(year).items() if "延长" in name or "纪念日" in name}


def own_statutory_days(year: int) -> dict[date, str]:
    return {day: name for day, name in statutory_days(year).items() if day not in granted_in(year)}


def arrangements_of(year: int) -> list[Arrangement]:
    """What a notice would have to state for the year to be as it is: each run of days off around the statutory ones."""
    days = {day: special for n in (year - 1, year) if n in YEARS for day, special in YEARS[n].days.items()}

    def off(day: date) -> bool:
        return not days[day].kind.worked if day in days else day.weekday() > 4

    found: list[Arrangement] = []
    seen: set[date] = set()
    for day in statutory_days(year):
        if day in seen:
            continue
        first = last = day
        while off(first - ONE_DAY):
            first -= ONE_DAY
        while off(last + ONE_DAY):
            last += ONE_DAY
        run = [first + ONE_DAY * n for n in range((last - first).days + 1)]
        seen |= set(run)
        work = tuple(sorted(other for d in run if d in days and (other := days[d].swapped_with)))
        names = dict.fromkeys(n for d in run if d in statutory_days(year) for n in statutory_days(year)[d].split("、"))
        granted = tuple(d for d in run if d in granted_in(year))
        found.append(Arrangement("、".join(names), first, last, work, granted))
    return found


def before_its_notice(year: int) -> dict[int, CalendarYear]:
    """The year projected, and the one before without what this one's notice said of its December."""
    own = next(notice for notice in YEARS[year].notices if notice.year == year)
    december = {day: special for day, special in YEARS[year].days.items() if day.month == 12 and special.swapped_with}
    projected = CalendarYear(year=year, provisional=True, days=december)
    last = YEARS[year - 1]
    kept = {day: special for day, special in last.days.items() if special.notice != own.number}
    notices = tuple(notice for notice in last.notices if notice.year != year)
    return {year - 1: last.model_copy(update={"days": kept, "notices": notices}), year: projected}


@pytest.mark.parametrize("year", GAZETTED)
def test_a_notice_entered_as_it_was_printed_gives_the_year_as_it_is_known(year: int) -> None:
    before = before_its_notice(year)
    notice = Notice(issuer="国务院办公厅", number="国办发明电〔0000〕1号", date=date(year - 1, 11, 25), year=year)
    after = before | {y.year: y for y in gazette(before, notice, arrangements_of(year), own_statutory_days(year))}
    for n in (year - 1, year):
        # What was granted bears the name of its holiday here, and one of its own in the package.
        assert [c for c in changed_days(YEARS[n], after[n]) if c.day not in granted_in(n)] == []
    assert not after[year].provisional
    assert WorkdayCalendar([after[year]], "x").workdays == WorkdayCalendar([YEARS[year]], "x").workdays


LABOUR_DAY_2019 = Arrangement("劳动节", date(2019, 5, 1), date(2019, 5, 4), (date(2019, 4, 28), date(2019, 5, 5)))
AMENDING = Notice(issuer="国务院办公厅", number="国办发明电〔2019〕3号", date=date(2019, 3, 22), year=2019)
FIRST_OF_2019 = "国办发明电〔2018〕15号"


def before_the_amendment() -> dict[int, CalendarYear]:
    """2019 as its first notice had it: Labour Day alone on a Wednesday."""
    days = {
        day: special if day != date(2019, 5, 1) else special.model_copy(update={"notice": FIRST_OF_2019})
        for day, special in YEARS[2019].days.items()
        if day.month not in (4, 5) or not special.swapped_with
    }
    notices = tuple(notice for notice in YEARS[2019].notices if notice.number != AMENDING.number)
    return YEARS | {2019: YEARS[2019].model_copy(update={"days": days, "notices": notices})}


def test_an_amending_notice_changes_its_holiday_and_nothing_else() -> None:
    (after,) = gazette(before_the_amendment(), AMENDING, [LABOUR_DAY_2019], statutory_days(2019), FIRST_OF_2019)
    assert after == YEARS[2019]
    calendar = WorkdayCalendar([after], "x")
    assert calendar.status(date(2019, 5, 3)) is DayStatus.amended
    assert calendar.notice(date(2019, 5, 3)) == AMENDING
    assert calendar.status(date(2019, 10, 1)) is DayStatus.gazetted
    assert calendar.status(date(2019, 4, 24)) is DayStatus.gazetted
    found = calendar.notice(date(2019, 4, 24))
    assert found and found.number == FIRST_OF_2019


def test_an_amendment_takes_back_the_swaps_of_what_it_amends() -> None:
    alone = Arrangement("劳动节", date(2019, 5, 1), date(2019, 5, 1))
    again = AMENDING.model_copy(update={"number": "国办发明电〔2019〕9号"})
    (after,) = gazette(YEARS, again, [alone], statutory_days(2019), FIRST_OF_2019)
    gone = {change.day for change in changed_days(YEARS[2019], after)}
    assert gone == {date(2019, 4, 28), date(2019, 5, 2), date(2019, 5, 3), date(2019, 5, 5)}


def test_a_day_granted_once_is_a_holiday_that_nobody_works_for() -> None:
    """The Spring Festival of 2020 was made longer by three days; 30 January had been swapped for one of them."""
    spring = Arrangement(
        "春节", date(2020, 1, 24), date(2020, 2, 2), (date(2020, 1, 19),),
        (date(2020, 1, 30), date(2020, 1, 31), date(2020, 2, 1), date(2020, 2, 2)),
    )  # fmt: skip
    notice = Notice(issuer="国务院办公厅", number="国办发明电〔2020〕99号", date=date(2020, 1, 27), year=2020)
    (after,) = gazette(YEARS, notice, [spring], own_statutory_days(2020), "国办发明电〔2019〕16号")
    assert after.days[date(2020, 2, 1)].kind is DayKind.statutory_holiday
    assert after.days[date(2020, 1, 24)].swapped_with == date(2020, 1, 19)
    assert WorkdayCalendar([after], "x").workdays == WorkdayCalendar([YEARS[2020]], "x").workdays


NOTICE_2027 = Notice(issuer="国务院办公厅", number="国办发明电〔2026〕8号", date=date(2026, 11, 20), year=2027)
NEW_YEAR = Arrangement("元旦", date(2027, 1, 1), date(2027, 1, 3))


@pytest.mark.parametrize(
    ("arrangements", "code"),
    [
        ([NEW_YEAR], "notice_incomplete"),
        ([NEW_YEAR._replace(last=date(2026, 12, 31))], "notice_out_of_place"),
        ([NEW_YEAR._replace(last=date(9999, 12, 31))], "notice_out_of_place"),
        ([NEW_YEAR._replace(first=date(2026, 11, 30))], "notice_out_of_place"),
        ([NEW_YEAR._replace(last=date(2028, 1, 1))], "notice_out_of_place"),
        ([NEW_YEAR._replace(work_on=(date(2027, 1, 6),))], "notice_out_of_place"),
        ([NEW_YEAR._replace(work_on=(date(2027, 1, 2),))], "notice_out_of_place"),
        ([NEW_YEAR._replace(granted=(date(2027, 1, 9),))], "notice_out_of_place"),
        ([NEW_YEAR, NEW_YEAR._replace(name="春节")], "notice_out_of_place"),
    ],
)
def test_an_inconsistent_notice_is_refused(arrangements: list[Arrangement], code: str) -> None:
    with pytest.raises(Problem, match=code):
        gazette(YEARS, NOTICE_2027, arrangements, statutory_days(2027))


def test_weekdays_off_need_as_many_weekend_days_worked() -> None:
    longer = NEW_YEAR._replace(last=date(2027, 1, 4))
    rest = [Arrangement(name, day, day) for day, name in statutory_days(2027).items() if day.month > 1]
    with pytest.raises(Problem, match="notice_out_of_balance"):
        gazette(YEARS, NOTICE_2027, [longer, *rest], statutory_days(2027))
    granted = longer._replace(granted=(date(2027, 1, 4),))
    after = {year.year: year for year in gazette(YEARS, NOTICE_2027, [granted, *rest], statutory_days(2027))}
    assert not WorkdayCalendar([after[2027]], "x").is_workday(date(2027, 1, 4))


@pytest.mark.parametrize(
    ("number", "amends", "code"),
    [
        (FIRST_OF_2019, None, "notice_known"),
        ("国办发明电〔2019〕9号", None, "year_has_notice"),
        ("国办发明电〔2019〕9号", "国办发明电〔2000〕1号", "nothing_to_amend"),
    ],
)
def test_a_second_notice_says_what_it_amends(number: str, amends: str | None, code: str) -> None:
    notice = AMENDING.model_copy(update={"number": number})
    with pytest.raises(Problem, match=code):
        gazette(YEARS, notice, [LABOUR_DAY_2019], statutory_days(2019), amends)


def test_a_weekend_day_is_worked_for_one_holiday_alone() -> None:
    worked = (date(2027, 2, 20),)
    rest = [Arrangement(name, day, day) for day, name in statutory_days(2027).items() if day.month not in (4, 6)]
    twice = [
        Arrangement("清明节", date(2027, 4, 5), date(2027, 4, 6), worked),
        Arrangement("端午节", date(2027, 6, 9), date(2027, 6, 10), worked),
    ]
    with pytest.raises(Problem, match="notice_out_of_place"):
        gazette(YEARS, NOTICE_2027, [*rest, *twice], statutory_days(2027))
    with pytest.raises(Problem, match="notice_out_of_place"):
        gazette(YEARS, NOTICE_2027, [NEW_YEAR._replace(work_on=worked * 2)], statutory_days(2027))


def test_an_amendment_takes_no_weekend_day_of_another_holiday() -> None:
    taken = Arrangement("劳动节", date(2019, 5, 1), date(2019, 5, 2), (date(2019, 9, 29),))
    again = AMENDING.model_copy(update={"number": "国办发明电〔2019〕9号"})
    with pytest.raises(Problem, match="notice_out_of_place"):
        gazette(YEARS, again, [taken], statutory_days(2019), FIRST_OF_2019)


def test_what_a_closure_rests_on_is_no_notice_for_the_rest_of_the_year() -> None:
    own = Notice(issuer="区防指", number="区防指〔2028〕1号", date=date(2028, 1, 2), year=2028)
    (local,) = closed_years([ClosedDays(date(2028, 3, 6), date(2028, 3, 6), "暴雪", own)], [2028])
    calendar = WorkdayCalendar([effective(YEARS[2028], local)], "x")
    assert calendar.notice(date(2028, 3, 6)) == own
    assert calendar.notice(date(2028, 3, 1)) is None
    assert calendar.status(date(2028, 3, 1)) is DayStatus.provisional


def test_a_year_outside_the_calendar_accepts_no_notice() -> None:
    with pytest.raises(Problem, match="year_out_of_range"):
        gazette(YEARS, NOTICE_2027.model_copy(update={"year": 2090}), [NEW_YEAR], {})


# local closures -----------------------------------------------------------------------------------------------------
ORDER = Notice(issuer="区防汛抗旱指挥部", number="区防指〔2026〕5号", date=date(2026, 8, 12), year=2026)
DAYS_OF_2026 = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@given(st.lists(st.tuples(DAYS_OF_2026, st.integers(0, 9)), max_size=4))
def test_a_closure_takes_exactly_the_working_days_of_its_span(spans: list[tuple[date, int]]) -> None:
    closures = [ClosedDays(first, first + ONE_DAY * n, "台风", ORDER) for first, n in spans]
    local = {year.year: year for year in closed_years(closures, [2026, 2027])}
    closed = {first + ONE_DAY * k for first, n in spans for k in range(n + 1)}
    for year in (2026, 2027):
        national = WorkdayCalendar([YEARS[year]], "n")
        own = WorkdayCalendar([effective(YEARS[year], local[year])], "l")
        assert set(own.workdays) == set(national.workdays) - closed
        for day in closed & set(national.workdays):
            assert own.status(day) is DayStatus.local_closure
            assert own.notice(day) == ORDER
        for day in closed & set(national.dates) - set(national.workdays):
            assert own.day(day) == national.day(day), "a holiday stays a holiday"


def test_a_closure_that_was_lifted_leaves_nothing() -> None:
    (year,) = closed_years([], [2026])
    assert effective(YEARS[2026], year).days == YEARS[2026].days


def test_of_several_closures_of_one_day_only_the_order_that_counts_is_listed() -> None:
    day, later = date(2026, 8, 13), ORDER.model_copy(update={"number": "区防指〔2026〕6号"})
    (year,) = closed_years([ClosedDays(day, day, "台风", ORDER), ClosedDays(day, day, "台风", later)], [2026])
    assert year.notices == (ORDER,)
