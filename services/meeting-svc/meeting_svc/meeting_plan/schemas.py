"""Payloads and views of the yearly plan of meetings."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from meeting_svc.meeting_plan.meeting_plan import PlanState
from meeting_svc.planning_request.planning_request import RequestState
from zhengling.authority.composition import Key
from zhengling.authority.schemas import NextStepView, StepView
from zhengling.dates.schemas import DueView
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Opinion, Payload, Reason, Title, View
from zhengling.rules.chains import StepName

Year = Annotated[int, Field(ge=2010, le=2100)]
Month = Annotated[int, Field(ge=1, le=12, description="the planned month")]


# payloads -----------------------------------------------------------------------------------------------------------
class OpenPlan(Payload):
    year: Year


class ItemPayload(Payload):
    title: Title
    month: Month
    joint: Annotated[bool, Field(description="held together with the party committee")] = False
    note: Note = ""


class HandIn(Payload):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"sponsor": "dl-jyj", "items": [{"title": "全市教育工作会议", "month": 3}]}]},
    )
    sponsor: Annotated[Key, Field(description="code of the organisation; these are all of its items")]
    items: Annotated[list[ItemPayload], Field(max_length=100), Once()]
    occurred_at: OccurredAt = None


class StruckItem(Payload):
    item_id: Annotated[str, Field(max_length=64)]
    reason: Reason


class TakePlanStep(Payload):
    step: StepName
    opinion: Opinion = ""
    decision_id: Annotated[DecisionId | None, Field(description="the meeting's decision that takes the step")] = None
    struck: Annotated[list[StruckItem], Field(default_factory=list, max_length=500), Once(by=("item_id",))]
    occurred_at: Annotated[OccurredAt, Field(description="for a decision, the close of its meeting counts")] = None


class DeclareCommittee(Payload):
    note: Annotated[
        str, Field(min_length=2, max_length=500, pattern=SAYING, description="which session of the committee passed it")
    ]
    occurred_at: OccurredAt = None


class AddItem(ItemPayload):
    sponsor: Annotated[Key, Field(description="code of the organising department")]
    reason: Reason
    occurred_at: OccurredAt = None


# views --------------------------------------------------------------------------------------------------------------
class LinkedRequest(View):
    """A request that names the item, and the meeting held under it."""

    id: str
    state: RequestState
    meeting_id: str | None


class PlanItemView(View):
    id: str
    sponsor: str
    title: str
    month: int
    joint: bool
    note: str
    submitted_by: str
    submitted_at: datetime
    struck: Annotated[str, Field(description="why it was struck")]
    admitted_by: Annotated[str | None, Field(description="who approved its addition after the adoption")]
    reason: str
    waits_for_committee: bool = False
    requests: Annotated[list[LinkedRequest], Field(default_factory=list)]


class DeclarationView(View):
    official: str
    occurred_at: datetime
    recorded_at: datetime
    note: str
    items: list[str]


class PlanVersionView(View):
    number: int
    items: list[PlanItemView]
    official: str
    occurred_at: datetime
    why: str


class MeetingPlanView(View):
    id: str
    version: int
    year: int
    clause: str
    state: PlanState
    collection: Annotated[DueView | None, Field(description="when collection and review are due")] = None
    overdue: Annotated[bool, Field(description="the due day is over, and it isn't reviewed yet")] = False
    overdue_at: datetime | None
    late: Annotated[bool, Field(description="it was reviewed after the due day")] = False
    reviewed_at: datetime | None
    adopted_at: datetime | None
    items: Annotated[
        list[PlanItemView],
        Field(description="before the adoption those of the caller's units, for who doesn't see all"),
    ]
    steps: list[StepView]
    committee: list[DeclarationView]
    versions: list[PlanVersionView]
    edition: str
    modified_at: datetime
    next_step: NextStepView | None = None


Note = Annotated[str, Field(max_length=500), SeveralLines]


DecisionId = Annotated[str, Field(max_length=64)]
