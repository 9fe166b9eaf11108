"""The command on attendance circulars."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from meeting_svc.circular import circular as circulars
from meeting_svc.circular.circular import Circular, Figures
from meeting_svc.circular.schemas import SendCircular
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.table import meeting as meeting_table
from zhengling.authority.composition import require_office
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call


async def send_circular(call: Call, body: SendCircular) -> Circular:
    """Record that the attendance of a period was circulated, with its current figures. By the office."""
    composition, occurred_at = await compositions.current(call.session), call.occurred(body.occurred_at)
    act = Text("circulate attendance", "通报参会情况")
    require_office(composition, call.official, shanghai_day(call.now), act, None)
    if body.kind:
        call.rulebook.kind(body.kind)
    figures = await figures_of(call, body.since, body.until, body.kind)
    circular = Circular(
        id=str(uuid7()),
        government=call.government,
        since=body.since,
        until=body.until,
        kind=body.kind,
        recipients=body.recipients,
        officials=circulars.officials(figures, composition, body.until),
        organisations=circulars.organisations(figures, composition),
        guests=circulars.rows(figures.guests, {}),
        sent_by=call.official or "",
        sent_at=occurred_at,
        recorded_at=call.now,
    )
    call.session.add(circular)
    await call.session.flush()
    return circular


async def figures_of(call: Call, since: date, until: date, kind: str | None) -> Figures:
    circulars.require_period(since, until)
    columns = meeting_table.c
    statement = sa.select(Meeting).where(columns.day.between(since, until), columns.opened_at.is_not(None))
    if kind:
        statement = statement.where(columns.kind == kind)
    meetings = (await call.session.execute(statement)).scalars()
    return circulars.count(meetings, await compositions.current(call.session))
