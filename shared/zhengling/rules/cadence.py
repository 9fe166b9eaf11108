"""The cadence of a kind of meeting: how often it must be held, and how many were held by a day. It only warns.

A cadence in months uses calendar periods (month, quarter, half-year, counted from January). A cadence in weeks has no
calendar period, so it uses a sliding window: any window of that length must contain so many meetings. Latest dates aren't
moved off holidays. If nothing was held yet, counting starts on the first day on record, given by the caller: no earlier
meeting can be missed, and a period that had already begun then requires none. Pure.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zhengling.kernel.errors import Text
from zhengling.rules.vocabulary import Clause


class DaysOfMonth(BaseModel):
    """From day `first` to day `last` of a month, both included; in a shorter month to its last day."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    first: Annotated[int, Field(ge=1, le=28)] = 1
    last: Annotated[int, Field(ge=1, le=31)] = 31

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("last is before first")
        return self


class Cadence(BaseModel):
    """At least so many meetings every n weeks or months; `days` restricts a monthly cadence to some days of the month.
    `clause` if it isn't the kind's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    every: Annotated[int, Field(ge=1, le=120)] = 1
    unit: Literal["week", "month"]
    at_least: Annotated[int, Field(ge=1, le=60)] = 1
    days: DaysOfMonth | None = None
    clause: Clause | None = None

    @model_validator(mode="after")
    def _days_are_of_a_month(self) -> Self:
        if self.days and (self.unit != "month" or self.every != 1):
            raise ValueError("days is only for a cadence of every month")
        return self


class Period(NamedTuple):
    """From `first` to `last`, both included."""

    first: date
    last: date

    def count(self, held: Iterable[date]) -> int:
        return sum(self.first <= day <= self.last for day in held)


@dataclass(frozen=True)
class Rhythm:
    """A cadence on a day: meetings `held` in the period until that day, `expected` in the period, `next_latest` the last
    day on which the next meeting is in time. `missed` is the period with too few meetings, if it is behind."""

    on: date
    period: Period
    held: int
    expected: int
    next_latest: date | None
    behind: bool
    missed: Period | None
    last_held: date | None
    counting_from: date | None


def period_of(day: date, months: int) -> Period:
    """The calendar period of `months` months that contains the day; periods are counted from January."""
    month0 = day.year * 12 + day.month - 1
    first = month0 - month0 % months
    return Period(_day(first, 1), _day(first + months - 1, 31))


def _day(month0: int, day: int) -> date:
    year, month = divmod(month0, 12)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def standing(cadence: Cadence, held: Iterable[date], on: date, since: date | None) -> Rhythm:
    """The cadence on a day, given the days on which meetings of the kind were held (later ones are ignored) and the first
    day on record (`since`; None: no record, so none are expected)."""
    days = sorted(day for day in held if day <= on)
    if since and days:
        since = min(since, days[0])
    return (_in_weeks if cadence.unit == "week" else _in_months)(cadence, days, on, since)


def _in_weeks(cadence: Cadence, held: list[date], on: date, since: date | None) -> Rhythm:
    """The window that ends on the day; with fewer meetings than required, the window from the first day on record."""
    length = timedelta(weeks=cadence.every)
    enough = len(held) >= cadence.at_least
    anchor = held[-cadence.at_least] if enough else since
    stretch = Period(on - length, on)
    behind = anchor is not None and anchor < stretch.first
    latest = anchor + length if anchor else None
    return Rhythm(
        on,
        stretch,
        held=stretch.count(held),
        expected=cadence.at_least if since and since <= stretch.first else 0,
        next_latest=latest,
        behind=behind,
        missed=Period(anchor, anchor + length) if anchor and behind else None,
        last_held=held[-1] if held else None,
        counting_from=since,
    )


def _in_months(cadence: Cadence, held: list[date], on: date, since: date | None) -> Rhythm:
    """The calendar period. A previous period with too few meetings is reported until the current one has enough."""
    period = _counted(cadence, on)
    before, after = _neighbour(cadence, on, -1), _neighbour(cadence, on, +1)
    count = period.count(held)
    asked = since is not None and since <= period.first
    met = count >= cadence.at_least
    missed = None
    if asked and not met and on > period.last:  # only possible with `days`, where the period ends within the month
        missed = period
    elif since is not None and since <= before.first and not met and before.count(held) < cadence.at_least:
        missed = before
    is_open = asked and not met and on <= period.last
    return Rhythm(
        on,
        period,
        held=count,
        expected=cadence.at_least if asked else 0,
        next_latest=(period.last if is_open else after.last) if since else None,
        behind=missed is not None,
        missed=missed,
        last_held=held[-1] if held else None,
        counting_from=since,
    )


def _counted(cadence: Cadence, day: date) -> Period:
    """The part of the day's period in which meetings count."""
    whole = period_of(day, cadence.every)
    if cadence.days is None:
        return whole
    month0 = whole.first.year * 12 + whole.first.month - 1
    return Period(_day(month0, cadence.days.first), _day(month0, cadence.days.last))


def _neighbour(cadence: Cadence, day: date, step: Literal[-1, 1]) -> Period:
    whole = period_of(day, cadence.every)
    return _counted(cadence, whole.last + timedelta(days=1) if step == 1 else whole.first - timedelta(days=1))


def sentence(rhythm: Rhythm, kind: str, clause: str) -> Text:
    """The cadence in a sentence: meetings held, the latest day for the next one, the clause."""
    if rhythm.next_latest is None:
        return Text(
            f"No session of any kind is on record until {rhythm.on}, so {kind} is counted from the first one ({clause}).",
            f"截至{rhythm.on}尚无开会记录，{kind}自首次开会之日起计算（{clause}）。",
        )
    first, last = rhythm.period
    held = Text(
        f"{kind}: {rhythm.held} held of {rhythm.expected} expected from {first} to {last} ({clause})",
        f"{kind}：{first}至{last}应召开{rhythm.expected}次，已召开{rhythm.held}次（{clause}）",
    )
    if rhythm.missed:
        missed = rhythm.missed
        return Text(
            f"{held.en}; behind, as too few were held from {missed.first} to {missed.last}.",
            f"{held.zh}；{missed.first}至{missed.last}召开次数不足，请尽快安排。",
        )
    return Text(
        f"{held.en}; the next one is in time until {rhythm.next_latest}.",
        f"{held.zh}；下次会议最迟应于{rhythm.next_latest}召开。",
    )
