"""The order in which decisions were adopted, by which the ledger numbers them."""

from __future__ import annotations

from datetime import timedelta

from meeting_svc.decision import decision as decisions
from meeting_svc.decision.decision import Amendment, Decision, Revision
from tests.meeting.examples import DAY, resolution
from zhengling.local.client import at
from zhengling.rules.vocabulary import Outcome


def a_decision(number: int, outcome: Outcome = Outcome.passed) -> Decision:
    return Decision(
        f"d{number}", "huancui", "m1", f"t{number}", resolution(f"t{number}", number=number, outcome=outcome)
    )


def test_decisions_are_in_the_agendas_order_and_those_of_corrections_after_them() -> None:
    signed, corrected, next_year = at(DAY), at(DAY + timedelta(days=9)), at(DAY + timedelta(days=400))
    found = [
        a_decision(4),
        a_decision(1, Outcome.deferred),
        a_decision(3),
        a_decision(2),
        a_decision(5, Outcome.deferred),
    ]
    for each in found:
        decisions.adopt(each, None, signed)
    assert decisions.adopted_in_order(found, DAY.year) == ("d2", "d3", "d4")

    def correct(decision: Decision, moment: object, *, revoked: bool = False) -> None:
        before = decision.resolution
        made = Amendment(before, before if revoked else before.model_copy(update={"outcome": Outcome.passed}), revoked)
        decisions.correct(decision, made, None, Revision(2, made.effect, "漏记", made.changes, "head", moment))  # type: ignore[arg-type]

    correct(found[1], corrected)
    correct(found[3], corrected, revoked=True)
    assert decisions.adopted_in_order(found, DAY.year) == ("d2", "d3", "d4", "d1"), "revoked: it keeps its number"
    correct(found[4], next_year)
    assert decisions.adopted_in_order(found, DAY.year) == ("d2", "d3", "d4", "d1")
    assert decisions.adopted_in_order(found, DAY.year + 1) == ("d5",)
