"""Commands on the yearly plan of meetings, one function each, and its timer."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from meeting_svc.decision.decision import Decision
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting_plan import meeting_plan as meeting_plans
from meeting_svc.meeting_plan import steps as plan_steps
from meeting_svc.meeting_plan.case import locked, one_approval_at_a_time, plan_of, rules_of
from meeting_svc.meeting_plan.meeting_plan import Declaration, MeetingPlan, PlanItem, PlanState
from meeting_svc.meeting_plan.schemas import (
    AddItem,
    DeclareCommittee,
    HandIn,
    ItemPayload,
    OpenPlan,
    TakePlanStep,
)
from zhengling.authority.chain import Attempt
from zhengling.authority.composition import Permission, require_organisations
from zhengling.backbone import timers
from zhengling.database.session import load, now
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import Clock, KeptDeadline, Moved, Owner
from zhengling.rules.chains import Actor, actors_of
from zhengling.rules.planning import YearlyPlan
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call

SUBJECT = "meeting_plan"
OVERDUE = "meeting_plan_overdue"


async def expect_next_year(call: Call) -> None:
    """Create next year's plan, with its due date and its timer, where the rules require one, so that a missing plan is
    noticed. Called by the government's own commands; reads never create it."""
    book = call.service.rulebooks.in_force(call.government, call.now)
    if book is None:
        return  # a composition may be loaded before its government has a rulebook
    if book.planning is None or book.planning.yearly_plan is None:
        return
    await one_approval_at_a_time(call.session)
    year = shanghai_day(call.now).year + 1
    if await plan_of(call.session, year) is None:
        await _begin(call, book, book.planning.yearly_plan, year)


async def _begin(call: Call, book: Rulebook, rules: YearlyPlan, year: int) -> MeetingPlan:
    identity = str(uuid7())
    due = await due_dates.keep(call.session, SUBJECT, identity, Clock(rules.deadline, date(year, 1, 1)), book)
    plan = MeetingPlan(
        id=identity,
        government=call.government,
        edition=book.edition,
        year=year,
        clause=rules.clause,
        due=due.date,
        due_at=due.at,
    )
    call.session.add(plan)
    await call.session.flush()
    await timers.schedule(call.session, OVERDUE, {plan.id: due.at})
    return plan


async def open_plan(call: Call, body: OpenPlan) -> MeetingPlan:
    """Open the collection of a year's plan, if it wasn't created automatically. By the office. 409 `plan_exists`; 422
    `plan_of_the_past`."""
    book, composition = call.rulebook, await compositions.current(call.session)
    rules, today = rules_of(book), shanghai_day(call.now)
    composition.require(
        call.official,
        today,
        Permission(
            (Actor(role=Role.office),),
            Text("collect the plan", "征集年度会议计划"),
            code="not_the_office",
            clause=rules.clause,
        ),
    )
    if body.year < today.year:
        raise invalid("plan_of_the_past", f"the year {body.year} is over", f"{body.year}年已经过去")
    await one_approval_at_a_time(call.session)
    if await plan_of(call.session, body.year):
        raise refusal(
            "plan_exists",
            rules.clause,
            f"the plan of {body.year} already exists",
            f"{body.year}年度计划已经建立",
            Text("the plan is collected once; submit items to it", "年度计划一次性征集，请直接报送项目"),
        )
    return await _begin(call, book, rules, body.year)


async def hand_in(call: Call, year: int, body: HandIn) -> MeetingPlan:
    """Submit all items of an organisation, replacing its earlier ones, while the plan is collected. By the roles that
    the rulebook names."""
    plan, rules, composition = await locked(call, year)
    require_organisations(composition, [body.sponsor])
    meeting_plans.require_submitter(rules, composition, call.official, body.sponsor, shanghai_day(call.now))
    occurred_at = call.occurred(body.occurred_at)
    items = [_item(call, body.sponsor, item, occurred_at) for item in body.items]
    meeting_plans.hand_in(plan, rules, body.sponsor, items)
    await call.session.flush()
    return plan


def _item(call: Call, sponsor: str, item: ItemPayload, at: datetime, by: str | None = None, why: str = "") -> PlanItem:
    return PlanItem(
        id=str(uuid7()),
        sponsor=sponsor,
        title=item.title,
        month=item.month,
        joint=item.joint,
        note=item.note,
        submitted_by=call.official or "",
        submitted_at=at,
        admitted_by=by,
        reason=why,
    )


async def take_step(call: Call, year: int, body: TakePlanStep) -> MeetingPlan:
    """Take the plan's next step (the first closes the collection), or record the meeting's decision that takes it;
    items may be struck with a reason each. By the step's actor."""
    decision: Decision | None = None
    meeting: Meeting | None = None
    if body.decision_id:
        decision = await load(call.session, Decision, body.decision_id, "decision", "决定事项")
        meeting = await load(call.session, Meeting, decision.meeting_id, "meeting", "会议")
    plan, rules, composition = await locked(call, year)
    course = meeting_plans.course_of(plan, rules)
    course.require_part(call.official, shanghai_day(call.now), composition)
    meeting_plans.require_state(plan, PlanState.collecting, PlanState.in_review)
    occurred_at = call.occurred(meeting.closed_at if meeting else body.occurred_at)
    decided = decision.id if decision else None
    attempt = Attempt(body.step, call.official, occurred_at, call.now, body.opinion, decided)
    taken = course.take(attempt, composition)
    if decision and meeting and (due := course.next()):
        plan_steps.require_decides(due.step.meeting, due.clause, decision, meeting)
    collected = plan.state == PlanState.collecting
    meeting_plans.strike(plan, {item.item_id: item.reason for item in body.struck})
    meeting_plans.take(plan, rules, taken)
    if collected:
        await due_dates.settle(call.session, SUBJECT, plan.id, "met")
        await due_dates.reschedule(call.session, DUE_DATES, call.service.rulebooks, plan.id)
    call.audit_details.update(taken.behalf)
    await call.session.flush()
    await expect_next_year(call)
    return plan


async def declare_committee(call: Call, year: int, body: DeclareCommittee) -> MeetingPlan:
    """Declare that the party committee passed the pending joint items. By the roles that the rulebook names."""
    plan, rules, composition = await locked(call, year)
    waiting = tuple(item.id for item in meeting_plans.waiting(plan)) if rules.joint else ()
    if rules.joint:
        composition.require(
            call.official,
            shanghai_day(call.now),
            Permission(
                actors_of(rules.joint.declared_by),
                Text("declare what the party committee passed", "登记党委常委会会议审批情况"),
                code="not_the_declarer",
                clause=rules.joint.clause,
            ),
        )
    meeting_plans.require_state(plan, PlanState.adopted)
    declaration = Declaration(call.official or "", call.occurred(body.occurred_at), call.now, body.note, waiting)
    meeting_plans.declare(plan, declaration)
    call.audit_details.update(declared=body.note, items=list(waiting))
    await call.session.flush()
    return plan


async def add_item(call: Call, year: int, body: AddItem) -> MeetingPlan:
    """Add an item to the adopted plan, with a reason, as a new version. By the roles that the rulebook names."""
    plan, rules, composition = await locked(call, year)
    acting = meeting_plans.require_waiver(rules, composition, call.official, shanghai_day(call.now))
    require_organisations(composition, [body.sponsor])
    occurred_at = call.occurred(body.occurred_at)
    item = _item(call, body.sponsor, body, occurred_at, acting.on_behalf_of or call.official, body.reason)
    meeting_plans.add(plan, rules, item, occurred_at)
    call.audit_details.update({"reason": body.reason} | acting.behalf)
    await call.session.flush()
    return plan


async def mark_overdue(session: AsyncSession, plan: MeetingPlan, passed: list[KeptDeadline]) -> None:
    """Mark the plan as overdue if it is still being collected at its due date. No event."""
    meeting_plans.fall_overdue(plan, now(session))
    await session.flush()


async def move_due_dates(session: AsyncSession, moves: list[tuple[MeetingPlan, Moved]]) -> None:
    """Move plans to their due dates after a change of the calendar, an extension or a suspension."""
    for plan, moved in moves:
        meeting_plans.move_due(plan, moved.after.due, moved.after.due_at, now(session))
    await session.flush()


DUE_DATES = Owner(SUBJECT, MeetingPlan, move_due_dates, mark_overdue, OVERDUE)
