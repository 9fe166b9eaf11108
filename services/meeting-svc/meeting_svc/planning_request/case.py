"""The context of a planning request's commands: the request, locked, its rules, and the requests that share its
quota."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from meeting_svc.meeting_plan import steps as plan_steps
from meeting_svc.meeting_plan.case import one_approval_at_a_time
from meeting_svc.meeting_plan.meeting_plan import MeetingPlan, allows
from meeting_svc.meeting_plan.table import meeting_plan as meeting_plan_table
from meeting_svc.planning_request import breaches
from meeting_svc.planning_request import planning_request as planning_requests
from meeting_svc.planning_request.breaches import Context
from meeting_svc.planning_request.planning_request import PlanningRequest
from meeting_svc.planning_request.table import planning_request as planning_request_table
from zhengling.authority.composition import Acting, Composition, Permission, RoleContext
from zhengling.authority.waivers import Breach
from zhengling.database.mapping import touch
from zhengling.database.session import lock
from zhengling.dates.deadlines import Due, compute
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules.cadence import period_of
from zhengling.rules.chains import actors_of
from zhengling.rules.planning import RequestType
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call


@dataclass
class Case:
    """A request with its rules, the meetings and requests around it and its breaches."""

    request: PlanningRequest
    kind: RequestType
    context: Context
    found: list[Breach]

    @property
    def composition(self) -> Composition:
        return self.context.composition


def book_of(call: Call, request: PlanningRequest) -> Rulebook:
    return call.service.rulebooks.edition(call.government, request.edition)


def kind_of(book: Rulebook, name: str) -> RequestType:
    """The rules of a type of request. 409 `no_planning_rules`, 422 `unknown_request_type`."""
    return planning_requests.type_of(plan_steps.rules_of(book.planning, book.code, book.government.name), name)


async def case_of(session: AsyncSession, book: Rulebook, request: PlanningRequest, today: date) -> Case:
    """The request with its context. The lead time is judged by the day of the formal request or approval; before that
    day is fixed, by `today`."""
    kind = kind_of(book, request.type)
    as_of = today
    if kind.lead:
        met_at = request.submitted_at if kind.lead.met_by == "request" else request.approved_at
        as_of = shanghai_day(met_at) if met_at else today
    context = Context(
        composition=await compositions.current(session),
        calendar=await calendars.current(session),
        as_of=as_of,
        due=await lead_of(session, book, kind, request),
        others=await _others(session, kind, request),
        in_plan=kind.planned is not None and await _in_plan(session, request),
    )
    return Case(request, kind, context, breaches.breaches_of(kind, request, context))


async def lead_of(session: AsyncSession, book: Rulebook, kind: RequestType, request: PlanningRequest) -> Due | None:
    """The latest day for the request, or for its approval; None where its type has no lead time."""
    if kind.lead is None:
        return None
    calendar = await calendars.current(session)
    return compute(kind.lead.rule, book.deadline(kind.lead.rule), request.day, calendar)


async def _others(session: AsyncSession, kind: RequestType, request: PlanningRequest) -> tuple[int, ...]:
    """How many other requests count towards each of the type's quotas."""
    columns, counts = planning_request_table.c, []
    for quota in kind.quotas:
        first, last = period_of(request.day, quota.per.months)
        statement = sa.select(sa.func.count()).where(
            columns.type == request.type,
            columns.day.between(first, last),
            columns.state.in_(planning_requests.COUNTED),
            columns.id != request.id,
        )
        if quota.of == "sponsor":
            statement = statement.where(columns.sponsor == request.sponsor)
        counts.append((await session.execute(statement)).scalar_one())
    return tuple(counts)


async def _in_plan(session: AsyncSession, request: PlanningRequest) -> bool:
    statement = sa.select(MeetingPlan).filter_by(year=request.day.year)
    plan = (await session.execute(statement)).scalar_one_or_none()
    return allows(plan, request.plan_item, request.sponsor, request.day)


async def show_in_plan(session: AsyncSession, request: PlanningRequest) -> None:
    """Give the plan that has the request's item a new version with the request's change: its answers show the requests
    that name each item, with their states."""
    if request.plan_item is None:
        return
    items = sa.type_coerce(meeting_plan_table.c["items"], JSONB)
    statement = sa.select(MeetingPlan).where(items.contains([{"id": request.plan_item}])).with_for_update()
    for plan in (await session.execute(statement)).scalars():
        touch(plan)


async def locked(call: Call, request_id: str, occurred_at: datetime) -> Case:
    """The request in the version that the caller saw. Locked after the government's lock, which serialises approvals."""
    await one_approval_at_a_time(call.session)
    request = await lock(call.session, PlanningRequest, request_id, "planning request", "办会申请")
    call.check_version(request.version)
    await show_in_plan(call.session, request)
    return await case_of(call.session, book_of(call, request), request, shanghai_day(occurred_at))


async def seen(call: Call, request_id: str) -> Case:
    """The request, locked, in the version that the caller saw, in any state."""
    request = await lock(call.session, PlanningRequest, request_id, "planning request", "办会申请")
    call.check_version(request.version)
    return await case_of(call.session, book_of(call, request), request, shanghai_day(call.now))


def require_asker(call: Call, case: Case, *also: Role) -> Acting:
    return case.composition.require(
        call.official,
        shanghai_day(call.now),
        Permission(
            actors_of((*case.kind.asked_by, *also)),
            Text("see to this request", "办理该申请"),
            code="not_the_asker",
            clause=case.kind.clause,
            context=RoleContext(sponsor=case.request.sponsor),
        ),
    )
