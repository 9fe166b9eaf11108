"""Who may ask what of calendar-svc: the scopes that its routes need."""

from __future__ import annotations

from typing import Annotated

from zhengling.web.call import Call
from zhengling.web.routing import change, query

READ, WRITE, NATIONAL = "calendar:read", "calendar:write", "calendar:national"
Read = Annotated[Call, query(READ)]
Change = Annotated[Call, change(WRITE)]
