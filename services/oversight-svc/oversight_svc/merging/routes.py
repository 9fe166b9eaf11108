"""HTTP → commands on merging; no rules here."""

from __future__ import annotations

from fastapi import Response

from oversight_svc.entry.routes import entry_answer
from oversight_svc.entry.schemas import EntryView
from oversight_svc.merging import commands as do
from oversight_svc.merging.schemas import Merge, Separate
from oversight_svc.scopes import Change
from zhengling.web.routing import commands

writes = commands("/v1", "oversight")


@writes.post("/entries/{entry_id}/merging", operation_id="merge_entry", summary="Merge a matter into another (合并)")
async def merge_entry(entry_id: str, body: Merge, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.merge(call, entry_id, body))


@writes.post("/entries/{entry_id}/separation", operation_id="separate_entry", summary="Undo a merging (撤销合并)")
async def separate_entry(entry_id: str, body: Separate, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.separate(call, entry_id, body))


ROUTERS = [writes]
