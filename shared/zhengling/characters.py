"""Which characters a text may hold: those of XML 1.0 (section 2.2), since texts become official documents and workbooks.

Invariant: what the API took can be written into any of them. Lone surrogates are no text at all; no payload has them.
Pure.
"""

from __future__ import annotations

import re

from zhengling.errors import Problem, invalid

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


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
                if found := _FORBIDDEN.search(text):
                    raise not_allowed(found[0])
            case dict(members):
                waiting += [*members, *members.values()]
            case list(items):
                waiting += items


def without_forbidden(text: str) -> str:
    """The text as XML can hold it: each forbidden character shown as U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)
