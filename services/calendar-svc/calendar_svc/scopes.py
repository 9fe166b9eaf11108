"""The scopes that the routes of calendar-svc require."""

from __future__ import annotations

from typing import Annotated

from zhengling.web.call import Call
from zhengling.web.routing import change, query
from zhengling.web.sight import Sees

READ, WRITE, NATIONAL = "calendar:read", "calendar:write", "calendar:national"
Read = Annotated[Call, query(READ, sees=Sees.rows)]
ReadPublic = Annotated[Call, query(READ, sees=Sees.everybody)]
ReadInOffice = Annotated[Call, query(READ, sees=Sees.in_office)]
Change = Annotated[Call, change(WRITE)]
