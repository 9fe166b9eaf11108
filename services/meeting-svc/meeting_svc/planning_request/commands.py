"""Commands on planning requests, one function each.

Commands that may approve a request run one at a time for each government; otherwise two requests that together exceed a
quota could both be approved.
"""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from meeting_svc.decision.decision import Decision
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting_plan import steps as plan_steps
from meeting_svc.meeting_plan.case import one_approval_at_a_time
from meeting_svc.planning_request import breaches
from meeting_svc.planning_request import invitees as guest
from meeting_svc.planning_request import planning_request as planning_requests
from meeting_svc.planning_request.case import Case, book_of, case_of, kind_of, locked, require_asker, seen, show_in_plan
from meeting_svc.planning_request.planning_request import (
    Action,
    Guest,
    Invitation,
    PlanningRequest,
    Reply,
    RequestState,
)
from meeting_svc.planning_request.schemas import (
    AskToHold,
    Decline,
    LiftHindrance,
    RecordHolding,
    RecordInvitations,
    RecordReply,
    Resubmit,
    TakePlanningStep,
    What,
    Withdraw,
)
from meeting_svc.planning_request.table import planning_request as planning_request_table
from zhengling.authority import waivers
from zhengling.authority.chain import Attempt, NextStep, Returned
from zhengling.authority.composition import Acting, Composition, OrganisationKind, require_known, require_organisations
from zhengling.authority.waivers import Waiving
from zhengling.database.session import load, lock
from zhengling.kernel.errors import invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules.chains import StepName
from zhengling.rules.planning import RequestType
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call


# submission -----------------------------------------------------------------------------------------------------------
async def ask_to_hold(call: Call, body: AskToHold) -> PlanningRequest:
    """Submit a request to hold a meeting or activity. By those who may ask for its type: an official of the sponsor, or
    the leader who wants it. Approved at once where its rules have no step. No event."""
    book, composition = call.rulebook, await compositions.current(call.session)
    kind, occurred_at = kind_of(book, body.type), call.occurred(body.occurred_at)
    require_organisations(composition, [body.sponsor])
    acting = planning_requests.require_may_ask(kind, composition, call.official, body.sponsor, shanghai_day(call.now))
    await one_approval_at_a_time(call.session)
    request = PlanningRequest(
        id=str(uuid7()),
        government=call.government,
        edition=book.edition,
        type=body.type,
        clause=kind.clause,
        title=body.title,
        sponsor=body.sponsor,
        led_by=None if acting.role in _OF_THE_SPONSOR else acting.on_behalf_of or call.official,
        in_name_of=body.in_name_of,
        day=body.day,
        participants=body.participants,
        invitees=body.invitees,
        guests=[Guest(guest.name, guest.group) for guest in body.guests],
        plan_item=body.plan_item,
        document=body.document,
        reason=body.reason,
        exception=body.exception,
        requested_by=call.official or "",
        requested_at=occurred_at,
        recorded_at=call.now,
    )
    call.audit_details.update(acting.behalf)
    with call.session.no_autoflush:
        await _submit(call, book, kind, request, composition, occurred_at)
    call.session.add(request)
    await call.session.flush()
    return request


_OF_THE_SPONSOR = (Role.sponsor, Role.principal)


async def _submit(
    call: Call,
    book: Rulebook,
    kind: RequestType,
    request: PlanningRequest,
    composition: Composition,
    occurred_at: datetime,
) -> None:
    """The common part of submission and resubmission: validates the invitees, refuses firm breaches, approves the
    request where no step and no breach is open."""
    require_known(composition, request.invitees, [])
    (await calendars.current(call.session)).require(request.day)
    planning_requests.require_day_ahead(request, shanghai_day(occurred_at))
    await show_in_plan(call.session, request)
    if not kind.submits:
        planning_requests.require_document(kind, request)
        request.submitted_at = occurred_at
    case = await case_of(call.session, book, request, shanghai_day(occurred_at))
    _go_on(case, occurred_at)


def _go_on(case: Case, occurred_at: datetime) -> None:
    """Refuse breaches that may not remain; approve the request if no step is open."""
    request, found = case.request, waivers.not_waived(case.found, case.request.lifts)
    _note_lateness(case)
    if planning_requests.course_of(request, case.kind).next():
        waivers.refuse(found, excepted=bool(request.exception))
        return
    # The last step approves. Where the rules have no step, a breach with an exception waits for its waiver.
    waivers.refuse(found, excepted=bool(request.exception) and not request.steps)
    if not found:
        planning_requests.require_day_ahead(request, shanghai_day(occurred_at))
        planning_requests.complete(case.kind, request, occurred_at)


def _note_lateness(case: Case) -> None:
    context = case.context
    if context.due:
        case.request.due = context.due.date
        case.request.late_by = breaches.days_late(context.due, context.as_of, context.calendar)


async def resubmit(call: Call, request_id: str, body: Resubmit) -> PlanningRequest:
    """Submit a returned request again, with changes. By those who may ask. The whole chain is taken again. No event."""
    occurred_at = call.occurred(body.occurred_at)
    case = await locked(call, request_id, occurred_at)
    request = case.request
    require_asker(call, case)
    planning_requests.require_act(request, Action.resubmit)
    planning_requests.require_not_before(request, occurred_at)
    for name in What.model_fields:
        value = getattr(body, name)
        if name in body.model_fields_set and (value is not None or name != "day"):
            setattr(request, name, [Guest(g.name, g.group) for g in value] if name == "guests" else value)
    request.state = RequestState.requested
    with call.session.no_autoflush:
        await _submit(call, book_of(call, request), case.kind, request, case.composition, occurred_at)
    await call.session.flush()
    return request


# steps and answers ----------------------------------------------------------------------------------------------------
async def take_step(call: Call, request_id: str, body: TakePlanningStep) -> PlanningRequest:
    """Take the next step of the request's chain, or record the meeting's decision that takes it. By the step's actor.
    The last step approves the request, and is refused while a breach isn't waived. No event."""
    decision, meeting = await _decision(call, body.decision_id)
    stated = meeting.closed_at if meeting else body.occurred_at
    occurred_at = call.occurred(stated)
    case = await locked(call, request_id, occurred_at)
    request, composition = case.request, case.composition
    course = planning_requests.course_of(request, case.kind)
    course.require_part(call.official, shanghai_day(call.now), composition)
    planning_requests.require_act(request, Action.take_step)
    due = planning_requests.require_asked(request, case.kind)
    decided = decision.id if decision else None
    attempt = Attempt(body.step, call.official, occurred_at, call.now, body.opinion, decided)
    taken = course.take(attempt, composition)
    planning_requests.require_not_before(request, occurred_at)
    if decision and meeting:
        await _require_decides(call, case, due, decision, meeting)
    _formally(request, body)
    planning_requests.take(case.kind, request, taken)
    with call.session.no_autoflush:
        case = await case_of(call.session, book_of(call, request), request, shanghai_day(occurred_at))
    _go_on(case, occurred_at)
    call.audit_details.update(taken.behalf)
    await call.session.flush()
    return request


def _formally(request: PlanningRequest, body: TakePlanningStep) -> None:
    """Apply the document and exception of a formal request; 422 `only_with_submit` for any other step."""
    if body.step != StepName.submit and (body.document or body.exception):
        raise invalid(
            "only_with_submit",
            "document and exception belong to the formal request, not to this step",
            "文号和例外理由仅在正式报送请示时填写",
        )
    request.document = body.document or request.document
    request.exception = body.exception or request.exception


async def _decision(call: Call, decision_id: str | None) -> tuple[Decision | None, Meeting | None]:
    if decision_id is None:
        return None, None
    decision = await load(call.session, Decision, decision_id, "decision", "决定事项")
    return decision, await load(call.session, Meeting, decision.meeting_id, "meeting", "会议")


async def _require_decides(call: Call, case: Case, due: NextStep, decision: Decision, meeting: Meeting) -> None:
    """Refusals of `require_decides` and `require_about`."""
    plan_steps.require_decides(due.step.meeting, due.clause, decision, meeting)
    offices = {each.code for each in case.composition.organisations if each.kind == OrganisationKind.office}
    used_by = await _approved_by(call.session, decision, case.request)
    planning_requests.require_about(case.request, decision, offices, used_by, due.clause)


async def _approved_by(session: AsyncSession, decision: Decision, request: PlanningRequest) -> str | None:
    """The title of another request, neither refused nor withdrawn, for which this decision took a step; None if
    none."""
    columns = planning_request_table.c
    taken = sa.cast(columns.steps, JSONB).contains(sa.cast([{"decision_id": decision.id}], JSONB))
    statement = sa.select(columns.title).where(
        taken, columns.id != request.id, columns.state.not_in((RequestState.refused, RequestState.withdrawn))
    )
    title: str | None = await session.scalar(statement.limit(1))
    return title


async def refuse(call: Call, request_id: str, body: Decline) -> PlanningRequest:
    """Refuse the request, with a reason. By the actor of the next step, or a role that may waive its breaches. No
    event."""
    case, _ = await _declined(call, request_id, Action.refuse, body)
    planning_requests.refuse(case.request, body.reason)
    await call.session.flush()
    return case.request


async def send_back(call: Call, request_id: str, body: Decline) -> PlanningRequest:
    """Return the request with a reason, so that it may be submitted again. By those who may refuse it. No event."""
    case, acting = await _declined(call, request_id, Action.send_back, body)
    returned = Returned(
        call.official or "",
        body.reason,
        call.occurred(body.occurred_at),
        call.now,
        acting.on_behalf_of,
        acting.clause,
    )
    planning_requests.send_back(case.request, returned)
    await call.session.flush()
    return case.request


async def _declined(call: Call, request_id: str, act: Action, body: Decline) -> tuple[Case, Acting]:
    occurred_at = call.occurred(body.occurred_at)
    case = await locked(call, request_id, occurred_at)
    acting = breaches.require_decliner(
        case.request, case.kind, case.found, case.composition, call.official, shanghai_day(call.now)
    )
    planning_requests.require_act(case.request, act)
    planning_requests.require_not_before(case.request, occurred_at)
    call.audit_details.update({"reason": body.reason} | acting.behalf)
    return case, acting


async def lift(call: Call, request_id: str, body: LiftHindrance) -> PlanningRequest:
    """Waive a breach of the request, with a reason. By the roles that the rulebook names. Approves the request if no
    step is open. No event."""
    occurred_at = call.occurred(body.occurred_at)
    case = await locked(call, request_id, occurred_at)
    waiving = Waiving(body.hindrance, call.official, body.reason, occurred_at, call.now)
    acting = breaches.waive(case.request, case.found, case.composition, waiving)
    done = planning_requests.course_of(case.request, case.kind).next() is None
    if done and not waivers.not_waived(case.found, case.request.lifts):
        planning_requests.require_day_ahead(case.request, shanghai_day(occurred_at))
        planning_requests.complete(case.kind, case.request, occurred_at)
    call.audit_details.update({"hindrance": body.hindrance, "reason": body.reason} | acting.behalf)
    await call.session.flush()
    return case.request


async def withdraw(call: Call, request_id: str, body: Withdraw) -> PlanningRequest:
    """Withdraw the request, with a reason; an approved one only before its day. By those who may ask. No event."""
    occurred_at = call.occurred(body.occurred_at)
    case = await locked(call, request_id, occurred_at)
    require_asker(call, case)
    planning_requests.require_act(case.request, Action.withdraw)
    planning_requests.require_not_before(case.request, occurred_at)
    planning_requests.withdraw(case.request, body.reason, shanghai_day(occurred_at))
    await call.session.flush()
    return case.request


# after the approval ---------------------------------------------------------------------------------------------------
async def record_reply(call: Call, request_id: str, body: RecordReply) -> PlanningRequest:
    """Record the reply that hosting is accepted, after the approval. By those who may ask, or the office. No event."""
    case = await seen(call, request_id)
    require_asker(call, case, Role.office)
    reply = Reply(call.official or "", call.occurred(body.occurred_at), body.note)
    planning_requests.accept(case.request, case.kind, reply)
    await call.session.flush()
    return case.request


async def record_invitations(call: Call, request_id: str, body: RecordInvitations) -> PlanningRequest:
    """Record invitations sent after the approval to approved invitees. By those who may ask, or the office. No
    event."""
    case = await seen(call, request_id)
    require_asker(call, case, Role.office)
    sent = Invitation(tuple(body.officials), tuple(body.guests), call.official or "", call.occurred(body.occurred_at))
    guest.invite(case.request, case.kind, case.composition, sent)
    await call.session.flush()
    return case.request


async def record_holding(call: Call, request_id: str, body: RecordHolding) -> PlanningRequest:
    """Record that the meeting or activity was held, if it isn't a meeting of this service. By those who may ask, or the
    office. No event."""
    case = await seen(call, request_id)
    require_asker(call, case, Role.office)
    planning_requests.hold(case.request, call.occurred(body.occurred_at))
    await show_in_plan(call.session, case.request)
    await call.session.flush()
    return case.request


# for meetings ---------------------------------------------------------------------------------------------------------
async def require_approved(session: AsyncSession, request_id: str, type_: str, day: date) -> PlanningRequest:
    """The request, locked, if it is approved for something of this type on this day. 404 `planning_request_not_found`;
    409 `not_approved`, `other_type`, `other_day`, `decision_revoked` where the approving decision is no longer in
    force, each with the clause of its type."""
    request = await lock(session, PlanningRequest, request_id, "planning request", "办会申请")
    planning_requests.require_approved(request, type_, day)
    for step in request.steps:
        if step.decision_id:
            decision = await load(session, Decision, step.decision_id, "decision", "决定事项")
            plan_steps.require_holding(decision, request.clause)
    return request


async def mark_held(session: AsyncSession, request: PlanningRequest, meeting_id: str, occurred_at: datetime) -> None:
    """Mark the request as held by this meeting, from the meeting's opening on. Refusals as `require_approved`."""
    planning_requests.hold(request, occurred_at, meeting_id)
    await show_in_plan(session, request)
