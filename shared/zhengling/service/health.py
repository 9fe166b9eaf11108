"""Liveness and readiness of a process: /livez, /readyz."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import BaseModel

from zhengling.dates.workdays import YEARS_AHEAD
from zhengling.rules.loading import Rulebooks
from zhengling.service.service import Service


class Health(BaseModel):
    """The state of each part; `ok` if every part is available."""

    ok: bool
    checks: dict[str, str]


Checks = Callable[[], Awaitable[dict[str, str]]]


def health_routes(checks: Checks) -> APIRouter:
    """/livez, /readyz. `checks` returns per part "ok" or the fault; a note that isn't a fault begins with "ok". Whoever asks
    while it runs gets the same result: those who ask have no token, and it takes a connection of the database."""
    router = APIRouter(tags=["health"])
    running: asyncio.Future[dict[str, str]] | None = None

    @router.get("/livez", operation_id="livez", summary="Liveness: the process runs")
    async def livez() -> Health:
        return Health(ok=True, checks={})

    @router.get(
        "/readyz",
        operation_id="readyz",
        summary="Readiness: the process can work, or what is missing",
        responses={503: {"model": Health, "description": "Not ready"}},
    )
    async def readyz(response: Response) -> Health:
        nonlocal running
        if running is None or running.done():
            running = asyncio.ensure_future(checks())
        found = await asyncio.shield(running)
        ok = all(value.startswith("ok") for value in found.values())
        response.status_code = 200 if ok else 503
        return Health(ok=ok, checks=found)

    return router


_NEWEST_YEARS = sa.text("""
    SELECT max(year) AS last, max(changed_at) AS changed_at, extract(year FROM business_now())::int AS this_year,
           bool_or((content ->> 'provisional')::bool) FILTER (WHERE year = extract(year FROM business_now())) AS provisional
    FROM calendar_year WHERE government = '*'
""")


def state_of_calendar(newest: Any) -> str:
    """A fault without a snapshot, since nothing can be computed; "ok" with a note for an old one."""
    if newest.last is None:
        return "no snapshot of the working days yet"
    if newest.last < newest.this_year + YEARS_AHEAD or newest.provisional is not False:
        return f"ok, but old: working days up to {newest.last}, received on {newest.changed_at:%Y-%m-%d}"
    return "ok"


def state_of_rulebooks(rulebooks: Rulebooks) -> str:
    """ "ok" with a note of the governments that are stopped by their rulebook; a fault if no government has a usable one."""
    stopped = ", ".join(f"{government} ({len(found)} findings)" for government, found in rulebooks.faults.items())
    if not rulebooks.all():
        return f"no usable rulebook; stopped: {stopped or 'none'}"
    return f"ok, but stopped: {stopped}" if stopped else "ok"


def api_checks(service: Service) -> Checks:
    """The API needs its database, the calendar, a rulebook and the issuer's keys. It doesn't need Kafka, since the outbox
    stores events meanwhile; without the file store it is ready with a note."""

    async def checks() -> dict[str, str]:
        found = {
            "database": "ok",
            "keys": "ok" if await service.authenticator.ready() else "no key set loaded yet",
            "rulebooks": state_of_rulebooks(service.rulebooks),
        }
        if service.files is not None:
            found["files"] = await service.files.check()
        if not await service.database.reachable():
            return found | {"database": "can't be reached"}
        async with service.database.transaction(None) as session:
            newest = (await session.execute(_NEWEST_YEARS)).one()
        return found | {"calendar": state_of_calendar(newest)}

    return checks
