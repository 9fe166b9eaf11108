"""Working days of China: the kind of each day and its basis, and arithmetic over working days in two look-ups.

Invariant: every day from `first` to `last` of a calendar has exactly one kind; days outside are refused, never guessed. A
calendar is immutable: a correction is another calendar with another version.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import accumulate, compress
from typing import TYPE_CHECKING, NamedTuple, Self

import holidays
from pydantic import BaseModel, ConfigDict, model_validator

from zhengling.dates import holiday_notices as notices
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import SHANGHAI

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIRST_YEAR = 2010
YEARS_AHEAD = 5


class DayKind(StrEnum):
    """Why a day is a working day or a day off."""

    workday = "workday"
    makeup_workday = "makeup_workday"
    weekend = "weekend"
    swap_day_off = "swap_day_off"
    statutory_holiday = "statutory_holiday"
    local_closure = "local_closure"

    @property
    def worked(self) -> bool:
        return self in (DayKind.workday, DayKind.makeup_workday)


class DayStatus(StrEnum):
    """The basis of a day's kind: the year's notice, a later notice, a projection, or a local order."""

    gazetted = "gazetted"
    provisional = "provisional"
    amended = "amended"
    local_closure = "local_closure"


class Notice(BaseModel):
    """The document that orders a day off or a make-up working day: its issuer, number and date."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    number: str
    date: date
    year: int


class SpecialDay(BaseModel):
    """A day set by a notice. `name` is Chinese; `swapped_with` the other day of a swap (调休); `notice` the number of the
    notice, None for a projection."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: DayKind
    name: str
    swapped_with: date | None = None
    notice: str | None = None


class CalendarYear(BaseModel):
    """One year as sent in `calendar.workdays.changed`: the national calendar, or one government's additions to it.

    `days` holds only days other than ordinary working days (Monday to Friday) and ordinary weekends; `provisional` means
    that the State Council's notice for the year isn't published; `notices` are the year's notices, each amending the
    previous ones. ValueError for a day of another year or of an ordinary kind.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    year: int
    provisional: bool
    days: dict[date, SpecialDay]
    notices: tuple[Notice, ...] = ()
    orders: tuple[Notice, ...] = ()  # the orders of local closures, after `overlay`

    @model_validator(mode="after")
    def _special_days_of_this_year(self) -> Self:
        for day, special in self.days.items():
            if day.year != self.year:
                raise ValueError(f"{day} is not a day of {self.year}")
            if special.kind in (DayKind.workday, DayKind.weekend):
                raise ValueError(f"{day}: an ordinary {special.kind} is not listed")
        return self


class Day(NamedTuple):
    """A day's kind and its Chinese name."""

    kind: DayKind
    name: str


_ORDINARY_WORKDAY = Day(DayKind.workday, "工作日")
_ORDINARY_WEEKEND = Day(DayKind.weekend, "周末")
MAKEUP_WORKDAY, SWAP_DAY_OFF = "调休上班日", "调休休息日"
_SWAPPED_FROM = re.compile(r"休息日（由 (\d{4}-\d{2}-\d{2}) 调休）")  # the package's label of a day off by swap


def base_years(today: date | None = None) -> list[CalendarYear]:
    """The national calendar from 2010 to five years after `today` (Shanghai's day if None), oldest first.

    Source: the State Council's notices as kept by the `holidays` package, with numbers and dates from
    `dates/holiday_notices.py`. Compensation for a holiday that falls on a weekend (补假) is a statutory holiday. A gazetted
    year always has swaps, so a year without is provisional: it holds only the statutory days that the package projects.
    """
    today = today or datetime.now(SHANGHAI).date()
    years = range(FIRST_YEAR, today.year + YEARS_AHEAD + 1)
    # One more year, as a notice may make a day of the preceding December a working day.
    labels = holidays.country_holidays("CN", years=range(years.start, years.stop + 1), language="zh_CN")

    days: dict[date, SpecialDay] = {}
    for day, label in labels.items():
        if swap := _SWAPPED_FROM.fullmatch(label):
            worked = date.fromisoformat(swap[1])
            days[day] = SpecialDay(kind=DayKind.swap_day_off, name=SWAP_DAY_OFF, swapped_with=worked)
            days[worked] = SpecialDay(kind=DayKind.makeup_workday, name=MAKEUP_WORKDAY, swapped_with=day)
        else:
            days[day] = SpecialDay(kind=DayKind.statutory_holiday, name=label.replace("; ", "、"))

    by_year: dict[int, dict[date, SpecialDay]] = {year: {} for year in years}
    for day in sorted(days):
        if day.year in by_year:
            notice = notices.of_day(day, days[day].swapped_with)
            by_year[day.year][day] = days[day].model_copy(update={"notice": notice and notice.number})
    gazetted = {day.year for day, special in days.items() if special.kind is DayKind.swap_day_off}
    return [
        CalendarYear(
            year=year,
            provisional=year not in gazetted,
            days=by_year[year],
            notices=tuple(
                Notice(issuer=known.issuer, number=known.number, date=known.date, year=known.year)
                for known in notices.KNOWN
                if known.year == year or any(known.number == day.notice for day in by_year[year].values())
            ),
        )
        for year in years
    ]


def statutory_days(year: int) -> dict[date, str]:
    """The statutory holidays of a year with their Chinese names, lunar ones included, before compensation and swaps, as
    the national rules on festivals (全国年节及纪念日放假办法) set them. Source: the `holidays` package."""
    found = holidays.country_holidays("CN", years=year, language="zh_CN", observed=False)
    return {
        day: label.replace("; ", "、")
        for day, label in sorted(found.items())
        if day.year == year and not _SWAPPED_FROM.fullmatch(label)
    }


def overlay(national: Iterable[CalendarYear], local: Iterable[CalendarYear]) -> list[CalendarYear]:
    """One government's years, oldest first: the national years with its closures on days that would be working days."""
    own = {year.year: year for year in local}
    return [
        year.model_copy(
            update={
                "days": year.days | {d: s for d, s in own[year.year].days.items() if _worked(d, year.days.get(d))},
                "orders": own[year.year].notices,
            }
        )
        if year.year in own
        else year
        for year in sorted(national, key=lambda year: year.year)
    ]


def _worked(day: date, special: SpecialDay | None) -> bool:
    return special.kind.worked if special else day.weekday() < 5


@lru_cache(maxsize=16)
def _every_day(first: date, last: date) -> tuple[date, ...]:
    """The days from first to last; cached and shared by the calendars of all governments and versions."""
    return tuple(map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1)))


class Arrays(NamedTuple):
    """A calendar's sequences as arrays; days are places (indexes)."""

    workdays_until: tuple[NDArray[np.int64], NDArray[np.int64]]
    workdays: NDArray[np.int64]


class WorkdayCalendar:
    """Working days over consecutive years, under one version.

    A day's place is its index in the calendar: its ordinal minus `origin`; `dates[place]` is the day. Two look-ups do the
    arithmetic: `workdays_until[0][place]` is the number of working days before a day, `workdays_until[1][place]` the
    number including it, and `workdays[n]` is the n-th working day, from 0. Callers check the range: a negative place would
    count from the end.
    ValueError if the years aren't consecutive; Problem `date_out_of_range` (422) for any day outside them.
    """

    def __init__(self, years: Iterable[CalendarYear], version: str) -> None:
        kept = sorted(years, key=lambda year: year.year)
        if not kept or [year.year for year in kept] != list(range(kept[0].year, kept[0].year + len(kept))):
            raise ValueError(f"a calendar needs consecutive years, once each; got {[year.year for year in kept]}")
        self.version = version
        self.first = date(kept[0].year, 1, 1)
        self.last = date(kept[-1].year, 12, 31)
        self._provisional = frozenset(year.year for year in kept if year.provisional)
        self._special = {day: special for year in kept for day, special in year.days.items()}
        self._notices = {notice.number: notice for year in kept for notice in year.notices}
        self._orders = {order.number: order for year in kept for order in year.orders}
        self._first_notice = {year.year: year.notices[0] for year in kept if year.notices}
        self._amending = {notice.number for year in kept for notice in year.notices[1:] if notice.year == year.year}

        self.dates = _every_day(self.first, self.last)
        self.origin = self.first.toordinal()
        worked = [_worked(day, self._special.get(day)) for day in self.dates]
        # Two bytes each, to fit the processor's L1 cache; enough for 260 years.
        until = array("H", accumulate(worked, initial=0))
        self.workdays_until = until[:-1], until[1:]
        self.workdays = tuple(compress(self.dates, worked))
        self.length, self.workday_count = len(self.dates), len(self.workdays)

    @cached_property
    def arrays(self) -> Arrays:
        """The sequences for `compute_many` of deadlines."""
        import numpy as np  # only here: processes that compute one date at a time do without it

        workdays = np.fromiter(map(date.toordinal, self.workdays), np.int64, self.workday_count)
        before, with_it = (np.array(until, np.int64) for until in self.workdays_until)
        return Arrays((before, with_it), workdays - self.origin)

    def place(self, day: date) -> int:
        """The day's index in the calendar. Problem `date_out_of_range` if it is outside."""
        place = day.toordinal() - self.origin
        if not 0 <= place < self.length:
            raise self.out_of_range(f"{day}", f"{day}")
        return place

    def require(self, day: date) -> None:
        """Problem `date_out_of_range` if the day is outside the calendar."""
        self.place(day)

    def is_workday(self, day: date) -> bool:
        place = self.place(day)
        before, with_it = self.workdays_until
        return with_it[place] > before[place]

    def day(self, day: date) -> Day:
        """The kind of the day and its Chinese name."""
        self.place(day)
        if special := self._special.get(day):
            return Day(special.kind, special.name)
        return _ORDINARY_WORKDAY if day.weekday() < 5 else _ORDINARY_WEEKEND

    def swapped_with(self, day: date) -> date | None:
        """The other day of a swap, for a day off by swap and for a make-up working day."""
        special = self._special.get(day)
        return special.swapped_with if special else None

    def notice(self, day: date) -> Notice | None:
        """The notice that sets a day; for an ordinary day the notice of its year. None for a projection."""
        special = self._special.get(day)
        if special and special.notice:
            closed = special.kind is DayKind.local_closure
            return (self._orders if closed else self._notices).get(special.notice)
        return None if special else self._first_notice.get(day.year)

    def status(self, day: date) -> DayStatus:
        """The basis of the day's kind. Problem `date_out_of_range` if it is outside the calendar."""
        if self.day(day).kind is DayKind.local_closure:
            return DayStatus.local_closure
        if self.provisional(day):
            return DayStatus.provisional
        notice = self.notice(day)
        return DayStatus.amended if notice and notice.number in self._amending else DayStatus.gazetted

    def provisional(self, day: date, until: date | None = None) -> bool:
        """Whether the notice for the year of `day` (for any year from `day` to `until`) isn't published yet."""
        return any(year in self._provisional for year in range(day.year, (until or day).year + 1))

    def shift(self, day: date, n: int) -> date:
        """The n-th working day after `day` (n > 0) or the -n-th before it (n < 0); `day` itself isn't counted."""
        if n == 0:
            raise ValueError("shift by at least one working day; `following` and `preceding` find the nearest")
        place = self.place(day)
        before, with_it = self.workdays_until
        return self._nth(with_it[place] + n - 1 if n > 0 else before[place] + n)

    def following(self, day: date) -> date:
        """The day itself if it's a working day, else the next one."""
        return self._nth(self.workdays_until[0][self.place(day)])

    def preceding(self, day: date) -> date:
        """The day itself if it's a working day, else the previous one."""
        return self._nth(self.workdays_until[1][self.place(day)] - 1)

    def out_of_range(self, what: str, what_zh: str) -> Problem:
        """The problem `date_out_of_range` for something outside the calendar."""
        return Problem(
            422,
            "date_out_of_range",
            Text(
                f"{what} is outside the calendar, which covers {self.first} to {self.last}",
                f"{what_zh}超出工作日历范围（{self.first} 至 {self.last}）",
            ),
            extra={"first": self.first.isoformat(), "last": self.last.isoformat()},
        )

    def _nth(self, n: int) -> date:
        if not 0 <= n < self.workday_count:
            raise self.out_of_range("the day", "所查日期")
        return self.workdays[n]
