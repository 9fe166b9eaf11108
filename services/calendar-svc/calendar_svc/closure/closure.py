"""A local closure (本地停止办公): when the offices of one government are closed, why, and on whose order.

Invariant: it is lifted once, from a day within it on; the days closed before that stay closed. Pure: no I/O.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from calendar_svc.year.year import ONE_DAY
from zhengling.dates.workdays import CalendarYear, DayKind, Notice, SpecialDay
from zhengling.kernel.errors import Text, refusal


@dataclass
class Closure:
    id: str
    government: str
    first_day: dt.date
    last_day: dt.date
    reason: str
    ordered_by: str
    document: str
    entered_on: dt.date
    entered_by: str
    lifted_from: dt.date | None = None
    lift_reason: str | None = None
    version: int = 1
    modified_at: dt.datetime | None = None

    def closed(self) -> ClosedDays | None:
        """The days it closes; None if it was lifted from its first day on."""
        last = self.last_day if self.lifted_from is None else min(self.last_day, self.lifted_from - ONE_DAY)
        notice = Notice(issuer=self.ordered_by, number=self.document, date=self.entered_on, year=self.first_day.year)
        return ClosedDays(self.first_day, last, self.reason, notice) if last >= self.first_day else None


def require_new(closure: Closure, known: Iterable[Closure]) -> None:
    """409 `closure_known` if the same order closes a day of it already, so that an order entered twice closes once."""
    for other in known:
        days = other.closed()
        if (
            days
            and other.document == closure.document
            and days.first <= closure.last_day
            and closure.first_day <= days.last
        ):
            raise refusal(
                "closure_known",
                None,
                f"{other.document} already closes the offices from {days.first} to {days.last}",
                f"{other.document}已录入，停止办公期间为{days.first}至{days.last}",
                Text(
                    "enter only days that the order doesn't close yet, or lift that closure first",
                    "请仅录入该文件尚未停止办公的日期，或先解除原安排",
                ),
                closure=other.id,
            )


def lift(closure: Closure, day: dt.date, reason: str) -> None:
    """Reopen the offices from `day` on. 409 `closure_lifted`, `not_within_closure`."""
    if closure.lifted_from is not None:
        raise refusal(
            "closure_lifted",
            None,
            f"the closure is already lifted from {closure.lifted_from} on",
            f"已自{closure.lifted_from}起恢复办公",
            Text("enter another closure if offices close again", "如再次停止办公，请另行录入"),
        )
    if not closure.first_day <= day <= closure.last_day:
        raise refusal(
            "not_within_closure",
            None,
            f"{day} isn't between {closure.first_day} and {closure.last_day}",
            f"{day}不在停止办公期间（{closure.first_day}至{closure.last_day}）内",
            Text("state one of its days", "请选择期间内的日期"),
        )
    closure.lifted_from, closure.lift_reason = day, reason


class ClosedDays(NamedTuple):
    """The days that one local closure takes from the calendar, the reason, and the order behind it."""

    first: dt.date
    last: dt.date
    reason: str
    notice: Notice


def closed_years(closures: Iterable[ClosedDays], years: Iterable[int]) -> list[CalendarYear]:
    """One government's changes to the national calendar in these years: the days of its closures; for a day of several
    closures the first one counts, and only orders that count are listed. A year without closures is empty."""
    found: dict[int, dict[dt.date, SpecialDay]] = {year: {} for year in years}
    notices: dict[int, dict[str, Notice]] = {year: {} for year in found}
    for closure in closures:
        for n in range((closure.last - closure.first).days + 1):
            day = closure.first + ONE_DAY * n
            if day.year in found:
                special = SpecialDay(kind=DayKind.local_closure, name=closure.reason, notice=closure.notice.number)
                if found[day.year].setdefault(day, special) is special:
                    notices[day.year].setdefault(closure.notice.number, closure.notice)
    return [
        CalendarYear(
            year=year, provisional=False, days=dict(sorted(days.items())), notices=tuple(notices[year].values())
        )
        for year, days in found.items()
    ]
