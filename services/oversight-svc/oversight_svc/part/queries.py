"""Queries of the parts of matters."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.entry.entry import Entry
from oversight_svc.entry.table import ledger_entry


async def parts_of(session: AsyncSession, entry: str) -> list[Entry]:
    """The parts of a matter, in the order of their opening; it has those of what was merged into it as well."""
    return (await parts_of_each(session, entry))[entry]


async def parts_of_each(session: AsyncSession, *entries: str) -> dict[str, list[Entry]]:
    """As `parts_of`, of several matters with one statement."""
    whole = ledger_entry.alias("whole")
    statement = (
        sa.select(Entry, whole.c.merged_into)
        .join(whole, whole.c.id == ledger_entry.c.part_of)
        .where(ledger_entry.c.part_of.is_not(None), sa.or_(whole.c.id.in_(entries), whole.c.merged_into.in_(entries)))
        .order_by(ledger_entry.c.opened_at, ledger_entry.c.id)
    )
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for part, merged_into in await session.execute(statement):
        for each in {part.part_of, merged_into} & set(entries):
            found[each].append(part)
    return found
