"""The worklist filter `waits_for` (待办), the same in every service."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from zhengling.kernel.errors import invalid
from zhengling.web.call import Call

#: The official who may act next: by a post, as a stand-in, or entrusted.
WaitsFor = Annotated[
    str | None,
    Query(
        max_length=64,
        description="only items this official may act on next (`me`: the token's); a page may be short and have a next one",
    ),
]


def waited_for(call: Call, waits_for: str | None) -> str | None:
    """The official of the filter. Problem 422 `no_official` for `me` with a token without an official."""
    if waits_for != "me":
        return waits_for
    if call.official is None:
        raise invalid("no_official", "the token names no official: give one", "访问令牌未指明官员，请填写官员")
    return call.official
