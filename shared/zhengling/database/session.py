"""The database: one engine per process, one transaction per unit of work, committed only at the edge.

Invariant: every transaction of a service is for exactly one government, set at its beginning (`app.government`, local to
the transaction), so that row-level security applies whatever a query omits. A worker's transaction without a government
sees only the backbone's tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm.exc import StaleDataError

from zhengling.database.locking import LockingSession, is_locked
from zhengling.database.shares import WAIT, Shares
from zhengling.database.transaction import state_of
from zhengling.kernel.errors import not_found

T = TypeVar("T")
NATIONAL = "*"
#: SQLSTATEs of an unavailable server: connection failures, starting up, shutting down, system errors; or of one that can't
#: write: a standby after a failover (25006), insufficient resources (disk, memory, connections).
_AWAY = ("08", "25006", "53", "57P", "58")
_READ_ONLY = "25006"
_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
_ENTER = sa.text("SELECT set_config('app.government', :government, true), business_now()")


def postgresql_url(text: str) -> sa.URL | None:
    """The URL for asyncpg, which knows libpq's `sslmode` as `ssl`; None if it isn't one of a PostgreSQL database. SQLAlchemy's
    own error would show a part of the password."""
    try:
        url = make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        return None
    if url.drivername not in ("postgresql", "postgres", "postgresql+asyncpg"):
        return None
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)


class Database:
    """The engine and sessions of one database and role."""

    def __init__(self, url: str, *, application: str, pool_size: int = 10, share: int | None = None) -> None:
        """At most twice `pool_size` connections, of which one government's transactions hold at most `share` at a time (None: all
        of them). ValueError if `url` isn't one of PostgreSQL."""
        if (known := postgresql_url(url)) is None:
            raise ValueError("not the URL of a PostgreSQL database")
        self.url = known
        self.engine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=False,
            pool_recycle=1800,
            pool_timeout=WAIT,
            hide_parameters=True,  # error texts are logged and stored, so they must not contain values
            json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": 40,  # above statement_timeout: for a server that doesn't answer at all
                "server_settings": {
                    "application_name": application,
                    "timezone": "UTC",
                    "statement_timeout": "30000",
                    "idle_in_transaction_session_timeout": "60000",
                },
            },
        )
        event.listen(self.engine.sync_engine, "handle_error", _leave_read_only)
        self.autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")  # for single reads
        self._shares = Shares(share or 2 * pool_size)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, sync_session_class=LockingSession)

    @asynccontextmanager
    async def transaction(self, government: str | None) -> AsyncIterator[AsyncSession]:
        """A session in a transaction for this government (None: not yet set); commits at the block's end, rolls back on an
        error. 503 `busy` if the government's transactions hold all of its share for long."""
        share = nullcontext() if government is None else self._shares.taken(government)
        async with share, self._sessions() as session, session.begin():
            if government is not None:
                await enter_government(session, government)
            yield session

    async def reachable(self) -> bool:
        """Whether the server answers and can be written to. Connections to one that can't, such as a former primary, are
        dropped, so that also a process to which no changes are sent finds the new primary."""
        try:
            async with asyncio.timeout(5), self.engine.connect() as connection:
                writable = bool(await connection.scalar(sa.text("SHOW transaction_read_only")) == "off")
        except (OSError, TimeoutError, DBAPIError, sa.exc.TimeoutError):
            return False
        if not writable:
            await self.engine.dispose()
        return writable

    async def close(self) -> None:
        await self.engine.dispose()


#: Seconds that a worker's unit of work has to finish in once it is to stop.
FINISHING = 5.0


async def whole(unit: Coroutine[Any, Any, T], within: float = FINISHING) -> T:
    """Run a worker's unit of work. If cancelled meanwhile (SIGTERM), it is still finished and committed, unless that takes
    longer than `within` seconds or the cancellation is repeated: then it is rolled back."""
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
    """Run SQL on tables without mapped nouns, without flushing the session's pending changes first."""
    with session.no_autoflush:
        return await session.execute(statement, parameters)  # type: ignore[return-value]  # textual SQL gives a cursor's


async def enter_government(session: AsyncSession, government: str) -> None:
    """Set the government for the rest of the transaction; a worker does so per message or timer."""
    row = (await session.execute(_ENTER, {"government": government})).one()
    state = state_of(session)
    state.government, state.now = government, row[1]


def government_of(session: AsyncSession) -> str:
    """The transaction's government; LookupError if none is set."""
    if (government := state_of(session).government) is None:
        raise LookupError("the transaction has entered no government")
    return government


def now(session: AsyncSession) -> datetime:
    """Business time of this transaction: the database's clock plus the test clock's shift; timezone-aware UTC."""
    if (moment := state_of(session).now) is None:
        raise LookupError("the transaction has entered no government, and so knows no business time")
    return moment


async def lock(session: AsyncSession, model: type[T], key: object, noun: str, noun_zh: str) -> T:
    """The row by its primary key, locked FOR UPDATE until the commit, as it is now; 404 if this government has none."""
    (row,) = await lock_all(session, model, [key], noun, noun_zh)
    return row


async def lock_all(session: AsyncSession, model: type[T], keys: Iterable[object], noun: str, noun_zh: str) -> list[T]:
    """The rows by their primary keys, in this order, locked FOR UPDATE until the commit, as they are now. They are locked
    by their keys in one order, so that two transactions that lock several don't deadlock; 404 for the first that this
    government doesn't have.

    What was read of a row before its lock may have changed since: whoever locks a row reads it by this."""
    wanted, rows = list(keys), dict[object, T | None]()
    state_of(session).asked_for.update(((model, key), (noun, noun_zh)) for key in wanted)
    if missing := {key for key in wanted if not is_locked(session, model, key)}:
        identity = sa.inspect(model).primary_key[0]
        statement = sa.select(model).where(identity.in_(missing)).order_by(identity).with_for_update()
        with session.no_autoflush:
            found = await session.execute(statement, execution_options={"populate_existing": True})
        rows = {sa.inspect(row, raiseerr=True).identity[0]: row for row in found.scalars()}
    locked = [rows.get(key) if key in missing else await session.get(model, key) for key in wanted]
    for key, row in zip(wanted, locked, strict=True):
        if row is None:
            raise not_found(noun, noun_zh, key)
    return [row for row in locked if row is not None]


async def one_at_a_time(session: AsyncSession, what: str) -> None:
    """Until the commit, hold up this government's other transactions that come here for the same: each of two that count rows
    and then add one would miss the other's. What is counted is read by a statement of its own, after this one, and rows are
    locked after it."""
    await backbone(session, _ONE_AT_A_TIME, {"what": f"{what}:{government_of(session)}"})


async def load(session: AsyncSession, model: type[T], key: object, noun: str, noun_zh: str) -> T:
    """The row by its primary key; 404 if this government has none."""
    if row := await session.get(model, key):
        return row
    raise not_found(noun, noun_zh, key)


def refused_text(error: BaseException) -> bool:
    """Whether PostgreSQL refused U+0000 in a text or in jsonb, which JSON allows."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in ("22021", "22P05")


def loggable(error: BaseException) -> str:
    """The error for logs and tables: its type and message, never the values of a row."""
    if isinstance(error, DBAPIError):
        return f"{type(error).__name__}: {str(error.orig).partition(chr(10))[0]}"[:500]  # further lines show the row
    return repr(error)[:500]


def _leave_read_only(context: ExceptionContext) -> None:
    """Drop all pooled connections when a server turns out to be read-only: it isn't the primary any more, and new connections
    go to where the address leads now."""
    if getattr(context.original_exception, "sqlstate", "") == _READ_ONLY:
        context.is_disconnect = True


def is_contention(error: BaseException) -> bool:
    """Whether the transaction failed by contention (deadlock, serialisation failure, lock timeout, a row that another one
    changed), so a retry helps."""
    if isinstance(error, StaleDataError):
        return True
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in ("40P01", "40001", "55P03")


def is_refused_data(error: BaseException) -> bool:
    """Whether PostgreSQL refused a value: it is malformed, out of range, or beyond a limit (SQLSTATE classes 22 and 54)."""
    return isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", ""))[:2] in ("22", "54")


def is_outage(error: BaseException) -> bool:
    """Whether the error means that the database is unavailable, rather than that a statement failed."""
    if isinstance(error, (OperationalError, InterfaceError, OSError, TimeoutError, sa.exc.TimeoutError)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or str(getattr(error.orig, "sqlstate", "")).startswith(_AWAY)
