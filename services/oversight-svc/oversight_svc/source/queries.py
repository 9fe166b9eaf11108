"""Queries of the sources of matters."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.source.source import Source, Standing
from oversight_svc.source.table import entry_source
from zhengling.events.reference import Reference


async def sources_of(session: AsyncSession, *entries: str) -> dict[str, list[Source]]:
    """The sources of these matters, in the order in which they were added; those that were merged into one stand with it."""
    statement = sa.select(Source).where(entry_source.c.entry_id.in_(entries))
    found: defaultdict[str, list[Source]] = defaultdict(list)
    for source in (await session.execute(statement.order_by(entry_source.c.added_at, entry_source.c.id))).scalars():
        found[source.entry_id].append(source)
    return found


async def cited_by(session: AsyncSession, entry: str) -> tuple[Reference, ...]:
    """What events on the matter point at: each of its sources that stands."""
    found = (await sources_of(session, entry)).get(entry, [])
    return tuple(source.cited for source in found if source.standing == Standing.standing)
