"""What a meeting's record consists of (会议档案): how it was called, what stood on its agenda, who was asked, told and seen.

Every part is a fact of the past: it names who and when, and never changes once it was written. Pure: no I/O.
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
    """Something that a meeting still asks for, or that it is warned of; `officials` are those it concerns."""

    code: str
    clause: str | None
    text: Text
    officials: list[str] = field(default_factory=list)


# the call -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Participants:
    """Whom the call names, for a kind whose rule names no members: officials, and units that send their principal."""

    officials: list[str] = field(default_factory=list)
    organisations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recording:
    """A recording of the session that the office arranged."""

    by: str
    arranged: Act


@dataclass(frozen=True)
class Postponement:
    """The meeting was called for another time or place."""

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
    """Somebody is entrusted with chairing this meeting."""

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
    """An agenda as it was approved; `reason` where it changed after the first approval."""

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


# those who are asked and told -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Invitee:
    """Somebody invited beyond members and standing attendees: an official, a unit or a name from outside; for the whole
    meeting or for one topic. `approval` holds the steps of the chain under which the list was approved."""

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
    """Somebody agreed to principals being asked whom the chair isn't in charge of."""

    officials: list[str]
    reason: str
    act: Act


@dataclass(frozen=True)
class NoticeSent:
    """Agenda and papers were sent to these, for the time and place that held then (`round` counts postponements)."""

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
    """Whoever had asked comes after all, and why."""

    act: Act
    reason: str


@dataclass(frozen=True)
class LeaveRequest:
    """Somebody who can't come asks for leave; `asked` names the roles that answer, none where the rules ask nobody; leave
    that is only reported waits for the office to report it to the roles of `reported_to`.
    A withdrawal leaves the answer on record."""

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
    """Somebody sends another in their place; whoever is sent doesn't count as the one who sends."""

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
    """As what somebody takes part. Only members count to a quorum."""

    member = "member"
    attendee = "attendee"
    topic = "topic"
    invitee = "invitee"
    staff = "staff"
    delegate = "delegate"
    chair = "chair"
    other = "other"


class Presence(StrEnum):
    """How an official stood in the roll call; `away` is on an absence that the calendar knows."""

    present = "present"
    on_leave = "on_leave"
    away = "away"
    represented = "represented"
    absent = "absent"


@dataclass(frozen=True)
class Attendance:
    """One official in the attendance list. `left_at` stays empty for whoever came back."""

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
    """A guest from outside (外请人员) in the attendance list, by the name of the invitation: of no quorum, without leave."""

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
        """A guest needs no leave: whoever said why they don't come is excused."""
        if self.present:
            return Presence.present
        return Presence.on_leave if self.reason else Presence.absent


@dataclass(frozen=True)
class QuorumNeeded:
    """How many of the members have to be there, as it was fixed when the session opened."""

    needed: int
    clause: str


class Move(StrEnum):
    arrived = "arrived"
    left = "left"


@dataclass(frozen=True)
class Movement:
    """Either an official, or a guest by name, came or left."""

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
    """The chair handed over to somebody else while the session was open."""

    chair: str
    to: str
    reason: str
    act: Act


@dataclass(frozen=True)
class Recorded:
    """One recording of a decision: `resolution` is None where it was taken back, `reason` empty the first time. `chair` is
    who chaired when it was taken; `quorum_clause` stands where there was no quorum, so that it could only be deferred."""

    decision_id: str
    resolution: Resolution | None
    chair: str
    quorum_clause: str | None
    reason: str
    act: Act


@dataclass(frozen=True)
class StaffApproval:
    """One more staff member of a sponsor may come, by name."""

    topic_id: str
    official: str
    reason: str
    act: Act


@dataclass(frozen=True)
class Copy:
    """A copy of a paper that somebody was handed; one marked for return is outstanding until it is back."""

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
        "leave out what is on record already; what has to be known beyond stands in the text of the minutes",
        "已登记的无需重复登记；确需记载的，请写入会议纪要",
    ),
)


OF_A_MEETING = Bound(300, _A_MEETING, _IN_THE_MINUTES)


#: Who comes, leaves, answers and is handed something: several times for each of a few hundred.
OF_THE_PEOPLE_IN_A_MEETING = Bound(2000, _A_MEETING, _IN_THE_MINUTES)
