"""The context of an absence's commands: the absence, locked, its rules, and the other absences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from calendar_svc.absence import absence as absences
from calendar_svc.absence import breaches
from calendar_svc.absence.absence import Absence, AbsenceState
from calendar_svc.absence.breaches import Away, LimitBreach
from calendar_svc.absence.table import absence as absence_table
from zhengling.authority.composition import Composition, require_known
from zhengling.database.session import lock, one_at_a_time
from zhengling.kernel.errors import invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.absences import Absence as Rules
from zhengling.rules.absences import RequestRow
from zhengling.rules.rulebook import Rulebook
from zhengling.web.call import Call

AWAY = (AbsenceState.approved, AbsenceState.returned)


@dataclass
class Case:
    """An absence with the rules of its edition, and today's composition."""

    absence: Absence
    rules: Rules
    row: RequestRow
    composition: Composition
    found: list[LimitBreach]


def rules_of(book: Rulebook) -> Rules:
    return absences.rules_of(book.absence, book.code, book.government.name)


async def others(session: AsyncSession, absence: Absence, states: tuple[AbsenceState, ...]) -> list[Away]:
    """The other absences in these states that overlap with what is requested."""
    columns = absence_table.c
    statement = sa.select(columns.official, columns.since, columns.away_until).where(
        columns.id != absence.id,
        columns.state.in_(states),
        columns.since <= absence.asked_until,
        columns.away_until >= absence.since,
    )  # a pending extension is counted once it is approved
    with session.no_autoflush:
        rows = await session.execute(statement.order_by(columns.since, columns.official))
    return [Away(*row) for row in rows]


async def away_between(session: AsyncSession, since: date, until: date) -> list[Away]:
    """Everybody with an approved absence on one of these days."""
    columns = absence_table.c
    statement = sa.select(columns.official, columns.since, columns.away_until).where(
        columns.state.in_(AWAY), columns.since <= until, columns.away_until >= since
    )
    with session.no_autoflush:
        rows = await session.execute(statement.order_by(columns.since, columns.official))
    return [Away(*row) for row in rows]


async def breaches_of(
    session: AsyncSession, absence: Absence, rules: Rules, row: RequestRow, composition: Composition
) -> list[LimitBreach]:
    """The breaches by what is requested: notice too short, and limits on the days not approved yet."""
    away = await away_between(session, absence.since, absence.asked_until) if rules.limits else []
    return breaches.open_breaches(absence, rules, row, composition, away)


async def absence_case(call: Call, absence_id: str) -> Case:
    """The absence, in the version that the caller saw; locked after the government's lock, which serialises
    approvals."""
    await one_at_a_time(call.session, APPROVALS)
    absence = await lock(call.session, Absence, absence_id, "absence", "请假")
    call.check_version(absence.version)
    rules = rules_of(call.service.rulebooks.edition(call.government, absence.edition))
    row, composition = absences.row_of(rules, absence), await compositions.current(call.session)
    found = await breaches_of(call.session, absence, rules, row, composition)
    return Case(absence, rules, row, composition, found)


def require_may_ask(call: Call, case: Case) -> None:
    absences.require_may_ask(
        case.composition,
        call.official,
        case.absence.official,
        case.absence.organisation,
        shanghai_day(call.now),
        case.row.clause,
    )


#: Approvals count absences one after another.
APPROVALS = "absence"


def official_of(composition: Composition, official: str | None) -> str:
    if official is None:
        raise invalid("official_missing", "state the official; the token names none", "请指明人员")
    require_known(composition, [official], [])
    return official
