"""HTTP → commands on sources, and on matters opened by hand; no rules here."""

from __future__ import annotations

from fastapi import Response

from oversight_svc.entry.routes import entry_answer
from oversight_svc.entry.schemas import EntryView
from oversight_svc.scopes import Change, Write
from oversight_svc.source import commands as do
from oversight_svc.source.schemas import AddSource, OpenEntries, OpenEntry, WithdrawSource
from zhengling.web.outcomes import Outcomes, each_by_itself
from zhengling.web.routing import commands

writes = commands("/v1", "oversight")


@writes.post("/entries", operation_id="open_entry", summary="Open a matter by hand (立项)", status_code=201)
async def open_entry(body: OpenEntry, call: Write, response: Response) -> EntryView:
    entry = await do.open_by_hand(call, body)
    response.headers["Location"] = f"/v1/entries/{entry.id}"
    return await entry_answer(call, response, entry)


@writes.post("/entry-imports", operation_id="open_entries", summary="Open several matters, each by itself (批量立项)")
async def open_entries(body: OpenEntries, call: Write) -> Outcomes:
    """A matter that is refused leaves nothing behind and takes no other with it."""
    return await each_by_itself(call, body.entries, lambda one: do.open_by_hand(call, one))


@writes.post("/entries/{entry_id}/sources", operation_id="add_entry_source", summary="Add a source to a matter")
async def add_entry_source(entry_id: str, body: AddSource, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.add_source(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/sources/{source_id}/withdrawal",
    operation_id="withdraw_entry_source",
    summary="Withdraw a source that was recorded by hand",
)
async def withdraw_entry_source(
    entry_id: str, source_id: str, body: WithdrawSource, call: Change, response: Response
) -> EntryView:
    return await entry_answer(call, response, await do.withdraw_source(call, entry_id, source_id, body))


ROUTERS = [writes]
