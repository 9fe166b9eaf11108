"""Adjustments of a running deadline: suspension and resumption (中止、恢复), extension (延期).

Invariant: a due date follows from its rule, start, calendar and ordered adjustments, so that it can be recomputed when the
calendar changes. Days from the suspension to the day before the resumption aren't counted; the day of the resumption is.
An extension to a named day keeps that day when the calendar changes. Pure.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zhengling.dates.deadlines import Amount, Due, Roll, Unit, months_on
from zhengling.dates.explanations import Later, TraceStep, in_words, on_day
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import Day, Instant, shanghai_day


class Adjustment(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Suspension(Adjustment):
    """The deadline is suspended from `since` until it is resumed at `until`; by whom and why."""

    kind: Literal["suspension"] = "suspension"
    since: Instant
    until: Instant | None = None
    reason: str
    by: str
    clause: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until and self.until < self.since:
            raise ValueError("a deadline can't be resumed before it was suspended")
        return self


class Extension(Adjustment):
    """An extension granted before the due date: `to` a day, or by an `amount` of a `unit`. `paper` is that of the approval, if
    the rules ask for one."""

    kind: Literal["extension"] = "extension"
    at: Instant
    to: Day | None = None
    amount: Amount | None = None
    unit: Unit | None = None
    reason: str
    approved_by: str
    paper: str = ""
    clause: str | None = None

    @property
    def approval(self) -> Text:
        """Who approved it, and by which paper."""
        return Text(
            self.approved_by + f" ({self.paper})" * bool(self.paper),
            self.approved_by + f"（{self.paper}）" * bool(self.paper),
        )

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.to is None) == (self.amount is None) or (self.amount is None) != (self.unit is None):
            raise ValueError("give either `to` (a day), or `amount` and `unit` (hour, day, working_day, week, month)")
        return self


AnyAdjustment = Annotated[Suspension | Extension, Field(discriminator="kind")]


def adjusted(due: Due, adjustments: Iterable[AnyAdjustment], calendar: WorkdayCalendar) -> Later:
    """The due date after all adjustments, and a step of the explanation for each. A deadline still suspended keeps the
    date from before its suspension. Problems: 422 as in `compute` for a day outside the calendar; 409 `not_suspendable`."""
    steps: list[TraceStep] = []
    for one in adjustments:
        due = copy.copy(due)
        if isinstance(one, Suspension):
            steps += _suspended(due, one, calendar)
        else:
            steps += _extended(due, one, calendar)
    return Later(due, steps)


def _suspended(due: Due, one: Suspension, calendar: WorkdayCalendar) -> list[TraceStep]:
    since = shanghai_day(one.since)
    require_suspendable(due)
    steps = [TraceStep(since, "suspended", Text(f"suspended: {one.reason}", f"中止：{one.reason}"))]
    if one.until is None:
        return steps
    resumed = shanghai_day(one.until)
    # A start day that isn't counted can't be lost by a suspension.
    first = shanghai_day(due.start) + dt.timedelta(days=not due.terms.count_start_day)
    stood, runs = max(since, first), max(resumed, first)
    if isinstance(due.late_from, dt.datetime):
        _end_at(due, due.late_from + (one.until - one.since), calendar)
        left = Text("the time in between isn't counted", "中止期间不计")
    elif due.terms.unit is Unit.working_day:
        n = _working_days(stood, due.date, calendar)
        due.date = due.unmoved = calendar.shift(runs - dt.timedelta(days=1), n) if n else due.date
        left = Text(f"{n} working days were left", f"剩余{n}个工作日")
    else:
        days = (runs - stood).days
        # If the suspension began after the unmoved end, only the day that the end had moved to is shifted.
        _end_on(due, (due.unmoved if stood <= due.unmoved else due.date) + dt.timedelta(days=days), calendar)
        if due.date < runs:
            due.date = calendar.following(runs)
        left = Text(f"{days} days aren't counted", f"中止{days}日不计")
    return [
        *steps,
        TraceStep(
            resumed,
            "resumed",
            Text(
                f"resumed, {left.en}; due by {on_day(due.date).en}", f"恢复计算，{left.zh}，至{on_day(due.date).zh}届满"
            ),
        ),
    ]


def _longer(due: Due, one: Extension, calendar: WorkdayCalendar) -> None:
    """Extend by an amount of a unit."""
    assert one.amount and one.unit  # the model's validator
    if isinstance(due.late_from, dt.datetime) and one.unit is Unit.hour:
        _end_at(due, due.late_from + dt.timedelta(hours=one.amount), calendar)
    elif one.unit is Unit.working_day:
        due.date = due.unmoved = calendar.shift(due.date, one.amount)
    elif one.unit is Unit.month:
        _end_on(due, months_on(due.unmoved, one.amount, False), calendar)
    elif one.unit is Unit.hour:
        raise refusal(
            "extension_unit",
            one.clause,
            "a deadline in days isn't extended by hours",
            "按日计算的期限不能按小时延长",
            Text("extend it by days or working days", "请按日或工作日延长"),
        )
    else:
        _end_on(due, due.unmoved + dt.timedelta(days=one.amount * (7 if one.unit is Unit.week else 1)), calendar)


def _extended(due: Due, one: Extension, calendar: WorkdayCalendar) -> list[TraceStep]:
    before = due.date
    if one.to:
        calendar.require(one.to)
        due.date = due.unmoved = one.to
        if isinstance(due.late_from, dt.datetime):
            due.late_from = None  # the end of that day
    else:
        try:
            _longer(due, one, calendar)
        except (OverflowError, ValueError):  # beyond the dates that there are
            raise calendar.out_of_range("the due date", "期限届满日") from None
    if isinstance(due.late_from, dt.datetime) and one.unit is not Unit.hour:
        due.late_from += due.date - before  # at the same time of day
    by = in_words(one.amount, one.unit) if one.amount and one.unit else Text("", "")
    on = on_day(due.date)
    return [
        TraceStep(
            due.date,
            "extended",
            Text(
                f"extended{' by ' + by.en if by.en else ''} to {on.en}, approved by {one.approval.en}: {one.reason}",
                f"经{one.approval.zh}批准延长{by.zh}至{on.zh}：{one.reason}",
            ),
        )
    ]


def require_suspendable(due: Due) -> None:
    """409 `not_suspendable` for a deadline counted back from an event: no time is running that could be suspended."""
    if due.terms.before:
        raise refusal(
            "not_suspendable",
            due.clause,
            f"{due.rule} is counted back from an event and can't be suspended",
            f"{due.rule}自事件日倒推，不能中止",
            Text("change the date of the event", "请变更事件日期"),
        )


def _working_days(first: dt.date, last: dt.date, calendar: WorkdayCalendar) -> int:
    """The number of working days from first to last, both included."""
    before, with_it = calendar.workdays_until
    return with_it[calendar.place(last)] - before[calendar.place(first)] if first <= last else 0


def _end_on(due: Due, day: dt.date, calendar: WorkdayCalendar) -> None:
    """Set the end to a day, moved off a non-working day as the rule says."""
    calendar.require(day)
    due.unmoved = due.date = day
    if due.terms.roll is not Roll.none:
        due.date = calendar.following(day) if due.terms.roll is Roll.following else calendar.preceding(day)


def _end_at(due: Due, instant: dt.datetime, calendar: WorkdayCalendar) -> None:
    due.late_from = instant
    due.date = due.unmoved = (instant - dt.datetime.resolution).date()
    calendar.require(due.date)
