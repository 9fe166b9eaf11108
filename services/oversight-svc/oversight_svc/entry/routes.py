"""HTTP → commands and queries of the ledger; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from oversight_svc.entry import commands as do
from oversight_svc.entry import queries as see
from oversight_svc.entry.entry import DueBasis, Entry, EntryState, who_sets
from oversight_svc.entry.schemas import DueExplanation, EntryView, SetDue
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


@reads.get(
    "/entries", operation_id="list_entries", summary="List the supervision ledger's entries, also as a change feed"
)
async def list_entries(
    call: Read,
    paging: Paging,
    source_id: Annotated[str | None, Query(max_length=64, description="e.g. a decision's id")] = None,
    due_basis: Annotated[DueBasis | None, Query()] = None,
    overdue: Annotated[bool | None, Query()] = None,
    lead: Annotated[str | None, Query(max_length=64, description="code of the lead unit")] = None,
    state: Annotated[EntryState | None, Query()] = None,
) -> Page[EntryView]:
    return await see.list_entries(call, paging, source_id, due_basis, overdue, lead, state)


@reads.get("/entries/{entry_id}", operation_id="get_entry")
async def get_entry(entry_id: str, call: Read, response: Response) -> EntryView:
    view = await see.get_entry(call, entry_id)
    response.headers["ETag"] = etag(view.version)
    return view


@reads.get(
    "/entries/{entry_id}/due", operation_id="explain_entry_due", summary="Explain an entry's due date day by day"
)
async def explain_entry_due(entry_id: str, call: Read) -> DueExplanation:
    return await see.explain_due(call, entry_id)


@writes.post(
    "/entries/{entry_id}/due", operation_id="set_entry_due", summary="Set the due date of an entry without one"
)
async def set_entry_due(entry_id: str, body: SetDue, call: Change, response: Response) -> EntryView:
    entry = await do.set_due(call, entry_id, body)
    response.headers["ETag"] = etag(entry.version)
    call.audit_details["subject"] = f"entry:{entry.id}"
    return EntryView.model_validate(entry)


def _may_adjust(call: Call, entry: Entry) -> Permission:
    ledger = do.ledger_of(call.service.rulebooks.edition(call.government, entry.edition))
    act = Text("extend, suspend or resume an entry's due date", "延长、中止或恢复办结时限")
    return who_sets(ledger, act)


DUE_DATES = Subject(do.DUE_DATES, Text("entry", "督查事项"), "/entries/{entry_id}", "entry_id", _may_adjust)
ROUTERS = [writes, reads, *due_routes.routes("oversight", DUE_DATES)]
