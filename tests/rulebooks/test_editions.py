"""The recorded content of editions, and refusals to start with a changed one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import ScratchDatabase
from tests.sixth import CODE, EDITION, write_sixth_government
from zhengling.database.session import Database
from zhengling.kernel.errors import Problem
from zhengling.replicas import editions
from zhengling.rules.loading import RulebookError, Rulebooks


def change(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert before in text
    (folder / file).write_text(text.replace(before, after), encoding="utf-8")


async def test_content_changed_under_the_same_revision_refuses_to_start(
    tmp_path: Path, scratch_database: Callable[..., Awaitable[ScratchDatabase]]
) -> None:
    folder = write_sixth_government(tmp_path)
    database = Database((await scratch_database()).app, application="test")

    async def start() -> None:
        async with database.transaction(None) as session:
            await editions.remember_editions(session, Rulebooks.load([tmp_path]))

    await start()
    await start()
    change(folder, "deadlines.yaml", "within: 10, unit: working_day", "within: 12, unit: working_day")
    with pytest.raises(editions.RulebookChanged, match=r"linhai/2025-05-01.*raise revision"):
        await start()
    change(folder, "government.yaml", "in_force: 2025-05-01", "in_force: 2025-05-01\nrevision: 2")
    await start()
    change(folder, "deadlines.yaml", "within: 12, unit: working_day", "within: 10, unit: working_day")
    with pytest.raises(editions.RulebookChanged):
        await start()
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
    with pytest.raises(Problem, match="edition_not_loaded"):
        books.edition(CODE, "2020-01-01")


def test_one_edition_under_two_roots_is_refused(tmp_path: Path) -> None:
    for root in ("one", "two"):
        write_sixth_government(tmp_path / root)
    with pytest.raises(RulebookError, match="is also under another root"):
        Rulebooks.load([tmp_path / "one", tmp_path / "two"])
