"""Payloads and views of planning requests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from meeting_svc.meeting_kind.schemas import RuleTold
from meeting_svc.meeting_plan.schemas import DecisionId, Note
from meeting_svc.planning_request.planning_request import RequestState
from zhengling.authority.composition import Key
from zhengling.authority.schemas import NextStepView, StepView
from zhengling.dates.schemas import DueView
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Opinion, Payload, Reason, Title, View
from zhengling.rules.chains import StepName
from zhengling.rules.planning import Group, Hindrance, NameOf
from zhengling.rules.vocabulary import Role

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=SAYING)]
Document = Annotated[str, Field(max_length=100, description="number of the requesting document (文号)")]
Exceptional = Annotated[
    str,
    Field(max_length=500, description="why a breach should be waived; without a reason it is refused at once"),
    SeveralLines,
]
Invitees = Annotated[list[Key], Field(max_length=500, description="officials of this government"), Once()]


# payloads -------------------------------------------------------------------------------------------------------------
class InvitedGuestPayload(Payload):
    name: Name
    group: Annotated[Group | None, Field(description="the group that the rules name, if any")] = None


class What(Payload):
    """What is to be held."""

    title: Title
    day: Annotated[Day, Field(description="the planned day, the first if there are several (Asia/Shanghai)")]
    in_name_of: NameOf = NameOf.department
    participants: Annotated[int | None, Field(ge=1, le=100_000)] = None
    invitees: Annotated[Invitees, Field(default_factory=list)]
    guests: Annotated[list[InvitedGuestPayload], Field(default_factory=list, max_length=500), Once(by=("name",))]
    plan_item: Annotated[str | None, Field(max_length=64, description="id of its item in the yearly plan")] = None
    document: Document = ""
    reason: Note = ""
    exception: Exceptional = ""


class AskToHold(What):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "type": "district-meeting",
                    "title": "全区义务教育工作会议",
                    "day": "2027-03-18",
                    "sponsor": "xg-jyj",
                    "document": "西教〔2027〕5号",
                }
            ]
        },
    )
    type: Annotated[str, Field(max_length=60, description="see GET /v1/planning-request-types")]
    sponsor: Annotated[Key, Field(description="code of the organising department (主办部门)")]
    occurred_at: OccurredAt = None


class Resubmit(Payload):
    """Only the fields to change."""

    title: Title = ""
    day: Annotated[Day | None, Field(description="the planned day")] = None
    in_name_of: NameOf = NameOf.department
    participants: Annotated[int | None, Field(ge=1, le=100_000)] = None
    invitees: Annotated[Invitees, Field(default_factory=list)]
    guests: Annotated[list[InvitedGuestPayload], Field(default_factory=list, max_length=500), Once(by=("name",))]
    plan_item: Annotated[str | None, Field(max_length=64)] = None
    document: Document = ""
    reason: Note = ""
    exception: Exceptional = ""
    occurred_at: OccurredAt = None


class TakePlanningStep(Payload):
    step: StepName
    opinion: Opinion = ""
    decision_id: Annotated[DecisionId | None, Field(description="the meeting's decision that takes the step")] = None
    document: Document = ""
    exception: Exceptional = ""
    occurred_at: Annotated[OccurredAt, Field(description="for a decision, the close of its meeting counts")] = None


class Decline(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class Withdraw(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class LiftHindrance(Payload):
    hindrance: Hindrance
    reason: Reason
    occurred_at: OccurredAt = None


class RecordReply(Payload):
    note: Note = ""
    occurred_at: OccurredAt = None


class RecordInvitations(Payload):
    officials: Annotated[Invitees, Field(default_factory=list)]
    guests: Annotated[list[Name], Field(default_factory=list, max_length=500), Once()]
    occurred_at: OccurredAt = None


class RecordHolding(Payload):
    occurred_at: OccurredAt = None


# views ----------------------------------------------------------------------------------------------------------------
class InvitedGuestView(View):
    name: str
    group: Group | None


class HindranceLiftView(View):
    hindrance: Annotated[Hindrance, Field(validation_alias="rule")]
    clause: str
    covers: list[str]
    detail: str
    official: str
    reason: str
    occurred_at: datetime
    on_behalf_of: str | None


class ReturnView(View):
    reason: str
    official: str
    occurred_at: datetime
    steps: list[StepView]


class ReplyView(View):
    official: str
    occurred_at: datetime
    note: str


class InvitationView(View):
    officials: list[str]
    guests: list[str]
    official: str
    occurred_at: datetime


class HindranceView(View):
    """A breach. The roles listed may waive it; without any it is firm."""

    hindrance: Hindrance
    clause: str
    lift: list[Role]
    covers: list[str]
    detail: str
    officials: Annotated[list[str], Field(description="who may waive it")]


class PlanningRequestView(View):
    id: str
    version: int
    type: str
    type_name: str = ""
    clause: str
    title: str
    sponsor: str
    led_by: str | None
    in_name_of: NameOf
    day: date
    participants: int | None
    invitees: list[str]
    guests: list[InvitedGuestView]
    plan_item: str | None
    document: str
    reason: str
    exception: str
    state: RequestState
    requested_by: str
    requested_at: datetime
    recorded_at: datetime
    submitted_at: Annotated[datetime | None, Field(description="when the formal request was made")]
    late_by: Annotated[int, Field(description="days late, in working days where the lead time counts those")]
    lead: Annotated[DueView | None, Field(description="when the request (or approval) is due")] = None
    steps: list[StepView]
    lifts: list[HindranceLiftView]
    returns: list[ReturnView]
    reply: ReplyView | None
    invitations: list[InvitationView]
    approved_at: datetime | None
    held_at: datetime | None
    meeting_id: str | None
    closed_reason: str
    edition: str
    modified_at: datetime
    next_step: NextStepView | None = None
    breaches: Annotated[list[HindranceView], Field(default_factory=list, description="breaches that aren't waived")]
    waits_for_lift: Annotated[
        bool, Field(description="no step is open; the request waits for a waiver of its breaches")
    ] = False


class AskView(View):
    step: StepName
    by: list[Role]
    need: Literal["any", "all"]
    meeting: list[str]
    clause: str | None


class RequestTypeView(View):
    """One type of request, with its rules."""

    type: str
    name: str
    clause: str
    asked_by: list[Role]
    written: bool
    reply: bool
    lead_rule: str | None
    ask: list[AskView]
    told: list[RuleTold]


class RequestTypes(View):
    edition: str
    items: list[RequestTypeView]
