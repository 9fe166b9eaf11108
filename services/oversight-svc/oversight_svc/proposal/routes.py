"""HTTP → commands and queries of proposals; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from oversight_svc.proposal import commands as do
from oversight_svc.proposal import queries as see
from oversight_svc.proposal.proposal import ProposalState
from oversight_svc.proposal.schemas import Decide, ProposalView
from oversight_svc.scopes import Change, ReadAll
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries
from zhengling.web.worklist import WaitsFor

writes = commands("/v1", "oversight")
reads = queries("/v1", "oversight")


@reads.get(
    "/proposals",
    operation_id="list_proposals",
    summary="List proposals against units that were urged repeatedly or delay for long, also as a change feed",
)
async def list_proposals(
    call: ReadAll,
    paging: Paging,
    entry_id: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[ProposalState | None, Query()] = None,
    waits_for: WaitsFor = None,
) -> Page[ProposalView]:
    return await see.list_proposals(call, paging, entry_id, state, waits_for)


@reads.get("/proposals/{proposal_id}", operation_id="get_proposal")
async def get_proposal(proposal_id: str, call: ReadAll, response: Response) -> ProposalView:
    view = await see.get_proposal(call, proposal_id)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post(
    "/proposals/{proposal_id}/decision",
    operation_id="decide_proposal",
    summary="Accept a proposal (criticism, circular, interview) or decline it, with the reason",
)
async def decide_proposal(proposal_id: str, body: Decide, call: Change, response: Response) -> ProposalView:
    proposal = await do.decide(call, proposal_id, body)
    response.headers["ETag"] = etag(proposal.version)
    return await see.view_of(call, proposal)


ROUTERS = [writes, reads]
