"""A transaction that PostgreSQL aborts because of another one is answered as such, and repeating it is safe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.caller import Caller
from zhengling.local.stack import EmbeddedStack

REASON = {"reason": "sent by a test of the network"}
_ABORTS = """
    CREATE FUNCTION abort_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'aborted for another transaction' USING ERRCODE = '{sqlstate}'; END $$;
    CREATE TRIGGER abort_{name} BEFORE UPDATE ON poison FOR EACH ROW WHEN (NEW.id = '{identity}')
        EXECUTE FUNCTION abort_{name}();
"""


@pytest.fixture
async def books(stack: EmbeddedStack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database_admin_url, database="oversight")
    yield connection
    await connection.close()


@pytest.fixture
async def record(books: asyncpg.Connection) -> AsyncIterator[UUID]:
    identity = await books.fetchval(
        "INSERT INTO poison (consumer, topic, part, koffset, digest, raw, error) "
        "VALUES ('oversight', $1, 0, 0, '', '', 'unreadable') RETURNING id",
        f"contended-{uuid4().hex[:8]}",
    )
    yield identity
    await books.execute("DELETE FROM poison WHERE id = $1", identity)


@pytest.mark.parametrize("sqlstate", ["40P01", "40001", "55P03"])
async def test_a_deadlock_or_the_like_is_answered_503_and_the_command_can_be_repeated(
    caller: Caller, books: asyncpg.Connection, record: UUID, sqlstate: str
) -> None:
    name, path, key = uuid4().hex[:8], f"/v1/events/poison/{record}/discard", str(uuid4())
    await books.execute(_ABORTS.format(name=name, sqlstate=sqlstate, identity=record))
    try:
        refused = await caller.post("oversight", path, json=REASON, key=key)
    finally:
        await books.execute(f"DROP FUNCTION abort_{name} CASCADE")
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (503, "busy", "1")
    again = await caller.post("oversight", path, json=REASON, key=key)
    assert (again.status_code, again.json()["status"]) == (202, "awaiting_second_person")
