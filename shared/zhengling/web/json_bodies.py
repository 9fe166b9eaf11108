"""Bodies as JSON (RFC 8259), the same on every route: UTF-8 without a byte order mark, no member twice, numbers that JSON has.

Invariant: a body has bounds of depth and of its number of values, found before it is parsed or validated: json and pydantic
hold the interpreter for as long as a body takes them, also in a thread.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from fastapi import Request

MOST_VALUES = 16_384
"""The most values (members, items, lists and objects) of an ordinary body; commas and brackets in texts count too."""
MOST_MEMBERS = 1000
"""The most members of one object."""
DEEPEST = 32
"""The most lists and objects inside one another."""


def parse(body: bytes, most_values: int = MOST_VALUES) -> Any:
    """What the body says. `json.JSONDecodeError` for anything that two readers might read differently, and beyond the bounds."""
    if sum(map(body.count, (b",", b"[", b"{"))) > most_values:
        raise json.JSONDecodeError(f"it has more than {most_values} values", "", 0)
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise json.JSONDecodeError("a byte order mark is no part of JSON", "", 0)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("JSON is sent in UTF-8", "", error.start) from None
    try:
        said = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deep", "", 0) from None
    except ValueError:  # Python limits the digits that it converts
        raise json.JSONDecodeError("a number has too many digits", "", 0) from None
    if _deeper(said, DEEPEST):
        raise json.JSONDecodeError(f"it is nested deeper than {DEEPEST}", "", 0)
    return said


def _deeper(said: Any, than: int) -> bool:
    level = [said] if isinstance(said, dict | list) else []
    for _ in range(than):
        inner = (each for outer in level for each in (outer.values() if isinstance(outer, dict) else outer))
        level = [each for each in inner if isinstance(each, dict | list)]
        if not level:
            return False
    return bool(level)


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(members) > MOST_MEMBERS:
        raise json.JSONDecodeError(f"an object has more than {MOST_MEMBERS} members", "", 0)
    found = dict(members)
    if len(found) < len(members):
        twice, _ = Counter(name for name, _ in members).most_common(1)[0]
        raise json.JSONDecodeError(f"the member {twice[:60]!r} is given twice", "", 0)
    return found


def _no_number(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no number of JSON", "", 0)


class JsonRequest(Request):
    """A request whose body is read by `parse`."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json
