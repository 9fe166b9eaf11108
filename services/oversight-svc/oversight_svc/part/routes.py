"""HTTP → commands on parts of a matter; no rules here."""

from __future__ import annotations

from fastapi import Response

from oversight_svc.entry.routes import entry_answer
from oversight_svc.entry.schemas import EntryView
from oversight_svc.part import commands as do
from oversight_svc.part.schemas import Divide
from oversight_svc.scopes import Change
from zhengling.web.routing import commands

writes = commands("/v1", "oversight")


@writes.post(
    "/entries/{entry_id}/parts", operation_id="divide_entry", summary="Divide a matter into parts of units (分解)"
)
async def divide_entry(entry_id: str, body: Divide, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.divide(call, entry_id, body))


ROUTERS = [writes]
