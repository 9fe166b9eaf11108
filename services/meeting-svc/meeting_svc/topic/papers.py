"""A topic's papers (议题材料): which are required, when they came in, who admits late ones, what a new version entails.

Invariants: papers that came late for a meeting are taken only if a role that the rule names admitted them for it; steps
that approved earlier papers are taken again for new ones. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from meeting_svc.topic.topic import (
    BEFORE_AN_AGENDA,
    OF_A_TOPIC,
    LateAdmission,
    Paper,
    Topic,
    TopicState,
    Turn,
    already_scheduled,
    require_state,
    settle,
)
from meeting_svc.topic.transitions import begin_text, turn
from zhengling.authority.composition import Composition, Permission
from zhengling.dates.deadlines import Due, Unit
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.rules.chains import StepName, actors_of
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.meetings import MeetingKind, Papers, RequiredPaper
from zhengling.rules.vocabulary import NotePart, PaperKind, in_chinese

#: Steps that approve the papers; they are invalid once a paper changes.
_OF_PAPERS = (StepName.review_papers, StepName.approve_papers)


def require_papers(kind: MeetingKind, papers: list[Paper], facts: Facts) -> None:
    """Refusal `papers_missing` unless every paper that the rulebook requires under these facts is there, with its parts."""
    if kind.papers is None:
        return
    asked = [wanted for wanted in kind.papers.required if matches(wanted.when, facts)]
    short = [(wanted, lacks) for wanted in asked if (lacks := _lacking(wanted, papers))]
    missing = [each for _, lacks in short for each in lacks]
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
    """The required paper if it is missing, else its missing parts."""
    of_kind = [paper for paper in papers if paper.kind == wanted.paper]
    if not of_kind:
        return [wanted.paper]
    there = {part for paper in of_kind for part in paper.parts}
    return [part for part in wanted.parts if part not in there]


def came_in(topic: Topic, kind: MeetingKind) -> datetime:
    """The instant that counts for the kind's lead time: the last current paper's, or the request's."""
    by_request = kind.papers is not None and kind.papers.counted == "request"
    return topic.submitted_at if by_request else topic.papers_in


def working_days_late(due: Due, submitted: date, calendar: WorkdayCalendar) -> int:
    """How many working days after the due date the papers came; 0 if in time."""
    late, day = 0, due.date
    while day < submitted:
        day = calendar.shift(day, 1)
        late += 1
    return late


def _late_by(due: Due, submitted: date, working_days: int) -> Text:
    """How late the papers came, in the unit of the rule: in working days for a rule in working days, else in days."""
    if due.terms.unit is Unit.working_day:
        return Text(f"{working_days} working day{'s' * (working_days > 1)}", f"{working_days}个工作日")
    days = (submitted - due.date).days
    return Text(f"{days} day{'s' * (days > 1)}", f"{days}天")


def require_in_time(
    topic: Topic, kind: MeetingKind, meeting_id: str, papers_due: Due | None, submitted: date, late: int
) -> None:
    """Refusal `papers_late` unless the papers came in time for the meeting, or were admitted late for it."""
    admission = topic.late_admission
    admitted = admission is not None and admission.meeting_id == meeting_id and late <= admission.working_days_late
    if late and papers_due and kind.papers and not admitted:
        by = _late_by(papers_due, submitted, late)
        raise refusal(
            "papers_late",
            papers_due.clause,
            f"the papers came {by.en} late: on {submitted}, due on {papers_due.date}",
            f"材料逾期{by.zh}报送：应于{papers_due.date}前报送，实际于{submitted}报送",
            _in_time_otherwise(topic, kind.papers),
            working_days_late=late,
            days_late=(submitted - papers_due.date).days,
            due=papers_due.date.isoformat(),
            submitted=submitted.isoformat(),
        )


def _in_time_otherwise(topic: Topic, papers: Papers) -> Text:
    """What cures late papers: a later day, admission by a role, or special urgency where the rule accepts it."""
    ways = [Text("choose a later meeting day", "改提以后的会议")]
    if papers.admit_late:
        roles, roles_zh = " / ".join(papers.admit_late), in_chinese(*papers.admit_late)
        ways.append(Text(f"have {roles} admit it with a reason", f"由{roles_zh}说明理由后准予列入"))
    if not matches(papers.deadline_when, topic.facts | {"specially_urgent": True}):
        ways.append(
            Text(
                "have the sponsor state why it is specially urgent (urgency), after which its chain is taken again",
                "确属特殊紧急的，由主办部门说明紧急理由后重新履行审核程序",
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
    """Record the admission of late papers by a role that approves additions. 403 `not_the_admitter`; 409 `papers_not_late`,
    `nobody_admits_late_papers`, `illegal_state`, and `topic_already_scheduled` if the topic is on the agenda of another
    meeting."""
    clause = kind.papers.clause if kind.papers else kind.clause
    if topic.state == TopicState.scheduled and topic.meeting_id != meeting_id:
        raise already_scheduled(topic)
    require_state(topic, *BEFORE_AN_AGENDA, TopicState.scheduled)
    if late == 0:
        raise refusal(
            "papers_not_late",
            clause,
            "the papers came in time for this meeting",
            "材料已按时报送，无需准予迟报",
            Text("put the topic on the agenda", "可直接列入议程"),
        )
    roles = kind.papers.admit_late if kind.papers else ()
    if kind.papers and not roles:
        raise refusal(
            "nobody_admits_late_papers",
            clause,
            "under the rules nobody may admit late papers",
            "本级规则未规定可准予迟报",
            _in_time_otherwise(topic, kind.papers),
        )
    composition.require(
        official,
        on,
        Permission(
            actors_of(roles),
            Text("admit late papers", "准予迟报材料"),
            code="not_the_admitter",
            clause=(kind.papers.admit_late_clause if kind.papers else None) or clause,
        ),
    )
    topic.late_admission = LateAdmission(meeting_id, official or "", reason, late, occurred_at)


def change_papers(topic: Topic, kind: MeetingKind, paper: Paper, replaces: str | None, recorded_at: datetime) -> None:
    """Add a paper, or a new version of one. Steps that reviewed or approved the papers are taken again; a new main document
    is a new text, for which the whole chain is taken again. Problem `no_such_paper` where `replaces` isn't a current
    paper."""
    require_state(topic, *BEFORE_AN_AGENDA)
    if replaces is not None and replaces not in {old.id for old in topic.current_papers}:
        raise invalid(
            "no_such_paper", f"{replaces} isn't a current paper of this topic", "所替换的材料不存在或已被替换"
        )
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
        begin_text(topic, recorded_at)
    settle(topic, kind)
