"""Queries of the supervision ledger."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from oversight_svc.entry.commands import SUBJECT
from oversight_svc.entry.entry import DueBasis, Entry, EntryState
from oversight_svc.entry.schemas import DueExplanation, EntryView
from oversight_svc.entry.table import ledger_entry
from zhengling.kernel.errors import Text
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import COMPLETION
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, page
from zhengling.web.sight import seen


async def get_entry(call: Call, entry_id: str) -> EntryView:
    return EntryView.model_validate(await seen(call, Entry, entry_id, "entry", "督查事项"))


async def list_entries(
    call: Call,
    request: PageRequest,
    source_id: str | None,
    due_basis: DueBasis | None,
    overdue: bool | None,
    lead: str | None,
    state: EntryState | None,
) -> Page[EntryView]:
    filters: list[Any] = []
    if source_id is not None:
        filters.append(ledger_entry.c.source_id == source_id)
    if due_basis is not None:
        filters.append(ledger_entry.c.due_basis == due_basis)
    if overdue is not None:
        filters.append(ledger_entry.c.overdue_at.is_not(None) if overdue else ledger_entry.c.overdue_at.is_(None))
    if lead is not None:
        filters.append(sa.type_coerce(ledger_entry.c.lead, JSONB)["code"].astext == lead)
    if state is not None:
        filters.append(ledger_entry.c.state == state)
    rows, cursor = await page(call, Entry, request, *filters)
    return Page(items=[EntryView.model_validate(row) for row in rows], next_cursor=cursor)


async def explain_due(call: Call, entry_id: str) -> DueExplanation:
    """The explanation of an entry's due date: the rule's proof day by day, or who stated it; with all its moves."""
    entry = await seen(call, Entry, entry_id, "entry", "督查事项")
    rows = await due_dates.kept(call.session, SUBJECT, entry.id)
    own = [row for row in rows if row.met_by == COMPLETION and row.rule == (entry.due_rule or entry.due_basis)]
    row = max(own, key=lambda row: (row.open, row.round, row.occurrence), default=None)
    if row is None:
        text = Text("To be set by the office.", "办结时限待政府办公室确定。")
        if entry.due:  # a date from before stated dates had rows
            text = Text(f"Due by the end of {entry.due}.", f"办结时限为{entry.due}。")
        return DueExplanation(
            date=entry.due,
            at=entry.due_at,
            provisional=entry.provisional,
            basis=entry.due_basis,
            rule=entry.due_rule,
            clause=entry.due_clause or entry.clause,
            explanation=text.in_language(call.language),
            trace=[],
        )
    (view,) = await due_dates.explained(call.session, call.service.rulebooks, [row], call.language)
    return DueExplanation(
        date=view.date,
        at=view.at,
        provisional=view.provisional,
        basis=entry.due_basis,
        rule=entry.due_rule,
        clause=view.clause,
        explanation=view.explanation or "",
        trace=view.trace or [],
        changes=view.changes or [],
    )
