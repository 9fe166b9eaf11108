"""HTTP → command or query of topics; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from meeting_svc import topic_commands as do
from meeting_svc import topic_queries as see
from meeting_svc.schemas import TakeStep
from meeting_svc.scopes import Change, Create, Read
from meeting_svc.topic import Topic, TopicState
from meeting_svc.topic_schemas import AdmitLate, SubmitTopic, TopicView
from zhengling.paging import Page, Paging
from zhengling.service import Call, commands, etag, queries

writes = commands("/v1", "topic")
reads = queries("/v1", "topic")


async def topic_answer(call: Call, response: Response, topic: Topic) -> TopicView:
    response.headers["ETag"] = etag(topic.version)
    call.audit_details["subject"] = f"topic:{topic.id}"
    return await see.topic_view(call, topic)


@writes.post("/topics", operation_id="submit_topic", status_code=201, summary="Submit a topic with its papers")
async def submit_topic(body: SubmitTopic, call: Create, response: Response) -> TopicView:
    topic = await do.submit_topic(call, body)
    response.headers["Location"] = f"/v1/topics/{topic.id}"
    return await topic_answer(call, response, topic)


@reads.get("/topics", operation_id="list_topics")
async def list_topics(
    call: Read, paging: Paging, state: Annotated[TopicState | None, Query()] = None
) -> Page[TopicView]:
    return await see.list_topics(call, paging, state)


@reads.get("/topics/{topic_id}", operation_id="get_topic")
async def get_topic(topic_id: str, call: Read, response: Response) -> TopicView:
    view = await see.get_topic(call, topic_id)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post("/topics/{topic_id}/steps", operation_id="take_topic_step", summary="Take the next step of its chain")
async def take_topic_step(topic_id: str, body: TakeStep, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.take_topic_step(call, topic_id, body))


@writes.post("/topics/{topic_id}/late-admission", operation_id="admit_late_topic", summary="Admit late papers")
async def admit_late_topic(topic_id: str, body: AdmitLate, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.admit_late_topic(call, topic_id, body))


ROUTERS = [writes, reads]
