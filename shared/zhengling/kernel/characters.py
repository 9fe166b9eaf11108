"""Which characters a text may hold: those of XML 1.0 (section 2.2), since texts become official documents and workbooks;
none that is no sign at all or turns the direction of writing, since it would show another text than there is.

Invariants: what the API took can be written into any of them; a text of one line stays within its line, so that a title
begins no paragraph of its own. Lone surrogates are no text at all; no payload has them. Pure.
"""

from __future__ import annotations

import re

from zhengling.kernel.errors import Problem, invalid

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: What XML could hold: the controls of C1, separators of lines and paragraphs, and what sets the direction of writing.
_HIDDEN = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_NOT_TAKEN = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f{_HIDDEN}\ufffe\uffff]")
_NOT_IN_ONE_LINE = re.compile(f"[\x00-\x1f{_HIDDEN}\ufffe\uffff]")


class SeveralLines:
    """Marks a payload's text that may have several lines; every other one has one (`payload.Payload`)."""


def beyond_one_line(text: str) -> str | None:
    """The first character that a text of one line doesn't have; None where there is none."""
    return found[0] if (found := _NOT_IN_ONE_LINE.search(text)) else None


def require_one_line(value: object, name: str) -> None:
    """Look into every text of a payload's field. 422 `several_lines` names the field; `character_not_allowed`."""
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
        f"{name} is a text of one line: leave out line ends and tabs",
        f"{name} 须为单行文本，请删除换行和制表符",
        field=name,
    )


def not_allowed(character: str) -> Problem:
    """422 `character_not_allowed`, naming the character by its number."""
    number = f"U+{ord(character):04X}"
    return invalid(
        "character_not_allowed",
        f"a text holds the character {number}, which can't be kept; leave it out",
        f"文本中含有无法保存的字符 {number}，请删除",
    )


def require_allowed(payload: object) -> None:
    """Look into every text of a JSON value, names of members too. 422 `character_not_allowed`."""
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


def without_forbidden(text: str) -> str:
    """The text as XML can hold it: each forbidden character shown as U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)
