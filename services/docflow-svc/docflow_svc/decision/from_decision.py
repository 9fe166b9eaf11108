"""The replica follows meeting-svc's events, each in its event's transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from docflow_svc.decision.decision import DecisionState
from docflow_svc.decision.table import decision as table
from zhengling.database.session import government_of
from zhengling.events.meeting import (
    DecisionAdopted,
    DecisionAmended,
    DecisionReplaced,
    DecisionRevoked,
    MeetingClosed,
    Resolution,
)
from zhengling.events.reference import Reference

#: The events of a decision itself.
OfADecision = DecisionAdopted | DecisionReplaced | DecisionAmended | DecisionRevoked

_STATES: dict[type[OfADecision], DecisionState] = {
    DecisionReplaced: DecisionState.recorded,
    DecisionAdopted: DecisionState.adopted,
    DecisionAmended: DecisionState.amended,
    DecisionRevoked: DecisionState.revoked,
}
#: What the events state, beside the resolution; not each of them all.
_STATED = ("meeting_id", "meeting_kind", "edition", "revision", "reason", "closed_at", "signed_at", "minutes")
_CHANGED = {"version": table.c.version + 1, "modified_at": sa.func.now()}
_INSERT = insert(table)
#: A close that arrives after the decision's own events changes nothing.
_RECORD = _INSERT.on_conflict_do_nothing()
#: What an event doesn't state stays as it was.
_FOLLOW = _INSERT.on_conflict_do_update(
    index_elements=[table.c.id],
    set_=_CHANGED
    | {name: _INSERT.excluded[name] for name in ("resolution", "state", "revision", "reason")}
    | {
        name: sa.func.coalesce(_INSERT.excluded[name], table.c[name])
        for name in ("meeting_kind", "edition", "closed_at", "signed_at", "minutes")
    },
)


async def record_decisions(session: AsyncSession, event: MeetingClosed) -> None:
    """Record what the closed meeting decided."""
    known = {"meeting_id": event.meeting_id, "meeting_kind": event.meeting_kind, "edition": event.edition}
    rows = [
        _row(session, resolution) | known | {"state": DecisionState.recorded, "closed_at": event.closed_at}
        for resolution in event.resolutions
    ]
    if rows:
        await session.execute(_RECORD, rows)


async def follow_decision(session: AsyncSession, event: OfADecision) -> None:
    """Bring the replica to what the event states of its decision."""
    row = _row(session, event.resolution)
    row |= {name: getattr(event, name) for name in _STATED if hasattr(event, name)}
    await session.execute(_FOLLOW, row | {"state": _STATES[type(event)]})


async def refer_to_document(session: AsyncSession, decision_id: str, document_id: str) -> None:
    """Have the decision refer to the document drafted for it."""
    document = Reference(service="docflow", noun="document", id=document_id)
    await session.execute(sa.update(table).where(table.c.id == decision_id).values(_CHANGED | {"document": document}))


def _row(session: AsyncSession, resolution: Resolution) -> dict[str, Any]:
    return {
        "id": resolution.decision_id,
        "government": government_of(session),
        "version": 1,
        "meeting_kind": None,
        "edition": None,
        "topic_id": resolution.topic_id,
        "resolution": resolution,
        "revision": 1,
        "reason": "",
        "closed_at": None,
        "signed_at": None,
        "minutes": None,
    }
