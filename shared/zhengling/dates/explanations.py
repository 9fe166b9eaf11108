"""Explanations of due dates: a trace day by day, and one sentence as a clerk would write it, in both languages.

Invariant: an explanation is derived from the inputs of the computation and never stored. Pure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from zhengling.dates.deadlines import MIDNIGHT, Anchor, DeadlineTerms, Due, Setter, StatedDay, Unit
from zhengling.dates.workdays import DayKind, WorkdayCalendar
from zhengling.kernel.clauses import cited
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of an explanation."""

    date: dt.date | None
    effect: Literal[
        "start",
        "counted",
        "skipped",
        "ended",
        "moved",
        "suspended",
        "resumed",
        "extended",
        "due",
        "provisional",
        "clause",
    ]
    text: Text


class Later(NamedTuple):
    """A due date after its adjustments: the date in force, and a step of the explanation for each adjustment."""

    due: Due
    steps: list[TraceStep]


_ANCHORS = {  # 之日 or 之时 is appended to the Chinese
    Anchor.meeting_day: Text("the meeting day", "会议召开"),
    Anchor.meeting_closed: Text("the meeting's close", "会议结束"),
    Anchor.minutes_signed: Text("the signing of the minutes", "纪要签发"),
    Anchor.decision_needed: Text("the day the decision is needed", "需作出决定"),
    Anchor.registration: Text("the registration", "登记"),
    Anchor.receipt: Text("the receipt", "收到"),
    Anchor.instruction: Text("the instruction", "批示"),
    Anchor.office_notice: Text("the office's notice", "办公室通知"),
    Anchor.deployment: Text("the deployment", "部署"),
    Anchor.assignment: Text("the assignment", "交办"),
    Anchor.explanation: Text("the explanation", "书面说明"),
    Anchor.supervision_notice: Text("the notice of supervision", "督办通知签发"),
    Anchor.closing: Text("the closing", "销号"),
    Anchor.departure: Text("the departure", "外出"),
    Anchor.actual_return: Text("the return", "返回"),
    Anchor.given: Text("the start", "起算"),
}
_UNITS = {
    Unit.hour: Text("hour", "小时"),
    Unit.day: Text("calendar day", "日"),
    Unit.working_day: Text("working day", "个工作日"),
    Unit.week: Text("week", "周"),
    Unit.month: Text("month", "个月"),
}
_KINDS = {
    DayKind.workday: Text("working day", "工作日"),
    DayKind.makeup_workday: Text("make-up working day", "调休上班日"),
    DayKind.weekend: Text("weekend", "周末"),
    DayKind.swap_day_off: Text("day off by swap", "调休休息日"),
    DayKind.statutory_holiday: Text("statutory holiday", "法定节假日"),
    DayKind.local_closure: Text("local closure", "本地停止办公"),
}
_YEARS = {
    "previous": Text("the year before", "上一年"),
    "same": Text("the same year", "当年"),
    "next": Text("the next year", "下一年"),
}
_SETTERS = {
    Setter.decision: Text("the decision", "决定事项"),
    Setter.leader: Text("the leader", "领导"),
    Setter.office: Text("the office", "政府办公室"),
}
_PROVISIONAL = Text(
    "provisional: the holiday notice of a year concerned isn't published yet",
    "相关年度节假日安排尚未公布，该日期为暂定日期",
)


def explain(due: Due, rule: DeadlineTerms, calendar: WorkdayCalendar, later: Later | None = None) -> list[TraceStep]:
    """The trace of a due date, in the order of counting.

    The start and whether it counts; for working days each day counted or skipped and why; for calendar time the unmoved
    end, then each day it moved over; the adjustments (`later`); the due date, and whether it is provisional; the clause.
    `rule` and `calendar` are those of the computation: Problem `calendar_version_changed` (409) for another version.
    """
    _same_calendar(due, calendar)
    steps = [TraceStep(shanghai_day(due.start), "start", _beginning(due, rule))]
    if rule.unit is Unit.working_day:
        steps += _count_steps(due, rule, calendar)
    else:
        steps.append(TraceStep(due.unmoved, "ended", _calculation(due, rule)))
        steps += [
            TraceStep(day, "skipped", _because(day, calendar))
            for day in _days(due.unmoved, due.date)
            if day != due.date
        ]
        if due.date != due.unmoved:
            steps.append(TraceStep(due.date, "moved", _move(due)))
    if later:
        due = later.due
        steps += later.steps
    steps.append(TraceStep(due.date, "due", until(due)))
    if due.provisional:
        steps.append(TraceStep(None, "provisional", _PROVISIONAL))
    source = cited(due.clause)
    steps.append(TraceStep(None, "clause", Text(f"under clause {source.en}", f"依据 {source.zh}")))
    return steps


def sentence(due: Due, rule: DeadlineTerms, calendar: WorkdayCalendar, later: Later | None = None) -> Text:
    """The due date in one sentence, as a clerk would write it. Problem as in `explain`."""
    _same_calendar(due, calendar)
    parts = [_calculation(due, rule)]
    if rule.unit is Unit.working_day:
        parts += _exceptions(due, rule, calendar)
    elif due.date != due.unmoved:
        reason = _because(due.unmoved, calendar)
        parts.append(Text(f"{reason.en}, {_move(due).en}", f"{reason.zh}，{_move(due).zh}"))
    if later:
        due = later.due
        parts += [step.text for step in later.steps]
    parts.append(until(due))
    if due.provisional:
        parts.append(_PROVISIONAL)
    english = "; ".join(part.en for part in parts)
    return Text(
        f"{english[0].upper()}{english[1:]} ({due.clause}).",
        f"{'；'.join(part.zh for part in parts)}（{cited(due.clause).zh}）。",
    )


def in_words(amount: int, unit: Unit) -> Text:
    """An amount of time: "5 working days", 5个工作日."""
    words = _UNITS[unit]
    return Text(f"{amount} {words.en}{'s' * (amount > 1)}", f"{amount}{words.zh}")


def _same_calendar(due: Due, calendar: WorkdayCalendar) -> None:
    if due.calendar_version != calendar.version:
        raise refusal(
            "calendar_version_changed",
            None,
            f"the due date was computed with calendar {due.calendar_version}, not {calendar.version}",
            f"期限按工作日历 {due.calendar_version} 计算，不能用 {calendar.version} 说明",
            Text("compute it again with the current calendar", "请按现行工作日历重新计算"),
        )


def _beginning(due: Due, rule: DeadlineTerms) -> Text:
    if isinstance(rule, StatedDay):
        setter, on = _SETTERS[rule.setter], on_day(due.start)
        return Text(f"stated by {setter.en} on {on.en}", f"{setter.zh}于{on.zh}明确时限")
    anchor, convention = _anchor(due, rule), _start_convention(rule)
    return Text(f"counted from {anchor.en}{convention.en}", f"以{anchor.zh}为起点{convention.zh}")


def _start_convention(rule: DeadlineTerms) -> Text:
    if rule.by:
        return Text(", whose year sets the fixed day", "，据其年份确定固定日期")
    if rule.unit is Unit.hour:
        return Text(", to the minute", "，按时刻起算")
    return (
        Text(", that day counted", "，当日计入")
        if rule.count_start_day
        else Text(", that day not counted", "，当日不计")
    )


def _count_steps(due: Due, rule: DeadlineTerms, calendar: WorkdayCalendar) -> Iterator[TraceStep]:
    counted = 0
    for day in _counted_over(due, rule):
        reason = _because(day, calendar)
        if calendar.is_workday(day):
            counted += 1
            yield TraceStep(
                day, "counted", Text(f"{reason.en}: number {counted}", f"{reason.zh}，计第{counted}个工作日")
            )
        else:
            yield TraceStep(day, "skipped", Text(f"{reason.en}: not counted", f"{reason.zh}，不计"))


def _exceptions(due: Due, rule: DeadlineTerms, calendar: WorkdayCalendar) -> Iterator[Text]:
    """The weekdays that aren't counted, and the weekend days that are worked."""
    days = {day: calendar.day(day) for day in sorted(_counted_over(due, rule))}
    off = list(
        dict.fromkeys(what.name for what in days.values() if not what.kind.worked and what.kind is not DayKind.weekend)
    )
    if off:
        yield Text(f"not counted besides weekends: {', '.join(off)}", f"除周末外不计{'、'.join(off)}")
    makeup = [day for day, what in days.items() if what.kind is DayKind.makeup_workday]
    if makeup:
        yield Text(
            f"make-up working days counted: {', '.join(on_day(day).en for day in makeup)}",
            f"计入调休上班日{'、'.join(on_day(day).zh for day in makeup)}",
        )


def _calculation(due: Due, rule: DeadlineTerms) -> Text:
    """How the unmoved end was computed from the start, or who stated it."""
    if isinstance(rule, StatedDay):
        setter, day = _SETTERS[rule.setter], on_day(due.unmoved)
        return Text(f"{setter.en} stated {day.en}", f"{setter.zh}明确于{day.zh}前办结")
    anchor, end = _anchor(due, rule), on_day(due.unmoved)
    if rule.by:
        year, event = _YEARS[rule.by.year], _ANCHORS[rule.of]
        return Text(  # only the anchor's year matters: a plan for a year has no day
            f"by {rule.by.month:02}-{rule.by.day:02} of {year.en}, counted from {due.start.year}, "
            f"the year of {event.en}: {end.en}",
            f"以{event.zh}所在年度（{due.start.year}年）的{year.zh}{rule.by.month}月{rule.by.day}日为限，即{end.zh}",
        )
    assert rule.unit is not None  # the rule's validator
    unit, n = _UNITS[rule.unit], rule.before or rule.within or rule.every or 0
    amount = in_words(n, rule.unit).en
    if rule.unit is Unit.hour:
        end = _moment(due.at)
    if rule.before:
        ordinal = "第" if rule.unit is Unit.working_day else ""
        return Text(
            f"{amount} before {anchor.en} is {end.en}",
            f"{anchor.zh}前{ordinal}{n}{unit.zh}为{end.zh}",
        )
    convention = _start_convention(rule)
    first = "当日起" if rule.count_start_day else "起" if rule.unit is Unit.hour else "次日起"
    if rule.every:
        return Text(
            f"every {amount} from {anchor.en}{convention.en}: this period ends on {end.en}",
            f"自{anchor.zh}{first}每{n}{unit.zh}一期，本期至{end.zh}届满",
        )
    return Text(
        f"{amount} from {anchor.en}{convention.en}, end on {end.en}",
        f"自{anchor.zh}{first}{n}{unit.zh}，至{end.zh}届满",
    )


def _because(day: dt.date, calendar: WorkdayCalendar) -> Text:
    """The kind of a day, and for a swap (调休) the other day."""
    what, on = calendar.day(day), on_day(day)
    kind = _KINDS[what.kind]
    detail = Text("", "")
    if other := calendar.swapped_with(day):
        detail = Text(f" (swapped with {on_day(other).en})", f"（与{on_day(other).zh}对调）")
    elif what.kind in (DayKind.statutory_holiday, DayKind.local_closure):
        detail = Text(f" ({what.name})", f"“{what.name}”")
    return Text(f"{on.en} is a {kind.en}{detail.en}", f"{on.zh}为{kind.zh}{detail.zh}")


def _move(due: Due) -> Text:
    to = on_day(due.date)
    if due.date > due.unmoved:
        return Text(f"moved to the next working day, {to.en}", f"顺延至{to.zh}")
    return Text(f"moved to the previous working day, {to.en}", f"提前至{to.zh}")


def until(due: Due) -> Text:
    hour = "24:00" if due.at.time() == MIDNIGHT else f"{due.at:%H:%M}"
    on = on_day(due.date)
    return Text(f"due by {hour} on {on.en}", f"应于{on.zh}{hour}前完成")


def _counted_over(due: Due, rule: DeadlineTerms) -> Iterator[dt.date]:
    """The days over which a period in working days runs, in the order of counting."""
    start = shanghai_day(due.start)
    return (day for day in _days(start, due.date) if day != start or rule.count_start_day)


def _days(start: dt.date, end: dt.date) -> Iterator[dt.date]:
    """The days from start to end, both included, in either direction."""
    step = 1 if end >= start else -1
    return map(dt.date.fromordinal, range(start.toordinal(), end.toordinal() + step, step))


def on_day(day: dt.date) -> Text:
    weekday = day.weekday()
    return Text(
        f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[weekday]} {day:%Y-%m-%d}",
        f"{day.year}年{day.month}月{day.day}日星期{'一二三四五六日'[weekday]}",
    )


def _anchor(due: Due, rule: DeadlineTerms) -> Text:
    """The event from which the rule counts, with its day or instant."""
    event, start = _ANCHORS[rule.of], _moment(due.start)
    return Text(f"{event.en} ({start.en})", f"{event.zh}之{'时' if rule.unit is Unit.hour else '日'}（{start.zh}）")


def _moment(moment: dt.date | dt.datetime) -> Text:
    """The day, and the time of day for an instant."""
    on = on_day(moment)
    return Text(f"{on.en} {moment:%H:%M}", f"{on.zh}{moment:%H:%M}") if isinstance(moment, dt.datetime) else on
