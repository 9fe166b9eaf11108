"""The working days of the caller's government as a calendar feed: only days that differ from plain weekdays and
weekends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from zhengling.dates.workdays import DayKind, WorkdayCalendar
from zhengling.documents.icalendar import FeedEvent, Status
from zhengling.kernel.errors import Text
from zhengling.replicas import calendar as calendars
from zhengling.web.call import Call
from zhengling.web.feeds import first_day

_CHANGES = sa.text("""
    SELECT year, sum(version)::int AS version, max(changed_at) AS changed_at FROM calendar_year GROUP BY year
""")
_KINDS = {
    DayKind.statutory_holiday: Text("Statutory holiday", "法定节假日"),
    DayKind.swap_day_off: Text("Day off by swap", "调休放假"),
    DayKind.makeup_workday: Text("Make-up working day", "调休上班"),
    DayKind.local_closure: Text("Local closure", "本地放假"),
}
_BY_SWAP = (DayKind.swap_day_off, DayKind.makeup_workday)
_PROVISIONAL = Text(
    "Provisional: the State Council's notice for this year isn't published yet.",
    "暂定：国务院办公厅尚未发布本年放假通知。",
)
_WEEKDAYS = Text("Mon Tue Wed Thu Fri Sat Sun", "周一 周二 周三 周四 周五 周六 周日")
ONE_DAY = timedelta(days=1)


class Change(NamedTuple):
    """How often a year was changed, and when last."""

    version: int
    changed_at: datetime


class Run(NamedTuple):
    """Consecutive days of the same kind and name; all of them provisional or none."""

    first: date
    last: date
    kind: DayKind
    name: str
    provisional: bool
    swapped_with: tuple[date, ...]


async def feed(call: Call) -> list[FeedEvent]:
    """Days off and make-up working days from last year to the last known one."""
    calendar = await calendars.current(call.session)
    changes = {
        row.year: Change(row.version, row.changed_at) for row in await call.session.execute(_CHANGES)
    }  # of the national year and the government's own year, the later change
    return [_event(run, changes) for run in runs(calendar, max(first_day(call), calendar.first))]


def runs(calendar: WorkdayCalendar, since: date) -> Iterator[Run]:
    """The days from `since` on that are neither ordinary working days nor ordinary weekends; consecutive equal days as
    one."""
    current: Run | None = None
    for n in range((calendar.last - since).days + 1):
        day = since + timedelta(days=n)
        kind, name = calendar.day(day)
        if kind not in _KINDS:
            continue
        provisional, other = calendar.provisional(day), calendar.swapped_with(day)
        others = (other,) if other else ()
        if current and (current.last + ONE_DAY, current[2:5]) == (day, (kind, name, provisional)):
            current = current._replace(last=day, swapped_with=current.swapped_with + others)
            continue
        if current:
            yield current
        current = Run(day, day, kind, name, provisional, others)
    if current:
        yield current


def _event(run: Run, changes: dict[int, Change]) -> FeedEvent:
    kind = _KINDS[run.kind]
    about = [changes[year] for year in range(run.first.year, run.last.year + 1)]
    name = kind if run.kind in _BY_SWAP else Text(f"{kind.en} ({run.name})", run.name)
    lines = [Text(f"{kind.en}: {run.name}", f"{kind.zh}：{run.name}")]
    if other := _days(run):
        if run.kind.worked:
            name = Text(f"{name.en}, for {other.en}", f"{name.zh}（补{other.zh}）")
            lines.append(Text(f"Worked in place of {other.en}, a day off.", f"{other.zh}放假，本日上班。"))
        else:
            name = Text(f"{name.en}, worked on {other.en}", f"{name.zh}（{other.zh}上班）")
            lines.append(Text(f"Off; {other.en} is worked in its place.", f"放假，{other.zh}上班。"))
    if run.provisional:
        name = Text(f"{name.en} – provisional", f"{name.zh}（暂定）")
        lines.append(_PROVISIONAL)
    return FeedEvent(
        uid=f"{run.kind}-{run.first}",
        summary=name,
        start=run.first,
        end=run.last,
        modified=max(change.changed_at for change in about),
        sequence=sum(change.version for change in about) - len(about),
        description=Text("\n".join(line.en for line in lines), "\n".join(line.zh for line in lines)),
        status=Status.tentative if run.provisional else Status.confirmed,
        categories=(kind,),
        path=f"/v1/years/{run.first.year}",
    )


def _days(run: Run) -> Text | None:
    """The other days of a run's swaps."""
    if not run.swapped_with:
        return None
    weekdays = _WEEKDAYS.en.split(), _WEEKDAYS.zh.split()
    en = [f"{weekdays[0][day.weekday()]} {day}" for day in run.swapped_with]
    zh = [
        f"{f'{day.year}年' if day.year != run.first.year else ''}{day.month}月{day.day}日{weekdays[1][day.weekday()]}"
        for day in run.swapped_with
    ]
    return Text(" and ".join(en), "、".join(zh))
