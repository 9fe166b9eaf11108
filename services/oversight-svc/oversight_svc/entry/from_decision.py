"""A decision's ledger entry: opened at its adoption, then following its corrections; each in its event's transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.course import course
from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import DUE_DATES, OVERDUE, SUBJECT, ledger_of, run_to
from oversight_svc.entry.entry import ACCEPTANCE, ENDED, Amendment, DueBasis, Entry, NewDue
from oversight_svc.entry.table import ledger_entry
from zhengling.backbone import timers
from zhengling.backbone.inbox import Discarded, Received
from zhengling.backbone.outbox import emit
from zhengling.database.numbering import Series, Subject, reserve, take, void
from zhengling.database.session import government_of, now
from zhengling.dates.deadlines import Setter
from zhengling.events.meeting import DecisionAdopted, DecisionAmended, DecisionRevoked, Resolution, Unit
from zhengling.events.oversight import EntryAmended, EntryOpened, EntryRevoked
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import AnyClock, Clock, StatedClock
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import DueByRule, DueFor, Ledger
from zhengling.rules.vocabulary import EntrySource


async def open_entry_for_decision(session: AsyncSession, received: Received, event: DecisionAdopted) -> Entry | None:
    """Open the ledger entry of an adopted decision: numbered, with its clause and its due date. Emits entry.opened.

    Number: the entries of one minutes are numbered in the order of their decisions, in whatever order the events arrive; the
    first that arrives reserves the numbers of the others.

    Due date: the decision's own; else by the first matching row of the rulebook's table, counted from the day of deployment
    or from the signature, as the rule says; else the office has to set it. None where the rules have no ledger, which
    minutes warn of before they are signed.
    """
    book = received.rulebooks.edition(government_of(session), event.edition)
    if not book.keeps_ledger:
        return None
    ledger, resolution = ledger_of(book), event.resolution
    assert resolution.lead, "an adopted decision has a lead unit"
    identity = str(uuid7())
    entry = Entry(
        id=identity,
        government=government_of(session),
        edition=book.edition,
        number=await take(
            session, _series(ledger, event), _subject(event.decision_id), received.actor, among=_in_order(event)
        ),
        source_kind=EntrySource.meeting_decision,
        source_id=event.decision_id,
        title=resolution.title,
        task=resolution.task,
        lead=resolution.lead,
        co_units=list(resolution.co_units),
        difficulty=resolution.difficulty,
        clause=ledger.clause,
        assigned_at=event.signed_at,
        deployed_on=entries.deployed_on(ledger, event),
        opened_at=now(session),
        due=None,
        due_at=None,
        due_basis=DueBasis.to_be_set,
        due_rule=None,
        due_clause=None,
        provisional=False,
        origin={"meeting_id": event.meeting_id, "meeting": event.meeting_title, "clause": event.meeting_clause},
        source_number=resolution.decision.number,
        topic=resolution.topic,
        minutes=event.minutes,
        category=book.category_of(EntrySource.meeting_decision),
        leader=await _leader(session, resolution.lead),
    )
    row = None if resolution.due else ledger.due_row(entries.facts_of(entry.source_kind, resolution))
    if clock := _clock(book, entry, row, resolution, event.signed_at):
        due = await due_dates.keep(session, SUBJECT, identity, clock, book)
        basis = DueBasis.rule if row else DueBasis.decision
        entries.give_due(entry, _new(NewDue(due.date, due.at, basis, provisional=due.provisional), row))
    moments = [entry.due_at] if entry.due_at else []
    if rule := course.refusal_rule(book):
        moments.append(
            (await due_dates.keep(session, SUBJECT, identity, Clock(rule, event.signed_at, ACCEPTANCE), book)).at
        )
    if moments:
        await timers.schedule(session, OVERDUE, {entry.id: min(moments)})
    session.add(entry)
    await emit(
        session,
        EntryOpened(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            source=entry.source,
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


async def void_number(session: AsyncSession, received: Received, event: DecisionAdopted, discarded: Discarded) -> None:
    """Make the number of a decision void whose event was discarded: its place in the agenda's order stays explained. Where
    its rules can't be used, a number is void only if it was reserved already."""
    book = received.rulebooks.find(government_of(session), event.edition)
    if book and book.keeps_ledger and event.adopted_in_order:
        await reserve(session, _series(ledger_of(book), event), _in_order(event), received.actor)
    await void(session, "ledger", _subject(event.decision_id), discarded.reason, discarded.by)


def _series(ledger: Ledger, event: DecisionAdopted) -> Series:
    return Series("ledger", shanghai_day(event.signed_at).year, ledger.number)


def _subject(decision_id: str) -> Subject:
    """The subject of a ledger number is the source of the entry, which is known before the entry is opened."""
    return Subject("decision", decision_id)


def _in_order(event: DecisionAdopted) -> list[Subject]:
    return [_subject(each) for each in event.adopted_in_order]


async def amend_entry(session: AsyncSession, rulebooks: Rulebooks, event: DecisionAmended) -> Entry | None:
    """Apply the corrected decision to its entry: task, units, and the due date, recomputed if it is based on a rule.
    Emits entry.amended. A closed entry keeps its data and only notes the correction. None without an entry."""
    entry = await _entry_of(session, event.decision_id)
    if entry is None:
        return None
    moment, old = now(session), entry.due
    new = NewDue(entry.due, entry.due_at, entry.due_basis, entry.due_rule, entry.due_clause, entry.provisional)
    if entry.state not in ENDED:
        new = await _new_due(session, rulebooks, entry, event)
    amendment = Amendment(event.revision, event.reason, event.changes, old, new.due, event.signed_at, moment)
    if entry.state in ENDED:
        entry.amendments = [*entry.amendments, amendment]
        return entry
    lead = entry.lead
    entries.amend(entry, event.resolution, new, amendment, moment)
    if entry.lead != lead:
        entry.leader = await _leader(session, entry.lead)
    if entry.met_at:  # it was reported as done: what is due by another date now was met as well
        for act in DueFor:
            await due_dates.meet(session, SUBJECT, entry.id, act, entry.met_at)
        entries.meet_due(entry, entry.met_at, moment)
    await due_dates.reschedule(session, DUE_DATES, entry.id)
    await emit(
        session,
        EntryAmended(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            source=entry.source,
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


async def revoke_entry(session: AsyncSession, event: DecisionRevoked) -> Entry | None:
    """End the entry of a revoked decision, with its due date and timer. Emits entry.revoked. None without an entry."""
    entry = await _entry_of(session, event.decision_id)
    if entry is None:
        return None
    moment = now(session)
    amendment = Amendment(event.revision, event.reason, (), entry.due, entry.due, event.signed_at, moment)
    if entry.state in ENDED:
        entry.amendments = [*entry.amendments, amendment]
        return entry
    entries.revoke(entry, amendment, moment)
    await due_dates.settle(session, SUBJECT, entry.id, "cancelled")
    await due_dates.reschedule(session, DUE_DATES, entry.id)
    await emit(
        session,
        EntryRevoked(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            source=entry.source,
            reason=event.reason,
            revoked_at=moment,
        ),
    )
    return entry


async def _entry_of(session: AsyncSession, decision_id: str) -> Entry | None:
    """The decision's entry, locked. The adoption precedes corrections, as both are events of the decision; it opened none
    where the rules had no ledger."""
    statement = sa.select(Entry).where(
        ledger_entry.c.source_kind == EntrySource.meeting_decision, ledger_entry.c.source_id == decision_id
    )
    return (await session.execute(statement.with_for_update())).scalar_one_or_none()


async def _new_due(session: AsyncSession, rulebooks: Rulebooks, entry: Entry, event: DecisionAmended) -> NewDue:
    """The due date under the corrected decision. A rule counts from the same day as before. What stays (a rule, the
    decision's own date) keeps its date, including extensions, and so does a decision of which nothing changed that the
    rulebook's table asks for."""
    book = rulebooks.edition(government_of(session), entry.edition)
    ledger, resolution = ledger_of(book), event.resolution
    if entry.due_rule and not resolution.due and not _asks_anew(entry, event):
        return NewDue(entry.due, entry.due_at, entry.due_basis, entry.due_rule, entry.due_clause, entry.provisional)
    basis = entries.due_after(entry, ledger, resolution)
    if basis in (DueBasis.office, DueBasis.leader):
        return NewDue(entry.due, entry.due_at, basis, provisional=entry.provisional)
    row = None if resolution.due else ledger.due_row(entries.facts_of(entry.source_kind, resolution))
    clock = _clock(book, entry, row, resolution, event.signed_at)
    return _new(await run_to(session, rulebooks, book, entry.id, clock), row)


def _asks_anew(entry: Entry, event: DecisionAmended) -> bool:
    """Whether the correction changed a fact of the rulebook's table of due dates."""
    changed = {change.field for change in event.changes}
    return entry.difficulty != event.resolution.difficulty or "set_at_year_start" in changed


def _clock(
    book: Rulebook, entry: Entry, row: DueByRule | None, resolution: Resolution, stated_at: datetime
) -> AnyClock | None:
    """The clock to the decision's own date, else by the matching row of the rulebook's table; None if neither is there."""
    if resolution.due:
        return StatedClock(Setter.decision, resolution.due, stated_at, entry.clause)
    return Clock(row.rule, entries.start_of(entry, book.deadline(row.rule)), row.met_by) if row else None


async def _leader(session: AsyncSession, lead: Unit) -> str | None:
    """The deputy in charge of the lead unit today; None if nobody is, or no composition is known yet."""
    composition = await compositions.if_loaded(session)
    return course.leader_of(composition, lead, shanghai_day(now(session))) if composition else None


def _new(due: NewDue, row: DueByRule | None) -> NewDue:
    """A due date by a row of the rulebook's table names the row's rule and clause."""
    return replace(due, rule=row.rule, clause=row.clause) if row else due
