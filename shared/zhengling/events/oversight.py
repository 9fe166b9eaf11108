"""Events of oversight-svc: entries of the supervision ledger."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from zhengling.events.event import Event, EventKind, Recomputed
from zhengling.events.meeting import Unit
from zhengling.events.reference import Reference, by_id


class EntryOpened(Event, type="zhengling.oversight.entry.opened.v1", aggregate="entry", key="entry_id"):
    """An entry was opened in the supervision ledger. Without `due` the office sets the due date."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    title: str
    lead: Unit
    clause: str
    due: date | None
    due_rule: str | None
    opened_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))
    topic: Reference | None = None
    meeting: Reference | None = None
    minutes: Reference | None = None


class EntryDueSet(Event, type="zhengling.oversight.entry.due_set.v1", aggregate="entry", key="entry_id"):
    """The office set the due date of an entry that had none."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    due: date
    set_by: str
    set_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))


class EntryDueMoved(Event, type="zhengling.oversight.entry.due_moved.v1", aggregate="entry", key="entry_id"):
    """An open entry's due date moved: the calendar changed, or it was extended. `overdue` if it was overdue and still
    is."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    old_due: date
    due: date
    provisional: bool
    overdue: bool
    why_en: str
    why_zh: str
    moved_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))


class EntryOverdue(Event, type="zhengling.oversight.entry.overdue.v1", aggregate="entry", key="entry_id"):
    """The due date passed and the entry is still open."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    due: date
    overdue_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))


class EntryAmended(Event, type="zhengling.oversight.entry.amended.v1", aggregate="entry", key="entry_id"):
    """An entry follows its corrected decision; carries its current state. Without `due` the office sets the due date."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    task: str
    lead: Unit
    co_units: tuple[Unit, ...]
    old_due: date | None
    due: date | None
    overdue: bool
    reason: str
    amended_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))


class EntryRevoked(Event, type="zhengling.oversight.entry.revoked.v1", aggregate="entry", key="entry_id"):
    """An entry is closed without being completed, as its decision was revoked."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    reason: str
    revoked_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))


class OversightDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.oversight.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of oversight-svc are computed with this version of the calendar."""
