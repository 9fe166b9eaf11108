"""HTTP → commands on sources, and on matters opened by hand; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import BaseModel, Field

from oversight_svc.entry.routes import entry_answer
from oversight_svc.entry.schemas import EntryView
from oversight_svc.scopes import Change, Write
from oversight_svc.source import commands as do
from oversight_svc.source.schemas import AddSource, OpenEntries, OpenEntry, WithdrawSource
from zhengling.kernel.errors import Problem
from zhengling.web.routing import commands

writes = commands("/v1", "oversight")


class Outcome(BaseModel):
    """What became of one of several matters: its id and number, or why it was refused."""

    row: Annotated[int, Field(description="its place in the request, from 1")]
    id: str | None = None
    number: str | None = None
    code: Annotated[str | None, Field(description="code of the problem")] = None
    detail: Annotated[str | None, Field(description="the problem, in the language asked for")] = None
    satisfy: str | None = None
    clause: str | None = None


class Outcomes(BaseModel):
    opened: int
    refused: int
    rows: list[Outcome]


@writes.post("/entries", operation_id="open_entry", summary="Open a matter by hand (立项)", status_code=201)
async def open_entry(body: OpenEntry, call: Write, response: Response) -> EntryView:
    entry = await do.open_by_hand(call, body)
    response.headers["Location"] = f"/v1/entries/{entry.id}"
    return await entry_answer(call, response, entry)


@writes.post("/entry-imports", operation_id="open_entries", summary="Open several matters, each by itself (批量立项)")
async def open_entries(body: OpenEntries, call: Write) -> Outcomes:
    """A matter that is refused leaves nothing behind and takes no other with it."""
    rows: list[Outcome] = []
    for n, one in enumerate(body.entries, 1):
        try:
            async with call.session.begin_nested():
                entry = await do.open_by_hand(call, one)
            rows.append(Outcome(row=n, id=entry.id, number=entry.number))
        except Problem as problem:
            if problem.status == 403:  # who may open none isn't told about each
                raise
            satisfy = call.says(problem.satisfy) if problem.satisfy else None
            detail = call.says(problem.detail)
            rows.append(Outcome(row=n, code=problem.code, detail=detail, satisfy=satisfy, clause=problem.clause))
    opened = sum(row.id is not None for row in rows)
    call.audit_details.update(opened=opened, refused=len(rows) - opened)
    return Outcomes(opened=opened, refused=len(rows) - opened, rows=rows)


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
