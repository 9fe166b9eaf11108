"""What commands on an absence work on: the absence, locked, its rules, and who else is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from calendar_svc.absence import absence as absences
from calendar_svc.absence import breaches
from calendar_svc.absence.absence import Absence, AbsenceState
from calendar_svc.absence.breaches import Away, Breach
from calendar_svc.absence.table import absence as absence_table
from zhengling.authority.composition import Composition
from zhengling.database.session import lock
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
    """An absence with the rules that it began under, and who is who today."""

    absence: Absence
    rules: Rules
    row: RequestRow
    composition: Composition
    found: list[Breach]


def rules_of(book: Rulebook) -> Rules:
    return absences.rules_of(book.absence, book.code, book.government.name)


async def others(session: AsyncSession, absence: Absence, states: tuple[AbsenceState, ...]) -> list[Away]:
    """The other absences in these states that share a day with what is asked for."""
    columns = absence_table.c
    statement = sa.select(columns.official, columns.since, columns.away_until).where(
        columns.id != absence.id,
        columns.state.in_(states),
        columns.since <= absence.asked_until,
        columns.away_until >= absence.since,
    )  # an extension that is still asked for is weighed when it is approved
    with session.no_autoflush:
        rows = await session.execute(statement.order_by(columns.since, columns.official))
    return [Away(*row) for row in rows]


async def away_between(session: AsyncSession, since: date, until: date) -> list[Away]:
    """Everybody who is approved to be away on one of these days."""
    columns = absence_table.c
    statement = sa.select(columns.official, columns.since, columns.away_until).where(
        columns.state.in_(AWAY), columns.since <= until, columns.away_until >= since
    )
    with session.no_autoflush:
        rows = await session.execute(statement.order_by(columns.since, columns.official))
    return [Away(*row) for row in rows]


async def breaches_of(
    session: AsyncSession, absence: Absence, rules: Rules, row: RequestRow, composition: Composition
) -> list[Breach]:
    """What stands against what is asked for: too short a notice, and the limits on the days not approved yet."""
    away = await away_between(session, absence.since, absence.asked_until) if rules.limits else []
    return breaches.open_breaches(absence, rules, row, composition, away)


async def absence_case(call: Call, absence_id: str) -> Case:
    """The absence, locked after everybody else's turn, in the version that the caller saw."""
    await call.session.execute(ONE_AT_A_TIME, {"government": call.government})
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


# Who counts whom as away decides one after another: two approvals at once would each see the other as not there yet.
ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('absence:' || :government, 0))")


def official_of(composition: Composition, official: str | None) -> str:
    if official is None:
        raise invalid("official_missing", "say whose it is: the token is for no official", "请指明人员")
    if official not in composition.official_names:
        raise invalid("unknown_official", f"no such official: {official}", f"查无此人：{official}")
    return official
