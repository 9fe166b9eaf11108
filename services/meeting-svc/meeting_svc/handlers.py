"""What meeting-svc does on other services' events: how each of its decisions stands."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from meeting_svc.decision import Decision, Standing
from zhengling import references
from zhengling.db import lock
from zhengling.events import (
    DocumentDrafted,
    EntryDueSet,
    EntryOpened,
    EntryOverdue,
    Event,
    WorkdaysChanged,
)
from zhengling.inbox import Handlers, Received, ignored
from zhengling.rulebook import EntrySource
from zhengling.timers import Timers


async def on_entry_opened(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryOpened)
    if event.source_kind == EntrySource.meeting_decision:
        decision = await lock(session, Decision, event.source_id, "decision", "决定事项")
        decision.standing, decision.ledger_number, decision.ledger_due = Standing.in_ledger, event.number, event.due


async def on_entry_due_set(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryDueSet)
    if event.source_kind == EntrySource.meeting_decision:
        decision = await lock(session, Decision, event.source_id, "decision", "决定事项")
        decision.ledger_due = event.due


async def on_entry_overdue(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryOverdue)
    if event.source_kind == EntrySource.meeting_decision:
        decision = await lock(session, Decision, event.source_id, "decision", "决定事项")
        decision.standing = Standing.overdue


HANDLERS: Handlers = {
    EntryOpened: on_entry_opened,
    EntryDueSet: on_entry_due_set,
    EntryOverdue: on_entry_overdue,
    DocumentDrafted: ignored,
    WorkdaysChanged: references.on_workdays_changed,
}
TIMERS: Timers = {}
