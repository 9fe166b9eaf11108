"""Which files are accepted: the kinds and how they are recognised by content, file names, and marks of secrecy.

Invariant: a kind is accepted only if the content shows it, whatever name and media type claim. Pure.
"""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from zhengling.kernel.errors import Problem, Text, invalid, refusal

HEAD_BYTES = 65_536
"""How many of a content's first bytes are inspected."""
MAX_NAME = 200
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage"  # the OLE stream of password-protected documents (Office, WPS)
_WORD, _SHEET, _SLIDES = "WordDocument", "Workbook", "PowerPoint Document"


@dataclass(frozen=True)
class FileKind:
    """A kind of file: its media type and aliases, its file extensions, and its signature: bytes near the beginning, or in a
    container (zip, OLE) all parts of one of the sets. A kind with neither is text."""

    name: str
    media_type: str
    endings: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    sign: bytes = b""
    within: int = 0
    parts: tuple[frozenset[str], ...] = ()

    def shown_by(self, head: bytes, parts: Collection[str]) -> bool:
        """Whether a content is of this kind, by its first `HEAD_BYTES` and the names of its parts (of a container)."""
        if self.parts:
            return any(wanted.issubset(parts) for wanted in self.parts)
        if self.sign:
            return head.find(self.sign, 0, self.within + len(self.sign)) >= 0
        return is_text(head)


def _office(name: str, media_type: str, *aliases: str, endings: tuple[str, ...] = (), parts: Iterable[str]) -> FileKind:
    return FileKind(name, media_type, endings or (name,), aliases, parts=tuple(frozenset(p.split("+")) for p in parts))


_OOXML = "application/vnd.openxmlformats-officedocument."
_XML_WORD, _XML_SHEET, _XML_SLIDES = (f"[Content_Types].xml+{folder}/" for folder in ("word", "xl", "ppt"))
#: Allowed unless the settings allow fewer. WPS uses its own extensions for Microsoft's containers, old or new.
FILE_KINDS: tuple[FileKind, ...] = (
    FileKind("pdf", "application/pdf", ("pdf",), sign=b"%PDF-", within=1019),  # ISO 32000 readers look at 1,024 bytes
    _office("ofd", "application/ofd", "application/vnd.ofd", parts=["OFD.xml"]),  # GB/T 33190
    _office("doc", "application/msword", parts=[_WORD]),
    _office("docx", f"{_OOXML}wordprocessingml.document", "application/wps-office.docx", parts=[_XML_WORD]),
    _office("wps", "application/wps-office.wps", "application/vnd.ms-works", "application/kswps",
            parts=[_WORD, _XML_WORD]),
    _office("xls", "application/vnd.ms-excel", parts=[_SHEET, "Book"]),
    _office("xlsx", f"{_OOXML}spreadsheetml.sheet", "application/wps-office.xlsx", parts=[_XML_SHEET]),
    _office("et", "application/wps-office.et", "application/kset", parts=[_SHEET, "Book", _XML_SHEET]),
    _office("ppt", "application/vnd.ms-powerpoint", parts=[_SLIDES]),
    _office("pptx", f"{_OOXML}presentationml.presentation", "application/wps-office.pptx", parts=[_XML_SLIDES]),
    _office("dps", "application/wps-office.dps", "application/ksdps", parts=[_SLIDES, _XML_SLIDES]),
    FileKind("png", "image/png", ("png",), sign=b"\x89PNG\r\n\x1a\n"),
    FileKind("jpeg", "image/jpeg", ("jpg", "jpeg"), ("image/jpg", "image/pjpeg"), sign=b"\xff\xd8\xff"),
    FileKind("rtf", "application/rtf", ("rtf",), ("text/rtf",), sign=b"{\\rtf"),
    FileKind("txt", "text/plain", ("txt",)),
)  # fmt: skip
KINDS = {kind.name: kind for kind in FILE_KINDS}
#: Sent by clients that don't know the kind; the file extension decides then.
UNKNOWN_MEDIA_TYPE = "application/octet-stream"


class Classification(StrEnum):
    """A content's degree of secrecy (state secrets); the three classified degrees are refused."""

    internal = "internal"
    confidential = "confidential"
    secret = "secret"  # noqa: S105 - a degree of secrecy, no password
    top_secret = "top_secret"  # noqa: S105

    @classmethod
    def _missing_(cls, value: object) -> Classification | None:
        """Accept the Chinese marks, too."""
        return {"秘密": cls.confidential, "机密": cls.secret, "绝密": cls.top_secret}.get(str(value))


# A mark as printed on papers (GB/T 9704: 机密★1年), for names in Unicode's compatibility form (NFKC), where ＊ is * and an
# ideographic space a space, and without combining characters. Its two characters may be set apart. It stands by a star, in
# brackets, after 密级, before a duration, or alone between separators; 商业秘密 and 机密性 are no marks.
_APART = r"[\s._·・\-—–~]*"
_DEGREE = rf"(?:[绝絕机機秘祕]{_APART}密)"
_STAR = r"[★☆⭐⋆✩-✰*∗✱✲]"
_SEPARATOR = r"[\s\-_—–~:.·・,、;|]"
_MARK = re.compile(
    rf"{_DEGREE}\s*级?\s*{_STAR}|{_STAR}\s*{_DEGREE}"
    rf"|[\[({{<【〔〈《「『〖〘“‘\"']\s*{_DEGREE}\s*级?\s*[\])}}>】〕〉》」』〗〙”’\"']"
    rf"|密{_APART}[级級]\s*{_SEPARATOR}*{_DEGREE}"
    rf"|{_DEGREE}\s*级?\s*[\d一二三四五六七八九十]+\s*(?:年|个?月|[天日])|{_DEGREE}\s*级?\s*长期"
    rf"|(?:^|{_SEPARATOR}){_DEGREE}级?(?={_SEPARATOR}|$)"
)


def _as_printed(name: str) -> str:
    """The name without what only makes its characters look otherwise: forms of compatibility, and marks above or below."""
    plain = unicodedata.normalize("NFKC", name)
    return "".join(character for character in plain if not unicodedata.combining(character))


def require_unclassified(classification: Classification, name: str) -> None:
    """Refusal `classified_content` for a content stated to be a state secret, or with a mark of secrecy in its name."""
    if classification == Classification.internal and not _MARK.search(_as_printed(name)):
        return
    raise refusal(
        "classified_content",
        None,
        "classified content (top secret, secret, confidential) can't be kept in this system",
        "涉密文件（绝密、机密、秘密）不得上传本系统",
        Text(
            "record only number, lead unit and due date, and that it is held on paper",
            "仅登记文号、牵头单位和办理时限，并注明“纸质件保管”",
        ),
    )


def kind_of(media_type: str, name: str, allowed: Collection[str]) -> FileKind:
    """The kind of a media type; for `application/octet-stream` the kind of the file extension.

    `allowed` are names of kinds. 415 `file_type_not_allowed`, naming the allowed ones; 422 `file_name_differs` if the
    extension is another kind's.
    """
    said = media_type.partition(";")[0].strip().lower()
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    kinds = [kind for kind in FILE_KINDS if kind.name in allowed]
    if said == UNKNOWN_MEDIA_TYPE:
        found = [kind for kind in kinds if ending in kind.endings]
    else:
        found = [kind for kind in kinds if said == kind.media_type or said in kind.aliases]
    if not found:
        names = ", ".join(kind.name for kind in kinds)
        raise Problem(
            415,
            "file_type_not_allowed",
            Text(f"files of the type {said or 'unknown'} aren't kept here", f"不接受该类型的文件：{said or '未知'}"),
            Text(f"send one of {names}, with its Content-Type", f"请上传以下类型之一，并注明 Content-Type：{names}"),
            extra={"allowed": [kind.media_type for kind in kinds]},
        )
    if ending not in found[0].endings:
        endings = ", ".join(f".{each}" for each in found[0].endings)
        raise invalid(
            "file_name_differs",
            f"{name!r} isn't a name for the type {found[0].media_type}, whose extensions are {endings}",
            f"文件名与类型不符：{found[0].media_type} 的扩展名应为 {endings}",
        )
    return found[0]


def require_shown(kind: FileKind, head: bytes, parts: Collection[str]) -> None:
    """422 `content_differs` unless the content is of the stated kind; `content_encrypted` if it has a password."""
    if kind.shown_by(head, parts):
        return
    if _ENCRYPTED in parts:
        raise invalid(
            "content_encrypted",
            "the file is protected by a password, so others can't read it; remove the password",
            "文件设有打开密码，他人无法阅读，请取消密码后上传",
        )
    raise invalid(
        "content_differs",
        f"the content isn't of the stated type {kind.media_type}",
        f"文件内容与标明的类型 {kind.media_type} 不符",
    )


#: What OOXML calls the folder of Excel 4's macro sheets. Older workbooks have them without a part of their own.
MACRO_SHEETS = "macrosheets"
#: Parts of a container that hold macros: the folders of Office's binary formats, and the parts of OOXML, also of Excel 4.
_MACRO_PARTS = re.compile(
    rf"(?:^|/)(?:macros|vba|_vba_project(?:_cur)?|vbaproject\.bin|vbadata\.xml|{MACRO_SHEETS})(?:/|$)"
)
#: Content types of such parts, whatever they are called (ECMA-376-2: a part has the type that [Content_Types].xml states).
_MACRO_TYPES = re.compile(r"vbaproject|vbadata|macroenabled|macrosheet")


def require_without_macros(parts: Collection[str], types: str) -> None:
    """422 `content_has_macros` for a document with a program in it, by the names of its parts or by the `types` that OOXML
    states for them (the text of [Content_Types].xml)."""
    named = any(_MACRO_PARTS.search(part.lower()) for part in parts)
    if named or _MACRO_TYPES.search(html.unescape(types).lower()):
        raise invalid(
            "content_has_macros",
            "the file contains macros; save it as a document without macros",
            "文件含有宏，请另存为不含宏的文档后上传",
        )


def is_text(head: bytes) -> bool:
    """Whether bytes are text: UTF-8, GB 18030, or UTF-16 with a byte order mark; no controls but line ends and tabs."""
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(head)  # the last character may be cut off
        except UnicodeDecodeError:
            continue
        return not any(unicodedata.category(character) == "Cc" and character not in "\t\n\r\f" for character in text)
    return False


def clean_name(given: str) -> str:
    """A file's name without folders, in Unicode NFC. 422 `file_name_invalid` if it is empty or longer than 200 characters,
    or has control or bidirectional formatting characters (which can display another extension than it has)."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", given)[-1]).strip()
    hidden = any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for character in name)
    if hidden or not name.strip(".") or len(name) > MAX_NAME:
        raise invalid(
            "file_name_invalid",
            f"a file's name has 1 to {MAX_NAME} characters, all of them visible",
            f"文件名须为1至{MAX_NAME}个可见字符",
        )
    return name
