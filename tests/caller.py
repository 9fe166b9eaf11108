"""The HTTP client of the API tests."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests import sixth
from zhengling.events.event import SERVICES
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.vocabulary import PaperKind

Json = dict[str, Any]
FRESH = object()
ALL_SCOPES = [f"{service}:{right}" for service in SERVICES for right in ("read", "write", "admin", "restricted")] + [
    "events:replay"
]
CLERK, PRINCIPAL, DEPUTY, HEAD, OFFICE = "lh-water-clerk", "lh-water", "lh-dep", "lh-head", "lh-clerk"


class Caller:
    """A client that sends requests and returns answers unchanged; by default for the sixth government."""

    def __init__(self, stack: EmbeddedStack, client: httpx.AsyncClient, government: str = sixth.CODE) -> None:
        self.government = government
        self.stack = stack
        self.client = client
        self.addresses = stack.addresses()

    def token(self, official: str | None = None, scopes: list[str] | None = None) -> str:
        subject = official or f"{self.government}-system"
        return self.stack.issuer.token(subject, self.government, official=official, scopes=scopes or ALL_SCOPES)

    def metrics_url(self, service: str) -> str:
        """The metrics of the service's first API process."""
        return self.stack.processes[f"{service}-api-0"].metrics_url

    async def ask(
        self,
        method: str,
        service: str,
        path: str,
        *,
        by: str | None = None,
        key: object = FRESH,
        version: int | str | None = None,
        headers: dict[str, str] | None = None,
        scopes: list[str] | None = None,
        **rest: Any,
    ) -> httpx.Response:
        """`key` is the Idempotency-Key: by default a fresh one, none where it is None; `version` becomes If-Match."""
        sent: dict[str, str] = {"Authorization": f"Bearer {self.token(by, scopes)}"}
        if key is not None and method != "GET":
            sent["Idempotency-Key"] = str(uuid4()) if key is FRESH else str(key)
        if version is not None:
            sent["If-Match"] = f'"{version}"' if isinstance(version, int) else version
        url = f"{self.addresses[service]}{path}"
        return await self.client.request(method, url, headers=sent | (headers or {}), **rest)

    async def get(self, service: str, path: str, **rest: Any) -> httpx.Response:
        return await self.ask("GET", service, path, **rest)

    async def post(self, service: str, path: str, **rest: Any) -> httpx.Response:
        return await self.ask("POST", service, path, **rest)

    async def topic(self, title: str = "关于水库除险加固的请示") -> Json:
        answer = await self.post("meeting", "/v1/topics", by=CLERK, json=topic_body(title=title))
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def meeting(self) -> Json:
        body = {"kind": "weekly", "title": "县政府周例会", "day": "2030-01-04"}
        answer = await self.post("meeting", "/v1/meetings", by=OFFICE, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


def topic_body(**changes: Any) -> Json:
    papers = [{"kind": kind, "title": f"材料（{kind}）"} for kind in PaperKind]
    body = {"title": "关于水库除险加固的请示", "meeting_kind": "weekly", "sponsor": "lh-water", "papers": papers}
    return body | changes


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
