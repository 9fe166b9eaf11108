"""Commands on ledger entries, one function each; the transaction is committed at the edge."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.entry import entry as entries
from oversight_svc.entry.entry import DueBasis, Entry, NewDue
from oversight_svc.entry.schemas import SetDue
from oversight_svc.entry.table import ledger_entry
from zhengling.backbone.outbox import emit
from zhengling.database.session import lock, now
from zhengling.dates.deadlines import Setter
from zhengling.events.oversight import EntryDueMoved, EntryDueSet, EntryOverdue
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import AnyClock, KeptDeadline, Moved, Owner, StatedClock
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import DueFor, Ledger
from zhengling.web.call import Call

SUBJECT, OVERDUE = "entry", "entry_overdue"
_MOVED = ("due", "due_at", "provisional", "overdue_at", "suspended")
_MOVE_DUE = (
    ledger_entry.update()
    .where(ledger_entry.c.id == sa.bindparam("key"))
    .values({name: sa.bindparam(name) for name in _MOVED})
    .values(version=ledger_entry.c.version + 1)
)


def ledger_of(book: Rulebook) -> Ledger:
    if book.supervision:
        return book.supervision.ledger
    raise Problem(
        409,
        "no_ledger_rules",
        Text(f"{book.code} has no supervision.yaml", f"{book.government.name}没有督查规则"),
        Text("add the section supervision to its rulebook", "请在规则库中补充督查章节"),
    )


async def set_due(call: Call, entry_id: str, body: SetDue) -> Entry:
    """Set the due date of an entry without one. By the roles that the rulebook names (the office). Emits
    entry.due_set."""
    entry = await lock(call.session, Entry, entry_id, "entry", "督查事项")
    call.check_version(entry.version)
    book = call.service.rulebooks.edition(call.government, entry.edition)
    ledger, composition = ledger_of(book), await compositions.current(call.session)
    set_at = call.occurred(body.occurred_at)
    (await calendars.current(call.session)).require(body.due)
    entries.require_settable(entry, ledger, composition, call.official, body.due, shanghai_day(call.now))
    clock = StatedClock(Setter.office, body.due, set_at, ledger.clause)
    entries.give_due(entry, await run_to(call.session, call.service.rulebooks, book, entry.id, clock))
    await due_dates.reschedule(call.session, DUE_DATES, entry.id)
    await emit(
        call.session,
        EntryDueSet(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            source=entry.source,
            due=body.due,
            set_by=call.official or call.principal.subject,
            set_at=set_at,
        ),
    )
    await call.session.flush()
    return entry


async def run_to(
    session: AsyncSession, rulebooks: Rulebooks, book: Rulebook, entry_id: str, clock: AnyClock | None
) -> NewDue:
    """Have this clock alone govern; without one, or once the result that it asks for is there, the entry's date has to be set.
    Clocks that other acts meet run on. The caller reschedules."""
    clocks = [clock] if clock else []
    rows = await due_dates.bring_under(session, rulebooks, (SUBJECT, entry_id), clocks, book, tuple(DueFor))
    if not rows or (rows[0].met_by == DueFor.result and not rows[0].open):
        return entries.TO_BE_SET
    return NewDue(rows[0].due, rows[0].due_at, DueBasis(rows[0].basis), provisional=rows[0].provisional)


async def move_due_dates(session: AsyncSession, moves: list[tuple[Entry, Moved]]) -> None:
    """Move entries to their recomputed, extended or resumed due dates. Emits entry.due_moved if the day changed."""
    moment, events = now(session), []
    for entry, moved in moves:
        if entry in session:
            session.expunge(entry)  # thousands may move at once; they are written together below
        if moved.after.met_by not in tuple(DueFor):
            continue
        old, entry.suspended = entry.due, moved.after.state == "suspended"
        entries.move_due(entry, moved.after.due, moved.after.due_at, moved.after.provisional, moment)
        if moved.another_day and old:
            events.append(
                EntryDueMoved(
                    entry_id=entry.id,
                    number=entry.number,
                    source_kind=entry.source_kind,
                    source_id=entry.source_id,
                    source=entry.source,
                    old_due=old,
                    due=moved.after.due,
                    provisional=moved.after.provisional,
                    overdue=entry.overdue_at is not None,
                    why_en=moved.why.en,
                    why_zh=moved.why.zh,
                    moved_at=moment,
                )
            )
    written = [{"key": entry.id} | {name: getattr(entry, name) for name in _MOVED} for entry, _ in moves]
    await session.execute(_MOVE_DUE, written)
    await emit(session, *events)


async def mark_overdue(session: AsyncSession, entry: Entry, passed: list[KeptDeadline]) -> None:
    """Mark an open entry as overdue once its governing due date is past. Emits entry.overdue."""
    if passed and all(row.met_by not in tuple(DueFor) for row in passed):
        return
    if entries.fall_overdue(entry, now(session)):
        await announce_overdue(session, entry)


async def announce_overdue(session: AsyncSession, entry: Entry) -> None:
    """Emit entry.overdue of an entry that was marked now."""
    assert entry.due
    await emit(
        session,
        EntryOverdue(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            source=entry.source,
            due=entry.due,
            overdue_at=now(session),
        ),
    )


DUE_DATES = Owner(SUBJECT, Entry, move_due_dates, mark_overdue, OVERDUE)
