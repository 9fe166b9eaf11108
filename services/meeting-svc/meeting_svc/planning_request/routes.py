"""HTTP → commands and queries of planning requests; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from meeting_svc.planning_request import commands as do
from meeting_svc.planning_request import queries as see
from meeting_svc.planning_request.planning_request import PlanningRequest, RequestState
from meeting_svc.planning_request.schemas import (
    AskToHold,
    Decline,
    LiftHindrance,
    PlanningRequestView,
    RecordHolding,
    RecordInvitations,
    RecordReply,
    RequestTypes,
    Resubmit,
    TakePlanningStep,
    Withdraw,
)
from meeting_svc.scopes import Change, Create, Read, ReadPublic
from zhengling.kernel.instants import Day
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries
from zhengling.web.worklist import WaitsFor

writes = commands("/v1", "planning")
reads = queries("/v1", "planning")
ONE = "/planning-requests/{planning_request_id}"
Filter = Annotated[str | None, Query(max_length=64)]


async def _answer(call: Call, response: Response, request: PlanningRequest) -> PlanningRequestView:
    response.headers["ETag"] = etag(request.version)
    call.audit_details["subject"] = f"planning_request:{request.id}"
    return await see.request_view(call, request)


@reads.get(
    "/planning-request-types",
    operation_id="list_planning_request_types",
    summary="Types of request that the rules require",
)
async def list_planning_request_types(call: ReadPublic) -> RequestTypes:
    return see.list_types(call)


@writes.post(
    "/planning-requests",
    operation_id="ask_to_hold",
    status_code=201,
    summary="Ask to hold a meeting or major activity (请示)",
)
async def ask_to_hold(body: AskToHold, call: Create, response: Response) -> PlanningRequestView:
    request = await do.ask_to_hold(call, body)
    response.headers["Location"] = f"/v1/planning-requests/{request.id}"
    return await _answer(call, response, request)


@reads.get("/planning-requests", operation_id="list_planning_requests", summary="List requests, also as a change feed")
async def list_planning_requests(
    call: Read,
    paging: Paging,
    state: Annotated[RequestState | None, Query()] = None,
    type: Filter = None,
    sponsor: Filter = None,
    plan_item: Filter = None,
    since: Annotated[Day | None, Query(description="the planned day is this day or later")] = None,
    until: Annotated[Day | None, Query(description="the planned day is this day or earlier")] = None,
    waits_for: WaitsFor = None,
) -> Page[PlanningRequestView]:
    return await see.list_requests(
        call,
        paging,
        state=state,
        type_=type,
        sponsor=sponsor,
        plan_item=plan_item,
        since=since,
        until=until,
        waits_for=waits_for,
    )


@reads.get(ONE, operation_id="get_planning_request")
async def get_planning_request(planning_request_id: str, call: Read, response: Response) -> PlanningRequestView:
    view = await see.get_request(call, planning_request_id)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post(f"{ONE}/steps", operation_id="take_planning_step", summary="Take the next step of the request's chain")
async def take_planning_step(
    planning_request_id: str, body: TakePlanningStep, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.take_step(call, planning_request_id, body))


@writes.post(f"{ONE}/refusal", operation_id="refuse_planning_request", summary="Refuse a request, with a reason")
async def refuse_planning_request(
    planning_request_id: str, body: Decline, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.refuse(call, planning_request_id, body))


@writes.post(f"{ONE}/return", operation_id="return_planning_request", summary="Return a request, with a reason (退回)")
async def return_planning_request(
    planning_request_id: str, body: Decline, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.send_back(call, planning_request_id, body))


@writes.post(f"{ONE}/resubmission", operation_id="resubmit_planning_request", summary="Submit a returned request again")
async def resubmit_planning_request(
    planning_request_id: str, body: Resubmit, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.resubmit(call, planning_request_id, body))


@writes.post(
    f"{ONE}/lifted-hindrances", operation_id="lift_planning_hindrance", summary="Waive a breach, with a reason"
)
async def lift_planning_hindrance(
    planning_request_id: str, body: LiftHindrance, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.lift(call, planning_request_id, body))


@writes.post(f"{ONE}/withdrawal", operation_id="withdraw_planning_request", summary="Withdraw a request, with a reason")
async def withdraw_planning_request(
    planning_request_id: str, body: Withdraw, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.withdraw(call, planning_request_id, body))


@writes.post(
    f"{ONE}/reply", operation_id="record_hosting_reply", summary="Record the reply that hosting is accepted (答复)"
)
async def record_hosting_reply(
    planning_request_id: str, body: RecordReply, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.record_reply(call, planning_request_id, body))


@writes.post(f"{ONE}/invitations", operation_id="record_invitations", summary="Record invitations that were sent")
async def record_invitations(
    planning_request_id: str, body: RecordInvitations, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.record_invitations(call, planning_request_id, body))


@writes.post(f"{ONE}/holding", operation_id="record_holding", summary="Record that the meeting or activity was held")
async def record_holding(
    planning_request_id: str, body: RecordHolding, call: Change, response: Response
) -> PlanningRequestView:
    return await _answer(call, response, await do.record_holding(call, planning_request_id, body))


ROUTERS = [writes, reads]
