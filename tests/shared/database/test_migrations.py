"""Every service's schema goes up, down to nothing, and up again; numbers from before the register are all in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import TypeAdapter

import calendar_svc.app
import docflow_svc.app
import meeting_svc.app
import oversight_svc.app
from zhengling.authority.waivers import Waiver
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
                 ('by-rule', date '2026-03-05', 'rule', 'open', true),
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
    await insert(
        connection,
        "deadline",
        id=str(uuid4()),
        government="xigang",
        subject_type="entry",
        subject_id="by-rule",
        rule="feedback",
        due="2026-03-05",
        due_at="2026-03-06T00:00Z",
        state="running",
    )
    before = await connection.fetch("SELECT * FROM ledger_entry ORDER BY id")
    await asyncio.to_thread(migrate_database, migrations, owner, "0004")
    rows = [tuple(row) for row in await connection.fetch(_STATED)]
    dates = {row["id"]: (row["due"], row["due_at"]) for row in before}
    assert rows == [
        ("by-decision", "decision", "decision", dates["by-decision"][0], *dates["by-decision"], "running", False),
        ("by-rule", "rule", "feedback", None, *dates["by-rule"], "running", True),
        ("late", "office", "office", dates["late"][0], *dates["late"], "running", True),
        ("revoked", "decision", "decision", dates["revoked"][0], *dates["revoked"], "cancelled", False),
    ]
    await asyncio.to_thread(migrate_database, migrations, owner, "-1")
    assert await connection.fetch("SELECT * FROM ledger_entry ORDER BY id") == before
    assert await connection.fetchval("SELECT array_agg(subject_id) FROM deadline") == ["by-rule"]
    await connection.close()


LEDGER = """
INSERT INTO number_series (government, series, last) VALUES
    ('dalian', 'ledger:2025', 1), ('dalian', 'ledger:2026', 11), ('xigang', 'ledger:2026', 2);
INSERT INTO ledger_entry (id, government, version, edition, number, source_kind, source_id, title, task, lead, co_units,
                          difficulty, clause, assigned_at, opened_at, due_basis, provisional, state, origin)
SELECT 'entry-' || source, government, 1, 'e', number, 'meeting_decision', source, 't', 't', '{}', '[]', 'general', 'c',
       CAST(day || 'T20:00:00Z' AS timestamptz), now(), 'to_be_set', false, 'open', '{}'
FROM (VALUES ('dalian', 'a', '大政督〔2025〕1号', '2025-12-30'), ('dalian', 'b', '大政督〔2026〕1号', '2025-12-31'),
             ('xigang', 'c', '西政2督〔2026〕第3类2号', '2026-02-01'), ('xigang', 'd', '西政2督〔2026〕第3类1号', '2026-02-01')
      UNION ALL SELECT 'dalian', 'x' || n, '大政督〔2026〕' || n || '号', '2026-03-01' FROM generate_series(2, 11) n WHERE n <> 7)
    AS e (government, source, number, day);
INSERT INTO audit (id, government, at, actor, action, subject, details, hash)
VALUES (gen_random_uuid(), 'dalian', 'then', 'event:17', 'on_decision_adopted', 'b', '{}', '');
"""
MINUTES = """
INSERT INTO minutes_series (government, kind, year, last) VALUES
    ('dalian', 'executive', 2026, 2), ('dalian', 'plenary', 2026, 1);
INSERT INTO meeting (id, government, version, edition, kind, title, day, called_by, state, agenda, agenda_steps, members,
                     attendance, resolutions, minutes_steps)
SELECT id, 'dalian', 1, 'e', kind, 't', '2026-02-01', 'clerk', 'signed', '[]', '[]', '[]', '[]', '[]', '[]'
FROM (VALUES ('m1', 'executive'), ('m2', 'executive'), ('m3', 'plenary'), ('m4', 'plenary')) m (id, kind);
INSERT INTO minutes (id, government, version, meeting_id, number, text, drafted_by, state, signed_by, signed_at, issue,
                     drafted_at, recorded_at, steps, cause, corrects)
SELECT id, 'dalian', 1, meeting, number, 't', 'clerk', state, signed_by, signed_at, issue, now(), now(), '[]', cause, corrects
FROM (VALUES ('v1', 'm1', 1, 'superseded', NULL, NULL::timestamptz, NULL, 'draft', NULL::integer),
             ('v2', 'm1', 2, 'signed', 'mayor', '2026-02-03', '〔2026〕2号', 'redraft', NULL),
             ('v3', 'm1', 3, 'signed', 'deputy', '2026-02-09', '〔2026〕2号', 'correction', 2),
             ('v4', 'm2', 1, 'signed', 'mayor', '2026-02-02', '〔2026〕1号', 'draft', NULL),
             ('v5', 'm3', 1, 'signed', 'mayor', '2026-02-05', '〔2026〕1号', 'draft', NULL),
             ('v6', 'm4', 1, 'waived', 'mayor', '2026-02-05', NULL, 'waiver', NULL))
    AS v (id, meeting, number, state, signed_by, signed_at, issue, cause, corrects);
"""
_REGISTER = """
    SELECT government, series, period, n, text, subject_noun, subject_id, state, given_by FROM number
    ORDER BY government, series, period, n
"""


async def moved(
    service: str, revisions: tuple[str, str], script: str, url: tuple[str, str], series: str
) -> list[tuple[Any, ...]]:
    """The register after the upgrade of a database that the version before wrote. The downgrade restores `series`."""
    owner, admin = url
    await asyncio.to_thread(migrate_database, PROGRAMS[service].migrations, owner, revisions[0])
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute(script)
        was = await connection.fetch(f"SELECT * FROM {series} ORDER BY 1, 2, 3")
        await asyncio.to_thread(migrate_database, PROGRAMS[service].migrations, owner, revisions[1])
        register = [tuple(row) for row in await connection.fetch(_REGISTER)]
        forced = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
        assert await connection.fetchval(forced) == 0
        await asyncio.to_thread(migrate_database, PROGRAMS[service].migrations, owner, "-1")
        assert await connection.fetch(f"SELECT * FROM {series} ORDER BY 1, 2, 3") == was
        return register
    finally:
        await connection.close()


async def test_every_number_of_the_ledger_moves_to_the_register_with_its_decision(
    empty_database: tuple[str, str],
) -> None:
    found = await moved("oversight", ("0004", "0005"), LEDGER, empty_database, "number_series")
    used = [row for row in found if row[7] == "used"]
    assert [row for row in found if row[7] != "used"] == [
        ("dalian", "ledger", 2026, 7, "2026/7", "unknown", "", "void", "migration")
    ]
    assert used[:2] == [
        ("dalian", "ledger", 2025, 1, "大政督〔2025〕1号", "decision", "a", "used", "migration"),
        ("dalian", "ledger", 2026, 1, "大政督〔2026〕1号", "decision", "b", "used", "event:17"),
    ]
    assert [row[3] for row in found if row[:3] == ("dalian", "ledger", 2026)] == list(range(1, 12))
    assert [(row[4], row[6]) for row in found if row[0] == "xigang"] == [
        ("西政2督〔2026〕第3类1号", "d"), ("西政2督〔2026〕第3类2号", "c"),
    ]  # fmt: skip


async def test_every_number_of_minutes_moves_to_the_register_with_those_first_signed_under_it(
    empty_database: tuple[str, str],
) -> None:
    assert await moved("meeting", ("0010", "0011"), MINUTES, empty_database, "minutes_series") == [
        ("dalian", "minutes:executive", 2026, 1, "〔2026〕1号", "minutes", "v4", "used", "mayor"),
        ("dalian", "minutes:executive", 2026, 2, "〔2026〕2号", "minutes", "v2", "used", "mayor"),
        ("dalian", "minutes:plenary", 2026, 1, "〔2026〕1号", "minutes", "v5", "used", "mayor"),
    ]


async def insert(connection: asyncpg.Connection, table: str, **values: str) -> None:
    """A row with these values, as text; any other required column gets the plainest value of its type."""
    plain = {"jsonb": "[]", "date": "2028-03-06", "timestamp with time zone": "2028-03-06T08:00Z", "boolean": "false"}
    required = await connection.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1 AND is_nullable = 'NO'"
        " AND column_default IS NULL",
        table,
    )
    row = {name: plain.get(kind, "1") for name, kind in required} | values
    texts = ", ".join("'" + value.replace("'", "''") + "'" for value in row.values())
    await connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({texts})")


_PLANNING = {"rule": "late", "clause": "XG-37", "covers": ["2026-03-16"], "detail": "已迟1个工作日"}
_BY = {"official": "xg-head", "reason": "同意", "occurred_at": "2026-03-02T01:00:00Z", "on_behalf_of": None}
_DAYS = {"rule": "pair", "clause": "HC-75", "covers": ["2028-03-06", "2028-03-07"], "detail": ""}
WAIVERS = [
    (
        "meeting",
        ("0011", "0012"),
        ("planning_request", {"state": "requested", "in_name_of": "government"}),
        {name: value for name, value in _PLANNING.items() if name != "rule"} | {"hindrance": "late"},
        _PLANNING,
    ),
    (
        "calendar",
        ("0004", "0005"),
        ("absence", {"state": "approved"}),
        {"limit": "pair", "clause": "HC-75", "since": "2028-03-06", "until": "2028-03-07"},
        _DAYS,
    ),
]


@pytest.mark.parametrize(("service", "revisions", "row", "old", "new"), WAIVERS)
async def test_waivers_given_before_are_kept(
    service: str,
    revisions: tuple[str, str],
    row: tuple[str, dict[str, str]],
    old: dict[str, object],
    new: dict[str, object],
    empty_database: tuple[str, str],
) -> None:
    owner, admin = empty_database
    migrations, (table, values), (before, after) = PROGRAMS[service].migrations, row, revisions
    await asyncio.to_thread(migrate_database, migrations, owner, before)
    connection = await asyncpg.connect(admin)
    await insert(connection, table, id="a", lifts=json.dumps([old | _BY, old | _BY | {"reason": "另"}]), **values)
    await insert(connection, table, id="b", lifts="[]", **values)
    lifts = f"SELECT lifts FROM {table} ORDER BY id"
    for revision, found in ((after, old | new), (before, old)):
        await asyncio.to_thread(migrate_database, migrations, owner, revision)
        (first, second) = [json.loads(each["lifts"]) for each in await connection.fetch(lifts)]
        assert first == [found | _BY, found | _BY | {"reason": "另"}]
        assert second == []
    await connection.close()


async def test_papers_admitted_late_before_stay_admitted_for_their_meeting(empty_database: tuple[str, str]) -> None:
    owner, admin = empty_database
    migrations = PROGRAMS["meeting"].migrations
    await asyncio.to_thread(migrate_database, migrations, owner, "0013")
    connection = await asyncpg.connect(admin)
    when = "2026-03-02T01:00:00Z"
    old = {"meeting_id": "m1", "admitted_by": "xg-head", "reason": "紧急", "working_days_late": 2, "occurred_at": when}
    await insert(connection, "topic", id="a", state="ready", late_admission=json.dumps(old))
    await insert(connection, "topic", id="b", state="ready")
    stored = "SELECT late_admission FROM topic ORDER BY id"
    await asyncio.to_thread(migrate_database, migrations, owner, "0014")
    admitted, none = [row[0] and json.loads(row[0]) for row in await connection.fetch(stored)]
    waiver = TypeAdapter(Waiver).validate_python(admitted)
    assert (waiver.covers, waiver.official, waiver.reason) == (("m1", "1", "2"), "xg-head", "紧急")
    assert none is None
    await asyncio.to_thread(migrate_database, migrations, owner, "0013")
    admitted, _ = [row[0] and json.loads(row[0]) for row in await connection.fetch(stored)]
    assert admitted == old
    await connection.close()


async def test_topics_that_were_decided_before_refer_to_their_decisions(empty_database: tuple[str, str]) -> None:
    owner, admin = empty_database
    migrations = PROGRAMS["meeting"].migrations
    await asyncio.to_thread(migrate_database, migrations, owner, "0012")
    connection = await asyncpg.connect(admin)
    await connection.execute("SET session_replication_role = replica")  # the rows belong to no composition
    closed = datetime(2026, 3, 1, 4, tzinfo=UTC)
    for meeting, at in (("m1", closed), ("m2", closed + timedelta(days=7))):
        await insert(connection, "meeting", id=meeting, state="signed", closed_at=at.isoformat())
    await insert(connection, "meeting", id="open", state="open")
    for topic in ("t1", "t2"):
        await insert(connection, "topic", id=topic, state="concluded")
    for n, (meeting, topic, standing) in enumerate(
        (("m2", "t1", "adopted"), ("m1", "t1", "recorded"), ("open", "t2", "recorded"), ("m1", "t2", "withdrawn")), 1
    ):
        resolution = json.dumps({"number": n})
        await insert(
            connection,
            "decision",
            id=f"d{n}",
            meeting_id=meeting,
            topic_id=topic,
            standing=standing,
            resolution=resolution,
        )
    before = await connection.fetch("SELECT * FROM topic ORDER BY id")
    await asyncio.to_thread(migrate_database, migrations, owner, "0013")
    rows = await connection.fetch("SELECT id, decisions FROM topic")
    found = {row["id"]: json.loads(row["decisions"]) for row in rows}
    assert [(each["id"], each["number"]) for each in found["t1"]] == [("d2", "2"), ("d1", "1")]
    assert found["t2"] == []
    await asyncio.to_thread(migrate_database, migrations, owner, "0012")
    assert await connection.fetch("SELECT * FROM topic ORDER BY id") == before
    await connection.close()


async def test_rows_from_before_are_listed_under_their_readers(empty_database: tuple[str, str]) -> None:
    owner, admin = empty_database
    migrations = PROGRAMS["meeting"].migrations
    await asyncio.to_thread(migrate_database, migrations, owner, "0017")
    connection = await asyncpg.connect(admin)
    await connection.execute("""
        INSERT INTO file_content (government, sha256) VALUES ('xigang', repeat('a', 64));
        INSERT INTO file (id, government, name, media_type, size, sha256, uploaded_by, uploaded_at)
            VALUES ('f1', 'xigang', '正文.pdf', 'application/pdf', 1, repeat('a', 64), 'xg-clerk', now());
    """)
    await asyncio.to_thread(migrate_database, migrations, owner, "head")
    listed = await connection.fetch("SELECT government, reader, id FROM file_reader")
    await connection.close()
    assert [tuple(row) for row in listed] == [("xigang", "p:xg-clerk", "f1")]
