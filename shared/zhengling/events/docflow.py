"""What docflow-svc emits: how documents stand."""

from __future__ import annotations

from datetime import date, datetime

from zhengling.events.event import Event, EventKind, Recomputed
from zhengling.events.meeting import Unit


class DocumentDrafted(Event, type="zhengling.docflow.document.drafted.v1", aggregate="document", key="document_id"):
    """A document that a decision asks for stands in docflow's list, with the deadlines it is under."""

    document_id: str
    decision_id: str
    title: str
    sponsor: Unit
    due: date | None
    clause: str


class DocumentDueMoved(Event, type="zhengling.docflow.document.due_moved.v1", aggregate="document", key="document_id"):
    """A document is due on another day, as the calendar changed or its time was extended."""

    document_id: str
    decision_id: str
    old_due: date
    due: date
    why_en: str
    why_zh: str
    moved_at: datetime


class DocumentAmended(Event, type="zhengling.docflow.document.amended.v1", aggregate="document", key="document_id"):
    """A draft follows its decision, which was corrected: its deadlines are others, or it is drafted after all."""

    document_id: str
    decision_id: str
    old_due: date | None
    due: date | None
    clause: str
    reason: str


class DocumentWithdrawn(Event, type="zhengling.docflow.document.withdrawn.v1", aggregate="document", key="document_id"):
    """A draft is given up, as its decision was revoked or asks for no document any more."""

    document_id: str
    decision_id: str
    reason: str
    withdrawn_at: datetime


class DocflowDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.docflow.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of docflow-svc rest on this version of the calendar."""
