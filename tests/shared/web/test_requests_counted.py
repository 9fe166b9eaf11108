"""Requests are counted once they are known to be somebody's, and released when they have ended, however they end."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException

from zhengling.kernel.errors import Problem, Text
from zhengling.service import rates as rates_
from zhengling.service.auth import Principal
from zhengling.service.rates import Limits, Rates
from zhengling.web.edge import Edge
from zhengling.web.problems import on_http, on_problem
from zhengling.web.routing import authenticate


class Tokens:
    """Takes the name of a person for a token."""

    async def authenticate(self, header: str | None) -> Principal:
        if not header:
            raise Problem(401, "token_missing", Text("no token", "没有令牌"))
        return Principal(header, header, "linhai", None, None, frozenset())


def app_with(limits: Limits) -> FastAPI:
    app = FastAPI()
    app.state.service = SimpleNamespace(authenticator=Tokens(), rates=Rates(limits), rulebooks=None)

    @app.get("/known")
    async def known(caller: Annotated[Principal, Depends(authenticate)]) -> str:
        return caller.subject

    @app.get("/slow")
    async def slow(caller: Annotated[Principal, Depends(authenticate)]) -> str:
        await asyncio.sleep(0.2)
        return caller.subject

    @app.get("/fails")
    async def fails(caller: Annotated[Principal, Depends(authenticate)]) -> str:
        raise RuntimeError(caller.subject)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_middleware(Edge, max_body_bytes=1000, of_paths={})
    return app


async def statuses(app: FastAPI, *paths: str, by: str = "li", at_once: bool = False) -> list[Any]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers={"Authorization": by}) as client:
        if at_once:
            return [answer.status_code for answer in await asyncio.gather(*map(client.get, paths))]
        return [(await client.get(path)).status_code for path in paths]


async def test_a_person_who_sends_too_many_is_told_when_to_go_on() -> None:
    app = app_with(Limits(3, 0, 0))
    assert await statuses(app, *["/known"] * 5) == [200, 200, 200, 429, 429]
    assert await statuses(app, "/known", by="wang") == [200]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        refused = await client.get("/known", headers={"Authorization": "li"})
        unknown = await client.get("/known")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("too_many_requests", "20")
    assert unknown.status_code == 401, "who isn't known uses nobody's requests"


async def test_requests_in_progress_are_released_when_they_end(caplog: pytest.LogCaptureFixture) -> None:
    app = app_with(Limits(0, 0, 2))
    assert sorted(await statuses(app, *["/slow"] * 4, at_once=True)) == [200, 200, 429, 429]
    assert await statuses(app, *["/fails"] * 3, "/known") == [500, 500, 500, 200]
    assert not app.state.service.rates._in_progress


@pytest.mark.parametrize(("path", "status"), [("/known", 401), ("/nowhere", 404)])
async def test_a_flood_without_a_valid_token_is_slowed_and_those_with_one_are_not(
    path: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates_, "DELAY", 3600.0)
    app = app_with(Limits(unknown=2, delayed=1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        assert [(await client.get(path)).status_code for _ in range(2)] == [status, status]
        delayed = asyncio.create_task(client.get(path))
        while not app.state.service.rates._delayed:
            await asyncio.sleep(0.01)
        refused = await client.get(path)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert (refused.headers["retry-after"], refused.headers["connection"]) == ("30", "close")
        assert await statuses(app, *["/known"] * 5) == [200] * 5
        assert not delayed.done()
        delayed.cancel()
