"""Drafts after corrections of the minutes, in any order of events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from docflow_svc.document import commands, from_decision
from docflow_svc.document import table as tables
from docflow_svc.document.document import Document, DocumentState
from tests import sixth
from tests.conftest import ROOT
from zhengling.database.session import Database
from zhengling.events.meeting import (
    DecisionAdopted,
    DecisionAmended,
    DecisionRevoked,
    MeetingClosed,
    Resolution,
    Unit,
)
from zhengling.local.client import at
from zhengling.local.stack import EmbeddedStack
from zhengling.replicas import due_dates
from zhengling.rules.loading import Rulebooks
from zhengling.rules.vocabulary import FollowingDocument, Outcome

DAY = date(2027, 3, 10)
CLOSED = at(DAY, 11)
Session = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class Decided:
    """One decision of a meeting, and its events."""

    def __init__(self, **fields: Any) -> None:
        unit = Unit(code="lh-water", name="县水务局")
        self.meeting = {
            "meeting_id": str(uuid4()),
            "meeting_kind": "weekly",
            "edition": sixth.EDITION,
            "recorded_at": CLOSED,
        }
        given = {"document": FollowingDocument.to_issue} | fields
        self.resolution = Resolution(
            decision_id=str(uuid4()), topic_id="t", number=1, title="关于水库的请示", sponsor=unit,
            outcome=Outcome.passed, task="印发办法", lead=unit,
        ).model_copy(update=given)  # fmt: skip
        self.revision = 1

    def closed(self) -> MeetingClosed:
        return MeetingClosed(
            **self.meeting, kind_name="周例会", title="会议", closed_at=CLOSED, resolutions=(self.resolution,)
        )

    def amended(self, **changes: Any) -> DecisionAmended:
        self.revision += 1
        return DecisionAmended(
            **self.meeting, decision_id=self.resolution.decision_id, meeting_title="会议",
            resolution=self.resolution.model_copy(update=changes), revision=self.revision, minutes_version=2,
            reason="原纪要有误", changes=(), closed_at=CLOSED, signed_at=at(DAY, 15),
        )  # fmt: skip

    def revoked(self) -> DecisionRevoked:
        self.revision += 1
        return DecisionRevoked(
            meeting_id=self.meeting["meeting_id"], decision_id=self.resolution.decision_id, meeting_title="会议",
            resolution=self.resolution, revision=self.revision, minutes_version=2, reason="撤销", signed_at=at(DAY, 15),
            recorded_at=at(DAY, 15),
        )  # fmt: skip

    def adopted(self, *, by_correction: bool) -> DecisionAdopted:
        return DecisionAdopted(
            **self.meeting, decision_id=self.resolution.decision_id, meeting_title="会议", meeting_clause="LH-5",
            resolution=self.resolution, signed_at=at(DAY, 15), by_correction=by_correction, closed_at=CLOSED,
        )  # fmt: skip


class Office:
    """docflow-svc's handlers, one event per transaction."""

    def __init__(self, database: Database, rulebooks: Rulebooks) -> None:
        self.database, self.rulebooks = database, rulebooks

    async def _in(self, work: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        async with self.database.transaction(sixth.CODE) as session:
            return await work(session)

    async def hear(self, event: Any) -> None:
        handled: dict[type, Callable[[AsyncSession], Awaitable[Any]]] = {
            MeetingClosed: lambda s: commands.draft_documents(s, self.rulebooks, event),
            DecisionAdopted: lambda s: from_decision.draft_for_adopted(s, self.rulebooks, event),
            DecisionAmended: lambda s: from_decision.follow_amendment(s, self.rulebooks, event),
            DecisionRevoked: lambda s: from_decision.follow_revocation(s, event),
        }
        await self._in(handled[type(event)])

    async def document(self, decided: Decided) -> Document | None:
        statement = sa.select(Document).where(tables.document.c.decision_id == decided.resolution.decision_id)

        async def read(session: AsyncSession) -> Document | None:
            return (await session.execute(statement)).scalar_one_or_none()

        found: Document | None = await self._in(read)
        return found

    async def running(self, document: Document) -> list[str]:
        kept = await self._in(lambda session: due_dates.kept(session, "document", document.id))
        return [one.rule for one in kept if one.state == "running"]


@pytest.fixture
async def office(stack: EmbeddedStack, sixth_root: Any) -> AsyncIterator[Office]:
    database = Database(stack.database_url("docflow", "worker"), application="test")
    yield Office(database, Rulebooks.load([ROOT / "rulebooks", sixth_root]))
    await database.close()


async def test_a_draft_is_withdrawn_with_its_deadlines_and_drafted_again_under_them(office: Office) -> None:
    decided = Decided()
    await office.hear(decided.closed())
    first = await office.document(decided)
    assert first and first.due
    assert await office.running(first) == ["paper-out"]
    await office.hear(decided.amended(document=FollowingDocument.none))
    gone = await office.document(decided)
    assert gone and (gone.state, gone.due, gone.withdrawn_reason) == (DocumentState.withdrawn, None, "原纪要有误")
    assert await office.running(gone) == []
    await office.hear(decided.amended(document=FollowingDocument.to_issue))
    again = await office.document(decided)
    assert again and (again.id, again.state, again.due) == (first.id, DocumentState.drafting, first.due)
    assert await office.running(again) == ["paper-out"]


async def test_a_document_that_a_correction_allows_is_drafted_with_its_time_counted_from_the_close(
    office: Office,
) -> None:
    decided, plain = Decided(document=FollowingDocument.none), Decided()
    await office.hear(decided.closed())
    assert await office.document(decided) is None
    await office.hear(decided.amended(document=FollowingDocument.to_issue))
    await office.hear(plain.closed())
    one, other = await office.document(decided), await office.document(plain)
    assert one and other
    assert (one.counted_from, one.due) == (other.counted_from, other.due)


async def test_a_decision_that_a_correction_adopts_is_drafted_once_and_one_adopted_at_first_only_by_the_close(
    office: Office,
) -> None:
    late = Decided()
    await office.hear(late.adopted(by_correction=True))
    await office.hear(late.adopted(by_correction=True))
    assert await office.document(late)
    usual = Decided()
    await office.hear(usual.adopted(by_correction=False))
    assert await office.document(usual) is None
    await office.hear(usual.closed())
    assert await office.document(usual)


@pytest.mark.parametrize("change", ["revoked", "amended"])
async def test_a_close_received_after_the_correction_drafts_nothing(change: str, office: Office) -> None:
    decided = Decided()
    await office.hear(decided.revoked() if change == "revoked" else decided.amended(document=FollowingDocument.none))
    await office.hear(decided.closed())
    assert await office.document(decided) is None


async def test_a_revoked_decisions_draft_stays_withdrawn(office: Office) -> None:
    decided = Decided()
    await office.hear(decided.closed())
    revoked = decided.revoked()
    await office.hear(revoked)
    await office.hear(revoked)
    gone = await office.document(decided)
    assert gone and gone.state == DocumentState.withdrawn
    assert await office.running(gone) == []
