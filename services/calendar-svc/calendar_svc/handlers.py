"""Handlers of other services' events: the replica of the composition, and the progress of a change of the calendar in
each service."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from calendar_svc.operation import commands as operation_commands
from zhengling.backbone import reconciliation
from zhengling.backbone.inbox import Handlers, Received
from zhengling.events.docflow import DocflowDeadlinesRecomputed
from zhengling.events.event import Event, Recomputed
from zhengling.events.meeting import CompositionChanged, MeetingDeadlinesRecomputed
from zhengling.events.oversight import OversightDeadlinesRecomputed
from zhengling.replicas import composition


async def on_deadlines_recomputed(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, Recomputed)
    await operation_commands.note_recomputed(session, event.service(), event)


HANDLERS: Handlers = {
    CompositionChanged: composition.on_composition_changed,
    MeetingDeadlinesRecomputed: on_deadlines_recomputed,
    DocflowDeadlinesRecomputed: on_deadlines_recomputed,
    OversightDeadlinesRecomputed: on_deadlines_recomputed,
    **reconciliation.HANDLERS,
}
