"""A page of meetings costs one statement for all their minutes. What the database would give is given here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql

from meeting_svc.meeting import queries as meeting_queries
from meeting_svc.meeting.meeting import Meeting, MeetingState
from tests.conftest import composition_of
from tests.meeting.examples import DAY, book
from zhengling.authority.chain import StepTaken
from zhengling.local.client import at
from zhengling.rules.chains import StepName
from zhengling.rules.vocabulary import Role

DRAFTED = StepTaken(StepName.draft, Role.office, "st-office-clerk", at(DAY, 12), at(DAY, 12))


def a_meeting(id_: str, government: str) -> Meeting:
    return Meeting(
        id=id_, government=government, edition=book(government).edition, kind="executive", title="常务会议", day=DAY,
        called_by="clerk", state=MeetingState.minuted, chair="hc-head", opened_at=at(DAY), closed_at=at(DAY, 11),
        minutes_steps=[DRAFTED], modified_at=at(DAY, 12),
    )  # fmt: skip


async def test_a_page_of_meetings_asks_once_for_all_minutes_and_never_for_their_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, there = [a_meeting(f"m{n}", "huancui") for n in range(50)], composition_of("huancui")
    asked: list[str] = []

    async def a_page(*_: object) -> tuple[list[Meeting], None]:
        return rows, None

    async def people(*_: object) -> object:
        return there

    async def execute(statement: Any) -> list[Any]:
        asked.append(str(statement.compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call]
        return [SimpleNamespace(meeting_id=row.id, state="draft", major=False) for row in rows]

    monkeypatch.setattr(meeting_queries, "page", a_page)
    monkeypatch.setattr("zhengling.replicas.composition.current", people)
    call: Any = SimpleNamespace(
        session=SimpleNamespace(execute=execute),
        now=at(DAY, 13),
        government="huancui",
        service=SimpleNamespace(rulebooks=SimpleNamespace(edition=lambda *_: book("huancui"))),
    )
    listed = await meeting_queries.list_meetings(call, None, *(None,) * 5)  # type: ignore[arg-type]  # `a_page` asks nothing
    assert [view.id for view in listed.items] == [row.id for row in rows]
    assert all(view.next_step for view in listed.items)
    assert len(asked) == 1
    assert "minutes.text" not in asked[0]
    assert "DISTINCT ON (minutes.meeting_id)" in asked[0]
