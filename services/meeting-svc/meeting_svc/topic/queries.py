"""Queries of topics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from meeting_svc.decision.decision import Standing
from meeting_svc.decision.table import decision as decision_table
from meeting_svc.meeting.case import entrusted_chairs
from meeting_svc.meeting.chairing import chair_waits
from meeting_svc.meeting_kind.case import kind_of
from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import readiness
from meeting_svc.topic import topic as topics
from meeting_svc.topic.case import rules_of
from meeting_svc.topic.schemas import GateRecordView, GateView, Outstanding, TopicView
from meeting_svc.topic.table import topic as topic_table
from meeting_svc.topic.topic import Topic, TopicState
from zhengling.authority import consultation as consultations
from zhengling.authority.composition import Composition, RoleContext
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules import gates
from zhengling.rules.meetings import GateRule
from zhengling.rules.vocabulary import Gate, Outcome, in_chinese
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page, picked
from zhengling.web.sight import seen, visible
from zhengling.web.steps import next_of
from zhengling.web.worklist import waited_for


async def topic_view(call: Call, topic: Topic) -> TopicView:
    """The topic's view: with the gates that apply, what is outstanding, and the next step."""
    return await _view(call, topic, await entrusted_chairs(call))


async def _view(call: Call, topic: Topic, entrusted: set[tuple[str, str]]) -> TopicView:
    kind, rules, composition = kind_of(call, topic), rules_of(call, topic), await compositions.current(call.session)
    shown: dict[str, Any] = {name: getattr(topic, name) for name in TopicView.model_fields if hasattr(topic, name)}
    shown["gate_records"] = [GateRecordView.model_validate(record) for record in topic.gates]
    names = composition.organisation_names
    shown["gates"] = [_gate(call, topic, rule, names) for rule in declarations.applying_gates(topic, rules)]
    shown["open_gates"] = [_gate(call, topic, rule, names) for rule in declarations.open_gates(topic, rules)]
    view = TopicView.model_validate(shown)
    view.meeting_kind_name = kind.name
    view.matter_name = next((task.name for task in kind.competence if task.id == topic.matter), None)
    if kind.prior_meeting and not declarations.needs_prior_meeting(topic, kind):
        view.exempt_from_prior_meeting = kind.prior_meeting.clause
    if topic.state in topics.BEFORE_AN_AGENDA:
        view.outstanding = [
            Outstanding(code=problem.code, clause=problem.clause, text=call.says(problem.detail))
            for problem in readiness.outstanding(topic, kind, rules, composition.organisation_names)
        ]
    if topic.state == TopicState.in_review:
        waits = topic.convener and chair_waits(
            kind,
            composition,
            topic.convener,
            shanghai_day(call.now),
            [topic.sponsor],
            entrusted=(topic.meeting_kind, topic.convener) in entrusted,
        )
        course = topics.course_of(topic, kind)
        if waits:
            course = replace(course, context=replace(course.context, chair=None))
        view.next_step = next_of(call, course, composition)
    return view


def _gate(call: Call, topic: Topic, rule: GateRule, names: dict[str, str]) -> GateView:
    short = declarations.shortcoming(topic, rule, names)
    passed, lacks = short is None, call.says(short) if short else None
    name = in_chinese(rule.gate) if call.language == "zh" else rule.gate.replace("_", " ")
    alike = [each for each in declarations.applying_gates(topic, rules_of(call, topic)) if each.gate == rule.gate]
    may = (
        ()
        if rule.gate == Gate.departments_consulted
        else gates.recorders(alike, topic.current_gates, passed=True).roles
    )
    return GateView(
        gate=rule.gate,
        name=name,
        clause=rule.clause,
        blocks=rule.blocks,
        passed=passed,
        lacks=lacks,
        recorders=list(may),
    )


async def get_topic(call: Call, topic_id: str) -> TopicView:
    return await topic_view(call, await seen(call, Topic, topic_id, "topic", "议题"))


async def has_paper(call: Call, file_id: str) -> bool:
    """Whether the file is a paper, of whatever version, of a topic that the caller sees."""
    papers = sa.type_coerce(topic_table.c.papers, JSONB)
    found = sa.select(topic_table.c.id).where(visible(call, Topic), papers.contains([{"file_id": file_id}])).limit(1)
    return await call.session.scalar(found) is not None


async def list_topics(
    call: Call,
    request: PageRequest,
    state: TopicState | None,
    kind: str | None,
    sponsor: str | None,
    open_gates: bool,
    waits_for: str | None,
) -> Page[TopicView]:
    wanted = equal(Topic, state=state, meeting_kind=kind, sponsor=sponsor)
    wanted += _FOLLOWED if open_gates else ()
    entrusted = await entrusted_chairs(call)
    official = waited_for(call, waits_for)
    if official is not None:
        wanted.append(topic_table.c.state.in_([TopicState.in_review, TopicState.returned, TopicState.ready]))

        async def waiting(rows: list[Topic]) -> list[TopicView | None]:
            views = [await _view(call, row, entrusted) for row in rows]
            people = await compositions.current(call.session)
            asked = [_waits_for(call, row, view, people) for row, view in zip(rows, views, strict=True)]
            return [
                v if official in a and (v.open_gates or not open_gates) else None
                for v, a in zip(views, asked, strict=True)
            ]

        return await picked(call, Topic, request, waiting, *wanted)
    rows, cursor = await page(call, Topic, request, *wanted)
    views = [await _view(call, row, entrusted) for row in rows]
    return Page(items=[view for view in views if view.open_gates or not open_gates], next_cursor=cursor)


def _waits_for(call: Call, topic: Topic, view: TopicView, people: Composition) -> set[str]:
    """Who may act on the topic next: take its step, state the position that a unit was asked for, submit it again, or put
    it on an agenda."""
    on, found = shanghai_day(call.now), set(view.next_step.officials if view.next_step else ())
    units = consultations.silent(topic.concerned, topic.current_positions)
    if topic.state == TopicState.returned:
        units = [*units, topic.sponsor]
    for unit in units:
        found.update(people.of_organisation(unit, on))
    if topic.state == TopicState.ready:
        roles = kind_of(call, topic).organiser
        found.update(o for role in roles for o in people.who_may(role, on, context=RoleContext(sponsor=topic.sponsor)))
    return found


def _adopted() -> sa.ColumnElement[bool]:
    """Whether the meeting adopted a decision on the topic that hasn't been revoked."""
    outcome = sa.type_coerce(decision_table.c.resolution, JSONB)["outcome"].astext
    return sa.exists().where(
        decision_table.c.meeting_id == topic_table.c.meeting_id,
        decision_table.c.topic_id == topic_table.c.id,
        decision_table.c.standing != Standing.revoked,
        outcome.in_([each for each in Outcome if each.adopts]),
    )


#: Topics whose open gates the office follows: not withdrawn ones, nor decided ones without an adopted decision.
_FOLLOWED = (
    topic_table.c.gates_open,
    topic_table.c.state != TopicState.withdrawn,
    sa.or_(topic_table.c.state != TopicState.concluded, _adopted()),
)
