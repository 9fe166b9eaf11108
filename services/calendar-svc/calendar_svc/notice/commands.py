"""Commands on holiday arrangements: preview and enter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from calendar_svc.notice import notice
from calendar_svc.notice.schemas import NoticeRequest
from calendar_svc.operation.commands import record_change
from calendar_svc.year.commands import Known, known_years, one_change_at_a_time, publish
from calendar_svc.year.year import DayChange
from zhengling.database.session import NATIONAL, enter_government
from zhengling.dates.workdays import CalendarYear, statutory_days
from zhengling.kernel.errors import Text
from zhengling.web.call import Call

_ADD_NOTICE = sa.text("""
    INSERT INTO notice (government, year, number, issuer, date, amends, holidays, entered_by)
    VALUES (:government, :year, :number, :issuer, :date, :amends, CAST(:holidays AS jsonb), :by)
""")


@asynccontextmanager
async def _national(call: Call) -> AsyncIterator[AsyncSession]:
    """Switch the call's session to the national calendar, and afterwards back to the caller's government."""
    await enter_government(call.session, NATIONAL)
    try:
        yield call.session
    finally:
        await enter_government(call.session, call.government)


def _gazetted(known: Known, body: NoticeRequest) -> list[CalendarYear]:
    arrangements = [holiday.arrangement() for holiday in body.holidays]
    return notice.gazette(known.years, body.notice(), arrangements, statutory_days(body.year), body.amends)


async def preview_notice(call: Call, body: NoticeRequest) -> list[DayChange]:
    """The days that a notice would change. Problems as `enter_notice`."""
    async with _national(call) as session:
        known = await known_years(session)
        return known.days(_gazetted(known, body))


async def enter_notice(call: Call, body: NoticeRequest) -> str:
    """Enter a year's holiday notice, or one that amends it; returns the operation's id. Emits workdays.changed.

    Requires the scope calendar:national. Problems as `notice.gazette`.
    """
    by = call.official or call.principal.subject
    async with _national(call) as session:
        await one_change_at_a_time(session)
        known = await known_years(session)
        coming = _gazetted(known, body)
        why = Text(f"{body.number} of {body.issuer}", f"{body.issuer}{body.number}")
        await session.execute(
            _ADD_NOTICE,
            {
                "government": NATIONAL,
                "year": body.year,
                "number": body.number,
                "issuer": body.issuer,
                "date": body.date,
                "amends": body.amends,
                "holidays": orjson.dumps([holiday.model_dump(mode="json") for holiday in body.holidays]).decode(),
                "by": by,
            },
        )
        calendars = await publish(session, known.changed(coming), "notice", why, by)
        return await record_change(call, f"notice:{body.number}", why, calendars, known.days(coming), by)
