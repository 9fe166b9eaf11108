"""Events of docflow-svc: documents that follow decisions, and leaders' instructions on papers."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from zhengling.events.event import Event, EventKind, Recomputed
from zhengling.events.meeting import ResolutionChange, Unit
from zhengling.events.reference import Reference, by_id
from zhengling.rules.vocabulary import Difficulty, InstructionKind


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


class Signer(BaseModel):
    """The leader who gave an instruction; `official` is null for one from outside the government (a superior's, the
    committee's)."""

    model_config = ConfigDict(frozen=True)
    official: str | None
    name: str


class Instruction(BaseModel):
    """What a leader wrote on a paper (批示), and what follows from it: who is to do what, until when. `kind` is how the leader
    wants it handled (ST-64)."""

    model_config = ConfigDict(frozen=True)
    title: str
    text: str
    task: str
    lead: Unit
    co_units: tuple[Unit, ...] = ()
    due: date | None = None
    difficulty: Difficulty = Difficulty.general
    kind: InstructionKind = InstructionKind.general
    set_at_year_start: bool = False


class InstructionGiven(
    Event, type="zhengling.docflow.instruction.given.v1", aggregate="instruction", key="instruction_id"
):
    """A leader gave an instruction, and the office passed it on to the units at `noticed_at`. Without `asks_result` it only takes
    note (圈阅, 阅知) and opens no matter of the ledger. `given_at` is when the first leader wrote it, also where others passed it
    on. `follows` is the ledger's matter on whose report it was written."""

    instruction_id: str
    edition: str
    instruction: Instruction
    given_by: Signer
    given_at: datetime
    noticed_at: datetime
    asks_result: bool = True
    paper: Reference | None = None
    follows: Reference | None = None


class InstructionAmended(
    Event, type="zhengling.docflow.instruction.amended.v1", aggregate="instruction", key="instruction_id"
):
    """An instruction was changed by its leader: the whole of it as it is now, and the changes."""

    instruction_id: str
    instruction: Instruction
    revision: int
    reason: str
    changes: tuple[ResolutionChange, ...]
    amended_at: datetime


class InstructionWithdrawn(
    Event, type="zhengling.docflow.instruction.withdrawn.v1", aggregate="instruction", key="instruction_id"
):
    """An instruction was withdrawn: nothing is to be done by it any more."""

    instruction_id: str
    reason: str
    revision: int
    withdrawn_at: datetime


class InstructionResultSeen(
    Event, type="zhengling.docflow.instruction.result_seen.v1", aggregate="instruction", key="instruction_id"
):
    """The leader who gave the instruction saw what its units reported (阅结果)."""

    instruction_id: str
    seen_by: Signer
    text: str = ""
    seen_at: datetime


class DocflowDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.docflow.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of docflow-svc are computed with this version of the calendar."""
