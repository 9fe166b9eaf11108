"""The state of a transaction: its government, business time, cause, cached look-ups and gathered rows.

It is kept in the session's `info` and ends with the session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

V = TypeVar("V")
#: Inserts rows of one kind in one statement, in the caller's transaction.
Writer = Callable[[AsyncSession, list[Any]], Awaitable[None]]
_KEY = "zhengling"


@dataclass(frozen=True)
class Cause:
    """The cause of a transaction, copied to the events it emits: the request's correlation id and W3C trace context, and
    the event being handled."""

    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


@dataclass
class TransactionState:
    """`gathered` holds the rows to insert at the end of a batch (`together`); None outside one. `locked` are the nouns whose
    rows this transaction has locked, by class and id, with the savepoint since which it holds the lock; `asked_for` those that it
    asked for, with what they are called."""

    government: str | None = None
    now: datetime | None = None
    cause: Cause = Cause()
    looked_up: dict[Lookup[Any], dict[str, Any]] = field(default_factory=dict)
    gathered: dict[Writer, list[Any]] | None = None
    locked: dict[tuple[type, object], SessionTransaction | None] = field(default_factory=dict)
    asked_for: dict[tuple[type, object], tuple[str, str]] = field(default_factory=dict)


def state_of(session: AsyncSession | Session) -> TransactionState:
    """The state of the session's transaction."""
    state: TransactionState = session.info.setdefault(_KEY, TransactionState())
    return state


class Lookup(Generic[V]):
    """A cache of look-ups by key within a transaction; cleared at its end and when a savepoint is rolled back, which
    releases the locks taken since."""

    def of(self, session: AsyncSession) -> dict[str, V]:
        """The mutable mapping of the look-ups so far."""
        found: dict[str, V] = state_of(session).looked_up.setdefault(self, {})
        return found
