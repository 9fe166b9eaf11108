"""The period that the ledger's numbers are about, in months. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from zhengling.kernel.errors import invalid

#: The maximum number of months of a period.
MOST_MONTHS = 120
_FIRST_YEAR, _LAST_YEAR = 1950, 2500


@dataclass(frozen=True)
class Period:
    """The days from `since` to `until`, both of them counted."""

    since: date
    until: date

    @property
    def starts(self) -> list[date]:
        """The first day of each month in the period, the earliest being `since`; then the day after the period."""
        starts = [self.since]
        while (following := _next_month(starts[-1])) <= self.until:
            starts.append(following)
        return [*starts, self.until + timedelta(days=1)]


def period_of(since: date | None, until: date | None, today: date) -> Period:
    """The period asked for, by default the whole of this year. Problems (422): `period_reversed`, `period_out_of_range`,
    `period_too_long`."""
    until = until or date((since or today).year, 12, 31)
    since = since or date(until.year, 1, 1)
    if until < since:
        raise invalid("period_reversed", f"{until} is before {since}", "截止日期不得早于起始日期")
    if since.year < _FIRST_YEAR or until.year > _LAST_YEAR:
        text = f"a period lies between {_FIRST_YEAR} and {_LAST_YEAR}"
        raise invalid("period_out_of_range", text, f"起止日期应在{_FIRST_YEAR}年至{_LAST_YEAR}年之间")
    if (until.year - since.year) * 12 + until.month - since.month >= MOST_MONTHS:
        text = f"a period has at most {MOST_MONTHS} months"
        raise invalid("period_too_long", text, f"起止日期之间不得超过{MOST_MONTHS}个月")
    return Period(since, until)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
