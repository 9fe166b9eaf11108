"""Queries of the pressure on a matter."""

from __future__ import annotations

import sqlalchemy as sa

from oversight_svc.entry.commands import SUBJECT
from oversight_svc.entry.entry import Entry
from oversight_svc.pressure.pressure import Pressure
from oversight_svc.pressure.recording import coming
from oversight_svc.pressure.schemas import ComingRung, PressureOnEntry, PressureView
from oversight_svc.pressure.table import pressure_table
from zhengling.kernel.errors import Text
from zhengling.replicas import due_dates
from zhengling.rules.vocabulary import in_chinese
from zhengling.web.call import Call
from zhengling.web.sight import seen


async def pressure_on(call: Call, entry_id: str) -> PressureOnEntry:
    """What was done about a matter that the caller sees, and which rungs come."""
    entry = await seen(call, Entry, entry_id, "entry", "督查事项")
    statement = sa.select(Pressure).where(pressure_table.c.entry_id == entry.id)
    done = (await call.session.execute(statement.order_by(pressure_table.c.recorded_at, pressure_table.c.id))).scalars()
    rows = await due_dates.kept(call.session, SUBJECT, entry.id)
    _, steps = (await coming(call.session, call.service.rulebooks, rows)).get(entry.id, (None, []))
    return PressureOnEntry(
        items=[view_of(call, each) for each in done],
        coming=[
            ComingRung(rung=step.n, way=step.rung.act, way_name=in_chinese(step.rung.act), at=step.moment)
            for step in steps
        ],
    )


def view_of(call: Call, done: Pressure) -> PressureView:
    view = PressureView.model_validate(done)
    view.reason = Text(done.reason_en, done.reason_zh).in_language(call.language)
    view.way_name, view.channel_name = in_chinese(done.way), in_chinese(done.channel)
    return view
