"""The scopes that the routes of docflow-svc require."""

from __future__ import annotations

from typing import Annotated

from zhengling.web.call import Call
from zhengling.web.routing import query
from zhengling.web.sight import Sees

READ = "docflow:read"
Read = Annotated[Call, query(READ, sees=Sees.rows)]
