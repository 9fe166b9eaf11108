"""How an entry follows its decision once the minutes are corrected."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from oversight_svc.entry import entry as entries
from oversight_svc.entry.entry import Amendment, DueBasis, EntryState, NewDue, Turn
from tests.conftest import composition_of
from tests.meeting.examples import DAY, book, resolution
from tests.oversight.entry.test_entry import an_entry
from zhengling.events.meeting import ResolutionChange, Unit
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.supervision import CourseAct
from zhengling.rules.vocabulary import Difficulty

PEOPLE = composition_of("xigang")
LATER = DAY + timedelta(days=20)
CHANGE = ResolutionChange(field="due", before=None, after="2026-03-04")


def an_amendment(due: date | None = None) -> Amendment:
    return Amendment(2, "笔误", (CHANGE,), DAY, due, at(DAY, 17), at(DAY, 17))


@pytest.mark.parametrize(
    ("government", "before", "said", "after"),
    [
        ("xigang", DueBasis.to_be_set, LATER, DueBasis.decision),
        ("xigang", DueBasis.decision, None, DueBasis.to_be_set),
        ("xigang", DueBasis.office, None, DueBasis.office),
        ("xigang", DueBasis.office, LATER, DueBasis.decision),
        ("shuangtaizi", DueBasis.decision, None, DueBasis.rule),
        ("shuangtaizi", DueBasis.rule, LATER, DueBasis.decision),
    ],
)
def test_what_the_decision_says_wins_then_the_rule_then_what_the_office_set(
    government: str, before: DueBasis, said: date | None, after: DueBasis
) -> None:
    entry = an_entry()
    entry.due_basis = before
    ledger = book(government).supervision.ledger
    assert entries.due_after(entry, ledger, resolution("t1", due=said)) == after


def test_an_entry_takes_over_task_units_and_date_and_is_overdue_no_more() -> None:
    entry = an_entry(DAY)
    entries.fall_overdue(entry, at(LATER - timedelta(days=1)))
    made = resolution("t1", task="分期办理", lead=Unit(code="xg-czj", name="财政局"), difficulty=Difficulty.complex)
    new = NewDue(LATER, at(LATER + timedelta(days=1), 0), DueBasis.decision)
    entries.amend(entry, made, new, an_amendment(LATER), at(LATER - timedelta(days=1)))
    assert (entry.task, entry.lead.code, entry.difficulty) == ("分期办理", "xg-czj", Difficulty.complex)
    assert (entry.due, entry.overdue_at, entry.amendments[0].reason) == (LATER, None, "笔误")
    assert entries.fall_overdue(entry, at(LATER + timedelta(days=1), 0))


def test_a_date_that_has_passed_as_well_leaves_it_overdue() -> None:
    entry = an_entry(DAY)
    entries.fall_overdue(entry, at(LATER))
    since = entry.overdue_at
    earlier = DAY + timedelta(days=2)
    new = NewDue(earlier, at(earlier + timedelta(days=1), 0), DueBasis.decision)
    entries.amend(entry, resolution("t1"), new, an_amendment(earlier), at(LATER))
    assert entry.overdue_at == since


def test_a_date_taken_away_is_to_be_set_and_nothing_falls_overdue() -> None:
    entry = an_entry(DAY)
    entries.amend(entry, resolution("t1"), NewDue(None, None, DueBasis.to_be_set), an_amendment(), at(LATER))
    assert (entry.due, entry.due_basis) == (None, DueBasis.to_be_set)
    assert not entries.fall_overdue(entry, at(LATER))
    entries.require_settable(entry, book("xigang").supervision.ledger, PEOPLE, "xg-office-clerk", LATER, DAY)


def test_a_revoked_entry_has_ended_is_never_overdue_and_gets_no_date() -> None:
    entry = an_entry(DAY)
    entries.fall_overdue(entry, at(LATER))
    entries.revoke(entry, an_amendment(), at(LATER))
    assert (entry.state, entry.overdue_at, entry.closed_reason) == (EntryState.revoked, None, "笔误")
    assert not entries.fall_overdue(entry, at(LATER + timedelta(days=9)))
    with pytest.raises(Problem, match="entry_ended"):
        entries.require_settable(entry, book("xigang").supervision.ledger, PEOPLE, "xg-office-clerk", LATER, DAY)


def test_units_that_came_with_a_merged_matter_stay_when_something_else_is_corrected() -> None:
    entry, merged = an_entry(DAY), an_entry(DAY)
    merged.lead, merged.co_units = Unit(code="xg-jyj", name="教育局"), [Unit(code="xg-wjj", name="卫健局")]
    entries.join(entry, merged)
    turn = Turn(CourseAct.merge, EntryState.open, "xg-office-clerk", None, "重复立项", at(DAY, 9), at(DAY, 9))
    entry.course = [turn]
    entries.amend(entry, resolution("t1"), NewDue(DAY, at(DAY), DueBasis.decision), an_amendment(DAY), at(DAY, 10))
    assert {"xg-jyj", "xg-wjj"} <= {unit.code for unit in entry.co_units}
    entry.co_units = [Unit(code=f"u{n}", name="单位") for n in range(entries.CO_UNITS.most)]
    with pytest.raises(Problem, match="50"):
        entries.join(entry, merged)
