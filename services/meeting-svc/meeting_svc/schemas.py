"""What meeting-svc's API takes and gives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from meeting_svc.decision import Standing
from meeting_svc.meeting import MeetingState
from meeting_svc.minutes import MinutesState
from meeting_svc.topic import TopicState
from zhengling.authority import Composition, Key
from zhengling.events import Resolution
from zhengling.moments import Day, Instant
from zhengling.rulebook import (
    Difficulty,
    FollowingDocument,
    Outcome,
    PaperKind,
    RaisedBy,
    Role,
    StepName,
    TopicNature,
)

Title = Annotated[str, Field(min_length=2, max_length=200)]
Reason = Annotated[str, Field(min_length=2, max_length=500)]
Opinion = Annotated[str, Field(max_length=1000)]
OccurredAt = Annotated[
    Instant | None, Field(description="when it happened, with offset; now where absent; never in the future")
]


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid")


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


# payloads -----------------------------------------------------------------------------------------------------------
class PaperPayload(Payload):
    kind: PaperKind
    title: Title
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None


class SubmitTopic(Payload):
    title: Annotated[Title, Field(examples=["关于老旧小区改造年度计划的请示"])]
    meeting_kind: Annotated[str, Field(max_length=60, examples=["executive"])]
    sponsor: Annotated[Key, Field(description="code of the organisation that brings it (议题提出部门)")]
    raised_by: RaisedBy = RaisedBy.department
    nature: TopicNature = TopicNature.deliberation
    papers: Annotated[list[PaperPayload], Field(max_length=50)] = []
    occurred_at: OccurredAt = None


class TakeStep(Payload):
    step: StepName
    opinion: Opinion = ""
    occurred_at: OccurredAt = None


class AdmitLate(Payload):
    meeting_id: Annotated[str, Field(max_length=64)]
    reason: Reason
    occurred_at: OccurredAt = None


class CallMeeting(Payload):
    kind: Annotated[str, Field(max_length=60, examples=["executive"])]
    title: Annotated[Title, Field(examples=["区政府2026年第3次常务会议"])]
    day: Annotated[Day, Field(description="the day it is called for (Asia/Shanghai)")]


class AddToAgenda(Payload):
    topic_id: Annotated[str, Field(max_length=64)]
    position: Annotated[StrictInt | None, Field(ge=1, le=200)] = None


class Entrust(Payload):
    to: Annotated[Key, Field(description="the official entrusted with chairing")]
    reason: Reason
    occurred_at: OccurredAt = None


class AttendancePayload(Payload):
    official: Key
    present: StrictBool
    reason: Annotated[str, Field(max_length=200)] = ""


class OpenSession(Payload):
    chair: Key
    attendance: Annotated[list[AttendancePayload], Field(min_length=1, max_length=500)]
    occurred_at: OccurredAt = None


class RecordDecision(Payload):
    topic_id: Annotated[str, Field(max_length=64)]
    outcome: Outcome
    task: Annotated[str, Field(min_length=2, max_length=1000, description="what is to be done")]
    lead: Annotated[Key, Field(description="the one lead unit (牵头单位)")]
    co_units: Annotated[list[Key], Field(max_length=30)] = []
    due: Annotated[Day | None, Field(description="where the decision itself says by when")] = None
    difficulty: Difficulty = Difficulty.general
    document: FollowingDocument = FollowingDocument.none
    may_be_published: StrictBool = True


class CloseSession(Payload):
    occurred_at: OccurredAt = None


class DraftMinutes(Payload):
    text: Annotated[str | None, Field(min_length=10, max_length=200_000, description="instead of the drafted text")] = (
        None
    )
    occurred_at: OccurredAt = None


# views --------------------------------------------------------------------------------------------------------------
class CompositionView(View):
    version: int
    composition: Composition


class CompositionSummary(View):
    version: int
    organisations: int
    officials: int
    posts: int


class StepView(View):
    step: StepName
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str
    on_behalf_of: Annotated[str | None, Field(description="the official who was away and was acted for")]
    under: Annotated[str | None, Field(description="the clause by which somebody else acted")]


class NextStep(View):
    """The step that is next in a chain: any holder of one of these roles may take it."""

    step: StepName
    by: list[Role]
    clause: str
    officials: list[str]


class PaperView(View):
    kind: PaperKind
    title: str
    sha256: str | None


class LateAdmissionView(View):
    meeting_id: str
    admitted_by: str
    reason: str
    working_days_late: int
    occurred_at: datetime


class TopicView(View):
    id: str
    version: int
    title: str
    meeting_kind: str
    sponsor: str
    raised_by: RaisedBy
    nature: TopicNature
    state: TopicState
    submitted_by: str
    submitted_at: datetime
    recorded_at: datetime
    papers: list[PaperView]
    steps: list[StepView]
    next_step: NextStep | None = None
    late_admission: LateAdmissionView | None
    meeting_id: str | None
    edition: str
    modified_at: datetime


class AgendaItemView(View):
    topic_id: str
    title: str
    nature: TopicNature
    sponsor: str


class AttendanceView(View):
    official: str
    present: bool
    reason: str


class EntrustmentView(View):
    to: str
    by: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime


class MeetingView(View):
    id: str
    version: int
    kind: str
    title: str
    day: date
    state: MeetingState
    called_by: str
    agenda: list[AgendaItemView]
    agenda_steps: list[StepView]
    entrustment: EntrustmentView | None
    chair: str | None
    members: list[str]
    attendance: list[AttendanceView]
    resolutions: list[Resolution]
    opened_at: datetime | None
    closed_at: datetime | None
    minutes_steps: list[StepView]
    away: Annotated[list[str], Field(description="members who are known to be away on its day, before it opens")] = []
    next_step: NextStep | None = None
    edition: str
    modified_at: datetime


class MinutesView(View):
    id: str
    version: int
    meeting_id: str
    number: int
    text: str
    state: MinutesState
    drafted_by: str
    digest: str | None
    signed_by: str | None
    signed_at: datetime | None


class DecisionView(View):
    id: str
    version: int
    meeting_id: str
    topic_id: str
    resolution: Resolution
    standing: Standing
    signed_at: datetime | None
    ledger_number: str | None
    ledger_due: date | None
    modified_at: datetime
