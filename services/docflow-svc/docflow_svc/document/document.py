"""An official document (公文) that a decision asks for: a draft with its deadlines.

Invariant: one decision drafts one document. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from zhengling.events.meeting import Resolution, Unit
from zhengling.events.reference import Reference
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.meetings import FollowUp, MeetingKind
from zhengling.rules.vocabulary import FollowingDocument


class DocumentState(StrEnum):
    drafting = "drafting"
    withdrawn = "withdrawn"


@dataclass
class Document:
    """`topic` and `decision_number` are unknown of documents drafted before events carried them."""

    id: str
    government: str
    edition: str
    title: str
    sponsor: Unit
    decision_id: str
    meeting_id: str
    clause: str
    counted_from: datetime
    due: date | None
    state: DocumentState = DocumentState.drafting
    withdrawn_reason: str = ""
    decision_number: str | None = None
    topic: Reference | None = None
    version: int = 1
    modified_at: datetime | None = None

    @property
    def decision(self) -> Reference:
        return Reference(service="meeting", noun="decision", id=self.decision_id, number=self.decision_number)

    @property
    def meeting(self) -> Reference:
        return Reference(service="meeting", noun="meeting", id=self.meeting_id)


@dataclass
class CorrectedDecision:
    """A decision recorded again, or corrected by signed minutes; the event of its meeting's close no longer counts for
    it, however late it arrives."""

    id: str
    government: str
    revision: int
    version: int = 1
    modified_at: datetime | None = None


def withdraw(document: Document, reason: str) -> None:
    document.state, document.due, document.withdrawn_reason = DocumentState.withdrawn, None, reason


def asks_for_document(resolution: Resolution) -> bool:
    return resolution.outcome.adopts and resolution.document == FollowingDocument.to_issue


def follow_up_of(kind: MeetingKind, resolution: Resolution) -> FollowUp | None:
    """The first matching follow-up of the rulebook; None where the government sets no deadline."""
    facts: Facts = {
        "outcome": resolution.outcome,
        "document": resolution.document,
        "difficulty": resolution.difficulty,
    }
    return next((row for row in kind.follow_up if matches(row.when, facts)), None)
