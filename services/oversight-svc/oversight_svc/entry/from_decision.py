"""A decision's ledger entry: opened at its adoption, then following its corrections; each in its event's transaction."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.entry import entry as entries
from oversight_svc.entry import following
from oversight_svc.entry.commands import (
    clock_to,
    ledger_of,
    open_entry,
)
from oversight_svc.entry.entry import Entry
from oversight_svc.entry.following import Correction
from oversight_svc.source.source import Source
from zhengling.backbone.inbox import Discarded, Received
from zhengling.database.numbering import Series, Subject, reserve, take, void
from zhengling.database.session import government_of, now
from zhengling.dates.deadlines import Setter
from zhengling.events.meeting import DecisionAdopted, DecisionAmended, DecisionRevoked
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.loading import Rulebooks
from zhengling.rules.supervision import Ledger
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
    entries.weigh(entry, book.supervision, resolution)
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
    """Apply the corrected decision to its entry. None without one: the rules had no ledger."""
    said = Correction(event.resolution, event.revision, event.reason, event.changes, event.signed_at, Setter.decision)
    return await following.amend(session, rulebooks, (EntrySource.meeting_decision, event.decision_id), said)


async def revoke_entry(session: AsyncSession, rulebooks: Rulebooks, event: DecisionRevoked) -> Entry | None:
    """End the source that was revoked, and the entry that nothing else stands for. None without an entry."""
    key = (EntrySource.meeting_decision, event.decision_id)
    return await following.revoke(session, rulebooks, key, event.revision, event.reason, event.signed_at)
