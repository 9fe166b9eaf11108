"""Payloads and views of the ledger's entries."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from oversight_svc.entry.entry import DueBasis, EntryState, Light, Likeness, Quality
from oversight_svc.part.schemas import PartView
from oversight_svc.source.schemas import SourceView
from zhengling.dates.schemas import ChangeView, TraceView
from zhengling.events.meeting import ResolutionChange, Unit
from zhengling.events.reference import Reference
from zhengling.kernel.instants import Day, Instant
from zhengling.kernel.payload import Payload, View
from zhengling.rules.supervision import CourseAct
from zhengling.rules.vocabulary import Difficulty, EntrySource, Role


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


class TurnView(View):
    """One act of the course: who did it, what was said, and where the matter stood after it."""

    act: CourseAct
    act_name: Annotated[str, Field(description="in Chinese")] = ""
    state: EntryState
    official: str
    role: Annotated[Role | None, Field(description="null of a leader whose act came from another service")]
    clause: Annotated[str | None, Field(description="clause that gives the official the right to the act")]
    on_behalf_of: str | None
    under: Annotated[str | None, Field(description="clause by which the official acted for another")]
    text: str
    unit: Unit | None
    person: str | None
    due: date | None
    document: str
    late: bool | None
    result: Annotated[bool, Field(description="whether it was the result that the rules ask for")]
    quality: Annotated[Quality | None, Field(description="the mark with which it was closed")]
    holds: Annotated[bool | None, Field(description="looked back at: whether what was done is still done")]
    carried_into: Annotated[int | None, Field(description="carried over: the year in which it goes on")]
    occurred_at: datetime
    recorded_at: datetime


class MeasureView(View):
    task: str
    official: str
    due: date


class ContributionView(View):
    unit: Unit
    due: date
    asked_at: datetime
    text: str
    official: str
    returned_at: datetime | None
    late: Annotated[bool | None, Field(description="null while it is owed")]


class OverlapView(View):
    """An open matter that this one was like when it was opened."""

    entry: Reference
    why: Likeness
    score: Annotated[int, Field(description="similarity of the texts, in percent")]


class NextAct(BaseModel):
    """The act that the matter waits for, by whom it is done (`by`), and for whom it waits: who may do it, and the person
    responsible, who prepares the report."""

    act: CourseAct
    act_name: Annotated[str, Field(description="in Chinese")]
    clause: str
    by: list[Role]
    officials: list[str]


class EntryView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    version: int
    number: str
    source_kind: EntrySource
    source_id: str
    source: Annotated[
        Reference,
        Field(description="what opened it: a decision, a source recorded by hand, the matter that was divided"),
    ]
    topic: Annotated[Reference | None, Field(description="the topic that was decided")]
    meeting: Annotated[Reference | None, Field(description="null of a matter that no meeting decided")]
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
    state_name: Annotated[str, Field(description="in Chinese")] = ""
    light: Annotated[Light, Field(description="computed when asked, by the rulebook's thresholds")] = Light.undated
    category: Annotated[str | None, Field(description="code of the focus category (督查重点)")]
    category_name: str | None = None
    leader: Annotated[str | None, Field(description="the leader in charge of the lead unit")]
    responsible: Annotated[str | None, Field(description="the person responsible, whom the lead unit named")]
    measures: Annotated[list[MeasureView], Field(description="the three lists: task, responsibility, time limit")]
    contributions: list[ContributionView]
    course: list[TurnView]
    next: Annotated[
        NextAct | None,
        Field(description="what the matter waits for; null once it has ended, unless it is to be looked back at"),
    ] = None
    sources: Annotated[list[SourceView], Field(description="what it comes from, also by merging")] = []
    overlapping: Annotated[list[OverlapView], Field(description="open matters that it was like when it was opened")]
    part_of: Annotated[str | None, Field(description="id of the matter that it is a part of")]
    parts: Annotated[list[PartView], Field(description="its parts, each of one unit")] = []
    merged_into: Annotated[str | None, Field(description="id of the entry that goes on with its sources")]
    weight: Annotated[int, Field(description="how much it weighs (权重), by the rulebook; from 1 to 100")]
    carried_into: Annotated[
        int | None, Field(description="the last year into which it was carried over, under its old number; null: none")
    ]
    look_back_since: Annotated[
        datetime | None, Field(description="closed, and since then waiting to be looked back at; null: it isn't")
    ]
    suspended: bool
    met_at: Annotated[datetime | None, Field(description="when the due date was met by the unit's report")]
    late: Annotated[bool | None, Field(description="whether it was met late; null while it isn't met")]
    quality: Quality | None
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
