"""The backbone's tables in a scratch database, created by the same files as in the services' migrations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from zhengling.migrations import apply, execute


def _run(connection: sa.Connection, extra: str) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        apply("0001_backbone.up")
        apply("0003_due_dates.up")
        apply("0006_denied_events.up")
        if extra:
            execute(extra)


async def migrate_backbone(url: str, extra: str = "") -> None:
    """Create the backbone in the database of `url` (the owner's), then run `extra` ($app and $worker are its roles)."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(_run, extra)
    await engine.dispose()
