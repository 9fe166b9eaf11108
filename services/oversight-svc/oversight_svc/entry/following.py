"""How a matter follows what it comes from, when that is corrected or revoked; each in its event's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import (
    DUE_DATES,
    SUBJECT,
    announce_overdue,
    clock_to,
    end_entry,
    leader_of,
    ledger_of,
    run_to,
)
from oversight_svc.entry.entry import ENDED, Amendment, DueBasis, Entry, NewDue, Said
from oversight_svc.part.commands import follow_date
from oversight_svc.source import source as sources
from oversight_svc.source.queries import cited_by
from oversight_svc.source.source import Source, Standing
from oversight_svc.source.table import entry_source
from zhengling.backbone.outbox import emit
from zhengling.database.session import government_of, lock, now
from zhengling.dates.deadlines import Setter
from zhengling.events.meeting import ResolutionChange
from zhengling.events.oversight import EntryAmended
from zhengling.kernel.errors import Text
from zhengling.replicas import due_dates
from zhengling.rules.loading import Rulebooks
from zhengling.rules.supervision import DueFor
from zhengling.rules.vocabulary import EntrySource

#: What a source is in the service that it comes from: its kind and id.
Key = tuple[EntrySource, str]


@dataclass(frozen=True)
class Correction:
    """What a source says since it was corrected, and what changed. `setter` is who states its date."""

    said: Said
    revision: int
    reason: str
    changes: tuple[ResolutionChange, ...]
    at: datetime
    setter: Setter


async def amend(session: AsyncSession, rulebooks: Rulebooks, key: Key, made: Correction) -> Entry | None:
    """Apply a correction to the entry of its source: task, units, and the due date, recomputed if it is based on a rule. Emits
    entry.amended, and entry.overdue if a matter that was reported in time is late by the new date. A closed entry, and one into
    which the source's was merged, keep their data and only note the correction. None without an entry."""
    found = await found_for(session, key)
    if found is None:
        return None
    (entry, _), moment, old = found, now(session), found[0].due
    new = NewDue(entry.due, entry.due_at, entry.due_basis, entry.due_rule, entry.due_clause, entry.provisional)
    merged = entry.source_id != key[1]  # into another matter, whose own source says what is to be done
    if entry.state not in ENDED and not merged:
        new = await _new_due(session, rulebooks, entry, made)
        if _asks_anew(entry, made):
            book = rulebooks.edition(government_of(session), entry.edition)
            entries.weigh(entry, book.supervision, made.said)
    amendment = Amendment(made.revision, made.reason, made.changes, old, new.due, made.at, moment)
    if entry.state in ENDED or merged:
        entry.amendments = [*entry.amendments, amendment]
        return entry
    lead = entry.lead
    entries.amend(entry, made.said, new, amendment, moment)
    if entry.lead != lead:
        entry.leader = await leader_of(session, entry.lead)
    late_now = False
    if entry.met_at:  # it was reported as done: what is due by another date now was met as well
        for act in DueFor:
            await due_dates.meet(session, SUBJECT, entry.id, act, entry.met_at)
        late_now = entries.meet_due(entry, entry.met_at, moment)
    await due_dates.reschedule(session, DUE_DATES, rulebooks, entry.id)
    why = Text(f"the matter's date was corrected: {made.reason}", f"督查事项时限更正：{made.reason}")
    await follow_date(session, rulebooks, entry, old, why)
    await emit(
        session,
        EntryAmended(
            **entries.named(entry),
            sources=await cited_by(session, entry.id),
            task=entry.task,
            lead=entry.lead,
            co_units=tuple(entry.co_units),
            old_due=old,
            due=entry.due,
            overdue=entry.overdue_at is not None,
            reason=made.reason,
            amended_at=moment,
        ),
    )
    if late_now:
        await announce_overdue(session, entry)
    return entry


async def revoke(
    session: AsyncSession, rulebooks: Rulebooks, key: Key, revision: int, reason: str, at: datetime
) -> Entry | None:
    """End the source that was revoked. An entry with no other source that stands ends with it, with its due date and timer:
    then emits entry.revoked. A closed entry stays closed. None without an entry."""
    found = await found_for(session, key)
    if found is None:
        return None
    (entry, source), moment = found, now(session)
    if source.standing == Standing.standing:
        sources.end(source, Standing.revoked, reason, moment)
    amendment = Amendment(revision, reason, (), entry.due, entry.due, at, moment)
    if entry.state in ENDED or await cited_by(session, entry.id):
        entry.amendments = [*entry.amendments, amendment]
        return entry
    await end_entry(session, rulebooks, entry, amendment)
    return entry


async def found_for(session: AsyncSession, key: Key) -> tuple[Entry, Source] | None:
    """The source and its entry, locked: the one into which it was merged, if it was. What opened it precedes corrections, as
    both are events of one aggregate; it opened none where the rules had no ledger."""
    found = await _locked(session, key)
    while found and found[1].entry_id != found[0].id:  # it was merged, or separated, before its entry was locked
        found = await _locked(session, key)
    return found


async def _locked(session: AsyncSession, key: Key) -> tuple[Entry, Source] | None:
    statement = sa.select(Source).where(entry_source.c.kind == key[0], entry_source.c.ref_id == key[1])
    if (source := (await session.execute(statement)).scalar_one_or_none()) is None:
        return None
    entry = await lock(session, Entry, source.entry_id, "entry", "督查事项")
    return entry, await lock(session, Source, source.id, "source", "来源")


async def _new_due(session: AsyncSession, rulebooks: Rulebooks, entry: Entry, made: Correction) -> NewDue:
    """The due date after the correction. A rule counts from the same day as before. What stays (a rule, the
    decision's own date) keeps its date, including extensions, and so does a source of which nothing changed that the
    rulebook's table asks for."""
    book = rulebooks.edition(government_of(session), entry.edition)
    ledger, said = ledger_of(book), made.said
    if entry.due_rule and not said.due and not _asks_anew(entry, made):
        return NewDue(entry.due, entry.due_at, entry.due_basis, entry.due_rule, entry.due_clause, entry.provisional)
    basis = entries.due_after(entry, ledger, said, made.setter)
    if said.due is None and basis in (DueBasis.office, DueBasis.leader):
        return NewDue(entry.due, entry.due_at, basis, provisional=entry.provisional)
    row = entries.row_for(ledger, entry, said)
    clock = clock_to(book, entry, row, said.due, made.setter, made.at)
    return await run_to(session, rulebooks, book, entry.id, clock, row)


def _asks_anew(entry: Entry, made: Correction) -> bool:
    """Whether the correction changed a fact of the rulebook's tables of due dates and weights."""
    changed = {change.field for change in made.changes}
    return entry.difficulty != made.said.difficulty or "set_at_year_start" in changed
