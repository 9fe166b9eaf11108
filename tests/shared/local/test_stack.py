"""The embedded stack: data, ports, privileges, and no processes left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import zhengling
from zhengling.database.bootstrap import Passwords, bootstrap_database
from zhengling.events.event import SERVICES
from zhengling.local.broker import EmbeddedBroker
from zhengling.local.postgres import EmbeddedPostgres
from zhengling.local.processes import ChildProcess, StackError, free_port
from zhengling.local.stack import EmbeddedStack

PASSWORDS = Passwords("owner's: /@%", "app-secret", "worker-secret")
PYTHON = sys.executable
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(zhengling.__path__[0]).parent)}


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(tmp_path / "broker") as server:
        yield server


async def ask(url: str, *statements: str) -> object:
    """The first value of the last statement."""
    connection = await asyncpg.connect(url, timeout=10, command_timeout=10)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close(timeout=5)


def sleeper(tmp_path: Path, script: str = "exec sleep 600") -> ChildProcess:
    return ChildProcess("sleeper", ["/bin/sh", "-c", script], tmp_path / "sleeper.log")


def status(pid: int) -> str:
    try:
        return psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return "gone"


def wait_gone(pids: list[int], within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while left := [pid for pid in pids if status(pid) not in ("gone", psutil.STATUS_ZOMBIE)]:
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.05)


# --- PostgreSQL


def test_committed_rows_survive_a_kill(postgres: EmbeddedPostgres) -> None:
    asyncio.run(ask(postgres.url(), "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n"))
    backends = [child.pid for child in psutil.Process(postgres.pid).children(recursive=True)]
    url = postgres.url()

    postgres.kill()
    wait_gone(backends, within=0.5)
    postgres.start()
    postgres.wait_ready()

    assert asyncio.run(ask(url, "SELECT n FROM kept")) == 7


def test_a_kill_ends_a_query_under_way_and_the_server_comes_back(postgres: EmbeddedPostgres) -> None:
    async def kill_under_load() -> None:
        busy = asyncio.create_task(ask(postgres.url(), "SELECT count(*) FROM generate_series(1, 10^10)"))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(postgres.kill)
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await busy

    asyncio.run(kill_under_load())
    postgres.start()
    postgres.wait_ready()
    assert asyncio.run(ask(postgres.url(), "SELECT 1")) == 1


def test_a_stopped_server_starts_again_with_its_data_under_a_new_object(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as first:
        asyncio.run(ask(first.url(), "CREATE TABLE kept AS SELECT 8 AS n", "SELECT 1"))
    with EmbeddedPostgres(tmp_path) as second:
        assert asyncio.run(ask(second.url(), "SELECT n FROM kept")) == 8


def test_a_frozen_server_answers_nobody_until_thawed(postgres: EmbeddedPostgres) -> None:
    postgres.freeze()
    assert not postgres.is_ready()
    postgres.thaw()
    assert asyncio.run(ask(postgres.url(), "SELECT 1")) == 1


def test_a_frozen_server_can_be_killed_and_started(postgres: EmbeddedPostgres) -> None:
    postgres.freeze()
    postgres.kill()
    postgres.start()
    postgres.wait_ready()
    assert asyncio.run(ask(postgres.url(), "SELECT 1")) == 1


def test_nobody_connects_without_the_password(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(ask(postgres.url(password="guess"), "SELECT 1"))


def test_it_listens_on_loopback_only_and_is_durable(postgres: EmbeddedPostgres) -> None:
    def setting(name: str) -> object:
        return asyncio.run(ask(postgres.url(), f"SHOW {name}"))

    expected = {"listen_addresses": "127.0.0.1", "fsync": "on", "synchronous_commit": "on", "TimeZone": "UTC"}
    assert {name: setting(name) for name in expected} == expected
    assert asyncio.run(ask(postgres.url(), "SELECT upper('é') || '政令'")) == "É政令"


# --- the databases of the services


def test_bootstrap_again_changes_the_passwords_and_keeps_the_data(postgres: EmbeddedPostgres) -> None:
    renewed = Passwords.random()
    asyncio.run(bootstrap_database(postgres.url(), "meeting", PASSWORDS))
    owner = postgres.url("meeting", "meeting_owner", PASSWORDS.owner)
    asyncio.run(ask(owner, "CREATE TABLE kept AS SELECT 9 AS n", "SELECT 1"))

    asyncio.run(bootstrap_database(postgres.url(), "meeting", renewed))

    assert asyncio.run(ask(postgres.url("meeting", "meeting_owner", renewed.owner), "SELECT n FROM kept")) == 9
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(ask(owner, "SELECT 1"))


def test_no_role_of_a_service_bypasses_row_level_security(postgres: EmbeddedPostgres) -> None:
    url = postgres.url()
    asyncio.run(ask(url, "CREATE ROLE calendar_worker SUPERUSER BYPASSRLS LOGIN", "SELECT 1"))
    asyncio.run(bootstrap_database(url, "calendar", PASSWORDS))
    roles = "SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'calendar%'"
    unfit = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR NOT rolcanlogin"

    assert asyncio.run(ask(url, roles)) == ["calendar_app", "calendar_owner", "calendar_worker"]
    assert asyncio.run(ask(url, f"{roles} AND ({unfit})")) is None


@pytest.mark.parametrize("role", ["app", "worker"])
def test_application_and_worker_hold_only_what_migrations_grant(postgres: EmbeddedPostgres, role: str) -> None:
    asyncio.run(bootstrap_database(postgres.url(), "docflow", PASSWORDS))
    owner = postgres.url("docflow", "docflow_owner", PASSWORDS.owner)
    them = postgres.url("docflow", f"docflow_{role}", getattr(PASSWORDS, role))
    asyncio.run(ask(owner, "CREATE TABLE paper (n int)", "SELECT 1"))

    for refused in ("CREATE TABLE mine (n int)", "CREATE TEMP TABLE mine (n int)", "SELECT * FROM paper"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(ask(them, refused))
    asyncio.run(ask(owner, f"GRANT SELECT ON paper TO docflow_{role}", "SELECT 1"))
    assert asyncio.run(ask(them, "SELECT count(*) FROM paper")) == 0


def test_one_service_cannot_enter_the_database_of_another(postgres: EmbeddedPostgres) -> None:
    for service in ("meeting", "oversight"):
        asyncio.run(bootstrap_database(postgres.url(), service, PASSWORDS))
    for role in Passwords._fields:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(ask(postgres.url("oversight", f"meeting_{role}", getattr(PASSWORDS, role)), "SELECT 1"))


def test_an_admin_who_is_no_superuser_can_bootstrap_twice(postgres: EmbeddedPostgres) -> None:
    create = "CREATE ROLE ops LOGIN CREATEDB CREATEROLE PASSWORD 'ops'"
    asyncio.run(ask(postgres.url(), create, "SELECT 1"))
    for _ in range(2):
        asyncio.run(bootstrap_database(postgres.url(user="ops", password="ops"), "meeting", PASSWORDS))
    owner = postgres.url("meeting", "meeting_owner", PASSWORDS.owner)
    assert asyncio.run(ask(owner, "CREATE TABLE paper (n int)", "SELECT count(*) FROM paper")) == 0


@pytest.mark.parametrize("name", ["Meeting", "meeting; DROP DATABASE x", "", "1a"])
def test_a_database_name_that_would_need_quoting_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower case"):
        asyncio.run(bootstrap_database("postgresql://nowhere.invalid/x", name, PASSWORDS))


# --- the broker


async def produce(servers: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    async with asyncio.timeout(20), producer:
        await producer.send_and_wait(topic, value, key=b"k")


async def first_value(servers: str, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=20
    )
    async with asyncio.timeout(20), consumer:
        return (await consumer.getone()).value


@asynccontextmanager
async def administration(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    async with asyncio.timeout(20):
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


async def create_topic(servers: str, topic: str) -> None:
    async with administration(servers) as admin:
        await admin.create_topics([NewTopic(topic, num_partitions=6, replication_factor=1)])


async def topics(servers: str) -> list[str]:
    async with administration(servers) as admin:
        return await admin.list_topics()


def test_the_broker_takes_a_message_and_comes_back_empty_on_the_same_port(broker: EmbeddedBroker) -> None:
    servers = broker.bootstrap_servers
    asyncio.run(create_topic(servers, "zhengling.test.v1"))
    asyncio.run(produce(servers, "zhengling.test.v1", "决定".encode()))
    assert asyncio.run(first_value(servers, "zhengling.test.v1")) == "决定".encode()

    broker.restart_empty()

    assert broker.bootstrap_servers == servers
    assert "zhengling.test.v1" not in asyncio.run(topics(servers))


def test_a_frozen_broker_is_not_ready_until_thawed(broker: EmbeddedBroker) -> None:
    broker.freeze()
    assert not broker.is_ready()
    broker.thaw()
    broker.wait_ready(20)


def test_two_of_each_run_at_once(tmp_path: Path, postgres: EmbeddedPostgres, broker: EmbeddedBroker) -> None:
    with EmbeddedPostgres(tmp_path / "second") as second, EmbeddedBroker(tmp_path / "second") as second_broker:
        asyncio.run(ask(second.url(), "CREATE DATABASE only_here", "SELECT 1"))
        exists = "SELECT count(*) FROM pg_database WHERE datname = 'only_here'"
        assert asyncio.run(ask(second.url(), exists)) == 1
        assert asyncio.run(ask(postgres.url(), exists)) == 0
        asyncio.run(create_topic(second_broker.bootstrap_servers, "only.here"))
        assert asyncio.run(topics(broker.bootstrap_servers)) == []


# --- the whole stack, with a program in place of the services

SERVICE = """#!{python}
import asyncio, http.server, os, sys
import asyncpg
async def who(url):
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval("SELECT current_user || '@' || current_database()")
    finally:
        await connection.close()
{extra}
print(sys.argv[1], asyncio.run(who(os.environ["DATABASE_URL"])), flush=True)
if sys.argv[1] == "migrate":
    print("migrating as", asyncio.run(who(os.environ["MIGRATION_DATABASE_URL"])))
    sys.exit()
assert "MIGRATION_DATABASE_URL" not in os.environ
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Ready).serve_forever()
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts stand-ins for the console scripts beside the interpreter that the stack sees."""

    def _install(extra: str = "") -> Path:
        interpreter = tmp_path / "bin" / "python"
        interpreter.parent.mkdir()
        interpreter.symlink_to(PYTHON)
        for service in SERVICES:
            script = interpreter.with_name(f"{service}-svc")
            script.write_text(SERVICE.format(python=PYTHON, extra=extra))
            script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(interpreter))
        return interpreter

    return _install


def test_the_stack_starts_every_process_under_its_own_role(tmp_path: Path, install: Callable[..., Path]) -> None:
    install()
    progress: list[str] = []
    with EmbeddedStack(tmp_path / "s", rulebooks=[tmp_path], replicas={"worker": 2}, progress=progress.append) as stack:
        assert set(stack.addresses()) == set(SERVICES)
        assert len(stack.processes) == 12
        assert "oversight_worker@oversight" in stack.processes["oversight-worker-1"].log_tail()
        assert "calendar_app@calendar" in stack.processes["calendar-api-0"].log_tail()
        assert "migrating as docflow_owner@docflow" in (stack.folder / "logs/docflow-migrate.log").read_text()
        assert progress[-1] == "ready"
        pids = [process.pid for process in stack.processes.values()]
    wait_gone(pids)
    assert (tmp_path / "s").exists()


def test_a_service_that_fails_shows_its_log_and_takes_the_stack_down(
    tmp_path: Path, install: Callable[..., Path]
) -> None:
    install('if sys.argv[1] == "worker": sys.exit("rulebook refused: deadlines.yaml line 3")')
    stack = EmbeddedStack(rulebooks=[tmp_path], services=["meeting"])
    with pytest.raises(StackError, match=r"(?s)meeting-worker-0 ended.*deadlines\.yaml line 3"):
        stack.start()
    assert stack.postgres
    assert stack.broker
    wait_gone([stack.postgres.pid, stack.broker.pid, stack.processes["meeting-api-0"].pid])
    assert not stack.folder.exists()


def test_given_servers_are_used_instead_of_embedded_ones(
    tmp_path: Path, install: Callable[..., Path], postgres: EmbeddedPostgres, broker: EmbeddedBroker
) -> None:
    install()
    url, servers = postgres.url(), broker.bootstrap_servers
    given = {"database_admin_url": url, "kafka_bootstrap_servers": servers}
    with EmbeddedStack(tmp_path / "s", rulebooks=[tmp_path], services=["meeting"], **given) as stack:
        assert (stack.postgres, stack.broker) == (None, None)
        assert "meeting_app@meeting" in stack.processes["meeting-api-0"].log_tail()
        environment = stack.processes["meeting-worker-0"].env or {}
        assert environment["KAFKA_BOOTSTRAP_SERVERS"] == servers
        assert "KAFKA_FETCH_MAX_WAIT_MS" not in environment
    assert postgres.alive


STACK_UNTIL_SIGNAL = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it, and its children with it
sys.executable = sys.argv[1]
from zhengling.local.stack import EmbeddedStack
with EmbeddedStack(rulebooks=[Path(".")], services=["meeting"]) as stack:
    print(stack.folder, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize(("number", "leaves"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_a_signal_stops_the_stack_in_order_and_removes_its_temporary_folder(
    install: Callable[..., Path], number: signal.Signals, leaves: int
) -> None:
    interpreter = install()
    command = [PYTHON, "-c", STACK_UNTIL_SIGNAL, str(interpreter)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT
    ) as parent:
        assert parent.stdout
        folder = Path(parent.stdout.readline().strip())
        family = [child.pid for child in psutil.Process(parent.pid).children(recursive=True)]
        assert folder.is_dir()
        assert len(family) > 4
        parent.send_signal(number)
        assert parent.wait(30) == leaves
    wait_gone(family, within=0.5)
    assert not folder.exists()


# --- processes

STACK_SCRIPT = """
import sys, threading, time
from pathlib import Path
from zhengling.local.broker import EmbeddedBroker
from zhengling.local.postgres import EmbeddedPostgres
folder = Path(sys.argv[1])
postgres, broker = EmbeddedPostgres(folder), EmbeddedBroker(folder)
def up(server):
    server.start()
    server.wait_ready()
for server in (postgres, broker):
    starter = threading.Thread(target=up, args=[server])  # a thread that ends must not take its children along
    starter.start(), starter.join()
    time.sleep(0.2)
    assert server.alive
if "frozen" in sys.argv:
    postgres.freeze(), broker.freeze()
print(postgres.pid, broker.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("state", ["running", "frozen"])
def test_no_child_outlives_a_parent_that_was_killed(tmp_path: Path, state: str) -> None:
    command = [PYTHON, "-c", STACK_SCRIPT, str(tmp_path), state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as parent:
        assert parent.stdout
        servers = [int(pid) for pid in parent.stdout.readline().split()]
        family = [child.pid for child in psutil.Process(parent.pid).children(recursive=True)]
        assert len(servers) == 2
        assert set(servers) < set(family)
        parent.kill()
    wait_gone(family)


def test_a_program_that_ignores_sigterm_is_killed_after_its_time(tmp_path: Path) -> None:
    stubborn = sleeper(tmp_path, "trap '' TERM; echo deaf; while :; do sleep 0.1; done")
    stubborn.stop_within = 0.3
    stubborn.start()
    while "deaf" not in stubborn.log_tail():
        time.sleep(0.02)
    stubborn.stop()
    assert not stubborn.alive
    wait_gone([stubborn.pid])


def test_stop_ends_a_frozen_process_in_order(tmp_path: Path) -> None:
    with sleeper(tmp_path) as process:
        process.freeze()
        while status(process.pid) != psutil.STATUS_STOPPED:  # a busy kernel stops it a moment later
            assert process.alive
            time.sleep(0.02)
    assert not process.alive


def test_a_failed_process_shows_the_end_of_its_log(tmp_path: Path) -> None:
    process = sleeper(tmp_path, "echo no such rulebook; exit 3")
    process.start()
    with pytest.raises(StackError, match=r"(?s)exit code 3.*no such rulebook"):
        process.finish()


def test_a_process_that_never_gets_ready_is_an_error(tmp_path: Path) -> None:
    class Silent(ChildProcess):
        def is_ready(self) -> bool:
            return False

    silent = Silent("silent", ["/bin/sleep", "600"], tmp_path / "silent.log")
    silent.start()
    with pytest.raises(StackError, match=r"wasn't ready within 0\.2 s"):
        silent.wait_ready(0.2)
    silent.stop()


def test_ports_are_never_given_twice() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
