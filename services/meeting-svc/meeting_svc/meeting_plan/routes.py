"""HTTP → commands and queries of the yearly plan of meetings; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from meeting_svc.meeting_plan import commands as do
from meeting_svc.meeting_plan import queries as see
from meeting_svc.meeting_plan.case import plan_of, rules_of
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
from zhengling.authority.composition import Permission
from zhengling.kernel.errors import Text, not_found
from zhengling.rules.chains import actors_of
from zhengling.rules.vocabulary import Role
from zhengling.web import due_routes
from zhengling.web.call import Call
from zhengling.web.due_routes import Subject
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


def _may_adjust(call: Call, plan: MeetingPlan) -> Permission:
    rules = rules_of(call.service.rulebooks.edition(call.government, plan.edition))
    act = Text("extend, suspend or resume the collection of the plan", "延长、中止或恢复年度计划征集时限")
    return Permission(actors_of(rules.additions or (Role.office,)), act, "not_the_admitter", rules.clause)


async def _plan_id(call: Call, year: str) -> str:
    plan = await plan_of(call.session, int(year)) if year.isascii() and year.isdigit() and len(year) == 4 else None
    if plan is None:
        raise not_found("meeting plan", "年度会议计划", year)
    return plan.id


DUE_DATES = Subject(do.DUE_DATES, Text("meeting plan", "年度会议计划"), ONE, "year", _may_adjust, _plan_id)
ROUTERS = [writes, reads, *due_routes.routes("meeting", DUE_DATES)]
