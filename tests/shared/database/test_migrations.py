"""Every service's schema goes up, down to nothing, and up again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

import calendar_svc.app
import docflow_svc.app
import meeting_svc.app
import oversight_svc.app
from zhengling.database.bootstrap import Passwords, bootstrap_database
from zhengling.local.stack import EmbeddedStack
from zhengling.service.program import migrate_database

PROGRAMS = {
    service.PROGRAM.name: service.PROGRAM
    for service in (meeting_svc.app, docflow_svc.app, oversight_svc.app, calendar_svc.app)
}

_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
_FUNCTIONS = "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'"


@pytest.fixture
async def empty_database(stack: EmbeddedStack) -> AsyncIterator[tuple[str, str]]:
    """The owner's and the superuser's URL of a database without any table."""
    name, passwords = f"scratch_{uuid4().hex[:10]}", Passwords.random()
    await bootstrap_database(stack.database_admin_url, name, passwords)
    server = stack.database_admin_url.rsplit("/", 1)[0]
    yield f"postgresql://{name}_owner:{passwords.owner}@{server.split('@', 1)[1]}/{name}", f"{server}/{name}"
    connection = await asyncpg.connect(stack.database_admin_url)
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    for role in ("owner", "app", "worker"):
        await connection.execute(f'DROP ROLE "{name}_{role}"')
    await connection.close()


@pytest.mark.parametrize("service", PROGRAMS)
async def test_a_schema_goes_up_down_and_up_again(service: str, empty_database: tuple[str, str]) -> None:
    owner, admin = empty_database
    connection = await asyncpg.connect(admin)
    counts = []
    for revision in ("head", "base", "head"):
        await asyncio.to_thread(migrate_database, PROGRAMS[service].migrations, owner, revision)
        counts.append((await connection.fetchval(_TABLES), await connection.fetchval(_FUNCTIONS)))
    await connection.close()
    assert counts[0] == counts[2]
    assert counts[0][0] >= 15
    assert counts[1] == (0, 0)
