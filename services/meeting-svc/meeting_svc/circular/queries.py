"""Queries of attendance over a period, and of the circulars sent."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from meeting_svc.circular import circular as circulars
from meeting_svc.circular.circular import Circular
from meeting_svc.circular.commands import figures_of
from meeting_svc.circular.schemas import AttendanceFigures, CircularRowView, CircularView
from meeting_svc.circular.table import circular as circular_table
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, page_of_all


async def get_attendance(call: Call, since: date | None, until: date | None, kind: str | None) -> AttendanceFigures:
    """The figures of a period; by default this year so far."""
    today = shanghai_day(call.now)
    until = until or today
    since = since or date(until.year, 1, 1)
    figures = await figures_of(call, since, until, kind)
    composition = await compositions.current(call.session)
    last = await call.session.scalar(sa.select(sa.func.max(circular_table.c.sent_at)))
    return AttendanceFigures(
        since=since,
        until=until,
        kind=kind,
        meetings=figures.meetings,
        officials=[CircularRowView.model_validate(row) for row in circulars.officials(figures, composition, until)],
        organisations=[CircularRowView.model_validate(row) for row in circulars.organisations(figures, composition)],
        guests=[CircularRowView.model_validate(row) for row in circulars.rows(figures.guests, {})],
        last_circular=last,
    )


async def list_circulars(call: Call, request: PageRequest) -> Page[CircularView]:
    rows, cursor = await page_of_all(call, Circular, request)
    return Page(items=[CircularView.model_validate(row) for row in rows], next_cursor=cursor)
