"""Orderly restarts of the servers under load; those of the services' processes are in `test_matrix.py` (rolling restart).

A broker that is away is seen by no client: the outbox keeps what is committed meanwhile. One of the only PostgreSQL is: what
comes meanwhile is answered 503 with Retry-After, and nothing that was committed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.faults.invariants import ask
from tests.faults.stand import Stand, during
from tests.faults.test_failover import Clerk
from zhengling.local.broker import EmbeddedBroker


@asynccontextmanager
async def clerk(stand: Stand) -> AsyncIterator[Clerk]:
    """A clerk at work beside the block, whose first and last command are answered with everything whole."""
    async with httpx.AsyncClient(timeout=30) as http:
        one = Clerk(stand, http)
        await one.change()
        one.answers.clear()
        async with during(one.ask_forever()):
            yield one
        one.refused.clear()
        await one.change()
        assert not one.refused


async def all_kept(stand: Stand, decided: list[str]) -> None:
    kept = await ask(stand.stack, "meeting", "SELECT id FROM decision WHERE id = ANY($1)", decided)
    assert {row["id"] for row in kept} == set(decided)


async def test_a_restart_of_the_only_postgresql_is_an_announced_outage_and_nothing_is_lost(stand: Stand) -> None:
    await stand.scale()
    postgres = stand.stack.postgres
    assert postgres
    decided: list[str] = []

    async def decide() -> None:
        while True:
            decided.extend(await stand.decide_many(4))

    async with clerk(stand) as one:
        async with during(decide()):
            await asyncio.to_thread(postgres.stop)
            async with asyncio.timeout(30):
                while not one.answers[503]:
                    await asyncio.sleep(0.05)
            await asyncio.to_thread(postgres.start)
            await asyncio.to_thread(postgres.wait_ready)
            before = len(decided)
            async with asyncio.timeout(60):
                while len(decided) < before + 8:
                    await asyncio.sleep(0.05)
        await stand.until_ready(*stand.names())
    assert set(one.answers) <= {200, 201, 503}
    assert one.unannounced == 0
    await all_kept(stand, decided)
    await stand.until_in_ledger(decided)
    await stand.until_settled()


async def test_a_broker_that_is_away_and_comes_back_is_seen_by_no_client_and_nothing_is_lost(stand: Stand) -> None:
    """The embedded one keeps its log in memory, so it is frozen; one that comes back empty is a row of the matrix."""
    await stand.scale()
    broker = stand.stack.broker
    assert broker
    leave, come_back = (
        (broker.freeze, broker.thaw) if isinstance(broker, EmbeddedBroker) else (broker.stop, broker.start)
    )
    async with clerk(stand) as one:
        decided = await stand.decide_many(10)
        await asyncio.to_thread(leave)
        decided += await stand.decide_many(10)
        await asyncio.to_thread(come_back)
        await asyncio.to_thread(broker.wait_ready, 120)
        decided += await stand.decide_many(10)
    assert set(one.answers) <= {200, 201}
    await all_kept(stand, decided)
    await stand.until_in_ledger(decided)
    await stand.until_settled()
