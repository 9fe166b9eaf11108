"""Inspecting containers needs little memory, for any content and number of uploads."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import tracemalloc
from typing import Any

import pytest
from docx import Document
from openpyxl import Workbook

from tests.contents import CONTENTS, DOCX, TYPES, WITH_MACROS, zipped
from zhengling.files import files
from zhengling.files.files import Upload
from zhengling.files.kinds import KINDS, OLE, ZIP, require_shown, require_without_macros
from zhengling.kernel.errors import Problem


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
        assert files._inspect(store, "k", zipped=True) == files.Inside()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    fine: Any = OneContent(zipped("[Content_Types].xml", *(f"word/{n}.xml" for n in range(2000))))
    assert "word/" in files._inspect(fine, "k", zipped=True).parts


def _inside(content: bytes) -> files.Inside:
    store: Any = OneContent(content)
    return files._inspect(store, "k", zipped=content.startswith(b"PK"))


@pytest.mark.parametrize("case", WITH_MACROS)
def test_a_document_with_macros_is_refused_whatever_it_or_the_part_is_called(case: str) -> None:
    kind, content = WITH_MACROS[case]
    inside = _inside(content)
    require_shown(KINDS[kind], content, inside.parts)
    with pytest.raises(Problem) as refused:
        require_without_macros(inside.parts, inside.types)
    assert (refused.value.status, refused.value.code) == (422, "content_has_macros")


@pytest.mark.parametrize("name", CONTENTS)
def test_a_document_without_macros_is_taken(name: str) -> None:
    content = CONTENTS[name]
    if content.startswith((ZIP, OLE)):
        inside = _inside(content)
        require_shown(KINDS[name], content, inside.parts)
        require_without_macros(inside.parts, inside.types)


def test_real_documents_of_the_libraries_used_here_are_taken() -> None:
    word, sheet = io.BytesIO(), io.BytesIO()
    Document().save(word)
    Workbook().save(sheet)
    for kind, file in (("docx", word), ("xlsx", sheet)):
        inside = _inside(file.getvalue())
        require_shown(KINDS[kind], file.getvalue(), inside.parts)
        require_without_macros(inside.parts, inside.types)


@pytest.mark.parametrize("types", ["<!DOCTYPE x [<!ENTITY v 'vba'>]>", "x" * (files.TYPES_BYTES + 1), b"\0v\0b\0a"])
def test_types_that_say_what_no_reader_of_them_sees_make_no_document(types: str | bytes) -> None:
    assert _inside(zipped(TYPES, "word/document.xml", types=types)) == files.Inside()


async def test_at_most_two_containers_are_inspected_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def slowly(*_: object) -> files.Inside:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return files.Inside(frozenset({"[Content_Types].xml", "word/"}))

    monkeypatch.setattr(files, "_inspect", slowly)
    store: Any = OneContent(DOCX)
    upload = Upload("a.docx", KINDS["docx"])
    meters = [files._Meter(size=len(DOCX), head=DOCX[:64]) for _ in range(8)]
    await asyncio.gather(*(files._check(store, "k", upload, meter) for meter in meters))
    assert most == 2
