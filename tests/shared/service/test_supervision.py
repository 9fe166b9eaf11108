"""A worker's task is run again after any error, and ends when it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from zhengling.service.worker import Worker


def supervised(run: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
    worker = object.__new__(Worker)
    worker._failing = {}
    return asyncio.create_task(worker._supervise("run", run))


async def stopped(task: asyncio.Task[None]) -> bool:
    """Whether the task ends by one cancellation."""
    task.cancel()
    await asyncio.wait([task], timeout=30)
    return task.cancelled()


@pytest.mark.parametrize(
    "error", [ValueError("broken"), asyncio.CancelledError()], ids=["an error", "a leaked cancellation"]
)
async def test_a_run_that_fails_or_ends_by_a_cancellation_of_nobody_is_begun_again(error: BaseException) -> None:
    began, again = 0, asyncio.Event()

    async def run() -> None:
        nonlocal began
        began += 1
        if began < 3:
            raise error
        again.set()
        await asyncio.Event().wait()

    task = supervised(run)
    await asyncio.wait_for(again.wait(), 30)
    assert began == 3
    assert await stopped(task)


async def test_a_stop_that_the_run_loses_is_repeated() -> None:
    """As a TaskGroup loses one that arrives while a child of it fails."""
    lost, waiting = 0, asyncio.Event()

    async def run() -> None:
        nonlocal lost
        while lost < 2:
            waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
        await asyncio.Event().wait()

    task = supervised(run)
    await waiting.wait()
    assert await stopped(task)
    assert lost == 2


async def test_after_a_group_that_failed_a_leaked_cancellation_is_still_known_from_a_stop() -> None:
    """Python 3.11 leaves `Task.cancelling` above 0 after a TaskGroup with a failed child."""
    began, again = 0, asyncio.Event()

    async def fails() -> None:
        raise ValueError("a child")

    async def run() -> None:
        nonlocal began
        began += 1
        if began == 1:
            async with asyncio.TaskGroup() as group:
                group.create_task(fails())
                await asyncio.Event().wait()
        if began == 2:
            raise asyncio.CancelledError
        again.set()
        await asyncio.Event().wait()

    task = supervised(run)
    await asyncio.wait_for(again.wait(), 30)
    assert await stopped(task)
