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


_ENTRIES = """
    INSERT INTO ledger_entry (id, government, version, edition, number, source_kind, source_id, title, task, lead, co_units,
        difficulty, clause, assigned_at, opened_at, due, due_at, due_basis, due_rule, due_clause, provisional, state, overdue_at,
        origin)
    SELECT id, 'xigang', 3, '2023-08-07', id, 'meeting_decision', id, 't', 't', '{}', '[]', 'general', 'XG-52',
        '2026-03-02T02:00Z', '2026-03-02T02:00Z', due, due + 1, basis, NULL, NULL, false, state,
        CASE WHEN overdue THEN due + interval '1 day' END, '{}'
    FROM (VALUES ('by-decision', date '2026-03-20', 'decision', 'open', false),
                 ('late', date '2026-03-05', 'office', 'open', true),
                 ('revoked', date '2026-03-20', 'decision', 'revoked', false),
                 ('to-be-set', NULL, 'to_be_set', 'open', false)) AS e (id, due, basis, state, overdue)
"""
_STATED = """
    SELECT subject_id, basis, rule, stated, due, due_at, state, passed_at IS NOT NULL FROM deadline ORDER BY subject_id
"""


async def test_a_ledger_of_the_version_before_keeps_every_date_as_a_row_of_its_own(
    empty_database: tuple[str, str],
) -> None:
    owner, admin = empty_database
    migrations = PROGRAMS["oversight"].migrations
    connection = await asyncpg.connect(admin)
    await asyncio.to_thread(migrate_database, migrations, owner, "0003")
    await connection.execute(_ENTRIES)
    before = await connection.fetch("SELECT * FROM ledger_entry ORDER BY id")
    await asyncio.to_thread(migrate_database, migrations, owner, "0004")
    rows = [tuple(row) for row in await connection.fetch(_STATED)]
    dates = {row["id"]: (row["due"], row["due_at"]) for row in before}
    assert rows == [
        ("by-decision", "decision", "decision", dates["by-decision"][0], *dates["by-decision"], "running", False),
        ("late", "office", "office", dates["late"][0], *dates["late"], "running", True),
        ("revoked", "decision", "decision", dates["revoked"][0], *dates["revoked"], "cancelled", False),
    ]
    await asyncio.to_thread(migrate_database, migrations, owner, "-1")
    assert await connection.fetch("SELECT * FROM ledger_entry ORDER BY id") == before
    assert await connection.fetchval("SELECT count(*) FROM deadline") == 0
    await connection.close()
