"""A meeting (会议) from its call to its close: agenda, attendance, chair, decisions.

Invariants: an approved agenda is locked; a session opens only with a lawful chair and its quorum; every topic of the
agenda gets exactly one decision before the close; a decision has exactly one lead unit. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from meeting_svc.topic import StepTaken, Topic, next_step
from zhengling.authority import Acting, Composition
from zhengling.errors import Text, refusal
from zhengling.events import Resolution
from zhengling.rulebook import Actor, Facts, MeetingKind, Role, TopicNature, in_chinese


class MeetingState(StrEnum):
    called = "called"
    agenda_approved = "agenda_approved"
    open = "open"
    closed = "closed"
    minuted = "minuted"
    signed = "signed"
    unminuted = "unminuted"


_STATES_ZH = {
    MeetingState.called: "已召集",
    MeetingState.agenda_approved: "议程已批准",
    MeetingState.open: "会议中",
    MeetingState.closed: "已结束",
    MeetingState.minuted: "纪要办理中",
    MeetingState.signed: "纪要已签发",
    MeetingState.unminuted: "不形成纪要",
}


@dataclass(frozen=True)
class AgendaItem:
    topic_id: str
    title: str
    nature: TopicNature
    sponsor: str


@dataclass(frozen=True)
class Attendance:
    official: str
    present: bool
    reason: str = ""


@dataclass(frozen=True)
class Entrustment:
    """The head entrusts somebody with chairing this meeting."""

    to: str
    by: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass
class Meeting:
    id: str
    government: str
    edition: str
    kind: str
    title: str
    day: date
    called_by: str
    state: MeetingState = MeetingState.called
    agenda: list[AgendaItem] = field(default_factory=list)
    agenda_steps: list[StepTaken] = field(default_factory=list)
    entrustment: Entrustment | None = None
    chair: str | None = None
    members: list[str] = field(default_factory=list)
    attendance: list[Attendance] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    minutes_steps: list[StepTaken] = field(default_factory=list)
    version: int = 1
    modified_at: datetime | None = None


def require_state(meeting: Meeting, *allowed: MeetingState) -> None:
    """Refusal `illegal_state` unless the meeting is in one of these states."""
    if meeting.state not in allowed:
        raise refusal(
            "illegal_state",
            None,
            f"the meeting is {meeting.state}",
            f"会议当前为“{_STATES_ZH[meeting.state]}”",
            Text(f"it has to be {' or '.join(allowed)}", f"须处于“{'”或“'.join(_STATES_ZH[s] for s in allowed)}”"),
            state=str(meeting.state),
        )


def call_office(composition: Composition, official: str | None, on: date, act: Text, clause: str | None) -> None:
    """Problem 403 `not_the_office` unless the official belongs to the government's office, which organises meetings."""
    composition.require(official, (Actor(role=Role.office),), on, {}, act, code="not_the_office", clause=clause)


def add_to_agenda(meeting: Meeting, topic: Topic, position: int | None) -> None:
    """Put a topic (scheduled by `topic.schedule`) on the agenda, at a 1-based position or at the end."""
    require_state(meeting, MeetingState.called)
    if topic.meeting_kind != meeting.kind:
        raise refusal(
            "topic_of_another_kind",
            None,
            f"the topic is for {topic.meeting_kind}, the meeting is {meeting.kind}",
            "议题的会议类别与本次会议不符",
            Text("choose a meeting of the topic's kind", "请选择相应类别的会议"),
        )
    item = AgendaItem(topic.id, topic.title, topic.nature, topic.sponsor)
    at = len(meeting.agenda) if position is None else min(position - 1, len(meeting.agenda))
    meeting.agenda = [*meeting.agenda[:at], item, *meeting.agenda[at:]]
    meeting.agenda_steps = []  # who approved a shorter agenda has to see the longer one


def take_agenda_step(meeting: Meeting, kind: MeetingKind, taken: StepTaken) -> None:
    """Add a taken step of the agenda's chain; the last one approves and locks it. Refusals before that:
    `agenda_empty`, `first_topic_missing`."""
    if not meeting.agenda:
        raise refusal(
            "agenda_empty",
            kind.agenda.clause,
            "the agenda has no topic",
            "议程中没有议题",
            Text("add a topic that is ready", "请先列入议题"),
        )
    steps = [*meeting.agenda_steps, taken]
    done = next_step(kind.agenda, steps, {}) is None
    if done and kind.first_topic and meeting.agenda[0].nature != kind.first_topic.nature:
        raise refusal(
            "first_topic_missing",
            kind.first_topic.clause,
            f"the first topic has to be of the nature {kind.first_topic.nature}; it is {meeting.agenda[0].nature}",
            f"第一议题须为{in_chinese(kind.first_topic.nature)}类，当前为{in_chinese(meeting.agenda[0].nature)}类",
            Text(
                f"put a topic of the nature {kind.first_topic.nature} at position 1",
                f"请将{in_chinese(kind.first_topic.nature)}类议题列为第一项",
            ),
        )
    meeting.agenda_steps = steps
    if done:
        meeting.state = MeetingState.agenda_approved


def entrust(
    meeting: Meeting,
    composition: Composition,
    kind: MeetingKind,
    official: str | None,
    entrustment: Entrustment,
    on: date,
) -> None:
    """The head entrusts an official with chairing. 403 `not_the_head`; 409 `cannot_be_entrusted` for anybody whom the
    rulebook doesn't let chair by entrustment."""
    require_state(meeting, MeetingState.called, MeetingState.agenda_approved)
    act = Text("entrust somebody with chairing", "委托主持会议")
    composition.require(official, (Actor(role=Role.head),), on, {}, act, code="not_the_head", clause=kind.clause)
    entrustable = [actor for actor in kind.chair if actor.when.get("entrusted") is True]
    if composition.may_act(entrustment.to, entrustable, on, {"entrusted": True}) is None:
        who = composition.names(composition.members([actor.role for actor in entrustable], on))
        name = composition.official_names.get(entrustment.to, entrustment.to)
        raise refusal(
            "cannot_be_entrusted",
            kind.clause,
            f"{name} can't be entrusted with chairing {kind.name}",
            f"{name}不能受委托主持{kind.name}",
            Text(f"entrust {', '.join(who) or 'nobody: only the head chairs'}", f"可委托：{'、'.join(who) or '无'}"),
        )
    meeting.entrustment = entrustment


def open_session(
    meeting: Meeting,
    kind: MeetingKind,
    composition: Composition,
    chair: str,
    attendance: list[Attendance],
    occurred_at: datetime,
    on: date,
) -> Acting:
    """Open the session; by what the chair chairs it. Refusals: 403 `not_a_lawful_chair`; 409 `wrong_day`,
    `quorum_not_met`, `chair_absent`."""
    require_state(meeting, MeetingState.agenda_approved)
    if on != meeting.day:
        raise refusal(
            "wrong_day",
            None,
            f"the meeting was called for {meeting.day}, not for {on}",
            f"会议定于{meeting.day}召开",
            Text(f"open it on {meeting.day}", f"请于{meeting.day}开会"),
        )
    facts: Facts = {"entrusted": meeting.entrustment is not None and meeting.entrustment.to == chair}
    acting = composition.require(
        chair,
        kind.chair,
        on,
        facts,
        Text(f"chair {kind.name}", f"主持{kind.name}"),
        code="not_a_lawful_chair",
        clause=kind.clause,
    )
    members = composition.members(kind.members, on)
    present = {entry.official for entry in attendance if entry.present}
    if chair not in present:
        raise refusal(
            "chair_absent",
            kind.clause,
            "the chair isn't among those present",
            "主持人未在出席名单中",
            Text("record the chair as present", "请将主持人记为出席"),
        )
    there = [member for member in members if member in present]
    if kind.quorum and len(there) < (needed := kind.quorum.needed(len(members))):
        absent = composition.names(member for member in members if member not in present)
        raise refusal(
            "quorum_not_met",
            kind.quorum.clause,
            f"{len(there)} of {len(members)} members are present, {needed} are needed",
            f"应到{len(members)}人，实到{len(there)}人，至少须{needed}人出席",
            Text(
                f"{needed - len(there)} more of: {', '.join(absent)}",
                f"尚需以下人员中{needed - len(there)}人到会：{'、'.join(absent)}",
            ),
            present=len(there),
            members=len(members),
            needed=needed,
        )
    meeting.state = MeetingState.open
    meeting.chair = chair
    meeting.members = list(members)
    meeting.attendance = attendance
    meeting.opened_at = occurred_at
    return acting


def decide(meeting: Meeting, resolution: Resolution) -> None:
    """Record what the meeting made of one topic. Refusals: `not_on_the_agenda`, `decided_already`, `lead_twice`."""
    require_state(meeting, MeetingState.open)
    if resolution.topic_id not in {item.topic_id for item in meeting.agenda}:
        raise refusal(
            "not_on_the_agenda",
            None,
            f"topic {resolution.topic_id} isn't on this agenda",
            "该议题不在本次会议议程中",
            Text("decide only what stands on the approved agenda", "只能对已批准议程中的议题作出决定"),
        )
    if any(other.topic_id == resolution.topic_id for other in meeting.resolutions):
        raise refusal(
            "decided_already",
            None,
            "the topic has its decision",
            "该议题已有决定",
            Text("a topic gets one decision", "一个议题只作一个决定"),
        )
    if resolution.lead.code in {unit.code for unit in resolution.co_units}:
        raise refusal(
            "lead_twice",
            None,
            f"{resolution.lead.name} is both lead and co-unit",
            f"{resolution.lead.name}不能既是牵头单位又是配合单位",
            Text("name exactly one lead unit", "请只列一个牵头单位"),
        )
    meeting.resolutions = [*meeting.resolutions, resolution]


def close_session(meeting: Meeting, occurred_at: datetime) -> None:
    """Close the session. Refusals: `topics_undecided` names what has no decision yet; `closed_before_opened`."""
    require_state(meeting, MeetingState.open)
    decided = {resolution.topic_id for resolution in meeting.resolutions}
    if titles := [item.title for item in meeting.agenda if item.topic_id not in decided]:
        raise refusal(
            "topics_undecided",
            None,
            f"no decision yet on: {', '.join(titles)}",
            f"以下议题尚无结果：{'、'.join(titles)}",
            Text(
                "record passed, passed in principle, not passed, deferred or noted for each",
                "请逐项记录结果（通过、原则通过、未通过、暂缓、知悉）",
            ),
        )
    if meeting.opened_at and occurred_at < meeting.opened_at:
        raise refusal(
            "closed_before_opened",
            None,
            f"the session opened at {meeting.opened_at.isoformat()}",
            "结束时间不能早于开始时间",
            Text("state the time of the close", "请填写会议结束时间"),
        )
    meeting.state = MeetingState.closed
    meeting.closed_at = occurred_at


def minutes_facts(meeting: Meeting, official: str | None) -> Facts:
    """Facts of the minutes' chain: whether this official chaired, and did so by entrustment."""
    chaired = meeting.chair is not None and meeting.chair == official
    entrusted = meeting.entrustment is not None and meeting.entrustment.to == meeting.chair
    return {"chaired": chaired, "entrusted": entrusted}
