"""An entry of the supervision ledger: its number, its due date, when it falls overdue."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from oversight_svc.entry import entry as entries
from oversight_svc.entry.entry import DueBasis, Entry, EntryState, NewDue
from tests.conftest import composition_of
from tests.meeting.examples import DAY, book
from zhengling.events.meeting import Unit
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.vocabulary import Difficulty, EntrySource

LEDGER = book("xigang").supervision.ledger


def an_entry(due: date | None = None) -> Entry:
    return Entry(
        id="e1",
        government="xigang",
        edition="2023-08-21",
        number="西政督〔2026〕1号",
        source_kind=EntrySource.meeting_decision,
        source_id="d1",
        title="事项",
        task="办理",
        lead=Unit(code="xg-zjj", name="局"),
        co_units=[],
        difficulty=Difficulty.general,
        clause="XG-52",
        assigned_at=at(DAY),
        deployed_on=None,
        opened_at=at(DAY),
        due=due,
        due_at=at(due + timedelta(days=1), 0) if due else None,
        due_basis=DueBasis.decision if due else DueBasis.to_be_set,
        due_rule=None,
        due_clause=None,
        provisional=False,
    )


def set_due(entry: Entry, official: str | None, due: date) -> None:
    entries.require_settable(entry, LEDGER, composition_of("xigang"), official, due, DAY)
    entries.give_due(entry, NewDue(due, at(due + timedelta(days=1), 0), DueBasis.office))


def test_the_office_sets_the_date_that_nobody_gave() -> None:
    entry = an_entry()
    set_due(entry, "xg-office-clerk", DAY)
    assert (entry.due, entry.due_basis) == (DAY, DueBasis.office)


def test_nobody_but_the_office_sets_it() -> None:
    with pytest.raises(Problem) as refused:
        set_due(an_entry(), "xg-zjj-principal", DAY)
    assert (refused.value.status, refused.value.code) == (403, "not_the_setter")
    assert (refused.value.clause or "").startswith("XG-52 (practice: "), "no article says who sets a date"


def test_a_date_that_is_set_is_not_set_again() -> None:
    with pytest.raises(Problem, match="due_is_set"):
        set_due(an_entry(DAY), "xg-office-clerk", DAY + timedelta(days=3))


@pytest.mark.parametrize(("reason", "zh"), [("", "该事项已销号"), ("同意销号", "该事项已销号：同意销号")])
def test_a_matter_that_has_ended_gets_no_date_and_says_in_which_state_it_is(reason: str, zh: str) -> None:
    entry = an_entry()
    entry.state, entry.closed_reason = EntryState.closed, reason
    with pytest.raises(Problem, match="entry_ended") as refused:
        set_due(entry, "xg-office-clerk", DAY)
    assert refused.value.detail.zh == zh


def test_a_date_in_the_past_is_refused() -> None:
    with pytest.raises(Problem, match="due_in_the_past"):
        set_due(an_entry(), "xg-office-clerk", DAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("moment", "overdue"),
    [(at(DAY, 23, 59), False), (at(DAY + timedelta(days=1), 0), True), (at(DAY + timedelta(days=9)), True)],
)
def test_an_entry_falls_overdue_at_the_first_instant_after_its_day(moment: datetime, overdue: bool) -> None:
    entry = an_entry(DAY)
    assert entries.fall_overdue(entry, moment) is overdue
    assert (entry.overdue_at is not None) is overdue


def test_it_falls_overdue_once_and_never_without_a_date() -> None:
    entry = an_entry(DAY)
    assert entries.fall_overdue(entry, at(DAY + timedelta(days=1), 0))
    assert not entries.fall_overdue(entry, at(DAY + timedelta(days=2), 0))
    assert not entries.fall_overdue(an_entry(), at(DAY + timedelta(days=900)))


@pytest.mark.parametrize(("days", "overdue"), [(1, True), (2, True), (3, False)])
def test_what_fell_overdue_no_longer_is_where_its_date_moved_past_today(days: int, overdue: bool) -> None:
    entry, today = an_entry(DAY), at(DAY + timedelta(days=3), 0)  # the first instant after two more days
    entries.fall_overdue(entry, at(DAY + timedelta(days=1), 0))
    due = DAY + timedelta(days=days)
    entries.move_due(entry, due, at(due + timedelta(days=1), 0), False, today)
    assert (entry.due, entry.overdue_at is not None) == (due, overdue)
