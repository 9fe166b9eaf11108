"""HTTP → command or query; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query, Response

from meeting_svc import commands as do
from meeting_svc import queries as see
from meeting_svc.meeting import Meeting, MeetingState
from meeting_svc.schemas import (
    AddToAgenda,
    AdmitLate,
    CallMeeting,
    CloseSession,
    CompositionSummary,
    CompositionView,
    DecisionView,
    DraftMinutes,
    Entrust,
    MeetingView,
    MinutesView,
    OpenSession,
    RecordDecision,
    SubmitTopic,
    TakeStep,
    TopicView,
)
from meeting_svc.topic import Topic, TopicState
from zhengling.authority import Composition
from zhengling.paging import Page, Paging
from zhengling.service import Call, change, command, commands, etag, queries, query

READ, WRITE, ADMIN = "meeting:read", "meeting:write", "meeting:admin"
Read = Annotated[Call, query(READ)]
Create = Annotated[Call, command(WRITE)]
Change = Annotated[Call, change(WRITE)]

writes = commands("/v1", "meeting")
reads = queries("/v1", "meeting")


async def _topic(call: Call, response: Response, topic: Topic) -> TopicView:
    response.headers["ETag"] = etag(topic.version)
    call.audit_details["subject"] = f"topic:{topic.id}"
    return await see.topic_view(call, topic)


async def _meeting(call: Call, response: Response, meeting: Meeting) -> MeetingView:
    response.headers["ETag"] = etag(meeting.version)
    call.audit_details["subject"] = f"meeting:{meeting.id}"
    return await see.meeting_view(call, meeting)


@writes.put("/composition", operation_id="load_composition", summary="Load the composition of the government")
async def load_composition(
    body: Composition,
    call: Annotated[Call, command(ADMIN)],
    response: Response,
    if_match: Annotated[str | None, Header(alias="If-Match", description="needed once there is one")] = None,
) -> CompositionSummary:
    version = await do.load_composition(call, body, if_match)
    response.headers["ETag"] = etag(version)
    call.audit_details["subject"] = "composition"
    return CompositionSummary(
        version=version,
        organisations=len(body.organisations),
        officials=len(body.officials),
        posts=len(body.posts),
    )


@reads.get("/composition", operation_id="get_composition")
async def get_composition(call: Read, response: Response) -> CompositionView:
    view = await see.get_composition(call)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post("/topics", operation_id="submit_topic", status_code=201, summary="Submit a topic with its papers")
async def submit_topic(body: SubmitTopic, call: Create, response: Response) -> TopicView:
    topic = await do.submit_topic(call, body)
    response.headers["Location"] = f"/v1/topics/{topic.id}"
    return await _topic(call, response, topic)


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
    return await _topic(call, response, await do.take_topic_step(call, topic_id, body))


@writes.post("/topics/{topic_id}/late-admission", operation_id="admit_late_topic", summary="Admit late papers")
async def admit_late_topic(topic_id: str, body: AdmitLate, call: Change, response: Response) -> TopicView:
    return await _topic(call, response, await do.admit_late_topic(call, topic_id, body))


@writes.post("/meetings", operation_id="call_meeting", status_code=201, summary="Call a meeting for a day")
async def call_meeting(body: CallMeeting, call: Create, response: Response) -> MeetingView:
    meeting = await do.call_meeting(call, body)
    response.headers["Location"] = f"/v1/meetings/{meeting.id}"
    return await _meeting(call, response, meeting)


@reads.get("/meetings", operation_id="list_meetings")
async def list_meetings(
    call: Read,
    paging: Paging,
    kind: Annotated[str | None, Query(max_length=60)] = None,
    state: Annotated[MeetingState | None, Query()] = None,
) -> Page[MeetingView]:
    return await see.list_meetings(call, paging, kind, state)


@reads.get("/meetings/{meeting_id}", operation_id="get_meeting")
async def get_meeting(meeting_id: str, call: Read, response: Response) -> MeetingView:
    view = await see.get_meeting(call, meeting_id)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post("/meetings/{meeting_id}/agenda", operation_id="add_to_agenda", summary="Put a topic on the agenda")
async def add_to_agenda(meeting_id: str, body: AddToAgenda, call: Change, response: Response) -> MeetingView:
    return await _meeting(call, response, await do.add_to_agenda(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/agenda/steps", operation_id="take_agenda_step", summary="Arrange, approve the agenda"
)
async def take_agenda_step(meeting_id: str, body: TakeStep, call: Change, response: Response) -> MeetingView:
    return await _meeting(call, response, await do.take_agenda_step(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/entrustment", operation_id="entrust_chair", summary="The head entrusts the chair")
async def entrust_chair(meeting_id: str, body: Entrust, call: Change, response: Response) -> MeetingView:
    return await _meeting(call, response, await do.entrust_chair(call, meeting_id, body))


@writes.post("/meetings/{meeting_id}/opening", operation_id="open_session", summary="Open the session")
async def open_session(meeting_id: str, body: OpenSession, call: Change, response: Response) -> MeetingView:
    return await _meeting(call, response, await do.open_session(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/decisions", operation_id="record_decision", status_code=201, summary="Record a decision"
)
async def record_decision(meeting_id: str, body: RecordDecision, call: Change, response: Response) -> DecisionView:
    decision = await do.record_decision(call, meeting_id, body)
    response.headers["Location"] = f"/v1/decisions/{decision.id}"
    call.audit_details["subject"] = f"decision:{decision.id}"
    return DecisionView.model_validate(decision)


@writes.post("/meetings/{meeting_id}/closing", operation_id="close_session", summary="Close the session")
async def close_session(meeting_id: str, body: CloseSession, call: Change, response: Response) -> MeetingView:
    return await _meeting(call, response, await do.close_session(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/minutes", operation_id="draft_minutes", status_code=201, summary="Draft the minutes"
)
async def draft_minutes(meeting_id: str, body: DraftMinutes, call: Change, response: Response) -> MinutesView:
    minutes = await do.draft_minutes(call, meeting_id, body)
    response.headers["Location"] = f"/v1/meetings/{meeting_id}/minutes"
    call.audit_details["subject"] = f"minutes:{minutes.id}"
    return MinutesView.model_validate(minutes)


@reads.get("/meetings/{meeting_id}/minutes", operation_id="get_minutes")
async def get_minutes(meeting_id: str, call: Read) -> MinutesView:
    return await see.get_minutes(call, meeting_id)


@writes.post(
    "/meetings/{meeting_id}/minutes/steps", operation_id="take_minutes_step", summary="Review or sign the minutes"
)
async def take_minutes_step(meeting_id: str, body: TakeStep, call: Change, response: Response) -> MeetingView:
    return await _meeting(call, response, await do.take_minutes_step(call, meeting_id, body))


@reads.get("/decisions", operation_id="list_decisions")
async def list_decisions(
    call: Read, paging: Paging, meeting_id: Annotated[str | None, Query(max_length=64)] = None
) -> Page[DecisionView]:
    return await see.list_decisions(call, paging, meeting_id)


@reads.get("/decisions/{decision_id}", operation_id="get_decision")
async def get_decision(decision_id: str, call: Read, response: Response) -> DecisionView:
    view = await see.get_decision(call, decision_id)
    response.headers["ETag"] = etag(view.version)
    return view


ROUTERS = [writes, reads]
