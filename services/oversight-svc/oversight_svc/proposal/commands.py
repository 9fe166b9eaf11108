"""Proposals are made as pressure was repeated, and decided by a person; the transaction is committed at the edge."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.entry.entry import Entry
from oversight_svc.proposal import proposal as proposals
from oversight_svc.proposal.proposal import Proposal, ProposalState
from oversight_svc.proposal.schemas import Decide
from oversight_svc.proposal.table import proposal_table
from zhengling.backbone.outbox import emit
from zhengling.database.session import lock, now
from zhengling.events.oversight import ProposalDecided, ProposalMade
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import Proposals
from zhengling.web.call import Call


async def propose(session: AsyncSession, entry: Entry, book: Rulebook, reason: Text) -> None:
    """Propose a measure against the lead of a locked matter, unless a proposal about it waits already. Emits proposal.made."""
    rules = rules_of(book)
    of = proposal_table.c
    waits = sa.select(of.id).where(of.entry_id == entry.id, of.state == ProposalState.waiting)
    if (await session.execute(waits)).first():
        return
    made = Proposal(
        id=str(uuid7()),
        government=entry.government,
        edition=book.edition,
        entry_id=entry.id,
        number=entry.number,
        unit=entry.lead,
        among=list(rules.among),
        reason_en=reason.en,
        reason_zh=reason.zh,
        clause=rules.clause,
        made_at=now(session),
    )
    session.add(made)
    await session.flush()
    await emit(
        session,
        ProposalMade(
            proposal_id=made.id,
            entry_id=entry.id,
            number=entry.number,
            unit=entry.lead,
            among=tuple(rules.among),
            reason_en=reason.en,
            reason_zh=reason.zh,
            clause=rules.clause,
            made_at=made.made_at,
        ),
    )


def rules_of(book: Rulebook) -> Proposals:
    assert book.supervision and book.supervision.pressure, "a proposal is made by rules of pressure"
    return book.supervision.pressure.proposals


async def proposed_last(session: AsyncSession, entry_id: str) -> datetime | None:
    """When the last proposal about the matter was made."""
    of = proposal_table.c
    found: datetime | None = await session.scalar(sa.select(sa.func.max(of.made_at)).where(of.entry_id == entry_id))
    return found


async def decide(call: Call, proposal_id: str, body: Decide) -> Proposal:
    """Accept a proposal with one of its measures, or decline it, with the reason. By the roles that the rulebook names. 409
    `illegal_state`, `done_in_time`; 422 `not_proposed`. Emits proposal.decided."""
    of = sa.select(proposal_table.c.entry_id).where(proposal_table.c.id == proposal_id)
    if entry_id := await call.session.scalar(of):  # the matter first, as whoever urges has it
        await lock(call.session, Entry, entry_id, "entry", "督查事项")
    proposal = await lock(call.session, Proposal, proposal_id, "proposal", "处理建议")
    call.check_version(proposal.version)
    rules = rules_of(call.service.rulebooks.edition(call.government, proposal.edition))
    composition = await compositions.current(call.session)
    acting = composition.require(call.official, shanghai_day(call.now), proposals.who_decides(rules))
    proposals.require_waiting(proposal)
    if body.censure:
        entry = await lock(call.session, Entry, proposal.entry_id, "entry", "督查事项")
        proposals.require_grounds(entry, rules.clause)
    proposals.decide(proposal, body.censure, body.reason)
    proposal.decided_by, proposal.on_behalf_of = call.official, acting.on_behalf_of
    proposal.decided_at = call.occurred(body.occurred_at)
    await emit(
        call.session,
        ProposalDecided(
            proposal_id=proposal.id,
            entry_id=proposal.entry_id,
            number=proposal.number,
            unit=proposal.unit,
            censure=proposal.censure,
            reason=body.reason,
            decided_by=call.official or call.principal.subject,
            on_behalf_of=acting.on_behalf_of,
            decided_at=proposal.decided_at,
        ),
    )
    call.audit_details.update(acting.behalf | {"subject": f"proposal:{proposal.id}"})
    await call.session.flush()
    return proposal
