"""Queries of notices of supervision."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from oversight_svc.notice.notice import STATES, Notice, NoticeState
from oversight_svc.notice.schemas import NoticeView
from oversight_svc.notice.table import notice_table
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page
from zhengling.web.sight import seen


async def get_notice(call: Call, notice_id: str) -> NoticeView:
    return view_of(await seen(call, Notice, notice_id, "supervision notice", "督办通知"))


async def list_notices(
    call: Call,
    request: PageRequest,
    entry_id: str | None,
    state: NoticeState | None,
    unit: str | None,
    overdue: bool | None,
) -> Page[NoticeView]:
    columns = notice_table.c
    filters = equal(Notice, entry_id=entry_id, state=state)
    if unit is not None:
        filters.append(sa.type_coerce(columns.unit, JSONB)["code"].astext == unit)
    if overdue is not None:
        filters.append(columns.overdue_at.is_not(None) if overdue else columns.overdue_at.is_(None))
    rows, cursor = await page(call, Notice, request, *filters)
    return Page(items=[view_of(row) for row in rows], next_cursor=cursor)


def view_of(notice: Notice) -> NoticeView:
    view = NoticeView.model_validate(notice)
    view.state_name = STATES.chinese[view.state]
    return view
