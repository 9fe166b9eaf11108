"""The dependencies compared with a database of advisories: what matches, what doesn't, and that nothing is passed unseen."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from typer.testing import CliRunner

from tests.conftest import ROOT
from zhengling.cli.advisories import Affected, Range, pins
from zhengling.cli.main import app

LOCK = ROOT / "requirements.lock"
STARLETTE = max(pins(LOCK)["starlette"], key=Version)


def advisory(name: str, *events: dict[str, str], versions: tuple[str, ...] = (), **rest: Any) -> dict[str, Any]:
    """A document as OSV exports it."""
    affected = {
        "package": {"ecosystem": "PyPI", "name": name, "purl": f"pkg:pypi/{name}"},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}] if events else [],
        "versions": list(versions),
    }
    return {
        "schema_version": "1.7.0", "id": f"PYSEC-2026-{name.lower()}", "modified": "2026-11-29T12:00:00Z",
        "aliases": ["CVE-2026-1"], "summary": "a request\nstops it", "affected": [affected], "references": [],
    } | rest  # fmt: skip


MATCHING = advisory("Starlette", {"introduced": "0"}, {"fixed": "999"})
MENDED = advisory("aiokafka", {"introduced": "0"}, {"fixed": "0.0.1"})
FOREIGN = advisory("nobody-pins-this", {"introduced": "0"})


def written(folder: Path, *documents: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, document in enumerate(documents):
        (folder / f"{number}.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["advisories", "check", *map(str, arguments)])
    return done.exit_code, " ".join(done.output.split())


def test_a_pinned_version_that_is_affected_is_found_in_a_folder_and_in_an_archive(tmp_path: Path) -> None:
    folder = written(tmp_path / "osv", MATCHING, MENDED, FOREIGN)
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            file.write(path, path.name)
    for database in (folder, archive):
        code, printed = run("--database", database)
        assert code == 1, printed
        assert f"starlette {STARLETTE}: PYSEC-2026-starlette (CVE-2026-1) a request stops it; mended in 999" in printed
        assert "1 matches (" in printed
        assert "3 advisories, the newest of 2026-11-29" in printed
        assert "aiokafka" not in printed


def test_a_lock_file_without_a_match_passes_and_says_what_it_was_compared_with(tmp_path: Path) -> None:
    code, printed = run("--database", written(tmp_path, MENDED, FOREIGN))
    assert (code, printed) == (
        0,
        f"0 matches ({sum(map(len, pins(LOCK).values()))} pins, 2 advisories, the newest of 2026-11-29)",
    )


def test_an_advisory_that_is_accepted_by_either_of_its_names_stays_visible(tmp_path: Path) -> None:
    folder = written(tmp_path, MATCHING)
    for name in ("PYSEC-2026-starlette", "CVE-2026-1"):
        code, printed = run("--database", folder, "--accept", name)
        assert (code, "accepted: starlette" in printed) == (0, True), printed
    assert run("--database", folder, "--accept", "CVE-2026-2")[0] == 1


def test_the_result_as_json(tmp_path: Path) -> None:
    code, printed = run("--database", written(tmp_path, MATCHING), "--json")
    (match,) = json.loads(printed)["matches"]
    assert (code, match["name"], match["version"], match["fixed"]) == (1, "starlette", STARLETTE, ["999"])


OF_DEBIAN = MATCHING | {"affected": [{"package": {"ecosystem": "Debian:13", "name": "starlette"}}]}


@pytest.mark.parametrize(
    "documents",
    [
        (),
        (OF_DEBIAN,),
        (MATCHING | {"withdrawn": "2026-11-30T00:00:00Z"},),
        (MATCHING, {"no": "advisory"}),
        (MATCHING, []),
    ],
    ids=["empty", "another ecosystem's", "withdrawn alone", "a document of something else", "no document"],
)
def test_what_there_was_nothing_to_look_in_is_said_and_is_no_pass(
    documents: tuple[object, ...], tmp_path: Path
) -> None:
    code, printed = run("--database", written(tmp_path, *documents))
    assert (code, "nothing was checked" in printed) == (2, True), printed


def test_a_database_that_is_not_there_or_is_no_archive_is_no_pass(tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(b"PK\x03\x04 and no more")
    for database in (tmp_path / "none.zip", tmp_path / "none", cut):
        code, printed = run("--database", database)
        assert (code, "nothing was checked" in printed) == (2, True), printed


@pytest.mark.parametrize("text", ["", "# only a comment\n", "starlette>=1\n", "starlette\n", "what is this\n"])
def test_a_lock_file_that_pins_nothing_or_not_all_is_no_pass(text: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(text)
    code, printed = run("--database", written(tmp_path / "osv", MATCHING), "--lock", lock)
    assert (code, "nothing was checked" in printed) == (2, True), printed


def test_the_target_says_that_it_needs_a_database(tmp_path: Path) -> None:
    def make(*arguments: str) -> tuple[int, str]:
        command = ["make", "-o", ".venv/.installed", "advisories", *arguments]
        environment = {name: value for name, value in os.environ.items() if name not in ("DB", "MAKEFLAGS")}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    code, printed = make()
    assert (code, "nothing was checked" in printed) == (2, True), printed
    code, printed = make(f"DB={tmp_path / 'none'}")
    assert (code, "nothing was checked" in printed) == (2, True), printed


# ranges, as the OSV schema has them evaluated -------------------------------------------------------------------------
RANGES = [
    ([{"introduced": "0"}], {"0.0.1.dev1": True, "99": True}),
    (
        [{"introduced": "1.2"}, {"fixed": "1.5"}],
        {"1.1": False, "1.2": True, "1.5rc1": True, "1.5": False, "1.5.post1": False},
    ),
    ([{"introduced": "1.2"}, {"last_affected": "1.5"}], {"1.5": True, "1.5.1": False}),
    ([{"fixed": "1.5"}, {"introduced": "1.2"}], {"1.3": True, "1.6": False}),
    (
        [{"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2"}, {"fixed": "2.3"}],
        {"1.4": True, "1.7": False, "2": True, "2.2": True, "2.10": False},
    ),
    ([{"introduced": "1.0", "fixed": "1.1"}], {"1.0.5": True, "1.1": False}),
    ([{"introduced": "0"}, {"limit": "2"}], {"1.9": True, "2": False}),
    ([{"introduced": "1!1"}, {"fixed": "1!2"}], {"3": False, "1!1.5": True}),
    ([], {"1": False}),
]


@pytest.mark.parametrize(("events", "expected"), RANGES)
def test_a_range_holds_the_versions_between_its_events(events: list[dict[str, str]], expected: dict[str, bool]) -> None:
    found = Range(type="ECOSYSTEM", events=events)
    assert {version: found.holds(Version(version)) for version in expected} == expected


def test_what_cannot_be_compared_counts_and_ranges_of_commits_do_not() -> None:
    odd = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0-what-ever"}]}
    commits = {"type": "GIT", "repo": "https://example.org", "events": [{"introduced": "0"}]}
    assert Affected.model_validate({"ranges": [odd]}).holds("1")
    assert not Affected.model_validate({"ranges": [commits]}).holds("1")
    assert Affected.model_validate({"ranges": [commits], "versions": ["1"]}).holds("1")
