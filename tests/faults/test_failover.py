"""A failover of two PostgreSQL servers: the primary dies, its standby is promoted, and the old primary comes back read-only at
the address that the services still have, before that leads to the new one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import composition_of
from tests.faults.conftest import standing
from tests.faults.invariants import ask
from tests.faults.stand import SERVICES, FaultyStack, Stand, during
from tests.faults.standby import Standby, demote
from zhengling.local.client import Api, Refused, load_composition

PROCESSES = ("meeting-api-0", "oversight-api-0", "meeting-worker-0", "oversight-worker-0")


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Stand, Standby]]:
    """A stand whose services reach PostgreSQL over a link, and a standby that has all that is committed."""
    stack = FaultyStack()
    stack.linked = True
    async with standing(stack) as stand:
        assert stack.postgres
        standby = Standby(stack.folder / "standby", stack.postgres)
        try:
            await standby.follow()
            yield stand, standby
        finally:
            await asyncio.to_thread(standby.stop)


class Clerk:
    """Loads a composition and reads the ledger, again and again, and notes the status of each answer."""

    def __init__(self, stand: Stand, http: httpx.AsyncClient) -> None:
        self.answers: Counter[int] = Counter()
        self.refused: set[str] = set()
        self.unannounced = 0
        self._people = Api(stand.stack.addresses(), stand.stack.issuer, "xigang", http)
        http.event_hooks["response"].append(self._note)

    async def _note(self, answer: httpx.Response) -> None:
        self.answers[answer.status_code] += 1
        self.unannounced += answer.status_code == 503 and "retry-after" not in answer.headers

    async def ask_forever(self) -> None:
        while True:
            await self.change()
            await asyncio.sleep(0.05)

    async def change(self) -> None:
        try:
            await self._people.get("oversight", "/v1/entries")
            await load_composition(self._people, composition_of("xigang"))
        except Refused as refused:
            self.refused.add(refused.code)


async def until_not_ready(stand: Stand, *names: str) -> None:
    async with asyncio.timeout(30):
        for name in names:
            while await asyncio.to_thread(stand.process(name).is_ready):
                await asyncio.sleep(0.1)


async def test_a_failover_is_an_outage_that_ends_by_itself_and_nothing_committed_is_lost(
    pair: tuple[Stand, Standby],
) -> None:
    stand, standby = pair
    old = stand.stack.postgres
    assert old
    before = await stand.decide_many(20)
    async with httpx.AsyncClient(timeout=30) as http:
        clerk = Clerk(stand, http)
        await clerk.change()  # the first composition is loaded
        clerk.answers.clear()
        async with during(clerk.ask_forever()):
            await asyncio.to_thread(old.kill)
            await standby.promote()
            await stand.connect_to(standby)
            await until_not_ready(stand, *PROCESSES)
            await asyncio.to_thread(demote, old)
            await asyncio.sleep(3)  # the services connect to it, and find that it only reads
            await until_not_ready(stand, *PROCESSES)
        # Nobody sends a change any more, as a Kubernetes Service keeps requests from what isn't ready.
        for service in SERVICES:
            stand.stack.links.lead(f"{service}-postgres", [standby.port])
        await stand.until_ready(*PROCESSES, within=60)
        clerk.refused.clear()
        await clerk.change()
        assert not clerk.refused
    assert set(clerk.answers) <= {200, 201, 503}
    assert clerk.answers[503]
    assert clerk.unannounced == 0
    after = await stand.decide_many(20)
    await stand.until_in_ledger([*before, *after])
    await stand.until_settled()
    kept = await ask(stand.stack, "meeting", "SELECT id FROM decision WHERE id = ANY($1)", [*before, *after])
    assert {row["id"] for row in kept} == {*before, *after}
    assert old.alive, "the old primary was there all the time"
