"""How many requests a person and a government may send to one process."""

from __future__ import annotations

from contextlib import suppress

import pytest

from zhengling.kernel.errors import Problem
from zhengling.service import rates as rates_
from zhengling.service.rates import Limits, Rates


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def served(rates: Rates, times: int, person: str = "li", government: str = "linhai") -> int:
    """How many of these requests, one after another, are let in."""
    number = 0
    for _ in range(times):
        with suppress(Problem):
            rates.enter(government, person)()
            number += 1
    return number


def test_a_person_may_send_a_minutes_requests_at_once_and_then_one_after_another(clock: Clock) -> None:
    rates = Rates(Limits(60, 0, 0), clock)
    assert served(rates, 100) == 60
    clock.seconds += 5
    assert served(rates, 100) == 5
    clock.seconds += 3600
    assert served(rates, 100) == 60, "no more than a minute's is saved up"


def test_the_refusal_says_when_to_try_again(clock: Clock) -> None:
    rates = Rates(Limits(6, 0, 0), clock)
    served(rates, 6)
    with pytest.raises(Problem) as refused:
        rates.enter("linhai", "li")
    assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
    clock.seconds += int(refused.value.headers["Retry-After"])
    assert served(rates, 1) == 1


def test_one_person_doesnt_use_what_another_may_send_but_a_governments_people_share(clock: Clock) -> None:
    rates = Rates(Limits(10, 25, 0), clock)
    assert [served(rates, 20, person) for person in ("a", "b", "c")] == [10, 10, 5]
    assert served(rates, 20, "a", "dalian") == 10


def test_a_person_has_a_number_of_requests_in_progress(clock: Clock) -> None:
    rates = Rates(Limits(0, 0, 2), clock)
    first = rates.enter("linhai", "li")
    rates.enter("linhai", "li")
    with pytest.raises(Problem):
        rates.enter("linhai", "li")
    rates.enter("linhai", "wang")
    first()
    rates.enter("linhai", "li")


def test_without_limits_nothing_is_counted(clock: Clock) -> None:
    assert served(Rates(Limits(0, 0, 0), clock), 1000) == 1000


def test_the_callers_remembered_have_a_bound(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates_, "KEPT", 10)
    rates = Rates(Limits(1, 0, 0), clock)
    for n in range(100):
        served(rates, 1, f"p{n}")
    assert len(rates._buckets) == 10
    assert not rates._in_progress
