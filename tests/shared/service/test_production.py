"""What a service refuses to start with in production: every finding at once, named by its variable, and no value shown."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from meeting_svc.settings import Settings
from tests.conftest import ROOT
from zhengling.cli.main import app
from zhengling.files.store import FileStore
from zhengling.kernel.errors import Problem
from zhengling.local.issuer import LocalIssuer
from zhengling.local.processes import executable, free_port
from zhengling.service.fitness import Finding, UnfitSettings
from zhengling.service.settings import read

#: Part of every value that a test gives; none may be shown.
MARK = "Zx9q"


def key_set(folder: Path) -> Path:
    """A key set as an issuer of a government publishes it."""
    issuer = LocalIssuer(folder / "elsewhere")
    path = folder / f"{MARK}-keys.json"
    path.write_text(json.dumps({"keys": json.loads(issuer.jwks_path.read_bytes())["keys"]}))
    return path


@pytest.fixture
def fit(tmp_path: Path) -> dict[str, str]:
    """An environment that production accepts; nothing answers at its addresses."""
    return {
        "DATABASE_URL": f"postgresql://meeting_app:{MARK}@127.0.0.1:1/{MARK}",
        "KAFKA_BOOTSTRAP_SERVERS": f"{MARK}.example:9093",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": f"meeting-{MARK}",
        "KAFKA_SASL_PASSWORD": f"secret-{MARK}",
        "AUTH_ISSUER": f"https://{MARK}.example/realms/gov",
        "AUTH_JWKS": str(key_set(tmp_path)),
        "PUBLIC_URL": f"https://{MARK}.example/meeting",
        "RULEBOOKS": str(ROOT / "rulebooks"),
        "FILE_STORE_URL": f"s3://papers-{MARK}/a",
        "FILE_S3_REGION": "r",
        "FILE_S3_ENDPOINT": f"https://{MARK}.example",
        "FILE_S3_ACCESS_KEY_ID": f"id-{MARK}",
        "FILE_S3_SECRET_ACCESS_KEY": f"key-{MARK}",
    }


def found(environment: dict[str, str]) -> tuple[Finding, ...]:
    """The findings of meeting-svc's settings in this environment; no text of them shows a value."""
    with patch.dict(os.environ, environment, clear=True):
        try:
            settings = read(Settings)
        except UnfitSettings as error:
            shown = f"{error} {error!r} {error.__context__!r} {error.__cause__!r} {error.findings}"
            assert MARK not in shown
            return error.findings
    for secret in ("secret-", "key-", "id-", "meeting_app"):
        assert f"{secret}{MARK}" not in f"{settings!r} {settings} {settings.kafka!r} {settings.model_dump()}"
    return ()


def start(process: str, environment: dict[str, str]) -> tuple[int, str]:
    """Start meeting-svc and wait for its end, as nothing answers. Returns its exit code and everything it printed."""
    done = subprocess.run(
        [executable("meeting"), process],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_production_accepts_starts(fit: dict[str, str]) -> None:
    code, printed = start("api", fit)
    assert (code, "can't start" in printed) == (3, False), printed  # uvicorn's code: the database doesn't answer


ATTACKS = {
    "a broker without encryption": ("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"),
    "a broker that encrypts but knows nobody": ("KAFKA_SECURITY_PROTOCOL", "SSL"),
    "a broker's password in the clear": ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
    "a key set over http": ("AUTH_JWKS", f"http://{MARK}.example/keys"),
    "a key set with a password in its address": ("AUTH_JWKS", f"https://{MARK}:{MARK}@{MARK}.example/keys"),
    "the issuer of the embedded stack": ("AUTH_ISSUER", "urn:zhengling:local"),
    "the superuser": ("DATABASE_URL", f"postgresql://postgres:{MARK}@127.0.0.1:1/{MARK}"),
    "the database's owner": ("DATABASE_URL", f"postgresql://meeting_owner:{MARK}@127.0.0.1:1/{MARK}"),
    "a database over the network in the clear": ("DATABASE_URL", f"postgresql://meeting_app:{MARK}@db:1/{MARK}"),
    "another server's address": ("DATABASE_URL", f"mysql://meeting_app:{MARK}@127.0.0.1:1/{MARK}"),
    "a password that breaks the address": ("DATABASE_URL", f"postgresql://meeting_app:p@ss:word{MARK}@127.0.0.1/db"),
    "a script as public address": ("PUBLIC_URL", f"javascript:alert('{MARK}')"),
    "a public address in the clear": ("PUBLIC_URL", f"http://{MARK}.example"),
    "no public address": ("PUBLIC_URL", ""),
    "a negative body": ("MAX_BODY_BYTES", "-1"),
    "a body without bound": ("MAX_BODY_BYTES", "99999999999999"),
    "no patience": ("CONSUMER_PATIENCE", "-1"),
    "no partitions": ("KAFKA_PARTITIONS", "0"),
    "a port beyond all": ("PORT", "65536"),
    "debugging": ("LOG_LEVEL", "DEBUG"),
    "a level that isn't one": ("LOG_LEVEL", MARK),
    "the test clock": ("ALLOW_TEST_CLOCK", "true"),
    "a crash point": ("CRASH_POINT", "relay.sent"),
    "a file that TLS keys are written to": ("SSLKEYLOGFILE", f"/tmp/{MARK}"),
    "a file store in the clear": ("FILE_S3_ENDPOINT", f"http://{MARK}.example"),
    "a file store that is none": ("FILE_STORE_URL", f"ftp://{MARK}/a"),
    "a file store with a password in its address": ("FILE_STORE_URL", f"s3://{MARK}:{MARK}@papers/a"),
    "half of a key": ("FILE_S3_ACCESS_KEY_ID", ""),
    "rulebooks that aren't there": ("RULEBOOKS", f"/nowhere/{MARK}"),
    "an unknown profile": ("PROFILE", MARK),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_production_refuses(attack: str, fit: dict[str, str]) -> None:
    variable, value = ATTACKS[attack]
    assert found(fit) == ()
    assert variable in " ".join(map(str, found(fit | {variable: value})))


def test_production_refuses_the_embedded_stacks_key_set_and_a_folder_with_its_private_key(
    fit: dict[str, str], tmp_path: Path
) -> None:
    local = LocalIssuer(tmp_path / MARK)
    copied = tmp_path / f"{MARK}.json"
    copied.write_bytes(local.jwks_path.read_bytes())
    private = tmp_path / f"{MARK}-private.json"
    private.write_text(json.dumps({"keys": [json.loads((tmp_path / MARK / "private.json").read_bytes())]}))
    for path in (local.jwks_path, copied, private, tmp_path / f"{MARK}-none.json"):
        assert {finding.variable for finding in found(fit | {"AUTH_JWKS": str(path)})} == {"AUTH_JWKS"}, path


def test_all_findings_are_shown_at_once_by_both_processes_and_no_value(fit: dict[str, str]) -> None:
    attacked = fit | {
        "DATABASE_URL": f"postgresql://postgres:{MARK}@db:1/{MARK}",
        "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
        "AUTH_JWKS": f"http://{MARK}.example/keys",
        "PUBLIC_URL": f"javascript:{MARK}",
        "MAX_BODY_BYTES": "-1",
        "LOG_LEVEL": "DEBUG",
        "ALLOW_TEST_CLOCK": "true",
        "CRASH_POINT": "relay.sent",
        "FILE_STORE_URL": f"ftp://{MARK}",
    }
    del attacked["AUTH_ISSUER"]
    for process in ("api", "worker"):
        code, printed = start(process, attacked)
        assert code == 2, printed
        assert [name for name in (attacked.keys() - fit.keys()) | {"AUTH_ISSUER"} if name not in printed] == []
        assert MARK not in printed


def test_an_error_of_the_migration_shows_no_password(fit: dict[str, str]) -> None:
    for url in (f"postgresql://o:p@ss:word{MARK}@127.0.0.1/db", f"mysql://o:{MARK}@127.0.0.1:1/db", f"{MARK}"):
        code, printed = start("migrate", fit | {"MIGRATION_DATABASE_URL": url})
        assert (code, "MIGRATION_DATABASE_URL" in printed, MARK in printed) == (2, True, False), printed


async def test_a_file_store_that_does_not_answer_is_logged_without_its_address_and_key(
    fit: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with patch.dict(os.environ, fit | {"FILE_S3_ENDPOINT": f"http://localhost:{free_port()}/{MARK}"}, clear=True):
        store = FileStore.of(read(Settings))
    assert store is not None
    assert await store.check() == "ok, but the file store can't be reached"
    with pytest.raises(Problem):
        await store.open("a/b")
    assert "the file store can't be reached" in caplog.text
    assert MARK not in caplog.text


@pytest.mark.parametrize(
    "command", [("database", "create", "meeting", "--admin-url"), ("stack", "up", "--database-admin-url")]
)
@pytest.mark.parametrize(
    "url", [f"postgresql://o:p@ss:word{MARK}@127.0.0.1/db", f"mysql://o:{MARK}@127.0.0.1/db", MARK]
)
def test_an_administrators_address_that_is_none_shows_no_password(command: tuple[str, ...], url: str) -> None:
    passwords = {"OWNER_PASSWORD": MARK, "APP_PASSWORD": MARK, "WORKER_PASSWORD": MARK}
    done = CliRunner().invoke(app, [*command, url], env=passwords)
    assert (done.exit_code, MARK in f"{done.output} {done.exception!r}") == (2, False), done.output
