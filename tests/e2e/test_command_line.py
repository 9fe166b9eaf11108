"""`zhengling stack up` on an existing PostgreSQL and Kafka, and the other commands."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import psutil
import pytest

from tests.sixth import CODE, EDITION, write_sixth_government
from zhengling.local.broker import EmbeddedBroker
from zhengling.local.postgres import EmbeddedPostgres

YEARS = date.today().year + 5 - 2010 + 1  # one snapshot event for each year in range
ZHENGLING = Path(sys.executable).with_name("zhengling")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ZHENGLING, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """The running command, what it printed, and its folder; beside the tests' own stack."""
    folder = tmp_path_factory.mktemp("up")
    with EmbeddedPostgres(folder / "postgres") as postgres, EmbeddedBroker(folder / "broker") as broker:
        environment = os.environ | {
            "DATABASE_ADMIN_URL": postgres.url(),
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "KAFKA_FETCH_MAX_WAIT_MS": "20",
        }
        log = folder / "up.log"
        with log.open("w") as out:
            command = [ZHENGLING, "stack", "up", "--folder", folder / "stack"]
            process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, text=True)
        deadline = time.monotonic() + 120
        while "Ctrl-C stops" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield process, log.read_text(), folder / "stack"
        if process.poll() is None:
            process.kill()


def test_stack_up_prints_addresses_that_answer_its_token_and_ctrl_c_leaves_no_process(
    up: tuple[subprocess.Popen[str], str, Path],
) -> None:
    process, printed, folder = up
    addresses = dict(re.findall(r"(\w+)-svc\W+(http://[\d.:]+)", printed))
    assert set(addresses) == {"meeting", "docflow", "oversight", "calendar"}
    token = re.search(r"^(eyJ\S+)$", printed, re.MULTILINE)
    assert token
    answer = httpx.get(f"{addresses['calendar']}/v1/years/2026", headers={"Authorization": f"Bearer {token[1]}"})
    assert answer.status_code == 200
    assert answer.json()["year"]["provisional"] is False

    minted = run("token", "--folder", folder, "--government", "xigang", "--scope", "oversight:read").stdout.strip()
    answer = httpx.get(f"{addresses['oversight']}/v1/entries", headers={"Authorization": f"Bearer {minted}"})
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    sound = run("audit", "verify", "--url", addresses["meeting"], "--token", token[1])
    assert (sound.returncode, sound.stdout[:5]) == (0, "sound")
    since = ("--since", "2026-01-01T00:00:00")
    again = run("events", "replay", "--url", addresses["calendar"], "--token", token[1], *since)
    assert (again.returncode, again.stdout.strip()) == (0, f"{YEARS} events are published again")
    refused = run("audit", "verify", "--url", addresses["meeting"], "--token", minted)
    assert refused.returncode == 2
    assert "insufficient_scope" in refused.stderr

    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 8
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_rulebook_check_names_file_line_and_key_and_exits_with_1(tmp_path: Path) -> None:
    folder = write_sixth_government(tmp_path)
    assert run("rulebook", "check", tmp_path).stdout.strip() == f"{CODE} {EDITION} revision 1: sound"
    meetings = folder / "meetings.yaml"
    meetings.write_text(meetings.read_text().replace("quorum: {clause: LH-6", "quorum: {clauses: LH-6"))
    found = run("rulebook", "check", tmp_path)
    assert found.returncode == 1
    assert f"{meetings}:6: weekly.quorum.clauses" in found.stdout


def test_rulebook_check_says_what_is_not_read_and_where_decisions_land_nowhere(tmp_path: Path) -> None:
    folder = write_sixth_government(tmp_path)
    (folder / "supervision.yaml").rename(folder / "supervision.yml")
    found = run("rulebook", "check", tmp_path)
    assert found.returncode == 1
    assert f"{folder}/supervision.yml:1: isn't read: a section is a file named supervision.yaml" in found.stdout
    (folder / "supervision.yml").unlink()
    found = run("rulebook", "check", tmp_path)
    assert found.returncode == 0
    assert "sound" not in found.stdout
    assert f"warning: {folder}/supervision.yaml:1: missing: no ledger takes the decisions" in found.stdout


def test_rulebook_explain_prints_each_step_with_its_clause(tmp_path: Path) -> None:
    output = run("rulebook", "explain", write_sixth_government(tmp_path)).stdout
    assert "agenda: review by secretary_general [LH-8]" in output
    assert "difficulty is complex or long_term → task-hard, met by its completion [LH-20]" in output
    assert "refuse (退回改派): by principal, task-refusal [LH-22]" in output
    assert "close (销号): by head [LH-26]" in output
    assert "lights: due soon 1 working days before, long overdue 5 working days after [LH-28]" in output
    assert "meetings: 会议决定事项, meeting_decision" in output


def test_an_unreachable_service_is_reported_and_exits_with_2() -> None:
    gone = run("audit", "verify", "--url", "http://127.0.0.1:9", "--token", "x")
    assert gone.returncode == 2
    assert "didn't answer" in gone.stderr
