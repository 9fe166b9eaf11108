"""HTTP → commands on the decisions of a session; no rules here."""

from __future__ import annotations

from fastapi import Response

from meeting_svc.decision.queries import views_of
from meeting_svc.decision.routes import decision_answer
from meeting_svc.decision.schemas import DecisionRecorded, DecisionView
from meeting_svc.resolution import commands as do
from meeting_svc.resolution.schemas import RecordDecision, ReplaceDecision, WithdrawDecision
from meeting_svc.scopes import Change
from zhengling.web.etags import etag
from zhengling.web.routing import commands

writes = commands("/v1", "decision")


@writes.post(
    "/meetings/{meeting_id}/decisions", operation_id="record_decision", status_code=201, summary="Record a decision"
)
async def record_decision(meeting_id: str, body: RecordDecision, call: Change, response: Response) -> DecisionRecorded:
    decision, meeting = await do.record_decision(call, meeting_id, body)
    response.headers["Location"] = f"/v1/decisions/{decision.id}"
    response.headers["ETag"] = etag(decision.version)
    call.audit_details["subject"] = f"decision:{decision.id}"
    (view,) = await views_of(call, [decision])
    return DecisionRecorded(**view.model_dump(), meeting_version=meeting.version)


@writes.put("/decisions/{decision_id}", operation_id="replace_decision", summary="Replace the record of a decision")
async def replace_decision(decision_id: str, body: ReplaceDecision, call: Change, response: Response) -> DecisionView:
    return await decision_answer(call, response, await do.replace_decision(call, decision_id, body))


@writes.post(
    "/decisions/{decision_id}/withdrawal", operation_id="withdraw_decision", summary="Withdraw the record of a decision"
)
async def withdraw_decision(decision_id: str, body: WithdrawDecision, call: Change, response: Response) -> DecisionView:
    return await decision_answer(call, response, await do.withdraw_decision(call, decision_id, body))


ROUTERS = [writes]
