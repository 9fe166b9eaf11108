"""HTTP → command or query of decisions; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from meeting_svc import decision_commands as do
from meeting_svc import decision_queries as see
from meeting_svc.decision_schemas import DecisionView, RecordDecision
from meeting_svc.scopes import Change, Read
from zhengling.paging import Page, Paging
from zhengling.service import commands, etag, queries

writes = commands("/v1", "decision")
reads = queries("/v1", "decision")


@writes.post(
    "/meetings/{meeting_id}/decisions", operation_id="record_decision", status_code=201, summary="Record a decision"
)
async def record_decision(meeting_id: str, body: RecordDecision, call: Change, response: Response) -> DecisionView:
    decision = await do.record_decision(call, meeting_id, body)
    response.headers["Location"] = f"/v1/decisions/{decision.id}"
    call.audit_details["subject"] = f"decision:{decision.id}"
    return DecisionView.model_validate(decision)


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
