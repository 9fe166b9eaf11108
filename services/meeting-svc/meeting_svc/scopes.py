"""The scopes that the routes of meeting-svc require, and who sees what they answer."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from zhengling.web.call import Call
from zhengling.web.routing import change, command, query
from zhengling.web.sight import Sees

READ, WRITE, ADMIN = "meeting:read", "meeting:write", "meeting:admin"
#: How many meetings somebody is taken to remember: with several a week those of some years.
_REMEMBERED = 500
# Who organises or chairs a meeting sees its draft minutes as well.
_MEETINGS = sa.text("""
    SELECT id, coalesce('u:' || organised_by = ANY(:keys), false)
            OR ARRAY['p:' || convener, 'p:' || chair, 'p:' || (entrustment->>'to')] && :keys AS runs
    FROM meeting WHERE readers && :keys ORDER BY modified_at DESC LIMIT :most
""").bindparams(sa.bindparam("keys", type_=ARRAY(sa.Text)))


def of_meeting(meeting_id: str) -> str:
    return f"m:{meeting_id}"


def of_draft(meeting_id: str) -> str:
    return f"d:{meeting_id}"


async def meetings_of(call: Call, keys: frozenset[str]) -> frozenset[str]:
    """The keys of the meetings that somebody takes part in, and of the draft minutes of those that they organise or chair."""
    rows = list(await call.session.execute(_MEETINGS, {"keys": sorted(keys), "most": _REMEMBERED}))
    return frozenset([of_meeting(row.id) for row in rows] + [of_draft(row.id) for row in rows if row.runs])


Read = Annotated[Call, query(READ, sees=Sees.rows, more=meetings_of)]
ReadPublic = Annotated[Call, query(READ, sees=Sees.everybody)]
ReadInOffice = Annotated[Call, query(READ, sees=Sees.in_office)]
ReadWhole = Annotated[Call, query(READ, sees=Sees.government)]
Create = Annotated[Call, command(WRITE)]
Change = Annotated[Call, change(WRITE, more=meetings_of)]
