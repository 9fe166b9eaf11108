"""A leader's instruction (批示) in the ledger: it opens a matter, or follows up the one on whose report it was written, and is
followed itself; each in its event's transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.course.commands import begin_again, tell
from oversight_svc.course.course import add_turn, feedback_row
from oversight_svc.entry import entry as entries
from oversight_svc.entry import following
from oversight_svc.entry.commands import DUE_DATES, SUBJECT, clock_to, ledger_of, open_entry, restart, run_on
from oversight_svc.entry.entry import ENDED, FEEDBACK, FETCHING, Entry, EntryState, Turn
from oversight_svc.entry.following import Correction
from oversight_svc.entry.table import ledger_entry
from oversight_svc.source import source as sources
from oversight_svc.source.queries import sources_of
from oversight_svc.source.source import Source
from zhengling.backbone.inbox import Received
from zhengling.database.numbering import Series, Subject, take
from zhengling.database.session import government_of, lock, now
from zhengling.dates.deadlines import Anchor, Setter
from zhengling.events.docflow import (
    InstructionAmended,
    InstructionGiven,
    InstructionResultSeen,
    InstructionWithdrawn,
    Signer,
)
from zhengling.events.oversight import EntryAcknowledged, EntryFollowedUp
from zhengling.events.reference import Reference
from zhengling.kernel.bounds import appended
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import Clock, StatedClock
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import CourseAct
from zhengling.rules.vocabulary import EntrySource, InstructionKind

KIND = EntrySource.instruction


async def open_or_follow_up(session: AsyncSession, received: Received, event: InstructionGiven) -> Entry | None:
    """Open the matter of an instruction that asks for a result, or go on with the one on whose report it was written. None for
    one that only takes note, and where the rules have no ledger."""
    book = received.rulebooks.edition(government_of(session), event.edition)
    if not event.asks_result or not book.keeps_ledger:
        return None
    if event.follows and (entry := await _followed(session, event.follows.id)):
        return await _follow_up(session, received, event, entry)
    return await _open(session, received, book, event)


async def _followed(session: AsyncSession, entry_id: str) -> Entry | None:
    """The matter that goes on, locked: the one into which it was merged, if it was; None of one that was revoked."""
    goes_on = sa.func.coalesce(ledger_entry.c.merged_into, ledger_entry.c.id)
    found = await session.scalar(sa.select(goes_on).where(ledger_entry.c.id == entry_id))
    entry = await lock(session, Entry, found or entry_id, "entry", "督查事项")
    if entry.merged_into:  # since it was found
        return await _followed(session, entry.merged_into)
    return None if entry.state == EntryState.revoked else entry


async def _open(session: AsyncSession, received: Received, book: Rulebook, event: InstructionGiven) -> Entry:
    """Open the matter: due as the leader said, else by the rulebook's table from the day of the instruction. Beside that runs
    the clock of the feedback (ST-64), and of the fetching (XG-45). Emits entry.opened."""
    ledger, said = ledger_of(book), event.instruction
    identity, day = str(uuid7()), shanghai_day(event.given_at)
    source = _source(session, received.actor, event, identity)
    entry = Entry(
        id=identity,
        government=source.government,
        edition=book.edition,
        number=await take(
            session,
            Series("ledger", day.year, ledger.number),
            Subject("instruction", event.instruction_id),
            received.actor,
        ),
        source_kind=KIND,
        source_id=event.instruction_id,
        title=said.title,
        task=said.task,
        lead=said.lead,
        co_units=list(said.co_units),
        difficulty=said.difficulty,
        clause=ledger.clause,
        assigned_at=event.noticed_at,
        deployed_on=day if ledger.deployment else None,
        opened_at=now(session),
        origin={"text": said.text, "leader": event.given_by.name},
        source_number=event.paper.number if event.paper else None,
    )
    entries.weigh(entry, book.supervision, said)
    row = entries.row_for(ledger, entry, said)
    clock = clock_to(book, entry, row, said.due, Setter.leader)
    fetch = book.supervision.instructions.fetch if book.supervision and book.supervision.instructions else None
    beside = [Clock(fetch, event.noticed_at, FETCHING)] if fetch else []
    return await open_entry(session, book, entry, source, clock, row, [*beside, *_feedback(book, event)])


def _feedback(book: Rulebook, event: InstructionGiven) -> list[Clock]:
    """The clock of the feedback, where it counts from the instruction. One that counts from the receipt starts there."""
    row = feedback_row(book, event.instruction.kind)
    if row is None or book.deadline(row.rule).of != Anchor.instruction:
        return []
    return [Clock(row.rule, event.given_at, FEEDBACK)]


def _source(session: AsyncSession, actor: str, event: InstructionGiven, entry_id: str) -> Source:
    return Source(
        id=str(uuid7()),
        government=government_of(session),
        entry_id=entry_id,
        recorded_for=entry_id,
        kind=KIND,
        reference=Reference(
            service="docflow",
            noun="instruction",
            id=event.instruction_id,
            number=event.paper.number if event.paper else None,
        ),
        ref_id=event.instruction_id,
        title=event.instruction.title,
        paper=event.paper.number or "" if event.paper else "",
        dated=shanghai_day(event.given_at),
        added_by=actor,
        added_at=now(session),
        given_by=event.given_by.official,
        giver=event.given_by.name,
        handling=event.instruction.kind,
    )


async def _follow_up(session: AsyncSession, received: Received, event: InstructionGiven, entry: Entry) -> Entry:
    """Go on with the matter under its number: what was reported isn't the end, and the leader's date holds, else the clock that
    never stopped; a closed matter without one gets its date from the office. Emits entry.followed_up."""
    rulebooks, said, before = received.rulebooks, event.instruction, EntryState(entry.state)
    book = rulebooks.edition(government_of(session), entry.edition)
    held = await sources_of(session, entry.id)
    source = _source(session, received.actor, event, entry.id)
    appended(held, source, bound=sources.SOURCES)
    await begin_again(session, entry)
    if before in (EntryState.reported, EntryState.verified, EntryState.closed):
        entry.state = EntryState.accepted
    if said.due:
        clock = StatedClock(Setter.leader, said.due, event.given_at, entry.clause)
        await restart(session, rulebooks, book, entry, clock)
    elif before == EntryState.closed:
        entries.give_due(entry, entries.TO_BE_SET)
        entry.overdue_at = None
    else:
        await run_on(session, rulebooks, entry)
    for each in _feedback(book, event):
        await due_dates.start_round(session, SUBJECT, entry.id, each, book)
    await due_dates.reschedule(session, DUE_DATES, rulebooks, entry.id)
    session.add(source)
    await session.flush()
    made = _turn(entry, CourseAct.follow_up, event.given_by, said.text, (event.given_at, now(session)))
    add_turn(entry, before, replace(made, due=said.due, document=source.paper))
    fields = {"instruction": source.cited, "reopened": before == EntryState.closed}
    await tell(session, entry, EntryFollowedUp, fields)
    return entry


def _turn(entry: Entry, act: CourseAct, leader: Signer, text: str, at: tuple[datetime, datetime]) -> Turn:
    occurred_at, recorded_at = at
    official = leader.official or leader.name
    return Turn(act, EntryState(entry.state), official, None, text, occurred_at, recorded_at, unit=entry.lead)


async def amend_entry(session: AsyncSession, rulebooks: Rulebooks, event: InstructionAmended) -> Entry | None:
    """Apply the changed instruction to its matter; another kind of handling has another clock of feedback. None without one."""
    said = event.instruction
    made = Correction(said, event.revision, event.reason, event.changes, event.amended_at, Setter.leader)
    if (found := await following.found_for(session, (KIND, event.instruction_id))) is None:
        return None
    entry, source = found
    if source.handling != said.kind:
        source.handling = said.kind
        if entry.state not in ENDED:
            await _change_feedback(session, rulebooks, entry, said.kind)
    return await following.amend(session, rulebooks, (KIND, event.instruction_id), made)


async def _change_feedback(session: AsyncSession, rulebooks: Rulebooks, entry: Entry, kind: InstructionKind) -> None:
    """Have the feedback's clock, where it has begun, run by the rule of this kind from where it started."""
    book = rulebooks.edition(government_of(session), entry.edition)
    row = feedback_row(book, kind)
    begun = [row.counted_from for row in await due_dates.kept(session, SUBJECT, entry.id) if row.met_by == FEEDBACK]
    if row and begun:
        clock = Clock(row.rule, begun[-1], FEEDBACK)
        await due_dates.bring_under(session, rulebooks, (SUBJECT, entry.id), [clock], book, (FEEDBACK,))
        await due_dates.reschedule(session, DUE_DATES, rulebooks, entry.id)


async def withdraw(session: AsyncSession, rulebooks: Rulebooks, event: InstructionWithdrawn) -> Entry | None:
    """End the source that was withdrawn, and the matter that nothing else stands for. None without one."""
    key = (KIND, event.instruction_id)
    return await following.revoke(session, rulebooks, key, event.revision, event.reason, event.withdrawn_at)


async def note_seen(session: AsyncSession, event: InstructionResultSeen) -> Entry | None:
    """The leader saw the result of a matter that was reported as done. None where there is none to be seen. Emits
    entry.acknowledged."""
    found = await following.found_for(session, (KIND, event.instruction_id))
    if found is None or found[0].state not in (EntryState.reported, EntryState.verified) or found[1].seen_at:
        return None
    entry, source = found
    source.seen_at = event.seen_at
    made = _turn(entry, CourseAct.acknowledge, event.seen_by, event.text, (event.seen_at, now(session)))
    add_turn(entry, EntryState(entry.state), made)
    await tell(session, entry, EntryAcknowledged)
    return entry
