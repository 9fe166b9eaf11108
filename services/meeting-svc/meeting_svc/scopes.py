"""The scopes that the routes of meeting-svc require."""

from __future__ import annotations

from typing import Annotated

from zhengling.web.call import Call
from zhengling.web.routing import change, command, query

READ, WRITE, ADMIN = "meeting:read", "meeting:write", "meeting:admin"
Read = Annotated[Call, query(READ)]
Create = Annotated[Call, command(WRITE)]
Change = Annotated[Call, change(WRITE)]
