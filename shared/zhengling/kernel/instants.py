"""Days and instants as text from outside: RFC 3339 and nothing else, where pydantic would also take numbers for times.

Invariant: an instant taken from outside fits UTC and Shanghai's clock, so that no later conversion overflows. Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Discriminator, Tag

from zhengling.dates.workdays import SHANGHAI
from zhengling.kernel.errors import Unfit

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt].+", re.ASCII)


def _day_text(value: object) -> object:
    if (isinstance(value, str) and _DAY.fullmatch(value)) or type(value) is date:
        return value
    raise Unfit("a day is text: YYYY-MM-DD", "日期应为文字：YYYY-MM-DD")


def _instant_text(value: object) -> object:
    if (isinstance(value, str) and _INSTANT.fullmatch(value)) or isinstance(value, datetime):
        return value
    raise Unfit(
        "an instant is text with an offset (RFC 3339): 2026-02-12T09:00:00+08:00",
        "时间应为带时区的文字（RFC 3339）：2026-02-12T09:00:00+08:00",
    )


def _convertible(value: datetime) -> datetime:
    try:
        value.astimezone(UTC), value.astimezone(SHANGHAI)
    except OverflowError:
        raise Unfit("the instant lies beyond the years that can be told", "时间超出可表示的年份") from None
    return value


def _which(value: object) -> str:
    return "day" if type(value) is date or (isinstance(value, str) and _DAY.fullmatch(value)) else "instant"


Day = Annotated[date, BeforeValidator(_day_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant_text), AfterValidator(_convertible)]
#: A day stays a day and an instant an instant: midnight at another offset is another day in Shanghai.
DayOrInstant = Annotated[Annotated[Day, Tag("day")] | Annotated[Instant, Tag("instant")], Discriminator(_which)]
