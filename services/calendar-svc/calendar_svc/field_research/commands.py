"""Commands on field research: record a day, withdraw a day."""

from __future__ import annotations

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from calendar_svc.absence import absence as absences
from calendar_svc.absence.case import APPROVALS, official_of
from calendar_svc.field_research.field_research import FieldDay, require_countable, research_of, withdraw
from calendar_svc.field_research.schemas import RecordFieldDay, WithdrawFieldDay
from zhengling.database.session import government_of, lock, one_at_a_time
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call


async def record_field_day(call: Call, body: RecordFieldDay) -> FieldDay:
    """Record a leader's day of field research. By the leader or the office. No event."""
    book, composition = call.rulebook, await compositions.current(call.session)
    research, today = research_of(book.absence, book.code, book.government.name), shanghai_day(call.now)
    official = official_of(composition, body.official or call.official)
    absences.require_may_ask(composition, call.official, official, None, today, research.clause)
    (await calendars.current(call.session)).require(body.day)
    require_countable(research, composition, official, body.day, today)
    await one_at_a_time(call.session, APPROVALS)
    known = sa.select(FieldDay).filter_by(official=official, day=body.day, withdrawn=False)
    if (await call.session.execute(known)).scalar_one_or_none():
        raise refusal(
            "recorded_already",
            research.clause,
            f"{body.day} is already recorded for {composition.official_names[official]}",
            f"{composition.official_names[official]}{body.day}的调研已登记",
            Text("a day counts once", "同一天只计一次"),
        )
    day = FieldDay(
        id=str(uuid7()),
        government=government_of(call.session),
        official=official,
        day=body.day,
        place=body.place,
        subject=body.subject,
        recorded_by=call.official or "",
        recorded_at=call.now,
    )
    call.session.add(day)
    await call.session.flush()
    return day


async def withdraw_field_day(call: Call, field_day_id: str, body: WithdrawFieldDay) -> FieldDay:
    """Withdraw a wrong record of field research, with a reason. By the leader or the office. No event."""
    day = await lock(call.session, FieldDay, field_day_id, "field day", "调研记录")
    call.check_version(day.version)
    book, composition = call.rulebook, await compositions.current(call.session)
    research = research_of(book.absence, book.code, book.government.name)
    today = shanghai_day(call.now)
    absences.require_may_ask(composition, call.official, day.official, None, today, research.clause)
    withdraw(day, research.clause, body.reason)
    call.audit_details.update(reason=body.reason, occurred_at=call.occurred(body.occurred_at))
    await call.session.flush()
    return day
