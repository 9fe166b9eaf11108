"""Backup and restore of the stand's PostgreSQL: a base backup, its WAL in a folder, and a restore to a point in time."""

from __future__ import annotations

import asyncio
import shutil
from datetime import datetime
from pathlib import Path

import asyncpg

from zhengling.local.postgres import POSTGRES_BIN, EmbeddedPostgres, let_through
from zhengling.local.processes import ChildProcess


class Backup:
    """The base backup and the archive of one server, which must not have been started yet."""

    def __init__(self, server: EmbeddedPostgres, folder: Path) -> None:
        self.server = server
        self.base = folder / "base"
        self.archive = folder / "archive"
        keep = f"test ! -f {self.archive}/%f && cp %p {self.archive}/%f.partly && mv {self.archive}/%f.partly {self.archive}/%f"
        server.command += ["-c", "archive_mode=on", "-c", f"archive_command={keep}"]

    def prepare(self) -> None:
        """Make the folders, once it is known who runs the server."""
        for path in (self.base, self.archive):
            path.mkdir(mode=0o700, parents=True)
            self._give(path)
            let_through(path)

    def take(self) -> None:
        """`pg_basebackup` of the running server. (The `pg_verifybackup` of the PyPI package crashes.)"""
        self._run(
            "pg_basebackup", "-d", self.server.url(), "-D", str(self.base), "--wal-method=none", "--checkpoint=fast"
        )

    async def archived(self) -> None:
        """Until all that is committed now is in the archive. An installation has `archive_timeout` for it."""
        connection = await asyncpg.connect(self.server.url())
        try:
            segment = await connection.fetchval("SELECT pg_walfile_name(pg_switch_wal())")
            async with asyncio.timeout(60):
                while not (self.archive / segment).exists():
                    await asyncio.sleep(0.1)
        finally:
            await connection.close()

    async def restore(self, point: datetime) -> None:
        """Start the server, whose data is gone, as it was at `point`."""
        shutil.copytree(self.base, self.server.data)
        with (self.server.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"restore_command = 'cp {self.archive}/%f %p'\n")
            settings.write(f"recovery_target_time = '{point.isoformat()}'\nrecovery_target_action = 'promote'\n")
        (self.server.data / "recovery.signal").touch(mode=0o600)
        for path in (self.server.data, *self.server.data.rglob("*")):
            self._give(path)
        await asyncio.to_thread(self.server.start)
        await asyncio.to_thread(self.server.wait_ready)
        connection = await asyncpg.connect(self.server.url())
        try:
            async with asyncio.timeout(60):
                while await connection.fetchval("SELECT pg_is_in_recovery()"):
                    await asyncio.sleep(0.1)
        finally:
            await connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        log = self.server.folder / f"{program}.log"
        process = ChildProcess(program, [str(POSTGRES_BIN / program), *arguments], log, run_as=self.server.run_as)
        process.start()
        process.finish(within=60)

    def _give(self, path: Path) -> None:
        if self.server.run_as:
            shutil.chown(path, self.server.run_as)
