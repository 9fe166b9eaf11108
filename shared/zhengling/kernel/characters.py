"""The characters allowed in texts: those of XML 1.0 (section 2.2), since texts are written into official documents and
workbooks, without invisible and bidirectional formatting characters, which make a text display as another one.

Invariants: every accepted text can be written into these documents; a single-line text has no line ends, so a title can't
start a paragraph. Lone surrogates aren't valid text and no payload has them. Pure.
"""

from __future__ import annotations

import re

from zhengling.kernel.errors import Problem, invalid

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: Allowed in XML but not here: C1 controls, line and paragraph separators, bidirectional formatting characters; and characters
#: without a glyph (soft hyphen, zero-width characters, fillers, the Braille blank, tags), which make a blank text pass for one,
#: and two names that look alike differ. Variation selectors are kept: names need them.
_HIDDEN = (
    "\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_NOT_TAKEN = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f{_HIDDEN}\ufffe\uffff]")
_NOT_IN_ONE_LINE = re.compile(f"[\x00-\x1f{_HIDDEN}\ufffe\uffff]")


#: Spaces of any width between two Chinese characters, or beside the dot inside a name (阿不都·克里木).
_PADDING = re.compile(
    r"(?<=[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff·])\s+(?=[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff·])"
)


class SeveralLines:
    """Marks a text of a payload that may have several lines; all others are single-line (`payload.Payload`)."""


def beyond_one_line(text: str) -> str | None:
    """The first character not allowed in a single-line text; None if there is none."""
    return found[0] if (found := _NOT_IN_ONE_LINE.search(text)) else None


def require_one_line(value: object, name: str) -> None:
    """Check every text in a payload's field. 422 `several_lines`, naming the field, or `character_not_allowed`."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                if found := beyond_one_line(text):
                    raise _several_lines(name) if found in "\t\n\r" else not_allowed(found)
            case dict(members):
                waiting += [*members, *members.values()]
            case list(items) | tuple(items):
                waiting += items


def _several_lines(name: str) -> Problem:
    return invalid(
        "several_lines",
        f"{name} is a single-line text: remove line ends and tabs",
        f"{name} 须为单行文本，请删除换行和制表符",
        field=name,
    )


def not_allowed(character: str) -> Problem:
    """422 `character_not_allowed`, naming the character by its code point."""
    number = f"U+{ord(character):04X}"
    return invalid(
        "character_not_allowed",
        f"a text contains the character {number}, which isn't allowed; remove it",
        f"文本中含有不允许使用的字符 {number}，请删除",
    )


def require_allowed(payload: object) -> None:
    """Check every text of a JSON value, including member names. 422 `character_not_allowed`."""
    waiting = [payload]
    while waiting:
        match waiting.pop():
            case str(text):
                if found := _NOT_TAKEN.search(text):
                    raise not_allowed(found[0])
            case dict(members):
                waiting += [*members, *members.values()]
            case list(items):
                waiting += items


def unpadded(name: str) -> str:
    """A name or title without the spaces that only set its width in a column: `张　三` is `张三`. Other spaces become one."""
    return " ".join(_PADDING.sub("", name).split())


def without_forbidden(text: str) -> str:
    """The text for XML: each forbidden character replaced by U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)
