"""Due dates: computed from a rule, a start and a calendar, or stated by a decision, a leader or the office.

Invariant: the same rule, start and calendar give the same due date and explanation (`explanations.py`); a due date that
depends on a year without a published holiday notice is marked provisional. Days are counted by the Civil Code, articles
200 to 204, unless the rule differs.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Problem, invalid
from zhengling.kernel.instants import SHANGHAI, shanghai_day

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ONE_DAY = dt.timedelta(days=1)
CIVIL_CODE = "民法典第200—204条"  # the clause of periods without a rule
MIDNIGHT = dt.time()


class Unit(StrEnum):
    """The unit of an amount of time. An hour is 60 minutes of real time, a working day one of the calendar's."""

    hour = "hour"
    day = "day"
    working_day = "working_day"
    week = "week"
    month = "month"


class Anchor(StrEnum):
    """The event from which a deadline is counted forward or back. Planned and actual days are separate anchors."""

    meeting_day = "meeting.day"
    meeting_closed = "meeting.closed"
    minutes_signed = "minutes.signed"
    decision_needed = "decision_needed"
    registration = "registration"
    receipt = "receipt"
    instruction = "instruction"
    office_notice = "office.notice"
    deployment = "deployment"
    assignment = "assignment"
    explanation = "explanation"
    supervision_notice = "supervision.notice"
    closing = "closing"
    departure = "departure"
    actual_return = "return"
    given = "given"


class Roll(StrEnum):
    """The direction in which an end moves off a non-working day."""

    following = "following"
    preceding = "preceding"
    none = "none"


Amount = Annotated[int, Field(strict=True, ge=1)]


class FixedDay(BaseModel):
    """A day of the year before, of or after the anchor's year. ValueError unless it exists in every year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    month: Annotated[int, Field(strict=True, ge=1, le=12)]
    day: Amount
    year: Literal["previous", "same", "next"]

    @model_validator(mode="after")
    def _exists_every_year(self) -> Self:
        if self.day > monthrange(2001, self.month)[1]:
            raise ValueError(f"month {self.month} has no day {self.day} in every year")
        return self

    @property
    def years_on(self) -> int:
        """The day's year minus the anchor's year: -1, 0 or 1."""
        return ("previous", "same", "next").index(self.year) - 1

    def seen_from(self, day: dt.date) -> dt.date:
        return dt.date(day.year + self.years_on, self.month, self.day)


def _conventional_roll(fields: dict[str, Any]) -> Roll:
    """The default roll: preceding for a fixed day; following for calendar time counted forward; none if counted back, in
    working days or in hours."""
    if fields.get("by"):
        return Roll.preceding
    forward = fields.get("within") or fields.get("every")
    return Roll.following if forward and fields.get("unit") in (Unit.day, Unit.week, Unit.month) else Roll.none


class Setter(StrEnum):
    """Who stated a due date that no rule computes."""

    decision = "decision"
    leader = "leader"
    office = "office"


class DeadlineTerms(BaseModel):
    """How a due date follows from its start, and how adjustments count on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clause: Annotated[str, Field(min_length=1)]
    of: Anchor
    within: Amount | None = None
    before: Amount | None = None
    every: Amount | None = None
    by: FixedDay | None = None
    unit: Unit | None = None
    count_start_day: bool = False
    roll: Roll = Field(default_factory=_conventional_roll)


class StatedDay(DeadlineTerms):
    """A due date that somebody stated instead of a rule. No calendar moves it; it is extended like any other, and suspended
    in calendar days."""

    of: Anchor = Anchor.given
    roll: Roll = Roll.none
    setter: Setter


class DeadlineRule(DeadlineTerms):
    """One rule of `deadlines.yaml`.

    Exactly one of `within` (forward), `before` (back), `every` (periodic) and `by` (a fixed day); the first three
    are amounts of `unit`. `count_start_day` lets the day of the anchor be the first day of the period.
    ValueError for a meaningless combination, with a message for the author of the file.
    """

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        given = [form for form in ("within", "before", "every", "by") if getattr(self, form) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of within, before, every, by; given: {', '.join(given) or 'none'}")
        form = given[0]
        if self.by and self.unit:
            raise ValueError("a fixed day (by) has no unit")
        if not self.by and not self.unit:
            raise ValueError(f"{form}: {getattr(self, form)} of what? Give a unit: {', '.join(Unit)}")
        if self.count_start_day and (form in ("before", "by") or self.unit is Unit.hour):
            raise ValueError("count_start_day is for periods that run forward in days, weeks or months")
        if self.roll is not Roll.none and self.unit in (Unit.hour, Unit.working_day):
            raise ValueError(f"a deadline in {self.unit}s never moves at its end: drop roll")
        return self

    @cached_property
    def plan(self) -> tuple[Unit | None, int, int, int, Roll]:
        """The rule resolved for computation, once: (unit, lead, steps, period, roll).

        `steps` are days, months or hours from the start. For working days they are an offset into the calendar's list of
        working days, counted from the number of working days before the start (`lead` 0) or up to and including it
        (`lead` 1): ten from a Monday have lead 1 and steps 9, the tenth working day after it. A fixed day has no unit and
        no steps. Each further period of an `every` rule adds `period` steps.
        """
        amount = -self.before if self.before else self.within or self.every or 0
        match self.unit:
            case Unit.working_day if not self.before:  # the start or the day after is the first, so n - 1 follow it
                return self.unit, int(not self.count_start_day), amount - 1, amount, self.roll
            case Unit.day:
                return self.unit, 0, amount - self.count_start_day, amount, self.roll
            case Unit.week:
                return Unit.day, 0, 7 * amount - self.count_start_day, 7 * amount, self.roll
        return self.unit, 0, amount, amount, self.roll


@dataclass(init=False, slots=True)
class Due:
    """A due date with the inputs of its computation.

    `rule` is the rule's name and `terms` the rule; `start` the anchor's day in Shanghai, or its instant for a rule in
    hours; `date` the last day in time; `unmoved` the end before it moved off a non-working day; `late_from` the time of
    that last day, or the instant, from which it is late, None for midnight.
    The properties are computed on access, since most callers need the date only. Only `compute` and `stated` create one
    and `adjustments.py` changes it; they fill the slots itself, as a generated constructor takes as long as the arithmetic.
    """

    rule: str
    terms: DeadlineTerms
    start: dt.date | dt.datetime
    date: dt.date
    unmoved: dt.date
    calendar: WorkdayCalendar
    late_from: dt.time | dt.datetime | None

    @property
    def clause(self) -> str:
        return self.terms.clause

    @property
    def calendar_version(self) -> str:
        return self.calendar.version

    @property
    def at(self) -> dt.datetime:
        """The first instant at which it is late, in Asia/Shanghai."""
        if isinstance(self.late_from, dt.datetime):
            return self.late_from
        if self.late_from:
            return dt.datetime.combine(self.date, self.late_from, SHANGHAI)
        return dt.datetime.combine(self.date + ONE_DAY, MIDNIGHT, SHANGHAI)

    @property
    def provisional(self) -> bool:
        """Whether a day that was looked up lies in a year without a notice. A rule in hours or in calendar time without a
        roll looks none up."""
        unit, day = self.terms.unit, self.start
        if unit is Unit.hour:
            return False
        if unit is Unit.working_day:
            if self.terms.before:
                return self.calendar.provisional(self.unmoved, day - ONE_DAY)
            return self.calendar.provisional(day if self.terms.count_start_day else day + ONE_DAY, self.unmoved)
        earlier, later = min(self.unmoved, self.date), max(self.unmoved, self.date)
        return self.terms.roll is not Roll.none and self.calendar.provisional(earlier, later)


def compute(
    name: str,
    rule: DeadlineRule,
    start: dt.date | dt.datetime,
    calendar: WorkdayCalendar,
    occurrence: int = 1,
    closing: dt.time | None = None,
) -> Due:
    """The due date by the rule called `name`.

    `start` is the anchor's day or instant; `occurrence` numbers the periods of an `every` rule from 1, each counted
    from the start, so that a moved end doesn't shift the next; `closing` is the office's closing time if it ends
    the day before 24:00 (a rule in hours ignores it). Problems (422): `date_out_of_range`,
    `naive_datetime`, `no_such_occurrence`, `instant_needed` for a rule in hours and a bare date.
    """
    day = start if type(start) is _DATE else shanghai_day(start)
    place = day.toordinal() - calendar.origin
    unit, lead, steps, period, roll = rule.plan
    if occurrence != 1:
        steps += _further(name, rule, period, occurrence)
    due = Due()
    due.rule = name
    due.terms = rule
    due.start = day
    due.calendar = calendar
    due.late_from = closing
    try:  # too late an index raises IndexError; one too early is negative and would count from the end
        if unit is _WORKING_DAY:
            n = calendar.workdays_until[lead][place] + steps
            if place < 0 or n < 0:
                raise IndexError
            due.date = due.unmoved = calendar.workdays[n]
            return due
        if not 0 <= place < calendar.length:
            raise IndexError
        if unit is _HOUR:
            return _in_hours(due, start, steps)

        end = place + steps if unit is _DAY else _place_of_end(rule, day, steps, calendar)
        if end < 0:
            raise IndexError
        due.date = due.unmoved = calendar.dates[end]
        if roll is not _NOWHERE:
            n = calendar.workdays_until[0][end] if roll is _FOLLOWING else calendar.workdays_until[1][end] - 1
            if n < 0:
                raise IndexError
            due.date = calendar.workdays[n]
        return due
    except IndexError:
        calendar.require(day)
        raise calendar.out_of_range("the due date", "期限届满日") from None


def stated(setter: Setter, clause: str, day: dt.date, on: dt.date | dt.datetime, calendar: WorkdayCalendar) -> Due:
    """The due date that `setter` stated on a day (or at an instant), under the clause: until 24:00 of it."""
    due = Due()
    due.rule = setter
    due.terms = StatedDay(clause=clause, setter=setter)
    due.start = on if type(on) is _DATE else shanghai_day(on)
    due.date = due.unmoved = day
    due.calendar = calendar
    due.late_from = None
    return due


# Bound once: attribute look-ups are most of `compute`'s time.
_DATE = dt.date
_WORKING_DAY, _HOUR, _DAY = Unit.working_day, Unit.hour, Unit.day
_FOLLOWING, _NOWHERE = Roll.following, Roll.none


def compute_many(
    name: str, rule: DeadlineRule, starts: NDArray[np.datetime64], calendar: WorkdayCalendar, occurrence: int = 1
) -> NDArray[np.datetime64]:
    """`compute(…).date` for an array of days.

    `starts` are days (datetime64[D], of any shape, else TypeError); the result has the same shape and type. A rule in
    hours needs instants and is refused as for a bare date; so is any start or due date outside the calendar, including
    NaT. Problems as in `compute`, naming the first start at fault.
    """
    import numpy as np  # only here: processes that compute one date at a time do without it

    if starts.dtype != np.dtype("datetime64[D]"):
        raise TypeError(f"days are needed, datetime64[D], not {starts.dtype}: an instant's day depends on the offset")
    first = np.datetime64(calendar.first, "D")
    places = (starts - first).astype(np.int64)
    if places.size and int(places.view(np.uint64).max()) >= calendar.length:  # as unsigned, negatives and NaT are huge
        day = starts[(places < 0) | (places >= calendar.length)][0]
        raise calendar.out_of_range(f"{day}", f"{day}")
    unit, _, steps, period, _ = rule.plan
    if occurrence != 1:
        steps += _further(name, rule, period, occurrence)
    if unit is _HOUR:
        raise _instant_needed(name, "alone")

    # The result depends on the start alone: for more starts than days, compute each day of the calendar once.
    many = places.size > calendar.length
    ends = _ends(rule, steps, np.arange(calendar.length) if many else places, calendar)
    dates = np.where(ends >= 0, first + ends, np.datetime64("NaT"))
    found: NDArray[np.datetime64] = dates.take(places, mode="clip") if many else dates
    if np.isnat(found).any():
        start = starts[np.isnat(found)][0]
        raise calendar.out_of_range(f"the due date counted from {start}", f"自{start}起算的期限届满日")
    return found


def _ends(rule: DeadlineRule, steps: int, places: NDArray[np.int64], calendar: WorkdayCalendar) -> NDArray[np.int64]:
    """The places (indexes) of the due dates in the calendar for starts at these places; -1 if outside. As `compute`."""
    import numpy as np

    until, workdays = calendar.arrays
    unit, lead, _, _, roll = rule.plan
    steps = max(-calendar.length, min(steps, calendar.length))  # more is outside anyway, and int64 would overflow

    def nth_workday(n: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where((n >= 0) & (n < calendar.workday_count), workdays.take(n, mode="clip"), -1)

    if unit is _WORKING_DAY:
        return nth_workday(until[lead][places] + steps)
    ends = places + steps if unit is _DAY else _month_ends(rule, steps, places, calendar)
    inside = (ends >= 0) & (ends < calendar.length)
    if roll is not _NOWHERE:
        n = until[0].take(ends, mode="clip") if roll is _FOLLOWING else until[1].take(ends, mode="clip") - 1
        ends = nth_workday(n)
    return np.where(inside, ends, -1)


def _month_ends(
    rule: DeadlineRule, months: int, places: NDArray[np.int64], calendar: WorkdayCalendar
) -> NDArray[np.int64]:
    """The places of a fixed day, or of `months_on`; they may lie outside the calendar."""
    import numpy as np

    first = np.datetime64(calendar.first, "D")
    days = first + places
    if rule.by:
        year = days.astype("datetime64[Y]") + rule.by.years_on
        ends = (year.astype("datetime64[M]") + (rule.by.month - 1)).astype("datetime64[D]") + (rule.by.day - 1)
    else:
        month = days.astype("datetime64[M]")
        into = days - month.astype("datetime64[D]")  # from 0
        target = (month + months).astype("datetime64[D]")
        last = (month + months + 1).astype("datetime64[D]") - target - 1
        ends = target + np.where(into > last, last, into - int(rule.count_start_day))
    return (ends - first).astype(np.int64)


def _further(name: str, rule: DeadlineRule, period: int, occurrence: int) -> int:
    """The steps from the first period's end to the end of the given occurrence."""
    if occurrence < 1 or rule.every is None:
        raise invalid("no_such_occurrence", f"{name} has no occurrence {occurrence}", f"{name} 没有第 {occurrence} 期")
    return period * (occurrence - 1)


def _in_hours(due: Due, start: dt.date | dt.datetime, hours: int) -> Due:
    """`due` with its instant set to `hours` of real time after the start."""
    if not isinstance(start, dt.datetime):
        raise _instant_needed(due.rule, f"{start}")
    due.start = start.astimezone(SHANGHAI)
    try:
        due.late_from = due.start + dt.timedelta(hours=hours)
    except OverflowError:
        raise due.calendar.out_of_range("the due instant", "期限届满时刻") from None
    # The instant is exclusive: midnight belongs to the day before.
    due.date = due.unmoved = (due.late_from - dt.datetime.resolution).date()
    due.calendar.require(due.date)
    return due


def _instant_needed(name: str, given: str) -> Problem:
    return invalid(
        "instant_needed",
        f"{name} counts hours: give the instant, not the day {given}",
        f"{name} 按小时计算，须给出时刻，不能只给日期 {given}",
    )


def _place_of_end(rule: DeadlineRule, day: dt.date, months: int, calendar: WorkdayCalendar) -> int:
    """The place of a fixed day, or of the end of a period in months; it may lie outside the calendar."""
    try:
        end = rule.by.seen_from(day) if rule.by else months_on(day, months, rule.count_start_day)
    except (OverflowError, ValueError):  # past what a date can hold
        return -1
    return end.toordinal() - calendar.origin


def months_on(day: dt.date, months: int, count_start_day: bool) -> dt.date:
    """The corresponding day `months` later, or the month's last day where there is none (Civil Code 202).

    If the start day counts, it is the day before the corresponding one, except when that is replaced by the month's end.
    """
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month0 + 1)[1]
    if day.day > last:
        return dt.date(year, month0 + 1, last)
    return dt.date(year, month0 + 1, day.day) - ONE_DAY * count_start_day
