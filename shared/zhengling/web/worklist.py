"""Lists of what waits for somebody: the filter `waits_for`, the same in every service."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from zhengling.kernel.errors import invalid
from zhengling.web.call import Call

#: Whoever may act on a thing next: by post, for somebody who is away, or entrusted.
WaitsFor = Annotated[
    str | None,
    Query(
        max_length=64,
        description="only what this official may act on next (`me`: the token's); a page may be short and have a next one",
    ),
]


def waited_for(call: Call, waits_for: str | None) -> str | None:
    """The official meant. Problem 422 `no_official` where `me` is asked for with a token for no official."""
    if waits_for != "me":
        return waits_for
    if call.official is None:
        raise invalid("no_official", "the token is for no official: say whom", "令牌未指明官员，请填写官员")
    return call.official
