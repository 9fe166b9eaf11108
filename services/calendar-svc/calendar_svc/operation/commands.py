"""Records of a change of the calendar, and of the services' progress in following it."""

from __future__ import annotations

import orjson
import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from calendar_svc.operation.schemas import DayChangeView
from calendar_svc.year.year import DayChange
from zhengling.database.session import government_of
from zhengling.events.event import Recomputed
from zhengling.kernel.errors import Text
from zhengling.web.call import Call

_ADD_CHANGE = sa.text("""
    INSERT INTO calendar_change (id, government, subject, why_en, why_zh, calendars, days, requested_by)
    VALUES (:id, :government, :subject, :why_en, :why_zh, CAST(:calendars AS jsonb), CAST(:days AS jsonb), :by)
""")
_NOTE_RECOMPUTED = sa.text("""
    INSERT INTO recomputed (service, calendar, government, version, examined, moved, finished_at)
    VALUES (:service, :calendar, :government, :version, :examined, :moved, :finished_at)
    ON CONFLICT DO NOTHING
""")
_DAYS = TypeAdapter(list[DayChangeView])


async def record_change(
    call: Call, subject: str, why: Text, calendars: dict[str, int], days: list[DayChange], by: str
) -> str:
    """Record a change, whose progress the operation reports; returns the operation's id."""
    identity = str(uuid7())
    call.audit_details["subject"] = subject
    await call.session.execute(
        _ADD_CHANGE,
        {
            "id": identity,
            "government": government_of(call.session),
            "subject": subject,
            "why_en": why.en,
            "why_zh": why.zh,
            "calendars": orjson.dumps(calendars).decode(),
            "days": _DAYS.dump_json([DayChangeView.of(change) for change in days]).decode(),
            "by": by,
        },
    )
    return identity


async def note_recomputed(session: AsyncSession, service: str, event: Recomputed) -> None:
    """Record that a service has recomputed its open deadlines on this version of a calendar."""
    await session.execute(
        _NOTE_RECOMPUTED,
        {
            "service": service,
            "calendar": event.calendar,
            "government": government_of(session),
            "version": event.version,
            "examined": event.examined,
            "moved": event.moved,
            "finished_at": event.finished_at,
        },
    )
