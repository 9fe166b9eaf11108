"""Which nouns a transaction has locked. Invariant: a noun is changed only by a transaction that holds its row's lock, from
before it read what it changes; so its version is the current one at the flush, and of two changes one waits for the other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import QueryContext, Session, SessionTransaction, UOWTransaction, object_session

from zhengling.database.transaction import state_of


class UnlockedChange(RuntimeError):
    """A noun was changed whose row this transaction hasn't locked: a fault of the program, found at its first run rather
    than in a race."""


class LockingSession(Session):
    """Refuses to flush changes of rows that aren't locked. A savepoint that is rolled back releases the locks taken since
    it was set, so what was looked up under them is forgotten as well."""


def is_locked(session: AsyncSession | Session, model: type, key: object) -> bool:
    """Whether this transaction has locked the noun, or inserted it."""
    return (model, key) in state_of(session).locked


def watch(noun: type) -> None:
    """Note each row of this noun that a statement reads FOR UPDATE."""
    event.listen(noun, "load", _read)
    event.listen(noun, "refresh", lambda target, context, attributes: _read(target, context))


def _read(target: Any, context: QueryContext | None) -> None:
    statement = context.compile_state.select_statement if context and context.compile_state else None
    if statement is not None and statement._for_update_arg is not None and (session := object_session(target)):
        _note(session, target)


def _note(session: Session, noun: Any) -> None:
    if hasattr(noun, "version"):
        state_of(session).locked[type(noun), noun.id] = session.get_nested_transaction()


@event.listens_for(LockingSession, "pending_to_persistent")
def _inserted(session: Session, instance: object) -> None:
    _note(session, instance)


@event.listens_for(LockingSession, "before_flush")
def _require_locked(session: Session, flush: UOWTransaction, instances: object) -> None:
    for noun in (*filter(session.is_modified, session.dirty), *session.deleted):
        if hasattr(noun, "version") and not is_locked(session, type(noun), noun.id):
            raise UnlockedChange(f"{type(noun).__name__} {noun.id} was changed without a lock on its row")


@event.listens_for(LockingSession, "after_soft_rollback")
def _released(session: Session, previous: SessionTransaction) -> None:
    state = state_of(session)
    state.looked_up.clear()
    if previous.nested:
        state.locked = {noun: since for noun, since in state.locked.items() if since is not previous}
    else:
        state.locked.clear()
