"""Events of docflow-svc: documents that follow decisions."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from zhengling.events.event import Event, EventKind, Recomputed
from zhengling.events.meeting import Unit
from zhengling.events.reference import Reference, by_id


class DocumentDrafted(Event, type="zhengling.docflow.document.drafted.v1", aggregate="document", key="document_id"):
    """A document required by a decision was drafted, with its deadline."""

    document_id: str
    decision_id: str
    title: str
    sponsor: Unit
    due: date | None
    clause: str
    decision: Reference = Field(default_factory=by_id("meeting", "decision", "decision_id"))
    topic: Reference | None = None
    meeting: Reference | None = None


class DocumentDueMoved(Event, type="zhengling.docflow.document.due_moved.v1", aggregate="document", key="document_id"):
    """A document's due date moved, as the calendar changed or it was extended."""

    document_id: str
    decision_id: str
    old_due: date
    due: date
    why_en: str
    why_zh: str
    moved_at: datetime
    decision: Reference = Field(default_factory=by_id("meeting", "decision", "decision_id"))


class DocumentAmended(Event, type="zhengling.docflow.document.amended.v1", aggregate="document", key="document_id"):
    """A draft follows its corrected decision: its deadlines changed, or it is required after all."""

    document_id: str
    decision_id: str
    old_due: date | None
    due: date | None
    clause: str
    reason: str
    decision: Reference = Field(default_factory=by_id("meeting", "decision", "decision_id"))


class DocumentWithdrawn(Event, type="zhengling.docflow.document.withdrawn.v1", aggregate="document", key="document_id"):
    """A draft is withdrawn, as its decision was revoked or no longer requires a document."""

    document_id: str
    decision_id: str
    reason: str
    withdrawn_at: datetime
    decision: Reference = Field(default_factory=by_id("meeting", "decision", "decision_id"))


class DocflowDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.docflow.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of docflow-svc are computed with this version of the calendar."""
