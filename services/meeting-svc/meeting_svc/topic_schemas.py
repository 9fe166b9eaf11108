"""What the API takes and gives of topics."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from meeting_svc.schemas import NextStep, OccurredAt, Payload, Reason, StepView, Title, View
from meeting_svc.topic import TopicState
from zhengling.authority import Key
from zhengling.rulebook import (
    PaperKind,
    RaisedBy,
    TopicNature,
)


# payloads -----------------------------------------------------------------------------------------------------------
class PaperPayload(Payload):
    kind: PaperKind
    title: Title
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    file_id: Annotated[str | None, Field(max_length=64, description="the uploaded file that the paper is")] = None


class SubmitTopic(Payload):
    title: Annotated[Title, Field(examples=["关于老旧小区改造年度计划的请示"])]
    meeting_kind: Annotated[str, Field(max_length=60, examples=["executive"])]
    sponsor: Annotated[Key, Field(description="code of the organisation that brings it (议题提出部门)")]
    raised_by: RaisedBy = RaisedBy.department
    nature: TopicNature = TopicNature.deliberation
    papers: Annotated[list[PaperPayload], Field(default_factory=list, max_length=50)]
    occurred_at: OccurredAt = None


class AdmitLate(Payload):
    meeting_id: Annotated[str, Field(max_length=64)]
    reason: Reason
    occurred_at: OccurredAt = None


class PaperView(View):
    kind: PaperKind
    title: str
    sha256: str | None
    file_id: str | None


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
