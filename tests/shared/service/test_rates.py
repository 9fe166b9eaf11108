"""How many requests a person, a government, a calendar link and unknown callers may send to one process."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from zhengling.kernel.errors import Problem, Text
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


# links --------------------------------------------------------------------------------------------------------------
def followed(rates: Rates, link: str, times: int) -> int:
    """How many of these requests by a link are let in."""
    number = 0
    for _ in range(times):
        with suppress(Problem):
            rates.enter_by_link(link)
            number += 1
    return number


def test_a_link_has_a_rate_of_its_own_once_it_is_known_to_be_valid(clock: Clock) -> None:
    rates = Rates(Limits(link=6, unknown=100), clock)
    for link in ("a", "b"):
        rates.enter_by_link(link)
        rates.know_link(link)
    assert [followed(rates, link, 20) for link in ("a", "b")] == [6, 6]
    with pytest.raises(Problem) as refused:
        rates.enter_by_link("a")
    assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
    clock.seconds += int(refused.value.headers["Retry-After"])
    assert followed(rates, "a", 20) == 1


def test_secrets_that_are_tried_share_one_rate_and_use_up_no_valid_links(clock: Clock) -> None:
    rates = Rates(Limits(link=6, unknown=10), clock)
    rates.know_link("valid")
    assert sum(followed(rates, f"tried {n}", 1) for n in range(100)) == 10
    assert followed(rates, "valid", 5) == 5
    assert len(rates._buckets) == 2, "tried secrets aren't remembered"


def test_the_links_remembered_have_a_bound(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates_, "KEPT", 10)
    rates = Rates(Limits(link=6), clock)
    for n in range(100):
        rates.know_link(f"link {n}")
    assert len(rates._links) == 10


# unknown callers ----------------------------------------------------------------------------------------------------
async def test_refusals_to_unknown_callers_are_delayed_beyond_their_rate_and_given_up_beyond_that(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = asyncio.Event()
    monkeypatch.setattr(rates_.asyncio, "sleep", lambda seconds: over.wait())
    rates, unknown = (
        Rates(Limits(unknown=6, delayed=2), clock),
        Problem(401, "missing_token", Text("no token", "没有令牌")),
    )
    assert [await rates.refusal(unknown) for _ in range(6)] == [unknown] * 6
    delayed = [asyncio.ensure_future(rates.refusal(unknown)) for _ in range(2)]
    while rates._delayed < 2:
        await asyncio.wait(delayed, timeout=0.01)
    refused = await rates.refusal(unknown)
    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert refused.headers == {"Retry-After": "10", "Connection": "close"}
    rates.enter("linhai", "li")()
    over.set()
    assert await asyncio.gather(*delayed) == [unknown] * 2
    assert not rates._delayed
