"""Queries of decisions."""

from __future__ import annotations

from docflow_svc.decision.decision import Decision, DecisionState
from docflow_svc.decision.schemas import DecisionView
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page
from zhengling.web.sight import seen


async def get_decision(call: Call, decision_id: str) -> DecisionView:
    return DecisionView.model_validate(await seen(call, Decision, decision_id, "decision", "决定事项"))


async def list_decisions(
    call: Call, request: PageRequest, meeting_id: str | None, topic_id: str | None, state: DecisionState | None
) -> Page[DecisionView]:
    filters = equal(Decision, meeting_id=meeting_id, topic_id=topic_id, state=state)
    rows, cursor = await page(call, Decision, request, *filters)
    return Page(items=[DecisionView.model_validate(row) for row in rows], next_cursor=cursor)
