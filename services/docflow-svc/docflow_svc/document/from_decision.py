"""Documents follow corrections of the decisions that ask for them; each in its event's transaction.

Decisions and meetings are events of different aggregates, so the event of a meeting's close may arrive after a
correction of its decisions; `CorrectedDecision` marks the decisions for which the close no longer counts.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from docflow_svc.document import document as documents
from docflow_svc.document.commands import SUBJECT, clocks_of, draft_document
from docflow_svc.document.document import CorrectedDecision, Document, DocumentState, asks_for_document, follow_up_of
from docflow_svc.document.table import document as table
from zhengling.backbone.outbox import emit
from zhengling.database.mapping import touch
from zhengling.database.session import government_of, now
from zhengling.events.docflow import DocumentAmended, DocumentWithdrawn
from zhengling.events.meeting import DecisionAdopted, DecisionAmended, DecisionReplaced, DecisionRevoked
from zhengling.replicas import due_dates
from zhengling.rules.loading import Rulebooks
from zhengling.rules.meetings import FollowUp, MeetingKind
from zhengling.rules.rulebook import Rulebook


async def draft_for_adopted(session: AsyncSession, rulebooks: Rulebooks, event: DecisionAdopted) -> Document | None:
    """Draft the document of a decision that a correction adopted, which wasn't adopted at the close. The deadlines
    still count from the close (ST-39, ZQ-22). Emits document.drafted."""
    if not event.by_correction or event.closed_at is None:
        return None
    await _remember(session, event.decision_id, 1)
    if not asks_for_document(event.resolution) or await _document_of(session, event.decision_id):
        return None
    book, kind = _rules(session, rulebooks, event)
    return await draft_document(session, book, kind, event.meeting_id, event.resolution, event.closed_at)


async def follow_amendment(
    session: AsyncSession, rulebooks: Rulebooks, event: DecisionAmended | DecisionReplaced
) -> Document | None:
    """Draft the document that the decision now asks for, apply the present deadlines to its draft, or withdraw the
    draft. Emits document.drafted, document.amended or document.withdrawn. A document past the draft is unchanged."""
    await _remember(session, event.decision_id, event.revision)
    document = await _document_of(session, event.decision_id)
    if not asks_for_document(event.resolution):
        if document and document.state == DocumentState.drafting:
            await _withdraw(session, document, event.reason)
        return document
    book, kind = _rules(session, rulebooks, event)
    if document is None:
        return await draft_document(session, book, kind, event.meeting_id, event.resolution, event.closed_at)
    old = document.due, document.clause, document.state
    await _bring_under(session, rulebooks, book, document, follow_up_of(kind, event.resolution), kind)
    if old != (document.due, document.clause, document.state):
        await emit(
            session,
            DocumentAmended(
                document_id=document.id,
                decision_id=document.decision_id,
                old_due=old[0],
                due=document.due,
                clause=document.clause,
                reason=event.reason,
                decision=document.decision,
            ),
        )
    return document


async def follow_revocation(session: AsyncSession, event: DecisionRevoked) -> Document | None:
    """Withdraw the draft of a revoked decision. Emits document.withdrawn."""
    await _remember(session, event.decision_id, event.revision)
    document = await _document_of(session, event.decision_id)
    if document and document.state == DocumentState.drafting:
        await _withdraw(session, document, event.reason)
    return document


async def _remember(session: AsyncSession, decision_id: str, revision: int) -> None:
    known = await session.get(CorrectedDecision, decision_id, with_for_update=True)
    if known:
        known.revision = revision
    else:
        session.add(CorrectedDecision(id=decision_id, government=government_of(session), revision=revision))
    await session.flush()


async def _document_of(session: AsyncSession, decision_id: str) -> Document | None:
    statement = sa.select(Document).where(table.c.decision_id == decision_id).with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


def _rules(
    session: AsyncSession, rulebooks: Rulebooks, event: DecisionAdopted | DecisionAmended | DecisionReplaced
) -> tuple[Rulebook, MeetingKind]:
    book = rulebooks.edition(government_of(session), event.edition)
    return book, book.kind(event.meeting_kind)


async def _withdraw(session: AsyncSession, document: Document, reason: str) -> None:
    documents.withdraw(document, reason)
    await due_dates.settle(session, SUBJECT, document.id, "cancelled")
    await session.flush()
    await emit(
        session,
        DocumentWithdrawn(
            document_id=document.id,
            decision_id=document.decision_id,
            reason=reason,
            withdrawn_at=now(session),
            decision=document.decision,
        ),
    )


async def _bring_under(
    session: AsyncSession,
    rulebooks: Rulebooks,
    book: Rulebook,
    document: Document,
    follow_up: FollowUp | None,
    kind: MeetingKind,
) -> None:
    """Start the deadlines that now apply to the draft and cancel the others; a withdrawn document becomes a draft
    again."""
    clocks = clocks_of(follow_up, document.counted_from)
    kept = await due_dates.bring_under(session, rulebooks, (SUBJECT, document.id), clocks, book)
    document.due = max((one.due for one in kept), default=None)
    document.clause = follow_up.clause if follow_up else kind.clause
    document.state, document.withdrawn_reason = DocumentState.drafting, ""
    touch(document)  # its answers show each of its deadlines
    await session.flush()
