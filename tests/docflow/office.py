"""A decision's events as docflow-svc receives them, and its handlers, one event for each transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from docflow_svc.decision.decision import Decision
from docflow_svc.document.document import Document
from docflow_svc.document.table import document as document_table
from docflow_svc.handlers import HANDLERS
from tests import sixth
from tests.received import received
from zhengling.database.session import Database
from zhengling.events.meeting import (
    DecisionAdopted,
    DecisionAmended,
    DecisionReplaced,
    DecisionRevoked,
    MeetingClosed,
    Resolution,
    Unit,
)
from zhengling.local.client import at
from zhengling.replicas import due_dates
from zhengling.rules.loading import Rulebooks
from zhengling.rules.vocabulary import FollowingDocument, Outcome

DAY = date(2027, 3, 10)
CLOSED = at(DAY, 11)


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

    def replaced(self, **changes: Any) -> DecisionReplaced:
        """Recorded again between the close and the signature."""
        self.resolution = self.resolution.model_copy(update=changes)
        return DecisionReplaced(
            **self.meeting, decision_id=self.resolution.decision_id, meeting_title="会议", resolution=self.resolution,
            revision=2, reason="记录有误", closed_at=CLOSED,
        )  # fmt: skip

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
        await self._in(lambda session: HANDLERS[type(event)](session, event, received(event, self.rulebooks)))

    async def document(self, decided: Decided) -> Document | None:
        statement = sa.select(Document).where(document_table.c.decision_id == decided.resolution.decision_id)

        async def read(session: AsyncSession) -> Document | None:
            return (await session.execute(statement)).scalar_one_or_none()

        found: Document | None = await self._in(read)
        return found

    async def decision(self, decided: Decided) -> Decision | None:
        found: Decision | None = await self._in(lambda session: session.get(Decision, decided.resolution.decision_id))
        return found

    async def running(self, document: Document) -> list[str]:
        kept = await self._in(lambda session: due_dates.kept(session, "document", document.id))
        return [one.rule for one in kept if one.state == "running"]
