"""What docflow-svc does on other services' events: what a closed meeting wants issued becomes a draft."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from docflow_svc import commands
from docflow_svc.document import Document
from zhengling import recomputation, references
from zhengling.due_dates import Owner, Owners
from zhengling.events import (
    CompositionChanged,
    DecisionAdopted,
    Event,
    MeetingClosed,
    MeetingDeadlinesRecomputed,
    MinutesSigned,
    WorkdaysChanged,
)
from zhengling.inbox import Handlers, Received, ignored
from zhengling.timers import Timers


async def on_session_closed(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, MeetingClosed)
    await commands.draft_documents(session, received.rulebooks, event)


HANDLERS: Handlers = {
    MeetingClosed: on_session_closed,
    MinutesSigned: ignored,
    DecisionAdopted: ignored,
    MeetingDeadlinesRecomputed: ignored,
    CompositionChanged: references.on_composition_changed,
    WorkdaysChanged: recomputation.on_workdays_changed,
    **references.ABSENCES,
}
TIMERS: Timers = {}
DUE_DATES: Owners = {"document": Owner(Document, commands.move_due_dates)}
