"""Queries of the notices entered."""

from __future__ import annotations

import sqlalchemy as sa

from calendar_svc.notice.schemas import NoticeView
from zhengling.web.call import Call

_NOTICES = sa.text("""
    SELECT year, issuer, number, date, amends, holidays, entered_by, recorded_at FROM notice
    WHERE CAST(:year AS int) IS NULL OR year = :year ORDER BY year, date
""")


async def list_notices(call: Call, year: int | None) -> list[NoticeView]:
    return [
        NoticeView.model_validate(dict(row))
        for row in (await call.session.execute(_NOTICES, {"year": year})).mappings()
    ]
