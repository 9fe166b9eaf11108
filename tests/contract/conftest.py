"""Shared fixtures of the API tests: a client, and queries of rows left by commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from tests import sixth
from tests.caller import Caller
from zhengling.local.client import Api
from zhengling.local.stack import EmbeddedStack


@pytest.fixture(scope="module")
async def caller(stack: EmbeddedStack) -> AsyncIterator[Caller]:
    """The sixth government with its composition and real business time; a test that sets the clock resets it."""
    async with httpx.AsyncClient(timeout=30) as client:
        people = Api(stack.addresses(), stack.issuer, sixth.CODE, client)
        await people.set_clock(None)
        made = Caller(stack, client)
        if (await made.get("meeting", "/v1/composition")).status_code == 404:
            await people.command("meeting", "/v1/composition", sixth.COMPOSITION.model_dump(mode="json"), method="PUT")
        yield made
        await people.set_clock(None)


#: What a command writes; the rest belongs to the worker.
WRITTEN = {
    "meeting": ("topic", "meeting", "minutes", "decision", "number", "composition", "outbox", "idempotency_key"),
    "docflow": ("document", "outbox", "idempotency_key"),
    "oversight": ("ledger_entry", "number", "outbox", "idempotency_key"),
    "calendar": ("outbox", "idempotency_key"),
}


@pytest.fixture
def rows(stack: EmbeddedStack) -> Callable[[str], Any]:
    """`await rows("meeting")`: the rows of a service's tables for this government, read as superuser."""

    async def count(service: str) -> dict[str, int]:
        url = stack.database_admin_url.rsplit("/", 1)[0] + f"/{service}"
        connection = await asyncpg.connect(url)
        try:
            counts = {
                table: await connection.fetchval(f"SELECT count(*) FROM {table} WHERE government = $1", sixth.CODE)
                for table in WRITTEN[service]
            }
            statement = "SELECT count(*) FROM audit WHERE government = $1 AND action NOT LIKE 'on\\_%'"
            return counts | {"audit": await connection.fetchval(statement, sixth.CODE)}
        finally:
            await connection.close()

    return count
