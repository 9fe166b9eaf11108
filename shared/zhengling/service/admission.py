"""Admission control: how many costly pieces of work one process does at a time, and how many wait."""

from __future__ import annotations

import asyncio
from types import TracebackType

from zhengling.kernel.errors import Problem, Text


class Admission:
    """`async with admission:` waits until fewer than `at_a_time` are in their blocks. 503 `busy` if `waiting` wait already, as
    each keeps what it was sent in memory."""

    def __init__(self, at_a_time: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(at_a_time)
        self._most = at_a_time + waiting
        self._present = 0

    async def __aenter__(self) -> None:
        if self._present >= self._most:
            text = Text("the service is busy with other requests of this kind", "同类请求过多，系统正忙")
            raise Problem(503, "busy", text, Text("try again shortly", "请稍后重试"), headers={"Retry-After": "10"})
        self._present += 1
        try:
            await self._places.acquire()
        except BaseException:
            self._present -= 1
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._places.release()
        self._present -= 1
