"""Queries of proposals."""

from __future__ import annotations

from oversight_svc.proposal.commands import rules_of
from oversight_svc.proposal.proposal import STATES, Proposal, ProposalState
from oversight_svc.proposal.schemas import ProposalView
from zhengling.database.session import load
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page_of_all


async def get_proposal(call: Call, proposal_id: str) -> ProposalView:
    return await view_of(call, await load(call.session, Proposal, proposal_id, "proposal", "处理建议"))


async def list_proposals(
    call: Call, request: PageRequest, entry_id: str | None, state: ProposalState | None
) -> Page[ProposalView]:
    rows, cursor = await page_of_all(call, Proposal, request, *equal(Proposal, entry_id=entry_id, state=state))
    return Page(items=[await view_of(call, row) for row in rows], next_cursor=cursor)


async def view_of(call: Call, proposal: Proposal) -> ProposalView:
    view = ProposalView.model_validate(proposal)
    view.reason = Text(proposal.reason_en, proposal.reason_zh).in_language(call.language)
    view.state_name = STATES.chinese[view.state]
    composition = await compositions.if_loaded(call.session)
    book = call.service.rulebooks.find(call.government, proposal.edition)
    if view.state == ProposalState.waiting and composition and book:
        today = shanghai_day(call.now)
        found = (official for role in rules_of(book).by for official in composition.who_may(role, today))
        view.officials = list(dict.fromkeys(found))
    return view
