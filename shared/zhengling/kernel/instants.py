"""Days and instants in payloads: RFC 3339 text only, where pydantic would also accept numbers.

Invariant: an accepted instant can be represented in UTC and Asia/Shanghai, so that no later conversion overflows. Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Discriminator, Tag

from zhengling.kernel.errors import Text, Unfit, invalid, refusal

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1992
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt].+", re.ASCII)


def _day_text(value: object) -> object:
    if (isinstance(value, str) and _DAY.fullmatch(value)) or type(value) is date:
        return value
    raise Unfit("a day must be a text YYYY-MM-DD", "日期格式应为 YYYY-MM-DD")


def _instant_text(value: object) -> object:
    if (isinstance(value, str) and _INSTANT.fullmatch(value)) or isinstance(value, datetime):
        return value
    raise Unfit(
        "an instant must be a text with an offset (RFC 3339): 2026-02-12T09:00:00+08:00",
        "时间格式应为带时区的 RFC 3339 文本",
    )


def _convertible(value: datetime) -> datetime:
    try:
        value.astimezone(UTC), value.astimezone(SHANGHAI)
    except OverflowError:
        raise Unfit("the instant is outside the representable years", "时间超出可表示的年份") from None
    return value


def _which(value: object) -> str:
    return "day" if type(value) is date or (isinstance(value, str) and _DAY.fullmatch(value)) else "instant"


Day = Annotated[date, BeforeValidator(_day_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant_text), AfterValidator(_convertible)]
#: A day stays a day and an instant an instant: midnight at another offset is another day in Shanghai.
DayOrInstant = Annotated[Annotated[Day, Tag("day")] | Annotated[Instant, Tag("instant")], Discriminator(_which)]


def to_the_minute(moment: datetime) -> datetime:
    """The minute of an instant. People state times by the minute, while what is recorded as of now has microseconds."""
    return moment.replace(second=0, microsecond=0)


def shanghai_day(moment: date | datetime) -> date:
    """The day of an instant in Shanghai; a date is returned unchanged. Problem `naive_datetime` (422) without an offset."""
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise invalid("naive_datetime", f"{moment.isoformat()} has no UTC offset", "时间未标明时区")
    return moment.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """The first instant of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def require_not_before(moment: datetime, since: datetime, clause: str | None) -> None:
    """409 `before_the_last_act` for an act that is dated before the one that it follows."""
    if moment < since:
        raise refusal(
            "before_the_last_act",
            clause,
            f"{moment.isoformat()} is before the act that it follows, {since.astimezone(SHANGHAI).isoformat()}",
            f"发生时间早于上一环节的时间（{since.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}）",
            Text("give a time after it", "请填写上一环节之后的时间"),
        )
