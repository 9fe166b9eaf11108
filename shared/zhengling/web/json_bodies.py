"""Bodies as JSON (RFC 8259), the same on every route: UTF-8 without a byte order mark, no member twice, numbers that JSON has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute


def parse(body: bytes) -> Any:
    """What the body says. `json.JSONDecodeError` for anything that two readers might read differently."""
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise json.JSONDecodeError("a byte order mark is no part of JSON", "", 0)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("JSON is sent in UTF-8", "", error.start) from None
    try:
        return json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deep", "", 0) from None
    except ValueError:  # Python limits the digits that it converts
        raise json.JSONDecodeError("a number has too many digits", "", 0) from None


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
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


class JsonRoute(APIRoute):
    """A route whose body is read by `parse`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return strict
