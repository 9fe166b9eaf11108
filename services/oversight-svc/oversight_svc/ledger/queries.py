"""The ledger's numbers and the rows of its workbook, computed by PostgreSQL: no entry is loaded for them.

Invariant: what is reported as done, or verified, isn't counted as closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from oversight_svc.entry.entry import ENDED, STATES, Entry, EntryState, Light
from oversight_svc.entry.queries import Wanted, conditions, lit, thresholds
from oversight_svc.entry.table import ledger_entry
from oversight_svc.ledger.names import LIGHTS, Names, names_of
from oversight_svc.ledger.period import Period
from oversight_svc.ledger.schemas import Group, LedgerNumbers, Month, Tally
from oversight_svc.ledger.workbook import Line, workbook
from zhengling.kernel.errors import invalid
from zhengling.kernel.instants import day_start
from zhengling.replicas import composition as compositions
from zhengling.rules.vocabulary import EntrySource, in_chinese
from zhengling.web.call import Call
from zhengling.web.sight import counted, listed

#: What matters are grouped by: `grouping` gives each a bit, in this order.
_ATTRIBUTES = ("lead", "leader", "category", "source_kind", "state", "light")
_MONTHS = ("opened_month", "due_month", "closed_month")
_GROUPED = (*_ATTRIBUTES, *_MONTHS)
_DONE = (EntryState.reported, EntryState.verified)
#: The lights of matters that haven't ended which have a number of their own.
_LIGHTS = (Light.due_soon, Light.overdue, Light.long_overdue, Light.suspended, Light.undated)
_TALLY = tuple(Tally.model_fields)
#: The maximum number of a workbook's lines: the file is held in memory.
MOST_EXPORTED = 10_000
#: The last turn of the course in which a unit said how the matter stands.
_TOLD = sa.literal_column(
    """(SELECT jsonb_build_object('text', turn->>'text', 'occurred_at', turn->>'occurred_at')
        FROM jsonb_array_elements(ledger_entry.course) WITH ORDINALITY AS turns (turn, place)
        WHERE turn->>'act' IN ('progress', 'explain', 'report') AND turn->>'text' <> '' ORDER BY place DESC LIMIT 1)""",
    JSONB,
)


# the numbers --------------------------------------------------------------------------------------------------------
async def get_numbers(call: Call, wanted: Wanted, period: Period) -> LedgerNumbers:
    known = await thresholds(call)
    # A matter counts once, however many have a part of it.
    whole = replace(wanted, parts=bool(wanted.parts or wanted.part_of))
    filters = [counted(call, Entry), *conditions(whole, call.now, known)]
    statement = _rolled_up(_alike(_matters(period, lit(call.now, known), filters)))
    rows = (await call.session.execute(statement)).mappings().all()
    names = await _names(call)
    starts = period.starts[:-1]
    return LedgerNumbers(
        since=period.since,
        until=period.until,
        at=call.now,
        total=next((Tally.model_validate(row) for row in rows if row["which"] == _which()), _NOTHING),
        leads=_groups(rows, "lead", names.units),
        leaders=_groups(rows, "leader", names.officials),
        categories=_groups(rows, "category", names.categories),
        sources=_groups(rows, "source_kind", {source: in_chinese(source) for source in EntrySource}),
        states=_in_order(_groups(rows, "state", STATES.chinese), EntryState),
        lights=_in_order(_groups(rows, "light", {light: name.zh for light, name in LIGHTS.items()}), Light),
        months=[_month(rows, number, start) for number, start in enumerate(starts, 1)],
    )


_NOTHING = Tally(**dict.fromkeys(_TALLY, 0))


def _matters(period: Period, light: sa.ColumnElement[str], filters: Sequence[Any]) -> sa.Subquery:
    """The matters that are counted, each with what it is counted by."""
    columns = ledger_entry.c
    days = sa.bindparam(None, period.starts, type_=ARRAY(sa.Date))
    instants = sa.bindparam(None, [day_start(day) for day in period.starts], type_=ARRAY(sa.DateTime(timezone=True)))

    def month(column: sa.ColumnElement[Any], starts: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The number of the month in the period, from 1; null outside of it."""
        number = sa.func.width_bucket(column, starts)
        return sa.case((sa.and_(number > 0, number < len(period.starts)), number))

    closed_at = sa.case((columns.state == EntryState.closed, columns.closed_at))
    every = sa.select(
        columns.lead_code.label("lead"),
        columns.leader,
        columns.category,
        columns.source_kind,
        columns.state,
        light.label("light"),
        columns.late,
        columns.weight,
        month(columns.opened_at, instants).label("opened_month"),
        month(columns.due, days).label("due_month"),
        month(closed_at, instants).label("closed_month"),
    ).where(*filters)
    row = every.subquery("every")
    in_period = [row.c[name].is_not(None) for name in _MONTHS]
    return sa.select(row).where(sa.or_(row.c.state.not_in(ENDED), *in_period)).subquery("matter")


def _alike(matter: sa.Subquery) -> sa.CTE:
    """How many matters have the same attributes, what they weigh together, and how many are in each month: one scan, by which
    many matters become few rows."""
    of = matter.c
    happened = {name: of[f"{name}_month"].is_not(None) for name in ("opened", "due", "closed")}
    row = sa.select(matter, *(flag.label(name) for name, flag in happened.items())).subquery("flagged").c
    attributes = [row[name] for name in (*_ATTRIBUTES, "late", *happened)]
    sets = [sa.tuple_(*attributes), *(sa.tuple_(row[name], row.late) for name in _MONTHS)]
    number = sa.cast(sa.func.count(), sa.Integer).label("number")
    weight = sa.cast(sa.func.sum(row.weight), sa.Integer).label("weight")
    months = [row[name] for name in _MONTHS]
    return sa.select(*attributes, *months, number, weight).group_by(sa.func.grouping_sets(*sets)).cte("alike")


def _rolled_up(alike: sa.CTE) -> sa.Select[Any]:
    """The sums under each attribute and month by itself, and of all. The rows of months have no state nor flags, so that no
    other sum counts them."""
    of = alike.c
    running = of.state.not_in(ENDED)
    filters: dict[str, sa.ColumnElement[bool]] = {
        "opened": of.opened,
        "due": of.due,
        "closed": of.closed,
        "closed_in_time": sa.and_(of.closed, sa.not_(of.late)),
        "closed_late": sa.and_(of.closed, of.late),
        "running": running,
        "done": of.state.in_(_DONE),
        **{light.value: of.light == light for light in _LIGHTS},
        "matters": sa.true(),
        "in_time": sa.not_(of.late),
        "late": of.late,
    }
    sums = [sa.func.coalesce(sa.func.sum(of.number).filter(each), 0).label(name) for name, each in filters.items()]
    weights = {"running_weight": running, "closed_weight": of.closed}
    sums += [sa.func.coalesce(sa.func.sum(of.weight).filter(each), 0).label(name) for name, each in weights.items()]
    grouped = [of[name] for name in _GROUPED]
    sets = [*(sa.tuple_(column) for column in grouped), sa.tuple_()]
    named = [column.label(f"of_{name}") for name, column in zip(_GROUPED, grouped, strict=True)]
    return sa.select(sa.func.grouping(*grouped).label("which"), *named, *sums).group_by(sa.func.grouping_sets(*sets))


def _which(name: str | None = None) -> int:
    """What `grouping` says of a row that is grouped by this alone: a bit for each column that it isn't grouped by."""
    every = (1 << len(_GROUPED)) - 1
    return every if name is None else every - (1 << len(_GROUPED) - 1 - _GROUPED.index(name))


def _groups(rows: Sequence[Mapping[Any, Any]], by: str, names: Mapping[Any, str]) -> list[Group]:
    """The groups of an attribute that count anything, those with the most running matters first."""
    found = [row for row in rows if row["which"] == _which(by) and any(row[name] for name in _TALLY)]
    found.sort(key=lambda row: (-row["running"], -row["opened"], row[f"of_{by}"] or ""))
    return [Group(code=(code := row[f"of_{by}"]), name=names.get(code), **{n: row[n] for n in _TALLY}) for row in found]


def _in_order(groups: list[Group], words: Sequence[str] | Any) -> list[Group]:
    order = list(words)
    return sorted(groups, key=lambda group: order.index(group.code))


def _month(rows: Sequence[Mapping[Any, Any]], number: int, start: date) -> Month:
    def of(name: str) -> Mapping[Any, Any]:
        found = (row for row in rows if row["which"] == _which(name) and row[f"of_{name}"] == number)
        return next(found, {"matters": 0, "in_time": 0, "late": 0})

    closed = of("closed_month")
    return Month(
        month=f"{start:%Y-%m}",
        opened=of("opened_month")["matters"],
        due=of("due_month")["matters"],
        closed=closed["matters"],
        closed_in_time=closed["in_time"],
        closed_late=closed["late"],
    )


# the workbook -------------------------------------------------------------------------------------------------------
async def get_workbook(call: Call, wanted: Wanted) -> bytes:
    """The workbook of the matters that the caller sees and the filters leave, in the order of their opening; of a year's
    clearing list first those that have to be cleared by its end, then by due date. 422 `too_many_entries`."""
    columns, known = ledger_entry.c, await thresholds(call)
    light = lit(call.now, known).label("light")
    lead, co_units = (sa.type_coerce(column, JSONB) for column in (columns.lead, columns.co_units))
    statement = (
        sa.select(
            columns.number, columns.title, columns.task, columns.source_kind, columns.source_number, columns.category,
            lead["name"].astext, co_units, columns.leader, columns.responsible, columns.assigned_at, columns.due,
            columns.state, light, _TOLD, columns.met_at, columns.closed_at, columns.quality, columns.weight,
            columns.carried_into,
        )
        .where(listed(call, Entry), *conditions(wanted, call.now, known))
        .order_by(*(_to_clear(call) if wanted.clearing else ()), columns.opened_at, columns.number)
        .limit(MOST_EXPORTED + 1)
    )  # fmt: skip
    rows = (await call.session.execute(statement)).all()
    if len(rows) > MOST_EXPORTED:
        raise invalid(
            "too_many_entries",
            f"a workbook has at most {MOST_EXPORTED} matters; choose a period, a unit or a state",
            f"一次最多导出{MOST_EXPORTED}个事项，请按时间、单位或状态筛选",
        )
    lines = (Line._make(row) for row in rows)  # drawn up in the thread
    return await asyncio.to_thread(workbook, lines, await _names(call), call.now, call.language)


def _to_clear(call: Call) -> tuple[sa.ColumnElement[Any], ...]:
    """The order of a clearing list: what was set at the year's start by a rule of any edition comes first (ST-55)."""
    books = (book.supervision for book in call.service.rulebooks.editions(call.government))
    rules = {rule for each in books if each for rule in each.ledger.year_rules}
    return (sa.func.coalesce(ledger_entry.c.due_rule.in_(rules), False).desc(), ledger_entry.c.due.asc().nulls_last())


async def _names(call: Call) -> Names:
    composition = await compositions.if_loaded(call.session)
    return names_of(composition, call.rulebook, call.service.rulebooks.editions(call.government))
