"""A topic's papers (议题材料): which are required, when they came in, who admits late ones, what a new version entails.

Invariants: papers that came late for a meeting are taken only if a role that the rule names admitted them for it; steps
that approved earlier papers are taken again for new ones. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum

from meeting_svc.topic.topic import (
    BEFORE_AN_AGENDA,
    OF_A_TOPIC,
    Paper,
    Topic,
    TopicState,
    Turn,
    already_scheduled,
    require_state,
    settle,
)
from meeting_svc.topic.transitions import begin_text, turn
from zhengling.authority.composition import Composition
from zhengling.authority.waivers import Breach, Waiving, not_waived, refuse, waive
from zhengling.dates.deadlines import Due, Unit
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.rules.chains import StepName
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.meetings import MeetingKind, Papers, RequiredPaper
from zhengling.rules.vocabulary import CHINESE, NotePart, PaperKind, glossary, in_chinese


class PaperRule(StrEnum):
    """What papers can break and a named person can waive."""

    in_time = "papers_in_time"


CHINESE |= glossary((PaperRule.in_time, "材料报送时限"))
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


def late_papers(
    topic: Topic, kind: MeetingKind, meeting_id: str, papers_due: Due | None, submitted: date, late: int
) -> Breach | None:
    """The breach of the lead time by papers that came `late` working days late for this meeting: what it covers is the meeting
    and each of those days."""
    if not late or papers_due is None or kind.papers is None:
        return None
    by = _late_by(papers_due, submitted, late)
    return Breach(
        rule=PaperRule.in_time,
        code="papers_late",
        clause=papers_due.clause,
        waivable_by=kind.papers.admit_late,
        waived_under=kind.papers.admit_late_clause,
        covers=(meeting_id, *(str(day) for day in range(1, late + 1))),
        detail=Text(
            f"the papers came {by.en} late: on {submitted}, due on {papers_due.date}",
            f"材料逾期{by.zh}报送：应于{papers_due.date}前报送，实际于{submitted}报送",
        ),
        satisfy=_in_time_otherwise(topic, kind.papers),
        extra={
            "working_days_late": late,
            "days_late": (submitted - papers_due.date).days,
            "due": papers_due.date.isoformat(),
            "submitted": submitted.isoformat(),
        },
    )


def require_in_time(topic: Topic, breach: Breach | None) -> None:
    """Refusal `papers_late` unless the papers came in time for the meeting, or were admitted late for it."""
    if breach:
        refuse(not_waived([breach], [topic.late_admission] if topic.late_admission else []), requested=True)


def _in_time_otherwise(topic: Topic, papers: Papers) -> Text:
    """What cures late papers beside an admission: a later day, or special urgency where the rule accepts it."""
    ways = [Text("choose a later meeting day", "改提以后的会议")]
    if not matches(papers.deadline_when, topic.facts | {"specially_urgent": True}):
        ways.append(
            Text(
                "have the sponsor state why it is specially urgent (urgency), after which its chain is taken again",
                "确属特殊紧急的，由主办部门说明紧急理由后重新履行审核程序",
            )
        )
    return Text(", or ".join(way.en for way in ways), "，或".join(way.zh for way in ways))


def admit_late(
    topic: Topic, kind: MeetingKind, composition: Composition, meeting_id: str, breach: Breach | None, waiving: Waiving
) -> None:
    """Record the admission of late papers by a role that approves additions: a waiver for this meeting. 403 `not_the_lifter`;
    409 `nothing_to_lift` (the papers came in time), `firm`, `illegal_state`, and `topic_already_scheduled` if the topic is on
    the agenda of another meeting."""
    if topic.state == TopicState.scheduled and topic.meeting_id != meeting_id:
        raise already_scheduled(topic)
    require_state(topic, *BEFORE_AN_AGENDA, TopicState.scheduled)
    clause = kind.papers.clause if kind.papers else kind.clause
    found = [breach] if breach else []
    (topic.late_admission,), _ = waive(found, waiving, composition, name=in_chinese(PaperRule.in_time), clause=clause)


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
