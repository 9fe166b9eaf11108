"""Queries of local closures."""

from __future__ import annotations

from calendar_svc.closure.closure import Closure
from calendar_svc.closure.schemas import ClosureView
from zhengling.database.session import load
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, page_of_all


async def list_closures(call: Call, request: PageRequest) -> Page[ClosureView]:
    rows, cursor = await page_of_all(call, Closure, request)
    return Page(items=[ClosureView.model_validate(row) for row in rows], next_cursor=cursor)


async def get_closure(call: Call, closure_id: str) -> ClosureView:
    return ClosureView.model_validate(await load(call.session, Closure, closure_id, "closure", "停止办公安排"))
