"""The audit: one row per command in its transaction, none for a refused one, and a sealed chain that reveals later
changes, even by a superuser."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from demo.main_job import MainJob
from tests import sixth
from tests.conftest import ScratchDatabase
from zhengling.backbone import audit
from zhengling.backbone.audit import Verdict
from zhengling.database.session import Database, enter_government
from zhengling.database.transaction import state_of
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.local.stack import EmbeddedStack

ZHENGLING = Path(sys.executable).with_name("zhengling")
BATCH = 5  # rows in each of the two seals of a chain below


# commands and their rows ---------------------------------------------------------------------------------------------
class RecordingApi(Api):
    """Records the outcome of every command to meeting-svc."""

    def __init__(self, stack: EmbeddedStack, government: str, client: httpx.AsyncClient) -> None:
        super().__init__(stack.addresses(), stack.issuer, government, client)
        self.done: list[str | None] = []
        self.refused: list[str] = []

    async def command(
        self,
        service: str,
        path: str,
        body: Json,
        official: str | None = None,
        version: int | None = None,
        method: str = "POST",
    ) -> Json:
        try:
            answer = await super().command(service, path, body, official, version, method)
        except Refused as refused:
            self.refused.append(refused.code)
            raise
        if service == "meeting":
            self.done.append(official or f"{self.government}-operator")
        return answer


async def rows_of(stack: EmbeddedStack, government: str) -> list[asyncpg.Record]:
    """What commands of this government left in meeting-svc's audit, in their order; events and timers aside."""
    connection = await asyncpg.connect(stack.database_admin_url, database="meeting")
    try:
        return await connection.fetch(
            """SELECT actor, action, subject, details::text, xmin::text FROM audit
               WHERE government = $1 AND actor NOT LIKE 'event:%' AND actor NOT LIKE 'timer:%' ORDER BY pos""",
            government,
        )
    finally:
        await connection.close()


async def test_every_command_of_the_main_job_leaves_one_row_with_its_actor_and_a_refused_one_none(
    stack: EmbeddedStack, client: httpx.AsyncClient
) -> None:
    before = len(await rows_of(stack, sixth.CODE))
    api = RecordingApi(stack, sixth.CODE, client)
    await MainJob(api, sixth.COMPOSITION, sixth.SCENARIO).run()
    rows = (await rows_of(stack, sixth.CODE))[before:]
    assert [row["actor"] for row in rows] == api.done
    assert api.refused == ["not_the_actor"]
    assert {row["action"] for row in rows} == {
        "load_composition", "set_test_clock", "submit_topic", "take_topic_step", "call_meeting", "add_to_agenda",
        "take_agenda_step", "open_session", "record_decision", "close_session", "draft_minutes", "take_minutes_step",
    }  # fmt: skip


async def test_the_row_is_written_by_the_transaction_of_the_change_and_once_for_a_repeated_command(
    stack: EmbeddedStack, client: httpx.AsyncClient
) -> None:
    api = Api(stack.addresses(), stack.issuer, sixth.CODE, client)
    await load_composition(api, sixth.COMPOSITION)
    await api.set_clock(at(date(2026, 2, 3)))
    before = len(await rows_of(stack, sixth.CODE))
    headers = {"Authorization": f"Bearer {api.token('lh-clerk')}", "Idempotency-Key": str(uuid4())}
    body = {"kind": "weekly", "title": "周例会", "day": "2026-02-12"}
    url = f"{stack.addresses()['meeting']}/v1/meetings"
    first, second = [await client.post(url, json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code, second.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json() == second.json()
    (row,) = (await rows_of(stack, sixth.CODE))[before:]
    assert (row["actor"], row["action"], row["subject"]) == (
        "lh-clerk",
        "call_meeting",
        f"meeting:{first.json()['id']}",
    )
    connection = await asyncpg.connect(stack.database_admin_url, database="meeting")
    try:
        meeting = await connection.fetchval("SELECT xmin::text FROM meeting WHERE id = $1", first.json()["id"])
        key = await connection.fetchval(
            "SELECT xmin::text FROM idempotency_key WHERE key = $1", headers["Idempotency-Key"]
        )
    finally:
        await connection.close()
    assert row["xmin"] == meeting == key


@pytest.mark.parametrize(
    ("official", "body", "status"),
    [
        ("lh-water-clerk", {"kind": "weekly", "title": "周例会", "day": "2026-02-12"}, 403),
        ("lh-clerk", {"kind": "weekly", "title": "周例会", "day": "2020-01-01"}, 422),
        ("lh-clerk", {"kind": "weekly"}, 422),
        ("lh-clerk", {"kind": "no_such_kind", "title": "周例会", "day": "2026-02-12"}, 422),
    ],
)
async def test_a_refused_command_leaves_neither_row_nor_key(
    official: str, body: Json, status: int, stack: EmbeddedStack, client: httpx.AsyncClient
) -> None:
    api = Api(stack.addresses(), stack.issuer, sixth.CODE, client)
    await load_composition(api, sixth.COMPOSITION)
    await api.set_clock(at(date(2026, 2, 3)))
    before = len(await rows_of(stack, sixth.CODE))
    headers = {"Authorization": f"Bearer {api.token(official)}", "Idempotency-Key": str(uuid4())}
    answer = await client.post(f"{stack.addresses()['meeting']}/v1/meetings", json=body, headers=headers)
    assert answer.status_code == status
    assert len(await rows_of(stack, sixth.CODE)) == before
    good = {"kind": "weekly", "title": "周例会", "day": "2026-02-12"}
    headers["Authorization"] = f"Bearer {api.token('lh-clerk')}"
    answer = await client.post(f"{stack.addresses()['meeting']}/v1/meetings", json=good, headers=headers)
    assert answer.status_code == 201  # only answers of success are kept: the key is free again


# the chain -----------------------------------------------------------------------------------------------------------
@dataclass
class Chain:
    """A chain of two seals and an unsealed tail in a database of its own, whose worker is this test."""

    scratch: ScratchDatabase
    app: Database
    worker: Database
    government: str = field(default_factory=lambda: f"chain_{uuid4().hex[:8]}")

    async def record(self, count: int, government: str | None = None) -> None:
        async with self.app.transaction(government or self.government) as session:
            for n in range(count):
                details: dict[str, object] = {"n": n, "理由": "因公", "nested": {"b": [1, 2.5, None], "a": True}}
                await audit.record(session, actor="clerk", action="do", subject=f"thing:{n}", details=details)

    async def seal(self) -> None:
        while True:
            async with self.worker.transaction(None) as session:
                if not await audit.seal_once(session):
                    return

    async def build(self) -> None:
        for _ in range(2):
            await self.record(BATCH)
            await self.seal()
        await self.record(2)

    async def verify(self, government: str | None = None) -> Verdict:
        async with self.app.transaction(government or self.government) as session:
            return await audit.verify(session)

    async def tamper(self, statement: str) -> str:
        """As the superuser, on this chain's rows: {mine} picks them, {row} and {other} are two rows of the first seal."""
        connection = await asyncpg.connect(self.scratch.admin)
        try:
            first, second = await connection.fetch(
                "SELECT id FROM audit WHERE government = $1 AND seal = 1 ORDER BY pos LIMIT 2", self.government
            )
            names = {"mine": f"government = '{self.government}'", "row": f"'{first[0]}'", "other": f"'{second[0]}'"}
            return str(await connection.execute(statement.format(**names)))
        finally:
            await connection.close()


@pytest.fixture(scope="module")
async def databases(scratch_database: Callable[..., Any]) -> AsyncIterator[tuple[ScratchDatabase, Database, Database]]:
    scratch = await scratch_database()
    app, worker = Database(scratch.app, application="app"), Database(scratch.worker, application="worker")
    yield scratch, app, worker
    await app.close()
    await worker.close()


@pytest.fixture
async def chain(databases: tuple[ScratchDatabase, Database, Database]) -> Chain:
    made = Chain(*databases)
    await made.build()
    return made


async def test_an_untouched_chain_is_sound_and_counts_unsealed_rows(chain: Chain) -> None:
    found = await chain.verify()
    assert found.findings == []
    assert (found.seals, found.rows, found.unsealed) == (2, 2 * BATCH, 2)
    await chain.seal()
    found = await chain.verify()
    assert (found.sound, found.seals, found.rows, found.unsealed) == (True, 3, 2 * BATCH + 2, 0)


TAMPERING = {
    "an altered actor": ("UPDATE audit SET actor = 'another' WHERE id = {row}", "was altered"),
    "an altered moment": ("UPDATE audit SET at = '2020-01-01T00:00:00+00:00' WHERE id = {row}", "was altered"),
    "an altered detail": ("UPDATE audit SET details = details || '{{\"n\": 7}}' WHERE id = {row}", "was altered"),
    "a row given to another government": ("UPDATE audit SET government = 'x' WHERE id = {row}", "was removed"),
    "an altered hash": ("UPDATE audit SET hash = 'x' WHERE id = {row}", "was altered"),
    "a hash made to fit another row's": (
        "UPDATE audit a SET hash = b.hash FROM audit b WHERE a.id = {row} AND b.id = {other}",
        "was altered",
    ),
    "a removed row": ("DELETE FROM audit WHERE id = {row}", "was removed"),
    "a row removed from its seal too": (
        "WITH gone AS (DELETE FROM audit WHERE id = {row}) "
        "UPDATE audit_seal SET rows = array_remove(rows, {row}) WHERE {mine} AND seal = 1",
        "doesn't match its rows",
    ),
    "rows reordered in their seal": (
        "UPDATE audit_seal SET rows = ARRAY(SELECT unnest(rows) ORDER BY 1 DESC) WHERE {mine} AND seal = 1",
        "doesn't match its rows",
    ),
    "rows reordered where they stand": ("UPDATE audit SET pos = DEFAULT WHERE id = {row}", "were reordered"),
    "two rows that changed places": (
        "UPDATE audit SET id = gen_random_uuid(), details = '{{}}' WHERE id = {row}; "
        "UPDATE audit SET id = {row} WHERE id = {other}; "
        "UPDATE audit SET id = {other} WHERE {mine} AND details = '{{}}'",
        "was altered",
    ),
    "a row moved to another seal": ("UPDATE audit SET seal = 2 WHERE id = {row}", "was moved to seal 2"),
    "a row made unsealed again": ("UPDATE audit SET seal = NULL WHERE id = {row}", "was moved to seal None"),
    "a row slipped in": (
        "INSERT INTO audit (id, government, at, actor, action, subject, details, hash, seal) SELECT gen_random_uuid(), "
        "government, at, actor, action, subject, details, hash, seal FROM audit WHERE id = {row}",
        "claim a seal",
    ),
    "a seal removed": ("DELETE FROM audit_seal WHERE {mine} AND seal = 1", "seal 1 is missing"),
    "the last seal removed": ("DELETE FROM audit_seal WHERE {mine} AND seal = 2", "claim a seal"),
    "a seal's hash made anew": (
        "UPDATE audit_seal SET hash = sha256('x') WHERE {mine} AND seal = 1",
        "seal 2 doesn't match its rows and the seal before it",
    ),
    "an altered row of the unsealed tail": (
        "UPDATE audit SET subject = 'x' WHERE {mine} AND seal IS NULL",
        "unsealed row",
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_the_chain_shows(what: str, chain: Chain) -> None:
    statement, outcome = TAMPERING[what]
    assert not (await chain.tamper(statement)).endswith(" 0")
    found = await chain.verify()
    assert not found.sound
    assert [finding for finding in found.findings if outcome in finding], found.findings


async def test_a_row_rewritten_with_a_fitting_hash_still_breaks_the_seal(chain: Chain) -> None:
    connection = await asyncpg.connect(chain.scratch.admin)
    row = await connection.fetchrow("SELECT * FROM audit WHERE government = $1 AND seal = 1 LIMIT 1", chain.government)
    forged = audit.row_hash(row["id"], row["government"], row["at"], "another", row["action"], row["subject"], {})
    changed = "UPDATE audit SET actor = 'another', details = '{}', hash = $2 WHERE id = $1"
    await connection.execute(changed, row["id"], forged)
    await connection.close()
    assert (await chain.verify()).findings == ["seal 1 doesn't match its rows and the seal before it"]


async def test_tampering_with_one_governments_chain_leaves_anothers_sound(chain: Chain) -> None:
    other = f"{chain.government}_other"
    await chain.record(3, other)
    await chain.tamper("DELETE FROM audit WHERE id = {row}")
    assert not (await chain.verify()).sound
    found = await chain.verify(other)
    assert (found.sound, found.rows + found.unsealed) == (True, 3)


async def test_two_workers_seal_each_row_once(chain: Chain) -> None:
    await chain.record(20)
    await asyncio.gather(*(chain.seal() for _ in range(4)))
    await chain.seal()
    found = await chain.verify()
    assert (found.findings, found.rows, found.unsealed) == ([], 2 * BATCH + 22, 0)


async def test_a_row_whose_transaction_commits_late_is_sealed_later_and_nothing_looks_reordered(chain: Chain) -> None:
    async with chain.app.transaction(chain.government) as late:
        await audit.record(late, actor="clerk", action="slow", subject="thing", details={})
        await chain.record(1)
        await chain.seal()
    await chain.seal()
    found = await chain.verify()
    assert (found.findings, found.rows, found.unsealed) == ([], 2 * BATCH + 4, 0)


@pytest.mark.parametrize("role", ["app", "worker"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'another'",
        "UPDATE audit SET details = '{}', hash = hash",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "UPDATE audit_seal SET hash = hash",
        "DELETE FROM audit_seal",
        "DROP TABLE audit",
        "ALTER TABLE audit DISABLE ROW LEVEL SECURITY",
        "CREATE TRIGGER t BEFORE INSERT ON audit EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
)
async def test_no_role_of_a_service_can_change_or_remove_what_was_recorded(
    role: str, statement: str, chain: Chain
) -> None:
    database = chain.app if role == "app" else chain.worker
    with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"):
        async with database.transaction(chain.government) as session:
            await session.execute(sa.text(statement))


async def test_the_application_can_neither_seal_nor_record_for_another_government(chain: Chain) -> None:
    insert = "INSERT INTO audit_seal (government, seal, rows, hash) VALUES (current_government(), 9, '{}', 'x')"
    for statement in (insert, "UPDATE audit SET seal = 9"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            async with chain.app.transaction(chain.government) as session:
                await session.execute(sa.text(statement))
    for database in (chain.app, chain.worker):
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
            async with database.transaction(chain.government) as session:
                state_of(session).government = "another"  # a mistake of ours that PostgreSQL has to catch
                await audit.record(session, actor="clerk", action="do", subject="thing", details={})
    async with chain.worker.transaction(None) as session:
        await enter_government(session, chain.government)
        await audit.record(session, actor="event:1", action="on_something", subject="thing", details={})


# from outside --------------------------------------------------------------------------------------------------------
async def sealed(api: Api, rows: int) -> Json:
    """What /v1/audit/verify says once the worker has sealed so many rows and none is left. A row that is sealed between
    its look at the seals and that at the rest is in neither, so the last one alone would be no sign."""
    async with asyncio.timeout(30):
        while (found := await api.get("meeting", "/v1/audit/verify"))["unsealed"] or found["rows"] < rows:
            await asyncio.sleep(0.1)
    return found


def verify_by_hand(stack: EmbeddedStack, token: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ZHENGLING, "audit", "verify", "--url", stack.addresses()["meeting"]],
        env=os.environ | {"ZHENGLING_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_the_api_and_the_command_line_show_an_altered_a_removed_and_a_reordered_row_of_a_running_service(
    stack: EmbeddedStack, client: httpx.AsyncClient
) -> None:
    """By a government of its own, so that no other test sees a broken chain."""
    api = Api(stack.addresses(), stack.issuer, f"audited_{uuid4().hex[:8]}", client)
    body = sixth.COMPOSITION.model_dump(mode="json")
    for version in (None, 1, 2):
        await api.command("meeting", "/v1/composition", body, version=version, method="PUT")
    found = await sealed(api, 3)
    assert (found["sound"], found["rows"], found["findings"]) == (True, 3, [])
    token = api.token(None)
    outcome = await asyncio.to_thread(verify_by_hand, stack, token)
    assert outcome.returncode == 0
    assert "3 rows" in outcome.stdout

    connection = await asyncpg.connect(stack.database_admin_url, database="meeting")
    tampering = (
        ("was altered", "UPDATE audit SET actor = 'nobody' WHERE id = $1"),
        ("was removed", "DELETE FROM audit WHERE id = $1"),
        ("were reordered", "UPDATE audit SET pos = DEFAULT WHERE id = $1"),
    )
    try:
        seals = await connection.fetch("SELECT seal, rows FROM audit_seal WHERE government = $1", api.government)
        # three quick commands may stand in three seals: to reorder, they have to share one
        together = max(seals, key=lambda row: len(row["rows"]))
        first: UUID = together["rows"][0]
        for expected, statement in tampering:
            if expected == "were reordered" and len(together["rows"]) == 1:
                continue  # a chain of rows alone in their seals is covered in the scratch database
            kept = await connection.fetchrow("SELECT * FROM audit WHERE id = $1", first)
            await connection.execute(statement, first)
            found = await api.get("meeting", "/v1/audit/verify")
            assert not found["sound"]
            assert [finding for finding in found["findings"] if expected in finding]
            outcome = await asyncio.to_thread(verify_by_hand, stack, token)
            assert outcome.returncode == 1
            assert "NOT sound" in outcome.stdout
            assert expected in " ".join(outcome.stdout.split())
            await connection.execute("DELETE FROM audit WHERE id = $1", first)
            columns = ", ".join(kept.keys())
            values = ", ".join(f"${n}" for n in range(1, len(kept) + 1))
            await connection.execute(
                f"INSERT INTO audit ({columns}) OVERRIDING SYSTEM VALUE VALUES ({values})", *kept.values()
            )
    finally:
        await connection.close()
    assert (await api.get("meeting", "/v1/audit/verify"))["sound"]


async def test_only_an_administrator_may_verify(stack: EmbeddedStack, client: httpx.AsyncClient) -> None:
    token = stack.issuer.token("clerk", sixth.CODE, scopes=["meeting:read", "meeting:write"])
    answer = await client.get(
        f"{stack.addresses()['meeting']}/v1/audit/verify", headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["missing_scopes"]) == (403, ["meeting:admin"])
    outcome = await asyncio.to_thread(verify_by_hand, stack, token)
    assert outcome.returncode == 2
    assert "insufficient_scope" in outcome.stderr
