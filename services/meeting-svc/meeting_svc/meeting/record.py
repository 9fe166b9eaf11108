"""The parts of a meeting's record (会议档案): call, agenda, invitations and notices, leave, attendance, decisions.

Every part is a fact of the past: it states who and when, and never changes once written. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from zhengling.authority.act import Act
from zhengling.authority.chain import StepTaken
from zhengling.events.meeting import Resolution
from zhengling.kernel.bounds import Bound
from zhengling.kernel.errors import Text
from zhengling.rules.vocabulary import LeaveReason, Role, TopicNature


@dataclass(frozen=True)
class Remark:
    """A requirement that is still open, or a warning; `officials` are those concerned."""

    code: str
    clause: str | None
    text: Text
    officials: list[str] = field(default_factory=list)


# the call -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Participants:
    """The participants named by the call, for a kind whose rule names no members: officials, and units that send their
    principal."""

    officials: list[str] = field(default_factory=list)
    organisations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recording:
    """A recording of the session, arranged by the office."""

    by: str
    arranged: Act


@dataclass(frozen=True)
class Postponement:
    """The time and place that the meeting had before it was postponed."""

    day: date
    starts_at: datetime | None
    place: str
    reason: str
    act: Act


@dataclass(frozen=True)
class Cancellation:
    reason: str
    act: Act


@dataclass(frozen=True)
class Entrustment:
    """The entrustment of an official with chairing this meeting."""

    to: str
    by: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime


# the agenda ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class AgendaItem:
    topic_id: str
    title: str
    nature: TopicNature
    sponsor: str
    submitted_at: datetime | None = None
    major: bool = False
    decided_by: str | None = None


class AgendaCause(StrEnum):
    approval = "approval"
    addition = "addition"
    removal = "removal"
    reorder = "reorder"


@dataclass(frozen=True)
class AgendaVersion:
    """An approved version of the agenda; `reason` where it changed after the first approval."""

    number: int
    items: list[AgendaItem]
    cause: AgendaCause
    reason: str
    approved: StepTaken


@dataclass(frozen=True)
class AgendaRemoval:
    item: AgendaItem
    reason: str
    act: Act


# invitations, notices, leave ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Invitee:
    """An invitee beyond members and standing attendees: an official, a unit or an outside guest by name; for the whole
    meeting or one topic. `approval` holds the steps of the chain that approved the list."""

    number: int
    official: str | None
    organisation: str | None
    name: str | None
    topic_id: str | None
    proposed: Act
    approved: bool = False
    approval: list[StepTaken] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.official or self.organisation or self.name or ""


@dataclass(frozen=True)
class InviteeRemoval:
    invitee: Invitee
    reason: str
    act: Act


@dataclass(frozen=True)
class OutsideConsent:
    """Consent to inviting principals outside the chair's portfolio."""

    officials: list[str]
    reason: str
    act: Act


@dataclass(frozen=True)
class NoticeSent:
    """The dispatch of agenda and papers to these recipients, for the time and place valid then (`round` counts
    postponements)."""

    agenda_version: int
    round: int
    recipients: list[str]
    papers: bool
    act: Act


@dataclass(frozen=True)
class Acknowledgement:
    official: str
    coming: bool
    note: str
    round: int
    act: Act


class AnswerState(StrEnum):
    requested = "requested"
    approved = "approved"
    reported = "reported"
    refused = "refused"
    lapsed = "lapsed"
    withdrawn = "withdrawn"


@dataclass(frozen=True)
class Answer:
    act: Act
    opinion: str


@dataclass(frozen=True)
class Withdrawal:
    """The withdrawal of a request for leave, with the reason: the official attends after all."""

    act: Act
    reason: str


@dataclass(frozen=True)
class LeaveRequest:
    """A request for leave from the meeting; `asked` names the roles that answer, empty where the rules ask nobody.
    Leave that is only reported waits until the office reports it to the roles in `reported_to`. A withdrawal keeps the
    answer on record."""

    official: str
    reason_kind: LeaveReason | None
    reason: str
    asked: list[Role]
    clause: str | None
    requested: Act
    state: AnswerState = AnswerState.requested
    answer: Answer | None = None
    reported_to: list[Role] = field(default_factory=list)
    withdrawal: Withdrawal | None = None


@dataclass(frozen=True)
class Delegation:
    """The sending of a delegate; a delegate doesn't count as the official represented."""

    official: str
    delegate: str
    reason: str
    asked: list[Role]
    clause: str | None
    requested: Act
    state: AnswerState = AnswerState.requested
    answer: Answer | None = None


# the session --------------------------------------------------------------------------------------------------------
class Capacity(StrEnum):
    """The capacity in which somebody takes part. Only members count towards a quorum."""

    member = "member"
    attendee = "attendee"
    topic = "topic"
    invitee = "invitee"
    staff = "staff"
    delegate = "delegate"
    chair = "chair"
    other = "other"


class Presence(StrEnum):
    """An official's status in the roll call; `away` means an absence known to the calendar."""

    present = "present"
    on_leave = "on_leave"
    away = "away"
    represented = "represented"
    absent = "absent"


@dataclass(frozen=True)
class Attendance:
    """One official in the attendance list. `left_at` is empty after a return."""

    official: str
    present: bool
    reason: str = ""
    capacity: Capacity = Capacity.member
    status: Presence = Presence.present
    delegate: str | None = None
    topic_id: str | None = None
    arrived_at: datetime | None = None
    left_at: datetime | None = None

    @property
    def in_the_room(self) -> bool:
        return self.present and self.left_at is None


@dataclass(frozen=True)
class GuestAttendance:
    """An outside guest (外请人员) in the attendance list, by the invitation's name; never part of a quorum, needs no
    leave."""

    name: str
    present: bool
    reason: str = ""
    topic_id: str | None = None
    arrived_at: datetime | None = None
    left_at: datetime | None = None

    @property
    def in_the_room(self) -> bool:
        return self.present and self.left_at is None

    @property
    def status(self) -> Presence:
        """A guest needs no leave: one who gave a reason for not attending is excused."""
        if self.present:
            return Presence.present
        return Presence.on_leave if self.reason else Presence.absent


@dataclass(frozen=True)
class QuorumNeeded:
    """The number of members required, fixed when the session opened."""

    needed: int
    clause: str


class Move(StrEnum):
    arrived = "arrived"
    left = "left"


@dataclass(frozen=True)
class Movement:
    """An arrival or departure of an official, or of a guest by name."""

    official: str | None
    move: Move
    topic_id: str | None
    act: Act
    guest: str | None = None

    @property
    def who(self) -> tuple[str | None, str | None]:
        return self.official, self.guest


@dataclass(frozen=True)
class Handover:
    """The transfer of the chair to another official in an open session."""

    chair: str
    to: str
    reason: str
    act: Act


@dataclass(frozen=True)
class Recorded:
    """One recording of a decision: `resolution` is None if it withdraws the decision, `reason` empty the first time.
    `chair` is who chaired then; `quorum_clause` is set if there was no quorum, so that only a deferral was possible.
    `decided` is the recording of its outcome, where a later one changed only other parts."""

    decision_id: str
    resolution: Resolution | None
    chair: str
    quorum_clause: str | None
    reason: str
    act: Act
    decided: Act | None = None

    @property
    def taken(self) -> Act:
        """The recording of the outcome, at the time at which it was decided."""
        return self.decided or self.act

    @property
    def taken_at(self) -> datetime:
        return self.taken.occurred_at


@dataclass(frozen=True)
class StaffApproval:
    """The approval of one more staff member of a sponsor, by name."""

    topic_id: str
    official: str
    reason: str
    act: Act


@dataclass(frozen=True)
class Copy:
    """A copy of a paper handed to somebody; a copy marked for return is outstanding until it is back."""

    number: int
    holder: str
    title: str
    to_return: bool
    handed_out: Act
    returned: Act | None = None

    @property
    def outstanding(self) -> bool:
        return self.to_return and self.returned is None


_A_MEETING, _IN_THE_MINUTES = (
    Text("a meeting", "一次会议"),
    Text(
        "don't record the same again; put further facts into the text of the minutes",
        "已登记事项无需重复登记；确需记载的，请写入会议纪要",
    ),
)


OF_A_MEETING = Bound(300, _A_MEETING, _IN_THE_MINUTES)


#: Arrivals, departures, answers and papers handed out: several for each of a few hundred people.
OF_THE_PEOPLE_IN_A_MEETING = Bound(2000, _A_MEETING, _IN_THE_MINUTES)
