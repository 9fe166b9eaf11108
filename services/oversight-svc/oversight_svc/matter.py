"""A matter in the supervision ledger (督查台账): numbered, with one lead unit, its clause, and a due date that
explains itself or is shown as to be set.

Invariant: one source opens one entry. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from zhengling.authority import Composition
from zhengling.errors import Text, refusal
from zhengling.events import Unit
from zhengling.rulebook import Actor, Difficulty, EntrySource, Ledger


class EntryState(StrEnum):
    open = "open"


class DueBasis(StrEnum):
    """What a due date rests on."""

    decision = "decision"
    rule = "rule"
    office = "office"
    to_be_set = "to_be_set"


@dataclass
class Entry:
    id: str
    government: str
    edition: str
    number: str
    source_kind: EntrySource
    source_id: str
    title: str
    task: str
    lead: Unit
    co_units: list[Unit]
    difficulty: Difficulty
    clause: str
    assigned_at: datetime
    opened_at: datetime
    due: date | None
    due_at: datetime | None
    due_basis: DueBasis
    due_rule: str | None
    due_clause: str | None
    provisional: bool
    state: EntryState = EntryState.open
    overdue_at: datetime | None = None
    origin: dict[str, str] = field(default_factory=dict)
    version: int = 1
    modified_at: datetime | None = None


def number_of(ledger: Ledger, year: int, n: int) -> str:
    """The entry's number: the rulebook's pattern with year and n, without leading zeros."""
    return ledger.number.replace("{year}", str(year)).replace("{n}", str(n))


def set_due(
    entry: Entry, ledger: Ledger, composition: Composition, official: str | None, due: date, due_at: datetime, on: date
) -> None:
    """Set the due date of an entry that has none. 403 `not_the_setter`; 409 `due_is_set`; 409 `due_in_the_past`."""
    if entry.due_basis != DueBasis.to_be_set:
        raise refusal(
            "due_is_set",
            entry.due_clause or entry.clause,
            f"it is due on {entry.due}, by the {entry.due_basis}",
            f"该事项已有办结时限：{entry.due}",
            Text("a running due date is extended, not set again", "已有时限只能按程序延期"),
        )
    composition.require(
        official,
        tuple(Actor(role=role) for role in ledger.set_by),
        on,
        {},
        Text("set the due date", "确定办结时限"),
        code="not_the_setter",
        clause=ledger.clause,
    )
    if due < on:
        raise refusal(
            "due_in_the_past",
            ledger.clause,
            f"{due} lies before today, {on}",
            f"时限{due}早于今日",
            Text("set today or a later day", "请选择今日或之后的日期"),
        )
    entry.due, entry.due_at, entry.due_basis = due, due_at, DueBasis.office


def move_due(entry: Entry, due: date, due_at: datetime, provisional: bool, moment: datetime) -> None:
    """Take another due date over from the rule it rests on. What had fallen overdue and isn't by the new date, no longer is."""
    entry.due, entry.due_at, entry.provisional = due, due_at, provisional
    if moment < due_at:
        entry.overdue_at = None


def fall_overdue(entry: Entry, moment: datetime) -> bool:
    """True where the entry is open past its due date and wasn't marked before."""
    if entry.state != EntryState.open or entry.overdue_at or entry.due_at is None or moment < entry.due_at:
        return False
    entry.overdue_at = moment
    return True
