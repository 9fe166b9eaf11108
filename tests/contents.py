"""Minimal file contents of every kind."""

from __future__ import annotations

import io
import struct
import zipfile

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def zipped(*names: str) -> bytes:
    """A zip with these parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return file.getvalue()


def compound(*names: str) -> bytes:
    """A compound file (OLE, [MS-CFB] version 3) with empty streams of these names: header, table, directory."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<IIIIIIIII", 1, 1, 0, 4096, _END, 0, _END, 0, 0) + struct.pack("<I", _FREE) * 108
    sectors = -(-(len(names) + 1) // 4)
    chain = [_FAT, *range(2, sectors + 1), _END]
    table = struct.pack("<128I", *chain, *[_FREE] * (128 - len(chain)))
    entries = [_entry("Root Entry", 5, child=1 if names else _FREE)]
    entries += [_entry(name, 2, right=n + 2 if n + 1 < len(names) else _FREE) for n, name in enumerate(names)]
    entries += [bytes(128)] * (sectors * 4 - len(entries))
    return header + table + b"".join(entries)


def _entry(name: str, kind: int, *, right: int = _FREE, child: int = _FREE) -> bytes:
    encoded = name.encode("utf-16-le")
    entry = encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded) + 2, kind, 1)
    return entry + struct.pack("<III", _FREE, right, child) + bytes(36) + struct.pack("<IQ", _END, 0)


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
DOCX = zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")
XLSX = zipped("[Content_Types].xml", "xl/workbook.xml")
PPTX = zipped("[Content_Types].xml", "ppt/presentation.xml")
OFD = zipped("OFD.xml", "Doc_0/Document.xml")
DOC, XLS, PPT = compound("WordDocument", "1Table"), compound("Workbook"), compound("PowerPoint Document")
ENCRYPTED = compound("EncryptionInfo", "EncryptedPackage")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(20)
RTF = rb"{\rtf1\ansi hello}"
TXT = "关于老旧小区改造的请示\r\n".encode()

#: A content of each kind that may be kept, by the kind's name.
CONTENTS = {
    "pdf": PDF, "ofd": OFD, "doc": DOC, "docx": DOCX, "wps": DOC, "xls": XLS, "xlsx": XLSX, "et": XLS, "ppt": PPT,
    "pptx": PPTX, "dps": PPT, "png": PNG, "jpeg": JPEG, "rtf": RTF, "txt": TXT,
}  # fmt: skip


def pdf(size: int, mark: bytes = b"") -> bytes:
    """A PDF of this many bytes; another one for another mark."""
    return (b"%PDF-1.7\n%" + mark).ljust(size, b".")
