"""Reads of minutes."""

from __future__ import annotations

import sqlalchemy as sa

from meeting_svc.minutes import Minutes
from meeting_svc.minutes_schemas import MinutesView
from zhengling.errors import not_found
from zhengling.service import Call


async def get_minutes(call: Call, meeting_id: str) -> MinutesView:
    statement = sa.select(Minutes).filter_by(meeting_id=meeting_id).order_by(sa.text("number DESC")).limit(1)
    if minutes := (await call.session.execute(statement)).scalar_one_or_none():
        return MinutesView.model_validate(minutes)
    raise not_found("minutes", "会议纪要", meeting_id)
