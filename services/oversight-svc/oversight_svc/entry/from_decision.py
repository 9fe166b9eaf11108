"""Ledger entries follow corrections of their decisions; each in its event's transaction."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import OVERDUE, end_of, ledger_of
from oversight_svc.entry.entry import Amendment, DueBasis, Entry, EntryState, NewDue
from oversight_svc.entry.table import ledger_entry
from zhengling.backbone import timers
from zhengling.backbone.outbox import emit
from zhengling.database.session import government_of, now
from zhengling.events.meeting import DecisionAmended, DecisionRevoked
from zhengling.events.oversight import EntryAmended, EntryRevoked
from zhengling.kernel.errors import not_found
from zhengling.replicas import due_dates
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.vocabulary import EntrySource


async def amend_entry(session: AsyncSession, rulebooks: Rulebooks, event: DecisionAmended) -> Entry:
    """Apply the corrected decision to its entry: task, units, and the due date, recomputed if it is based on a rule.
    Emits entry.amended. A closed entry keeps its data and only notes the correction."""
    entry = await _entry_of(session, event.decision_id)
    moment, old = now(session), entry.due
    new = NewDue(entry.due, entry.due_at, entry.due_basis, entry.due_rule, entry.due_clause, entry.provisional)
    if entry.state == EntryState.open:
        new = await _new_due(session, rulebooks, entry, event)
    amendment = Amendment(event.revision, event.reason, event.changes, old, new.due, event.signed_at, moment)
    if entry.state != EntryState.open:
        entry.amendments = [*entry.amendments, amendment]
        return entry
    entries.amend(entry, event.resolution, new, amendment, moment)
    if entry.due_at is None:
        await timers.cancel(session, OVERDUE, entry.id)
    elif entry.overdue_at is None:
        await timers.schedule(session, OVERDUE, {entry.id: entry.due_at})
    await emit(
        session,
        EntryAmended(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            task=entry.task,
            lead=entry.lead,
            co_units=tuple(entry.co_units),
            old_due=old,
            due=entry.due,
            overdue=entry.overdue_at is not None,
            reason=event.reason,
            amended_at=moment,
        ),
    )
    return entry


async def revoke_entry(session: AsyncSession, event: DecisionRevoked) -> Entry:
    """End the entry of a revoked decision, with its due date and timer. Emits entry.revoked."""
    entry = await _entry_of(session, event.decision_id)
    moment = now(session)
    amendment = Amendment(event.revision, event.reason, (), entry.due, entry.due, event.signed_at, moment)
    if entry.state != EntryState.open:
        entry.amendments = [*entry.amendments, amendment]
        return entry
    entries.revoke(entry, amendment, moment)
    await due_dates.settle(session, "entry", entry.id, "cancelled")
    await timers.cancel(session, OVERDUE, entry.id)
    await emit(
        session,
        EntryRevoked(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            reason=event.reason,
            revoked_at=moment,
        ),
    )
    return entry


async def _entry_of(session: AsyncSession, decision_id: str) -> Entry:
    """The decision's entry, locked. It exists, since the adoption precedes corrections: both are events of the
    decision."""
    statement = sa.select(Entry).where(
        ledger_entry.c.source_kind == EntrySource.meeting_decision, ledger_entry.c.source_id == decision_id
    )
    if entry := (await session.execute(statement.with_for_update())).scalar_one_or_none():
        return entry
    raise not_found("entry", "督查事项", decision_id)


async def _new_due(session: AsyncSession, rulebooks: Rulebooks, entry: Entry, event: DecisionAmended) -> NewDue:
    """The due date under the corrected decision. A rule counts from the day the matter was assigned, as before; an
    unchanged rule keeps its date, including extensions."""
    book = rulebooks.edition(government_of(session), entry.edition)
    ledger = ledger_of(book)
    basis = entries.due_after(entry, ledger, event.resolution)
    row = ledger.due_row({"source": entry.source_kind, "difficulty": event.resolution.difficulty})
    rule = row.rule if row and basis == DueBasis.rule else None
    if entry.due_rule and entry.due_rule != rule:
        await due_dates.settle(session, "entry", entry.id, "cancelled", entry.due_rule)
    if basis == DueBasis.decision:
        assert event.resolution.due
        return NewDue(event.resolution.due, end_of(event.resolution.due), basis)
    if rule and row:
        if entry.due_rule == rule:
            return NewDue(entry.due, entry.due_at, basis, rule, row.clause, entry.provisional)
        return await _by_rule(session, rulebooks, book, entry, rule, row.clause)
    if basis == DueBasis.office:
        return NewDue(entry.due, entry.due_at, basis)
    return NewDue(None, None, basis)


async def _by_rule(
    session: AsyncSession, rulebooks: Rulebooks, book: Rulebook, entry: Entry, rule: str, clause: str
) -> NewDue:
    before = {kept.rule for kept in await due_dates.kept(session, "entry", entry.id)}
    if rule in before:  # the rule applied earlier, and an earlier correction cancelled it
        after = (await due_dates.revive(session, rulebooks, ("entry", entry.id, rule))).after
        return NewDue(after.due, after.due_at, DueBasis.rule, rule, clause, after.provisional)
    due = await due_dates.keep(session, "entry", entry.id, rule, book, entry.assigned_at)
    return NewDue(due.date, due.at, DueBasis.rule, rule, clause, due.provisional)
