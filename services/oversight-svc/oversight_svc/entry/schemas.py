"""Payloads and views of the ledger's entries."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from oversight_svc.entry.entry import DueBasis, EntryState
from zhengling.dates.schemas import ChangeView, TraceView
from zhengling.events.meeting import ResolutionChange, Unit
from zhengling.events.reference import Reference
from zhengling.kernel.instants import Day, Instant
from zhengling.kernel.payload import Payload
from zhengling.rules.vocabulary import Difficulty, EntrySource


class SetDue(Payload):
    due: Annotated[Day, Field(description="the last day for completion (Asia/Shanghai)")]
    occurred_at: Instant | None = None


class AmendmentView(BaseModel):
    """A correction of the minutes that the entry followed."""

    model_config = ConfigDict(from_attributes=True)
    revision: int
    reason: str
    changes: list[ResolutionChange]
    old_due: date | None
    due: date | None
    signed_at: datetime
    recorded_at: datetime


class EntryView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    version: int
    number: str
    source_kind: EntrySource
    source_id: str
    source: Annotated[Reference, Field(description="what opened it: a decision of a meeting")]
    topic: Annotated[Reference | None, Field(description="the topic that was decided")]
    meeting: Reference
    minutes: Annotated[Reference | None, Field(description="the minutes by which the decision came into force")]
    title: str
    task: str
    lead: Unit
    co_units: list[Unit]
    difficulty: Difficulty
    clause: Annotated[str, Field(description="the clause under which it is supervised")]
    assigned_at: datetime
    deployed_on: Annotated[
        date | None, Field(description="the day of deployment (部署之日), where the rules count from it")
    ]
    opened_at: datetime
    due: Annotated[date | None, Field(description="null: to be set by the office")]
    due_at: Annotated[datetime | None, Field(description="the first instant at which it is late")]
    due_basis: DueBasis
    due_rule: str | None
    due_clause: str | None
    provisional: bool
    state: EntryState
    overdue_at: datetime | None
    origin: dict[str, str]
    amendments: list[AmendmentView]
    closed_at: datetime | None
    closed_reason: str
    edition: str
    modified_at: datetime


class DueExplanation(BaseModel):
    """The explanation of an entry's due date, in the language requested; `trace` day by day."""

    date: date | None
    at: datetime | None
    provisional: bool
    basis: DueBasis
    rule: str | None
    clause: str
    explanation: str
    trace: list[TraceView]
    changes: list[ChangeView] = []
