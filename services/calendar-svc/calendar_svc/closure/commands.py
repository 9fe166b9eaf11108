"""Commands on local closures: preview, enter, lift."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from calendar_svc.closure import closure as closures
from calendar_svc.closure.closure import Closure
from calendar_svc.closure.schemas import ClosureRequest, LiftRequest
from calendar_svc.closure.table import closure as closure_table
from calendar_svc.operation.commands import record_change
from calendar_svc.year import year as year_
from calendar_svc.year.commands import Cause, Known, known_years, one_change_at_a_time, publish
from calendar_svc.year.year import DayChange
from zhengling.authority.composition import Composition, Permission
from zhengling.database.session import lock
from zhengling.dates.workdays import CalendarYear
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendar_
from zhengling.replicas import composition as compositions
from zhengling.rules.chains import Actor
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call

_NATIONAL = sa.text("SELECT year, content FROM calendar_year WHERE government = '*'")


def _require_clerk(call: Call, composition: Composition) -> None:
    """403 `not_the_office` unless the caller serves in the government's office or heads the government."""
    actors = (Actor(role=Role.office), Actor(role=Role.office_director), Actor(role=Role.head))
    act = Text("close or reopen the offices in the calendar", "录入或解除停止办公")
    composition.require(
        call.official, shanghai_day(call.now), Permission(actors, act, code="not_the_office", clause=None)
    )


async def _local_years(session: AsyncSession, changed: Closure | None, span: range) -> tuple[Known, list[CalendarYear]]:
    """The government's known years, and its years once `changed` is among its closures."""
    known = await known_years(session)
    rows = (await session.execute(sa.select(Closure).order_by(closure_table.c.first_day, closure_table.c.id))).scalars()
    closed = [row for row in rows if changed is None or row.id != changed.id] + ([changed] if changed else [])
    years = sorted({*span} | known.years.keys())
    days = [found for row in sorted(closed, key=lambda row: (row.first_day, row.id)) if (found := row.closed())]
    return known, closures.closed_years(days, years)


async def _national_years(session: AsyncSession) -> dict[int, CalendarYear]:
    rows = await session.execute(_NATIONAL)
    return {row.year: CalendarYear.model_validate(row.content) for row in rows}


def _closure_of(call: Call, body: ClosureRequest) -> Closure:
    year_.require_span(body.first, body.last)
    return Closure(
        id=str(uuid7()),
        government=call.government,
        first_day=body.first,
        last_day=body.last,
        reason=body.reason,
        ordered_by=body.ordered_by,
        document=body.document,
        entered_on=shanghai_day(call.occurred(body.occurred_at)),
        entered_by=call.official or call.principal.subject,
    )


async def preview_closure(call: Call, body: ClosureRequest) -> list[DayChange]:
    """The days that a closure would change."""
    closure = _closure_of(call, body)
    calendar = await calendar_.current(call.session)
    for day in (body.first, body.last):
        calendar.require(day)
    known, coming = await _local_years(call.session, closure, range(body.first.year, body.last.year + 1))
    return known.own_days(coming, await _national_years(call.session))


async def enter_closure(call: Call, body: ClosureRequest) -> tuple[Closure, str]:
    """Close the offices of the caller's government; returns the closure and the operation's id. By the office.
    Emits workdays.changed. Problems (422): `closure_out_of_order`, `date_out_of_range`; (409): `closure_known`."""
    _require_clerk(call, await compositions.current(call.session))
    closure = _closure_of(call, body)
    await one_change_at_a_time(call.session)
    calendar = await calendar_.current(call.session)
    for day in (body.first, body.last):
        calendar.require(day)
    same_order = sa.select(Closure).where(closure_table.c.document == closure.document)
    closures.require_new(closure, (await call.session.execute(same_order)).scalars())
    call.session.add(closure)
    await call.session.flush()
    why = Text(
        f"offices closed {closure.first_day} to {closure.last_day} by {closure.document}: {closure.reason}",
        f"{closure.first_day}至{closure.last_day}停止办公（{closure.document}）：{closure.reason}",
    )
    span = range(closure.first_day.year, closure.last_day.year + 1)
    return closure, await _local_change(call, closure, span, "closure", why)


async def lift_closure(call: Call, closure_id: str, body: LiftRequest) -> tuple[Closure, str]:
    """Reopen the offices from a day of the closure on; returns the closure and the operation's id. By the office. Emits
    workdays.changed. Problems (409) as `closure.lift`."""
    await one_change_at_a_time(call.session)
    closure = await lock(call.session, Closure, closure_id, "closure", "停止办公安排")
    call.check_version(closure.version)
    _require_clerk(call, await compositions.current(call.session))
    closures.lift(closure, body.from_, body.reason)
    await call.session.flush()
    why = Text(f"offices open again from {body.from_}: {body.reason}", f"自{body.from_}起恢复办公：{body.reason}")
    span = range(closure.first_day.year, closure.last_day.year + 1)
    return closure, await _local_change(call, closure, span, "lift", why)


async def _local_change(call: Call, closure: Closure, span: range, cause: Cause, why: Text) -> str:
    by = call.official or call.principal.subject
    known, coming = await _local_years(call.session, closure, span)
    calendars = await publish(call.session, known.changed(coming), cause, why, by)
    days = known.own_days(coming, await _national_years(call.session))
    return await record_change(call, f"closure:{closure.id}", why, calendars, days, by)
