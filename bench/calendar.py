"""The cost of the calendar: a batch of 100,000 dates over HTTP, and a change of it with 50,000 open deadlines.

The batch is compared with the unavoidable minimum, parsing its body and serialising its answer with orjson. The change is
compared with the same rows written by plain SQL, a thousand per transaction; new deadlines are written meanwhile, and none
may be left on the old calendar.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import asyncpg
import httpx
import orjson
import sqlalchemy as sa
import yaml
from uuid_utils.compat import uuid7

from bench.http import Connection, http
from bench.pipeline import ask
from bench.table import Row
from zhengling.authority.composition import Composition
from zhengling.database.session import Database
from zhengling.events.event import SERVICES
from zhengling.local.client import Api, at, load_composition, office_clerk
from zhengling.local.stack import EmbeddedStack
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import Clock
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook

ROOT = Path(__file__).resolve().parents[1]
GOVERNMENT = "shuangtaizi"
RULES = ("document-issue", "matter-general", "matter-complex", "countersign-reply", "leave-of-town-request")
BATCH = 100_000
OPEN = int(os.environ.get("BENCH_OPEN", "50000"))
TODAY = date(2026, 11, 23)  # business time, so that every run computes the same days
CLOSURE = {
    "first": "2026-11-25", "last": "2026-11-25", "reason": "暴雪停止办公", "ordered_by": "区防汛抗旱指挥部",
    "document": "区防指〔2026〕1号",
}  # fmt: skip

_ENTRY = """
    INSERT INTO ledger_entry (id, government, version, edition, number, source_kind, source_id, title, task, lead,
        co_units, difficulty, clause, assigned_at, opened_at, due, due_at, due_basis, due_rule, due_clause, provisional,
        state, origin)
    SELECT subject_id, government, 1, edition, 'n' || subject_id, 'meeting_decision', subject_id, '事项', '办理',
        '{"code": "u", "name": "某局"}', '[]', 'general', 'ST-53', counted_from, counted_from, due, due_at, 'rule', rule,
        clause, provisional, 'open', '{}'
    FROM deadline WHERE NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.id = subject_id)
"""
_TIMER = """
    INSERT INTO timer (id, government, kind, subject_id, due_at, generation)
    SELECT gen_random_uuid(), government, 'entry_overdue', id, due_at, 1 FROM ledger_entry
"""
_MORE = """
    INSERT INTO deadline (id, government, subject_type, subject_id, rule, edition, clause, counted_from, due, due_at,
                          provisional, calendar_version)
    SELECT gen_random_uuid(), government, subject_type, gen_random_uuid()::text, rule, edition, clause, counted_from, due,
           due_at, provisional, calendar_version
    FROM deadline, generate_series(1, $1) LIMIT $1
"""
#: One batch of the recomputation by plain SQL: only the statements that write ours' rows.
_FLOOR = """
    WITH batch AS (SELECT id, subject_id, due, due_at FROM deadline ORDER BY id OFFSET $1 LIMIT 1000),
    moved AS (
        UPDATE deadline d SET due = d.due + 1, due_at = d.due_at + interval '1 day', calendar_version = 'floor'
        FROM batch WHERE d.id = batch.id RETURNING d.id, d.government, d.due, d.due_at, d.subject_id),
    change AS (
        INSERT INTO deadline_change (id, government, deadline_id, kind, old_due, old_due_at, new_due, new_due_at,
                                     calendar_version, why_en, why_zh)
        SELECT gen_random_uuid(), m.government, m.id, 'recomputed', b.due, b.due_at, m.due, m.due_at, 'floor', '', ''
        FROM moved m JOIN batch b USING (id)),
    entry AS (
        UPDATE ledger_entry e SET due = m.due, due_at = m.due_at, version = e.version + 1, modified_at = now()
        FROM moved m WHERE e.id = m.subject_id),
    cancelled AS (
        UPDATE timer t SET state = 'cancelled' FROM moved m WHERE t.subject_id = m.subject_id AND t.state = 'pending'),
    armed AS (
        INSERT INTO timer (id, government, kind, subject_id, due_at, generation)
        SELECT gen_random_uuid(), government, 'entry_overdue', subject_id, due_at, 9 FROM moved),
    sequence AS (
        INSERT INTO outbox_sequence AS s (aggregate_type, aggregate_id, government, last_seq)
        SELECT 'entry', subject_id, government, 1 FROM moved
        ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE SET last_seq = s.last_seq + 1
        RETURNING aggregate_id, government, last_seq)
    INSERT INTO outbox (event_id, government, lane, topic, aggregate_type, aggregate_id, aggregate_seq, event_type, payload,
                        published_at)
    SELECT gen_random_uuid(), government, 0, 'floor', 'entry', aggregate_id, last_seq, 'floor',
           jsonb_build_object('entry_id', aggregate_id, 'why_zh', '台风停工', 'due', '2026-12-01'), now()
    FROM sequence
"""


async def batch(stack: EmbeddedStack, token: str, rules: tuple[str, ...]) -> Row:
    """The round trip of a batch, compared with parsing and serialising it."""
    days = [str(date(2015, 1, 1) + timedelta(days=n)) for n in range(4000)]
    items = [
        {"government": GOVERNMENT, "rule": rules[n % len(rules)], "from": days[(n * 7919) % len(days)]}
        for n in range(BATCH)
    ]
    request = http("POST", "/v1/deadlines", {"Authorization": f"Bearer {token}"}, {"items": items})
    body = request.partition(b"\r\n\r\n")[2]
    url = stack.addresses()["calendar"]
    async with httpx.AsyncClient(timeout=60) as client:
        answer = (
            await client.post(f"{url}/v1/deadlines", content=body, headers={
                "Authorization": f"Bearer {token}", "Content-Type": "application/json",
            })
        ).json()  # fmt: skip
    ours, least = [], []
    for _ in range(7):
        connection = await Connection.open(url)
        began = perf_counter()
        await connection.ask(request)
        ours.append(perf_counter() - began)
        await connection.close()
        began = perf_counter()
        orjson.loads(body), orjson.dumps(answer)
        least.append(perf_counter() - began)
    what = f"{BATCH:,} dates over HTTP, {len(rules)} rule{'s' * (len(rules) > 1)}, 4,000 different days"
    size = f"{len(body) / 2**20:.1f} MB in, {len(orjson.dumps(answer)) / 2**20:.1f} MB out"
    return Row(what, median(ours) * 1e3, "ms", median(least) * 1e3, "orjson: parse and serialise", 3, size)


async def fill(stack: EmbeddedStack, book: Rulebook) -> None:
    """Insert `OPEN` open entries with their deadlines and timers, all due in a week."""
    database = Database(stack.database_url("oversight", "app"), application="bench")
    async with database.transaction(GOVERNMENT) as session:
        await due_dates.keep(session, "entry", str(uuid7()), Clock("document-issue", TODAY), book)
    await database.close()
    url = stack.database_admin_url.rsplit("/", 1)[0] + "/oversight"
    await ask(url, _MORE, OPEN - 1)
    await ask(url, _ENTRY)
    await ask(url, _TIMER)
    for table in ("deadline", "ledger_entry", "timer"):
        await ask(url, f"VACUUM ANALYZE {table}")


async def write_meanwhile(stack: EmbeddedStack, book: Rulebook, stop: asyncio.Event) -> int:
    """Insert new entries with their deadlines, one after another, until `stop` is set. Returns their number."""
    database, count = Database(stack.database_url("oversight", "app"), application="bench"), 0
    while not stop.is_set():
        async with database.transaction(GOVERNMENT) as session:
            await due_dates.keep(session, "entry", str(uuid7()), Clock("document-issue", TODAY), book)
            await session.execute(sa.text(_ENTRY + " AND calendar_version = held_calendar_version()"))
        count += 1
        await asyncio.sleep(0.02)
    await database.close()
    return count


async def recomputation(stack: EmbeddedStack, api: Api, clerk: str) -> list[Row]:
    book = Rulebooks.load([ROOT / "rulebooks"]).current(
        GOVERNMENT, datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    )
    await fill(stack, book)
    url = stack.database_admin_url.rsplit("/", 1)[0] + "/oversight"
    stop = asyncio.Event()
    writer = asyncio.create_task(write_meanwhile(stack, book, stop))
    try:
        await asyncio.sleep(0.5)
        began = perf_counter()
        operation: Any = await api.command("calendar", "/v1/closures", CLOSURE, clerk)
        answered = perf_counter() - began
        async with asyncio.timeout(600):
            while operation["state"] != "done":
                await asyncio.sleep(0.2)
                operation = await api.get("calendar", f"/v1/operations/{operation['id']}")
    finally:
        stop.set()
        written = await writer
    (done,) = await ask(
        url, "SELECT examined, extract(epoch FROM finished_at - requested_at) AS took FROM recomputation"
    )
    left = (await ask(url, "SELECT count(DISTINCT calendar_version), min(due) FROM deadline WHERE state = 'running'"))[
        0
    ]
    if left[0] != 1 or left[1] != date(2026, 12, 1):
        raise RuntimeError(f"deadlines were left on the old calendar: {left}")
    connection = await asyncpg.connect(url)
    began = perf_counter()
    for offset in range(0, OPEN, 1000):
        await connection.execute(_FLOOR, offset)
    floor = (perf_counter() - began) / OPEN
    await connection.close()
    ours = float(done["took"]) / done["examined"]
    note = f"{done['examined']:,} moved in {float(done['took']):.1f} s, {written} written meanwhile, none left behind"
    return [
        Row(f"a change of the calendar, {OPEN:,} deadlines open: per deadline", ours * 1e3, "ms", floor * 1e3,
            "the same rows by plain SQL", note=note),
        Row("until the change is answered with its operation", answered * 1e3, "ms"),
    ]  # fmt: skip


async def run() -> list[Row]:
    with TemporaryDirectory(prefix="zhengling-bench-") as name:
        stack = EmbeddedStack(Path(name), rulebooks=[ROOT / "rulebooks"], services=SERVICES)
        await asyncio.to_thread(stack.start)
        try:
            async with httpx.AsyncClient(timeout=60) as client:
                people = yaml.safe_load((ROOT / f"demo/compositions/{GOVERNMENT}.yaml").read_text(encoding="utf-8"))
                composition = Composition.model_validate(people)
                api = Api(stack.addresses(), stack.issuer, GOVERNMENT, client)
                await api.set_clock(at(TODAY))
                await load_composition(api, composition)
                token = stack.issuer.token("bench", GOVERNMENT, scopes=["calendar:read"])
                rows = [await batch(stack, token, rules) for rules in (RULES[:1], RULES)]
                rows += await recomputation(stack, api, office_clerk(composition))
        finally:
            await asyncio.to_thread(stack.stop)
    return rows
