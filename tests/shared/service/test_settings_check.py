"""`zhengling settings check`, the role that the database knows, a real start in production, and the page of settings."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from meeting_svc.settings import Settings
from tests.conftest import ROOT
from tests.shared.service.test_production import MARK, fit
from zhengling.contracts.settings_page import page
from zhengling.local.processes import LOOPBACK, ServiceProcess, executable, free_port
from zhengling.local.stack import EmbeddedStack
from zhengling.service import metrics
from zhengling.service.check import Process, role_findings
from zhengling.service.fitness import ALWAYS, IN_PRODUCTION
from zhengling.service.settings import MigrationSettings, ServiceSettings, bounds

__all__ = ["fit"]
ALL = ServiceSettings.model_fields | MigrationSettings.model_fields


def run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    command = [str(Path(sys.executable).parent / "zhengling"), "settings", "check", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


# the command ----------------------------------------------------------------------------------------------------------
def test_the_command_finds_what_a_start_would_refuse(fit: dict[str, str]) -> None:
    attacked = fit | {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "MAX_BODY_BYTES": "-1", "PORT": MARK}
    code, printed = run(attacked, "meeting", "--json")
    document = json.loads(printed)
    assert (code, document["fit"], document["database_role"]) == (1, False, "not reached")
    assert [(each["variable"], each["risk"]) for each in document["findings"]] == [
        ("PORT", None),
        ("MAX_BODY_BYTES", None),
        ("KAFKA_SECURITY_PROTOCOL", "kafka_unencrypted"),
        ("KAFKA_SECURITY_PROTOCOL", "kafka_unauthenticated"),
    ]
    assert document["findings"][1]["remedy"] == "a whole number from 1024 to 67108864"
    assert MARK not in printed


def test_a_risk_that_is_accepted_by_name_is_shown_and_others_stay(fit: dict[str, str]) -> None:
    plain = fit | {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "ACCEPTED_RISKS": "kafka_unencrypted, kafka_unauthenticated"}
    code, printed = run(plain, "meeting")
    assert code == 0, printed
    assert "accepted as kafka_unencrypted: KAFKA_SECURITY_PROTOCOL" in printed
    assert "the database didn't answer" in printed
    code, printed = run(plain | {"ALLOW_TEST_CLOCK": "true", "AUTH_ISSUER": "urn:zhengling:local"}, "meeting")
    assert (code, "ALLOW_TEST_CLOCK is on" in printed, "AUTH_ISSUER is the issuer" in printed) == (1, True, True)
    code, printed = run(plain | {"ACCEPTED_RISKS": f"everything-{MARK}"}, "meeting")
    assert (code, "ACCEPTED_RISKS names a risk" in printed, MARK in printed) == (1, True, False)


def test_a_development_is_named_and_says_so(fit: dict[str, str]) -> None:
    code, printed = run(fit | {"PROFILE": "development", "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, "meeting")
    assert (code, "rules of production weren't applied" in printed) == (0, True), printed


def test_a_service_that_nobody_knows_is_another_exit_code(fit: dict[str, str]) -> None:
    assert run(fit, "nothing")[0] == 2


# the database's role --------------------------------------------------------------------------------------------------
@pytest.fixture
async def made(stack: EmbeddedStack) -> AsyncIterator[dict[str, str]]:
    """Roles whose names say nothing: URLs of a superuser, of a member of the owner's role, of one that makes roles."""
    admin = await asyncpg.connect(stack.database_admin_url)
    roles = {
        "superuser": "SUPERUSER", "member of the owner": "IN ROLE meeting_owner", "maker of roles": "CREATEROLE",
        "past the policies": "BYPASSRLS", "reader of everything": "IN ROLE pg_read_all_data",
    }  # fmt: skip
    names = {kind: f"r{uuid4().hex[:10]}" for kind in roles}
    for kind, attributes in roles.items():
        await admin.execute(f"CREATE ROLE {names[kind]} LOGIN PASSWORD '{MARK}' {attributes}")
        await admin.execute(f"GRANT CONNECT ON DATABASE meeting TO {names[kind]}")
    place = urlsplit(stack.database_admin_url).netloc.rpartition("@")[2]
    yield {kind: f"postgresql://{name}:{MARK}@{place}/meeting" for kind, name in names.items()}
    for name in names.values():
        await admin.execute(f"DROP OWNED BY {name}")
        await admin.execute(f"DROP ROLE {name}")
    await admin.close()


async def test_a_role_is_known_by_what_it_may_do(stack: EmbeddedStack, made: dict[str, str]) -> None:
    async def problems(url: str, process: Process) -> str:
        return " ".join(str(finding) for finding in await role_findings(url, process) or ())

    for process, role in (("api", "app"), ("worker", "worker"), ("migrate", "owner")):
        assert await role_findings(stack.database_url("meeting", role), process) == []
        for kind, url in made.items():
            found = await problems(url, process)
            assert "doesn't connect as the role of this process" in found, kind
    assert "as a superuser" in await problems(made["superuser"], "api")
    assert "row-level security" in await problems(made["past the policies"], "worker")
    assert "as the database's owner" in await problems(made["member of the owner"], "api")
    assert "as the database's owner" in await problems(stack.database_url("meeting", "owner"), "worker")
    for kind in ("maker of roles", "reader of everything"):
        assert "administers roles" in await problems(made[kind], "api")
    assert "role of this process (api)" in await problems(stack.database_url("meeting", "worker"), "api")
    assert await role_findings(f"postgresql://meeting_app:x@127.0.0.1:{free_port()}/meeting", "api") is None


# a real start ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def production(fit: dict[str, str], stack: EmbeddedStack, tmp_path: Path) -> dict[str, str]:
    """The environment of an api in production on the stack's servers, whose broker protects nothing."""
    others = {name: value for name, value in fit.items() if not name.startswith(("KAFKA_", "FILE_"))}
    return others | {
        "FILE_STORE_URL": (tmp_path / f"files-{MARK}").as_uri(),
        "DATABASE_URL": stack.database_url("meeting", "app"),
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "ACCEPTED_RISKS": "kafka_unencrypted,kafka_unauthenticated",
        "HOST": LOOPBACK,
        "PORT": str(free_port()),
        "METRICS_PORT": str(free_port()),
    }


async def test_production_starts_and_serves_neither_documents_nor_metrics_to_callers(
    production: dict[str, str], tmp_path: Path, client: httpx.AsyncClient
) -> None:
    log = tmp_path / "api.log"
    with ServiceProcess("meeting-api", "api", [executable("meeting"), "api"], production, log) as api:
        for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/metrics"):
            answer = await client.get(api.url + path)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_route"), path
        assert (await client.post(f"{api.url}/v1/testing/clock")).status_code == 404
        assert 'operation="readyz"' in (await client.get(api.metrics_url)).text
        with socket.socket() as elsewhere:  # another address of this machine
            assert elsewhere.connect_ex(("127.0.0.2", int(production["METRICS_PORT"]))) != 0
    printed = log.read_text()
    assert "accepted as kafka_unencrypted" in printed
    assert MARK not in printed


async def test_production_does_not_start_with_a_superuser_by_another_name(
    production: dict[str, str], made: dict[str, str]
) -> None:
    unfit = production | {"DATABASE_URL": made["superuser"], "LOG_LEVEL": "DEBUG"}
    done = await asyncio.to_thread(
        subprocess.run, [executable("meeting"), "api"], env=unfit, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2, done.stderr
    assert re.search(r"DATABASE_URL connects as a superuser", done.stderr)
    assert "LOG_LEVEL is DEBUG" in done.stderr
    assert MARK not in done.stderr


# metrics --------------------------------------------------------------------------------------------------------------
def test_who_is_slow_on_the_metrics_port_keeps_nobody_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "PATIENCE", 0.5)
    port = free_port()
    server = metrics.serve_metrics(LOOPBACK, port)
    threads = threading.active_count()
    slow = [socket.create_connection((LOOPBACK, port)) for _ in range(4)]
    try:
        for each in slow[1:]:
            each.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        began = time.monotonic()
        assert "python_info" in httpx.get(f"http://{LOOPBACK}:{port}/metrics", timeout=20, trust_env=False).text
        assert time.monotonic() - began < 10
        assert threading.active_count() <= threads + 2
    finally:
        for each in slow:
            each.close()
        server.shutdown()
        server.server_close()


def test_a_metrics_port_that_is_taken_ends_the_process(production: dict[str, str]) -> None:
    with socket.create_server((LOOPBACK, int(production["METRICS_PORT"]))):
        done = subprocess.run(
            [executable("meeting"), "api"], env=production, capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, "METRICS_PORT" in done.stderr) == (2, True), done.stderr


# the models -----------------------------------------------------------------------------------------------------------
def test_every_number_has_bounds() -> None:
    numbers = [name for name, field in ALL.items() if {int, float} & {field.annotation, *get_args(field.annotation)}]
    assert len(numbers) > 8
    for name in numbers:
        assert all(bounds(ALL[name])), name


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e99", "0x10", "٣ ٣"])
def test_what_is_hardly_a_number_is_refused(value: str) -> None:
    for name, field in ALL.items():
        if field.annotation in (int, float):
            given: dict[str, Any] = {"profile": "development", name: value}
            with pytest.raises(ValueError, match=rf"\n{name}\n"):
                ServiceSettings.model_validate(given)


def test_every_address_has_a_rule_and_everything_a_description() -> None:
    ruled = {rule.setting for rule in ALWAYS}
    assert {rule.setting for rule in (*ALWAYS, *IN_PRODUCTION)} <= ALL.keys()
    addresses = {name for name in ALL if re.search(r"url|endpoint|jwks|servers", name)}
    assert len(addresses) >= 7
    assert addresses <= ruled
    assert [name for name, field in ALL.items() if not field.description] == []


def test_what_is_secret_by_its_name_is_kept_from_view() -> None:
    for name, field in (Settings.model_fields | MigrationSettings.model_fields).items():
        if re.search(r"password|secret|database_url|access_key", name):
            assert "SecretStr" in str(field.annotation), name


def test_the_page_of_settings_is_what_the_code_says() -> None:
    assert (ROOT / "docs/architecture/settings.md").read_text(encoding="utf-8") == page(), (
        "run `zhengling settings page`"
    )
