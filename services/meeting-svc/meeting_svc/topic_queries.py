"""Reads of topics."""

from __future__ import annotations

from meeting_svc.commands import kind_of
from meeting_svc.queries import equal, next_of
from meeting_svc.topic import Topic, TopicState, next_step
from meeting_svc.topic_schemas import TopicView
from zhengling import references
from zhengling.db import load
from zhengling.paging import Page, PageRequest, page
from zhengling.service import Call


async def topic_view(call: Call, topic: Topic) -> TopicView:
    view = TopicView.model_validate(topic)
    if topic.state == TopicState.in_review:
        chain = kind_of(call, topic).topic
        if step := next_step(chain, topic.steps, topic.facts):
            composition = await references.composition(call.session)
            view.next_step = next_of(call, chain, step, composition, lambda _: topic.facts, sponsor=topic.sponsor)
    return view


async def get_topic(call: Call, topic_id: str) -> TopicView:
    return await topic_view(call, await load(call.session, Topic, topic_id, "topic", "议题"))


async def list_topics(call: Call, request: PageRequest, state: TopicState | None) -> Page[TopicView]:
    rows, cursor = await page(call.session, Topic, request, *equal(Topic, state=state))
    return Page(items=[await topic_view(call, row) for row in rows], next_cursor=cursor)
