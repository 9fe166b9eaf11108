"""A second PostgreSQL that streams from a first one until it is promoted, and a first one that comes back read-only."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import asyncpg

from zhengling.local.postgres import POSTGRES_BIN, EmbeddedPostgres, let_through
from zhengling.local.processes import ChildProcess


class Standby(EmbeddedPostgres):
    """Starts as a copy of `primary`, with its password. Once it follows, nothing is committed there that isn't here."""

    def __init__(self, folder: Path, primary: EmbeddedPostgres) -> None:
        super().__init__(folder)
        self._primary = primary

    def _initialise(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self._primary.password_file, self.password_file)
        self.data.mkdir(mode=0o700)
        if self.run_as:
            for path in (self.data, self.password_file):
                shutil.chown(path, self.run_as)
            let_through(self.data)
        copy = ChildProcess(
            "basebackup",
            [
                *(str(POSTGRES_BIN / "pg_basebackup"), "-d", self._primary.url(), "-D", str(self.data)),
                *("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"),
            ],
            self.folder / "basebackup.log",
            run_as=self.run_as,
        )
        copy.start()
        copy.finish(within=60)

    async def follow(self) -> None:
        """Start, and have the primary wait for this server at each commit."""
        await asyncio.to_thread(self.start)
        await asyncio.to_thread(self.wait_ready)
        primary = await asyncpg.connect(self._primary.url())
        async with asyncio.timeout(30):
            while not await primary.fetchval("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"):
                await asyncio.sleep(0.05)
        await primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await primary.execute("SELECT pg_reload_conf()")
        await primary.close()

    async def promote(self) -> None:
        connection = await asyncpg.connect(self.url())
        assert await connection.fetchval("SELECT pg_promote(true, 30)")
        await connection.close()


def demote(server: EmbeddedPostgres) -> None:
    """Have a server that was killed come back as one that only reads."""
    (server.data / "standby.signal").touch(mode=0o600)
    if server.run_as:
        shutil.chown(server.data / "standby.signal", server.run_as)
    server.start()
    server.wait_ready()
