"""Nothing a caller sends stops a service: hostile inputs against every operation that reads a body, while another caller asks
for `/livez`. That caller's longest wait is a figure of the report (a property in junit's XML; `make bench NAMES=hostile`), no
assertion."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest

from tests import hostile
from tests.caller import OFFICE, Caller
from tests.conftest import ROOT
from tests.hostile import BATCHES, BODIES, COMPOSITIONS, HEADERS, JSON, QUERIES, WORKBOOKS, XLSX, Operation, Watcher
from zhengling.events.event import SERVICES

#: The most bytes of a problem document, and of a report on the rows of a composition.
PROBLEM, REPORT = 128 << 10, 16 << 20
#: The most that a process's memory may have grown by, after all: what parsers and pools keep.
GROWTH = 400 << 20
#: A body is read within its limits, whatever a caller's right; what then refuses it says so.
CODES = {400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 428, 429, 431, 503}


def _operations(service: str) -> list[Operation]:
    path = ROOT / "docs" / "api" / "openapi" / f"{service}.json"
    return hostile.operations(service, json.loads(path.read_text(encoding="utf-8")))


OPERATIONS = {service: _operations(service) for service in SERVICES}


class Attacker:
    """Someone with every scope, whose requests have all headers that a command asks for."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    async def send(
        self, operation: Operation, content: bytes, headers: dict[str, str] | None = None, query: str = ""
    ) -> httpx.Response:
        sent = {
            "Authorization": f"Bearer {self.caller.token(OFFICE)}",
            "Idempotency-Key": str(uuid4()),
            "If-Match": '"1"',
            "Content-Type": JSON if JSON in operation.types else operation.types[0],
        }
        url = f"{self.caller.addresses[operation.service]}{operation.path}{query and '?'}{query}"
        return await self.caller.client.request(
            operation.method, url, content=content, headers=sent | (headers or {}), timeout=60
        )

    async def refused(self, operation: Operation, name: str, *given: Any, **more: Any) -> None:
        """Send it; what comes back is a problem document with a code, of bounded size."""
        answer = await self.send(operation, *given, **more)
        self.check(answer, f"{operation}, {name}")

    def check(self, answer: httpx.Response, what: str) -> None:
        if answer.status_code == 200 or answer.json()["code"] == "wrong_rows":  # a report on the rows of a composition
            assert "/composition" in str(answer.url) and len(answer.content) <= REPORT, what
            return
        assert answer.status_code in CODES, f"{what}: {answer.status_code} {answer.text[:300]}"
        assert answer.headers["content-type"] == "application/problem+json", what
        assert len(answer.content) <= PROBLEM, f"{what}: {len(answer.content)} bytes"
        assert answer.json()["code"] not in ("internal_error", "database_away"), what


@pytest.fixture(scope="module")
async def attacker(caller: Caller) -> Attacker:
    return Attacker(caller)


@pytest.fixture
def watched(caller: Caller, request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """`watched("meeting")`: until the test's end another caller asks it for `/livez`; it lives, and keeps no memory."""
    with ExitStack() as watching:

        def watch(service: str) -> None:
            calm = "docflow" if service == "oversight" else "oversight"
            watchers = [watching.enter_context(Watcher(caller.addresses[name])) for name in (service, calm)]
            process = psutil.Process(caller.stack.processes[f"{service}-api-0"].pid)
            watched.append((*watchers, process, process.memory_info().rss))

        watched: list[tuple[Watcher, Watcher, psutil.Process, int]] = []
        yield watch
    for watcher, calm, process, before in watched:
        request.node.user_properties += [
            ("livez_asked", len(watcher.waits)),
            ("livez_longest_wait_ms", round(watcher.longest * 1000)),
            ("livez_longest_wait_of_a_service_not_attacked_ms", round(calm.longest * 1000)),
        ]
        assert process.is_running()
        assert watcher.longest < 60, "every request for /livez was answered"
        assert process.memory_info().rss - before < GROWTH


SHARES = [(service, share) for service in SERVICES for share in range(0, len(OPERATIONS[service]), 16)]


@pytest.mark.parametrize(("service", "share"), SHARES)
async def test_hostile_bodies_are_refused_by_every_operation(
    service: str, share: int, attacker: Attacker, watched: Callable[[str], None]
) -> None:
    watched(service)
    for operation in OPERATIONS[service][share : share + 16]:
        for name, body in BODIES.items() if JSON in operation.types else ():
            attacker.check(await attacker.send(operation, body(operation.members)), f"{operation}, {name}")


async def test_hostile_headers_and_queries_are_refused(attacker: Attacker, watched: Callable[[str], None]) -> None:
    watched("meeting")
    for operation in OPERATIONS["meeting"]:
        if operation.id in ("upload_file", "preview_composition", "load_composition", "submit_topic", "sign_minutes"):
            for name, headers in HEADERS.items():
                await attacker.refused(operation, name, b"{}", headers)
            for name, query in QUERIES.items():
                await attacker.refused(operation, name, b"{}", query=query)


@pytest.mark.timeout(600)
async def test_hostile_workbooks_are_read_within_limits(attacker: Attacker, watched: Callable[[str], None]) -> None:
    watched("meeting")
    preview, upload = (_named(name) for name in ("preview_composition", "upload_file"))
    for name, made in WORKBOOKS.items():
        content = made()
        answer = await attacker.send(preview, content, {"Content-Type": XLSX})
        attacker.check(answer, name)
        assert answer.json().get("code", "workbook_read").startswith(("workbook_", "too_many_")), name
        stored = await attacker.send(upload, content, {"Content-Type": XLSX}, f"name={uuid4()}.xlsx")
        assert stored.status_code in (201, 422), name  # nothing is unpacked


async def test_hostile_compositions_are_examined_within_limits(
    attacker: Attacker, watched: Callable[[str], None]
) -> None:
    watched("meeting")
    for name, made in COMPOSITIONS.items():
        content = made()
        for operation in (_named("preview_composition"), _named("load_composition")):
            attacker.check(await attacker.send(operation, content), f"{operation}, {name}")


@pytest.mark.timeout(600)
async def test_hostile_batches_of_deadlines_dont_block_the_service(
    attacker: Attacker, watched: Callable[[str], None]
) -> None:
    watched("calendar")
    (compute,) = (each for each in OPERATIONS["calendar"] if each.id == "compute_deadlines")
    for name, made in BATCHES.items():
        answer = await attacker.send(compute, made())
        if answer.status_code == 200:
            assert len(answer.content) <= 200 * len(answer.json()["items"]), name
        else:
            attacker.check(answer, name)


async def test_of_many_large_batches_at_once_two_are_computed_and_some_are_put_off(
    attacker: Attacker, watched: Callable[[str], None]
) -> None:
    watched("calendar")
    (compute,) = (each for each in OPERATIONS["calendar"] if each.id == "compute_deadlines")
    content = BATCHES["100,000 different questions"]()
    answers = await asyncio.gather(*(attacker.send(compute, content) for _ in range(14)))
    for answer in answers:
        attacker.check(answer, "many at once")
    assert {answer.json()["code"] for answer in answers} == {"unknown_rule", "busy"}
    assert {answer.headers.get("retry-after") for answer in answers} == {None, "10"}


@pytest.mark.parametrize(
    ("service", "operation"), [("calendar", "compute_deadlines"), ("meeting", "preview_composition")]
)
async def test_bodies_that_dont_arrive_hold_no_connection_of_the_database(
    service: str, operation: str, caller: Caller
) -> None:
    address = urlsplit(caller.addresses[service])
    (slow,) = (each for each in OPERATIONS[service] if each.id == operation)
    head = (
        f"POST {slow.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.token(OFFICE)}\r\n"
        f"Content-Type: {JSON}\r\nContent-Length: 1000\r\n\r\n{{"
    )
    opened = [await asyncio.open_connection(address.hostname, address.port) for _ in range(30)]
    for _, writer in opened:
        writer.write(head.encode())
    await asyncio.sleep(1)
    answer = await caller.get(service, "/v1/audit/verify")
    assert answer.status_code == 200, answer.text
    for _, writer in opened:
        writer.close()


async def test_one_governments_slow_requests_leave_another_a_connection_and_the_service_ready(caller: Caller) -> None:
    other = Caller(caller.stack, caller.client, "dalian")
    connection = await asyncpg.connect(caller.stack.database_admin_url, database="meeting")

    async def waiting() -> int:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'topic'::regclass"
        )
        assert isinstance(found, int)
        return found

    async with connection.transaction():
        await connection.execute("LOCK TABLE topic IN ACCESS EXCLUSIVE MODE")
        slow = [asyncio.create_task(caller.get("meeting", "/v1/topics", timeout=60)) for _ in range(25)]
        while await waiting() < 15:
            await asyncio.sleep(0.05)
        assert (await other.get("meeting", "/v1/feeds", timeout=60)).status_code == 200
        assert (await caller.client.get(f"{caller.addresses['meeting']}/readyz")).status_code == 200
        assert await waiting() == 15, "the others of that government hold no connection"
    await connection.close()
    assert {answer.status_code for answer in await asyncio.gather(*slow)} == {200}


@pytest.mark.parametrize("service", SERVICES)
async def test_without_a_valid_token_every_operation_answers_before_it_has_a_body(service: str, caller: Caller) -> None:
    address = urlsplit(caller.addresses[service])
    for operation in OPERATIONS[service]:
        for authorization in ("", "Authorization: Bearer a.b.c\r\n"):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            head = (
                f"{operation.method} {operation.path} HTTP/1.1\r\nHost: x\r\nContent-Type: {operation.types[0]}\r\n"
                f'{authorization}Idempotency-Key: k\r\nIf-Match: "1"\r\nContent-Length: 1000\r\n\r\n'
            )
            writer.write(head.encode())
            assert (await reader.readline()).split()[1] == b"401", operation
            writer.close()


def _named(operation: str) -> Operation:
    (found,) = (each for each in OPERATIONS["meeting"] if each.id == operation)
    return found
