"""Commands on decisions, one function each."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from meeting_svc.decision import decision as decisions
from meeting_svc.decision.decision import Decision, Execution, PublicationRecord, PublicationState, Standing
from meeting_svc.decision.schemas import FollowExecution, PublishDecision
from zhengling.authority.composition import Permission, RoleContext
from zhengling.database.batching import columns, write
from zhengling.database.session import lock
from zhengling.events.docflow import DocumentDrafted
from zhengling.events.oversight import (
    CourseTurn,
    EntryAmended,
    EntryClosed,
    EntryDueMoved,
    EntryDueSet,
    EntryFollowedUp,
    EntryOpened,
    EntryOverdue,
    EntryProgressed,
    EntryReopened,
    EntryReported,
    EntryRevoked,
)
from zhengling.events.reference import Reference
from zhengling.kernel.errors import Text, invalid, not_found
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.chains import Actor
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call

#: The events of oversight-svc on the entry of a decision.
OfAnEntry = EntryOpened | EntryDueSet | EntryDueMoved | EntryOverdue | EntryAmended | EntryRevoked | CourseTurn

_NOTE_STANDINGS = sa.text("""
    UPDATE decision d SET
        standing = CASE WHEN d.standing = :revoked THEN d.standing ELSE coalesce(n.standing, d.standing) END,
        ledger_number = coalesce(n.ledger_number, d.ledger_number),
        ledger_state = coalesce(n.ledger_state, d.ledger_state),
        ledger_lead = coalesce(n.ledger_lead, d.ledger_lead),
        ledger_due = CASE WHEN n.has_due THEN n.ledger_due ELSE d.ledger_due END,
        entry = n.entry,
        version = d.version + 1
    FROM unnest(CAST(:id AS text[]), CAST(:standing AS text[]), CAST(:ledger_number AS text[]), CAST(:has_due AS boolean[]),
                CAST(:ledger_due AS date[]), CAST(:ledger_state AS text[]), CAST(CAST(:ledger_lead AS text[]) AS jsonb[]),
                CAST(CAST(:entry AS text[]) AS jsonb[]))
        AS n (id, standing, ledger_number, has_due, ledger_due, ledger_state, ledger_lead, entry)
    WHERE d.id = n.id RETURNING d.id
""")
_NOTED = ("standing", "ledger_number", "ledger_state", "ledger_lead")
# Before them, in the order in which commands lock a meeting's decisions.
_LOCK_NOTED = sa.text("SELECT id FROM decision WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")


async def publish_decision(call: Call, decision_id: str, body: PublishDecision) -> Decision:
    """Record that the decision was published, or is withheld and why. By the office or the lead unit."""
    decision = await lock(call.session, Decision, decision_id, "decision", "决定事项")
    call.check_version(decision.version)
    await _require_concerned(
        call, decision, Text("record its publication", "登记公开情况"), decision.publication_clause
    )
    _require_one_of_both(body)
    record = PublicationRecord(
        state=PublicationState.withheld if body.withheld else PublicationState.published,
        by=call.official or "",
        recorded_at=call.now,
        published_at=call.occurred(body.published_at) if body.published_at else None,
        channel=body.channel,
        url=str(body.url) if body.url else None,
        reason=body.reason or "",
        correction=body.correction or "",
    )
    decisions.publish(decision, record)
    await call.session.flush()
    return decision


def _require_one_of_both(body: PublishDecision) -> None:
    """422 `publication_incomplete` unless it states where and when it was published, or why it is withheld."""
    published = body.published_at is not None and bool(body.channel) and body.reason is None
    withheld = body.reason is not None and not (body.published_at or body.channel or body.url)
    if not (withheld if body.withheld else published):
        raise invalid(
            "publication_incomplete",
            "expected published_at and channel, or withheld: true and the reason",
            "请填写公开时间和渠道，或注明不予公开及理由",
        )


async def follow_execution(call: Call, decision_id: str, body: FollowExecution) -> Decision:
    """Record feedback, an evaluation or an adjustment of the decision's execution. By the office or the lead unit."""
    decision = await lock(call.session, Decision, decision_id, "decision", "决定事项")
    call.check_version(decision.version)
    clause = decision.followed_clause
    await _require_concerned(call, decision, Text("follow its execution", "登记执行跟踪情况"), clause)
    occurred_at = call.occurred(body.occurred_at)
    execution = Execution(body.kind, body.text, body.source, call.official or "", occurred_at, call.now)
    decisions.follow(decision, execution, clause)
    await call.session.flush()
    return decision


async def _require_concerned(call: Call, decision: Decision, act: Text, clause: str | None) -> None:
    """Problem 403 `not_concerned` unless the official belongs to the government's office or the decision's lead
    unit."""
    composition = await compositions.current(call.session)
    acting = composition.require(
        call.official,
        shanghai_day(call.now),
        Permission(
            (Actor(role=Role.office), Actor(role=Role.sponsor)),
            act,
            code="not_concerned",
            clause=clause,
            context=RoleContext(sponsor=decision.resolution.lead.code if decision.resolution.lead else None),
        ),
    )
    call.audit_details.update(acting.behalf)


async def note_standing(session: AsyncSession, event: OfAnEntry, **values: object) -> None:
    """Update the decisions of a ledger entry, also those of entries that were merged into it: `standing` and the fields of the
    ledger. 404 if there is no such decision. A revoked decision stays revoked, whatever earlier ledger events still arrive. Can
    be batched (`batching.together`)."""
    entry = Reference(service="oversight", noun="entry", id=event.entry_id, number=event.number)
    noted = values | {"entry": entry.model_dump_json()}
    if named := _decisions(event):
        await write(session, _note_standings, [noted | {"id": decision} for decision in named])


def _decisions(event: OfAnEntry) -> list[str]:
    """The decisions that the event is about. The opening and the end of an entry are about what opened it, and so is an event
    from before it carried `sources`."""
    sources = (event.source,) if isinstance(event, EntryOpened | EntryRevoked) else event.sources or (event.source,)
    return [source.id for source in sources if (source.service, source.noun) == ("meeting", "decision")]


async def note_course(session: AsyncSession, event: CourseTurn) -> None:
    """Have the decision show where its entry stands after an act of its course, and who leads it. `closed` is only what the
    ledger closed; what is reported as done in time isn't overdue any more, and what is reopened is in the ledger again."""
    lead = event.lead.model_dump_json()
    values: dict[str, object] = {"ledger_state": event.state, "ledger_lead": lead, "ledger_due": event.due}
    match event:
        case EntryClosed():
            values["standing"] = Standing.closed
        case EntryReported():
            values["standing"] = Standing.overdue if event.late else Standing.in_ledger
        case EntryReopened() | EntryProgressed(result=True) | EntryFollowedUp(reopened=True):
            values["standing"] = Standing.in_ledger
    await note_standing(session, event, **values)


async def note_document(session: AsyncSession, event: DocumentDrafted) -> None:
    """Have the decision refer to the document drafted for it. 404 if there is no such decision."""
    decision = await lock(session, Decision, event.decision_id, "decision", "决定事项")
    decision.document = Reference(service="docflow", noun="document", id=event.document_id)
    await session.flush()


async def _note_standings(session: AsyncSession, rows: list[dict[str, object]]) -> None:
    """Write one row for each decision; of several updates to one, later values replace earlier ones."""
    latest: dict[object, dict[str, object]] = {}
    for row in rows:
        before = latest.setdefault(row["id"], dict.fromkeys(_NOTED))
        revoked = {"standing": Standing.revoked} if before["standing"] == Standing.revoked else {}
        before.update(row | revoked)
    updates = [row | {"has_due": "ledger_due" in row, "ledger_due": row.get("ledger_due")} for row in latest.values()]
    await session.execute(_LOCK_NOTED, {"ids": list(latest)})
    noted = set((await session.execute(_NOTE_STANDINGS, columns(updates) | {"revoked": Standing.revoked})).scalars())
    for missing in latest.keys() - noted:
        raise not_found("decision", "决定事项", missing)
