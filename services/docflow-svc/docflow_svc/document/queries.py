"""Queries of documents."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from docflow_svc.document.commands import SUBJECT
from docflow_svc.document.document import Document, DocumentState
from docflow_svc.document.schemas import DocumentDetail, DocumentView
from docflow_svc.document.table import document
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import due_dates
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, page
from zhengling.web.sight import seen


async def get_document(call: Call, document_id: str) -> DocumentDetail:
    row = await seen(call, Document, document_id, "document", "公文")
    kept = [each for each in await due_dates.kept(call.session, SUBJECT, row.id) if each.state != "cancelled"]
    deadlines = await due_dates.explained(call.session, call.service.rulebooks, kept, call.language)
    return DocumentDetail(**DocumentView.model_validate(row).model_dump(), deadlines=deadlines)


async def list_documents(
    call: Call, request: PageRequest, decision_id: str | None, sponsor: str | None, overdue: bool | None
) -> Page[DocumentView]:
    filters = [] if decision_id is None else [document.c.decision_id == decision_id]
    if sponsor is not None:
        filters.append(sa.type_coerce(document.c.sponsor, JSONB)["code"].astext == sponsor)
    if overdue is not None:
        passed = sa.func.coalesce(document.c.due < shanghai_day(call.now), sa.false())
        late = sa.and_(document.c.state == DocumentState.drafting, passed)
        filters.append(late if overdue else sa.not_(late))
    rows, cursor = await page(call, Document, request, *filters)
    return Page(items=[DocumentView.model_validate(row) for row in rows], next_cursor=cursor)
