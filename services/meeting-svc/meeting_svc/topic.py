"""A topic (议题) on its way to a meeting: its papers, and the chain of those who have to see it.

Invariants: a topic takes the steps that its government's rulebook asks for, in that order, each by who may take it;
it stands on at most one agenda. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from zhengling.absence_rules import Power
from zhengling.authority import Composition
from zhengling.deadlines import Due
from zhengling.errors import Text, refusal
from zhengling.rulebook import (
    Actor,
    Chain,
    Facts,
    MeetingKind,
    PaperKind,
    RaisedBy,
    Role,
    Step,
    StepName,
    TopicNature,
    in_chinese,
)
from zhengling.workdays import WorkdayCalendar


class TopicState(StrEnum):
    in_review = "in_review"
    ready = "ready"
    scheduled = "scheduled"
    concluded = "concluded"


@dataclass(frozen=True)
class Paper:
    """One paper of a topic: what it is, its file, and the SHA-256: the file's, or without one what the sponsor states."""

    kind: PaperKind
    title: str
    sha256: str | None = None
    file_id: str | None = None


@dataclass(frozen=True)
class StepTaken:
    """A step of a chain that was taken: by whom, in which role, when it occurred and when it was recorded; for somebody
    who is away, on whose behalf and by which clause."""

    step: StepName
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str = ""
    on_behalf_of: str | None = None
    under: str | None = None

    @property
    def behalf(self) -> dict[str, object]:
        """What the audit keeps of acting for somebody who is away."""
        return {"on_behalf_of": self.on_behalf_of, "under": self.under} if self.on_behalf_of else {}


@dataclass(frozen=True)
class LateAdmission:
    """Papers that came too late for a meeting, admitted by who approves additions."""

    meeting_id: str
    admitted_by: str
    reason: str
    working_days_late: int
    occurred_at: datetime


@dataclass
class Topic:
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
    state: TopicState = TopicState.in_review
    steps: list[StepTaken] = field(default_factory=list)
    late_admission: LateAdmission | None = None
    meeting_id: str | None = None
    version: int = 1
    modified_at: datetime | None = None

    @property
    def facts(self) -> Facts:
        return {"raised_by": self.raised_by, "nature": self.nature}


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


def require_papers(kind: MeetingKind, papers: list[Paper]) -> None:
    """Refusal `papers_missing` unless every paper that the rulebook asks for is there."""
    if kind.papers is None:
        return
    given = {paper.kind for paper in papers}
    if missing := [wanted.paper.value for wanted in kind.papers.required if wanted.paper not in given]:
        raise refusal(
            "papers_missing",
            kind.papers.clause,
            f"{kind.name}: the topic lacks {', '.join(missing)}",
            f"{kind.name}议题材料不齐，缺{in_chinese(*missing)}",
            Text(f"add {', '.join(missing)}", f"补齐{in_chinese(*missing)}"),
            missing=missing,
        )


def next_step(chain: Chain, taken: list[StepTaken], facts: Facts) -> Step | None:
    """The first step asked for that wasn't taken yet; None where the chain is done."""
    asked = chain.asked(facts)
    return asked[len(taken)] if len(taken) < len(asked) else None


def power_of(step: StepName) -> Power:
    """What kind of act a step is: who stands in for somebody may preside without being allowed to sign."""
    return Power.sign if step == StepName.sign else Power.preside


def take_step(
    chain: Chain,
    taken: list[StepTaken],
    facts: Facts,
    step: StepName,
    composition: Composition,
    official: str | None,
    occurred_at: datetime,
    recorded_at: datetime,
    on: date,
    opinion: str = "",
    *,
    sponsor: str | None = None,
    chair: str | None = None,
) -> StepTaken:
    """The step as taken. Refusals: `chain_is_done`, `step_out_of_order`; 403 `not_the_actor` names who may."""
    due = next_step(chain, taken, facts)
    if due is None:
        raise refusal(
            "chain_is_done",
            chain.clause,
            "every step was taken already",
            "各环节均已办结",
            Text("nothing more is asked for", "无需再办理"),
        )
    if due.step != step:
        actors = " / ".join(actor.role for actor in due.by)
        actors_zh, due_zh, step_zh = (
            in_chinese(*(actor.role for actor in due.by)),
            in_chinese(due.step),
            in_chinese(step),
        )
        raise refusal(
            "step_out_of_order",
            due.clause or chain.clause,
            f"{step} comes too early: {due.step} by {actors} is next",
            f"尚不能办理“{step_zh}”，下一环节为“{due_zh}”（{actors_zh}）",
            Text(f"take {due.step} first", f"请先完成“{due_zh}”"),
            next_step=due.step.value,
            next_by=[actor.role.value for actor in due.by],
        )
    if taken and occurred_at < taken[-1].occurred_at:
        raise refusal(
            "step_before_the_one_before",
            due.clause or chain.clause,
            f"{step} can't have occurred before {taken[-1].step} did, {taken[-1].occurred_at.isoformat()}",
            f"“{in_chinese(step)}”的时间不能早于上一环节“{in_chinese(taken[-1].step)}”",
            Text("state when it occurred, after the step before", "请填写上一环节之后的时间"),
        )
    acting = composition.require(
        official,
        due.by,
        on,
        facts,
        Text(f"take the step {step}", f"办理“{in_chinese(step)}”"),
        code="not_the_actor",
        clause=due.clause or chain.clause,
        power=power_of(step),
        sponsor=sponsor,
        chair=chair,
    )
    return StepTaken(
        step, acting.role, official or "", occurred_at, recorded_at, opinion, acting.on_behalf_of, acting.clause
    )


def advance(topic: Topic, kind: MeetingKind, taken: StepTaken) -> None:
    """Add a taken step; a topic whose chain is done is ready for an agenda."""
    topic.steps = [*topic.steps, taken]
    if next_step(kind.topic, topic.steps, topic.facts) is None:
        topic.state = TopicState.ready


def working_days_late(due: Due, submitted: date, calendar: WorkdayCalendar) -> int:
    """How many working days after the due date the papers came; 0 where they came in time."""
    late, day = 0, due.date
    while day < submitted:
        day = calendar.shift(day, 1)
        late += 1
    return late


def schedule(
    topic: Topic, kind: MeetingKind, meeting_id: str, papers_due: Due | None, submitted: date, late: int
) -> None:
    """Put the topic on an agenda. Refusals: `topic_not_ready`, `topic_already_scheduled`, `papers_late`."""
    if topic.state == TopicState.in_review:
        step = next_step(kind.topic, topic.steps, topic.facts)
        assert step is not None
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
    if topic.state != TopicState.ready:
        raise refusal(
            "topic_already_scheduled",
            None,
            f"the topic stands on the agenda of meeting {topic.meeting_id}",
            "议题已列入会议议程",
            Text("a topic is decided by one meeting", "一个议题只列入一次会议"),
        )
    admitted = topic.late_admission is not None and topic.late_admission.meeting_id == meeting_id
    if late and papers_due and kind.papers and not admitted:
        admitters = " / ".join(kind.papers.admit_late)
        raise refusal(
            "papers_late",
            papers_due.clause,
            f"the papers came {late} working day{'s' * (late > 1)} late: on {submitted}, due on {papers_due.date}",
            f"材料报送迟到{late}个工作日：应于{papers_due.date}前报送，实际{submitted}报送",
            Text(
                f"choose a later meeting day, or have {admitters or 'nobody: it is firm'} admit it with a reason",
                f"改到之后的会议，或由{in_chinese(*kind.papers.admit_late) or '（无人可准）'}说明理由后准予列入",
            ),
            working_days_late=late,
            due=papers_due.date.isoformat(),
            submitted=submitted.isoformat(),
        )
    topic.state = TopicState.scheduled
    topic.meeting_id = meeting_id


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
    """Record that who approves additions admitted late papers. 403 `not_the_admitter`; 409 `papers_not_late`."""
    clause = kind.papers.clause if kind.papers else kind.clause
    if late == 0:
        raise refusal(
            "papers_not_late",
            clause,
            "the papers came in time for this meeting",
            "材料已按时报送，无需准予",
            Text("put the topic on the agenda", "可直接列入议程"),
        )
    roles = kind.papers.admit_late if kind.papers else ()
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
