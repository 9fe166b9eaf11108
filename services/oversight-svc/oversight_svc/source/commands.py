"""Commands on the sources of matters, and on matters opened by hand; the transaction is committed at the edge."""

from __future__ import annotations

from datetime import date

from uuid_utils.compat import uuid7

from oversight_svc.course import course
from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import clock_to, end_entry, ledger_of, open_entry
from oversight_svc.entry.entry import ENDED, Amendment, Entry
from oversight_svc.source import source as sources
from oversight_svc.source.queries import cited_by, sources_of
from oversight_svc.source.schemas import AddSource, NewSource, OpenEntry, WithdrawSource
from oversight_svc.source.source import Source, Standing
from zhengling.authority.approvals import Approval
from zhengling.database.mapping import touch
from zhengling.database.numbering import Series, Subject, take
from zhengling.database.session import lock
from zhengling.dates.deadlines import Setter
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, invalid, not_found
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import CourseAct
from zhengling.rules.vocabulary import EntrySource
from zhengling.web.call import Call


async def open_by_hand(call: Call, body: OpenEntry) -> Entry:
    """Open a matter from a source that isn't an event, with the approval that the rulebook asks for. By the roles that it names
    (the office, the supervision office). 403 `not_the_opener`; 409 `approval_needed`; 422 `unknown_unit`, `unknown_category`.
    Emits entry.opened."""
    book, composition, today = call.rulebook, await compositions.current(call.session), shanghai_day(call.now)
    right, ledger = course.right_to(book, CourseAct.open), ledger_of(book)
    acting = composition.require(call.official, today, course.opening(right))
    course.require_approval(CourseAct.open, right, body.approval, composition, today)
    lead = course.unit_of(composition, body.lead, today)
    co_units = [course.unit_of(composition, code, today) for code in body.co_units]
    if lead in co_units:
        raise invalid(
            "lead_is_co_unit",
            f"{lead.name} leads it",
            f"{lead.name}是牵头单位，不再列为配合单位",
            Text("leave it out of the co-units", "请从配合单位中删除"),
        )
    _require_category(book, body.category)
    assigned_at = call.occurred(body.assigned_at)
    if body.due:
        (await calendars.current(call.session)).require(body.due)
        entries.require_not_past(body.due, shanghai_day(assigned_at), ledger.clause)
    _require_not_to_come(body.source, today)
    source = _source(call, body.source, body.approval)
    entry = Entry(
        id=str(uuid7()),
        government=call.government,
        edition=book.edition,
        number=await take(
            call.session,
            Series("ledger", shanghai_day(assigned_at).year, ledger.number),
            Subject("source", source.id),
            call.official or call.principal.subject,
        ),
        source_kind=body.source.kind,
        source_id=source.id,
        title=body.source.title,
        task=body.task,
        lead=lead,
        co_units=co_units,
        difficulty=body.difficulty,
        clause=ledger.clause,
        assigned_at=assigned_at,
        deployed_on=body.source.dated or shanghai_day(assigned_at),
        opened_at=call.now,
        source_number=body.source.paper or None,
        category=body.category,
    )
    source.entry_id = source.recorded_for = entry.id
    entries.weigh(entry, book.supervision, body)
    row = entries.row_for(ledger, entry, body)
    await open_entry(call.session, book, entry, source, clock_to(book, entry, row, body.due, Setter.office), row)
    if entry.due and not body.due:  # by the rulebook, from the source's day
        entries.require_not_past(entry.due, shanghai_day(assigned_at), ledger.clause)
    call.audit_details.update(acting.behalf)
    await call.session.flush()
    return entry


def _source(call: Call, new: NewSource, approval: Approval | None) -> Source:
    identity = str(uuid7())
    return Source(
        id=identity,
        government=call.government,
        entry_id="",
        recorded_for="",
        kind=EntrySource(new.kind),
        reference=None,
        ref_id=identity,
        title=new.title,
        paper=new.paper,
        dated=new.dated,
        added_by=call.official or call.principal.subject,
        added_at=call.now,
        approved_by=approval.official if approval else None,
        approval=approval.paper if approval else "",
    )


def _require_not_to_come(source: NewSource, today: date) -> None:
    """422 `dated_in_the_future`."""
    if source.dated and source.dated > today:
        raise invalid(
            "dated_in_the_future",
            f"the source is dated {source.dated}, after today, {today}",
            f"来源日期{source.dated}晚于今日（{today}）",
            Text("state the day on the source", "请填写来源文件的日期"),
        )


def _require_category(book: Rulebook, category: str | None) -> None:
    """422 `unknown_category`."""
    focus = book.supervision.focus if book.supervision else None
    known = {each.code: each.name for each in focus.categories} if focus else {}
    if category is not None and category not in known:
        listed = "、".join(f"{name}（{code}）" for code, name in known.items())
        raise invalid(
            "unknown_category",
            f"no focus category {category}",
            f"没有该督查重点：{category}",
            Text(f"give one of {', '.join(known)}", f"请填写下列之一：{listed}")
            if known
            else Text("give none: the rules name no categories", "本级规则未设督查重点，请勿填写"),
        )


async def add_source(call: Call, entry_id: str, body: AddSource) -> Entry:
    """Add a source to a matter, which then has several. By the roles that may open one. 403 `not_the_opener`; 409
    `illegal_state`."""
    entry, clause = await _entry_to_change(call, entry_id)
    course.require_whole(entry, clause)
    entries.require_running(entry, Text("the matter", "该事项"), clause)
    source = _source(call, body.source, None)
    held = await sources_of(call.session, entry.id)
    appended(held, source, bound=sources.SOURCES)
    source.entry_id = source.recorded_for = entry.id
    call.session.add(source)
    touch(entry)
    call.audit_details.update(source=source.id, reason=body.reason)
    await call.session.flush()
    return entry


async def withdraw_source(call: Call, entry_id: str, source_id: str, body: WithdrawSource) -> Entry:
    """Withdraw a source that was recorded by hand. The matter lives for its others; without any it ends: then emits
    entry.revoked. By the roles that may open one. 403 `not_the_opener`; 409 `illegal_state`, `source_follows_events`."""
    entry, clause = await _entry_to_change(call, entry_id)
    source = await lock(call.session, Source, source_id, "source", "来源")
    if source.entry_id != entry.id:
        raise not_found("source", "来源", source_id)
    sources.require_by_hand(source, clause)
    moment = call.occurred(body.occurred_at)
    sources.end(source, Standing.withdrawn, body.reason, moment)
    await call.session.flush()
    if entry.state not in ENDED and not await cited_by(call.session, entry.id):
        ended = Amendment(0, body.reason, (), entry.due, entry.due, moment, call.now)
        await end_entry(call.session, call.service.rulebooks, entry, ended)
    touch(entry)
    call.audit_details.update(source=source.id, reason=body.reason)
    await call.session.flush()
    return entry


async def _entry_to_change(call: Call, entry_id: str) -> tuple[Entry, str]:
    """The matter, locked, for those who may open one; with the clause of that right."""
    entry = await lock(call.session, Entry, entry_id, "entry", "督查事项")
    call.check_version(entry.version)
    book = call.service.rulebooks.edition(call.government, entry.edition)
    right, composition = course.right_to(book, CourseAct.open), await compositions.current(call.session)
    acting = composition.require(call.official, shanghai_day(call.now), course.opening(right))
    call.audit_details.update(acting.behalf)
    return entry, right.clause
