"""The scopes that the routes of oversight-svc require."""

from __future__ import annotations

from typing import Annotated

from zhengling.web.call import Call
from zhengling.web.routing import change, command, query
from zhengling.web.sight import Sees

READ, WRITE = "oversight:read", "oversight:write"
Read = Annotated[Call, query(READ, sees=Sees.rows)]
Write = Annotated[Call, command(WRITE)]
ReadAll = Annotated[Call, query(READ, sees=Sees.government)]
Change = Annotated[Call, change(WRITE)]
