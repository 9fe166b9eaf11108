"""Queries of field research, compared with the year's minimum."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from calendar_svc.field_research.field_research import FieldDay, research_of, standings
from calendar_svc.field_research.schemas import FieldResearch, FieldResearchStanding
from calendar_svc.field_research.table import field_day as field_day_table
from zhengling.authority.readers import GOVERNMENT
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call


async def get_field_research(call: Call, year: int) -> FieldResearch:
    """Each leader's days of field research in a year: held, expected so far, and the minimum; to others than the office, the
    leaders and the supervision office their own."""
    book, composition = call.rulebook, await compositions.current(call.session)
    research = research_of(book.absence, book.code, book.government.name)
    column = field_day_table.c.day
    counted = (column.between(date(year, 1, 1), date(year, 12, 31)), field_day_table.c.withdrawn.is_(False))
    held = (await call.session.execute(sa.select(FieldDay).where(*counted).order_by(column))).scalars()
    found = standings(research, composition, year, shanghai_day(call.now), held)
    shown = found if GOVERNMENT in call.keys else [each for each in found if each.official == call.official]
    return FieldResearch(
        year=year, clause=research.clause, items=[FieldResearchStanding.model_validate(each) for each in shown]
    )
