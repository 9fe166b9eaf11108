"""Who records what a meeting decides. What the database would give is given here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.resolution import commands as resolution_commands
from meeting_svc.resolution.schemas import RecordDecision
from tests.conftest import composition_of
from tests.meeting.examples import DAY, book
from zhengling.kernel.errors import Problem
from zhengling.local.client import at


async def record(monkeypatch: pytest.MonkeyPatch, official: str, kind: str = "special") -> None:
    meeting = Meeting(
        id="m1", government="xigang", edition=book("xigang").edition, kind=kind, title="专题会议", day=DAY,
        called_by="xg-zjj-clerk", organised_by="xg-zjj", state=MeetingState.open,
    )  # fmt: skip

    async def locked(*_: object) -> Meeting:
        return meeting

    async def people(*_: object) -> object:
        return composition_of("xigang")

    monkeypatch.setattr(resolution_commands, "lock", locked)
    monkeypatch.setattr("zhengling.replicas.composition.current", people)
    call: Any = SimpleNamespace(
        session=None,
        official=official,
        now=at(DAY, 10),
        occurred=lambda _: at(DAY, 10),
        government="xigang",
        check_version=lambda _: None,
        service=SimpleNamespace(rulebooks=SimpleNamespace(edition=lambda *_: book("xigang"))),
    )
    body = RecordDecision.model_validate({"topic_id": "t1", "outcome": "passed", "task": "组织实施", "lead": "xg-zjj"})
    await resolution_commands.record_decision(call, "m1", body)


async def test_the_unit_that_proposed_a_special_meeting_records_what_it_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Problem) as refused:  # beyond who may: nothing stands on this agenda
        await record(monkeypatch, "xg-zjj-clerk")
    assert refused.value.code == "not_on_the_agenda"
    with pytest.raises(Problem) as refused:
        await record(monkeypatch, "xg-office-clerk")
    assert (refused.value.status, refused.value.code, refused.value.clause) == (403, "not_the_organiser", "XG-33")
    with pytest.raises(Problem) as refused:
        await record(monkeypatch, "xg-zjj-clerk", "executive")
    assert (refused.value.status, refused.value.code) == (403, "not_the_office")
