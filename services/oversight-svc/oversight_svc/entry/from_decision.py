"""A decision's ledger entry: opened at its adoption, then following its corrections; each in its event's transaction."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import (
    DUE_DATES,
    SUBJECT,
    clock_to,
    end_entry,
    leader_of,
    ledger_of,
    open_entry,
    run_to,
)
from oversight_svc.entry.entry import ENDED, Amendment, DueBasis, Entry, NewDue
from oversight_svc.part.commands import follow_date
from oversight_svc.source import source as sources
from oversight_svc.source.queries import cited_by
from oversight_svc.source.source import Source, Standing
from oversight_svc.source.table import entry_source
from zhengling.backbone.inbox import Discarded, Received
from zhengling.backbone.outbox import emit
from zhengling.database.numbering import Series, Subject, reserve, take, void
from zhengling.database.session import government_of, lock, now
from zhengling.dates.deadlines import Setter
from zhengling.events.meeting import DecisionAdopted, DecisionAmended, DecisionRevoked
from zhengling.events.oversight import EntryAmended
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import due_dates
from zhengling.rules.loading import Rulebooks
from zhengling.rules.supervision import DueFor, Ledger
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
    )
    source = Source(
        id=str(uuid7()),
        government=entry.government,
        entry_id=identity,
        recorded_for=identity,
        kind=EntrySource.meeting_decision,
        reference=entry.source,
        ref_id=event.decision_id,
        title=resolution.title,
        paper="",
        dated=entry.deployed_on,
        added_by=received.actor,
        added_at=entry.opened_at,
    )
    row = entries.row_for(ledger, entry, resolution)
    clock = clock_to(book, entry, row, resolution.due, Setter.decision)
    return await open_entry(session, book, entry, source, clock, row)


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
    """Apply the corrected decision to its entry: task, units, and the due date, recomputed if it is based on a rule. Emits
    entry.amended. A closed entry, and one into which the decision's was merged, keep their data and only note the
    correction. None without an entry."""
    found = await _found(session, event.decision_id)
    if found is None:
        return None
    (entry, _), moment, old = found, now(session), found[0].due
    new = NewDue(entry.due, entry.due_at, entry.due_basis, entry.due_rule, entry.due_clause, entry.provisional)
    merged = entry.source_id != event.decision_id  # into another matter, whose own source says what is to be done
    if entry.state not in ENDED and not merged:
        new = await _new_due(session, rulebooks, entry, event)
    amendment = Amendment(event.revision, event.reason, event.changes, old, new.due, event.signed_at, moment)
    if entry.state in ENDED or merged:
        entry.amendments = [*entry.amendments, amendment]
        return entry
    lead = entry.lead
    entries.amend(entry, event.resolution, new, amendment, moment)
    if entry.lead != lead:
        entry.leader = await leader_of(session, entry.lead)
    if entry.met_at:  # it was reported as done: what is due by another date now was met as well
        for act in DueFor:
            await due_dates.meet(session, SUBJECT, entry.id, act, entry.met_at)
        entries.meet_due(entry, entry.met_at, moment)
    await due_dates.reschedule(session, DUE_DATES, rulebooks, entry.id)
    why = Text(f"the matter's date was corrected: {event.reason}", f"督查事项时限更正：{event.reason}")
    await follow_date(session, rulebooks, entry, old, why)
    await emit(
        session,
        EntryAmended(
            **entries.named(entry),
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


async def revoke_entry(session: AsyncSession, rulebooks: Rulebooks, event: DecisionRevoked) -> Entry | None:
    """End the source that was revoked. An entry with no other source that stands ends with it, with its due date and timer:
    then emits entry.revoked. A closed entry stays closed. None without an entry."""
    found = await _found(session, event.decision_id)
    if found is None:
        return None
    (entry, source), moment = found, now(session)
    if source.standing == Standing.standing:
        sources.end(source, Standing.revoked, event.reason, moment)
    amendment = Amendment(event.revision, event.reason, (), entry.due, entry.due, event.signed_at, moment)
    if entry.state in ENDED or await cited_by(session, entry.id):
        entry.amendments = [*entry.amendments, amendment]
        return entry
    await end_entry(session, rulebooks, entry, amendment)
    return entry


async def _found(session: AsyncSession, decision_id: str) -> tuple[Entry, Source] | None:
    """The decision's entry and source, locked: the entry into which it was merged, if it was. The adoption precedes
    corrections, as both are events of the decision; it opened none where the rules had no ledger."""
    found = await _locked(session, decision_id)
    while found and found[1].entry_id != found[0].id:  # it was merged, or separated, before its entry was locked
        found = await _locked(session, decision_id)
    return found


async def _locked(session: AsyncSession, decision_id: str) -> tuple[Entry, Source] | None:
    statement = sa.select(Source).where(
        entry_source.c.kind == EntrySource.meeting_decision, entry_source.c.ref_id == decision_id
    )
    if (source := (await session.execute(statement)).scalar_one_or_none()) is None:
        return None
    entry = await lock(session, Entry, source.entry_id, "entry", "督查事项")
    return entry, await lock(session, Source, source.id, "source", "来源")


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
    row = entries.row_for(ledger, entry, resolution)
    clock = clock_to(book, entry, row, resolution.due, Setter.decision, event.signed_at)
    return await run_to(session, rulebooks, book, entry.id, clock, row)


def _asks_anew(entry: Entry, event: DecisionAmended) -> bool:
    """Whether the correction changed a fact of the rulebook's table of due dates."""
    changed = {change.field for change in event.changes}
    return entry.difficulty != event.resolution.difficulty or "set_at_year_start" in changed
