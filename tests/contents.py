"""Minimal file contents of every kind."""

from __future__ import annotations

import io
import struct
import zipfile

TYPES = "[Content_Types].xml"
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def zipped(*names: str, **contents: str | bytes) -> bytes:
    """A zip with these parts; `types` is the content of its [Content_Types].xml."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, contents.get("types", "<x/>") if name == TYPES else "<x/>")
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


def compound_of(name: str, content: bytes) -> bytes:
    """A compound file with one stream of up to 60 kB; in sectors of its own, as it is padded to 4,096 bytes."""
    content = content.ljust(4096, b"\0")
    content = content.ljust(-(-len(content) // 512) * 512, b"\0")
    sectors = len(content) // 512
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<IIIIIIIII", 1, 1, 0, 4096, _END, 0, _END, 0, 0) + struct.pack("<I", _FREE) * 108
    chain = [_FAT, _END, *range(3, sectors + 2), _END]
    table = struct.pack("<128I", *chain, *[_FREE] * (128 - len(chain)))
    entries = [_entry("Root Entry", 5, child=1), _entry(name, 2, start=2, size=len(content)), bytes(128), bytes(128)]
    return header + table + b"".join(entries) + content


def workbook(*sheets: tuple[int, int], before: bytes = b"") -> bytes:
    """A workbook's stream ([MS-XLS]) with sheets of these kinds, as its list of sheets says and as their first records say.
    0, 16: a worksheet; 1, 64: a macro sheet. `before` are records before the list."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    begin, end = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + before, record(0x0A, b"")
    starts = [record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0)) + end for _, kind in sheets]
    size = len(begin) + len(sheets) * len(record(0x85, bytes(9))) + len(end)
    listed = b""
    for n, (kind, _) in enumerate(sheets):
        at = size + sum(map(len, starts[:n]))
        listed += record(0x85, struct.pack("<IBBBB", at, 2, kind, 1, 0) + b"a")
    return begin + listed + end + b"".join(starts)


def _entry(name: str, kind: int, *, right: int = _FREE, child: int = _FREE, start: int = _END, size: int = 0) -> bytes:
    encoded = name.encode("utf-16-le")
    entry = encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded) + 2, kind, 1)
    return entry + struct.pack("<III", _FREE, right, child) + bytes(36) + struct.pack("<IQ", start, size)


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
DOCX = zipped(TYPES, "_rels/.rels", "word/document.xml")
XLSX = zipped(TYPES, "xl/workbook.xml")
PPTX = zipped(TYPES, "ppt/presentation.xml")
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


VBA = "application/vnd.ms-office.vbaProject"
#: Documents with macros, by where these are told from: the name of a part, or its type.
WITH_MACROS = {
    "docx: vbaProject.bin": ("docx", zipped(TYPES, "word/document.xml", "word/vbaProject.bin")),
    "xlsx: VBAPROJECT.BIN": ("xlsx", zipped(TYPES, "xl/workbook.xml", "xl/VBAPROJECT.BIN")),
    "xlsx: macrosheets": ("xlsx", zipped(TYPES, "xl/workbook.xml", "xl/macrosheets/sheet1.xml")),
    "docx: a type": ("docx", zipped(TYPES, "word/document.xml", "word/x.bin", types=f'<Default ContentType="{VBA}"/>')),
    "docx: a type spelt by code points": (
        "docx", zipped(TYPES, "word/x.bin", types='<Override ContentType="application/vnd.ms-office.vba&#x50;roject"/>'),
    ),
    "docx: a type in UTF-16": ("docx", zipped(TYPES, "word/x.bin", types=f'<x ContentType="{VBA}"/>'.encode("utf-16"))),
    "docx: named twice": ("docx", zipped(TYPES, "word/a.xml", "[content_types].xml", "word/vbaData.xml")),
    "pptx: its own type": (
        "pptx", zipped(TYPES, "ppt/presentation.xml", types="application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"),
    ),
    "doc: Macros": ("doc", compound("WordDocument", "Macros")),
    "xls: a macro sheet in the list": ("xls", compound_of("Workbook", workbook((0, 16), (1, 64)))),
    "xls: a macro sheet by its own record": ("xls", compound_of("Workbook", workbook((0, 16), (0, 64)))),
    "xls: a macro sheet by the list alone": ("et", compound_of("Book", workbook((1, 16)))),
    "xls: a macro sheet behind other records": (
        "xls", compound_of("Workbook", workbook((1, 64), before=b"\xfc\0\x20\x20".ljust(4 + 0x2020, b"x") * 6)),
    ),
    "xls: _VBA_PROJECT_CUR": ("xls", compound("Workbook", "_VBA_PROJECT_CUR")),
}  # fmt: skip
