"""How long others wait while a service is sent hostile inputs: every input of `tests/hostile.py`, one after another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from bench.table import Row
from tests.hostile import (
    BATCHES,
    BODIES,
    COMPOSITIONS,
    HEADERS,
    JSON,
    QUERIES,
    WORKBOOKS,
    XLSX,
    Operation,
    Watcher,
    operations,
)
from zhengling.events.event import SERVICES
from zhengling.local.stack import EmbeddedStack

ROOT = Path(__file__).resolve().parents[1]
GOVERNMENT = "dalian"
AIM = 200
"""Milliseconds that another caller may wait."""
RIGHTS = ("read", "write", "admin")


class Attack:
    """A caller with every scope."""

    def __init__(self, stack: EmbeddedStack, client: httpx.AsyncClient) -> None:
        scopes = [f"{service}:{right}" for service in SERVICES for right in RIGHTS] + ["calendar:national"]
        self._token = stack.issuer.token("attacker", GOVERNMENT, scopes=scopes)
        self._addresses = stack.addresses()
        self._client = client

    async def send(
        self, operation: Operation, content: bytes, headers: dict[str, str] | None = None, query: str = ""
    ) -> None:
        sent = {
            "Authorization": f"Bearer {self._token}", "Idempotency-Key": str(uuid4()), "If-Match": '"1"',
            "Content-Type": JSON if JSON in operation.types else operation.types[0],
        }  # fmt: skip
        url = f"{self._addresses[operation.service]}{operation.path}{query and '?'}{query}"
        answer = await self._client.request(operation.method, url, content=content, headers=sent | (headers or {}))
        if answer.status_code >= 500 and answer.json()["code"] != "busy":
            raise RuntimeError(f"{operation}: {answer.text[:500]}")

    async def endless_header(self, service: str, megabytes: int = 160) -> None:
        """A request whose header doesn't end, without a token, until the service closes the connection."""
        address = urlsplit(self._addresses[service])
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        with suppress(ConnectionError):
            writer.write(b"GET /livez HTTP/1.1\r\nX: ")
            for _ in range(megabytes * 16):
                writer.write(b"a" * 65_536)
                await writer.drain()
        writer.close()


async def run() -> list[Row]:
    """Start a stack and attack one service after another; takes some minutes."""
    documents = {name: json.loads((ROOT / f"docs/api/openapi/{name}.json").read_text("utf-8")) for name in SERVICES}
    every = [each for name, document in documents.items() for each in operations(name, document)]
    named = {each.id: each for each in every}
    preview, deadlines = named["preview_composition"], named["compute_deadlines"]
    header_places = [named[name] for name in ("upload_file", "submit_topic", "preview_composition")]
    with EmbeddedStack(rulebooks=[ROOT / "rulebooks"], log_level="WARNING") as stack:
        async with httpx.AsyncClient(timeout=120) as client:
            attack = Attack(stack, client)

            async def bodies() -> AsyncIterator[None]:
                for operation in [each for each in every if each.service == "meeting" and JSON in each.types][::8]:
                    for body in BODIES.values():
                        yield await attack.send(operation, body(operation.members))

            async def heads() -> AsyncIterator[None]:
                for operation in header_places:
                    for headers in HEADERS.values():
                        yield await attack.send(operation, b"{}", headers)
                    for query in QUERIES.values():
                        yield await attack.send(operation, b"{}", query=query)
                yield await attack.endless_header("meeting")

            async def workbooks() -> AsyncIterator[None]:
                for made in WORKBOOKS.values():
                    yield await attack.send(preview, made(), {"Content-Type": XLSX})

            async def compositions() -> AsyncIterator[None]:
                for made in COMPOSITIONS.values():
                    yield await attack.send(preview, made())

            async def batches() -> AsyncIterator[None]:
                for made in BATCHES.values():
                    yield await attack.send(deadlines, made())

            attacks: list[tuple[str, str, Callable[[], AsyncIterator[None]]]] = [
                ("bodies, at every eighth operation of meeting-svc", "meeting", bodies),
                ("headers, queries, a header without end", "meeting", heads),
                ("workbooks", "meeting", workbooks),
                ("compositions of mebibytes", "meeting", compositions),
                ("batches of 16 MiB", "calendar", batches),
            ]
            return [await _measured(stack, *each) for each in attacks]


async def _measured(stack: EmbeddedStack, what: str, service: str, inputs: Callable[[], AsyncIterator[None]]) -> Row:
    """The longest wait for `/livez` of the attacked service, beside that of one that isn't, at the same time."""
    number = 0
    with ExitStack() as watching:
        watcher, calm = (watching.enter_context(Watcher(stack.addresses()[name])) for name in (service, "oversight"))
        async for _ in inputs():
            number += 1
    waits = sorted(watcher.waits)
    note = f"{number} inputs; median {waits[len(waits) // 2] * 1e3:.1f} ms of {len(waits)}; aim ≤ {AIM} ms"
    title = f"Longest wait for /livez: {what}"
    return Row(title, watcher.longest * 1e3, "ms", calm.longest * 1e3, "a service not attacked", note=note)
