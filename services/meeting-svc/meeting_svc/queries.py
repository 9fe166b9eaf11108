"""Reads of meeting-svc."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa

from meeting_svc.commands import kind_of
from meeting_svc.decision import Decision
from meeting_svc.meeting import Meeting, MeetingState, minutes_facts
from meeting_svc.minutes import Minutes
from meeting_svc.schemas import (
    CompositionView,
    DecisionView,
    MeetingView,
    MinutesView,
    NextStep,
    TopicView,
)
from meeting_svc.topic import Topic, TopicState, next_step, power_of
from zhengling import references
from zhengling.authority import Composition
from zhengling.db import load
from zhengling.deadlines import shanghai_day
from zhengling.errors import not_found
from zhengling.paging import Page, PageRequest, page
from zhengling.rulebook import Chain, Facts, Step, matches
from zhengling.service import Call

#: The facts of a chain as they are for one official: whether this one chaired, for instance.
FactsOf = Callable[[str], Facts]
_COMPOSITION = sa.text("SELECT version, content FROM composition")


async def get_composition(call: Call) -> CompositionView:
    """Content and version in one look: an ETag newer than what it stands on would let a change be overwritten."""
    await references.composition(call.session)  # the refusal where there is none yet
    found = (await call.session.execute(_COMPOSITION)).one()
    return CompositionView(version=found.version, composition=Composition.model_validate(found.content))


def _next(
    call: Call, chain: Chain, step: Step, composition: Composition, facts_of: FactsOf, **context: str | None
) -> NextStep:
    """The step as an answer shows it: with whoever may take it under the facts that hold for them."""
    on = shanghai_day(call.now)
    may: dict[str, None] = {}
    roles = []
    for actor in step.by:
        holders = composition.who_may(actor.role, on, power=power_of(step.step), **context)
        lawful = [official for official in holders if matches(actor.when, facts_of(official))]
        may |= dict.fromkeys(lawful)
        if lawful or not actor.when:
            roles.append(actor.role)
    return NextStep(step=step.step, by=roles, clause=step.clause or chain.clause, officials=list(may))


async def topic_view(call: Call, topic: Topic) -> TopicView:
    view = TopicView.model_validate(topic)
    if topic.state == TopicState.in_review:
        chain = kind_of(call, topic).topic
        if step := next_step(chain, topic.steps, topic.facts):
            composition = await references.composition(call.session)
            view.next_step = _next(call, chain, step, composition, lambda _: topic.facts, sponsor=topic.sponsor)
    return view


async def meeting_view(call: Call, meeting: Meeting) -> MeetingView:
    view = MeetingView.model_validate(meeting)
    kind = kind_of(call, meeting)
    if meeting.state in (MeetingState.called, MeetingState.agenda_approved):
        people, day = await references.composition(call.session), meeting.day
        view.away = [official for official in people.members(kind.members, day) if people.absent(official, day)]
    chains = {
        MeetingState.called: (kind.agenda, meeting.agenda_steps),
        MeetingState.closed: (kind.minutes, meeting.minutes_steps),
        MeetingState.minuted: (kind.minutes, meeting.minutes_steps),
    }
    if meeting.state in chains:
        chain, taken = chains[meeting.state]
        if step := next_step(chain, taken, minutes_facts(meeting, meeting.chair)):
            composition = await references.composition(call.session)
            view.next_step = _next(call, chain, step, composition, partial(minutes_facts, meeting), chair=meeting.chair)
    return view


async def get_topic(call: Call, topic_id: str) -> TopicView:
    return await topic_view(call, await load(call.session, Topic, topic_id, "topic", "议题"))


async def list_topics(call: Call, request: PageRequest, state: TopicState | None) -> Page[TopicView]:
    rows, cursor = await page(call.session, Topic, request, *_equal(Topic, state=state))
    return Page(items=[await topic_view(call, row) for row in rows], next_cursor=cursor)


async def get_meeting(call: Call, meeting_id: str) -> MeetingView:
    return await meeting_view(call, await load(call.session, Meeting, meeting_id, "meeting", "会议"))


async def list_meetings(
    call: Call, request: PageRequest, kind: str | None, state: MeetingState | None
) -> Page[MeetingView]:
    rows, cursor = await page(call.session, Meeting, request, *_equal(Meeting, kind=kind, state=state))
    return Page(items=[await meeting_view(call, row) for row in rows], next_cursor=cursor)


async def get_minutes(call: Call, meeting_id: str) -> MinutesView:
    statement = sa.select(Minutes).filter_by(meeting_id=meeting_id).order_by(sa.text("number DESC")).limit(1)
    if minutes := (await call.session.execute(statement)).scalar_one_or_none():
        return MinutesView.model_validate(minutes)
    raise not_found("minutes", "会议纪要", meeting_id)


async def get_decision(call: Call, decision_id: str) -> DecisionView:
    row = await load(call.session, Decision, decision_id, "decision", "决定事项")
    return DecisionView.model_validate(row)


async def list_decisions(call: Call, request: PageRequest, meeting_id: str | None) -> Page[DecisionView]:
    rows, cursor = await page(call.session, Decision, request, *_equal(Decision, meeting_id=meeting_id))
    return Page(items=[DecisionView.model_validate(row) for row in rows], next_cursor=cursor)


def _equal(model: type[Any], **wanted: object) -> list[Any]:
    columns = sa.inspect(model).columns
    return [columns[name] == value for name, value in wanted.items() if value is not None]
