"""The stored answers of Idempotency-Keys: found within their day, and replaced after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from tests.conftest import ScratchDatabase
from zhengling.backbone import idempotency
from zhengling.backbone.idempotency import StoredAnswer
from zhengling.database.session import Database
from zhengling.kernel.errors import Problem

FIRST, SECOND = StoredAnswer(201, b'{"n":1}', {"etag": '"1"'}), StoredAnswer(200, b'{"n":2}', {})


@pytest.fixture
async def database(trial_database: ScratchDatabase) -> AsyncIterator[Database]:
    opened = Database(trial_database.app, application="idempotency-test")
    yield opened
    await opened.close()


async def answer(database: Database, key: str, request: bytes, made: StoredAnswer) -> StoredAnswer | None:
    """What `begin` finds; where it finds nothing, `made` is stored."""
    async with database.transaction("xigang") as session:
        found = await idempotency.begin(session, "client", key, request)
        if found is None:
            await idempotency.store(session, "client", key, "POST /", request, made)
        return found


async def test_an_answer_is_found_again_and_belongs_to_its_request(database: Database) -> None:
    key = str(uuid4())
    assert await answer(database, key, b"request", FIRST) is None
    assert await answer(database, key, b"request", SECOND) == FIRST
    with pytest.raises(Problem, match="idempotency_key_reused"):
        await answer(database, key, b"another", SECOND)


async def test_an_expired_key_can_be_used_again(database: Database, trial_database: ScratchDatabase) -> None:
    key = str(uuid4())
    await answer(database, key, b"request", FIRST)
    connection = await asyncpg.connect(trial_database.admin)
    await connection.execute("UPDATE idempotency_key SET expires_at = now() - interval '1 s' WHERE key = $1", key)
    await connection.close()
    assert await answer(database, key, b"another", SECOND) is None
    assert await answer(database, key, b"another", FIRST) == SECOND
