"""The recorded content of editions; governments that their rulebook stops, while the others go on."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from tests.conftest import ROOT, ScratchDatabase
from tests.sixth import CODE, EDITION, write_sixth_government
from zhengling.database.session import Database
from zhengling.kernel.errors import Problem
from zhengling.replicas import editions
from zhengling.rules import loading
from zhengling.rules.loading import RulebookError, Rulebooks

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def change(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert before in text
    (folder / file).write_text(text.replace(before, after), encoding="utf-8")


async def test_content_changed_under_the_same_revision_stops_its_government_and_no_other(
    tmp_path: Path, scratch_database: Callable[..., Awaitable[ScratchDatabase]]
) -> None:
    folder = write_sixth_government(tmp_path)
    database = Database((await scratch_database()).app, application="test")

    async def start() -> list[str]:
        """The findings of the sixth government; the others go on."""
        books = Rulebooks.load([tmp_path, ROOT / "rulebooks"])
        async with database.transaction(None) as session:
            await editions.remember_editions(session, books)
        assert {book.code for book in books.all()} >= {"dalian", "xigang"}
        assert books.faults.keys() <= {CODE}
        unusable = REGISTRY.get_sample_value("zhengling_rulebook_unusable", {"government": CODE})
        assert unusable == len(books.faults)
        assert REGISTRY.get_sample_value("zhengling_rulebook_unusable", {"government": "dalian"}) == 0
        if books.faults:
            for ask in (lambda: books.current(CODE, NOW), lambda: books.edition(CODE, EDITION)):
                with pytest.raises(Problem, match="rulebook_unusable") as refused:
                    ask()
                assert refused.value.status == 503
        return books.faults.get(CODE, [])

    assert await start() == []
    assert await start() == []
    change(folder, "deadlines.yaml", "within: 10, unit: working_day", "within: 12, unit: working_day")
    (finding,) = await start()
    assert re.match(r"linhai/2025-05-01.*raise revision", finding)
    change(folder, "government.yaml", "in_force: 2025-05-01", "in_force: 2025-05-01\nrevision: 2")
    assert await start() == []
    change(folder, "deadlines.yaml", "within: 12, unit: working_day", "within: 10, unit: working_day")
    assert len(await start()) == 1
    await database.close()


def test_a_new_edition_holds_from_its_day_and_procedures_keep_the_one_they_began_under(tmp_path: Path) -> None:
    write_sixth_government(tmp_path)
    newer = tmp_path / CODE / "2026-07-01"
    newer.mkdir()
    for file in (tmp_path / CODE / EDITION).glob("*.yaml"):
        (newer / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    change(newer, "government.yaml", EDITION, "2026-07-01")
    books = Rulebooks.load([tmp_path])
    assert books.current(CODE, datetime(2026, 6, 30, 15, 59, tzinfo=UTC)).edition == EDITION
    assert books.current(CODE, datetime(2026, 6, 30, 16, 0, tzinfo=UTC)).edition == "2026-07-01"  # midnight in Shanghai
    assert books.edition(CODE, EDITION).edition == EDITION
    with pytest.raises(Problem, match="edition_not_loaded") as missing:
        books.edition(CODE, "2020-01-01")
    assert missing.value.status == 503, "an event under it waits until it is loaded"


def test_an_edition_does_not_govern_before_its_day(tmp_path: Path) -> None:
    folder = write_sixth_government(tmp_path)
    change(folder, "government.yaml", EDITION, "2099-01-01")
    folder.rename(folder.parent / "2099-01-01")
    books = Rulebooks.load([tmp_path])
    assert books.in_force(CODE, NOW) is None
    with pytest.raises(Problem, match="rulebook_not_in_force") as refused:
        books.current(CODE, NOW)
    assert refused.value.status == 409
    assert "2099-01-01" in refused.value.detail.en
    assert books.current(CODE, datetime(2099, 1, 1, tzinfo=UTC)).edition == "2099-01-01"


@pytest.mark.parametrize("edition", [EDITION, "2026-07-01"], ids=["the same edition", "another edition"])
def test_a_government_under_two_roots_is_stopped_and_no_other(edition: str, tmp_path: Path) -> None:
    write_sixth_government(tmp_path / "one")
    second = write_sixth_government(tmp_path / "two")
    if edition != EDITION:
        change(second, "government.yaml", EDITION, edition)
        second.rename(second.parent / edition)
    roots = [ROOT / "rulebooks", tmp_path / "one", tmp_path / "two"]
    books = Rulebooks.read(roots)
    assert [f"{CODE} is also under another root" in finding for finding in books.faults[CODE]] == [True]
    with pytest.raises(Problem, match="rulebook_unusable"):
        books.current(CODE, NOW)
    assert books.current("dalian", NOW).code == "dalian"
    with pytest.raises(RulebookError, match="is also under another root"):
        Rulebooks.load(roots)


@pytest.mark.parametrize(
    "content", [b"code: [", b"\xff", b"code: linhai", b""], ids=["cut", "no text", "half", "empty"]
)
def test_a_broken_rulebook_stops_its_government_and_no_other(content: bytes, tmp_path: Path) -> None:
    folder = write_sixth_government(tmp_path)
    (folder / "government.yaml").write_bytes(content)
    books = Rulebooks.read([ROOT / "rulebooks", tmp_path])
    assert all(finding.startswith(str(folder / "government.yaml")) for finding in books.faults[CODE])
    assert CODE in books.governments
    assert books.editions(CODE) == []
    assert len(books.all()) == 5
    with pytest.raises(Problem, match="rulebook_unusable"):
        books.edition(CODE, EDITION)


def test_whatever_makes_reading_an_edition_fail_stops_its_government_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, read = write_sixth_government(tmp_path), loading.load_edition
    monkeypatch.setattr(loading, "load_edition", lambda path: read(path) if path != folder else 1 / 0)
    books = Rulebooks.read([ROOT / "rulebooks", tmp_path])
    assert books.faults == {CODE: [f"{folder}:1: not readable: ZeroDivisionError: division by zero"]}
    assert len(books.all()) == 5


@pytest.mark.parametrize(
    "name", ["supervision.yml", "Supervision.YAML", "supervision.yaml.bak", "supervision", "weather.yml"]
)
def test_a_file_that_passes_for_a_section_and_is_not_read_is_a_finding(name: str, tmp_path: Path) -> None:
    folder = write_sixth_government(tmp_path)
    (folder / "supervision.yaml").rename(folder / name)
    (finding,) = Rulebooks.read([tmp_path]).faults[CODE]
    assert finding.startswith(
        f"{folder / name}:1: isn't read: a section is a file named {name.split('.')[0].lower()}.yaml"
    )


def test_other_files_and_folders_that_nobody_reads_are_warnings(tmp_path: Path) -> None:
    folder = write_sixth_government(tmp_path)
    unread = [tmp_path / "README.md", tmp_path / CODE / "notes.txt", tmp_path / CODE / "drafts", folder / "source.pdf"]
    for path in unread:
        path.mkdir() if path.name == "drafts" else path.write_text("x")
    (tmp_path / "..data").mkdir()
    (folder / ".supervision.yaml.swp").write_text("x")
    books = Rulebooks.load([tmp_path])
    warned = [line.split(":1: ")[0] for lines in books.warnings.values() for line in lines]
    assert sorted(warned) == sorted(map(str, unread))


def test_an_edition_with_meetings_and_no_ledger_is_warned_of(tmp_path: Path) -> None:
    folder = write_sixth_government(tmp_path)
    (folder / "supervision.yaml").unlink()
    (warning,) = Rulebooks.load([tmp_path]).warnings[CODE]
    assert warning.startswith(f"{folder / 'supervision.yaml'}:1: missing: no ledger takes the decisions")
