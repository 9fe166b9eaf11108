"""Every command sent twenty times at once: an HTTP transport that makes a race of each command that it is given.

A test that is written for one request runs on it unchanged, and what it asserts then holds of twenty.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from starlette.routing import compile_path

from tests.conftest import ROOT
from zhengling.events.event import SERVICES
from zhengling.local.stack import EmbeddedStack

AT_ONCE = 20
REPEATED = 4
#: How often an operation is raced by one transport; later on each of its requests is sent once.
RACES = 2
#: What the losers of a race are told: somebody else changed the state or the version, or made what a change needs If-Match for.
LOST = {409, 412, 428}
#: Commands of which each of twenty is an act of its own: what is submitted, called or circulated again is another one.
EACH_FOR_ITSELF = {
    "submit_topic", "call_meeting", "ask_to_hold", "send_attendance_circular", "upload_file", "replay_events", "make_feed",
    "open_entry", "open_entries", "carry_over_entries",
}  # fmt: skip
#: Commands that say what is so already: it is so still, and nobody is refused.
SAID_AGAIN = {"retry_event"}

#: Each request has a connection of its own: on a slow machine one that is kept is closed by the server while it is taken again.
KEPT = httpx.Limits(max_connections=100, max_keepalive_connections=0)

Operation = tuple[str, str]


@cache
def document(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    found: dict[str, Any] = json.loads((ROOT / "docs/api/openapi" / f"{service}.json").read_text("utf-8"))
    return found


def writing_operations() -> set[Operation]:
    """Every operation of the four documents that isn't a read, as service and operation id."""
    return {
        (service, operation["operationId"])
        for service in SERVICES
        for methods in document(service)["paths"].values()
        for method, operation in methods.items()
        if method != "get"
    }


@cache
def _patterns(service: str) -> list[tuple[Any, dict[str, Any]]]:
    """Path patterns with their operations; an address without parameters before the pattern that would match it too."""
    paths = sorted(document(service)["paths"].items(), key=lambda item: item[0].count("{"))
    return [(compile_path(path)[0], operations) for path, operations in paths]


def _at(service: str, path: str, method: str) -> dict[str, Any] | None:
    found = (operations for pattern, operations in _patterns(service) if pattern.match(path) and method in operations)
    return next((operations[method] for operations in found), None)


def operation_at(service: str, path: str, method: str) -> str:
    """The id of the operation at this address; empty if there is none."""
    found = _at(service, path, method.lower())
    return str(found["operationId"]) if found else ""


class Races(httpx.AsyncBaseTransport):
    """Sends a command of `raced` twenty times at once, under as many Idempotency-Keys, to all processes of its service in
    turn; the winner's request once more, four times at once. Returns the winner's answer, or one of the refusals.

    AssertionError unless one command had an effect, its repetitions are answered as it was, the others are told that they
    came late, and the resource is in the winner's version. `won` counts the races that a command won.
    """

    def __init__(self, stack: EmbeddedStack, addresses: Mapping[str, Sequence[str]], raced: set[Operation]) -> None:
        """`addresses` are the URLs of each service's processes, the first one being what requests are addressed to."""
        self._stack, self._addresses, self._raced = stack, addresses, raced
        self._services = {httpx.URL(urls[0]).netloc: service for service, urls in addresses.items()}
        self._network = httpx.AsyncHTTPTransport(limits=KEPT)
        self.won: Counter[Operation] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        service = self._services.get(request.url.netloc)
        name = (service or "", operation_at(service, request.url.path, request.method) if service else "")
        if name not in self._raced or self.won[name] >= RACES or "Idempotency-Key" not in request.headers:
            return await self._network.handle_async_request(request)
        await request.aread()
        return await self._race(request, *name)

    async def aclose(self) -> None:
        await self._network.aclose()

    async def _race(self, request: httpx.Request, service: str, operation: str) -> httpx.Response:
        before = await self._effects(service, operation)
        keys = [str(uuid4()) for _ in range(AT_ONCE)]
        answers = await self._at_once(request, service, keys)
        said = [(answer.status_code, _code(answer)) for answer in answers]
        assert all(status < 500 for status, _ in said), (operation, Counter(said))
        won = [key for key, answer in zip(keys, answers, strict=True) if answer.is_success]
        if not won:
            assert await self._effects(service, operation) == before, operation
            return answers[0]
        if operation in EACH_FOR_ITSELF | SAID_AGAIN:
            assert len(won) == AT_ONCE, (operation, Counter(said))
        else:
            assert len(won) == 1, (operation, Counter(said))
            assert {answer.status_code for answer in answers if not answer.is_success} <= LOST, (
                operation,
                Counter(said),
            )
        winner = answers[keys.index(won[0])]
        repetitions = await self._at_once(request, service, [won[0]] * REPEATED)
        assert all(
            (answer.status_code == 409 and _code(answer) == "idempotency_key_in_flight")
            or (answer.status_code == winner.status_code and "Idempotent-Replayed" in answer.headers)
            for answer in repetitions
        ), (operation, [(answer.status_code, answer.text) for answer in repetitions])  # fmt: skip
        assert await self._effects(service, operation) == before + len(won), operation
        await self._require_version(request, service, winner)
        self.won[service, operation] += 1
        return winner

    async def _at_once(self, request: httpx.Request, service: str, keys: Sequence[str]) -> list[httpx.Response]:
        return await asyncio.gather(*(self._send(request, service, n, key) for n, key in enumerate(keys)))

    async def _send(self, request: httpx.Request, service: str, turn: int, key: str) -> httpx.Response:
        addresses = self._addresses[service]
        place = httpx.URL(addresses[turn % len(addresses)])
        headers = request.headers.copy()
        headers["Idempotency-Key"] = key
        url = request.url.copy_with(host=place.host, port=place.port)
        sent = httpx.Request(
            request.method, url, headers=headers, content=request.content, extensions=request.extensions
        )
        answer = await self._network.handle_async_request(sent)
        content = await answer.aread()
        await answer.aclose()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content, request=request)

    async def _effects(self, service: str, operation: str) -> int:
        """How many commands of this operation were carried out, by their audit rows."""
        connection = await asyncpg.connect(self._stack.database_admin_url, database=service)
        try:
            found: int = await connection.fetchval("SELECT count(*) FROM audit WHERE action = $1", operation)
            return found
        finally:
            await connection.close()

    async def _require_version(self, request: httpx.Request, service: str, winner: httpx.Response) -> None:
        """The resource that was changed is in the version that the winner was given."""
        if "If-Match" not in request.headers or "Location" in winner.headers:
            return
        path, headers = request.url.path, {"Authorization": request.headers["Authorization"]}
        while path := path.rpartition("/")[0]:
            if _at(service, path, "get"):
                url = request.url.copy_with(path=path, query=None)
                shown = await self._network.handle_async_request(httpx.Request("GET", url, headers=headers))
                await shown.aread()
                if tag := shown.headers.get("ETag"):
                    assert tag == winner.headers["ETag"], (path, tag, winner.headers["ETag"])
                    return


def _code(answer: httpx.Response) -> str:
    return "" if answer.is_success else str(answer.json().get("code"))
