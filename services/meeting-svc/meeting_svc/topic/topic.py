"""A topic (议题) from submission to decision: its record, its state, and the chain of steps before an agenda.

Invariants: a topic takes the steps that its government's rulebook declares, in that order, each by a lawful actor; it
is on at most one agenda at a time. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from meeting_svc.topic.form import Signature
from zhengling.authority.chain import Course, NextStep, StepTaken
from zhengling.authority.composition import Composition, Permission, RoleContext
from zhengling.authority.consultation import Coordination, CoordinationNote, Position
from zhengling.authority.waivers import Waiver
from zhengling.events.reference import Reference
from zhengling.kernel.bounds import Bound
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.kernel.states import States
from zhengling.rules.chains import Actor
from zhengling.rules.conditions import Facts
from zhengling.rules.gates import GateRecord
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Aspect, NotePart, PaperKind, RaisedBy, Role, TopicNature, in_chinese


class TopicState(StrEnum):
    in_review = "in_review"
    returned = "returned"
    withdrawn = "withdrawn"
    ready = "ready"
    scheduled = "scheduled"
    concluded = "concluded"


STATES = States(
    {
        TopicState.in_review: "审核中",
        TopicState.returned: "已退回",
        TopicState.withdrawn: "已撤回",
        TopicState.ready: "待列入议程",
        TopicState.scheduled: "已列入议程",
        TopicState.concluded: "已办结",
    }
)
#: The states, all before an agenda, in which a topic's record may still grow.
BEFORE_AN_AGENDA = (TopicState.in_review, TopicState.returned, TopicState.withdrawn, TopicState.ready)


@dataclass(frozen=True)
class Paper:
    """One version of a topic's paper: its kind, its stored file or the SHA-256 stated by the sponsor, the parts of a
    drafting note. `replaced_by` is the newer version. Papers marked `to_return` are collected after the meeting."""

    kind: PaperKind
    title: str
    sha256: str | None = None
    parts: tuple[NotePart, ...] = ()
    file_id: str | None = None
    to_return: bool = False
    id: str = ""
    number: int = 1
    submitted_by: str = ""
    submitted_at: datetime | None = None
    replaced_by: str | None = None


class Turn(StrEnum):
    """A transition that the topic's history keeps."""

    returned = "returned"
    withdrawn = "withdrawn"
    resubmitted = "resubmitted"
    papers_changed = "papers_changed"
    released = "released"
    deferred = "deferred"
    corrected = "corrected"
    urgency_stated = "urgency_stated"
    concerned_added = "concerned_added"


@dataclass(frozen=True)
class HistoryEntry:
    """A transition of the topic: by whom and why, the steps that it invalidated, and what was declared `before`."""

    turn: Turn
    official: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime
    steps: tuple[StepTaken, ...] = ()
    meeting_id: str | None = None
    before: dict[str, str | list[str] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class PriorMeeting:
    """The decision of an earlier meeting that reached consensus or a workable plan on the topic."""

    decision_id: str
    meeting_id: str
    recorded_by: str
    recorded_at: datetime


@dataclass
class Topic:
    """`matter` is the main task of the kind that the topic falls under, `concerned` the organisations consulted, `convener`
    the intended chair where the chair decides on topics, `prepares_for` the kind that decides what this meeting only
    prepares. Gates and positions recorded before `text_since` concern an earlier text and don't count. `gates_open` says
    whether `open_gates` names any; it exists so that a query can find them. `decisions` are those of the closed meetings
    that it was before: several where one deferred it."""

    id: str
    government: str
    edition: str
    meeting_kind: str
    title: str
    sponsor: str
    raised_by: RaisedBy
    nature: TopicNature
    submitted_by: str
    submitted_at: datetime
    recorded_at: datetime
    papers: list[Paper]
    matter: str | None = None
    aspects: list[Aspect] = field(default_factory=list)
    concerned: list[str] = field(default_factory=list)
    convener: str | None = None
    urgency: str = ""
    prepares_for: str | None = None
    text_since: datetime | None = None
    state: TopicState = TopicState.in_review
    steps: list[StepTaken] = field(default_factory=list)
    gates: list[GateRecord] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    coordination_note: CoordinationNote | None = None
    earlier_notes: list[CoordinationNote] = field(default_factory=list)
    coordinations: list[Coordination] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    prior_meeting: PriorMeeting | None = None
    late_admission: Waiver | None = None
    history: list[HistoryEntry] = field(default_factory=list)
    meeting_id: str | None = None
    gates_open: bool = False
    decisions: list[Reference] = field(default_factory=list)
    version: int = 1
    modified_at: datetime | None = None

    @property
    def facts(self) -> Facts:
        declared: Facts = {aspect.value: aspect in self.aspects for aspect in Aspect}
        return declared | {
            "raised_by": self.raised_by,
            "nature": self.nature,
            "specially_urgent": bool(self.urgency),
            "major": self.major,
        }

    @property
    def major(self) -> bool:
        """Whether it is a major matter; some rules then have the head review the minutes first."""
        return bool({Aspect.major_decision, Aspect.major_matter} & set(self.aspects))

    @property
    def current_papers(self) -> list[Paper]:
        return [paper for paper in self.papers if paper.replaced_by is None]

    @property
    def current_gates(self) -> list[GateRecord]:
        """The gate records that apply to the current text."""
        return [record for record in self.gates if self._of_this_text(record.recorded_at)]

    @property
    def current_positions(self) -> list[Position]:
        return [position for position in self.positions if self._of_this_text(position.recorded_at)]

    def _of_this_text(self, recorded_at: datetime) -> bool:
        return self.text_since is None or recorded_at >= self.text_since

    @property
    def papers_in(self) -> datetime:
        """When the last of the current papers came in."""
        return max((p.submitted_at for p in self.current_papers if p.submitted_at), default=self.submitted_at)


_RAISERS: dict[RaisedBy, tuple[Actor, ...]] = {
    RaisedBy.head: (Actor(role=Role.head),),
    RaisedBy.deputy: (Actor(role=Role.deputies),),
    RaisedBy.department: (Actor(role=Role.sponsor),),
}


def require_raiser(composition: Composition, official: str | None, raised_by: RaisedBy, sponsor: str, on: date) -> None:
    """Problem 403 unless the official may raise the topic: for `raised_by` a leader that leader, else the sponsor's
    officials."""
    composition.require(
        official,
        on,
        Permission(
            _RAISERS[raised_by],
            Text(f"raise a topic of {sponsor} as {raised_by}", "提出该议题"),
            code="not_the_raiser",
            clause=None,
            context=RoleContext(sponsor=sponsor),
        ),
    )


def require_state(topic: Topic, *allowed: TopicState) -> None:
    """Refusal `illegal_state` unless the topic is in one of these states."""
    STATES.require(topic.state, allowed, Text("the topic", "议题"))


def course_of(topic: Topic, kind: MeetingKind) -> Course:
    """The topic's chain as far as it is taken; the intended chair is its `convener`."""
    return Course(kind.topic, topic.steps, topic.facts, RoleContext(sponsor=topic.sponsor, chair=topic.convener))


def advance(topic: Topic, kind: MeetingKind, taken: StepTaken) -> None:
    """Add a taken step; a topic whose chain is complete becomes ready for an agenda."""
    topic.steps = [*topic.steps, taken]
    settle(topic, kind)


def settle(topic: Topic, kind: MeetingKind) -> None:
    """Make a topic under review ready if no step of its chain is open."""
    if topic.state == TopicState.in_review and course_of(topic, kind).next() is None:
        topic.state = TopicState.ready


def require_ready(topic: Topic, kind: MeetingKind) -> None:
    """Refusals `topic_not_ready` (names the next step), `topic_already_scheduled`, `illegal_state`."""
    if topic.state == TopicState.in_review and (due := course_of(topic, kind).next()):
        raise _not_ready(due, None if topic.steps else kind.topic.unreviewed)
    if topic.state in (TopicState.scheduled, TopicState.concluded):
        raise already_scheduled(topic)
    require_state(topic, TopicState.ready)


def _not_ready(due: NextStep, unreviewed: str | None) -> Problem:
    roles, step, step_zh = [actor.role for actor in due.actors], due.step.step, due.step.chinese
    actors, actors_zh = " / ".join(roles), in_chinese(*roles)
    return refusal(
        "topic_not_ready",
        unreviewed or due.clause,
        f"the topic lacks the step {step}, taken by {actors}",
        f"议题尚需“{step_zh}”（{actors_zh}）",
        Text(f"have {actors} take {step}", f"请{actors_zh}办理“{step_zh}”"),
        next_step=step.value,
    )


def already_scheduled(topic: Topic) -> Problem:
    return refusal(
        "topic_already_scheduled",
        None,
        f"the topic is already on the agenda of meeting {topic.meeting_id}",
        "议题已列入会议议程",
        Text("a topic is on one agenda at a time", "一个议题只列入一次会议"),
    )


OF_A_TOPIC = Bound(
    300, Text("a topic", "一个议题"), Text("submit the rest as a separate topic", "其余内容请另行提交议题")
)
