"""HTTP → commands and queries of the yearly plan of meetings; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from meeting_svc.meeting_plan import commands as do
from meeting_svc.meeting_plan import queries as see
from meeting_svc.meeting_plan.meeting_plan import MeetingPlan, PlanState
from meeting_svc.meeting_plan.schemas import (
    AddItem,
    DeclareCommittee,
    HandIn,
    MeetingPlanView,
    OpenPlan,
    TakePlanStep,
)
from meeting_svc.scopes import Change, Create, Read
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries

writes = commands("/v1", "planning")
reads = queries("/v1", "planning")
ONE = "/meeting-plans/{year}"
Year = Annotated[int, Path(ge=2010, le=2100, description="the year that is planned")]


async def _answer(call: Call, response: Response, plan: MeetingPlan) -> MeetingPlanView:
    response.headers["ETag"] = etag(plan.version)
    call.audit_details["subject"] = f"meeting_plan:{plan.id}"
    return await see.plan_view(call, plan)


@writes.post(
    "/meeting-plans", operation_id="open_meeting_plan", status_code=201, summary="Open the collection of a year's plan"
)
async def open_meeting_plan(body: OpenPlan, call: Create, response: Response) -> MeetingPlanView:
    plan = await do.open_plan(call, body)
    response.headers["Location"] = f"/v1/meeting-plans/{plan.year}"
    return await _answer(call, response, plan)


@reads.get("/meeting-plans", operation_id="list_meeting_plans", summary="List the yearly plans of meetings (年度计划)")
async def list_meeting_plans(
    call: Read, paging: Paging, state: Annotated[PlanState | None, Query()] = None
) -> Page[MeetingPlanView]:
    return await see.list_plans(call, paging, state)


@reads.get(ONE, operation_id="get_meeting_plan")
async def get_meeting_plan(year: Year, call: Read, response: Response) -> MeetingPlanView:
    view = await see.get_plan(call, year)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post(f"{ONE}/submissions", operation_id="hand_in_plan_items", summary="Submit an organisation's items")
async def hand_in_plan_items(year: Year, body: HandIn, call: Change, response: Response) -> MeetingPlanView:
    return await _answer(call, response, await do.hand_in(call, year, body))


@writes.post(f"{ONE}/steps", operation_id="take_plan_step", summary="Take the next step of the plan's chain")
async def take_plan_step(year: Year, body: TakePlanStep, call: Change, response: Response) -> MeetingPlanView:
    return await _answer(call, response, await do.take_step(call, year, body))


@writes.post(
    f"{ONE}/committee",
    operation_id="declare_committee_decision",
    summary="Declare that the party committee passed the joint items",
)
async def declare_committee_decision(
    year: Year, body: DeclareCommittee, call: Change, response: Response
) -> MeetingPlanView:
    return await _answer(call, response, await do.declare_committee(call, year, body))


@writes.post(f"{ONE}/additions", operation_id="add_plan_item", summary="Add an item to the adopted plan, with a reason")
async def add_plan_item(year: Year, body: AddItem, call: Change, response: Response) -> MeetingPlanView:
    return await _answer(call, response, await do.add_item(call, year, body))


ROUTERS = [writes, reads]
