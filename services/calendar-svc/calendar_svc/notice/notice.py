"""A published holiday arrangement: the days off, the make-up working days, and the notice it amends. Pure: no I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from calendar_svc.year.year import FRIDAY, ONE_DAY
from zhengling.dates.workdays import MAKEUP_WORKDAY, SWAP_DAY_OFF, CalendarYear, DayKind, Notice, SpecialDay
from zhengling.kernel.errors import Text, invalid, refusal


class Arrangement(NamedTuple):
    """One holiday of a notice: its name, the first and the last day off, the weekend days worked for it, and the days
    off granted beyond the statutory ones without make-up work."""

    name: str
    first: dt.date
    last: dt.date
    work_on: tuple[dt.date, ...] = ()
    granted: tuple[dt.date, ...] = ()

    def days(self) -> list[dt.date]:
        return [self.first + ONE_DAY * n for n in range((self.last - self.first).days + 1)]


def gazette(
    years: Mapping[int, CalendarYear],
    notice: Notice,
    arrangements: Sequence[Arrangement],
    statutory: Mapping[dt.date, str],
    amends: str | None = None,
) -> list[CalendarYear]:
    """The years after the notice is entered: its own, and the year before if it arranges days of that December.

    `statutory` are the year's statutory days by name. The first notice of a year states all of its holidays; one that
    `amends` another states the changed ones, and the others are unchanged. Problems (409): `year_has_notice`,
    `nothing_to_amend`, `notice_known`; (422): `notice_out_of_place`, `notice_incomplete`, `notice_out_of_balance`.
    """
    year = years.get(notice.year)
    if year is None:
        raise invalid(
            "year_out_of_range", f"the calendar has no year {notice.year}", f"不在日历范围内：{notice.year}年"
        )
    _require_place_for(year, notice, amends)
    _require_in_place(notice, arrangements)
    draft = _Draft(notice, {n: dict(years[n].days) for n in (notice.year - 1, notice.year) if n in years})
    if amends is None:
        draft.clear()
        missing = [day for day in statutory if not any(a.first <= day <= a.last for a in arrangements)]
        if missing:
            raise invalid(
                "notice_incomplete",
                f"the notice arranges no holiday on {', '.join(f'{d} ({statutory[d]})' for d in missing)}",
                f"通知未安排以下法定节假日：{'、'.join(f'{d}{statutory[d]}' for d in missing)}",
                missing=[str(day) for day in missing],
            )
    for arrangement in sorted(arrangements, key=lambda one: one.first):
        if amends is not None:
            draft.clear_around(arrangement, statutory)
        draft.arrange(arrangement, statutory)
    found = []
    for n, days in draft.days.items():
        before = years[n]
        resting = {special.notice for special in days.values()}
        notices = [known for known in before.notices if known.year == n or known.number in resting]
        if n == notice.year or notice.number in resting:
            notices.append(notice)
        after = CalendarYear(
            year=n,
            provisional=before.provisional and n != notice.year,
            days=dict(sorted(days.items())),
            notices=tuple(sorted(notices, key=lambda known: (known.year, known.date))),
        )
        if after != before:
            found.append(after)
    return found


def _require_place_for(year: CalendarYear, notice: Notice, amends: str | None) -> None:
    own = [known.number for known in year.notices if known.year == notice.year]
    if notice.number in own:
        raise refusal(
            "notice_known",
            None,
            f"{notice.number} is already entered",
            f"{notice.number}已录入",
            Text("enter an amending notice under its own number", "如有调整，请以新文号录入"),
        )
    if own and amends is None:
        raise refusal(
            "year_has_notice",
            None,
            f"{notice.year} already has the notice {', '.join(own)}",
            f"{notice.year}年已有放假安排：{'、'.join(own)}",
            Text(f"state the notice that it amends: {own[0]}", f"请注明所调整的通知：{own[0]}"),
        )
    if amends is not None and amends not in own:
        raise refusal(
            "nothing_to_amend",
            None,
            f"the arrangement of {notice.year} isn't based on {amends}",
            f"{notice.year}年的安排未依据{amends}",
            Text(f"one of {', '.join(own) or 'none: it is the first'}", f"可调整的通知：{'、'.join(own) or '无'}"),
        )


#: The longest period that a notice may state; real ones have at most nine days.
LONGEST = dt.timedelta(days=31)


def _require_in_place(notice: Notice, arrangements: Sequence[Arrangement]) -> None:
    """Periods are in the year or in the December before it, and don't overlap; worked days are weekend days outside
    them."""
    off: set[dt.date] = set()
    for one in arrangements:
        if one.last - one.first >= LONGEST:  # a mistyped year: its days aren't even listed
            raise invalid(
                "notice_out_of_place",
                f"{one.name}: {one.first} to {one.last} is longer than {LONGEST.days} days",
                f"{one.name}：{one.first}至{one.last}超过{LONGEST.days}天",
            )
        days = one.days()
        worked = [day for day in one.work_on if day.weekday() <= FRIDAY]
        outside = [
            day
            for day in (*days, *one.work_on)
            if day.year != notice.year and (day.year, day.month) != (notice.year - 1, 12)
        ]
        twice = sorted(off & set(days))
        doubled = sorted({day for day in one.work_on if one.work_on.count(day) > 1})
        stray = [day for day in one.granted if day not in days]
        for wrong, en, zh in (
            ([one.first] if not days else [], "its last day is before its first", "结束日期早于开始日期"),
            (outside, f"not of {notice.year} or the December before", f"不在{notice.year}年及上年12月内"),
            (worked, "worked for a holiday, but not a weekend day", "补班日不是周末"),
            (twice, "off twice", "重复放假"),
            (doubled, "worked twice", "重复补班"),
            (stray, "granted, but not among its days off", "不在放假期间内"),
        ):
            if wrong:
                listed = ", ".join(map(str, wrong))
                raise invalid("notice_out_of_place", f"{one.name}: {listed}: {en}", f"{one.name}：{listed}{zh}")
        off |= set(days)
    if both := sorted(off & {day for one in arrangements for day in one.work_on}):
        listed = ", ".join(map(str, both))
        raise invalid("notice_out_of_place", f"{listed}: both off and worked", f"{listed}既放假又上班")


@dataclass
class _Draft:
    """The days of the notice's year and the year before, while a notice is entered."""

    notice: Notice
    days: dict[int, dict[dt.date, SpecialDay]]
    owed: list[str] = field(default_factory=list)  # holidays on a day off, not yet compensated (补假)

    def get(self, day: dt.date) -> SpecialDay | None:
        return self.days.get(day.year, {}).get(day)

    def put(self, day: dt.date, kind: DayKind, name: str, swapped_with: dt.date | None = None) -> None:
        if day.year not in self.days:
            raise invalid("year_out_of_range", f"{day} is outside the calendar's years", f"{day}不在日历范围内")
        special = SpecialDay(kind=kind, name=name, swapped_with=swapped_with, notice=self.notice.number)
        self.days[day.year][day] = special

    def clear(self) -> None:
        """Remove the year's projected days; days of its December set by the next year's notice are kept."""
        year = self.notice.year
        self.days[year] = {day: special for day, special in self.days[year].items() if _of_next_year(day, special)}

    def clear_around(self, one: Arrangement, statutory: Mapping[dt.date, str]) -> None:
        """Remove the old arrangement of a holiday: its days off except statutory ones, and the days worked for them."""
        names = set(one.name.split("、"))
        own = [day for day, name in statutory.items() if names & set(name.split("、")) or one.first <= day <= one.last]
        run = {day for start in own for day in self._off_around(start)} | set(one.days())
        for day in run:
            special = self.get(day)
            if special and day not in statutory:
                del self.days[day.year][day]
                if special.swapped_with:
                    self.days.get(special.swapped_with.year, {}).pop(special.swapped_with, None)
        for day in one.work_on:
            if (there := self.get(day)) and there.kind is not DayKind.makeup_workday:
                del self.days[day.year][day]

    def _off_around(self, start: dt.date) -> list[dt.date]:
        """The days off contiguous with a day, in both directions."""
        found = [start]
        for step in (ONE_DAY, -ONE_DAY):
            day = start + step
            while self._off(day):
                found.append(day)
                day += step
        return found

    def _off(self, day: dt.date) -> bool:
        special = self.get(day)
        return not special.kind.worked if special else day.weekday() > FRIDAY

    def arrange(self, one: Arrangement, statutory: Mapping[dt.date, str]) -> None:
        """Mark a holiday's days. A statutory day on a weekend, or coinciding with another one, is compensated (补假) by a
        free weekday of its holiday or of a later one; the other weekdays off are swapped with the weekend days worked,
        in order."""
        for day in one.days():
            if day in statutory:
                self.put(day, DayKind.statutory_holiday, statutory[day])
            elif day in one.granted:
                self.put(day, DayKind.statutory_holiday, one.name)
        own = [day for day in one.days() if day in statutory]
        on_weekends = [name for day in own if day.weekday() > FRIDAY for name in statutory[day].split("、")]
        on_one_day = [name for day in own if day.weekday() <= FRIDAY for name in statutory[day].split("、")[:-1]]
        self.owed = on_weekends + on_one_day + self.owed
        free = [
            day for day in one.days() if day.weekday() <= FRIDAY and day not in statutory and day not in one.granted
        ]
        # Days after the holiday's start come first; a Friday before a holiday on a Saturday is also possible.
        nearest = sorted(free, key=lambda day: (bool(own) and day < own[0], day))
        made_up_for = nearest[: min(len(self.owed), len(free) - len(one.work_on))] if own else []
        for day in made_up_for:
            self.put(day, DayKind.statutory_holiday, f"{self.owed.pop(0)}（补假）")
        swapped = [day for day in free if day not in made_up_for]
        worked = sorted(one.work_on)
        if len(swapped) != len(worked):
            raise invalid(
                "notice_out_of_balance",
                f"{one.name}: {len(swapped)} weekdays off ({', '.join(map(str, swapped)) or 'none'}) beside the statutory "
                f"ones, but {len(worked)} weekend days worked; list days off without make-up work in granted",
                f"{one.name}：法定节假日及补假之外放假{len(swapped)}个工作日，补班{len(worked)}天；无须补班的请列为另行放假",
            )
        for other in worked:
            there = self.get(other)
            if there and there.swapped_with and there.swapped_with not in one.days():
                raise invalid(
                    "notice_out_of_place",
                    f"{one.name}: {other} is already worked for another holiday",
                    f"{one.name}：{other}已为其他假期补班",
                )
        for day, other in zip(swapped, worked, strict=True):
            self.put(day, DayKind.swap_day_off, SWAP_DAY_OFF, other)
            self.put(other, DayKind.makeup_workday, MAKEUP_WORKDAY, day)


def _of_next_year(day: dt.date, special: SpecialDay) -> bool:
    return day.month == 12 and special.swapped_with is not None
