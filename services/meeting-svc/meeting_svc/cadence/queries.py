"""Queries of the cadence: meetings held and expected, by kind."""

from __future__ import annotations

from datetime import UTC, date, datetime

import sqlalchemy as sa

from meeting_svc.cadence.schemas import CadenceView, KindCadenceView, PeriodView
from meeting_svc.meeting.table import meeting as meeting_table
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.rules.cadence import Period, sentence, standing
from zhengling.web.call import Call


async def get_cadence(call: Call, on: date | None) -> CadenceView:
    """The status of every kind with a cadence on a day (by default today), under the edition in force then. A meeting
    counts on its day once its session was opened; counting begins with the first session of any kind."""
    day = on or shanghai_day(call.now)
    (await calendars.current(call.session)).require(day)
    book = call.service.rulebooks.current(call.government, datetime(day.year, day.month, day.day, 4, tzinfo=UTC))
    held = await _held(call, day)
    begin = min((first for days in held.values() for first in days), default=None)
    since = max(begin, book.government.in_force) if begin else None
    items = []
    for name, kind in book.meetings.items():
        if kind.cadence is None:
            continue
        clause = kind.cadence.clause or kind.clause
        rhythm = standing(kind.cadence, held.get(name, []), day, since)
        items.append(
            KindCadenceView(
                kind=name,
                name=kind.name,
                clause=clause,
                period=_view(rhythm.period),
                held=rhythm.held,
                expected=rhythm.expected,
                next_latest=rhythm.next_latest,
                behind=rhythm.behind,
                missed=_view(rhythm.missed) if rhythm.missed else None,
                last_held=rhythm.last_held,
                counting_from=rhythm.counting_from,
                told=call.says(sentence(rhythm, kind.name, clause)),
            )
        )
    return CadenceView(on=day, edition=book.edition, items=items)


def _view(period: Period) -> PeriodView:
    return PeriodView(first=period.first, last=period.last)


async def _held(call: Call, until: date) -> dict[str, list[date]]:
    """Kind → the days of its meetings whose session was opened, up to a day."""
    columns = meeting_table.c
    statement = sa.select(columns.kind, columns.day).where(columns.opened_at.is_not(None), columns.day <= until)
    held: dict[str, list[date]] = {}
    for kind, day in await call.session.execute(statement.order_by(columns.day)):
        held.setdefault(kind, []).append(day)
    return held
