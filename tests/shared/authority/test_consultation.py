"""Positions of those consulted: what is deemed, and what settles a disagreement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from zhengling.authority.consultation import (
    Coordination,
    Position,
    Stance,
    deemed,
    newest,
    require_consulted,
    require_settled,
    silent,
)
from zhengling.kernel.errors import Problem
from zhengling.rules.meetings import Consultation

DUE = datetime(2026, 3, 9, 16, tzinfo=UTC)
CONCERNED = ["finance", "housing", "justice"]
NAMES = {each: each for each in CONCERNED}
RULES = Consultation.model_validate(
    {"clause": "ST-24", "disagreement": {"clause": "ST-24", "coordinate": "deputy_in_charge", "decide": "head"}}
)


def stated(organisation: str, stance: Stance, moment: datetime = DUE - timedelta(days=1)) -> Position:
    return Position(organisation, stance, "理据", "somebody", moment, moment)


def test_who_is_silent_when_the_time_limit_ends_is_deemed_not_to_object_and_nobody_before() -> None:
    answered = [stated("finance", Stance.objects)]
    assert deemed(CONCERNED, answered, "ST-48", DUE, DUE - timedelta(seconds=1)) == []
    given = deemed(CONCERNED, answered, "ST-48", DUE, DUE)
    assert [(each.organisation, each.stance, each.official, each.clause) for each in given] == [
        ("housing", Stance.deemed, None, "ST-48"), ("justice", Stance.deemed, None, "ST-48"),
    ]  # fmt: skip
    positions = [*answered, *given]
    assert silent(CONCERNED, positions) == []
    require_consulted("ST-48", CONCERNED, positions, NAMES)
    assert deemed(CONCERNED, positions, "ST-48", DUE, DUE + timedelta(days=1)) == [], "once"


def test_an_organisation_that_speaks_after_it_was_deemed_is_taken_by_its_word() -> None:
    positions = deemed(CONCERNED, [], "ST-48", DUE, DUE)
    require_settled(RULES, CONCERNED, positions, [], NAMES)
    positions.append(stated("justice", Stance.objects, DUE + timedelta(hours=1)))
    assert newest(positions)["justice"].stance == Stance.objects
    with pytest.raises(Problem, match="disagreement_open"):
        require_settled(RULES, CONCERNED, positions, [], NAMES)
    agreed = Coordination(True, "按主办意见", "deputy", "deputy_in_charge", False, DUE, DUE + timedelta(hours=2))
    require_settled(RULES, CONCERNED, positions, [agreed], NAMES)
    positions.append(stated("housing", Stance.objects, DUE + timedelta(hours=3)))
    with pytest.raises(Problem, match="disagreement_open"):
        require_settled(RULES, CONCERNED, positions, [agreed], NAMES)
