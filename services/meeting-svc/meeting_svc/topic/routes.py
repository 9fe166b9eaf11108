"""HTTP → command or query of topics; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from meeting_svc.scopes import Change, Create, Read
from meeting_svc.topic import commands as do
from meeting_svc.topic import queries as see
from meeting_svc.topic.schemas import (
    AddPaper,
    AdmitLate,
    ConcernOrganisations,
    Coordinate,
    NamePriorMeeting,
    RecordGate,
    ResubmitTopic,
    SignTopicForm,
    StateUrgency,
    SubmitTopic,
    TakePosition,
    TopicView,
    TurnTopic,
    WriteCoordinationNote,
)
from meeting_svc.topic.topic import Topic, TopicState
from zhengling.authority.schemas import TakeStep
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries
from zhengling.web.worklist import WaitsFor

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
    call: Read,
    paging: Paging,
    state: Annotated[TopicState | None, Query()] = None,
    kind: Annotated[str | None, Query(max_length=60)] = None,
    sponsor: Annotated[str | None, Query(max_length=64)] = None,
    open_gates: Annotated[
        bool,
        Query(
            description="only topics with an open gate that blocks the issue or is only tracked, also those already "
            "decided by a meeting; without withdrawn topics and topics on which nothing was adopted. `open_gates` "
            "lists the open gates of each topic",
        ),
    ] = False,
    waits_for: WaitsFor = None,
) -> Page[TopicView]:
    return await see.list_topics(call, paging, state, kind, sponsor, open_gates, waits_for)


@reads.get("/topics/{topic_id}", operation_id="get_topic")
async def get_topic(topic_id: str, call: Read, response: Response) -> TopicView:
    view = await see.get_topic(call, topic_id)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post(
    "/topics/{topic_id}/steps", operation_id="take_topic_step", summary="Take the next step of the topic's chain"
)
async def take_topic_step(topic_id: str, body: TakeStep, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.take_topic_step(call, topic_id, body))


@writes.post("/topics/{topic_id}/late-admission", operation_id="admit_late_topic", summary="Admit late papers")
async def admit_late_topic(topic_id: str, body: AdmitLate, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.admit_late_topic(call, topic_id, body))


@writes.post(
    "/topics/{topic_id}/urgency", operation_id="state_urgency", summary="State that a topic is specially urgent"
)
async def state_urgency(topic_id: str, body: StateUrgency, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.state_urgency(call, topic_id, body))


@writes.post("/topics/{topic_id}/papers", operation_id="add_paper", summary="Add a paper, or a new version of one")
async def add_paper(topic_id: str, body: AddPaper, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.add_paper(call, topic_id, body))


@writes.post(
    "/topics/{topic_id}/concerned", operation_id="concern_organisations", summary="Add organisations concerned"
)
async def concern_organisations(
    topic_id: str, body: ConcernOrganisations, call: Change, response: Response
) -> TopicView:
    return await topic_answer(call, response, await do.concern_organisations(call, topic_id, body))


@writes.post(
    "/topics/{topic_id}/positions",
    operation_id="take_position",
    summary="Record the position of an organisation concerned",
)
async def take_position(topic_id: str, body: TakePosition, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.take_position(call, topic_id, body))


@writes.post(
    "/topics/{topic_id}/coordination-note",
    operation_id="write_coordination_note",
    summary="Record each side's grounds",
)
async def write_coordination_note(
    topic_id: str, body: WriteCoordinationNote, call: Change, response: Response
) -> TopicView:
    return await topic_answer(call, response, await do.write_coordination_note(call, topic_id, body))


@writes.post(
    "/topics/{topic_id}/coordination", operation_id="coordinate", summary="Coordinate a disagreement, or decide it"
)
async def coordinate(topic_id: str, body: Coordinate, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.coordinate(call, topic_id, body))


@writes.post("/topics/{topic_id}/gates", operation_id="record_gate", summary="Record the result of a gate")
async def record_gate(topic_id: str, body: RecordGate, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.record_gate(call, topic_id, body))


@writes.post(
    "/topics/{topic_id}/signatures", operation_id="sign_topic_form", summary="Sign the topic form for an organisation"
)
async def sign_topic_form(topic_id: str, body: SignTopicForm, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.sign_topic_form(call, topic_id, body))


@writes.post(
    "/topics/{topic_id}/prior-meeting",
    operation_id="name_prior_meeting",
    summary="Name the earlier meeting's decision",
)
async def name_prior_meeting(topic_id: str, body: NamePriorMeeting, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.name_prior_meeting(call, topic_id, body))


@writes.post("/topics/{topic_id}/return", operation_id="return_topic", summary="Return a topic to its sponsor")
async def return_topic(topic_id: str, body: TurnTopic, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.return_topic(call, topic_id, body))


@writes.post("/topics/{topic_id}/withdrawal", operation_id="withdraw_topic", summary="Withdraw a topic")
async def withdraw_topic(topic_id: str, body: TurnTopic, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.withdraw_topic(call, topic_id, body))


@writes.post("/topics/{topic_id}/resubmission", operation_id="resubmit_topic", summary="Submit a topic again")
async def resubmit_topic(topic_id: str, body: ResubmitTopic, call: Change, response: Response) -> TopicView:
    return await topic_answer(call, response, await do.resubmit_topic(call, topic_id, body))


ROUTERS = [writes, reads]
