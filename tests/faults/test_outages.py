"""Broker or database away: what doesn't need it goes on, the rest says so, and all catches up by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import composition_of
from tests.faults.invariants import ask
from tests.faults.stand import Stand
from zhengling.local import client as clients
from zhengling.local.client import Api, Refused


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


def api(stand: Stand, http: httpx.AsyncClient, government: str) -> Api:
    return Api(stand.stack.addresses(), stand.stack.issuer, government, http)


async def readiness(stand: Stand, http: httpx.AsyncClient, process: str) -> tuple[int, dict[str, str]]:
    answer = await http.get(f"{stand.process(process).url}/readyz")
    return answer.status_code, answer.json()["checks"]


async def load_composition(people: Api) -> None:
    """A command that emits an event: the first or the next version of the composition."""
    await clients.load_composition(people, composition_of(people.government))


async def test_while_the_broker_answers_nothing_the_api_goes_on_and_all_catches_up_by_itself(
    stand: Stand, http: httpx.AsyncClient
) -> None:
    broker = stand.stack.broker
    assert broker
    broker.freeze()
    try:
        decided = await stand.decide_many(20)
        await load_composition(api(stand, http, "dalian"))
        assert (await readiness(stand, http, "meeting-api-0"))[0] == 200
        status, checks = await readiness(stand, http, "meeting-worker-0")
        assert (status, checks["kafka"], checks["database"]) == (503, "can't be reached", "ok")
        assert await ask(stand.stack, "meeting", "SELECT 1 FROM outbox WHERE published_at IS NULL")
    finally:
        broker.thaw()
    await stand.until_in_ledger(decided)
    await stand.until_ready("meeting-worker-0", "oversight-worker-0")
    await stand.until_settled()


async def test_while_the_database_is_away_the_api_says_so_and_all_goes_on_by_itself_afterwards(
    stand: Stand, http: httpx.AsyncClient
) -> None:
    postgres, people = stand.stack.postgres, api(stand, http, "xigang")
    assert postgres
    await load_composition(people)
    before = await stand.decide_many(10)
    await asyncio.to_thread(postgres.kill)
    try:
        with pytest.raises(Refused) as refused:
            await load_composition(people)
        assert (refused.value.problem["status"], refused.value.code) == (503, "database_away")
        for process in ("meeting-api-0", "meeting-worker-0"):
            status, checks = await readiness(stand, http, process)
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
    after = await stand.decide_many(10)
    await stand.until_in_ledger([*before, *after])
    await stand.until_ready("meeting-api-0", "meeting-worker-0", "oversight-worker-0")
    await stand.until_settled()
