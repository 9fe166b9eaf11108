"""What a service couldn't read or handle, as operators see it: by pages, given up by two persons, audited; never what an
unreadable record says."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests import sixth
from tests.caller import Caller
from zhengling.local.stack import EmbeddedStack

SERVICE = "oversight"
SECRET = "内情-3c77"
REASON = {"reason": "sent by a test of the network"}


@pytest.fixture
async def books(stack: EmbeddedStack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database_admin_url, database=SERVICE)
    yield connection
    await connection.close()


@pytest.fixture
async def topic(books: asyncpg.Connection) -> AsyncIterator[str]:
    """Five unreadable records on a topic of their own."""
    name = f"poisoned-{uuid4().hex[:8]}"
    for n in range(5):
        raw = f"{SECRET} {n}".encode()
        await books.execute(
            "INSERT INTO poison (consumer, topic, part, koffset, digest, raw, error) VALUES ($1, $2, 0, $3, $4, $5, $6)",
            SERVICE, name, n, hashlib.sha256(raw).digest(), raw, "unexpected character: line 1 column 1",
        )  # fmt: skip
    yield name
    await books.execute("DELETE FROM poison WHERE topic = $1", name)


async def listed(caller: Caller, path: str, **params: str) -> tuple[list[dict[str, Any]], int]:
    """All items, by following the cursors, and the number of pages."""
    items: list[dict[str, Any]] = []
    for pages in range(1, 200):
        answer = await caller.get(SERVICE, path, params=params)
        assert answer.status_code == 200, answer.text
        assert SECRET not in answer.text
        items += answer.json()["items"]
        if (cursor := answer.json()["next_cursor"]) is None:
            return items, pages
        params["cursor"] = cursor
    raise AssertionError("the pages have no end")


async def test_unreadable_records_are_listed_by_pages_without_their_content(caller: Caller, topic: str) -> None:
    items, pages = await listed(caller, "/v1/events/poison", limit="2")
    mine = [item for item in items if item["topic"] == topic]
    assert [item["offset"] for item in mine] == [0, 1, 2, 3, 4]
    assert pages == -(-len(items) // 2)
    raw = f"{SECRET} 0".encode()
    assert (mine[0]["size"], mine[0]["digest"]) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert mine[0]["error"] == "unexpected character: line 1 column 1"


async def test_not_even_the_apis_role_can_read_the_content_of_an_unreadable_record(
    stack: EmbeddedStack, topic: str
) -> None:
    connection = await asyncpg.connect(stack.database_url(SERVICE, "app"))
    try:
        assert await connection.fetchval("SELECT count(*) FROM (SELECT id FROM poison WHERE topic = $1) p", topic) == 5
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT raw FROM poison")
        for forbidden in ("DELETE FROM poison", "UPDATE poison SET error = ''"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(forbidden)
    finally:
        await connection.close()


async def test_an_unreadable_record_is_discarded_by_two_persons_and_stays_on_record(
    caller: Caller, books: asyncpg.Connection, topic: str
) -> None:
    items, _ = await listed(caller, "/v1/events/poison")
    identity = next(item["id"] for item in items if item["topic"] == topic)
    path = f"/v1/events/poison/{identity}/discard"
    asked = await caller.post(SERVICE, path, json=REASON, by="one-person")
    assert (asked.status_code, asked.json()["status"]) == (202, "awaiting_second_person")
    again = await caller.post(SERVICE, path, json=REASON, by="one-person")
    assert (again.status_code, again.json()["code"]) == (409, "second_person_needed")
    assert identity in {item["id"] for item in (await listed(caller, "/v1/events/poison"))[0]}
    done = await caller.post(SERVICE, path, json=REASON, by="another-person")
    assert (done.status_code, done.json()["status"]) == (202, "discarded")
    late = await caller.post(SERVICE, path, json=REASON, by="a-third")
    assert (late.status_code, late.json()["code"]) == (409, "poison_is_discarded")
    assert identity not in {item["id"] for item in (await listed(caller, "/v1/events/poison"))[0]}
    (kept,) = [x for x in (await listed(caller, "/v1/events/poison", status="discarded"))[0] if x["id"] == identity]
    assert (kept["discard_reason"], kept["discard_requested_by"]) == (REASON["reason"], "one-person")
    audited = await books.fetch(
        "SELECT actor, details::text FROM audit WHERE government = $1 AND subject = $2 ORDER BY pos",
        sixth.CODE, f"poison:{identity}",
    )  # fmt: skip
    assert len(audited) == 2
    assert all(REASON["reason"] in row["details"] for row in audited)


async def test_a_missing_scope_is_refused_and_an_unknown_id_is_not_found(caller: Caller, topic: str) -> None:
    assert (await caller.get(SERVICE, "/v1/events/poison", scopes=["meeting:read"])).status_code == 403
    path = f"/v1/events/poison/{uuid4()}/discard"
    assert (await caller.post(SERVICE, path, json=REASON, scopes=["oversight:read"])).status_code == 403
    missing = await caller.post(SERVICE, path, json=REASON)
    assert (missing.status_code, missing.json()["code"]) == (404, "poison_not_found")


async def test_the_metrics_count_unreadable_records(stack: EmbeddedStack, caller: Caller, topic: str) -> None:
    worker = next(process for name, process in stack.processes.items() if name.startswith(f"{SERVICE}-worker"))
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
        while True:
            metrics = (await client.get(worker.metrics_url)).text
            assert SECRET not in metrics
            found = [line for line in metrics.splitlines() if line.startswith('zhengling_inbox_events{state="poison"}')]
            if found and float(found[0].split()[1]) >= 5:
                return
            await asyncio.sleep(0.5)


async def test_more_failed_events_than_fit_a_page_are_listed_to_the_last(
    caller: Caller, books: asyncpg.Connection
) -> None:
    consumer = f"test-{uuid4().hex[:8]}"
    await books.execute(
        """INSERT INTO inbox (consumer, event_id, source, government, event_type, aggregate_type, aggregate_id,
               aggregate_seq, status, last_error, topic, part, koffset, received_at)
           SELECT $1, gen_random_uuid(), 'test', $2, 'test.v1', 'test', n::text, 1,
                  CASE WHEN n % 2 = 0 THEN 'dead' ELSE 'waiting' END, 'trouble', 'test', 0, n,
                  now() - (n / 3) * interval '1 second'
           FROM generate_series(1, 450) AS n""",
        consumer, sixth.CODE,
    )  # fmt: skip
    try:
        for status, count in (({}, 450), ({"status": "dead"}, 225)):
            items, pages = await listed(caller, "/v1/events/failed", limit="200", **status)
            mine = [item["aggregate_id"] for item in items if item["consumer"] == consumer]
            assert (len(mine), len(set(mine))) == (count, count)
            assert pages == -(-len(items) // 200)
            assert [item["received_at"] for item in items] == sorted(item["received_at"] for item in items)
    finally:
        await books.execute("DELETE FROM inbox WHERE consumer = $1", consumer)
