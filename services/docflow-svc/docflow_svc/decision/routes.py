"""HTTP → queries of decisions; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from docflow_svc.decision import queries as see
from docflow_svc.decision.decision import DecisionState
from docflow_svc.decision.schemas import DecisionView
from docflow_svc.scopes import Read
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import queries

reads = queries("/v1", "decision")


@reads.get(
    "/decisions",
    operation_id="list_known_decisions",
    summary="List the decisions that documents are checked against, also as a change feed",
)
async def list_decisions(
    call: Read,
    paging: Paging,
    meeting_id: Annotated[str | None, Query(max_length=64)] = None,
    topic_id: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[DecisionState | None, Query(description="recorded: not in force")] = None,
) -> Page[DecisionView]:
    return await see.list_decisions(call, paging, meeting_id, topic_id, state)


@reads.get(
    "/decisions/{decision_id}",
    operation_id="get_known_decision",
    summary="A meeting's decision, as docflow-svc knows it",
)
async def get_decision(decision_id: str, call: Read, response: Response) -> DecisionView:
    view = await see.get_decision(call, decision_id)
    response.headers["ETag"] = etag(view.version)
    return view


ROUTERS = [reads]
