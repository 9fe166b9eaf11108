"""Broker or database away: what doesn't need it goes on, and all catches up by itself, or after one replay where the
broker lost what it had acknowledged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.conftest import composition_of
from tests.faults.conftest import GOVERNMENTS, Faulty
from tests.faults.invariants import ask

from zhengling.main_job import Api, Refused

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


def api(faulty: Faulty, http: httpx.AsyncClient, government: str) -> Api:
    return Api(faulty.stack.addresses(), faulty.stack.issuer, government, http)


async def readiness(faulty: Faulty, http: httpx.AsyncClient, process: str) -> tuple[int, dict[str, str]]:
    answer = await http.get(f"{faulty.process(process).url}/readyz")
    return answer.status_code, answer.json()["checks"]


async def until_ready(faulty: Faulty, http: httpx.AsyncClient, *processes: str) -> None:
    async with asyncio.timeout(90):
        for process in processes:
            while (await readiness(faulty, http, process))[0] != 200:
                await asyncio.sleep(0.2)


async def load_composition(people: Api) -> None:
    """A command that emits an event: the first or the next version of the composition."""
    try:
        version = (await people.get("meeting", "/v1/composition"))["version"]
    except Refused as refused:
        if refused.code != "no_composition":
            raise
        version = None
    body = composition_of(people.government).model_dump(mode="json")
    await people.command("meeting", "/v1/composition", body, version=version, method="PUT")


async def test_while_the_broker_answers_nothing_the_api_goes_on_and_all_catches_up_by_itself(
    faulty: Faulty, http: httpx.AsyncClient
) -> None:
    broker = faulty.stack.broker
    assert broker
    broker.freeze()
    try:
        decided = await faulty.decide(20, TOMORROW)
        await load_composition(api(faulty, http, "dalian"))
        assert (await readiness(faulty, http, "meeting-api-0"))[0] == 200
        status, checks = await readiness(faulty, http, "meeting-worker-0")
        assert (status, checks["kafka"], checks["database"]) == (503, "can't be reached", "ok")
        assert await ask(faulty.stack, "meeting", "SELECT 1 FROM outbox WHERE published_at IS NULL")
    finally:
        broker.thaw()
    await faulty.until_in_ledger(decided)
    await until_ready(faulty, http, "meeting-worker-0", "oversight-worker-0")
    await faulty.until_settled()


async def test_what_the_broker_acknowledged_and_lost_is_published_again_on_demand(
    faulty: Faulty, http: httpx.AsyncClient
) -> None:
    """It comes back without topics, records or offsets; the consumer, frozen meanwhile beyond its session, finds a
    group that has forgotten it."""
    broker, oversight = faulty.stack.broker, faulty.process("oversight-worker-0")
    assert broker
    began = datetime.now(UTC)
    oversight.freeze()
    try:
        lost = await faulty.decide(20, TOMORROW)
        async with asyncio.timeout(60):
            while await ask(faulty.stack, "meeting", "SELECT 1 FROM outbox WHERE published_at IS NULL"):
                await asyncio.sleep(0.1)
        await asyncio.to_thread(broker.kill)  # it would wait for its clients first
        await asyncio.to_thread(broker.restart_empty)
    finally:
        oversight.thaw()
    await until_ready(faulty, http, "meeting-worker-0", "oversight-worker-0")
    async with asyncio.timeout(120):
        # The embedded broker also acknowledges records for topics that it has forgotten: those need another replay.
        while await faulty.in_ledger(lost) < len(lost):
            for government in GOVERNMENTS:
                people = api(faulty, http, government)
                await people.command("meeting", "/v1/events/replay", {"since": began.isoformat()})
            with suppress(TimeoutError):
                await faulty.until_in_ledger(lost, within=8)
    assert await faulty.in_ledger(lost) == len(lost)
    await faulty.until_settled()


async def test_while_the_database_is_away_the_api_says_so_and_all_goes_on_by_itself_afterwards(
    faulty: Faulty, http: httpx.AsyncClient
) -> None:
    postgres, people = faulty.stack.postgres, api(faulty, http, "xigang")
    assert postgres
    await load_composition(people)
    before = await faulty.decide(10, TOMORROW)
    await asyncio.to_thread(postgres.kill)
    try:
        with pytest.raises(Refused) as refused:
            await load_composition(people)
        assert (refused.value.problem["status"], refused.value.code) == (503, "database_away")
        for process in ("meeting-api-0", "meeting-worker-0"):
            status, checks = await readiness(faulty, http, process)
            assert (status, checks["database"]) == (503, "can't be reached")
    finally:
        await asyncio.to_thread(postgres.start)
    codes: set[str] = set()
    async with asyncio.timeout(60):
        while True:
            try:
                await load_composition(people)
                break
            except Refused as still_away:
                codes.add(still_away.code)
                await asyncio.sleep(0.02)
    assert codes <= {"database_away"}  # also while it refuses connections, since it is starting up
    after = await faulty.decide(10, TOMORROW)
    await faulty.until_in_ledger([*before, *after])
    await until_ready(faulty, http, "meeting-api-0", "meeting-worker-0", "oversight-worker-0")
    await faulty.until_settled()
