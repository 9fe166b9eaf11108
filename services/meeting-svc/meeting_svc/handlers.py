"""What meeting-svc does on other services' events: how each of its decisions stands."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from meeting_svc.decision import Standing
from meeting_svc.tables import decision
from zhengling import references
from zhengling.errors import not_found
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
    await _stands(session, event, standing=Standing.in_ledger, ledger_number=event.number, ledger_due=event.due)


async def on_entry_due_set(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryDueSet)
    await _stands(session, event, ledger_due=event.due)


async def on_entry_overdue(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, EntryOverdue)
    await _stands(session, event, standing=Standing.overdue)


async def _stands(session: AsyncSession, event: EntryOpened | EntryDueSet | EntryOverdue, **values: object) -> None:
    """How the entry's decision stands from here on, in one statement: many may come at once. 404 where there is none."""
    if event.source_kind != EntrySource.meeting_decision:
        return
    update = decision.update().where(decision.c.id == event.source_id)
    changed = await session.execute(update.values(values | {"version": decision.c.version + 1}))
    if not changed.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has it
        raise not_found("decision", "决定事项", event.source_id)


HANDLERS: Handlers = {
    EntryOpened: on_entry_opened,
    EntryDueSet: on_entry_due_set,
    EntryOverdue: on_entry_overdue,
    DocumentDrafted: ignored,
    WorkdaysChanged: references.on_workdays_changed,
}
TIMERS: Timers = {}
