"""Queries of the supervision ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.course import course
from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import SUBJECT
from oversight_svc.entry.entry import ENDED, RUNNING, STATES, DueBasis, Entry, EntryState, Light, Thresholds, light_of
from oversight_svc.entry.schemas import DueExplanation, EntryView, NextAct
from oversight_svc.entry.table import ledger_entry
from oversight_svc.part.queries import parts_of_each
from oversight_svc.part.schemas import PartView
from oversight_svc.source.queries import sources_of_each
from oversight_svc.source.schemas import SourceView
from oversight_svc.source.source import Source, unseen
from zhengling.authority import readers
from zhengling.authority.composition import Composition
from zhengling.database.session import now
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import day_start, shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import CourseAct, DueFor, Right
from zhengling.rules.vocabulary import EntrySource, in_chinese
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page, picked
from zhengling.web.sight import reader_table, seen
from zhengling.web.worklist import waited_for

#: Days between which every instant can be represented.
_EARLIEST, _LATEST = date(1900, 1, 1), date(9998, 12, 31)


@dataclass(frozen=True)
class Wanted:
    """The filters of the ledger."""

    source_id: str | None = None
    due_basis: DueBasis | None = None
    overdue: bool | None = None
    lead: str | None = None
    state: EntryState | None = None
    ended: bool | None = None
    light: Light | None = None
    category: str | None = None
    source_kind: EntrySource | None = None
    leader: str | None = None
    unit: str | None = None
    number: str | None = None
    due_from: date | None = None
    due_until: date | None = None
    opened_from: date | None = None
    opened_until: date | None = None
    closed_from: date | None = None
    closed_until: date | None = None
    text: str | None = None
    part_of: str | None = None
    parts: bool | None = None
    clearing: int | None = None
    carried_into: int | None = None


async def get_entry(call: Call, entry_id: str) -> EntryView:
    return await entry_view(call, await seen(call, Entry, entry_id, "entry", "督查事项"))


async def entry_view(call: Call, entry: Entry) -> EntryView:
    (view,) = await _views(call, [entry])
    return view


async def list_entries(call: Call, request: PageRequest, wanted: Wanted, waits_for: str | None) -> Page[EntryView]:
    filters = conditions(wanted, call.now, await thresholds(call))
    if (waiting := waited_for(call, waits_for)) is not None:

        async def pick(rows: list[Entry]) -> list[EntryView | None]:
            views = await _views(call, rows)
            return [view if view.next and waiting in view.next.officials else None for view in views]

        columns = ledger_entry.c
        waits = sa.or_(columns.state.not_in(ENDED), columns.look_back_since.is_not(None))
        return await picked(call, Entry, request, pick, *filters, waits)
    rows, cursor = await page(call, Entry, request, *filters)
    return Page(items=await _views(call, rows), next_cursor=cursor)


def conditions(wanted: Wanted, moment: datetime, known: Thresholds | None) -> list[Any]:
    """The conditions of the filters at that moment."""
    columns = ledger_entry.c
    filters: list[Any] = equal(
        Entry,
        source_id=wanted.source_id,
        due_basis=wanted.due_basis,
        state=wanted.state,
        category=wanted.category,
        source_kind=wanted.source_kind,
        leader=wanted.leader,
        number=wanted.number,
        part_of=wanted.part_of,
        carried_into=wanted.carried_into,
    )
    if wanted.parts is not None:
        filters.append(columns.part_of.is_not(None) if wanted.parts else columns.part_of.is_(None))
    if wanted.lead is not None:
        filters.append(columns.lead_code == wanted.lead)
    if wanted.unit is not None:
        filters.append(of_unit(wanted.unit))
    if wanted.overdue is not None:
        filters.append(columns.overdue_at.is_not(None) if wanted.overdue else columns.overdue_at.is_(None))
    if wanted.ended is not None:
        filters.append(columns.state.in_(ENDED) if wanted.ended else columns.state.not_in(ENDED))
    if wanted.due_from is not None:
        filters.append(columns.due >= wanted.due_from)
    if wanted.due_until is not None:
        filters.append(columns.due <= wanted.due_until)
    filters += within(columns.opened_at, wanted.opened_from, wanted.opened_until)
    if wanted.closed_from or wanted.closed_until:
        filters.append(columns.state == EntryState.closed)
        filters += within(columns.closed_at, wanted.closed_from, wanted.closed_until)
    if wanted.text is not None:
        filters.append(
            sa.or_(*(column.contains(wanted.text, autoescape=True) for column in (columns.title, columns.task)))
        )
    if wanted.clearing is not None:  # numbered in that year or before, which is the year of the assignment
        after = day_start(date(wanted.clearing + 1, 1, 1))
        filters += [columns.state.in_(RUNNING), columns.assigned_at < after]
    if wanted.light is not None:
        filters += [*_candidates(wanted.light, moment, known), lit(moment, known) == wanted.light]
    return filters


def of_unit(code: str) -> sa.ColumnElement[bool]:
    """Whether the unit has a part in the matter, as lead or co-unit: its key is among the row's readers, which are indexed."""
    listed = reader_table(Entry).c
    found: sa.ColumnElement[bool] = ledger_entry.c.id.in_(
        sa.select(listed.id).where(listed.reader == readers.of_unit(code))
    )
    return found


def within(column: sa.ColumnElement[datetime], first: date | None, last: date | None) -> list[sa.ColumnElement[bool]]:
    """Whether the instant is on one of these days, Shanghai time."""
    filters = [column >= day_start(max(first, _EARLIEST))] if first else []
    return filters + ([column < day_start(min(last, _LATEST) + timedelta(days=1))] if last else [])


def _candidates(light: Light, moment: datetime, known: Thresholds | None) -> list[sa.ColumnElement[bool]]:
    """What holds for every matter with this light and has an index, as `lit` has none."""
    columns = ledger_entry.c
    if light is Light.ended:
        return [columns.state.in_(ENDED)]
    running = columns.state.in_(RUNNING)
    if light in (Light.overdue, Light.long_overdue):
        return [running, columns.due <= shanghai_day(moment)]
    if light is Light.due_soon and known:
        return [running, columns.due <= known.soon]
    return [running]


def lit(moment: datetime, known: Thresholds | None) -> sa.ColumnElement[str]:
    """The light of a row at that moment, as `light_of` computes it."""
    columns = ledger_entry.c
    passed = columns.due_at <= moment
    rows: list[tuple[Any, Light]] = [
        (columns.state.in_(ENDED), Light.ended),
        (columns.due.is_(None), Light.undated),
        (sa.and_(columns.met_at.is_not(None), columns.late), Light.overdue),
        (columns.met_at.is_not(None), Light.in_time),
        (columns.suspended, Light.suspended),
    ]
    if known:
        rows.append((sa.and_(passed, columns.due < known.long), Light.long_overdue))
    rows.append((passed, Light.overdue))
    if known:
        rows.append((columns.due <= known.soon, Light.due_soon))
    return sa.case(*rows, else_=Light.in_time)


async def thresholds(call: Call) -> Thresholds | None:
    """The days by which lights change today, in working days; None without a rule for them."""
    return await thresholds_by(call.session, call.rulebook)


async def thresholds_by(session: AsyncSession, book: Rulebook) -> Thresholds | None:
    """As `thresholds`, by this edition."""
    if book.supervision is None or (lights := book.supervision.lights) is None:
        return None
    calendar, today = await calendars.current(session), shanghai_day(now(session))
    return Thresholds(calendar.shift(today, lights.due_soon), calendar.shift(today, -lights.long_overdue))


async def _views(call: Call, found: Sequence[Entry]) -> list[EntryView]:
    """The entries with what is computed when asked: their lights, and whom they wait for."""
    if not found:
        return []
    known, composition = await thresholds(call), await compositions.if_loaded(call.session)
    identities = [entry.id for entry in found]
    held, parts = await sources_of_each(call.session, *identities), await parts_of_each(call.session, *identities)
    views = [
        _view(call, entry, known, composition, unseen(held.get(entry.id, [])), parts.get(entry.id, []))
        for entry in found
    ]
    for view in views:
        view.parts = [_part(part, call.now, known) for part in parts.get(view.id, [])]
        view.sources = [_source(source) for source in held.get(view.id, [])]
    return views


def _part(part: Entry, moment: datetime, known: Thresholds | None) -> PartView:
    view = PartView.model_validate(part)
    view.state_name, view.light = STATES.chinese[view.state], light_of(part, moment, known)
    if told := next((turn for turn in reversed(part.course) if turn.act in entries.TOLD and turn.text), None):
        view.told, view.told_at = told.text, told.occurred_at
    return view


def _source(source: Source) -> SourceView:
    view = SourceView.model_validate(source)
    view.kind_name = in_chinese(source.kind)
    return view


def _view(
    call: Call,
    entry: Entry,
    known: Thresholds | None,
    composition: Composition | None,
    waiting: Sequence[Source],
    parts: Sequence[Entry],
) -> EntryView:
    view = EntryView.model_validate(entry)
    view.state_name, view.light = STATES.chinese[view.state], light_of(entry, call.now, known)
    book = call.service.rulebooks.find(call.government, entry.edition)
    if book is None or book.supervision is None:
        return view
    if focus := book.supervision.focus:
        view.category_name = next((each.name for each in focus.categories if each.code == entry.category), None)
    for turn in view.course:
        turn.act_name = in_chinese(turn.act)
    act = course.awaited(entry, waiting, parts)
    if act and book.supervision.course and composition:
        view.next = _next(entry, act, book.supervision.course[act], composition, shanghai_day(call.now), waiting)
    return view


def _next(
    entry: Entry, act: CourseAct, right: Right, composition: Composition, on: date, waiting: Sequence[Source]
) -> NextAct:
    """The awaited act; the person responsible is among those for whom a matter in work waits."""
    officials = course.officials_for(entry, act, right, composition, on, unseen=waiting)
    if entry.state == EntryState.accepted and entry.responsible and composition.serves(entry.responsible, on):
        officials.insert(0, entry.responsible)
    return NextAct(
        act=act,
        act_name=in_chinese(act),
        clause=right.clause,
        by=list(right.by),
        officials=list(dict.fromkeys(officials)),
    )


async def explain_due(call: Call, entry_id: str) -> DueExplanation:
    """The explanation of an entry's due date: the rule's proof day by day, or who stated it; with all its moves."""
    entry = await seen(call, Entry, entry_id, "entry", "督查事项")
    rows = await due_dates.kept(call.session, SUBJECT, entry.id)
    own = [row for row in rows if row.met_by in tuple(DueFor) and row.rule == (entry.due_rule or entry.due_basis)]
    row = max(own, key=lambda row: (row.open, row.round, row.occurrence), default=None)
    if row is None:
        text = Text("To be set by the office.", "办结时限待政府办公室确定。")
        if entry.due:  # a date from before stated dates had rows
            text = Text(f"Due by the end of {entry.due}.", f"办结时限为{entry.due}。")
        return DueExplanation(
            date=entry.due,
            at=entry.due_at,
            provisional=entry.provisional,
            basis=entry.due_basis,
            rule=entry.due_rule,
            clause=entry.due_clause or entry.clause,
            explanation=text.in_language(call.language),
            trace=[],
        )
    (view,) = await due_dates.explained(call.session, call.service.rulebooks, [row], call.language)
    return DueExplanation(
        date=view.date,
        at=view.at,
        provisional=view.provisional,
        basis=entry.due_basis,
        rule=entry.due_rule,
        clause=view.clause,
        explanation=view.explanation or "",
        trace=view.trace or [],
        changes=view.changes or [],
    )
