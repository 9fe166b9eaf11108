"""HTTP → queries of documents; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from docflow_svc.document import commands
from docflow_svc.document import queries as see
from docflow_svc.document.document import Document
from docflow_svc.document.schemas import DocumentDetail, DocumentView
from docflow_svc.scopes import Read
from zhengling.authority.composition import Permission
from zhengling.kernel.errors import Text
from zhengling.rules.chains import Actor
from zhengling.rules.vocabulary import Role
from zhengling.web import due_routes
from zhengling.web.call import Call
from zhengling.web.due_routes import Subject
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import queries

reads = queries("/v1", "docflow")


@reads.get("/documents", operation_id="list_documents", summary="List documents, also as a change feed")
async def list_documents(
    call: Read,
    paging: Paging,
    decision_id: Annotated[str | None, Query(max_length=64)] = None,
    sponsor: Annotated[str | None, Query(max_length=64, description="code of the drafting unit")] = None,
    overdue: Annotated[bool | None, Query(description="not issued yet, and past its due date")] = None,
) -> Page[DocumentView]:
    return await see.list_documents(call, paging, decision_id, sponsor, overdue)


@reads.get("/documents/{document_id}", operation_id="get_document", summary="A document with its deadlines explained")
async def get_document(document_id: str, call: Read, response: Response) -> DocumentDetail:
    view = await see.get_document(call, document_id)
    response.headers["ETag"] = etag(view.version)
    return view


def _may_adjust(call: Call, document: Document) -> Permission:
    act = Text("extend, suspend or resume a document's due date", "延长、中止或恢复公文时限")
    return Permission((Actor(role=Role.office),), act, "not_the_office", document.clause)


DUE_DATES = Subject(
    commands.DUE_DATES, Text("document", "公文"), "/documents/{document_id}", "document_id", _may_adjust
)
ROUTERS = [reads, *due_routes.routes("docflow", DUE_DATES)]
