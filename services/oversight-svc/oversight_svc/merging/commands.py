"""Commands on merging; the transaction is committed at the edge.

Invariant: a merged matter keeps its number and its course; its sources belong to the matter that goes on (`merged_into`, which
is itself never merged), until the merging is undone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import sqlalchemy as sa

from oversight_svc.course import commands as courses
from oversight_svc.course import course
from oversight_svc.course.commands import Case
from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import SUBJECT, ledger_of, restart
from oversight_svc.entry.entry import Entry, EntryState
from oversight_svc.entry.table import ledger_entry
from oversight_svc.merging.schemas import Merge, Separate
from oversight_svc.source.queries import sources_of_each
from oversight_svc.source.source import SOURCES, Source
from oversight_svc.source.table import entry_source
from zhengling.database.mapping import touch
from zhengling.database.session import lock_all
from zhengling.dates.deadlines import Setter
from zhengling.events.oversight import EntryMerged, EntrySeparated
from zhengling.events.reference import Reference
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.replicas import calendar as calendars
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import StatedClock
from zhengling.rules.supervision import CourseAct, DueFor
from zhengling.web.call import Call


async def merge(call: Call, entry_id: str, body: Merge) -> Entry:
    """Merge a matter into another one that is open: its sources go there, and the earlier date of both holds, unless another is
    given. By the roles that the rulebook names. 409 `merged_into_itself`, `illegal_state`; 422
    `unknown_entry`. Emits entry.merged of this one."""
    into = await _both(call, entry_id, body.into)
    case = await courses.case_of(call, entry_id, CourseAct.merge, body.occurred_at)
    entry = case.entry
    if into is None:
        raise invalid(
            "unknown_entry",
            f"no entry {body.into}",
            f"没有编号标识为{body.into}的督查事项",
            Text("give the id of an open matter (GET /v1/entries)", "请填写在办事项的编号标识"),
        )
    if into.id == entry.id:
        raise refusal(
            "merged_into_itself",
            case.right.clause,
            "a matter can't be merged into itself",
            "不能并入本事项自身",
            Text("name another open matter", "请填写其他在办事项"),
        )
    course.require_whole(into, case.right.clause)
    entries.require_running(into, Text("the other matter", "拟并入的事项"), case.right.clause)
    held = await sources_of_each(call.session, entry.id, into.id)
    appended(held.get(into.id, []), *held.get(entry.id, []), bound=SOURCES)
    await _move_sources(call, held.get(entry.id, []), into)
    await _take_date(case, into, body.due)
    await due_dates.settle(call.session, SUBJECT, entry.id, "cancelled")
    await case.reschedule()
    entry.merged_into, entry.overdue_at = into.id, None
    for follower in await _merged_into(call, entry):
        follower.merged_into = into.id
    entries.join(into, entry)
    turn = course.turn_by(case.acting, case.official, CourseAct.merge, into, (case.occurred_at, call.now))
    turn = replace(turn, clause=case.right.clause, text=body.reason, document=entry.number)
    course.add_turn(into, EntryState(into.state), turn)
    touch(into)
    reference = Reference(service="oversight", noun="entry", id=into.id, number=into.number)
    return await case.done(EntryMerged, body.reason, fields={"into": reference}, document=into.number)


async def _merged_into(call: Call, entry: Entry) -> list[Entry]:
    """The matters that were merged into this one, locked."""
    found = sa.select(ledger_entry.c.id).where(ledger_entry.c.merged_into == entry.id)
    return await lock_all(call.session, Entry, (await call.session.execute(found)).scalars(), "entry", "督查事项")


async def _both(call: Call, entry_id: str, other: str | None) -> Entry | None:
    """The other matter, if there is one; both are locked in one order, so that two mergings of the same two don't deadlock."""
    known = await call.session.scalar(sa.select(ledger_entry.c.id).where(ledger_entry.c.id == other))
    wanted = list(dict.fromkeys([entry_id, *([known] if known else [])]))
    rows = await lock_all(call.session, Entry, wanted, "entry", "督查事项")
    return rows[-1] if known else None


async def _move_sources(call: Call, found: list[Source], into: Entry) -> None:
    for each in await lock_all(call.session, Source, [one.id for one in found], "source", "来源"):
        each.entry_id = into.id
    await call.session.flush()


async def _take_date(case: Case, into: Entry, stated: date | None) -> None:
    """Have the other matter run to the date that was stated, else to the earlier of both."""
    session, own = case.call.session, case.entry.due
    due = stated or min((day for day in (own, into.due) if day), default=None)
    if due is None or due == into.due:
        return
    (await calendars.current(session)).require(due)
    if stated:
        entries.require_not_past(stated, case.today, case.right.clause)
    clock = StatedClock(Setter.office, due, case.occurred_at, ledger_of(case.book).clause)
    await restart(session, case.call.service.rulebooks, case.book, into, clock)


async def separate(call: Call, entry_id: str, body: Separate) -> Entry:
    """Undo a merging: the matter goes on by itself from where it stood, with the sources that were recorded for it. The date
    of the other one stays. By the roles that the rulebook names. Emits entry.separated."""
    other = await call.session.scalar(sa.select(ledger_entry.c.merged_into).where(ledger_entry.c.id == entry_id))
    into = await _both(call, entry_id, other)
    case = await courses.case_of(call, entry_id, CourseAct.separate, body.occurred_at)
    entry, merging = case.entry, next(turn for turn in reversed(case.entry.course) if turn.act == CourseAct.merge)
    assert into, "it was merged into one"
    own = sa.select(Source).where(entry_source.c.entry_id == into.id, entry_source.c.recorded_for == entry.id)
    found = list((await call.session.execute(own)).scalars())
    await _move_sources(call, found, entry)
    entry.state, entry.merged_into = merging.before or EntryState.open, None
    rows = await due_dates.kept(call.session, SUBJECT, entry.id)
    void = [row for row in rows if row.state == "cancelled" and row.met_by in tuple(DueFor) and row.due == entry.due]
    if void and entry.met_at is None:
        last = max(void, key=lambda row: (row.round, row.occurrence))
        after = (await due_dates.revive(call.session, call.service.rulebooks, last)).after
        entries.move_due(entry, after.due, after.due_at, after.provisional, call.now)
    if entry.state == EntryState.open:
        await courses.begin_acceptance(case)
    await case.reschedule()
    touch(into)
    return await case.done(EntrySeparated, body.reason)
