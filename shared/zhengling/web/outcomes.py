"""Commands on several things at once, each of which is done or refused by itself.

Invariant: what is refused leaves nothing behind and takes no other with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, Field

from zhengling.kernel.errors import Problem
from zhengling.web.call import Call

T = TypeVar("T")


class Numbered(Protocol):
    """A thing with an id and a number."""

    id: str
    number: str


class Outcome(BaseModel):
    """What became of one of several matters: its id and number, or why it was refused."""

    row: Annotated[int, Field(description="its place in the request, from 1")]
    id: str | None = None
    number: str | None = None
    code: Annotated[str | None, Field(description="code of the problem")] = None
    detail: Annotated[str | None, Field(description="the problem, in the language asked for")] = None
    satisfy: str | None = None
    clause: str | None = None


class Outcomes(BaseModel):
    done: int
    refused: int
    rows: list[Outcome]


async def each_by_itself(call: Call, given: Sequence[T], do: Callable[[T], Awaitable[Numbered]]) -> Outcomes:
    """Do it to each of what was given, in this order. A refusal by right (403) holds for all of them, and is raised."""
    rows: list[Outcome] = []
    for n, one in enumerate(given, 1):
        try:
            async with call.session.begin_nested():
                made = await do(one)
            rows.append(Outcome(row=n, id=made.id, number=made.number))
        except Problem as problem:
            if problem.status == 403:  # who may do none isn't told about each
                raise
            satisfy = call.says(problem.satisfy) if problem.satisfy else None
            detail = call.says(problem.detail)
            rows.append(Outcome(row=n, code=problem.code, detail=detail, satisfy=satisfy, clause=problem.clause))
    done = sum(row.id is not None for row in rows)
    call.audit_details.update(done=done, refused=len(rows) - done)
    return Outcomes(done=done, refused=len(rows) - done, rows=rows)
