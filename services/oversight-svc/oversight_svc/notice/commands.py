"""Commands on notices of supervision, one function each; the transaction is committed at the edge."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.entry.entry import STATES, Entry
from oversight_svc.notice import notice as notices
from oversight_svc.notice.notice import Notice, NoticeState
from oversight_svc.notice.schemas import DraftNotice, ReturnSlip, SignNotice, WithdrawNotice
from oversight_svc.notice.text import Values, text_of
from oversight_svc.pressure.pressure import AT_WORK, rules_of
from zhengling.authority.composition import Composition, Permission
from zhengling.backbone.outbox import emit
from zhengling.database.mapping import touch
from zhengling.database.numbering import Series, Subject, take
from zhengling.database.session import lock, now
from zhengling.events.oversight import NoticeAnswered, NoticeOverdue, NoticeRequested
from zhengling.events.reference import Reference
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import require_not_before, shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import Clock, KeptDeadline, Moved, Owner
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import Notices
from zhengling.web.call import Call

SUBJECT, OVERDUE, SLIP = "supervision_notice", "supervision_notice_overdue", "return_slip"


async def draft(call: Call, entry_id: str, body: DraftNotice) -> tuple[Entry, Notice]:
    """Draft a notice to the unit that leads a matter. By the roles that the rulebook names."""
    entry = await lock(call.session, Entry, entry_id, "entry", "督查事项")
    call.check_version(entry.version)
    book = call.service.rulebooks.edition(call.government, entry.edition)
    rules = rules_of(book).notices
    await _require(call, notices.who_drafts(rules))
    STATES.require(entry.state, AT_WORK, Text("the matter", "该事项"), rules.clause)
    touch(entry)  # of two who draft at once on the same version one is late
    notice = Notice(
        id=str(uuid7()),
        government=entry.government,
        edition=entry.edition,
        entry_id=entry.id,
        entry_number=entry.number,
        title=entry.title,
        unit=entry.lead,
        requirements=body.requirements,
        drafted_by=call.official or call.principal.subject,
        drafted_at=call.now,
        clause=rules.clause,
    )
    call.session.add(notice)
    call.audit_details["subject"] = f"{SUBJECT}:{notice.id}"
    await call.session.flush()
    return entry, notice


async def sign(call: Call, notice_id: str, body: SignNotice) -> Notice:
    """Sign a notice: it gets its number and its text, and the return slip's clock begins. By the roles that the rulebook names,
    or who acts for them with the power to sign. Emits notice.requested."""
    notice, book, rules = await _locked(call, notice_id)
    permission = notices.who_signs(rules)
    composition = await compositions.current(call.session)
    acting = composition.require(call.official, shanghai_day(call.now), permission)
    notices.require_in(notice, NoticeState.drafted)
    entry = await lock(call.session, Entry, notice.entry_id, "entry", "督查事项")
    STATES.require(entry.state, AT_WORK, Text("the matter", "该事项"), rules.clause)
    signed_at = call.occurred(body.occurred_at)
    require_not_before(signed_at, notice.drafted_at, rules.clause)
    day, by = shanghai_day(signed_at), call.official or call.principal.subject
    number = await take(call.session, Series("notice", day.year, rules.number), Subject(SUBJECT, notice.id), by)
    due = await due_dates.keep(call.session, SUBJECT, notice.id, Clock(rules.slip, signed_at, SLIP), book)
    text = text_of(
        Values(
            number=number,
            unit=notice.unit.name,
            title=notice.title,
            entry_number=notice.entry_number,
            task=entry.task,
            due=entry.due,
            requirements=notice.requirements,
            slip_due=due.date,
            office=_office(composition, book, call),
            day=day,
        )
    )
    notices.issue(notice, number, text, due.date, due.at)
    notice.signed_by, notice.on_behalf_of, notice.signed_at = by, acting.on_behalf_of, signed_at
    await due_dates.reschedule(call.session, DUE_DATES, call.service.rulebooks, notice.id)
    await emit(
        call.session,
        NoticeRequested(
            notice_id=notice.id,
            number=number,
            entry=Reference(service="oversight", noun="entry", id=notice.entry_id, number=notice.entry_number),
            unit=notice.unit,
            title=notice.title,
            text=text,
            signed_by=by,
            on_behalf_of=acting.on_behalf_of,
            signed_at=signed_at,
            due=due.date,
        ),
    )
    call.audit_details.update(acting.behalf)
    await call.session.flush()
    return notice


async def answer(call: Call, notice_id: str, body: ReturnSlip) -> Notice:
    """Fill in the return slip of an issued notice, which meets its limit at that moment. By the unit. Emits notice.answered."""
    notice, _, __ = await _locked(call, notice_id)
    acting = await _require(call, notices.who_answers(notice))
    notices.require_in(notice, NoticeState.issued)
    at, by = call.occurred(body.occurred_at), call.official or call.principal.subject
    await due_dates.meet(call.session, SUBJECT, notice.id, SLIP, at)
    await due_dates.reschedule(call.session, DUE_DATES, call.service.rulebooks, notice.id)
    notices.answer(notice, body.text, by, at)
    await emit(
        call.session,
        NoticeAnswered(
            notice_id=notice.id,
            number=notice.number or "",
            unit=notice.unit,
            text=body.text,
            answered_by=by,
            answered_at=at,
            late=bool(notice.late),
        ),
    )
    call.audit_details.update(acting)
    await call.session.flush()
    return notice


async def withdraw(call: Call, notice_id: str, body: WithdrawNotice) -> Notice:
    """Withdraw a draft, with the reason; it never had a number. By the roles that the rulebook names."""
    notice, _, rules = await _locked(call, notice_id)
    await _require(call, notices.who_drafts(rules))
    notices.require_in(notice, NoticeState.drafted)
    notices.withdraw(notice, body.reason)
    await call.session.flush()
    return notice


async def _locked(call: Call, notice_id: str) -> tuple[Notice, Rulebook, Notices]:
    """The notice, locked, with the rules of its edition. 404; 412."""
    notice = await lock(call.session, Notice, notice_id, "supervision notice", "督办通知")
    call.check_version(notice.version)
    book = call.service.rulebooks.edition(call.government, notice.edition)
    return notice, book, rules_of(book).notices


async def _require(call: Call, permission: Permission) -> dict[str, object]:
    composition = await compositions.current(call.session)
    return composition.require(call.official, shanghai_day(call.now), permission).behalf


def _office(composition: Composition, book: Rulebook, call: Call) -> str:
    office = composition.office(shanghai_day(call.now))
    return office.name if office else f"{book.government.name}办公室"


async def move_due_dates(session: AsyncSession, moves: list[tuple[Notice, Moved]]) -> None:
    """Move return slips' limits after a change of the calendar, an extension or a suspension."""
    for notice, moved in moves:
        notices.move_due(notice, moved.after.due, moved.after.due_at, now(session))
    await session.flush()


async def mark_overdue(session: AsyncSession, notice: Notice, passed: list[KeptDeadline]) -> None:
    """Mark an issued notice whose return slip is late. Emits notice.overdue."""
    if notices.fall_overdue(notice, now(session)):
        assert notice.due and notice.number
        await emit(
            session,
            NoticeOverdue(
                notice_id=notice.id,
                number=notice.number,
                unit=notice.unit,
                due=notice.due,
                overdue_at=now(session),
            ),
        )
        await session.flush()


DUE_DATES = Owner(SUBJECT, Notice, move_due_dates, mark_overdue, OVERDUE)
