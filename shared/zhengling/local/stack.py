"""The embedded stack for the demo, the tests and a laptop: PostgreSQL, a Kafka-protocol broker, the services.

Invariant: no part outlives the process that started it, however that ends: an orderly stop in reverse order if
possible, else the kernel's parent-death signal (Linux). Everything listens on 127.0.0.1 only, every wait has a
time limit, and an error shows the last lines of the failed part's log.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlsplit

from zhengling.database.bootstrap import Passwords, bootstrap_database
from zhengling.events.event import SERVICES
from zhengling.local.broker import Broker, EmbeddedBroker, in_own_loop
from zhengling.local.postgres import EmbeddedPostgres
from zhengling.local.processes import LOOPBACK, ChildProcess, ServiceProcess, executable, free_port

if TYPE_CHECKING:
    from zhengling.local.issuer import LocalIssuer


class EmbeddedStack:
    """PostgreSQL, broker, a migrated database for each service, and the services' processes.

    `folder` keeps data, logs and keys; by default a temporary one, removed at the end. `replicas` is the number of
    processes of a role for each service, by default one `api` and one `worker`. `broker` makes the broker in a folder.
    With `database_admin_url` or `kafka_bootstrap_servers` that PostgreSQL or Kafka is used instead of an embedded one,
    for one stack at a time. `environment` is added to that of every service. Use it as a context manager, in the main
    thread if SIGTERM should also stop it in order.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        rulebooks: Sequence[Path],
        services: Sequence[str] = SERVICES,
        replicas: Mapping[str, int] | None = None,
        broker: Callable[[Path], Broker] = EmbeddedBroker,
        database_admin_url: str | None = None,
        kafka_bootstrap_servers: str | None = None,
        environment: Mapping[str, str] | None = None,
        log_level: str = "INFO",
        start_within: float = 90.0,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._undo = ExitStack()
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="zhengling-")  # removed at exit even if never started
            self._undo.callback(temporary.cleanup)
            folder = Path(temporary.name)
        self.folder = folder.resolve()
        self.services = tuple(services)
        self.processes: dict[str, ServiceProcess] = {}
        self.postgres = None if database_admin_url else EmbeddedPostgres(self.folder / "postgres")
        self.broker = None if kafka_bootstrap_servers else broker(self.folder / "broker")
        self._given_database = database_admin_url or ""
        self._given_kafka = kafka_bootstrap_servers or ""
        self._rulebooks = os.pathsep.join(str(path.resolve()) for path in rulebooks)
        self._replicas = {"api": 1, "worker": 1} | dict(replicas or {})
        self._environment = dict(environment or {})
        self._log_level = log_level
        self._start_within = start_within
        self._progress = progress
        self._passwords = {service: Passwords.random() for service in self.services}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def database_admin_url(self) -> str:
        return self.postgres.url() if self.postgres else self._given_database

    @property
    def kafka_bootstrap_servers(self) -> str:
        return self.broker.bootstrap_servers if self.broker else self._given_kafka

    @cached_property
    def issuer(self) -> LocalIssuer:
        """The issuer whose tokens this stack's services accept."""
        from zhengling.local.issuer import LocalIssuer

        return LocalIssuer(self.folder / "issuer")

    def addresses(self) -> dict[str, str]:
        """Service → URL of its first API process."""
        return {service: self.processes[f"{service}-api-0"].url for service in self.services}

    def database_url(self, service: str, role: str) -> str:
        """The URL of a service's database for the role `owner`, `app` or `worker`."""
        password: str = getattr(self._passwords[service], role)
        admin = urlsplit(self.database_admin_url)
        login = f"{service}_{role}:{quote(password, safe='')}"
        return admin._replace(netloc=f"{login}@{admin.netloc.rpartition('@')[2]}", path=f"/{service}").geturl()

    def start(self) -> None:
        """Start everything and wait until it is ready; on StackError everything is stopped again."""
        try:
            self._undo.enter_context(_exit_on_sigterm())
            self._start_servers()
            self._migrate()
            self._start_services()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, the services first; removes a temporary folder."""
        self._undo.close()

    def _start_servers(self) -> None:
        servers: list[EmbeddedPostgres | Broker] = [server for server in (self.postgres, self.broker) if server]
        for server in servers:
            self._progress(f"starting {server.name}")
            self._undo.callback(server.stop)
            server.start()
        for server in servers:
            server.wait_ready(self._start_within)

    def _migrate(self) -> None:
        """Create databases and roles one by one, then run the migrations of all services in parallel."""
        with ExitStack() as undo:
            migrations: list[ChildProcess] = []
            for service in self.services:
                self._progress(f"migrating the database {service}")
                in_own_loop(bootstrap_database(self.database_admin_url, service, self._passwords[service]))
                name = f"{service}-migrate"
                env = self._environment_of(service, "app", name)
                env["MIGRATION_DATABASE_URL"] = self.database_url(service, "owner")
                migration = ChildProcess(name, [executable(service), "migrate"], self._log_path(name), env)
                undo.callback(migration.kill)
                migration.start()
                migrations.append(migration)
            for migration in migrations:
                migration.finish(self._start_within)

    def _start_services(self) -> None:
        """Start all processes, then wait for each."""
        self._undo.callback(self._stop_services)
        for service in self.services:
            for role, replicas in self._replicas.items():
                for index in range(replicas):
                    process = self._service_process(service, role, f"{service}-{role}-{index}")
                    self._progress(f"starting {process.name} on port {process.port}")
                    self.processes[process.name] = process
                    process.start()
        deadline = time.monotonic() + self._start_within
        for process in self.processes.values():
            process.wait_ready(max(deadline - time.monotonic(), 1.0))
        self._progress("ready")

    def _stop_services(self) -> None:
        self._progress("stopping")
        with ThreadPoolExecutor(max_workers=max(len(self.processes), 1)) as waiting:
            list(waiting.map(ServiceProcess.stop, self.processes.values()))

    def _service_process(self, service: str, role: str, name: str) -> ServiceProcess:
        env = self._environment_of(service, "app" if role == "api" else "worker", name)
        env |= {"HOST": LOOPBACK, "PORT": str(free_port()), "METRICS_PORT": str(free_port())}
        return ServiceProcess(name, role, [executable(service), role], env, self._log_path(name))

    def _environment_of(self, service: str, database_role: str, instance: str) -> dict[str, str]:
        """The shell's environment with the settings of a service's processes."""
        env = {key: value for key, value in os.environ.items() if key != "MIGRATION_DATABASE_URL"}
        env |= {
            "DATABASE_URL": self.database_url(service, database_role),
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers,
            "AUTH_ISSUER": self.issuer.issuer,
            "AUTH_AUDIENCE": self.issuer.audience,
            "AUTH_JWKS": str(self.issuer.jwks_path),
            "RULEBOOKS": self._rulebooks,
            "FILE_STORE_URL": (self.folder / "files").as_uri(),
            "PROFILE": "development",
            "API_DOCS": "true",
            "ALLOW_TEST_CLOCK": "true",
            # demo, tests and benches do in seconds, and as a few people, what a government does in weeks
            "PERSON_REQUESTS": "0",
            "GOVERNMENT_REQUESTS": "0",
            "PERSON_REQUESTS_AT_ONCE": "0",
            "LINK_REQUESTS": "0",
            "UNKNOWN_REQUESTS": "0",
            "INSTANCE": instance,
            "LOG_LEVEL": self._log_level,
        }
        if self.broker:
            env |= self.broker.environment
        return env | self._environment

    def _log_path(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Make SIGTERM exit like Ctrl-C, unless the program handles it itself."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM):
        yield  # SIG_DFL is 0, hence false
        return

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
