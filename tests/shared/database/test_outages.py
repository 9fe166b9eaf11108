"""A database that can't be written to is an outage: 503 and not ready, until it can, and nobody restarts a process for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.conftest import ScratchDatabase
from zhengling.database.session import Database, is_contention, is_outage, is_refused_data


@pytest.fixture
async def scratch(scratch_database: Callable[..., Awaitable[ScratchDatabase]]) -> ScratchDatabase:
    return await scratch_database("CREATE TABLE note (n int);\nGRANT SELECT, INSERT ON note TO $app;\n")


@pytest.fixture
async def database(scratch: ScratchDatabase) -> AsyncIterator[Database]:
    made = Database(scratch.app, application="outages")
    yield made
    await made.close()


async def write(database: Database) -> None:
    async with database.transaction(None) as session:
        await session.execute(sa.text("INSERT INTO note VALUES (1)"))


async def as_superuser(scratch: ScratchDatabase, statement: str) -> None:
    connection = await asyncpg.connect(scratch.admin)
    await connection.execute(statement)
    await connection.close()


async def test_a_primary_that_became_a_standby_is_an_outage_until_another_one_is_there(
    scratch: ScratchDatabase, database: Database
) -> None:
    await write(database)
    await as_superuser(scratch, f'ALTER ROLE "{scratch.name}_app" SET default_transaction_read_only = on')
    await database.engine.dispose()  # what comes now is connected to a server that only reads
    with pytest.raises(DBAPIError) as refused:
        await write(database)
    assert is_outage(refused.value)
    assert refused.value.connection_invalidated
    assert not await database.reachable()
    await as_superuser(scratch, f'ALTER ROLE "{scratch.name}_app" RESET default_transaction_read_only')
    await write(database)  # the connections to the old server were dropped
    assert await database.reachable()


async def test_a_process_to_which_nobody_sends_a_change_finds_the_new_primary_too(
    scratch: ScratchDatabase, database: Database
) -> None:
    await as_superuser(scratch, f'ALTER ROLE "{scratch.name}_app" SET default_transaction_read_only = on')
    assert not await database.reachable()
    async with database.transaction(None) as session:  # reading goes on meanwhile, on connections to the old server
        await session.execute(sa.text("SELECT 1"))
    await as_superuser(scratch, f'ALTER ROLE "{scratch.name}_app" RESET default_transaction_read_only')
    assert not await database.reachable(), "asked on a connection that still leads to the old server"
    assert await database.reachable()


@pytest.mark.parametrize(
    ("sqlstate", "outage", "contention", "data"),
    [
        ("08006", True, False, False),
        ("25006", True, False, False),
        ("53100", True, False, False),
        ("53200", True, False, False),
        ("53300", True, False, False),
        ("57P01", True, False, False),
        ("58030", True, False, False),
        ("40P01", False, True, False),
        ("40001", False, True, False),
        ("22003", False, False, True),
        ("54000", False, False, True),
        ("42P01", False, False, False),
        ("23505", False, False, False),
    ],
)
async def test_an_error_of_the_server_is_told_by_its_sqlstate(
    database: Database, sqlstate: str, outage: bool, contention: bool, data: bool
) -> None:
    raises = sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'as it happens' USING ERRCODE = '{sqlstate}'; END $$")
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction(None) as session:
            await session.execute(raises)
    error = caught.value
    assert (is_outage(error), is_contention(error), is_refused_data(error)) == (outage, contention, data)
