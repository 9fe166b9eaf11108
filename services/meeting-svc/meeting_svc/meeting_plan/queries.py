"""Queries of the yearly plan of meetings."""

from __future__ import annotations

import sqlalchemy as sa

from meeting_svc.meeting_plan.case import rules_of
from meeting_svc.meeting_plan.commands import SUBJECT
from meeting_svc.meeting_plan.meeting_plan import MeetingPlan, PlanState, course_of, waiting
from meeting_svc.meeting_plan.schemas import LinkedRequest, MeetingPlanView
from meeting_svc.meeting_plan.table import meeting_plan as meeting_plan_table
from meeting_svc.planning_request.planning_request import PlanningRequest
from meeting_svc.planning_request.table import planning_request as planning_request_table
from zhengling.authority import readers
from zhengling.kernel.errors import not_found
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, page
from zhengling.web.sight import visible
from zhengling.web.steps import next_of


async def plan_view(call: Call, plan: MeetingPlan) -> MeetingPlanView:
    """The plan with its due date explained, its next step, and those requests that name its items and that the caller sees.
    Before the adoption an item is for its sponsor and those who see the whole government."""
    view = MeetingPlanView.model_validate(plan)
    if plan.state != PlanState.adopted and readers.GOVERNMENT not in call.keys:
        view.items = [item for item in view.items if readers.of_unit(item.sponsor) in call.keys]
    (row, *_) = await due_dates.kept(call.session, SUBJECT, plan.id)
    (view.collection,) = await due_dates.explained(call.session, call.service.rulebooks, [row], call.language)
    view.overdue = plan.state == PlanState.collecting and call.now >= plan.due_at and not row.suspended
    view.late = plan.reviewed_at is not None and plan.reviewed_at >= plan.due_at and not row.suspended
    blocked = {item.id for item in waiting(plan)}
    requests = await _requests(call, plan)
    for item in view.items:
        item.waits_for_committee = plan.state == PlanState.adopted and item.id in blocked
        item.requests = [LinkedRequest.model_validate(r) for r in requests if r.plan_item == item.id]
    if plan.state != PlanState.adopted:
        rules = rules_of(call.service.rulebooks.edition(call.government, plan.edition))
        view.next_step = next_of(call, course_of(plan, rules), await compositions.current(call.session))
    return view


async def _requests(call: Call, plan: MeetingPlan) -> list[PlanningRequest]:
    columns = planning_request_table.c
    named = columns.plan_item.in_([item.id for item in plan.items])
    statement = sa.select(PlanningRequest).where(named, visible(call, PlanningRequest))
    return list((await call.session.execute(statement.order_by(columns.id))).scalars())


async def get_plan(call: Call, year: int) -> MeetingPlanView:
    statement = sa.select(MeetingPlan).where(visible(call, MeetingPlan)).filter_by(year=year)
    if plan := (await call.session.execute(statement)).scalar_one_or_none():
        return await plan_view(call, plan)
    raise not_found("meeting plan", "年度会议计划", year)


async def list_plans(call: Call, request: PageRequest, state: PlanState | None) -> Page[MeetingPlanView]:
    filters = [meeting_plan_table.c.state == state] if state else []
    rows, cursor = await page(call, MeetingPlan, request, *filters)
    return Page(items=[await plan_view(call, row) for row in rows], next_cursor=cursor)
