"""Commands on absences, one function each; the transaction is committed at the edge."""

from __future__ import annotations

from datetime import datetime

from uuid_utils.compat import uuid7

from calendar_svc.absence import absence as absences
from calendar_svc.absence import breaches, obligations, stand_ins
from calendar_svc.absence.absence import Absence, AbsenceState, DutyDone, Extension
from calendar_svc.absence.case import (
    APPROVALS,
    AWAY,
    Case,
    absence_case,
    breaches_of,
    official_of,
    others,
    require_may_ask,
    rules_of,
)
from calendar_svc.absence.schemas import (
    Answer,
    CancelAbsence,
    Extend,
    LiftLimit,
    NameStandIn,
    RecordDuty,
    RecordReturn,
    RefuseAbsence,
    RequestAbsence,
)
from zhengling.authority import waivers
from zhengling.authority.chain import Attempt
from zhengling.authority.waivers import Waiving
from zhengling.backbone.outbox import emit
from zhengling.database.session import one_at_a_time
from zhengling.dates.deadlines import compute
from zhengling.events.calendar import (
    AbsenceApproved,
    AbsenceCancelled,
    AbsenceEntrusted,
    AbsenceExtended,
    AbsenceRefused,
    AbsenceReturned,
)
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules.absences import Duty
from zhengling.web.call import Call

_OWN = (AbsenceState.requested, *AWAY)


async def request_absence(call: Call, body: RequestAbsence) -> Absence:
    """Request an absence. By the official, the office, or the official's own department. Approved at once where the
    rules require no step: then emits absence.approved."""
    book, composition = call.rulebook, await compositions.current(call.session)
    rules, today = rules_of(book), shanghai_day(call.now)
    occurred_at = call.occurred(body.occurred_at)
    official = official_of(composition, body.official or call.official)
    role, row = absences.row_for(rules, composition, official, today)
    organisation = absences.organisation_of(composition, official, today)
    absences.require_may_ask(composition, call.official, official, organisation, today, row.clause)
    absences.require_period(body.since, body.until)
    absences.require_beforehand(row, body.since, shanghai_day(occurred_at))
    calendar = await calendars.current(call.session)
    calendar.require(body.since)
    calendar.require(body.until)
    await one_at_a_time(call.session, APPROVALS)
    notice = row.notice.rule if row.notice else None
    absence = Absence(
        id=str(uuid7()),
        government=call.government,
        edition=book.edition,
        official=official,
        asks_as=role,
        organisation=organisation,
        clause=row.clause,
        kind=body.kind,
        since=body.since,
        until=body.until,
        away_until=body.until,
        reason=body.reason,
        destination=body.destination,
        contact=body.contact,
        requested_by=call.official or "",
        requested_at=occurred_at,
        recorded_at=call.now,
        notice_due=compute(notice, book.deadline(notice), body.since, calendar).date if notice else None,
        exception=body.exception,
    )
    breaches.require_no_overlap(composition, absence, await others(call.session, absence, _OWN))
    found = await breaches_of(call.session, absence, rules, row, composition)
    waivers.refuse(found, excepted=bool(body.exception))
    case = Case(absence, rules, row, composition, found)
    await _complete(call, case, occurred_at)
    call.session.add(absence)
    await call.session.flush()
    return absence


async def approve(call: Call, absence_id: str, body: Answer) -> Absence:
    """Take the next step of the chain, for the absence or its extension. By the step's actor; refused while a limit
    isn't waived. The last step emits absence.approved or absence.extended."""
    case = await absence_case(call, absence_id)
    absence, occurred_at = case.absence, call.occurred(body.occurred_at)
    absences.require_part(absence, case.row, case.composition, call.official, shanghai_day(call.now))
    absences.require_act(absence, absences.Action.approve)
    due = absences.require_answerer(absence, case.row, call.official)
    attempt = Attempt(due.step.step, call.official, occurred_at, call.now, body.opinion)
    taken = absences.course_of(absence, case.row).take(attempt, case.composition)
    absences.require_not_before(absence, occurred_at)
    breaches.require_no_overlap(case.composition, absence, await others(call.session, absence, AWAY))
    waivers.refuse(waivers.not_waived(case.found, absence.lifts), requested=True)
    absences.take_step(absence, taken)
    call.audit_details.update(taken.behalf)
    await _complete(call, case, occurred_at)
    await call.session.flush()
    return absence


async def refuse(call: Call, absence_id: str, body: RefuseAbsence) -> Absence:
    """Refuse what is requested, with a reason. By the actor of the next step. Emits absence.refused."""
    case = await absence_case(call, absence_id)
    absence, occurred_at = case.absence, call.occurred(body.occurred_at)
    absences.require_part(absence, case.row, case.composition, call.official, shanghai_day(call.now))
    absences.require_act(absence, absences.Action.refuse)
    due = absences.require_answerer(absence, case.row, call.official)
    course, today = absences.course_of(absence, case.row), shanghai_day(call.now)
    acting = course.require_actor(due, call.official, today, case.composition)
    absences.require_not_before(absence, occurred_at)
    extension = absences.refuse(absence, body.reason)
    call.audit_details.update(acting.behalf)
    event = AbsenceRefused(
        **dict(absences.absent_of(absence)),
        extension=extension,
        refused_by=call.official or "",
        reason=body.reason,
        refused_at=occurred_at,
        recorded_at=call.now,
    )
    await emit(call.session, event)
    await call.session.flush()
    return absence


async def lift_limit(call: Call, absence_id: str, body: LiftLimit) -> Absence:
    """Waive a limit that the request breaks, with a reason. By the roles that the rulebook names. If no step is open,
    this approves the request: then emits absence.approved or absence.extended."""
    case = await absence_case(call, absence_id)
    absence, occurred_at = case.absence, call.occurred(body.occurred_at)
    absences.require_not_before(absence, occurred_at)
    waiving = Waiving(body.limit, call.official, body.reason, occurred_at, call.now)
    acting = breaches.waive(absence, case.composition, case.found, waiving)
    call.audit_details.update({"limit": body.limit, "reason": body.reason} | acting.behalf)
    await _complete(call, case, occurred_at)
    await call.session.flush()
    return absence


async def extend(call: Call, absence_id: str, body: Extend) -> Absence:
    """Request an extension; it takes the same chain and limits as the absence. By those who may request the absence.
    Extended at once where the rules require no step: then emits absence.extended."""
    case = await absence_case(call, absence_id)
    absence, occurred_at = case.absence, call.occurred(body.occurred_at)
    require_may_ask(call, case)
    absences.require_not_before(absence, occurred_at)
    (await calendars.current(call.session)).require(body.until)
    absences.ask_extension(
        absence, Extension(body.until, body.reason, call.official or "", occurred_at, exception=body.exception)
    )
    breaches.require_no_overlap(case.composition, absence, await others(call.session, absence, _OWN))
    with call.session.no_autoflush:
        case.found = await breaches_of(call.session, absence, case.rules, case.row, case.composition)
    waivers.refuse(waivers.not_waived(case.found, absence.lifts), excepted=bool(body.exception))
    await _complete(call, case, occurred_at)
    await call.session.flush()
    return absence


async def _complete(call: Call, case: Case, occurred_at: datetime) -> None:
    """Approve what is requested if nothing is open, and emit the event."""
    absence, extension = case.absence, case.absence.extension
    if waivers.not_waived(case.found, absence.lifts) or not absences.complete(absence, case.row, occurred_at):
        return
    if extension:
        extended = AbsenceExtended(**dict(absences.absent_of(absence)), extended_at=occurred_at, recorded_at=call.now)
        await compositions.store_absence(call.session, extended)
        await emit(call.session, extended)
        return
    stand_ins.settle_stand_ins(absence, case.rules, case.composition)
    approved = AbsenceApproved(**dict(absences.absent_of(absence)), approved_at=occurred_at, recorded_at=call.now)
    await compositions.store_absence(call.session, approved)
    await emit(call.session, approved)


async def name_stand_in(call: Call, absence_id: str, body: NameStandIn) -> Absence:
    """Record the stand-in: entrusted or named by the head, or as the party group decided. By the roles that the
    rulebook names. Emits absence.entrusted."""
    case = await absence_case(call, absence_id)
    absence, occurred_at = case.absence, call.occurred(body.occurred_at)
    to = official_of(case.composition, body.official)
    stand_ins.entrust(absence, case.rules, case.composition, call.official, to, body.reason, shanghai_day(call.now))
    event = AbsenceEntrusted(**dict(absences.absent_of(absence)), entrusted_at=occurred_at, recorded_at=call.now)
    call.audit_details.update(stand_in=to, reason=body.reason)
    await compositions.store_absence(call.session, event)
    await emit(call.session, event)
    await call.session.flush()
    return absence


async def record_return(call: Call, absence_id: str, body: RecordReturn) -> Absence:
    """Record the return (销假) on its day; from then on the official counts as present. By those who may request the
    absence. Emits absence.returned."""
    case = await absence_case(call, absence_id)
    absence, occurred_at = case.absence, call.occurred(body.occurred_at)
    require_may_ask(call, case)
    returned_on = shanghai_day(occurred_at)
    absences.come_back(absence, returned_on)
    reported = any(done.duty == Duty.report_back for done in absence.duties_done)
    if not reported and any(duty.duty == Duty.report_back for duty in case.row.duties):
        done = DutyDone(Duty.report_back, "after", call.official or "", occurred_at)
        absence.duties_done = [*absence.duties_done, done]
    event = AbsenceReturned(
        **dict(absences.absent_of(absence)),
        returned_on=returned_on,
        planned_until=absence.until,
        returned_at=occurred_at,
        recorded_at=call.now,
    )
    await compositions.store_absence(call.session, event)
    await emit(call.session, event)
    await call.session.flush()
    return absence


async def cancel(call: Call, absence_id: str, body: CancelAbsence) -> Absence:
    """Cancel the absence before it begins. By those who may request it. Emits absence.cancelled if it was approved."""
    case = await absence_case(call, absence_id)
    absence, occurred_at = case.absence, call.occurred(body.occurred_at)
    require_may_ask(call, case)
    absences.require_not_before(absence, occurred_at)
    if absences.cancel(absence, body.reason, shanghai_day(occurred_at)):
        event = AbsenceCancelled(
            **dict(absences.absent_of(absence)),
            reason=body.reason,
            cancelled_at=occurred_at,
            recorded_at=call.now,
        )
        await compositions.store_absence(call.session, event, in_force=False)
        await emit(call.session, event)
    await call.session.flush()
    return absence


async def record_duty(call: Call, absence_id: str, body: RecordDuty) -> Absence:
    """Record that an obligation of the absence is done: report, filing or formal procedure. By the absent official, or
    the roles that the rulebook names. No event."""
    case = await absence_case(call, absence_id)
    done = DutyDone(body.duty, body.when, call.official or "", call.occurred(body.occurred_at), body.note)
    obligations.record_duty(case.absence, case.row, case.composition, call.official, done, shanghai_day(call.now))
    await call.session.flush()
    return case.absence
