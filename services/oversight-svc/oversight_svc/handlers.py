"""What oversight-svc does on other services' events: a decision of signed minutes becomes a ledger entry."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc import commands
from zhengling import references
from zhengling.events import (
    CompositionChanged,
    DecisionAdopted,
    Event,
    MeetingClosed,
    MinutesSigned,
    WorkdaysChanged,
)
from zhengling.inbox import Handlers, Received, ignored
from zhengling.timers import Timers


async def on_decision_adopted(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, DecisionAdopted)
    await commands.open_entry_for_decision(session, received.rulebooks, event)


HANDLERS: Handlers = {
    DecisionAdopted: on_decision_adopted,
    MeetingClosed: ignored,
    MinutesSigned: ignored,
    CompositionChanged: references.on_composition_changed,
    WorkdaysChanged: references.on_workdays_changed,
    **references.ABSENCES,
}
TIMERS: Timers = {commands.OVERDUE: commands.mark_overdue}
