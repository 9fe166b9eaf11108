"""The ledger of each government as a metric: how many of its matters have which light."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

import sqlalchemy as sa
from prometheus_client import Gauge

from oversight_svc.entry.entry import Entry, Light
from oversight_svc.entry.queries import lit, thresholds_by
from oversight_svc.entry.table import ledger_entry
from zhengling.database.session import Database, now
from zhengling.kernel.errors import Problem
from zhengling.rules.loading import Rulebooks
from zhengling.web.sight import nearly_all

log = logging.getLogger(__name__)
ENTRIES = Gauge("zhengling_ledger_entries", "Matters of the ledger by their light", ["government", "light"])


def measure_lights(rulebooks: Rulebooks) -> Callable[[Database], Coroutine[Any, Any, bool]]:
    """Measures all governments. One whose rulebook or calendar can't be used keeps its last figures; the others are measured."""

    async def measure(database: Database) -> bool:
        for government in rulebooks.governments:
            try:
                counts = await _lights(database, rulebooks, government)
            except Problem as problem:
                log.info("the ledger of %s isn't measured: %s", government, problem.code)
                continue
            for light in Light:
                ENTRIES.labels(government, light.value).set(counts.get(light.value, 0))
        return False

    return measure


async def _lights(database: Database, rulebooks: Rulebooks, government: str) -> dict[str, int]:
    """Matters by light; a matter with parts counts once. Read from the index of the ledger's numbers alone."""
    async with database.transaction(government) as session:
        moment = now(session)
        known = await thresholds_by(session, rulebooks.current(government, moment))
        light = lit(moment, known).label("light")
        statement = (
            sa.select(light, sa.func.count())
            .where(nearly_all(Entry), ledger_entry.c.government == government, ledger_entry.c.part_of.is_(None))
            .group_by(light)
        )
        return {row[0]: row[1] for row in await session.execute(statement)}
