"""What a transaction knows beside its rows: its government, business time, what caused it, what it looked up and gathered.

It lives in the session's `info`, and ends with the session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

V = TypeVar("V")
#: Inserts rows of one kind in one statement, in the caller's transaction.
Writer = Callable[[AsyncSession, list[Any]], Awaitable[None]]
_KEY = "zhengling"


@dataclass(frozen=True)
class Cause:
    """What a transaction follows from, as the events that it emits repeat it: the request's correlation and W3C trace
    context, and the event that is being handled."""

    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


@dataclass
class TransactionState:
    """`gathered` holds the rows that are written at the end of a batch; None outside of one."""

    government: str | None = None
    now: datetime | None = None
    cause: Cause = Cause()
    looked_up: dict[Lookup[Any], dict[str, Any]] = field(default_factory=dict)
    gathered: dict[Writer, list[Any]] | None = None


def state_of(session: AsyncSession | Session) -> TransactionState:
    """The state of the session's transaction."""
    state: TransactionState = session.info.setdefault(_KEY, TransactionState())
    return state


class Lookup(Generic[V]):
    """A kind of thing that a transaction looks up once for each key; forgotten at its end, and where a part of it is rolled
    back, as the locks taken since then are gone."""

    def of(self, session: AsyncSession) -> dict[str, V]:
        """What was looked up so far, to read and to add to."""
        found: dict[str, V] = state_of(session).looked_up.setdefault(self, {})
        return found
