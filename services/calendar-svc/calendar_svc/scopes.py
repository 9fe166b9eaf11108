"""The scopes that the routes of calendar-svc require."""

from __future__ import annotations

from typing import Annotated

from zhengling.web.call import Call
from zhengling.web.routing import change, query

READ, WRITE, NATIONAL = "calendar:read", "calendar:write", "calendar:national"
Read = Annotated[Call, query(READ)]
Change = Annotated[Call, change(WRITE)]
