"""One government's transactions leave connections of the pool for the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from tests.conftest import ScratchDatabase
from zhengling.database import shares
from zhengling.database.session import Database
from zhengling.kernel.errors import Problem


@pytest.fixture
async def database(trial_database: ScratchDatabase) -> AsyncIterator[Database]:
    """Four connections, three of them for one government."""
    database = Database(trial_database.app, application="shares", pool_size=2, share=3)
    yield database
    await database.close()


class Slow:
    """Transactions of one government that hold what they get until they are let go."""

    def __init__(self, database: Database, government: str, number: int) -> None:
        self.holding = 0
        self.over = asyncio.Event()
        self.tasks = [asyncio.create_task(self._hold(database, government)) for _ in range(number)]

    async def _hold(self, database: Database, government: str) -> None:
        async with database.transaction(government) as session:
            await session.execute(sa.text("SELECT 1"))
            self.holding += 1
            await self.over.wait()

    async def hold(self, number: int) -> None:
        while self.holding < number:
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        self.over.set()
        await asyncio.gather(*self.tasks)


async def test_a_government_whose_slow_requests_are_many_leaves_connections_for_another(database: Database) -> None:
    slow = Slow(database, "linhai", 10)
    await slow.hold(3)
    async with database.transaction("dalian") as session:
        assert await session.scalar(sa.text("SELECT 1")) == 1
    assert slow.holding == 3, "the others of that government wait"
    await slow.end()
    assert slow.holding == 10, "and have their turn"


async def test_who_waits_for_long_is_refused_and_holds_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(database, "linhai", 3)
    await slow.hold(3)
    monkeypatch.setattr(shares, "WAIT", 0.01)
    with pytest.raises(Problem) as refused:
        async with database.transaction("linhai"):
            pass
    assert (refused.value.status, refused.value.code, refused.value.headers) == (503, "busy", {"Retry-After": "10"})
    await slow.end()
    async with database.transaction("linhai") as session:
        assert await session.scalar(sa.text("SELECT 1")) == 1
