"""How many bytes a person and a government may upload a day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files as resources
from uuid import uuid4

import asyncpg
import pytest

from tests.conftest import ScratchDatabase
from zhengling.database.session import Database
from zhengling.files import quota
from zhengling.files.quota import Quota, claimed
from zhengling.kernel.errors import Problem

MIB = 1 << 20
LIMITS = Quota(person=10 * MIB, government=25 * MIB)


@pytest.fixture(scope="module")
async def scratch(scratch_database: Callable[[str], Awaitable[ScratchDatabase]]) -> ScratchDatabase:
    return await scratch_database(
        resources("zhengling.migrations").joinpath("0007_upload_quota.up.sql").read_text("utf-8")
    )


class Office:
    """A government of its own in each test, and its uploads."""

    def __init__(self, scratch: ScratchDatabase) -> None:
        self.database = Database(scratch.app, application="trial-api")
        self.worker = Database(scratch.worker, application="trial-worker")
        self.government = f"t{uuid4().hex[:12]}"
        self._admin = scratch.admin

    async def upload(self, person: str, claim: int, used: int | None = None, limits: Quota = LIMITS) -> str:
        """`stored`, or the code of the refusal."""
        try:
            async with claimed(self.database, self.government, person, claim, limits) as claim_:
                await asyncio.sleep(0.01)
                claim_.used = claim if used is None else used
        except Problem as problem:
            later = int(problem.headers["Retry-After"])
            return problem.code if (problem.status, 0 < later <= 86_400) == (429, True) else repr(problem)
        return "stored"

    async def ask(self, statement: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._admin, timeout=10)
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, self.government)
            return found
        finally:
            await connection.close()

    async def counted(self) -> dict[str, int]:
        return dict(await self.ask("SELECT person, bytes / 1048576 FROM upload_quota WHERE government = $1"))


@pytest.fixture
async def office(scratch: ScratchDatabase) -> Office:
    return Office(scratch)


async def test_a_person_uploads_up_to_their_quota(office: Office) -> None:
    assert [await office.upload("li", 4 * MIB) for _ in range(3)] == ["stored", "stored", "upload_quota_used_up"]
    assert await office.upload("li", 2 * MIB) == "stored"
    assert await office.upload("wang", 10 * MIB) == "stored"
    assert await office.counted() == {"": 20, "li": 10, "wang": 10}


async def test_a_governments_people_share_its_quota(office: Office) -> None:
    assert [await office.upload(name, 10 * MIB) for name in "abc"] == ["stored", "stored", "upload_quota_used_up"]
    assert await office.upload("c", 5 * MIB) == "stored"
    assert await office.counted() == {"": 25, "a": 10, "b": 10, "c": 5}


async def test_what_an_upload_didnt_use_is_given_back(office: Office) -> None:
    assert [await office.upload("li", 5 * MIB, MIB) for _ in range(7)] == ["stored"] * 6 + ["upload_quota_used_up"]
    assert await office.counted() == {"": 6, "li": 6}


async def test_an_upload_that_fails_counts_what_was_read(office: Office) -> None:
    with pytest.raises(ConnectionError):
        async with claimed(office.database, office.government, "li", 10 * MIB, LIMITS) as claim:
            claim.used = 3 * MIB
            raise ConnectionError
    assert await office.counted() == {"": 3, "li": 3}


async def test_uploads_at_the_same_time_dont_exceed_a_quota_together(office: Office) -> None:
    found = await asyncio.gather(*(office.upload("li", MIB) for _ in range(20)))
    assert found.count("stored") == 10
    assert await office.counted() == {"": 10, "li": 10}


async def test_one_file_beyond_the_quota_is_refused_at_once(office: Office) -> None:
    assert await office.upload("li", 11 * MIB) == "upload_quota_used_up"
    assert await office.counted() == {}


async def test_without_limits_nothing_is_counted(office: Office) -> None:
    assert await office.upload("li", 1 << 40, limits=Quota(0, 0)) == "stored"
    assert await office.counted() == {}


async def test_past_days_are_forgotten(office: Office) -> None:
    await office.upload("li", MIB)
    await office.ask("UPDATE upload_quota SET day = day - 1 WHERE government = $1")
    await office.upload("li", 2 * MIB)
    async with office.worker.transaction(office.government) as session:
        await quota.forget(session)
    assert await office.counted() == {"": 2, "li": 2}
