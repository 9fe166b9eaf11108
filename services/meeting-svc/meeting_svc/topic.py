"""A topic (议题) on its way to a meeting: its papers, the gates it passes, and the chain of those who have to see it.

Invariants: a topic takes the steps that its government's rulebook asks for, in that order, each by who may take it;
whoever saw other papers sees the new ones; it stands on at most one agenda at a time; what it went through before a
return, a withdrawal or a deferral stays in its history. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from meeting_svc import consultation as consultations
from meeting_svc import gate as gates
from meeting_svc.bounds import OF_A_TOPIC, appended
from meeting_svc.consultation import Coordination, CoordinationNote, Position, Signature
from meeting_svc.gate import GateRecord
from meeting_svc.step import StepTaken, next_step
from zhengling.authority import Composition
from zhengling.deadlines import Due
from zhengling.errors import Problem, Text, invalid, refusal
from zhengling.meeting_rules import GateRule, Papers, RequiredPaper, TopicRules
from zhengling.rulebook import (
    Actor,
    Facts,
    FollowingDocument,
    MeetingKind,
    PaperKind,
    RaisedBy,
    Role,
    StepName,
    TopicNature,
    in_chinese,
    matches,
)
from zhengling.vocabulary import Aspect, Block, Gate, NotePart, Outcome
from zhengling.workdays import WorkdayCalendar


class TopicState(StrEnum):
    in_review = "in_review"
    returned = "returned"
    withdrawn = "withdrawn"
    ready = "ready"
    scheduled = "scheduled"
    concluded = "concluded"


STATES_ZH = {
    TopicState.in_review: "审核中",
    TopicState.returned: "已退回",
    TopicState.withdrawn: "已撤回",
    TopicState.ready: "待列入议程",
    TopicState.scheduled: "已列入议程",
    TopicState.concluded: "已办结",
}


@dataclass(frozen=True)
class Paper:
    """One version of a paper of a topic: what it is, its stored file or the SHA-256 that the sponsor states, the parts of
    a drafting note. `replaced_by` is the newer version. Papers marked `to_return` are collected after the meeting."""

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


@dataclass(frozen=True)
class LateAdmission:
    """Papers that came too late for a meeting, admitted by who approves additions."""

    meeting_id: str
    admitted_by: str
    reason: str
    working_days_late: int
    occurred_at: datetime


class Turn(StrEnum):
    """What sent a topic back, or on its way again."""

    returned = "returned"
    withdrawn = "withdrawn"
    resubmitted = "resubmitted"
    papers_changed = "papers_changed"
    released = "released"
    deferred = "deferred"
    corrected = "corrected"
    urgency_stated = "urgency_stated"


@dataclass(frozen=True)
class HistoryEntry:
    """A turn in a topic's life, by whom and why, with the steps that it ended and what it had declared `before`."""

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
    """The decision of an earlier meeting in which a topic found consensus, or a workable plan."""

    decision_id: str
    meeting_id: str
    recorded_by: str
    recorded_at: datetime


@dataclass
class Topic:
    """`matter` is the task of the kind that it falls under, `concerned` the organisations it touches, `convener` who is to
    chair where the chair decides on topics; `prepares_for` the kind that decides what this one only prepares. Gates and
    positions recorded before `text_since` were of another text and don't count any more. `gates_open` says whether
    `open_gates` names any, so that they are found."""

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
    late_admission: LateAdmission | None = None
    history: list[HistoryEntry] = field(default_factory=list)
    meeting_id: str | None = None
    gates_open: bool = False
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
        """Whether it is a major matter, whose minutes some rules let the head see first."""
        return bool({Aspect.major_decision, Aspect.major_matter} & set(self.aspects))

    @property
    def current_papers(self) -> list[Paper]:
        return [paper for paper in self.papers if paper.replaced_by is None]

    @property
    def standing_gates(self) -> list[GateRecord]:
        """The records of gates that are of the text as it stands."""
        return [record for record in self.gates if self._of_this_text(record.recorded_at)]

    @property
    def standing_positions(self) -> list[Position]:
        return [position for position in self.positions if self._of_this_text(position.recorded_at)]

    def _of_this_text(self, recorded_at: datetime) -> bool:
        return self.text_since is None or recorded_at >= self.text_since

    @property
    def papers_in(self) -> datetime:
        """When the last of the papers that count came in."""
        return max((p.submitted_at for p in self.current_papers if p.submitted_at), default=self.submitted_at)


_RAISERS: dict[RaisedBy, tuple[Actor, ...]] = {
    RaisedBy.head: (Actor(role=Role.head),),
    RaisedBy.deputy: (Actor(role=Role.deputies),),
    RaisedBy.department: (Actor(role=Role.sponsor),),
}


def require_raiser(composition: Composition, official: str | None, raised_by: RaisedBy, sponsor: str, on: date) -> None:
    """Problem 403 unless the official may raise a topic in this way: for a leader the leader, else the sponsor's own."""
    composition.require(
        official,
        _RAISERS[raised_by],
        on,
        {},
        Text(f"raise a topic of {sponsor} as {raised_by}", "提出该议题"),
        code="not_the_raiser",
        clause=None,
        sponsor=sponsor,
    )


def require_papers(kind: MeetingKind, papers: list[Paper], facts: Facts) -> None:
    """Refusal `papers_missing` unless every paper that the rulebook asks for under these facts is there, with its parts."""
    if kind.papers is None:
        return
    asked = [wanted for wanted in kind.papers.required if matches(wanted.when, facts)]
    short = [(wanted, lacks) for wanted in asked if (lacks := _lacking(wanted, papers))]
    missing = [each.value for _, lacks in short for each in lacks]
    if short:
        raise refusal(
            "papers_missing",
            short[0][0].clause or kind.papers.clause,
            f"{kind.name}: the topic lacks {', '.join(missing)}",
            f"{kind.name}议题材料不齐，缺{in_chinese(*missing)}",
            Text(f"add {', '.join(missing)}", f"补齐{in_chinese(*missing)}"),
            missing=missing,
        )


def _lacking(wanted: RequiredPaper, papers: list[Paper]) -> list[PaperKind | NotePart]:
    """The paper itself, or the parts that it has to have and hasn't."""
    of_kind = [paper for paper in papers if paper.kind == wanted.paper]
    if not of_kind:
        return [wanted.paper]
    there = {part for paper in of_kind for part in paper.parts}
    return [part for part in wanted.parts if part not in there]


def advance(topic: Topic, kind: MeetingKind, taken: StepTaken) -> None:
    """Add a taken step; a topic whose chain is done is ready for an agenda."""
    topic.steps = [*topic.steps, taken]
    settle(topic, kind)


def settle(topic: Topic, kind: MeetingKind) -> None:
    """A topic under review whose chain asks for nothing more is ready."""
    if topic.state == TopicState.in_review and next_step(kind.topic, topic.steps, topic.facts) is None:
        topic.state = TopicState.ready


def came_in(topic: Topic, kind: MeetingKind) -> datetime:
    """What the lead time of its kind is met by: the last paper that counts, or the request itself."""
    by_request = kind.papers is not None and kind.papers.counted == "request"
    return topic.submitted_at if by_request else topic.papers_in


def working_days_late(due: Due, submitted: date, calendar: WorkdayCalendar) -> int:
    """How many working days after the due date the papers came; 0 where they came in time."""
    late, day = 0, due.date
    while day < submitted:
        day = calendar.shift(day, 1)
        late += 1
    return late


def require_ready(topic: Topic, kind: MeetingKind) -> None:
    """Refusals `topic_not_ready` names the next step, `topic_already_scheduled`, `illegal_state`."""
    if topic.state == TopicState.in_review and (step := next_step(kind.topic, topic.steps, topic.facts)):
        actors = " / ".join(actor.role for actor in step.by)
        actors_zh = in_chinese(*(actor.role for actor in step.by))
        raise refusal(
            "topic_not_ready",
            step.clause or kind.topic.clause,
            f"the topic still needs {step.step} by {actors}",
            f"议题尚需“{in_chinese(step.step)}”（{actors_zh}）",
            Text(f"have {actors} take {step.step}", f"请{actors_zh}办理“{in_chinese(step.step)}”"),
            next_step=step.step.value,
        )
    if topic.state in (TopicState.scheduled, TopicState.concluded):
        raise _already_scheduled(topic)
    require_state(topic, TopicState.ready)


def _already_scheduled(topic: Topic) -> Problem:
    return refusal(
        "topic_already_scheduled",
        None,
        f"the topic stands on the agenda of meeting {topic.meeting_id}",
        "议题已列入会议议程",
        Text("a topic stands on one agenda at a time", "一个议题只列入一次会议"),
    )


def schedule(
    topic: Topic, kind: MeetingKind, meeting_id: str, papers_due: Due | None, submitted: date, late: int
) -> None:
    """Put a topic that is ready on an agenda. Refusals: those of `require_ready`; `papers_late`."""
    require_ready(topic, kind)
    require_in_time(topic, kind, meeting_id, papers_due, submitted, late)
    topic.state = TopicState.scheduled
    topic.meeting_id = meeting_id


def require_in_time(
    topic: Topic, kind: MeetingKind, meeting_id: str, papers_due: Due | None, submitted: date, late: int
) -> None:
    """Refusal `papers_late` unless the papers came in time for the meeting, or were admitted late for it."""
    admission = topic.late_admission
    admitted = admission is not None and admission.meeting_id == meeting_id and late <= admission.working_days_late
    if late and papers_due and kind.papers and not admitted:
        raise refusal(
            "papers_late",
            papers_due.clause,
            f"the papers came {late} working day{'s' * (late > 1)} late: on {submitted}, due on {papers_due.date}",
            f"材料报送迟到{late}个工作日：应于{papers_due.date}前报送，实际{submitted}报送",
            _in_time_otherwise(topic, kind.papers),
            working_days_late=late,
            due=papers_due.date.isoformat(),
            submitted=submitted.isoformat(),
        )


def _in_time_otherwise(topic: Topic, papers: Papers) -> Text:
    """What helps papers that are late: a later day, whoever may admit them, special urgency where that waives the time."""
    ways = [Text("choose a later meeting day", "改到之后的会议")]
    if papers.admit_late:
        roles, roles_zh = " / ".join(papers.admit_late), in_chinese(*papers.admit_late)
        ways.append(Text(f"have {roles} admit it with a reason", f"由{roles_zh}说明理由后准予列入"))
    if not matches(papers.deadline_when, topic.facts | {"specially_urgent": True}):
        ways.append(
            Text(
                "have the sponsor state why it is specially urgent (urgency), whereupon its chain is taken again",
                "确属特殊紧急的，由主办部门说明紧急理由（urgency）后重新履行审核程序",
            )
        )
    firm = Text("; the lead time is firm", "；该时限无例外") if len(ways) == 1 else Text("", "")
    return Text(", or ".join(way.en for way in ways) + firm.en, "，或".join(way.zh for way in ways) + firm.zh)


def admit_late(
    topic: Topic,
    kind: MeetingKind,
    composition: Composition,
    official: str | None,
    meeting_id: str,
    reason: str,
    late: int,
    occurred_at: datetime,
    on: date,
) -> None:
    """Record that who approves additions admitted late papers. 403 `not_the_admitter`; 409 `papers_not_late`,
    `nobody_admits_late_papers`, `topic_already_scheduled` for another meeting than the one on whose agenda it stands,
    `illegal_state`."""
    clause = kind.papers.clause if kind.papers else kind.clause
    if topic.state == TopicState.scheduled and topic.meeting_id != meeting_id:
        raise _already_scheduled(topic)
    require_state(topic, *BEFORE_AN_AGENDA, TopicState.scheduled)
    if late == 0:
        raise refusal(
            "papers_not_late",
            clause,
            "the papers came in time for this meeting",
            "材料已按时报送，无需准予",
            Text("put the topic on the agenda", "可直接列入议程"),
        )
    roles = kind.papers.admit_late if kind.papers else ()
    if kind.papers and not roles:
        raise refusal(
            "nobody_admits_late_papers",
            clause,
            "the rules let nobody admit late papers",
            "本级规则未规定可准予迟报",
            _in_time_otherwise(topic, kind.papers),
        )
    composition.require(
        official,
        tuple(Actor(role=role) for role in roles),
        on,
        {},
        Text("admit late papers", "准予迟报材料"),
        code="not_the_admitter",
        clause=clause,
    )
    topic.late_admission = LateAdmission(meeting_id, official or "", reason, late, occurred_at)


# what it is, and where it may be decided ----------------------------------------------------------------------------
def require_state(topic: Topic, *allowed: TopicState) -> None:
    """Refusal `illegal_state` unless the topic is in one of these states."""
    if topic.state not in allowed:
        raise refusal(
            "illegal_state",
            None,
            f"the topic is {topic.state}",
            f"议题当前为“{STATES_ZH[topic.state]}”",
            Text(f"it has to be {' or '.join(allowed)}", f"须处于“{'”或“'.join(STATES_ZH[s] for s in allowed)}”"),
            state=str(topic.state),
        )


def require_matter(kind: MeetingKind, matter: str | None) -> None:
    """Refusal `outside_the_competence` unless the topic names one of the kind's main tasks, where they are listed."""
    tasks = {task.id: task.name for task in kind.competence}
    if tasks and matter not in tasks:
        raise refusal(
            "outside_the_competence",
            kind.clause,
            f"{kind.name}: {matter or 'no matter'} isn't one of its tasks",
            f"{kind.name}的主要任务中没有“{matter or '（未填写）'}”",
            Text(f"matter is one of {', '.join(tasks)}", f"请注明属于：{'、'.join(tasks.values())}"),
            tasks=tasks,
        )


def require_not_reserved(topic: Topic, rules: TopicRules, kinds: dict[str, str]) -> None:
    """Refusal `reserved_matter` where only other kinds of meeting may decide it, unless it is only prepared here.
    `kinds` are the government's kinds with their names."""
    for reserved in rules.reserved:
        touched = [aspect for aspect in reserved.any_of if aspect in topic.aspects]
        if touched and topic.meeting_kind not in reserved.kinds and topic.prepares_for not in reserved.kinds:
            where, where_zh = ", ".join(reserved.kinds), "、".join(kinds[kind] for kind in reserved.kinds)
            raise refusal(
                "reserved_matter",
                reserved.clause,
                f"{', '.join(touched)}: only {where} may decide it",
                f"{in_chinese(*touched)}须由{where_zh}集体讨论决定",
                Text(
                    f"submit it to {where}, or declare prepares_for where this meeting only prepares it",
                    f"请提交{where_zh}；仅作前期研究的，请注明拟提交的会议",
                ),
                reserved_for=list(reserved.kinds),
            )


def applying_gates(topic: Topic, rules: TopicRules) -> list[GateRule]:
    return gates.applying(rules, topic.meeting_kind, topic.aspects, topic.facts, bool(topic.concerned))


def shortcoming(topic: Topic, rule: GateRule, names: dict[str, str]) -> Text | None:
    """What a gate that applies still lacks; None where it is passed. Of a consultation, who hasn't answered."""
    if rule.gate != Gate.departments_consulted:
        return gates.shortcoming(rule, topic.standing_gates)
    waiting = [names.get(each, each) for each in consultations.silent(topic.concerned, topic.standing_positions)]
    return Text(f"without an answer: {', '.join(waiting)}", f"尚未回复：{'、'.join(waiting)}") if waiting else None


def open_gates(topic: Topic, rules: TopicRules) -> list[GateRule]:
    """The gates that may be passed once the meeting has decided, and aren't yet: they stand against the issue, or are
    tracked."""
    return [
        rule
        for rule in applying_gates(topic, rules)
        if rule.blocks in AFTER_THE_MEETING and shortcoming(topic, rule, {})
    ]


def require_applies(topic: Topic, rules: TopicRules, gate: Gate) -> None:
    """Refusal `gate_does_not_apply` for a record that would say nothing: of a gate that the topic hasn't to pass, or of
    the consultation, which the departments' own positions show."""
    recorded = [rule.gate for rule in applying_gates(topic, rules) if rule.gate != Gate.departments_consulted]
    if gate in recorded:
        return
    gates_en, gates_zh = ", ".join(dict.fromkeys(recorded)), in_chinese(*dict.fromkeys(recorded))
    raise refusal(
        "gate_does_not_apply",
        None,
        f"{gate} isn't recorded on this topic",
        f"本议题无需登记“{in_chinese(gate)}”",
        Text(
            f"gates of this topic: {gates_en or 'none'}; declare the aspects that it has, or have departments take a position",
            f"本议题的前置程序：{gates_zh or '无'}；如有遗漏请补报事项属性，征求意见由相关部门提出意见",
        ),
        gates=list(dict.fromkeys(recorded)),
    )


def chair_takes_part(kind: MeetingKind) -> bool:
    """Whether whoever is to chair takes a step in the chain of its topics."""
    return any(actor.role == Role.chair for step in kind.topic.steps for actor in step.by)


def needs_prior_meeting(topic: Topic, kind: MeetingKind) -> bool:
    return kind.prior_meeting is not None and matches(kind.prior_meeting.when, topic.facts)


def needs_form(topic: Topic, kind: MeetingKind) -> bool:
    return kind.topic_form is not None and matches(kind.topic_form.when, topic.facts)


def require_complete(topic: Topic, kind: MeetingKind, rules: TopicRules, names: dict[str, str]) -> None:
    """Refusals before anybody's step: `gate_not_passed` (completeness); with a topic form `topic_form_unsigned`."""
    gates.require_passed(applying_gates(topic, rules), topic.standing_gates, Block.completeness)
    if kind.topic_form and needs_form(topic, kind):
        consultations.require_signed(kind.topic_form.clause, topic.sponsor, topic.concerned, topic.signatures, names)


def require_prior_meeting(topic: Topic, kind: MeetingKind) -> None:
    """Refusal `prior_meeting_missing` unless an earlier meeting found consensus or a workable plan, where one has to."""
    if kind.prior_meeting and needs_prior_meeting(topic, kind) and topic.prior_meeting is None:
        raise refusal(
            "prior_meeting_missing",
            kind.prior_meeting.clause,
            f"no {kind.prior_meeting.kind} meeting has found consensus or a workable plan on it",
            "议题尚未经分管领导专题会议形成一致意见或可行方案",
            Text(
                f"name the decision of a meeting of the kind {kind.prior_meeting.kind}",
                "请登记专题会议的决定事项",
            ),
        )


def require_may_be_scheduled(topic: Topic, kind: MeetingKind, rules: TopicRules, names: dict[str, str]) -> None:
    """Refusals before an agenda: what `require_complete` says, `gate_not_passed` (scheduling), `not_consulted`,
    `disagreement_open`, `prior_meeting_missing`."""
    require_complete(topic, kind, rules, names)
    asked = applying_gates(topic, rules)
    gates.require_passed(asked, topic.standing_gates, Block.completeness, Block.scheduling)
    for rule in asked:
        if rule.gate == Gate.departments_consulted:
            consultations.require_consulted(rule.clause, topic.concerned, topic.standing_positions, names)
    consultations.require_settled(
        rules.consultation, topic.concerned, topic.standing_positions, topic.coordinations, names
    )
    require_prior_meeting(topic, kind)


def outstanding(topic: Topic, kind: MeetingKind, rules: TopicRules, names: dict[str, str]) -> list[Problem]:
    """Whatever stands between the topic and an agenda now, each as the refusal that it would be met with."""
    asked = applying_gates(topic, rules)
    consulted = next((rule for rule in asked if rule.gate == Gate.departments_consulted), None)
    checks: list[Callable[[], None]] = [
        lambda: gates.require_passed(asked, topic.standing_gates, Block.completeness, Block.scheduling),
        lambda: consultations.require_settled(
            rules.consultation, topic.concerned, topic.standing_positions, topic.coordinations, names
        ),
        lambda: require_complete(topic, kind, rules, names),
        lambda: require_prior_meeting(topic, kind),
        lambda: require_ready(topic, kind),
    ]
    if consulted:
        clause = consulted.clause
        checks.insert(
            0, lambda: consultations.require_consulted(clause, topic.concerned, topic.standing_positions, names)
        )
    found: dict[str, Problem] = {}
    for check in checks:
        try:
            check()
        except Problem as problem:
            found.setdefault(problem.code, problem)
    return list(found.values())


def require_only_prepared(topic: Topic, rules: TopicRules, outcome: Outcome, document: FollowingDocument) -> None:
    """Refusal `reserved_matter` where a meeting that only prepares a reserved matter would decide it: it may agree in
    principle to submit it, and nothing is issued on that."""
    reserved = next((r for r in rules.reserved if set(r.any_of) & set(topic.aspects)), None)
    if reserved is None or topic.meeting_kind in reserved.kinds:
        return
    if outcome == Outcome.passed or (outcome.adopts and document != FollowingDocument.none):
        raise refusal(
            "reserved_matter",
            reserved.clause,
            f"this meeting only prepares the matter for {topic.prepares_for}",
            "本次会议仅作前期研究，不作最终决定",
            Text(
                "record it as passed in principle, to be submitted, with no document to issue",
                "请记为“原则通过”并按程序提交，不形成印发文件",
            ),
        )


# turns --------------------------------------------------------------------------------------------------------------
def turn(topic: Topic, what: Turn, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Write a turn into the history with the steps that it ends."""
    entry = HistoryEntry(what, official, reason, occurred_at, recorded_at, tuple(topic.steps), topic.meeting_id)
    topic.history = appended(topic.history, entry, bound=OF_A_TOPIC)


def send_back(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Return it to the sponsor: its steps stay in the history, and the form is signed anew."""
    require_state(topic, TopicState.in_review, TopicState.ready)
    turn(topic, Turn.returned, official, reason, occurred_at, recorded_at)
    topic.steps, topic.signatures, topic.state = [], [], TopicState.returned


def withdraw(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """The raiser takes it back. What stands on an agenda is taken off it first."""
    require_state(topic, TopicState.in_review, TopicState.returned, TopicState.ready)
    turn(topic, Turn.withdrawn, official, reason, occurred_at, recorded_at)
    topic.steps, topic.signatures, topic.state = [], [], TopicState.withdrawn


#: What a topic declares of itself, which may be another when it comes again; some of it makes it another matter.
DECLARED = ("title", "nature", "matter", "aspects", "concerned", "urgency", "prepares_for")
_ANOTHER_MATTER = {"title", "nature", "matter", "prepares_for"}


def dropped(topic: Topic, changes: dict[str, Any]) -> list[str]:
    """The aspects and organisations that a changed declaration leaves out: with them went gates and objections."""
    return [
        str(each)
        for name in ("aspects", "concerned")
        for each in getattr(topic, name)
        if name in changes and each not in changes[name]
    ]


def resubmit(
    topic: Topic, changes: dict[str, Any], official: str, reason: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    """Submit a returned or withdrawn topic again, perhaps declaring something else (`DECLARED`); its chain begins anew,
    its papers came in when they did. As another matter it passes its gates and finds its consensus anew."""
    require_state(topic, TopicState.returned, TopicState.withdrawn)
    turn(topic, Turn.resubmitted, official, reason, occurred_at, recorded_at)
    before = {name: getattr(topic, name) for name, value in changes.items() if getattr(topic, name) != value}
    topic.history = [*topic.history[:-1], replace(topic.history[-1], before=before)]
    for name in before:
        setattr(topic, name, changes[name])
    if _ANOTHER_MATTER & before.keys():
        _begin_text(topic, recorded_at)
        topic.prior_meeting = None
    topic.state, topic.submitted_at, topic.late_admission = TopicState.in_review, occurred_at, None


def state_urgency(
    topic: Topic, kind: MeetingKind, urgency: str, official: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    """Say of a topic on its way that it is specially urgent, and why. Whoever saw it as one that isn't sees it again: its
    chain begins anew (DL-43). Refusal `urgency_unchanged`."""
    require_state(topic, TopicState.in_review, TopicState.ready)
    if urgency == topic.urgency:
        raise refusal(
            "urgency_unchanged",
            None,
            "it states this urgency already",
            "已载明该紧急理由",
            Text("go on with the topic's chain", "可继续办理"),
        )
    turn(topic, Turn.urgency_stated, official, urgency, occurred_at, recorded_at)
    topic.history = [*topic.history[:-1], replace(topic.history[-1], before={"urgency": topic.urgency})]
    topic.urgency, topic.steps, topic.state = urgency, [], TopicState.in_review
    settle(topic, kind)


#: What may still be added to a topic's record: whatever a meeting hasn't got on its agenda yet.
BEFORE_AN_AGENDA = (TopicState.in_review, TopicState.returned, TopicState.withdrawn, TopicState.ready)
#: Gates that may be passed once the meeting has decided.
AFTER_THE_MEETING = (Block.issue, Block.tracked)
#: Steps that speak of the papers as they were then.
_OF_PAPERS = (StepName.review_papers, StepName.approve_papers)


def change_papers(topic: Topic, kind: MeetingKind, paper: Paper, replaces: str | None, recorded_at: datetime) -> None:
    """Add a paper, or a new version of one. Whoever had reviewed or approved the papers has to see the new one; another
    main document is another text, which everybody has to see. Problem `no_such_paper` where `replaces` isn't a paper
    that counts."""
    require_state(topic, *BEFORE_AN_AGENDA)
    if replaces is not None and replaces not in {old.id for old in topic.current_papers}:
        raise invalid("no_such_paper", f"{replaces} isn't a paper that counts", "所替换的材料不存在或已被替换")
    old = next((other for other in topic.papers if other.id == replaces), None)
    if old:
        paper = replace(paper, number=old.number + 1)
    topic.papers = appended(
        [replace(other, replaced_by=paper.id) if other.id == replaces else other for other in topic.papers],
        paper,
        bound=OF_A_TOPIC,
    )
    topic.late_admission = None
    is_text = PaperKind.main_document in (paper.kind, old.kind if old else None)
    seen = 0 if is_text else next((i for i, s in enumerate(topic.steps) if s.step in _OF_PAPERS), len(topic.steps))
    if seen < len(topic.steps) or is_text:
        assert paper.submitted_at
        turn(topic, Turn.papers_changed, paper.submitted_by, paper.title, paper.submitted_at, recorded_at)
        topic.steps = topic.steps[:seen]
        if topic.state == TopicState.ready:
            topic.state = TopicState.in_review
    if is_text:
        _begin_text(topic, recorded_at)
    settle(topic, kind)


def _begin_text(topic: Topic, since: datetime) -> None:
    """What was recorded of the text before doesn't count for this one."""
    topic.text_since, topic.signatures = since, []


def release(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Take it off an agenda: it is ready for another one."""
    require_state(topic, TopicState.scheduled)
    turn(topic, Turn.released, official, reason, occurred_at, recorded_at)
    topic.state, topic.meeting_id = TopicState.ready, None


def conclude(
    topic: Topic, outcome: Outcome | None, official: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    """What the meeting made of it: deferred, it is ready for a later one; else it is done."""
    if outcome == Outcome.deferred:
        turn(topic, Turn.deferred, official, "", occurred_at, recorded_at)
        topic.state, topic.meeting_id = TopicState.ready, None
    else:
        topic.state = TopicState.concluded


def require_correctable(topic: Topic, meeting_id: str, before: Outcome, after: Outcome, clause: str) -> None:
    """Refusals where the signed minutes of this meeting are to say that it decided a topic which they had deferred:
    `topic_elsewhere` if it stands on another agenda or was decided there since, as a topic gets one decision;
    `topic_went_on` if it was changed since, as nobody decided on what stands there now."""
    if before != Outcome.deferred or after == Outcome.deferred:
        return
    if topic.state in (TopicState.scheduled, TopicState.concluded) and topic.meeting_id != meeting_id:
        raise refusal(
            "topic_elsewhere",
            clause,
            f"the topic was deferred and has been taken up by meeting {topic.meeting_id}",
            "该议题暂缓后已提交其他会议",
            Text(
                "take it off that agenda first; if that meeting has decided on it, that decision stands",
                "请先从该会议议程中撤下；该会议已作决定的，以其决定为准",
            ),
            meeting_id=topic.meeting_id,
        )
    put_off = [n for n, each in enumerate(topic.history) if each.meeting_id == meeting_id]
    since = topic.history[put_off[-1] + 1 :] if put_off else []
    if changed := [each for each in since if each.turn != Turn.released]:
        raise refusal(
            "topic_went_on",
            clause,
            f"the topic was deferred and is another one since: {', '.join(each.turn for each in changed)}",
            "该议题暂缓后已重新办理，现有材料未经本次会议审议",
            Text("bring it to a later meeting as it is now", "请按现有材料提交以后的会议"),
        )


def follow_correction(
    topic: Topic,
    meeting_id: str,
    before: Outcome,
    after: Outcome,
    official: str,
    reason: str,
    occurred_at: datetime,
    recorded_at: datetime,
    clause: str,
) -> None:
    """What a signed correction makes of the topic: deferred now, it is ready for a later meeting; deferred no longer, it
    is done. Any other change leaves it as it is. Refusal as `require_correctable`."""
    require_correctable(topic, meeting_id, before, after, clause)
    if (before == Outcome.deferred) == (after == Outcome.deferred):
        return
    turn(topic, Turn.corrected, official, reason, occurred_at, recorded_at)
    if after == Outcome.deferred:
        topic.state, topic.meeting_id = TopicState.ready, None
    else:
        topic.state, topic.meeting_id = TopicState.concluded, meeting_id
