"""HTTP → commands and queries of notices of supervision; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from oversight_svc.notice import commands as do
from oversight_svc.notice import queries as see
from oversight_svc.notice.notice import Notice, NoticeState, who_drafts
from oversight_svc.notice.schemas import DraftNotice, NoticeView, ReturnSlip, SignNotice, WithdrawNotice
from oversight_svc.pressure.pressure import rules_of
from oversight_svc.scopes import Change, Read
from zhengling.authority.composition import Permission
from zhengling.kernel.errors import Text
from zhengling.web import due_routes
from zhengling.web.call import Call
from zhengling.web.due_routes import Subject
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries

writes = commands("/v1", "oversight")
reads = queries("/v1", "oversight")


@writes.post(
    "/entries/{entry_id}/notices",
    operation_id="draft_supervision_notice",
    summary="Draft a notice of supervision (督办通知) to the unit that leads a matter",
    status_code=201,
)
async def draft_supervision_notice(entry_id: str, body: DraftNotice, call: Change, response: Response) -> NoticeView:
    """The answer's ETag is the matter's; the notice has its version in itself."""
    entry, notice = await do.draft(call, entry_id, body)
    view = _answer(call, response, notice)
    response.headers["ETag"] = etag(entry.version)
    return view


@writes.post(
    "/notices/{notice_id}/signature",
    operation_id="sign_supervision_notice",
    summary="Sign a notice of supervision: it gets its number, and the return slip's clock begins",
)
async def sign_supervision_notice(notice_id: str, body: SignNotice, call: Change, response: Response) -> NoticeView:
    return _answer(call, response, await do.sign(call, notice_id, body))


@writes.post(
    "/notices/{notice_id}/return-slip",
    operation_id="answer_supervision_notice",
    summary="Fill in the return slip of a notice of supervision (回执)",
)
async def answer_supervision_notice(notice_id: str, body: ReturnSlip, call: Change, response: Response) -> NoticeView:
    return _answer(call, response, await do.answer(call, notice_id, body))


@writes.post(
    "/notices/{notice_id}/withdrawal",
    operation_id="withdraw_supervision_notice",
    summary="Withdraw the draft of a notice of supervision",
)
async def withdraw_supervision_notice(
    notice_id: str, body: WithdrawNotice, call: Change, response: Response
) -> NoticeView:
    return _answer(call, response, await do.withdraw(call, notice_id, body))


@reads.get(
    "/notices", operation_id="list_supervision_notices", summary="List notices of supervision, also as a change feed"
)
async def list_supervision_notices(
    call: Read,
    paging: Paging,
    entry_id: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[NoticeState | None, Query()] = None,
    unit: Annotated[str | None, Query(max_length=64, description="code of the unit that gets it")] = None,
    overdue: Annotated[bool | None, Query(description="its return slip is late")] = None,
) -> Page[NoticeView]:
    return await see.list_notices(call, paging, entry_id, state, unit, overdue)


@reads.get("/notices/{notice_id}", operation_id="get_supervision_notice")
async def get_supervision_notice(notice_id: str, call: Read, response: Response) -> NoticeView:
    view = await see.get_notice(call, notice_id)
    response.headers["ETag"] = etag(view.version)
    return view


def _answer(call: Call, response: Response, notice: Notice) -> NoticeView:
    response.headers["ETag"] = etag(notice.version)
    call.audit_details["subject"] = f"{do.SUBJECT}:{notice.id}"
    return see.view_of(notice)


def _may_adjust(call: Call, notice: Notice) -> Permission:
    return who_drafts(rules_of(call.service.rulebooks.edition(call.government, notice.edition)).notices)


DUE_DATES = Subject(
    do.DUE_DATES, Text("supervision notice", "督办通知"), "/notices/{notice_id}", "notice_id", _may_adjust
)
ROUTERS = [writes, reads, *due_routes.routes("oversight", DUE_DATES)]
