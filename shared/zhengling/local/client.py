"""An HTTP client of the four services for one government: for the demo, the tests and the command line."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import httpx

from zhengling.authority.composition import Composition, OrganisationKind, PostRole
from zhengling.events.event import SERVICES
from zhengling.kernel.instants import SHANGHAI
from zhengling.local.issuer import LocalIssuer

Json = dict[str, Any]


class Refused(Exception):
    """The service answered with a problem document."""

    def __init__(self, problem: Json) -> None:
        super().__init__(f"{problem.get('status')} {problem.get('code')}: {problem.get('detail')}")
        self.problem = problem

    @property
    def code(self) -> str:
        return str(self.problem["code"])


class Api:
    """The four services for one government; each call is made as one official."""

    def __init__(
        self, addresses: dict[str, str], issuer: LocalIssuer, government: str, client: httpx.AsyncClient
    ) -> None:
        self.government = government
        self._addresses = addresses
        self._issuer = issuer
        self._client = client

    def token(self, official: str | None) -> str:
        scopes = [f"{service}:{right}" for service in SERVICES for right in ("read", "write", "admin")]
        return self._issuer.token(
            official or f"{self.government}-operator",
            self.government,
            official=official,
            scopes=[*scopes, "events:replay"],
        )

    async def get(self, service: str, path: str, official: str | None = None, **params: str) -> Json:
        return await self._ask("GET", service, path, official, None, None, params)

    async def command(
        self,
        service: str,
        path: str,
        body: Json,
        official: str | None = None,
        version: int | None = None,
        method: str = "POST",
    ) -> Json:
        """Send a command with a new Idempotency-Key, and If-Match if a version is given. Raises `Refused`."""
        return await self._ask(method, service, path, official, body, version, {})

    async def _ask(
        self,
        method: str,
        service: str,
        path: str,
        official: str | None,
        body: Json | None,
        version: int | None,
        params: dict[str, str],
    ) -> Json:
        headers = {"Authorization": f"Bearer {self.token(official)}"}
        if body is not None:
            headers["Idempotency-Key"] = str(uuid4())
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        url = f"{self._addresses[service]}{path}"
        answer = await self._client.request(method, url, json=body, headers=headers, params=params)
        content: Json = answer.json()
        if answer.is_success:
            return content
        raise Refused(content)

    async def set_clock(self, moment: datetime | None) -> None:
        """Set business time of all four services (None: real time)."""
        body = {"at": moment.isoformat() if moment else None}
        await asyncio.gather(*(self.command(service, "/v1/testing/clock", body) for service in SERVICES))


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """An instant of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)


async def load_composition(api: Api, composition: Composition) -> Json:
    """Load the government's composition, replacing the current one. Returns the summary."""
    version = None
    try:
        version = (await api.get("meeting", "/v1/composition"))["version"]
    except Refused as refused:
        if refused.code != "no_composition":
            raise
    body = composition.model_dump(mode="json")
    return await api.command("meeting", "/v1/composition", body, version=version, method="PUT")


def office_clerk(composition: Composition) -> str:
    """A staff member of the government's office, which organises meetings."""
    offices = {o.code for o in composition.organisations if o.kind == OrganisationKind.office}
    return next(p.official for p in composition.posts if p.organisation in offices and p.role == PostRole.staff)
