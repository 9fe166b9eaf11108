"""Whether a workbook of Excel 97 to 2003 ([MS-XLS], or BIFF5 before it) has macro sheets (Excel 4.0).

They aren't parts of the container, as in OOXML, but sheets within the one stream: its list of sheets states the kind of each, and
so does each sheet's first record; one of both is enough. Only headers of records and what they need are kept in memory; the
caller bounds what can be read. Blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

import olefile

_EOF, _BOUND_SHEET, _BOF = 0x000A, 0x0085, 0x09  # a BOF's second byte is the version's
_LISTED_AS_MACROS, _BEGINS_AS_MACROS = 0x01, 0x0040
_STREAMS = {"workbook", "book"}
_WINDOW = 1 << 16
_MOST_RECORDS = 100_000
"""The most records before the sheets, in all workbooks of a container: styles, names and texts of large ones are a tenth."""


def has_macro_sheets(document: olefile.OleFileIO, file: IO[bytes]) -> bool:
    """Whether a workbook anywhere in the container has a macro sheet. ValueError, struct.error or IndexError if it is broken."""
    paths = [path for path in document.listdir() if path[-1].lower() in _STREAMS]
    if sum(document.get_size(path) for path in paths) > len(document.fat) * document.sector_size:
        raise ValueError("the workbooks are larger than their container")
    left = iter(range(_MOST_RECORDS))
    return any(_lists_macros(_Stream(document, path, file), left) for path in paths)


def _lists_macros(stream: _Stream, left: Iterator[int]) -> bool:
    begins_at = set()
    for kind, at, size in _records(stream):
        if next(left, None) is None:
            raise ValueError(f"the workbooks have more than {_MOST_RECORDS} records")
        if kind == _BOUND_SHEET and size >= 6:
            begin, listed_as = struct.unpack("<IxB", stream.read(at, 6, ahead=_WINDOW))
            if listed_as == _LISTED_AS_MACROS:
                return True
            begins_at.add(begin)
    return any(_begins_as_macros(stream, at) for at in sorted(begins_at))


def _begins_as_macros(stream: _Stream, at: int) -> bool:
    first = stream.read(at, 8)
    return len(first) == 8 and first[0] == _BOF and struct.unpack("<H", first[6:])[0] == _BEGINS_AS_MACROS


def _records(stream: _Stream) -> Iterator[tuple[int, int, int]]:
    """Type, place and size of each record of the workbook's own part, which comes before those of its sheets."""
    at, kind = 0, None
    while kind != _EOF and len(header := stream.read(at, 4, ahead=_WINDOW)) == 4:
        kind, size = struct.unpack("<HH", header)
        yield kind, at + 4, size
        at += 4 + size


class _Stream:
    """A stream of a compound file, read piece by piece: olefile would read all of it."""

    def __init__(self, document: olefile.OleFileIO, path: list[str], file: IO[bytes]) -> None:
        entry = document.direntries[document._find(path)]
        self._file, self._sector_size, self._size = file, document.sector_size, entry.size
        self._window, self._begins = b"", 0
        self._sectors: list[int] = []
        if entry.size < document.mini_stream_cutoff_size:  # together with other small ones
            self._window = document.openstream(path).read()
            return
        sector = entry.isectStart
        while len(self._sectors) * self._sector_size < self._size:  # ends also where the chain is a circle
            self._sectors.append(sector)
            sector = document.fat[sector]

    def read(self, at: int, size: int, ahead: int = 0) -> bytes:
        """These bytes; fewer at the stream's end. If they aren't in memory, as many more are read that follow them."""
        end = min(at + size, self._size)
        if self._sectors and not self._begins <= at <= end <= self._begins + len(self._window):
            first, last = at // self._sector_size, (end + ahead) // self._sector_size
            self._begins, self._window = (
                first * self._sector_size,
                b"".join(self._runs(self._sectors[first : last + 1])),
            )
        return self._window[at - self._begins : end - self._begins] if at < end else b""

    def _runs(self, sectors: list[int]) -> Iterator[bytes]:
        """The sectors' bytes, with one reading for those that follow one another."""
        begin = 0
        for n, sector in enumerate(sectors, 1):
            if n == len(sectors) or sectors[n] != sector + 1:
                self._file.seek((sectors[begin] + 1) * self._sector_size)
                yield self._file.read((n - begin) * self._sector_size)
                begin = n
