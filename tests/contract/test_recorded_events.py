"""Events as services sent them before they carried references: read from a file, and handled by all who hear them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

import docflow_svc.app  # maps the nouns, as the two below
import docflow_svc.handlers
import meeting_svc.app
import meeting_svc.handlers
import oversight_svc.app
import oversight_svc.handlers
from docflow_svc.decision.decision import Decision as KnownDecision
from docflow_svc.document.document import Document
from meeting_svc.decision.decision import Decision
from oversight_svc.entry.entry import Entry
from tests.conftest import ROOT
from tests.received import received
from zhengling.database.session import Database, enter_government
from zhengling.events.catalogue import EVENTS
from zhengling.events.event import Event
from zhengling.events.meeting import DecisionAdopted, MeetingClosed
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.loading import Rulebooks

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "recorded" / "before_references.json").read_text(encoding="utf-8")
)


def read(recorded: Mapping[str, Any]) -> Event:
    """The event as the inbox reads it."""
    return EVENTS[recorded["type"]].model_validate(recorded["data"], extra="ignore")


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["type"])
def test_an_event_sent_without_references_has_them_from_its_ids(recorded: dict[str, Any]) -> None:
    data, event = recorded["data"], read(recorded)
    pointed = {"meeting_id": "meeting", "decision_id": "decision", "source_id": "source", "minutes_id": "minutes"}
    for field, name in pointed.items():
        if field in data and name in type(event).model_fields and getattr(event, name) is not None:
            assert getattr(event, name).id == data[field]
    for resolution in getattr(event, "resolutions", [getattr(event, "resolution", None)]):
        if resolution is not None:
            assert (resolution.topic.service, resolution.topic.noun) == ("meeting", "topic")
            assert (resolution.topic.id, resolution.gates, resolution.document_kind) == (resolution.topic_id, (), None)


def test_the_record_has_every_kind_of_event_on_a_decision() -> None:
    kinds = {recorded["type"].removeprefix("zhengling.").removesuffix(".v1") for recorded in RECORDED}
    assert kinds == {
        *("meeting.session.closed", "meeting.minutes.signed", "meeting.decision.adopted", "meeting.decision.replaced"),
        *("meeting.decision.amended", "meeting.decision.revoked", "docflow.document.drafted"),
        *("docflow.document.withdrawn", "oversight.entry.opened", "oversight.entry.due_set"),
        *("oversight.entry.due_moved", "oversight.entry.amended", "oversight.entry.revoked"),
    }


@pytest.fixture
async def undone(stack: EmbeddedStack, request: pytest.FixtureRequest) -> AsyncIterator[AsyncSession]:
    """A transaction in one service's database, rolled back at the end; foreign keys aren't checked in it."""
    url = stack.database_admin_url.rpartition("/")[0]
    database = Database(f"{url}/{request.param}", application="test")
    async with database._sessions() as session:
        await session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield session
        await session.rollback()
    await database.close()


async def handle(session: AsyncSession, handlers: Mapping[type[Event], Any], rulebooks: Rulebooks) -> Counter[str]:
    """Handle what was recorded, in its order; returns how many of each type."""
    handled: Counter[str] = Counter()
    for recorded in RECORDED:
        event = read(recorded)
        if type(event) in handlers:
            await enter_government(session, recorded["government"])
            await handlers[type(event)](session, event, received(event, rulebooks, recorded["government"]))
            await session.flush()
            handled[event.type.split(".")[1]] += 1
    return handled


@pytest.fixture(scope="module")
def rulebooks(sixth_root: Path) -> Rulebooks:
    return Rulebooks.load([ROOT / "rulebooks", sixth_root])


@pytest.mark.parametrize("undone", ["docflow"], indirect=True)
async def test_docflow_handles_them_all(undone: AsyncSession, rulebooks: Rulebooks) -> None:
    assert (await handle(undone, docflow_svc.handlers.HANDLERS, rulebooks))["meeting"] > 15
    revoked = next(r["data"] for r in RECORDED if r["type"].endswith("decision.revoked.v1"))
    kept = await undone.get(KnownDecision, revoked["decision_id"])
    assert kept
    assert (kept.state, kept.topic.id, kept.minutes) == ("revoked", revoked["resolution"]["topic_id"], None)
    assert kept.edition, "known from its adoption"
    document = (await undone.execute(sa.select(Document).filter_by(decision_id=kept.id))).scalar_one()
    assert (document.state, document.decision) == ("withdrawn", kept.decision)
    closed = [event for event in map(read, RECORDED) if isinstance(event, MeetingClosed)]
    for resolution in (each for event in closed for each in event.resolutions):
        assert await undone.get(KnownDecision, resolution.decision_id)


@pytest.mark.parametrize("undone", ["oversight"], indirect=True)
async def test_oversight_handles_them_all(undone: AsyncSession, rulebooks: Rulebooks) -> None:
    await handle(undone, oversight_svc.handlers.HANDLERS, rulebooks)
    adopted = [event for event in map(read, RECORDED) if isinstance(event, DecisionAdopted)]
    for event in adopted:
        entry = (await undone.execute(sa.select(Entry).filter_by(source_id=event.decision_id))).scalar_one()
        assert (entry.source, entry.topic) == (event.resolution.decision, event.resolution.topic)
        assert (entry.meeting.id, entry.minutes) == (event.meeting_id, None)


@pytest.mark.parametrize("undone", ["meeting"], indirect=True)
async def test_meeting_handles_them_all(undone: AsyncSession, rulebooks: Rulebooks) -> None:
    recorded = [each for event in map(read, RECORDED) if isinstance(event, MeetingClosed) for each in event.resolutions]
    governments = {each["decision_id"]: r["government"] for r in RECORDED for each in r["data"].get("resolutions", [])}
    for resolution in recorded:
        government = governments[resolution.decision_id]
        await enter_government(undone, government)
        undone.add(Decision(resolution.decision_id, government, "m", resolution.topic_id, resolution))
    await undone.flush()
    await handle(undone, meeting_svc.handlers.HANDLERS, rulebooks)
    opened = [r["data"] for r in RECORDED if r["type"].endswith("entry.opened.v1")]
    drafted = {r["data"]["decision_id"]: r["data"] for r in RECORDED if r["type"].endswith("document.drafted.v1")}
    assert opened
    assert drafted
    for data in opened:
        decision = await undone.get(Decision, data["source_id"], populate_existing=True)
        assert decision
        assert decision.entry
        assert (decision.entry.id, decision.entry.number) == (data["entry_id"], data["number"])
    for decision_id, data in drafted.items():
        decision = await undone.get(Decision, decision_id)
        assert decision
        assert decision.document
        assert decision.document.id == data["document_id"]
