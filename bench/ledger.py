"""The supervision ledger with a million entries of five governments: the dashboard's numbers, a filtered page, a number, and the
scan for what is due.

Each question is asked twice: in the database, where our statement stands beside one written by hand for the same question,
without row-level security; and over HTTP, where our API process stands beside `bench.bare` with the SQL by hand. The entries are
copies of one whose course has begun: of 40 units, 8 leaders and 10 years, one in ten running. `BENCH_ENTRIES` is their number.
What is due is scanned as the worker does, among as many timers; its baseline is the same scan among 10,000.
"""

from __future__ import annotations

import os
import pickle
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import asyncpg
import httpx
import psutil
import yaml
from sqlalchemy.ext.asyncio import AsyncSession

from bench.bare import Recipe
from bench.http import Operation, admin_url, http, load, record
from bench.table import Row
from demo.main_job import MainJob, Scenario
from zhengling.authority.composition import Composition
from zhengling.backbone import timers
from zhengling.database.session import Database
from zhengling.local.client import Api, Json, at, office_clerk
from zhengling.local.processes import ServiceProcess, free_port
from zhengling.local.stack import EmbeddedStack

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "demo"
GOVERNMENT = "xigang"
ENTRIES = int(os.environ.get("BENCH_ENTRIES", "1000000"))
SIZES = tuple(size for size in (10_000, 100_000, 1_000_000) if size <= max(ENTRIES, 10_000))
DUE = 100
ROUNDS, REQUESTS = 3, 20
MARK = 3.0
UNIT, LEADERS, NUMBER = "unit-7", 8, "督〔2026〕77777号"
Statement = tuple[str, tuple[Any, ...]]
#: The columns of a copy that differ from the original's. One in ten is running; of those one in ten is overdue.
_COPIED = {
    "id": "'copy-' || n",
    "government": "(ARRAY['xigang', 'dalian', 'shuangtaizi', 'huancui', 'zhanqian'])[1 + n % 5]",
    "number": "CASE WHEN n = $1 / 10 * 5 THEN $3 ELSE '督〔2026〕第' || n || '号' END",
    "source_id": "'source-' || n",
    "lead": "jsonb_build_object('code', 'unit-' || n / 50 % 40, 'name', '单位' || n / 50 % 40)",
    "leader": "'leader-' || n / 50 % 8",
    "category": "'category-' || n / 7 % 8",
    "source_kind": "(ARRAY['meeting_decision', 'instruction', 'key_project', 'work_report'])[1 + n / 11 % 4]",
    "state": """CASE WHEN n / 5 % 10 > 0 THEN 'closed'
        ELSE (ARRAY['open', 'accepted', 'reported', 'verified'])[1 + n / 2000 % 4] END""",
    "opened_at": "moment",
    "assigned_at": "moment",
    "due": "falls",
    "due_at": "falls + interval '16 hours'",
    "met_at": "CASE WHEN n / 5 % 10 > 0 THEN moment + interval '20 days' END",
    "late": "CASE WHEN n / 5 % 10 > 0 THEN n % 13 = 0 END",
    "closed_at": "CASE WHEN n / 5 % 10 > 0 THEN moment + interval '30 days' END",
    "modified_at": "moment + n * interval '1 millisecond'",
}
_COPY = """
    INSERT INTO ledger_entry ({columns}) SELECT {values} FROM ledger_entry,
        LATERAL (SELECT n, moment, (moment + CASE WHEN n / 8000 % 10 > 0 AND n / 5 % 10 = 0 THEN interval '400 days' * 10
                                             ELSE interval '30 days' END)::date AS falls
                 FROM (SELECT n, timestamptz '2026-12-01Z' - ($1 - n) * interval '10 years' / $1 AS moment
                       FROM generate_series(1, $1::integer) AS n) AS each) AS copies
    WHERE ledger_entry.id = $2
"""
_LIGHT = """CASE WHEN state IN ('closed', 'revoked') THEN 'ended' WHEN due IS NULL THEN 'undated'
    WHEN met_at IS NOT NULL AND late THEN 'overdue' WHEN met_at IS NOT NULL THEN 'in_time' WHEN suspended THEN 'suspended'
    WHEN due_at <= $1 AND due < $2 THEN 'long_overdue' WHEN due_at <= $1 THEN 'overdue'
    WHEN due <= $3 THEN 'due_soon' ELSE 'in_time' END"""
#: The dashboard's numbers by hand: the same counts, of one scan of the index that has all of their columns.
_NUMBERS = f"""
    WITH counted AS (
        SELECT lead_code, leader, category, source_kind, state, light, late, opened, due, closed, count(*)::integer AS n,
               opened_month, due_month, closed_month
        FROM (SELECT *, opened_month IS NOT NULL AS opened, due_month IS NOT NULL AS due, closed_month IS NOT NULL AS closed
              FROM (SELECT lead_code, leader, category, source_kind, state, late, {_LIGHT} AS light,
                           CASE WHEN opened_at >= $4 AND opened_at < $5 THEN date_part('month', opened_at) END AS opened_month,
                           CASE WHEN due >= $6 AND due < $7 THEN date_part('month', due) END AS due_month,
                           CASE WHEN state = 'closed' AND closed_at >= $4 AND closed_at < $5
                                THEN date_part('month', closed_at) END AS closed_month
                    FROM ledger_entry WHERE government = $8 AND readers && ARRAY['@']) AS every
              WHERE state NOT IN ('closed', 'revoked') OR opened_month IS NOT NULL OR due_month IS NOT NULL
                 OR closed_month IS NOT NULL) AS matter
        GROUP BY GROUPING SETS ((lead_code, leader, category, source_kind, state, light, late, opened, due, closed),
                                (opened_month), (due_month), (closed_month, late)))
    SELECT lead_code, leader, category, source_kind, state, light, opened_month, due_month, closed_month, sum(n) AS n,
           sum(n) FILTER (WHERE opened) AS opened, sum(n) FILTER (WHERE due) AS due, sum(n) FILTER (WHERE closed) AS closed,
           sum(n) FILTER (WHERE closed AND NOT late) AS in_time, sum(n) FILTER (WHERE closed AND late) AS late,
           sum(n) FILTER (WHERE state NOT IN ('closed', 'revoked')) AS running,
           sum(n) FILTER (WHERE state IN ('reported', 'verified')) AS done,
           sum(n) FILTER (WHERE light = 'due_soon') AS due_soon, sum(n) FILTER (WHERE light = 'overdue') AS overdue,
           sum(n) FILTER (WHERE light = 'long_overdue') AS long_overdue
    FROM counted GROUP BY GROUPING SETS ((lead_code), (leader), (category), (source_kind), (state), (light), (opened_month),
                                         (due_month), (closed_month), ())
"""
_PAGE = """
    SELECT * FROM ledger_entry WHERE government = $1 AND lead_code = $2 AND state = 'accepted'
    ORDER BY modified_at, id LIMIT 51
"""
_NUMBER = "SELECT * FROM ledger_entry WHERE government = $1 AND number = $2"
_TIMERS = """
    INSERT INTO timer (id, government, kind, subject_id, due_at, generation)
    SELECT gen_random_uuid(), 'xigang', 'bench', 't-' || n, business_now() - ($1::integer - n) * interval '1 day', 1
    FROM generate_series($2::integer + 1, $3::integer) AS n
"""


async def prepare(stack: EmbeddedStack, api: Api) -> None:
    """One entry whose course has begun, and a ledger of its copies."""
    people = Composition.model_validate(yaml.safe_load((DEMO / f"compositions/{GOVERNMENT}.yaml").read_text("utf-8")))
    whole = Scenario.model_validate(yaml.safe_load((DEMO / "scenarios.yaml").read_text("utf-8"))[GOVERNMENT])
    report = await MainJob(api, people, whole.model_copy(update={"breach": None})).run()
    entry: Json = report.landed[0].entry
    for act in ("acceptance", "progress"):
        path, by = f"/v1/entries/{entry['id']}/{act}", entry["next"]["officials"][0]
        said = {"text": "已完成招标，正在组织施工，预计年底前完工"} if act == "progress" else {}
        entry = await api.command("oversight", path, said, by, entry["version"])
    await api.set_clock(at(date(2026, 12, 1)))
    await fill(admin_url(stack, "oversight"), entry["id"])


_INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes JOIN pg_class ON relname = indexname JOIN pg_index ON indexrelid = pg_class.oid
    WHERE tablename = 'ledger_entry' AND NOT indisunique
"""
_READERS = """
    INSERT INTO ledger_entry_reader SELECT government, reader, modified_at, id FROM ledger_entry, unnest(readers) AS reader
    WHERE reader <> '@' AND id LIKE 'copy-%'
"""


async def fill(url: str, entry_id: str) -> None:
    """Copy the entry; its indexes and readers are made afterwards, which is faster."""
    connection = await asyncpg.connect(url, command_timeout=3600)
    try:
        found = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'ledger_entry' AND is_generated = 'NEVER'"
        )
        values = {row[0]: _COPIED.get(row[0], f"ledger_entry.{row[0]}") for row in found}
        statement = _COPY.format(columns=", ".join(values), values=", ".join(values.values()))
        indexes = await connection.fetch(_INDEXES)
        await connection.execute(f"DROP INDEX {', '.join(row[0] for row in indexes)}")
        await connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
        await connection.execute(statement, ENTRIES, entry_id, NUMBER)
        await connection.execute(_READERS)
        for row in indexes:
            await connection.execute(row[1])
        await connection.execute("VACUUM ANALYZE ledger_entry, ledger_entry_reader")
    finally:
        await connection.close()


async def run() -> list[Row]:
    with (
        TemporaryDirectory(prefix="zhengling-bench-") as folder,
        EmbeddedStack(rulebooks=[ROOT / "rulebooks"], log_level="WARNING") as stack,
    ):
        async with httpx.AsyncClient(timeout=30) as client:
            api = Api(stack.addresses(), stack.issuer, GOVERNMENT, client)
            await prepare(stack, api)
        for process in stack.processes.values():
            if process.role == "worker":
                process.stop()
        rows = await questions(stack, api, Path(folder))
        return rows + await due(stack)


def asked() -> dict[str, tuple[str, str, tuple[Any, ...]]]:
    """Question → what ours is asked, and the baseline's statement with its parameters."""
    moment, days = at(date(2026, 12, 1)), (date(2026, 11, 17), date(2026, 12, 3))
    period = (at(date(2026, 1, 1), 0), at(date(2027, 1, 1), 0), date(2026, 1, 1), date(2027, 1, 1))
    return {
        "the dashboard's numbers": ("/v1/entries/numbers", _NUMBERS, (moment, *days, *period, GOVERNMENT)),
        "a page of 50 of one unit and state": (
            f"/v1/entries?lead={UNIT}&state=accepted&limit=50", _PAGE, (GOVERNMENT, UNIT),
        ),
        "the entry with a number": (f"/v1/entries?number={NUMBER}", _NUMBER, (GOVERNMENT, NUMBER)),
    }  # fmt: skip


async def questions(stack: EmbeddedStack, api: Api, folder: Path) -> list[Row]:
    people = Composition.model_validate(yaml.safe_load((DEMO / f"compositions/{GOVERNMENT}.yaml").read_text("utf-8")))
    authorised = {"Authorization": f"Bearer {api.token(office_clerk(people))}"}
    requests = {
        what: http("GET", httpx.URL(path).raw_path.decode(), authorised) for what, (path, _, _) in asked().items()
    }
    rows = []
    for what, (_, statement, parameters) in asked().items():
        operation = Operation("ledger", what, "oversight", lambda n, of=what: requests[of])
        sent = await record(stack, operation, requests[what])
        (ours,) = (each for each in sent if "FROM ledger_entry" in each[0])
        rows.append(await in_database(stack, what, ours, (statement, parameters)))
    return rows + await over_http(stack, requests, folder)


async def in_database(stack: EmbeddedStack, what: str, ours: Statement, by_hand: Statement) -> Row:
    """The statement that ours sends, as its role and under row-level security, beside that by hand."""
    sides = {
        "ours": (await asyncpg.connect(stack.database_url("oversight", "app")), *ours),
        "by hand": (await asyncpg.connect(admin_url(stack, "oversight")), *by_hand),
    }
    await sides["ours"][0].execute(f"SELECT set_config('app.government', '{GOVERNMENT}', false)")
    taken: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    for turn in range(ROUNDS + 1):
        for side, (connection, statement, parameters) in sides.items():
            server = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
            prepared, each = await connection.prepare(statement), list[float]()
            before = sum(server.cpu_times()[:2])
            for _ in range(REQUESTS):
                began = perf_counter()
                await prepared.fetch(*parameters)
                each.append((perf_counter() - began) * 1e3)
            if turn:
                taken[side].append((median(each), (sum(server.cpu_times()[:2]) - before) * 1e3 / REQUESTS))
    for connection, _, _ in sides.values():
        await connection.close()
    (ours_wall, ours_worked), (wall, worked) = (medians(taken[side]) for side in sides)
    note = f"processor of PostgreSQL {ours_worked:.1f} beside {worked:.1f} ms"
    return Row(f"{what}, of {ENTRIES:,}: in the database", ours_wall, "ms", wall, "SQL by hand", MARK, note)


def medians(taken: list[tuple[float, float]]) -> list[float]:
    return [median(values) for values in zip(*taken, strict=True)]


async def over_http(stack: EmbeddedStack, requests: dict[str, bytes], folder: Path) -> list[Row]:
    """The whole request, beside the SQL by hand behind a bare HTTP server: what authentication, the transaction and the views
    cost beside the question."""
    recipes = {
        f"q{n}": Recipe(admin_url(stack, "oversight"), [statement], [[parameters]], 0)
        for n, (_, statement, parameters) in enumerate(asked().values())
    }
    (folder / "recipes").write_bytes(pickle.dumps(recipes))
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PORT": str(port), "METRICS_PORT": str(port)}
    command = [sys.executable, "-m", "bench.bare", str(folder / "recipes"), str(port)]
    rows = []
    with ServiceProcess("bare", "api", command, environment, folder / "bare.log") as bare:
        for n, (what, request) in enumerate(requests.items()):
            sides = {
                "ours": (stack.processes["oversight-api-0"], request),
                "bare": (bare, http("POST", f"/q{n}/0", {}, {})),
            }
            taken: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
            for turn in range(ROUNDS + 1):
                for side, (process, content) in sides.items():
                    api = psutil.Process(process.pid)
                    before = sum(api.cpu_times()[:2])
                    wall, _ = await load(process.url, [content] * REQUESTS, 1)
                    if turn:
                        taken[side].append((wall, (sum(api.cpu_times()[:2]) - before) * 1e3 / REQUESTS))
            (ours, worked), (wall, bare_worked) = (medians(taken[side]) for side in sides)
            note = f"processor of the API {worked:.1f} beside {bare_worked:.1f} ms"
            title = f"{what}, of {ENTRIES:,}: the request"
            rows.append(Row(title, ours, "ms", wall, "FastAPI, asyncpg, SQL by hand", note=note))
    return rows


async def due(stack: EmbeddedStack) -> list[Row]:
    """The worker's scan of what is due: as many timers are due, whatever the number of those that aren't."""
    database = Database(stack.database_url("oversight", "worker"), application="bench")
    admin = await asyncpg.connect(admin_url(stack, "oversight"), command_timeout=3600)
    found: dict[int, list[float]] = {}
    try:
        await admin.execute("DELETE FROM timer")
        there = 0
        for size in SIZES:
            await admin.execute(_TIMERS, DUE, there, size)
            await admin.execute("VACUUM ANALYZE timer")
            there = size
            found[size] = [await fired(database) for _ in range(ROUNDS)]
    finally:
        await database.close()
        await admin.close()
    least, *larger = ((size, median(taken)) for size, taken in found.items())
    return [
        Row(f"scanning for and firing {DUE} due of {size:,} timers", taken, "ms", least[1], f"of {least[0]:,}", 1.5)
        for size, taken in larger
    ]


class _Undone(Exception):
    """Rolls a transaction back."""


async def fired(database: Database) -> float:
    """Milliseconds to find and fire all that is due, one by one, as the worker does; rolled back."""

    async def nothing(session: AsyncSession, subject: str) -> None: ...

    number, began = 0, perf_counter()
    with suppress(_Undone):
        async with database.transaction(None) as session:
            while await timers.fire_next(session, {"bench": nothing}):
                number += 1
            taken = (perf_counter() - began) * 1e3
            raise _Undone
    assert number == DUE, number
    return taken
