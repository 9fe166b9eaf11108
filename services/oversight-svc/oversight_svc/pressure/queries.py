"""Queries of the pressure on a matter."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from oversight_svc.entry.commands import SUBJECT
from oversight_svc.entry.entry import RUNNING, Entry
from oversight_svc.entry.queries import within
from oversight_svc.entry.table import ledger_entry
from oversight_svc.ledger.period import period_of
from oversight_svc.pressure.pressure import Pressure
from oversight_svc.pressure.recording import coming
from oversight_svc.pressure.schemas import (
    ComingRung,
    PressedView,
    PressureOnEntry,
    PressureView,
    SupervisedUnit,
    SupervisedUnits,
    Supervisor,
)
from oversight_svc.pressure.table import pressure_table
from zhengling.events.meeting import Unit
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.rules.vocabulary import in_chinese
from zhengling.web.call import Call
from zhengling.web.sight import counted, seen

V = TypeVar("V", bound=PressureView)
#: The days that count as lately, today being one of them; the most numbers of matters that are shown of a supervisor.
LAST, MOST_NUMBERS = timedelta(days=29), 20
EARLIEST = date(1, 1, 1)
_SUPERVISOR = sa.type_coerce(pressure_table.c.supervisor, JSONB)
_ORGANISATION = _SUPERVISOR["code"].astext


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
    return _named(call, done, PressureView.model_validate(done))


async def pressed_view(call: Call, done: Pressure) -> PressedView:
    """What was done by hand, with the other supervisors of the unit in the last 30 days."""
    view = _named(call, done, PressedView.model_validate(done))
    until = shanghai_day(call.now)
    of = pressure_table.c
    others = [of.unit == done.unit, *within(of.occurred_at, until - LAST, until)]
    if done.supervisor:
        others.append(done.supervisor.code != _ORGANISATION)
    found = await _supervisors(call, *others)
    view.also_supervised_by = found.get(done.unit, [])
    return view


async def supervised_units(
    call: Call, since: date | None, until: date | None, unit: str | None, limit: int
) -> SupervisedUnits:
    """Who supervised which lead unit by hand in the period, by default the last 30 days. Problems (422) as of `period_of`."""
    until = until or shanghai_day(call.now)
    period = period_of(since or max(until, EARLIEST + LAST) - LAST, until, until)
    of, columns = pressure_table.c, ledger_entry.c
    acts, led = within(of.occurred_at, period.since, period.until), [counted(call, Entry), columns.state.in_(RUNNING)]
    if unit:
        acts, led = [*acts, of.unit == unit], [*led, columns.lead_code == unit]
    found = await _supervisors(call, counted(call, Entry), *acts)
    statement = sa.select(columns.lead_code, sa.func.count()).where(*led).group_by(columns.lead_code)
    numbers: dict[str, int] = dict((await call.session.execute(statement)).tuples().all())
    composition = await compositions.if_loaded(call.session)
    names = composition.organisation_names if composition else {}
    units = [
        SupervisedUnit(
            unit=code,
            name=names.get(code),
            running=numbers.get(code, 0),
            supervisors=(supervisors := found.get(code, [])),
            several=len(supervisors) > 1,
        )
        for code in numbers.keys() | found.keys()
    ]
    units.sort(key=lambda each: (not each.several, -sum(s.acts for s in each.supervisors), -each.running, each.unit))
    several = sum(each.several for each in units)
    return SupervisedUnits(
        since=period.since, until=period.until, total=len(units), several=several, items=units[:limit]
    )


async def _supervisors(call: Call, *filters: sa.ColumnElement[bool]) -> dict[str, list[Supervisor]]:
    """Unit → who supervised it by hand, of the acts that the filters leave."""
    of, acts = pressure_table.c, sa.func.count()
    statement = (
        sa.select(
            of.unit,
            _ORGANISATION.label("code"),
            sa.func.max(_SUPERVISOR["name"].astext).label("name"),
            acts.label("acts"),
            sa.func.array_agg(of.way.distinct()).label("ways"),
            sa.func.count(of.entry_id.distinct()).label("matters"),
            sa.func.array_agg(ledger_entry.c.number.distinct()).label("numbers"),
        )
        .join(ledger_entry, ledger_entry.c.id == of.entry_id)
        .where(of.official.is_not(None), _ORGANISATION.is_not(None), *filters)
        .group_by(of.unit, _ORGANISATION)
        .order_by(acts.desc(), _ORGANISATION)
    )
    found: defaultdict[str, list[Supervisor]] = defaultdict(list)
    for row in await call.session.execute(statement):
        found[row.unit].append(
            Supervisor(
                organisation=Unit(code=row.code, name=row.name),
                acts=row.acts,
                ways=row.ways,
                matters=row.matters,
                numbers=row.numbers[:MOST_NUMBERS],
            )
        )
    return found


def _named(call: Call, done: Pressure, view: V) -> V:
    view.reason = Text(done.reason_en, done.reason_zh).in_language(call.language)
    view.way_name, view.channel_name = in_chinese(done.way), in_chinese(done.channel)
    return view
