"""Queries of decisions."""

from __future__ import annotations

import sqlalchemy as sa

from meeting_svc.decision.decision import Decision, PublicationState, Standing
from meeting_svc.decision.schemas import DecisionView
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page
from zhengling.web.sight import seen

_EDITIONS = sa.text("SELECT id, edition FROM meeting WHERE id = ANY(:meetings)")


async def views_of(call: Call, decisions: list[Decision]) -> list[DecisionView]:
    """The decisions as shown, each with whether the rules of its meeting lead to a ledger entry."""
    found = await call.session.execute(_EDITIONS, {"meetings": list({each.meeting_id for each in decisions})})
    books = {row.id: call.service.rulebooks.find(call.government, row.edition) for row in found}
    views = []
    for decision in decisions:
        view, book = DecisionView.model_validate(decision), books.get(decision.meeting_id)
        view.ledger_expected = book.keeps_ledger if book else None
        views.append(view)
    return views


async def get_decision(call: Call, decision_id: str) -> DecisionView:
    (view,) = await views_of(call, [await seen(call, Decision, decision_id, "decision", "决定事项")])
    return view


async def list_decisions(
    call: Call,
    request: PageRequest,
    meeting_id: str | None,
    topic_id: str | None,
    standing: Standing | None,
    publication: PublicationState | None,
    followed: bool | None,
) -> Page[DecisionView]:
    filters = equal(Decision, meeting_id=meeting_id, topic_id=topic_id, standing=standing, publication=publication)
    if followed is not None:
        clause = sa.inspect(Decision).columns.followed_clause
        filters.append(clause.is_not(None) if followed else clause.is_(None))
    rows, cursor = await page(call, Decision, request, *filters)
    if meeting_id:
        rows.sort(key=lambda decision: decision.resolution.number)
    return Page(items=await views_of(call, rows), next_cursor=cursor)
