"""The security headers of every answer: of every operation, of refusals, of what isn't there."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.caller import OFFICE, Caller
from tests.conftest import ROOT
from zhengling.events.event import SERVICES
from zhengling.web.security_headers import HEADERS

#: Answers that say themselves how long they may be kept: a browser asks again each time it uses them.
REVALIDATED = {"private, no-cache"}


def require_headers(answer: httpx.Response) -> None:
    for name, value in HEADERS.items():
        found = answer.headers.get(name)
        if name == "Cache-Control":
            assert found == value or found in REVALIDATED, (answer.request.url, found)
        elif name == "Content-Security-Policy":
            assert found and "'none'" in found, (answer.request.url, found)
        else:
            assert found == value, (answer.request.url, name, found)
    assert "server" not in answer.headers, "which server it is helps an attacker alone"
    assert "x-powered-by" not in answer.headers
    if answer.headers.get("content-type", "").startswith(("application/json", "application/problem+json")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("service", SERVICES)
async def test_every_operation_answers_with_them_whatever_it_answers(service: str, caller: Caller) -> None:
    document: dict[str, Any] = json.loads((ROOT / "docs/api/openapi" / f"{service}.json").read_text("utf-8"))
    statuses = set()
    for path, methods in document["paths"].items():
        place = re.sub(r"\{[^}]+\}", lambda _: str(uuid4()), path.replace("{year}", "2026"))
        for method in methods:
            for scopes in (None, ["other:read"]):
                answer = await caller.ask(method.upper(), service, place, by=OFFICE, json={}, scopes=scopes, version=1)
                require_headers(answer)
                statuses.add(answer.status_code)
    assert {200, 403, 404, 422} <= statuses


@pytest.mark.parametrize("service", SERVICES)
async def test_so_do_answers_that_no_operation_gives(service: str, caller: Caller) -> None:
    url = caller.addresses[service]
    for method, path, more in (
        ("GET", "/nowhere", {}),
        ("DELETE", "/livez", {}),
        ("GET", "/openapi.json", {}),
        ("GET", "/metrics", {}),
        ("HEAD", "/livez", {}),
        ("GET", "/v1/numbers", {}),
        ("GET", "/v1/numbers", {"headers": {"Authorization": "Bearer x.y.z"}}),
        ("POST", "/v1/feeds", {"content": b"x" * 20_000_000}),
        ("OPTIONS", "/v1/feeds", {"headers": {"Origin": "https://elsewhere.example"}}),
    ):
        answer = await caller.client.request(method, f"{url}{path}", **more)  # type: ignore[arg-type]
        require_headers(answer)
        assert not [name for name in answer.headers if name.startswith("access-control-")], "no other origin reads it"
