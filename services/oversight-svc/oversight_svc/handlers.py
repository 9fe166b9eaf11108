"""Handlers of other services' events: a decision of signed minutes, and a leader's instruction, becomes a ledger entry."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.entry import commands, from_decision, from_instruction
from oversight_svc.notice import commands as notice_commands
from zhengling.backbone import reconciliation
from zhengling.backbone.inbox import Discarded, Discards, Handlers, Received, ignored
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
from zhengling.events.meeting import (
    CompositionChanged,
    DecisionAdopted,
    DecisionAmended,
    DecisionReplaced,
    DecisionRevoked,
    MeetingClosed,
    MeetingDeadlinesRecomputed,
    MinutesSigned,
)
from zhengling.replicas import composition, recomputation
from zhengling.replicas.due_dates import Owners


async def on_decision_adopted(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, DecisionAdopted)
    await from_decision.open_entry_for_decision(session, received, event)


async def on_decision_amended(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, DecisionAmended)
    await from_decision.amend_entry(session, received.rulebooks, event)


async def on_decision_revoked(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, DecisionRevoked)
    await from_decision.revoke_entry(session, received.rulebooks, event)


async def on_decision_adopted_discarded(
    session: AsyncSession, event: Event, received: Received, discarded: Discarded
) -> None:
    assert isinstance(event, DecisionAdopted)
    await from_decision.void_number(session, received, event, discarded)


async def on_instruction_given(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, InstructionGiven)
    await from_instruction.open_or_follow_up(session, received, event)


async def on_instruction_amended(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, InstructionAmended)
    await from_instruction.amend_entry(session, received.rulebooks, event)


async def on_instruction_withdrawn(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, InstructionWithdrawn)
    await from_instruction.withdraw(session, received.rulebooks, event)


async def on_instruction_result_seen(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, InstructionResultSeen)
    await from_instruction.note_seen(session, event)


HANDLERS: Handlers = {
    DecisionAdopted: on_decision_adopted,
    DecisionAmended: on_decision_amended,
    DecisionRevoked: on_decision_revoked,
    DecisionReplaced: ignored,  # the minutes aren't signed yet, so the ledger has no entry
    InstructionGiven: on_instruction_given,
    InstructionAmended: on_instruction_amended,
    InstructionWithdrawn: on_instruction_withdrawn,
    InstructionResultSeen: on_instruction_result_seen,
    DocumentDrafted: ignored,
    DocumentDueMoved: ignored,
    DocumentAmended: ignored,
    DocumentWithdrawn: ignored,
    DocflowDeadlinesRecomputed: ignored,
    MeetingClosed: ignored,
    MinutesSigned: ignored,
    MeetingDeadlinesRecomputed: ignored,
    CompositionChanged: composition.on_composition_changed,
    WorkdaysChanged: recomputation.on_workdays_changed,
    **composition.ABSENCES,
    **reconciliation.HANDLERS,
}
DISCARDS: Discards = {DecisionAdopted: on_decision_adopted_discarded}
DUE_DATES: Owners = (commands.DUE_DATES, notice_commands.DUE_DATES)
