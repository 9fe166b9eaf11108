"""The context of commands on the yearly plan: the plan, locked, and its rules."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from meeting_svc.meeting_plan import meeting_plan as meeting_plans
from meeting_svc.meeting_plan import steps as plan_steps
from meeting_svc.meeting_plan.meeting_plan import MeetingPlan
from zhengling.authority.composition import Composition
from zhengling.database.session import lock, one_at_a_time
from zhengling.kernel.errors import not_found
from zhengling.replicas import composition as compositions
from zhengling.rules.planning import YearlyPlan
from zhengling.rules.rulebook import Rulebook
from zhengling.web.call import Call


def rules_of(book: Rulebook) -> YearlyPlan:
    """The rules of the yearly plan. 409 `no_planning_rules`, `no_yearly_plan` where the government has none."""
    rules = plan_steps.rules_of(book.planning, book.code, book.government.name)
    return meeting_plans.rules_of(rules, book.government.name)


async def plan_of(session: AsyncSession, year: int) -> MeetingPlan | None:
    statement = sa.select(MeetingPlan).filter_by(year=year)
    return (await session.execute(statement)).scalar_one_or_none()


async def locked(call: Call, year: int) -> tuple[MeetingPlan, YearlyPlan, Composition]:
    """The year's plan, locked, in the version that the caller saw, with its rules."""
    await one_approval_at_a_time(call.session)
    found = await plan_of(call.session, year)  # a plan stays with its year
    if found is None:
        raise not_found("meeting plan", "年度会议计划", year)
    plan = await lock(call.session, MeetingPlan, found.id, "meeting plan", "年度会议计划")
    call.check_version(plan.version)
    rules = rules_of(call.service.rulebooks.edition(call.government, plan.edition))
    return plan, rules, await compositions.current(call.session)


async def one_approval_at_a_time(session: AsyncSession) -> None:
    """Take the government's lock, which serialises approvals until the commit. Before any row lock."""
    await one_at_a_time(session, "planning")
