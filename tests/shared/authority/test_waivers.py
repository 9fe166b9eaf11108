"""Breaches and their waivers: what remains, who waives it, what a waiver covers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import composition_of
from zhengling.authority.waivers import Breach, Waiving, not_waived, refuse, waive
from zhengling.kernel.errors import Problem, Text
from zhengling.rules.planning import Hindrance
from zhengling.rules.vocabulary import Role

PEOPLE = composition_of("dalian")
NOW = datetime(2028, 3, 6, 2, tzinfo=UTC)


def breach(covers: str = "2028", *waivable_by: Role, rule: Hindrance = Hindrance.quota) -> Breach:
    return Breach(
        rule=rule, code="over_quota", clause="DL-43", waivable_by=waivable_by, covers=(covers,),
        detail=Text("too many", "超出次数"), satisfy=Text("another year", "改期"),
    )  # fmt: skip


def given(found: list[Breach], official: str) -> Any:
    waiving = Waiving(Hindrance.quota, official, "确有必要", NOW, NOW)
    return waive(found, waiving, PEOPLE, name="数量控制", clause="DL-43")


def refused(*found: Breach, **how: bool) -> Problem:
    with pytest.raises(Problem) as caught:
        refuse(found, **how)
    return caught.value


def test_an_exception_lets_remain_what_can_be_waived_and_the_first_firm_breach_is_named() -> None:
    soft, firm = breach("a", Role.head), breach("b")
    refuse([soft], excepted=True)
    refuse([])
    problem = refused(soft, firm, excepted=True)
    assert problem.satisfy and problem.satisfy.zh.endswith("该规定无例外")
    problem = refused(soft, firm)
    assert (problem.extra["lift"], problem.extra["also"]) == (["head"], [Hindrance.quota])
    assert problem.satisfy and "exception" in problem.satisfy.en
    problem = refused(soft, requested=True)
    assert problem.satisfy and "exception" not in problem.satisfy.en


def test_each_waives_the_breaches_of_a_rule_that_are_theirs_and_a_firm_one_stays() -> None:
    found = [breach("year", Role.head), breach("quarter", Role.secretary_general), breach("month")]
    (one,), acting = given(found, "dl-sg")
    assert (one.covers, acting.role) == (("quarter",), Role.secretary_general)
    left = not_waived(found, [one])
    (other,), _ = given(left, "dl-head")
    assert [each.covers for each in not_waived(found, [one, other])] == [("month",)]


def test_a_waiver_covers_what_it_was_given_for_and_no_more() -> None:
    (one,), _ = given([breach("2028", Role.head)], "dl-head")
    assert not_waived([breach("2028", Role.head)], [one]) == []
    for other in (breach("2029", Role.head), breach("2028", Role.head, rule=Hindrance.late)):
        assert not_waived([other], [one]) == [other]


@pytest.mark.parametrize(
    ("found", "official", "code"),
    [
        ([breach("a", Role.head)], "dl-sg", "not_the_lifter"),
        ([breach("a")], "dl-head", "firm"),
        ([breach("a", Role.head, rule=Hindrance.late)], "dl-head", "nothing_to_lift"),
    ],
)
def test_who_may_not_and_what_cant_be_waived(found: list[Breach], official: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        given(found, official)
    assert caught.value.code == code
