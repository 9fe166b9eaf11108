"""How many of a process's connections to the database one government's transactions hold at a time: fewer than there are, so
that one government's slow requests leave some for the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from zhengling.kernel.errors import Problem, Text

WAIT = 10.0
"""Seconds for which a transaction waits for a connection of its government's, and then for one of the pool."""


class Shares:
    """The shares of all governments, each of `size` connections."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()  # of those that hold or wait

    @asynccontextmanager
    async def taken(self, government: str) -> AsyncIterator[None]:
        """Hold one connection of the government's share during the block. It waits for its turn; 503 `busy` after `WAIT`."""
        share = self._shares.setdefault(government, asyncio.Semaphore(self._size))
        try:
            async with asyncio.timeout(WAIT):
                await share.acquire()
        except TimeoutError:
            text = Text(
                "this government's requests use all its connections to the database", "本级政府的请求过多，系统正忙"
            )
            later = Text("try again shortly", "请稍后重试")
            raise Problem(503, "busy", text, later, headers={"Retry-After": "10"}) from None
        try:
            yield
        finally:
            share.release()
