"""Inspecting containers needs little memory, for any content and number of uploads."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import tracemalloc
from typing import Any

import pytest

from tests.contents import DOCX, zipped
from zhengling.files import files
from zhengling.files.files import Upload
from zhengling.files.kinds import KINDS


class OneContent:
    """A store in which one content lies."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def reader(self, key: str) -> io.BytesIO:
        return io.BytesIO(self._content)


def test_an_oversized_directory_is_rejected_before_it_fills_the_memory() -> None:
    store: Any = OneContent(zipped("[Content_Types].xml", *(f"word/{n}{'x' * 60}.xml" for n in range(12_000))))
    tracemalloc.start()
    try:
        assert files._parts(store, "k", zipped=True) == frozenset()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    fine: Any = OneContent(zipped("[Content_Types].xml", *(f"word/{n}.xml" for n in range(2000))))
    assert "word/" in files._parts(fine, "k", zipped=True)


async def test_at_most_two_containers_are_inspected_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def slowly(*_: object) -> frozenset[str]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return frozenset({"[Content_Types].xml", "word/"})

    monkeypatch.setattr(files, "_parts", slowly)
    store: Any = OneContent(DOCX)
    upload = Upload("a.docx", KINDS["docx"])
    meters = [files._Meter(size=len(DOCX), head=DOCX[:64]) for _ in range(8)]
    await asyncio.gather(*(files._check(store, "k", upload, meter) for meter in meters))
    assert most == 2
