"""From a topic to the ledger and to the closing through the gateway, while containers are killed: nothing is lost, nothing is
there twice.

The caller repeats what isn't answered, with the same Idempotency-Key, as a calling system has to. `tests/faults/invariants.py`
judges afterwards from the databases, the log in Kafka, and what the containers printed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from demo.course import Courses
from demo.main_job import Ending, MainJob
from tests.compose.stack import ComposeStack
from tests.conftest import composition_of, scenario_of
from tests.faults.invariants import Books
from zhengling.local.client import Api, Json

Moments = dict[str, Callable[[], None]]
BEFORE_THE_DECISIONS, AFTER_THE_SIGNATURE, FIRST_OF_THE_COURSE = "session opened", "minutes signed", ""


class Happening:
    """Does something once, as soon as the job says that it has come to a step: by how that line begins."""

    def __init__(self, moments: Moments) -> None:
        self._moments = dict(moments)

    def __call__(self, line: str) -> None:
        if begins := next((each for each in self._moments if line.startswith(each)), None):
            self._moments.pop(begins)()
        elif "" in self._moments:
            self._moments.pop("")()

    @property
    def all_came(self) -> bool:
        return not self._moments


async def settled(books: Books, compose: ComposeStack, within: float = 120.0) -> list[str]:
    """The findings that stay; none as soon as there are none."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        compose.keep_logs()
        findings = await books.findings()
        if not findings or asyncio.get_running_loop().time() > deadline:
            return findings
        await asyncio.sleep(1)


class PatientJob(MainJob):
    """Containers take a while to come back, longer on a machine that has other work too."""

    async def landing(self, meeting: Json, within: float = 240.0) -> None:
        await super().landing(meeting, within)


class PatientCourses(Courses):
    """As `PatientJob`."""

    async def escalate(self, entry_id: str, within: float = 240.0) -> None:
        await super().escalate(entry_id, within)

    async def closed_in_meeting(self, entry_id: str, within: float = 240.0) -> None:
        await super().closed_in_meeting(entry_id, within)


async def go(
    compose: ComposeStack, client: httpx.AsyncClient, government: str, in_job: Happening, in_course: Happening
) -> tuple[list[str], list[str]]:
    """The government's scenario to its end. Returns the states of the entries that were to be closed, and the titles of all."""
    people = Api(compose.addresses(), compose.issuer, government, client)
    composition, scenario = composition_of(government), scenario_of(government)
    report = await PatientJob(people, composition, scenario, in_job).run()
    entries = await PatientCourses(people, composition, scenario, in_course).run(report.landed)
    assert in_job.all_came
    assert in_course.all_came
    to_close = {planned.title for planned in scenario.decisions if planned.ending == Ending.closed}
    assert to_close
    return [e["state"] for e in entries if e["title"] in to_close], [e["title"] for e in entries]


def adopted(government: str) -> list[str]:
    return [planned.title for planned in scenario_of(government).decisions if planned.outcome.adopts]


async def test_the_main_job_runs_through_the_gateway_from_a_topic_to_the_closing(
    compose: ComposeStack, books: Books, patient: httpx.AsyncClient
) -> None:
    states, titles = await go(compose, patient, "zhanqian", Happening({}), Happening({}))
    assert set(states) == {"closed"}
    assert sorted(titles) == sorted(adopted("zhanqian"))
    assert await settled(books, compose) == []


class Victims:
    """Containers that are killed together and started again, by the engine, with the data that they had."""

    def __init__(self, compose: ComposeStack, names: Sequence[str]) -> None:
        self._containers = [compose.container(name) for name in names]
        self._started = [container.starts for container in self._containers]

    def kill(self) -> None:
        for container in self._containers:
            container.kill()
        assert not any(container.alive for container in self._containers)

    def start(self) -> None:
        for container in self._containers:
            container.start()

    def kill_for_a_while(self) -> None:
        """The job goes on meanwhile."""
        self.kill()
        asyncio.get_running_loop().call_later(3, self.start)

    async def wait_healthy(self) -> None:
        assert all(each.starts != was for each, was in zip(self._containers, self._started, strict=True))
        for container in self._containers:
            await asyncio.to_thread(container.wait_healthy)


@pytest.mark.parametrize(
    ("government", "names"),
    [("dalian", ("meeting-worker", "oversight-worker")), ("xigang", ("kafka",))],
    ids=["the workers", "Kafka"],
)
async def test_what_carries_events_is_dead_while_minutes_are_signed_and_again_in_the_course(
    government: str, names: tuple[str, ...], compose: ComposeStack, books: Books, patient: httpx.AsyncClient
) -> None:
    victims = Victims(compose, names)
    waiting: list[list[str]] = []

    def bring_back() -> None:
        with ThreadPoolExecutor() as apart:  # the job's own loop is running
            waiting.append(apart.submit(asyncio.run, books.nothing_left()).result())
        victims.start()

    in_job = Happening({BEFORE_THE_DECISIONS: victims.kill, AFTER_THE_SIGNATURE: bring_back})
    states, titles = await go(
        compose, patient, government, in_job, Happening({FIRST_OF_THE_COURSE: victims.kill_for_a_while})
    )
    (left,) = waiting
    assert [found for found in left if "decision.adopted" in found]  # the signed decisions waited in the outbox
    assert set(states) == {"closed"}
    assert sorted(titles) == sorted(adopted(government))
    await victims.wait_healthy()
    assert await settled(books, compose) == []


@pytest.mark.parametrize(
    ("government", "names"),
    [("shuangtaizi", ("postgres",)), ("zhanqian", ("meeting-api", "oversight-api", "gateway"))],
    ids=["PostgreSQL", "the apis and the gateway"],
)
async def test_what_answers_is_killed_in_the_session_and_in_the_course_and_the_caller_repeats_itself(
    government: str, names: tuple[str, ...], compose: ComposeStack, books: Books, patient: httpx.AsyncClient
) -> None:
    victims = Victims(compose, names)
    in_job = Happening({BEFORE_THE_DECISIONS: victims.kill_for_a_while})
    in_course = Happening({FIRST_OF_THE_COURSE: victims.kill_for_a_while})
    states, titles = await go(compose, patient, government, in_job, in_course)
    assert patient._transport.repeated > 0
    assert set(states) == {"closed"}
    assert sorted(titles) == sorted(adopted(government))
    await victims.wait_healthy()
    assert await settled(books, compose) == []
