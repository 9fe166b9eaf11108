"""Queries of the sources of matters."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.source.source import Source, Standing
from oversight_svc.source.table import entry_source
from zhengling.events.reference import Reference


async def sources_of(session: AsyncSession, entry: str) -> list[Source]:
    """The sources of a matter, in the order in which they were added; those of what was merged into it stand with it."""
    return (await sources_of_each(session, entry))[entry]


async def sources_of_each(session: AsyncSession, *entries: str) -> dict[str, list[Source]]:
    """As `sources_of`, of several matters with one statement."""
    # one parameter, as thousands may be asked for
    wanted = sa.bindparam("entries", list(entries), type_=ARRAY(sa.Text))
    statement = sa.select(Source).where(entry_source.c.entry_id == sa.any_(wanted))
    found: defaultdict[str, list[Source]] = defaultdict(list)
    for source in (await session.execute(statement.order_by(entry_source.c.added_at, entry_source.c.id))).scalars():
        found[source.entry_id].append(source)
    return found


async def cited_by(session: AsyncSession, entry: str) -> tuple[Reference, ...]:
    """What events on the matter point at: each of its sources that stands."""
    return (await cited_by_each(session, entry))[entry]


async def cited_by_each(session: AsyncSession, *entries: str) -> dict[str, tuple[Reference, ...]]:
    """As `cited_by`, of several matters with one statement."""
    found = await sources_of_each(session, *entries) if entries else {}
    return {
        entry: tuple(source.cited for source in found.get(entry, []) if source.standing == Standing.standing)
        for entry in entries
    }
