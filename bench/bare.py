"""A minimal HTTP baseline: FastAPI and asyncpg, without code of Zhengling.

`python -m bench.bare RECIPES PORT` serves POST /{recipe}/{n}: it runs the n-th binding of a recipe (the SQL statements of
one request with their parameters) in one transaction, and answers with the last row of the recipe's `answer` statement (or
all its rows) as JSON. No authentication, no idempotency, no rules, no objects made of rows.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, Response


@dataclass(frozen=True)
class Recipe:
    """One kind of request: its database, statements, their parameters per binding, and the statement it answers with."""

    database_url: str
    statements: list[str]
    bindings: list[list[tuple[Any, ...]]]
    answer: int


async def _codecs(connection: asyncpg.Connection) -> None:
    """Write JSON as text and read it with orjson, as Zhengling does."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind,
            schema="pg_catalog",
            format="binary",
            encoder=(lambda text: b"\x01" + text.encode()) if kind == "jsonb" else str.encode,
            decoder=(lambda value: orjson.loads(value[1:])) if kind == "jsonb" else orjson.loads,
        )


async def _keep_as_it_is(connection: asyncpg.Connection) -> None:
    """Skip asyncpg's reset of a released connection: ours doesn't have this round trip either."""


def create_app(recipes: dict[str, Recipe]) -> FastAPI:
    pools: dict[str, asyncpg.Pool] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for url in {recipe.database_url for recipe in recipes.values()}:
            pools[url] = await asyncpg.create_pool(
                url, min_size=20, max_size=20, init=_codecs, reset=_keep_as_it_is, server_settings={"timezone": "UTC"}
            )
        yield
        for pool in pools.values():
            await pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def readyz() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/{name}/{n}")
    async def execute(name: str, n: int) -> Response:
        recipe = recipes[name]
        found: list[Any] = []
        async with pools[recipe.database_url].acquire() as connection, connection.transaction():
            for i, (statement, parameters) in enumerate(zip(recipe.statements, recipe.bindings[n], strict=True)):
                rows = await connection.fetch(statement, *parameters)
                if i == recipe.answer:
                    found = [dict(row) for row in rows]
        return Response(orjson.dumps(found, default=str), media_type="application/json")

    return app


def main() -> None:
    recipes = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 - written by the benchmark itself
    uvicorn.run(create_app(recipes), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
