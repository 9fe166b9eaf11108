"""Commands on the course of a matter, one function each; the transaction is committed at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.course import course
from oversight_svc.course.schemas import (
    Accept,
    Acknowledge,
    Asked,
    CarryOver,
    CarryOvers,
    Close,
    Contribute,
    Explain,
    LookBack,
    MeasurePayload,
    Progress,
    Refuse,
    Reopen,
    ReportDone,
    SendBack,
    Succeed,
    Transfer,
    Verify,
)
from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import DUE_DATES, SUBJECT, announce_overdue, ledger_of, restart, run_on
from oversight_svc.entry.entry import (
    ACCEPTANCE,
    FEEDBACK,
    FETCHING,
    LOOK_BACK,
    PROGRESS,
    Contribution,
    Entry,
    EntryState,
    Measure,
)
from oversight_svc.entry.table import ledger_entry
from oversight_svc.part.part import DONE, require_parts, require_whole_running, require_within
from oversight_svc.part.queries import parts_of
from oversight_svc.source import source as sources
from oversight_svc.source.queries import cited_by, sources_of
from oversight_svc.source.source import Source
from zhengling.authority.composition import Acting, Composition, Permission
from zhengling.backbone.outbox import emit
from zhengling.database.session import load, lock, lock_all
from zhengling.dates.deadlines import Anchor, Setter
from zhengling.events.event import Event
from zhengling.events.oversight import (
    EntryAccepted,
    EntryAcknowledged,
    EntryCarriedOver,
    EntryClosed,
    EntryExplained,
    EntryLookedBack,
    EntryProgressed,
    EntryRefused,
    EntryReopened,
    EntryReported,
    EntryReturned,
    EntrySucceeded,
    EntryTransferred,
    EntryVerified,
)
from zhengling.kernel.errors import Text, not_found, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import Clock, StatedClock
from zhengling.rules.chains import actors_of
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import CourseAct, DueFor, Right
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call
from zhengling.web.outcomes import Outcomes, each_by_itself


@dataclass
class Case:
    """One act on a locked matter: under which rules, by whom, when."""

    call: Call
    entry: Entry
    book: Rulebook
    composition: Composition
    act: CourseAct
    right: Right
    acting: Acting
    occurred_at: datetime

    @property
    def today(self) -> date:
        return shanghai_day(self.call.now)

    @property
    def official(self) -> str:
        return self.call.official or self.call.principal.subject

    async def reschedule(self) -> None:
        """Have the matter's timer follow its clocks."""
        await due_dates.reschedule(self.call.session, DUE_DATES, self.call.service.rulebooks, self.entry.id)

    async def done(
        self, event: type[Event], text: str = "", *, fields: dict[str, Any] | None = None, **turn: Any
    ) -> Entry:
        """Keep the act, and tell it as this event."""
        made = course.turn_by(self.acting, self.official, self.act, self.entry, (self.occurred_at, self.call.now))
        course.add(self.entry, self.act, replace(made, clause=self.right.clause, text=text, **turn))
        await tell(self.call.session, self.entry, event, fields)
        self.call.audit_details.update(self.acting.behalf)
        await self.call.session.flush()
        return self.entry


async def tell(session: AsyncSession, entry: Entry, event: type[Event], fields: dict[str, Any] | None = None) -> None:
    """Emit the last act of the course as this event."""
    turn = entry.course[-1]
    await emit(
        session,
        event(
            **entries.named(entry),
            sources=await cited_by(session, entry.id),
            state=entry.state,
            lead=entry.lead,
            official=turn.official,
            on_behalf_of=turn.on_behalf_of,
            text=turn.text,
            due=entry.due,
            late=entry.late,
            occurred_at=turn.occurred_at,
            recorded_at=turn.recorded_at,
            **(fields or {}),
        ),
    )


async def case_of(
    call: Call, entry_id: str, act: CourseAct, occurred_at: datetime | None, *, co_unit: str | None = None
) -> Case:
    """The matter, locked, and who acts on it. 403 `not_the_actor`; 409 `illegal_state`, `before_the_last_act`; 412."""
    entry = await lock(call.session, Entry, entry_id, "entry", "督查事项")
    call.check_version(entry.version)
    return await _case_on(call, entry, act, occurred_at, co_unit)


async def _case_on(
    call: Call, entry: Entry, act: CourseAct, occurred_at: datetime | None, co_unit: str | None = None
) -> Case:
    """The case of an act on a locked matter. As `case_of`, whatever the version."""
    book = call.service.rulebooks.edition(call.government, entry.edition)
    composition, right = await compositions.current(call.session), course.right_to(book, act)
    unit = co_unit if co_unit in [each.code for each in entry.co_units] else None  # the lead is told if it is none
    held = await sources_of(call.session, entry.id) if act == CourseAct.acknowledge else []
    permission = course.permission_for(entry, act, right, unit, sources.instructions(held))
    acting = composition.require(call.official, shanghai_day(call.now), permission)
    course.require_possible(entry, act, right.clause)
    moment = call.occurred(occurred_at)
    course.require_after(entry, act, moment, right.clause)
    return Case(call, entry, book, composition, act, right, acting, moment)


async def _waiting(session: AsyncSession, entry: Entry) -> list[Source]:
    """The instructions of the matter whose result their leaders haven't seen."""
    return sources.unseen(await sources_of(session, entry.id))


# the unit that leads ----------------------------------------------------------------------------------------------------
async def accept(call: Call, entry_id: str, body: Accept) -> Entry:
    """Accept the matter and name who is responsible. By the lead unit. Emits entry.accepted."""
    case = await case_of(call, entry_id, CourseAct.accept, body.occurred_at)
    entry = case.entry
    person = course.of_the_unit(case.composition, body.responsible or case.official, entry.lead, case.today)
    await _set_lists(case, body.measures, body.contributions)
    course.name_responsible(entry, person)
    entry.leader = entry.leader or course.leader_of(case.composition, entry.lead, case.today)
    await _begin_feedback(case)
    await _meet(case, ACCEPTANCE, FETCHING)
    return await case.done(EntryAccepted, fields={"responsible": person}, person=person, unit=entry.lead)


async def refuse(call: Call, entry_id: str, body: Refuse) -> Entry:
    """Refuse the matter, with the reason, within the time that the rulebook gives. By the roles that it names (the principal).
    409 `refused_too_late`. Emits entry.refused."""
    case = await case_of(call, entry_id, CourseAct.refuse, body.occurred_at)
    for clock in await due_dates.kept(call.session, SUBJECT, entry_id):
        if clock.met_by == ACCEPTANCE and clock.open and clock.due_at <= case.occurred_at:
            raise refusal(
                "refused_too_late",
                clock.clause,
                f"a matter is refused by the end of {clock.due}",
                f"退回改派的期限为{clock.due}，已经届满",
                Text("accept it, or ask the office to transfer it", "请签收办理，或商请政府办公室改派"),
            )
    await _meet(case, ACCEPTANCE, FETCHING)
    return await case.done(EntryRefused, body.reason, unit=case.entry.lead)


async def report_progress(call: Call, entry_id: str, body: Progress) -> Entry:
    """Report progress; with `result` what the rules ask for of a complex matter, whose further date the office sets. By the
    lead unit. 409 `no_result_due`. Emits entry.progressed."""
    case = await case_of(call, entry_id, CourseAct.progress, body.occurred_at)
    await _set_lists(case, body.measures, body.contributions)
    late = await _give_result(case) if body.result else None
    await _meet(case, PROGRESS, FEEDBACK)
    lead, fields = case.entry.lead, {"unit": case.entry.lead, "result": body.result}
    return await case.done(
        EntryProgressed, body.text, fields=fields, unit=lead, document=body.document, late=late, result=body.result
    )


async def _give_result(case: Case) -> bool | None:
    """The result is there: its clock is met, and the date by which the matter is done has to be set. Whether it was late."""
    rows = await due_dates.meet(case.call.session, SUBJECT, case.entry.id, DueFor.result, case.occurred_at)
    if not rows:
        raise refusal(
            "no_result_due",
            case.right.clause,
            "the rules ask for no result of this matter before it is done",
            "该事项没有“有结果”的时限",
            Text("report progress without result, or that it is done", "请按一般进展报告，或报告办结"),
        )
    entry = case.entry
    if entries.meet_due(entry, case.occurred_at, case.call.now):
        await announce_overdue(case.call.session, entry)
    await case.reschedule()
    return entries.await_date(entry)


async def contribute(call: Call, entry_id: str, body: Contribute) -> Entry:
    """Return to the lead what a co-unit owes it. By the co-unit; its lateness is its own. Emits entry.progressed."""
    case = await case_of(call, entry_id, CourseAct.contribute, body.occurred_at, co_unit=body.unit)
    unit = course.co_unit(case.entry, body.unit)
    late = course.contribute(case.entry, unit, body.text, case.official, case.occurred_at)
    return await case.done(EntryProgressed, body.text, fields={"unit": unit}, unit=unit, late=late)


async def explain(call: Call, entry_id: str, body: Explain) -> Entry:
    """Explain why the matter can't be done in time: its date stays, and from now progress is reported regularly. By the roles
    that the rulebook names. Emits entry.explained."""
    case = await case_of(call, entry_id, CourseAct.explain, body.occurred_at)
    if case.right.rule:
        clock = Clock(case.right.rule, case.occurred_at, PROGRESS)
        await due_dates.start_round(call.session, SUBJECT, entry_id, clock, case.book)
        await case.reschedule()
    return await case.done(EntryExplained, body.reason, unit=case.entry.lead, document=body.document)


async def report_done(call: Call, entry_id: str, body: ReportDone) -> Entry:
    """Report the matter as done, which meets its due date at the moment of the report; it is verified next. By the roles that
    the rulebook names (the principal), or who acts for them with the power to sign. 409 `parts_not_done`. Emits
    entry.reported."""
    case = await case_of(call, entry_id, CourseAct.report, body.occurred_at)
    entry = case.entry
    require_parts(await parts_of(call.session, entry.id), DONE, case.right.clause)
    entries.require_paper(entry, case.occurred_at, call.now, body.document, case.right.clause)
    for act in (*DueFor, FEEDBACK):
        await due_dates.meet(call.session, SUBJECT, entry.id, act, case.occurred_at)
    if entries.meet_due(entry, case.occurred_at, call.now):
        await announce_overdue(call.session, entry)
    await case.reschedule()
    return await case.done(EntryReported, body.text, unit=entry.lead, document=body.document, late=entry.late)


# the office and the supervision office --------------------------------------------------------------------------------
async def transfer(call: Call, entry_id: str, body: Transfer) -> Entry:
    """Give the matter to another lead unit, or back to the one that refused it. Its due date stays. By the roles that the
    rulebook names (the office). 409 `same_lead`. Emits entry.transferred."""
    case = await case_of(call, entry_id, CourseAct.transfer, body.occurred_at)
    entry, old = case.entry, case.entry.lead
    lead = course.unit_of(case.composition, body.lead, case.today)
    if lead.code == old.code and entry.state != EntryState.refused:
        raise refusal(
            "same_lead",
            case.right.clause,
            f"{lead.name} leads it already",
            f"{lead.name}已是牵头单位",
            Text("name another unit", "请填写其他单位"),
        )
    course.transfer(entry, lead, course.leader_of(case.composition, lead, case.today))
    await begin_acceptance(case)
    return await case.done(EntryTransferred, body.reason, fields={"old_lead": old}, unit=lead)


async def succeed(call: Call, entry_id: str, body: Succeed) -> Entry:
    """Have the successors of abolished units take the matter over: state, clocks, number and course stay. By the roles that the
    rulebook names (the office). 409 `unit_still_exists`, `no_successor`. Emits entry.succeeded."""
    case = await case_of(call, entry_id, CourseAct.succeed, body.occurred_at)
    entry, old = case.entry, case.entry.lead
    units = course.require_successors(entry, case.composition, case.today, case.right.clause)
    course.succeed(entry, units, case.composition, case.today)
    fields = {"old_lead": old, "co_units": tuple(entry.co_units)}
    return await case.done(EntrySucceeded, body.reason, fields=fields, unit=entry.lead)


async def verify(call: Call, entry_id: str, body: Verify) -> Entry:
    """Verify what was reported as done. By the roles that the rulebook names. Emits entry.verified."""
    case = await case_of(call, entry_id, CourseAct.verify, body.occurred_at)
    require_parts(await parts_of(call.session, entry_id), DONE, case.right.clause)
    return await case.done(EntryVerified, body.text)


async def send_back(call: Call, entry_id: str, body: SendBack) -> Entry:
    """Return for redo what was reported as done. Its clock never stopped, unless this sets a limit for the redo. By the roles
    that the rulebook names. 409 `due_in_the_past`. Emits entry.returned."""
    case = await case_of(call, entry_id, CourseAct.send_back, body.occurred_at)
    await begin_again(call.session, case.entry)
    if body.due:
        await _restart(case, body.due)
    else:
        await run_on(call.session, call.service.rulebooks, case.entry)
    return await case.done(EntryReturned, body.reason, due=body.due)


async def close(call: Call, entry_id: str, body: Close) -> Entry:
    """Close a verified matter (销号), with a mark of its quality, after its parts; the clock by which it is looked back at
    begins, if the rulebook has one. By the roles that the rulebook names. 409 `parts_not_done`, `result_not_seen`. Emits
    entry.closed."""
    case = await case_of(call, entry_id, CourseAct.close, body.occurred_at)
    require_parts(await parts_of(call.session, entry_id), entries.ENDED, case.right.clause)
    sources.require_seen(await _waiting(call.session, case.entry), case.right.clause)
    course.close(case.entry, body.quality, body.text, case.occurred_at)
    await due_dates.settle(call.session, SUBJECT, entry_id, "cancelled")
    if rule := course.right_to(case.book, CourseAct.look_back).rule:
        clock = Clock(rule, case.occurred_at, LOOK_BACK)
        await due_dates.start_round(call.session, SUBJECT, entry_id, clock, case.book)
    await case.reschedule()
    return await case.done(EntryClosed, body.text, fields={"quality": body.quality}, quality=body.quality)


async def acknowledge(call: Call, entry_id: str, body: Acknowledge) -> Entry:
    """The leader who gave the matter's instruction has seen its result; of a leader from outside the office records it. By that
    leader, or who stands in. 409 `result_seen_already`. Emits entry.acknowledged."""
    case = await case_of(call, entry_id, CourseAct.acknowledge, body.occurred_at)
    leader = case.acting.on_behalf_of or case.official
    of_office = case.acting.role == Role.office
    seen = [
        each.id for each in await _waiting(call.session, case.entry) if each.given_by == (None if of_office else leader)
    ]
    if not seen:
        raise refusal(
            "result_seen_already",
            case.right.clause,
            "the result was seen already",
            "办理结果已经审阅",
            Text("nothing is to be done", "无需重复办理"),
        )
    for source in await lock_all(call.session, Source, seen, "source", "来源"):
        source.seen_at = case.occurred_at
    return await case.done(EntryAcknowledged, body.text, document=body.document)


async def look_back(call: Call, entry_id: str, body: LookBack) -> Entry:
    """Look back at a closed matter (回头看, HC-70), which meets the clock that asks for it. What no longer holds may be reopened.
    By the roles that the rulebook names. Emits entry.looked_back."""
    case = await case_of(call, entry_id, CourseAct.look_back, body.occurred_at)
    case.entry.look_back_since = None
    await _meet(case, LOOK_BACK)
    return await case.done(EntryLookedBack, body.text, fields={"holds": body.holds}, holds=body.holds)


async def reopen(call: Call, entry_id: str, body: Reopen) -> Entry:
    """Reopen a closed matter under its number, with a new last day. By the roles that the rulebook names. 409
    `due_in_the_past`, `the_matter_has_ended` of a part. Emits entry.reopened."""
    of = await call.session.scalar(sa.select(ledger_entry.c.part_of).where(ledger_entry.c.id == entry_id))
    # The whole is locked before its parts, as wherever both are.
    whole = await lock(call.session, Entry, of, "entry", "督查事项") if of else None
    case = await case_of(call, entry_id, CourseAct.reopen, body.occurred_at)
    if whole:
        require_whole_running(whole, case.right.clause)
    await begin_again(call.session, case.entry)
    await due_dates.settle(call.session, SUBJECT, entry_id, "cancelled")  # it isn't looked back at any more
    await _restart(case, body.due)
    return await case.done(EntryReopened, body.reason, due=body.due)


async def carry_over(call: Call, entry_id: str, body: CarryOver) -> Entry:
    """Carry a matter that isn't cleared by the year's end over into the next year (结转): number, state, dates and marks stay.
    By the roles that the rulebook names. 409 `year_not_over`, `opened_after_the_year`, `already_carried_over`. Emits
    entry.carried_over."""
    return await _carry_over(await case_of(call, entry_id, CourseAct.carry_over, body.occurred_at), body)


async def carry_over_each(call: Call, body: CarryOvers) -> Outcomes:
    """Carry over several matters, each by itself, by those who may carry over any (403 `not_the_actor`). Emits
    entry.carried_over of each."""
    right, composition = course.right_to(call.rulebook, CourseAct.carry_over), await compositions.current(call.session)
    act = Text("carry over matters", "结转督查事项")
    permission = Permission(actors_of(right.by), act, code="not_the_actor", clause=right.clause)
    call.audit_details.update(composition.require(call.official, shanghai_day(call.now), permission).behalf)
    known = await call.session.scalars(sa.select(ledger_entry.c.id).where(ledger_entry.c.id.in_(body.entries)))
    held = {entry.id: entry for entry in await lock_all(call.session, Entry, known, "entry", "督查事项")}

    async def one(entry_id: str) -> Entry:
        if (entry := held.get(entry_id)) is None:
            raise not_found("entry", "督查事项", entry_id)
        return await _carry_over(await _case_on(call, entry, CourseAct.carry_over, body.occurred_at), body)

    return await each_by_itself(call, body.entries, one)


async def _carry_over(case: Case, body: CarryOver) -> Entry:
    day = shanghai_day(case.occurred_at)
    course.carry_over(case.entry, body.year or course.ending_year(day), day, case.right.clause)
    into = case.entry.carried_into
    return await case.done(EntryCarriedOver, body.reason, fields={"year": into}, carried_into=into)


async def begin_again(session: AsyncSession, entry: Entry) -> None:
    """The matter isn't done: its leaders have to see the next result."""
    course.begin_again(entry)
    seen = [each.id for each in await sources_of(session, entry.id) if each.seen_at]
    for source in await lock_all(session, Source, seen, "source", "来源"):
        source.seen_at = None


# clocks and lists -------------------------------------------------------------------------------------------------------
async def begin_acceptance(case: Case) -> None:
    """Start the clock within which the new lead unit may refuse the matter, if the rulebook has one."""
    if rule := course.refusal_rule(case.book):
        clock = Clock(rule, case.occurred_at, ACCEPTANCE)
        await due_dates.start_round(case.call.session, SUBJECT, case.entry.id, clock, case.book)
        await case.reschedule()


async def _begin_feedback(case: Case) -> None:
    """Start the clock of the feedback on an instruction that counts from its receipt by the unit, at the first acceptance."""
    kinds = [each.handling for each in await _waiting(case.call.session, case.entry) if each.handling]
    row = course.feedback_row(case.book, kinds[-1]) if kinds else None
    if row is None or case.book.deadline(row.rule).of != Anchor.receipt:
        return
    if not any(row.met_by == FEEDBACK for row in await due_dates.kept(case.call.session, SUBJECT, case.entry.id)):
        clock = Clock(row.rule, case.occurred_at, FEEDBACK)
        await due_dates.keep(case.call.session, SUBJECT, case.entry.id, clock, case.book)
        await case.reschedule()


async def _meet(case: Case, *acts: str) -> None:
    met = [await due_dates.meet(case.call.session, SUBJECT, case.entry.id, act, case.occurred_at) for act in acts]
    if any(met):
        await case.reschedule()


async def _set_lists(case: Case, measures: Sequence[MeasurePayload] | None, asked: Sequence[Asked]) -> None:
    """Replace the three lists, and ask co-units for contributions. 422 `not_of_the_unit`, `not_a_co_unit`,
    `date_out_of_range`; 409 `due_in_the_past` for a new day before that of the act."""
    entry, calendar = case.entry, await calendars.current(case.call.session)
    kept = {each.due for each in entry.measures}  # lines that stay may be late by now
    for day in [*(one.due for one in measures or () if one.due not in kept), *(one.due for one in asked)]:
        calendar.require(day)
        entries.require_not_past(day, shanghai_day(case.occurred_at), case.right.clause)
    if measures is not None:
        entry.measures = [
            Measure(one.task, course.of_the_unit(case.composition, one.official, entry.lead, case.today), one.due)
            for one in measures
        ]
    owed = [Contribution(course.co_unit(entry, one.unit), one.due, case.occurred_at) for one in asked]
    course.ask_for(entry, owed)


async def _restart(case: Case, due: date) -> None:
    """Start another round of the completion's clock, to the day that the office or the supervision office sets."""
    (await calendars.current(case.call.session)).require(due)
    entries.require_not_past(due, case.today, case.right.clause)
    if case.entry.part_of:
        whole = await load(case.call.session, Entry, case.entry.part_of, "entry", "督查事项")
        require_within(due, whole.due, case.right.clause)
    clock = StatedClock(Setter.office, due, case.occurred_at, ledger_of(case.book).clause)
    await restart(case.call.session, case.call.service.rulebooks, case.book, case.entry, clock)
