"""Handlers of other services' events: the status of each decision in the ledger."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from meeting_svc.decision import commands
from meeting_svc.decision.decision import Standing
from meeting_svc.meeting_plan import commands as yearly_plan_commands
from zhengling.backbone import reconciliation
from zhengling.backbone.inbox import Handlers, Received, ignored
from zhengling.events.calendar import WorkdaysChanged
from zhengling.events.docflow import (
    DocflowDeadlinesRecomputed,
    DocumentAmended,
    DocumentDrafted,
    DocumentDueMoved,
    DocumentWithdrawn,
    InstructionAmended,
    InstructionGiven,
    InstructionResultSeen,
    InstructionWithdrawn,
)
from zhengling.events.event import Event
from zhengling.events.oversight import (
    CourseTurn,
    EntryAccepted,
    EntryAcknowledged,
    EntryAmended,
    EntryCarriedOver,
    EntryClosed,
    EntryDivided,
    EntryDueMoved,
    EntryDueSet,
    EntryExplained,
    EntryFollowedUp,
    EntryLookedBack,
    EntryMerged,
    EntryOpened,
    EntryOverdue,
    EntryProgressed,
    EntryRefused,
    EntryReopened,
    EntryReported,
    EntryReturned,
    EntryRevoked,
    EntrySeparated,
    EntrySucceeded,
    EntryTransferred,
    EntryUrged,
    EntryVerified,
    NoticeAnswered,
    NoticeOverdue,
    NoticeRequested,
    OversightDeadlinesRecomputed,
    ProposalDecided,
    ProposalMade,
)
from zhengling.replicas import composition, recomputation
from zhengling.replicas.due_dates import Owners


async def on_entry_opened(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryOpened)
    await commands.note_standing(
        session, event, standing=Standing.in_ledger, ledger_number=event.number, ledger_due=event.due
    )


async def on_entry_due_set(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryDueSet)
    await commands.note_standing(session, event, ledger_due=event.due)


async def on_entry_due_moved(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryDueMoved)
    standing = Standing.overdue if event.overdue else Standing.in_ledger
    await commands.note_standing(session, event, standing=standing, ledger_due=event.due)


async def on_entry_overdue(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryOverdue)
    await commands.note_standing(session, event, standing=Standing.overdue)


async def on_entry_amended(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryAmended)
    standing = Standing.overdue if event.overdue else Standing.in_ledger
    await commands.note_standing(session, event, standing=standing, ledger_due=event.due)


async def on_entry_revoked(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryRevoked)
    await commands.note_standing(session, event, standing=Standing.revoked)


async def on_entry_turn(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, CourseTurn)
    await commands.note_course(session, event)


async def on_document_drafted(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, DocumentDrafted)
    await commands.note_document(session, event)


HANDLERS: Handlers = {
    EntryOpened: on_entry_opened,
    EntryDueSet: on_entry_due_set,
    EntryDueMoved: on_entry_due_moved,
    EntryOverdue: on_entry_overdue,
    EntryAmended: on_entry_amended,
    EntryRevoked: on_entry_revoked,
    EntryAccepted: on_entry_turn,
    EntryRefused: on_entry_turn,
    EntryTransferred: on_entry_turn,
    EntryProgressed: on_entry_turn,
    EntryExplained: on_entry_turn,
    EntryReported: on_entry_turn,
    EntryVerified: on_entry_turn,
    EntryReturned: on_entry_turn,
    EntryClosed: on_entry_turn,
    EntryLookedBack: on_entry_turn,
    EntryReopened: on_entry_turn,
    EntryMerged: on_entry_turn,
    EntrySeparated: on_entry_turn,
    EntryDivided: on_entry_turn,
    EntryAcknowledged: on_entry_turn,
    EntryFollowedUp: on_entry_turn,
    EntrySucceeded: on_entry_turn,
    EntryCarriedOver: ignored,  # it stands as it stood
    EntryUrged: ignored,
    ProposalMade: ignored,
    ProposalDecided: ignored,
    NoticeRequested: ignored,
    NoticeAnswered: ignored,
    NoticeOverdue: ignored,
    DocumentAmended: ignored,
    DocumentWithdrawn: ignored,
    DocumentDrafted: on_document_drafted,
    DocumentDueMoved: ignored,
    InstructionAmended: ignored,
    InstructionGiven: ignored,
    InstructionResultSeen: ignored,
    InstructionWithdrawn: ignored,
    DocflowDeadlinesRecomputed: ignored,
    OversightDeadlinesRecomputed: ignored,
    WorkdaysChanged: recomputation.on_workdays_changed,
    **composition.ABSENCES,
    **reconciliation.HANDLERS,
}
DUE_DATES: Owners = (yearly_plan_commands.DUE_DATES,)
