"""Queries of proposals."""

from __future__ import annotations

from oversight_svc.proposal.commands import rules_of
from oversight_svc.proposal.proposal import STATES, Proposal, ProposalState
from oversight_svc.proposal.schemas import ProposalView
from oversight_svc.proposal.table import proposal_table
from zhengling.authority.composition import Composition
from zhengling.database.session import load
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.rulebook import Rulebook
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page_of_all
from zhengling.web.worklist import waited_for


async def get_proposal(call: Call, proposal_id: str) -> ProposalView:
    return await view_of(call, await load(call.session, Proposal, proposal_id, "proposal", "处理建议"))


async def list_proposals(
    call: Call, request: PageRequest, entry_id: str | None, state: ProposalState | None, waits_for: str | None
) -> Page[ProposalView]:
    """Proposals; with `waits_for` those that wait, under the editions whose rules have this official decide."""
    filters = equal(Proposal, entry_id=entry_id, state=state)
    if (waiting := waited_for(call, waits_for)) is not None:
        composition = await compositions.if_loaded(call.session)
        books = call.service.rulebooks.editions(call.government) if composition else []
        decided = [book.edition for book in books if waiting in _who_decides(call, book, composition)]
        filters += [proposal_table.c.state == ProposalState.waiting, proposal_table.c.edition.in_(decided)]
    rows, cursor = await page_of_all(call, Proposal, request, *filters)
    return Page(items=[await view_of(call, row) for row in rows], next_cursor=cursor)


async def view_of(call: Call, proposal: Proposal) -> ProposalView:
    view = ProposalView.model_validate(proposal)
    view.reason = Text(proposal.reason_en, proposal.reason_zh).in_language(call.language)
    view.state_name = STATES.chinese[view.state]
    composition = await compositions.if_loaded(call.session)
    book = call.service.rulebooks.find(call.government, proposal.edition)
    if view.state == ProposalState.waiting and book:
        view.officials = _who_decides(call, book, composition)
    return view


def _who_decides(call: Call, book: Rulebook, composition: Composition | None) -> list[str]:
    """The officials who may decide on proposals under the edition today."""
    if composition is None or book.supervision is None or book.supervision.pressure is None:
        return []
    today, roles = shanghai_day(call.now), rules_of(book).by
    return list(dict.fromkeys(official for role in roles for official in composition.who_may(role, today)))
