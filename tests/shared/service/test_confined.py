"""A function on what a caller sent, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import time
from itertools import repeat

import psutil
import pytest

from zhengling.kernel.errors import Problem, invalid
from zhengling.service import confined as confined_
from zhengling.service.admission import Admission
from zhengling.service.confined import BeyondLimits, confined


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


async def test_what_the_function_returns_is_returned() -> None:
    assert await confined(sorted, [3, 1, 2]) == [1, 2, 3]
    assert await confined(os.getpid) != os.getpid()


async def test_what_the_function_raises_is_raised_problems_with_all_their_members() -> None:
    with pytest.raises(ZeroDivisionError):
        await confined(divmod, 1, 0)
    with pytest.raises(Problem) as refused:
        await confined(exec, "raise error", {"error": invalid("too_many_rows", "many", "过多", limit=3)})
    assert (refused.value.code, refused.value.detail.zh, refused.value.extra) == ("too_many_rows", "过多", {"limit": 3})


async def test_the_process_has_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://meeting_app:secret@db/meeting")
    assert "secret" not in await confined(eval, "str(__import__('os').environ)")


async def test_what_it_prints_isnt_taken_for_its_result() -> None:
    assert await confined(print, "not a pickle") is None


async def test_memory_has_a_limit() -> None:
    with pytest.raises(BeyondLimits):
        await confined(list, repeat(None, 1 << 29))


async def test_time_has_a_limit_and_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined_, "SECONDS", 0.5)
    before = children()
    with pytest.raises(BeyondLimits):
        await confined(time.sleep, 60)
    assert set(children()) <= set(before)


async def test_a_caller_who_gives_up_leaves_no_process() -> None:
    before = children()
    reading = asyncio.create_task(confined(time.sleep, 60))
    while set(children()) <= set(before):
        await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert set(children()) <= set(before)


async def test_beyond_a_number_that_waits_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined_, "_ADMISSION", Admission(at_a_time=1, waiting=1))
    found = await asyncio.gather(*(confined(int, "1") for _ in range(5)), return_exceptions=True)
    assert found.count(1) == 2
    assert [each.code for each in found if isinstance(each, Problem)] == ["busy"] * 3
    assert await confined(int, "1") == 1, "and later let in again"
