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

from tests.contents import CONTENTS, DOCX, TYPES, WITH_MACROS, compound_of, workbook, zipped
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


def test_a_workbook_without_macro_sheets_is_taken_and_a_broken_one_is_none() -> None:
    fine = compound_of("Workbook", workbook((0, 16), (2, 32), (0, 16)))
    inside = _inside(fine)
    require_shown(KINDS["xls"], fine, inside.parts)
    require_without_macros(inside.parts, inside.types)
    cut_off = fine[:2048]
    with pytest.raises(Problem) as refused:
        require_shown(KINDS["xls"], cut_off, _inside(cut_off).parts)
    assert refused.value.code == "content_differs"


def test_a_workbook_that_says_to_be_larger_than_its_container_is_none() -> None:
    content = compound_of("Workbook", workbook((0, 16)))
    entry = content.index("Workbook".encode("utf-16-le")) + 120
    for size in (1 << 31, 60_000):  # its chain ends before
        assert not _inside(content[:entry] + size.to_bytes(4, "little") + content[entry + 4 :]).parts


def test_a_workbook_of_endless_records_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    content = compound_of("Workbook", workbook((0, 16), before=b"\1\0\0\0" * 1000))
    assert _inside(content).parts
    monkeypatch.setattr("zhengling.files.workbook._MOST_RECORDS", 1000)
    assert not _inside(content).parts


def test_of_a_large_workbook_little_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = b"\xfc\0\x20\x20".ljust(4 + 0x2020, b"x") * 6
    content = compound_of("Workbook", workbook((0, 16), before=texts))
    monkeypatch.setattr(files, "WORKBOOK_BYTES", 1 << 17)
    assert "Workbook" in _inside(content).parts
    monkeypatch.setattr(files, "WORKBOOK_BYTES", 1 << 14)
    assert not _inside(content).parts


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
