"""HTTP → commands and queries of decisions; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from meeting_svc.decision import commands as do
from meeting_svc.decision import queries as see
from meeting_svc.decision.decision import Decision, PublicationState, Standing
from meeting_svc.decision.schemas import DecisionView, FollowExecution, PublishDecision
from meeting_svc.scopes import Change, Read
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries

writes = commands("/v1", "decision")
reads = queries("/v1", "decision")


async def decision_answer(call: Call, response: Response, decision: Decision) -> DecisionView:
    response.headers["ETag"] = etag(decision.version)
    call.audit_details["subject"] = f"decision:{decision.id}"
    (view,) = await see.views_of(call, [decision])
    return view


@writes.post(
    "/decisions/{decision_id}/publication",
    operation_id="publish_decision",
    summary="Record the publication of a decision, or why it is withheld",
)
async def publish_decision(decision_id: str, body: PublishDecision, call: Change, response: Response) -> DecisionView:
    return await decision_answer(call, response, await do.publish_decision(call, decision_id, body))


@writes.post(
    "/decisions/{decision_id}/executions",
    operation_id="follow_execution",
    summary="Record feedback, an evaluation or an adjustment of its execution",
)
async def follow_execution(decision_id: str, body: FollowExecution, call: Change, response: Response) -> DecisionView:
    return await decision_answer(call, response, await do.follow_execution(call, decision_id, body))


@reads.get(
    "/decisions",
    operation_id="list_decisions",
    summary="List decisions in the order of their last change; those of one meeting by number",
)
async def list_decisions(
    call: Read,
    paging: Paging,
    meeting_id: Annotated[str | None, Query(max_length=64)] = None,
    topic_id: Annotated[str | None, Query(max_length=64)] = None,
    standing: Annotated[Standing | None, Query()] = None,
    publication: Annotated[
        PublicationState | None, Query(description="outstanding: neither published nor withheld")
    ] = None,
    followed: Annotated[bool | None, Query(description="whether its execution is followed up")] = None,
) -> Page[DecisionView]:
    return await see.list_decisions(call, paging, meeting_id, topic_id, standing, publication, followed)


@reads.get("/decisions/{decision_id}", operation_id="get_decision")
async def get_decision(decision_id: str, call: Read, response: Response) -> DecisionView:
    view = await see.get_decision(call, decision_id)
    response.headers["ETag"] = etag(view.version)
    return view


ROUTERS = [writes, reads]
