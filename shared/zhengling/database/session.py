"""The database: one engine per process, one transaction per unit of work, committed only at the edge.

Invariant: every transaction of a service runs for exactly one government, named to PostgreSQL at its beginning
(`app.government`, local to the transaction), so that row-level security holds whatever a query forgets. A transaction
of the worker's own (no government) sees only the backbone's tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from zhengling.database.transaction import state_of
from zhengling.kernel.errors import not_found

T = TypeVar("T")
NATIONAL = "*"
#: SQLSTATEs of a server that takes nobody in: connection failures, too many connections, starting up, shutting down.
_AWAY = ("08", "53300", "57P")
_ENTER = sa.text("SELECT set_config('app.government', :government, true), business_now()")


class _Session(Session):
    """Forgets what it looked up where a savepoint is rolled back: the locks taken since then are gone with it."""


@event.listens_for(_Session, "after_soft_rollback")
def _forget(session: Session, previous_transaction: object) -> None:
    state_of(session).looked_up.clear()


class Database:
    """Sessions on one database under one role."""

    def __init__(self, url: str, *, application: str, pool_size: int = 10) -> None:
        self.url = make_url(url).set(drivername="postgresql+asyncpg")
        self.engine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=False,
            pool_recycle=1800,
            pool_timeout=10,
            hide_parameters=True,  # an error's text goes into logs and tables, a statement's values don't
            json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": 40,  # beyond the server's own limit: for a server that answers nothing at all
                "server_settings": {
                    "application_name": application,
                    "timezone": "UTC",
                    "statement_timeout": "30000",
                    "idle_in_transaction_session_timeout": "60000",
                },
            },
        )
        self.autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")  # for a single look
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, sync_session_class=_Session)

    @asynccontextmanager
    async def transaction(self, government: str | None) -> AsyncIterator[AsyncSession]:
        """A session in a transaction of this government (None: of none yet); commits when the block ends well, else rolls
        back."""
        async with self._sessions() as session, session.begin():
            if government is not None:
                await enter_government(session, government)
            yield session

    async def reachable(self) -> bool:
        try:
            async with asyncio.timeout(5), self.engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
            return True
        except (OSError, TimeoutError, DBAPIError, sa.exc.TimeoutError):
            return False

    async def close(self) -> None:
        await self.engine.dispose()


async def whole(unit: Coroutine[Any, Any, T], within: float = 5.0) -> T:
    """Do a worker's unit of work: cancelled meanwhile (SIGTERM), it is still finished and committed, unless that takes
    longer than `within` seconds or the cancellation is repeated; then it is rolled back."""
    task = asyncio.create_task(unit)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait([task], timeout=within)
        finally:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise


async def backbone(session: AsyncSession, statement: sa.Executable, parameters: dict[str, Any]) -> sa.CursorResult[Any]:
    """Run SQL on tables that no noun is mapped to: what the session has pending needn't be written before it."""
    with session.no_autoflush:
        return await session.execute(statement, parameters)  # type: ignore[return-value]  # textual SQL gives a cursor's


async def enter_government(session: AsyncSession, government: str) -> None:
    """Make the rest of the transaction this government's; a worker does so per message or timer."""
    row = (await session.execute(_ENTER, {"government": government})).one()
    state = state_of(session)
    state.government, state.now = government, row[1]


def government_of(session: AsyncSession) -> str:
    """The government that the transaction has entered; LookupError where it has entered none."""
    if (government := state_of(session).government) is None:
        raise LookupError("the transaction has entered no government")
    return government


def now(session: AsyncSession) -> datetime:
    """Business time of this transaction: the database's clock plus the test clock's shift; timezone-aware UTC."""
    if (moment := state_of(session).now) is None:
        raise LookupError("the transaction has entered no government, and so knows no business time")
    return moment


async def lock(session: AsyncSession, model: type[T], key: object, noun: str, noun_zh: str) -> T:
    """The row by its primary key, locked for update until the commit; 404 where this government has none."""
    if row := await session.get(model, key, with_for_update=True, populate_existing=True):
        return row
    raise not_found(noun, noun_zh, key)


async def load(session: AsyncSession, model: type[T], key: object, noun: str, noun_zh: str) -> T:
    """The row by its primary key; 404 where this government has none."""
    if row := await session.get(model, key):
        return row
    raise not_found(noun, noun_zh, key)


def refused_text(error: BaseException) -> bool:
    """Whether PostgreSQL refused a text that JSON may hold and it can't: U+0000, in a text or in jsonb."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in ("22021", "22P05")


def loggable(error: BaseException) -> str:
    """What a log or a table may keep of an error: its kind and its message, never the values of a row."""
    if isinstance(error, DBAPIError):
        return f"{type(error).__name__}: {str(error.orig).partition(chr(10))[0]}"[:500]  # the lines below show the row
    return repr(error)[:500]


def is_contention(error: BaseException) -> bool:
    """Whether PostgreSQL broke the transaction off for another's sake (deadlock, lock timeout): trying again helps."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in ("40P01", "40001", "55P03")


def is_outage(error: BaseException) -> bool:
    """Whether the error says that the database is away, rather than that a statement was wrong."""
    if isinstance(error, (OperationalError, InterfaceError, OSError, TimeoutError, sa.exc.TimeoutError)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or str(getattr(error.orig, "sqlstate", "")).startswith(_AWAY)
