"""Commands on ledger entries, one function each; the transaction is committed at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.course import course
from oversight_svc.entry import entry as entries
from oversight_svc.entry import overlap
from oversight_svc.entry.entry import ACCEPTANCE, ENDED, LOOK_BACK, Amendment, DueBasis, Entry, NewDue, Overlap
from oversight_svc.entry.schemas import SetDue
from oversight_svc.entry.table import ledger_entry
from oversight_svc.part.queries import parts_of
from oversight_svc.pressure import ladder
from oversight_svc.pressure.recording import LADDER, remind_to_look_back
from oversight_svc.source.queries import cited_by, cited_by_each
from oversight_svc.source.source import Source
from zhengling.backbone import timers
from zhengling.backbone.outbox import emit
from zhengling.database.session import lock, lock_all, now
from zhengling.dates.deadlines import Setter
from zhengling.events.meeting import Unit
from zhengling.events.oversight import EntryDueMoved, EntryDueSet, EntryOpened, EntryOverdue, EntryRevoked
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import AnyClock, Clock, KeptDeadline, Moved, Owner, StatedClock
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import DueByRule, DueFor, Ledger
from zhengling.rules.vocabulary import EntrySource
from zhengling.web.call import Call

SUBJECT, OVERDUE = "entry", "entry_overdue"
_MOVED = ("due", "due_at", "provisional", "overdue_at", "suspended", "look_back_since")
#: How many open matters a new one is compared with.
_COMPARED = 200
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
    await due_dates.reschedule(call.session, DUE_DATES, call.service.rulebooks, entry.id)
    await emit(
        call.session,
        EntryDueSet(
            **entries.named(entry),
            sources=await cited_by(call.session, entry.id),
            due=body.due,
            set_by=call.official or call.principal.subject,
            set_at=set_at,
        ),
    )
    await call.session.flush()
    return entry


async def open_entry(
    session: AsyncSession,
    book: Rulebook,
    entry: Entry,
    source: Source | None,
    clock: AnyClock | None,
    row: DueByRule | None,
    beside: Sequence[Clock] = (),
) -> Entry:
    """Open this entry for its source, which a part doesn't have: with its clocks, the responsible leader, the focus category that
    it has by itself, and the open matters that it is like. `row` is the rulebook's that names the clock's rule; `beside`
    are clocks that other acts meet. Emits entry.opened."""
    moments = []
    if clock:
        due = await due_dates.keep(session, SUBJECT, entry.id, clock, book)
        basis = DueBasis.rule if isinstance(clock, Clock) else DueBasis(clock.setter)
        entries.give_due(entry, _by(row, NewDue(due.date, due.at, basis, provisional=due.provisional)))
        moments.append(due.at)
    if entry.due and (begins := ladder.first(book, entry.due, await calendars.current(session))):
        moments.append(begins)
    rule = course.refusal_rule(book)
    for each in [*([Clock(rule, entry.assigned_at, ACCEPTANCE)] if rule else []), *beside]:
        moments.append((await due_dates.keep(session, SUBJECT, entry.id, each, book)).at)
    if moments:
        await timers.schedule(session, OVERDUE, {entry.id: min(moments)})
    entry.leader = await leader_of(session, entry.lead)
    entry.category = entry.category or book.category_of(EntrySource(entry.source_kind))
    entry.overlapping = [] if entry.part_of else await _overlaps(session, book, entry)
    session.add_all([entry, *([source] if source else [])])
    await emit(
        session,
        EntryOpened(
            **entries.named(entry),
            title=entry.title,
            lead=entry.lead,
            clause=entry.clause,
            due=entry.due,
            due_rule=entry.due_rule,
            opened_at=entry.opened_at,
            topic=entry.topic,
            meeting=entry.meeting,
            minutes=entry.minutes,
        ),
    )
    return entry


async def leader_of(session: AsyncSession, lead: Unit) -> str | None:
    """The deputy in charge of the lead unit today; None if nobody is, or no composition is known yet."""
    composition = await compositions.if_loaded(session)
    return course.leader_of(composition, lead, shanghai_day(now(session))) if composition else None


async def end_entry(session: AsyncSession, rulebooks: Rulebooks, entry: Entry, amendment: Amendment) -> None:
    """End an entry that nothing stands for any more, with its parts, due dates and timer. Emits entry.revoked of each."""
    moment = now(session)
    parts = [part.id for part in await parts_of(session, entry.id)]
    for part in await lock_all(session, Entry, parts, "entry", "督查事项"):
        if part.state not in ENDED:
            await end_entry(session, rulebooks, part, amendment)
    entries.revoke(entry, amendment, moment)
    await due_dates.settle(session, SUBJECT, entry.id, "cancelled")
    await due_dates.reschedule(session, DUE_DATES, rulebooks, entry.id)
    await emit(
        session,
        EntryRevoked(
            **entries.named(entry),
            reason=amendment.reason,
            revoked_at=moment,
        ),
    )


async def _overlaps(session: AsyncSession, book: Rulebook, entry: Entry) -> list[Overlap]:
    """The open matters that this one is like. Candidates are the newest of the same lead, and those of the same topic."""
    if book.supervision is None or (rule := book.supervision.overlap) is None:
        return []
    of = ledger_entry.c
    compared = sa.select(of.id, of.number, of.title, of.task, of.lead_code, of.matter).where(
        of.state.not_in(ENDED), of.part_of.is_(None)
    )
    newest = compared.order_by(of.opened_at.desc()).limit(_COMPARED)
    parts = [newest.where(of.lead_code == entry.lead.code)]
    if entry.topic:
        parts.append(newest.where(of.matter == entry.topic.id))
    with session.no_autoflush:  # those of the same poll are pending, and stand in `session.new`
        rows = await session.execute(sa.union(*(sa.select(part.subquery()) for part in parts)))
    pending = [overlap.compared(other) for other in session.new if isinstance(other, Entry) and not other.part_of]
    return overlap.overlaps(overlap.compared(entry), [*map(overlap.Compared._make, rows), *pending], rule.similar)


def clock_to(
    book: Rulebook, entry: Entry, row: DueByRule | None, due: date | None, setter: Setter, at: datetime | None = None
) -> AnyClock | None:
    """The clock to the date that was stated (`at` a moment, by default that of the assignment), else by the row of the rulebook's
    table; None without either."""
    if due:
        return StatedClock(setter, due, at or entry.assigned_at, entry.clause)
    return Clock(row.rule, entries.start_of(entry, book.deadline(row.rule)), row.met_by) if row else None


def _by(row: DueByRule | None, due: NewDue) -> NewDue:
    """A due date by a row of the rulebook's table names the row's rule and clause."""
    return replace(due, rule=row.rule, clause=row.clause) if row else due


async def run_to(
    session: AsyncSession,
    rulebooks: Rulebooks,
    book: Rulebook,
    entry_id: str,
    clock: AnyClock | None,
    row: DueByRule | None = None,
) -> NewDue:
    """Have this clock alone govern; without one, or once the result that it asks for is there, the entry's date has to be set.
    Clocks that other acts meet run on. The caller reschedules."""
    clocks = [clock] if clock else []
    rows = await due_dates.bring_under(session, rulebooks, (SUBJECT, entry_id), clocks, book, tuple(DueFor))
    if not rows or (rows[0].met_by == DueFor.result and not rows[0].open):
        return entries.TO_BE_SET
    return _by(row, NewDue(rows[0].due, rows[0].due_at, DueBasis(rows[0].basis), provisional=rows[0].provisional))


async def run_on(session: AsyncSession, rulebooks: Rulebooks, entry: Entry) -> None:
    """Have the governing clock that was met last run as if it had never stopped."""
    rows = await due_dates.kept(session, SUBJECT, entry.id)
    met = [row for row in rows if row.met_by == DueFor.completion and row.state == "met"] or [
        row for row in rows if row.met_by == DueFor.result and row.state == "met" and entry.due == row.due
    ]
    if not met:  # it had no date
        return
    last = max(met, key=lambda row: (row.met_at or entry.assigned_at, row.round))
    why = Text("returned for redo: its clock never stopped", "退回重办，期限连续计算")
    after = (await due_dates.revive(session, rulebooks, last, why)).after
    entry.suspended = after.state == "suspended"
    entries.move_due(entry, after.due, after.due_at, after.provisional, now(session))
    await due_dates.reschedule(session, DUE_DATES, rulebooks, entry.id)


async def restart(
    session: AsyncSession, rulebooks: Rulebooks, book: Rulebook, entry: Entry, clock: StatedClock
) -> None:
    """Start another round of the completion's clock, to the day that was stated."""
    again = await due_dates.start_round(session, SUBJECT, entry.id, clock, book)
    entries.give_due(entry, NewDue(again.date, again.at, DueBasis(clock.setter)))
    if now(session) < again.at:
        entry.overdue_at = None
    await due_dates.reschedule(session, DUE_DATES, rulebooks, entry.id)


async def move_due_dates(session: AsyncSession, moves: list[tuple[Entry, Moved]]) -> None:
    """Move entries to their recomputed, extended or resumed due dates. Emits entry.due_moved if the day changed."""
    moment, events = now(session), []
    for entry, _ in moves:
        if entry in session:
            session.expunge(entry)  # thousands may move at once; they are written together below
    for entry, moved in moves:
        if moved.after.met_by == LOOK_BACK and moment < moved.after.due_at:
            entry.look_back_since = None
    governing = [(entry, moved) for entry, moved in moves if moved.after.met_by in tuple(DueFor)]
    told = {entry.id for entry, moved in governing if moved.another_day and entry.due}
    cited = await cited_by_each(session, *told)
    for entry, moved in governing:
        old, entry.suspended = entry.due, moved.after.state == "suspended"
        entries.move_due(entry, moved.after.due, moved.after.due_at, moved.after.provisional, moment)
        if moved.another_day and old:
            events.append(
                EntryDueMoved(
                    **entries.named(entry),
                    sources=cited[entry.id],
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


async def note_passed(session: AsyncSession, entry: Entry, passed: list[KeptDeadline]) -> None:
    """Mark an open entry as overdue once its governing due date is past, and remind of a closed one that wasn't looked back at in
    time. Emits entry.overdue, entry.urged."""
    for row in passed:
        if row.met_by == LOOK_BACK:
            entry.look_back_since = entry.look_back_since or row.due_at
            await remind_to_look_back(session, entry, row)
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
            **entries.named(entry),
            sources=await cited_by(session, entry.id),
            due=entry.due,
            overdue_at=now(session),
        ),
    )


DUE_DATES = Owner(SUBJECT, Entry, move_due_dates, note_passed, OVERDUE, LADDER)
