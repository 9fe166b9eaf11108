"""Readiness: not ready without a calendar or a rulebook; ready with a note with an old one, or with one that is stopped."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import ROOT
from zhengling.rules.loading import Rulebooks
from zhengling.service.health import health_routes, state_of_calendar, state_of_rulebooks

NEWEST: dict[str, Any] = {
    "last": 2031,
    "changed_at": datetime(2026, 11, 22, tzinfo=UTC),
    "this_year": 2026,
    "provisional": False,
}


def state(**changes: object) -> str:
    return state_of_calendar(SimpleNamespace(**(NEWEST | changes)))


def test_a_calendar_of_today_is_in_order() -> None:
    assert state() == "ok"


def test_without_a_snapshot_a_service_is_not_ready() -> None:
    assert not state(last=None).startswith("ok")


@pytest.mark.parametrize("changes", [{"last": 2030}, {"provisional": True}, {"provisional": None}])
def test_with_an_old_snapshot_it_is_ready_and_says_so(changes: dict[str, object]) -> None:
    reported = state(**changes)
    assert reported.startswith("ok, but old")
    assert "2026-11-22" in reported


def test_a_stopped_government_is_noted_and_none_left_is_a_fault() -> None:
    books = Rulebooks.load([ROOT / "rulebooks"])
    assert state_of_rulebooks(books) == "ok"
    books.stop("xigang", "government.yaml:1: wrong")
    assert state_of_rulebooks(books) == "ok, but stopped: xigang (1 findings)"
    for government in books.governments:
        books.stop(government, "wrong")
    assert not state_of_rulebooks(books).startswith("ok")
    assert not state_of_rulebooks(Rulebooks([])).startswith("ok")


async def test_who_asks_while_a_check_runs_gets_its_result_and_begins_no_other() -> None:
    begun, over = 0, asyncio.Event()

    async def checks() -> dict[str, str]:
        nonlocal begun
        begun += 1
        await over.wait()
        return {"database": "ok"}

    app = FastAPI()
    app.include_router(health_routes(checks))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        asked = [asyncio.create_task(client.get("/readyz")) for _ in range(10)]
        await asyncio.wait(asked, timeout=0.1)
        over.set()
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
        assert begun == 1
        assert (await client.get("/readyz")).json()["ok"]
        assert begun == 2, "a later one is checked anew"
