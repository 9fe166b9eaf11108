"""A meeting (会议): its call, its state, its decisions.

Invariants: nothing is decided without the quorum; a topic gets one decision with one lead unit; records are never
removed. Chair, agenda, invitations, leave and session are in modules of their own. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from meeting_svc.meeting.record import (
    Acknowledgement,
    AgendaRemoval,
    AgendaVersion,
    AnswerState,
    Cancellation,
    Copy,
    Delegation,
    GuestAttendance,
    Handover,
    Invitee,
    InviteeRemoval,
    LeaveRequest,
    Movement,
    NoticeSent,
    OutsideConsent,
    Participants,
    Postponement,
    QuorumNeeded,
    Recorded,
    Recording,
    StaffApproval,
)
from meeting_svc.meeting.record import AgendaItem as AgendaItem
from meeting_svc.meeting.record import Attendance as Attendance
from meeting_svc.meeting.record import Entrustment as Entrustment
from zhengling.authority.act import Act
from zhengling.authority.chain import StepTaken
from zhengling.authority.composition import Composition, Permission, RoleContext
from zhengling.events.meeting import Resolution
from zhengling.kernel.errors import Text
from zhengling.kernel.states import States
from zhengling.rules.chains import Actor, actors_of
from zhengling.rules.conditions import Facts
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Role

Asked = TypeVar("Asked", LeaveRequest, Delegation)


class MeetingState(StrEnum):
    called = "called"
    agenda_approved = "agenda_approved"
    cancelled = "cancelled"
    open = "open"
    closed = "closed"
    minuted = "minuted"
    signed = "signed"
    unminuted = "unminuted"


STATES = States(
    {
        MeetingState.called: "已召集",
        MeetingState.agenda_approved: "议程已批准",
        MeetingState.cancelled: "已取消",
        MeetingState.open: "会议中",
        MeetingState.closed: "已结束",
        MeetingState.minuted: "纪要办理中",
        MeetingState.signed: "纪要已签发",
        MeetingState.unminuted: "不形成纪要",
    }
)
#: Leave or delegation that was granted, or reported where the rules require only a report.
GRANTED = (AnswerState.approved, AnswerState.reported)
#: A request that is still valid: waiting for its answer, or granted.
NOT_REFUSED = (AnswerState.requested, *GRANTED)
#: The states of preparation: from the call to the opening.
PREPARED = (MeetingState.called, MeetingState.agenda_approved)
HELD = (MeetingState.open, MeetingState.closed, MeetingState.minuted, MeetingState.signed)


@dataclass
class Meeting:
    """`open_to` are the roles whose holders attend by the rule of its kind."""

    id: str
    government: str
    edition: str
    kind: str
    title: str
    day: date
    called_by: str
    starts_at: datetime | None = None
    place: str = ""
    organised_by: str | None = None
    convener: str | None = None
    participants: Participants = field(default_factory=Participants)
    request_id: str | None = None
    recording: Recording | None = None
    state: MeetingState = MeetingState.called
    postponements: list[Postponement] = field(default_factory=list)
    cancellation: Cancellation | None = None
    agenda: list[AgendaItem] = field(default_factory=list)
    agenda_steps: list[StepTaken] = field(default_factory=list)
    agenda_versions: list[AgendaVersion] = field(default_factory=list)
    agenda_removals: list[AgendaRemoval] = field(default_factory=list)
    invitees: list[Invitee] = field(default_factory=list)
    invitee_steps: list[StepTaken] = field(default_factory=list)
    invitee_removals: list[InviteeRemoval] = field(default_factory=list)
    outside_consents: list[OutsideConsent] = field(default_factory=list)
    notices: list[NoticeSent] = field(default_factory=list)
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    leaves: list[LeaveRequest] = field(default_factory=list)
    delegations: list[Delegation] = field(default_factory=list)
    devices: Act | None = None
    staff: list[StaffApproval] = field(default_factory=list)
    entrustment: Entrustment | None = None
    earlier_entrustments: list[Entrustment] = field(default_factory=list)
    chair: str | None = None
    open_to: list[Role] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    quorum_needed: QuorumNeeded | None = None
    attendance: list[Attendance] = field(default_factory=list)
    guests: list[GuestAttendance] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    handovers: list[Handover] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    decided: list[Recorded] = field(default_factory=list)
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    minutes_steps: list[StepTaken] = field(default_factory=list)
    version: int = 1
    modified_at: datetime | None = None

    @property
    def meeting_kind(self) -> str:
        """The name of its kind, under the name that topics use."""
        return self.kind

    @property
    def topic_ids(self) -> list[str]:
        """The topics on its agenda, in their order."""
        return [item.topic_id for item in self.agenda]

    @property
    def round(self) -> int:
        """How often it was postponed; notices and grants of an earlier round no longer count."""
        return len(self.postponements)


def require_state(meeting: Meeting, *allowed: MeetingState) -> None:
    """Refusal `illegal_state` unless the meeting is in one of these states."""
    STATES.require(meeting.state, allowed, Text("the meeting", "会议"))


def require_organiser(
    kind: MeetingKind,
    composition: Composition,
    official: str | None,
    organised_by: str | None,
    on: date,
    act: Text,
    clause: str | None = None,
) -> None:
    """Problem 403 `not_the_organiser` (`not_the_office` where the office organises) unless the official belongs to the
    organiser of this kind: the office, or the unit that proposed the meeting."""
    actors = actors_of(kind.organiser)
    code = "not_the_office" if kind.organiser == (Role.office,) else "not_the_organiser"
    composition.require(
        official,
        on,
        Permission(actors, act, code=code, clause=clause or kind.clause, context=RoleContext(sponsor=organised_by)),
    )


def sponsors_of(meeting: Meeting) -> list[str]:
    """The sponsors of the meeting's topics; before there are topics, the organising unit."""
    found = list(dict.fromkeys(item.sponsor for item in meeting.agenda))
    return found or ([meeting.organised_by] if meeting.organised_by else [])


def lapsed(asked: Asked) -> Asked:
    return replace(asked, state=AnswerState.lapsed)


# the quorum -----------------------------------------------------------------------------------------------------------
def members_in_the_room(meeting: Meeting) -> list[str]:
    return [entry.official for entry in meeting.attendance if entry.in_the_room and entry.official in meeting.members]


def step_context(meeting: Meeting, chair: str | None) -> RoleContext:
    """The holders of the roles sponsor, chair and entrusting leader in this meeting's chains."""
    sponsor = meeting.organised_by or next(iter(sponsors_of(meeting)), None)
    entrusting = meeting.entrustment.by if meeting.entrustment and meeting.entrustment.to == chair else None
    return RoleContext(sponsor, chair, entrusting)


def minutes_facts(meeting: Meeting, official: str | None) -> Facts:
    """Facts of the minutes' chain: whether this official chaired, and by entrustment; whether any topic was a major
    matter."""
    chaired = meeting.chair is not None and meeting.chair == official
    entrusted = meeting.entrustment is not None and meeting.entrustment.to == meeting.chair
    return {"chaired": chaired, "entrusted": entrusted, "major": any(item.major for item in meeting.agenda)}


def may_ask(composition: Composition, by: str | None, official: str, on: date, clause: str | None) -> None:
    """Problem 403 `not_the_participant` unless the official asks for themselves, or the office asks for them."""
    if by == official:
        return
    act = Text("ask for others", "代他人办理")
    composition.require(by, on, Permission((Actor(role=Role.office),), act, code="not_the_participant", clause=clause))
