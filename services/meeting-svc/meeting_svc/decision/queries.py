"""Queries of decisions."""

from __future__ import annotations

import sqlalchemy as sa

from meeting_svc.decision.decision import Decision, PublicationState, Standing
from meeting_svc.decision.schemas import DecisionView
from zhengling.database.session import load
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page


async def get_decision(call: Call, decision_id: str) -> DecisionView:
    row = await load(call.session, Decision, decision_id, "decision", "决定事项")
    return DecisionView.model_validate(row)


async def list_decisions(
    call: Call,
    request: PageRequest,
    meeting_id: str | None,
    standing: Standing | None,
    publication: PublicationState | None,
    followed: bool | None,
) -> Page[DecisionView]:
    filters = equal(Decision, meeting_id=meeting_id, standing=standing, publication=publication)
    if followed is not None:
        clause = sa.inspect(Decision).columns.followed_clause
        filters.append(clause.is_not(None) if followed else clause.is_(None))
    rows, cursor = await page(call.session, Decision, request, *filters)
    if meeting_id:
        rows.sort(key=lambda decision: decision.resolution.number)
    return Page(items=[DecisionView.model_validate(row) for row in rows], next_cursor=cursor)
