"""Handlers of other services' events: decisions are kept, and the documents that they ask for are drafted."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from docflow_svc.decision import from_decision as replica
from docflow_svc.document import commands, from_decision
from zhengling.backbone import reconciliation
from zhengling.backbone.inbox import Handlers, Received, ignored
from zhengling.events.calendar import WorkdaysChanged
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


async def on_session_closed(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, MeetingClosed)
    await replica.record_decisions(session, event)
    await commands.draft_documents(session, received.rulebooks, event)


async def on_decision_adopted(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, DecisionAdopted)
    await replica.follow_decision(session, event)
    await from_decision.draft_for_adopted(session, received.rulebooks, event)


async def on_decision_amended(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, DecisionAmended | DecisionReplaced)
    await replica.follow_decision(session, event)
    await from_decision.follow_amendment(session, received.rulebooks, event)


async def on_decision_revoked(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, DecisionRevoked)
    await replica.follow_decision(session, event)
    await from_decision.follow_revocation(session, event)


HANDLERS: Handlers = {
    MeetingClosed: on_session_closed,
    MinutesSigned: ignored,
    DecisionAdopted: on_decision_adopted,
    DecisionAmended: on_decision_amended,
    DecisionReplaced: on_decision_amended,
    DecisionRevoked: on_decision_revoked,
    MeetingDeadlinesRecomputed: ignored,
    CompositionChanged: composition.on_composition_changed,
    WorkdaysChanged: recomputation.on_workdays_changed,
    **composition.ABSENCES,
    **reconciliation.HANDLERS,
}
DUE_DATES: Owners = (commands.DUE_DATES,)
