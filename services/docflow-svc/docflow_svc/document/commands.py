"""Commands on documents, one function each; the transaction is committed at the edge."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from docflow_svc.decision.from_decision import refer_to_document
from docflow_svc.document.document import Document, asks_for_document, follow_up_of
from docflow_svc.document.table import corrected_decision
from zhengling.backbone.outbox import emit
from zhengling.database.session import government_of, now
from zhengling.events.docflow import DocumentDrafted, DocumentDueMoved
from zhengling.events.meeting import MeetingClosed, Resolution
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import Clock, Moved, Owner
from zhengling.rules.loading import Rulebooks
from zhengling.rules.meetings import FollowUp, MeetingKind
from zhengling.rules.rulebook import Rulebook

SUBJECT = "document"


def clocks_of(follow_up: FollowUp | None, closed_at: datetime) -> list[Clock]:
    """The clocks of a document, counted from the meeting's close. Each is met by an act of its own, called as its rule:
    ZQ-22 has one for the filing and one for the issue."""
    return [Clock(rule, closed_at, met_by=rule) for rule in (follow_up.deadlines if follow_up else ())]


async def draft_documents(session: AsyncSession, rulebooks: Rulebooks, event: MeetingClosed) -> list[Document]:
    """Draft the documents that the closed meeting's decisions ask for, with the rulebook's deadlines counted from the
    close. A document is due at its last deadline. Emits document.drafted for each."""
    book = rulebooks.edition(government_of(session), event.edition)
    kind = book.kind(event.meeting_kind)
    asking = [resolution for resolution in event.resolutions if asks_for_document(resolution)]
    corrected = await _corrected(session, [resolution.decision_id for resolution in asking])
    return [
        await draft_document(session, book, kind, event.meeting_id, resolution, event.closed_at)
        for resolution in asking
        if resolution.decision_id not in corrected
    ]


async def draft_document(
    session: AsyncSession,
    book: Rulebook,
    kind: MeetingKind,
    meeting_id: str,
    resolution: Resolution,
    closed_at: datetime,
) -> Document:
    """Draft the document of one decision, with its deadlines counted from the meeting's close. Emits
    document.drafted."""
    follow_up = follow_up_of(kind, resolution)
    identity = str(uuid7())
    dues = [await due_dates.keep(session, SUBJECT, identity, clock, book) for clock in clocks_of(follow_up, closed_at)]
    document = Document(
        id=identity,
        government=government_of(session),
        edition=book.edition,
        title=resolution.title,
        sponsor=resolution.sponsor,
        decision_id=resolution.decision_id,
        meeting_id=meeting_id,
        clause=follow_up.clause if follow_up else kind.clause,
        counted_from=closed_at,
        due=max((due.date for due in dues), default=None),
        decision_number=resolution.decision.number,
        topic=resolution.topic,
    )
    session.add(document)
    await session.flush()
    await refer_to_document(session, document.decision_id, document.id)
    await emit(
        session,
        DocumentDrafted(
            document_id=document.id,
            decision_id=document.decision_id,
            title=document.title,
            sponsor=document.sponsor,
            due=document.due,
            clause=document.clause,
            decision=document.decision,
            topic=document.topic,
            meeting=document.meeting,
        ),
    )
    return document


async def _corrected(session: AsyncSession, decisions: list[str]) -> set[str]:
    """Which of these decisions were corrected before the event of their meeting's close arrived."""
    table = corrected_decision
    return set((await session.execute(sa.select(table.c.id).where(table.c.id.in_(decisions)))).scalars())


async def move_due_dates(session: AsyncSession, moves: list[tuple[Document, Moved]]) -> None:
    """Move documents to the last of their recomputed deadlines. Emits document.due_moved if the day changed."""
    documents = {document.id: (document, moved.why) for document, moved in moves}
    last: dict[str, date] = {}
    for kept in await due_dates.kept(session, SUBJECT, *documents):  # the earliest first
        if kept.state != "cancelled":
            last[kept.subject_id] = kept.due
    events = []
    for identity, (document, why) in documents.items():
        old, document.due = document.due, last[identity]
        if old and old != document.due:
            events.append(
                DocumentDueMoved(
                    document_id=identity,
                    decision_id=document.decision_id,
                    old_due=old,
                    due=document.due,
                    why_en=why.en,
                    why_zh=why.zh,
                    moved_at=now(session),
                    decision=document.decision,
                )
            )
    await session.flush()
    await emit(session, *events)


DUE_DATES = Owner(SUBJECT, Document, move_due_dates)
