"""Payloads and views of topics."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StrictBool, computed_field

from meeting_svc.topic.topic import TopicState, Turn
from zhengling.authority.composition import Key
from zhengling.authority.consultation import Stance, StatedStance
from zhengling.authority.schemas import NextStepView, StepView
from zhengling.events.reference import Reference
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Opinion, Payload, Reason, Title, View
from zhengling.rules.vocabulary import (
    Aspect,
    Block,
    Confirmation,
    Criterion,
    Gate,
    HearingForm,
    NotePart,
    PaperKind,
    RaisedBy,
    Role,
    TopicNature,
    in_chinese,
)

Id = Annotated[str, Field(max_length=64)]


# payloads -----------------------------------------------------------------------------------------------------------
class PaperPayload(Payload):
    kind: PaperKind
    title: Title
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    file_id: Annotated[str | None, Field(max_length=64, description="a file uploaded before (POST /v1/files)")] = None
    parts: Annotated[
        list[NotePart], Field(default_factory=list, max_length=10, description="the parts of a drafting note"), Once()
    ]
    to_return: Annotated[StrictBool, Field(description="copies are collected after the meeting (会后收回)")] = False


class AddPaper(PaperPayload):
    replaces: Annotated[str | None, Field(max_length=64, description="id of the paper that this one replaces")] = None
    occurred_at: OccurredAt = None


class SubmitTopic(Payload):
    title: Annotated[Title, Field(examples=["关于老旧小区改造年度计划的请示"])]
    meeting_kind: Annotated[str, Field(max_length=60, examples=["executive"])]
    sponsor: Annotated[Key, Field(description="code of the sponsoring organisation (议题提出部门)")]
    raised_by: RaisedBy = RaisedBy.department
    nature: TopicNature = TopicNature.deliberation
    matter: Annotated[
        str | None,
        Field(max_length=60, description="the kind's main task that the topic falls under", examples=["planning"]),
    ] = None
    aspects: Annotated[
        list[Aspect],
        Field(default_factory=list, max_length=30, description="what the topic is or touches; determines its gates"),
        Once(),
    ]
    concerned: Annotated[
        list[Key], Field(default_factory=list, max_length=60, description="organisations concerned (相关部门)"), Once()
    ]
    convener: Annotated[Key | None, Field(description="the intended chair, where the chair decides on topics")] = None
    urgency: Annotated[
        str, Field(max_length=500, description="why it is specially urgent; empty if it isn't"), SeveralLines
    ] = ""
    prepares_for: Annotated[
        str | None,
        Field(max_length=60, description="the kind of meeting that decides, where this one only prepares the matter"),
    ] = None
    papers: Annotated[list[PaperPayload], Field(default_factory=list, max_length=50), Once()]
    occurred_at: OccurredAt = None


class ConcernOrganisations(Payload):
    organisations: Annotated[list[Key], Field(min_length=1, max_length=60), Once()]


class TakePosition(Payload):
    organisation: Key
    stance: StatedStance
    grounds: Annotated[
        str, Field(max_length=2000, description="required for an objection and for changes"), SeveralLines
    ] = ""
    occurred_at: OccurredAt = None


class WriteCoordinationNote(Payload):
    grounds: Annotated[
        dict[Key, Annotated[str, Field(min_length=2, max_length=2000, pattern=SAYING), SeveralLines]],
        Field(min_length=1, json_schema_extra={"additionalProperties": False}),
    ]
    preferred: Annotated[
        str,
        Field(min_length=2, max_length=2000, pattern=SAYING, description="the sponsor's preferred opinion"),
        SeveralLines,
    ]
    occurred_at: OccurredAt = None


class Coordinate(Payload):
    agreed: StrictBool
    opinion: Annotated[str, Field(min_length=2, max_length=2000, pattern=SAYING), SeveralLines]
    occurred_at: OccurredAt = None


class RecordGate(Payload):
    gate: Gate
    passed: StrictBool
    carried_out_by: Annotated[str, Field(min_length=2, max_length=120, pattern=SAYING, examples=["区司法局"])]
    reference: Annotated[
        str,
        Field(
            max_length=200,
            description="number or title of the document that proves it; the office names it where it records from the paper",
        ),
    ] = ""
    criteria: Annotated[list[Criterion], Field(default_factory=list, max_length=10), Once()]
    forms: Annotated[list[HearingForm], Field(default_factory=list, max_length=10), Once()]
    opinion: Opinion = ""
    occurred_at: OccurredAt = None


class SignTopicForm(Payload):
    organisation: Key
    occurred_at: OccurredAt = None


class NamePriorMeeting(Payload):
    decision_id: Id


class TurnTopic(Payload):
    """Return, or withdraw."""

    reason: Reason
    occurred_at: OccurredAt = None


class ResubmitTopic(Payload):
    """Only the fields to change."""

    reason: Reason
    title: Title | None = None
    nature: TopicNature | None = None
    matter: Annotated[str | None, Field(max_length=60)] = None
    aspects: Annotated[list[Aspect] | None, Field(max_length=30), Once()] = None
    concerned: Annotated[list[Key] | None, Field(max_length=60), Once()] = None
    urgency: Annotated[str | None, Field(max_length=500), SeveralLines] = None
    prepares_for: Annotated[str | None, Field(max_length=60)] = None
    occurred_at: OccurredAt = None


class StateUrgency(Payload):
    urgency: Annotated[Reason, Field(description="why it is specially urgent")]
    occurred_at: OccurredAt = None


class AdmitLate(Payload):
    meeting_id: Id
    reason: Reason
    occurred_at: OccurredAt = None


# views --------------------------------------------------------------------------------------------------------------
class PaperView(View):
    id: str
    kind: PaperKind
    title: str
    sha256: str | None
    parts: list[NotePart]
    file_id: str | None
    to_return: bool
    number: int
    submitted_by: str
    submitted_at: datetime | None
    replaced_by: str | None


class GateView(View):
    """A gate that applies: what it blocks, and what it lacks."""

    gate: Gate
    name: str
    clause: str
    blocks: Block
    passed: bool
    lacks: str | None
    recorders: Annotated[
        list[Role],
        Field(description="who may record that it was passed: who carries it out, or the office from the paper"),
    ]


class GateRecordView(View):
    gate: Gate
    passed: bool
    carried_out_by: str
    reference: str
    criteria: list[Criterion]
    forms: list[HearingForm]
    opinion: str
    recorded_by: str
    confirmation: Annotated[
        Confirmation | None,
        Field(description="the word of who carried it out, or the paper that the office saw; null in older records"),
    ] = None
    occurred_at: datetime
    recorded_at: datetime


class PositionView(View):
    organisation: str
    stance: Stance
    grounds: str
    official: Annotated[str | None, Field(description="who recorded it; nobody where it is deemed, under the clause")]
    clause: str | None
    occurred_at: datetime
    recorded_at: datetime

    @computed_field
    def stance_name(self) -> str:
        return in_chinese(self.stance)


class CoordinationNoteView(View):
    grounds: dict[str, str]
    preferred: str
    official: str
    occurred_at: datetime
    recorded_at: datetime


class CoordinationView(View):
    agreed: bool
    opinion: str
    official: str
    role: Role
    decided: bool
    occurred_at: datetime
    recorded_at: datetime


class SignatureView(View):
    organisation: str
    official: str
    occurred_at: datetime
    recorded_at: datetime
    on_behalf_of: str | None
    under: str | None


class PriorMeetingView(View):
    decision_id: str
    meeting_id: str
    recorded_by: str
    recorded_at: datetime


class HistoryView(View):
    turn: Turn
    official: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime
    steps: list[StepView]
    meeting_id: str | None
    before: Annotated[
        dict[str, str | list[str] | None], Field(description="the earlier values of changed declaration fields")
    ]


class Outstanding(View):
    """Something that the topic lacks before it may be scheduled, in the language asked for."""

    code: str
    clause: str | None
    text: str


class LateAdmissionView(View):
    """Papers admitted for one meeting though they came late."""

    covers: Annotated[list[str], Field(exclude=True)]
    clause: str
    admitted_by: Annotated[str, Field(validation_alias="official")]
    on_behalf_of: str | None
    reason: str
    occurred_at: datetime

    @computed_field
    def meeting_id(self) -> str:
        return self.covers[0]

    @computed_field
    def working_days_late(self) -> int:
        return len(self.covers) - 1


class TopicView(View):
    id: str
    version: int
    title: str
    meeting_kind: str
    meeting_kind_name: str = ""
    sponsor: str
    raised_by: RaisedBy
    nature: TopicNature
    matter: str | None
    matter_name: Annotated[str | None, Field(description="the main task that `matter` names")] = None
    aspects: list[Aspect]
    concerned: list[str]
    convener: str | None
    urgency: str
    prepares_for: str | None
    state: TopicState
    submitted_by: str
    submitted_at: datetime
    recorded_at: datetime
    papers: list[PaperView]
    steps: list[StepView]
    next_step: NextStepView | None = None
    gates: Annotated[list[GateView], Field(default_factory=list, description="the gates that apply to it")]
    open_gates: Annotated[
        list[GateView],
        Field(
            default_factory=list,
            description="open gates that may be passed after the meeting has decided (blocks issue, tracked)",
        ),
    ]
    gate_records: Annotated[list[GateRecordView], Field(default_factory=list)]
    positions: list[PositionView]
    coordination_note: CoordinationNoteView | None
    earlier_notes: Annotated[list[CoordinationNoteView], Field(description="notes that were replaced since")]
    coordinations: list[CoordinationView]
    signatures: list[SignatureView]
    prior_meeting: PriorMeetingView | None
    exempt_from_prior_meeting: Annotated[
        str | None, Field(description="the clause that requires an earlier meeting, where this topic is exempt")
    ] = None
    outstanding: Annotated[
        list[Outstanding],
        Field(default_factory=list, description="what it lacks before it may be scheduled; the first of each kind"),
    ]
    late_admission: LateAdmissionView | None
    history: list[HistoryView]
    meeting_id: str | None
    decisions: Annotated[
        list[Reference], Field(description="what the meetings that it was before decided on it; the last one counts")
    ]
    edition: str
    modified_at: datetime
