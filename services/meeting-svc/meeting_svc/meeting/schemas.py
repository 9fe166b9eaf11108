"""Views of meetings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from meeting_svc.agenda.schemas import AgendaItemView, AgendaRemovalView, AgendaVersionView
from meeting_svc.attendance.schemas import (
    AttendanceView,
    AttendingGuestView,
    CopyView,
    ExpectedView,
    MovementView,
    QuorumView,
    StaffView,
)
from meeting_svc.invitation.schemas import (
    AcknowledgementView,
    InviteeRemovalView,
    InviteeView,
    NoticeView,
    OutsideConsentView,
)
from meeting_svc.leave.schemas import DelegationView, LeaveView
from meeting_svc.meeting.meeting import MeetingState
from zhengling.authority.schemas import ActView, NextStepView, StepView
from zhengling.events.meeting import Resolution
from zhengling.kernel.payload import (
    View,
)


# views --------------------------------------------------------------------------------------------------------------
class TextView(View):
    en: str
    zh: str


class RemarkView(View):
    """A requirement that is still open, or a warning, with the officials concerned."""

    code: str
    clause: str | None
    text: TextView
    officials: list[str]


class ParticipantsView(View):
    officials: list[str]
    organisations: list[str]


class RecordingView(View):
    by: str
    arranged: ActView


class PostponementView(View):
    """The time and place that the meeting had before."""

    day: date
    starts_at: datetime | None
    place: str
    reason: str
    act: ActView


class CancellationView(View):
    reason: str
    act: ActView


class EntrustmentView(View):
    to: str
    by: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime


class HandoverView(View):
    chair: str
    to: str
    reason: str
    act: ActView


class RecordedView(View):
    """One recording of a decision."""

    decision_id: str
    resolution: Annotated[Resolution | None, Field(description="null if it withdraws the decision")]
    chair: Annotated[str, Field(description="who chaired when it was decided")]
    quorum_clause: Annotated[
        str | None, Field(description="set if there was no quorum, so that only a deferral was possible")
    ]
    reason: str
    act: ActView
    taken_at: Annotated[datetime, Field(description="when its outcome was decided")]


class MeetingView(View):
    id: str
    version: int
    kind: str
    kind_name: str = ""
    title: str
    day: date
    starts_at: datetime | None
    place: str
    organised_by: str | None
    convener: str | None
    participants: ParticipantsView
    request_id: str | None
    recording: RecordingView | None
    state: MeetingState
    called_by: str
    postponements: list[PostponementView]
    cancellation: CancellationView | None
    agenda: list[AgendaItemView]
    agenda_steps: list[StepView]
    agenda_versions: list[AgendaVersionView]
    agenda_removals: list[AgendaRemovalView]
    invitees: list[InviteeView]
    invitee_steps: list[StepView]
    invitee_removals: list[InviteeRemovalView]
    outside_consents: list[OutsideConsentView]
    notices: list[NoticeView]
    acknowledgements: list[AcknowledgementView]
    leaves: list[LeaveView]
    delegations: list[DelegationView]
    devices: Annotated[ActView | None, Field(description="who declared that phones and recorders were handed in")]
    staff: list[StaffView]
    entrustment: EntrustmentView | None
    earlier_entrustments: Annotated[list[EntrustmentView], Field(description="entrustments that were replaced")]
    chair: Annotated[str | None, Field(description="the chair; after the close the chair who signs the minutes")]
    members: list[str]
    attendance: list[AttendanceView]
    guests: Annotated[list[AttendingGuestView], Field(description="outside guests; they never count towards a quorum")]
    movements: list[MovementView]
    handovers: list[HandoverView]
    copies: list[CopyView]
    resolutions: list[Resolution]
    decided: Annotated[list[RecordedView], Field(description="every recording of a decision, the oldest first")]
    opened_at: datetime | None
    closed_at: datetime | None
    minutes_steps: list[StepView]
    expected: Annotated[
        list[ExpectedView],
        Field(default_factory=list, description="before the opening: everybody who has to be in the roll call"),
    ]
    away: Annotated[
        list[str],
        Field(default_factory=list, description="before the opening: members known to be absent on its day"),
    ]
    quorum: Annotated[QuorumView | None, Field(description="where the rules require one")] = None
    outstanding_copies: Annotated[
        list[int], Field(default_factory=list, description="numbers of copies marked for return that aren't back")
    ]
    warnings: Annotated[
        list[RemarkView], Field(default_factory=list, description="warnings: lawful, but possibly a mistake")
    ]
    next: Annotated[
        list[RemarkView], Field(default_factory=list, description="what is required before it can be opened")
    ]
    next_step: NextStepView | None = None
    next_invitee_step: NextStepView | None = None
    edition: str
    modified_at: datetime
