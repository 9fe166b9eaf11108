"""Who may ask what of docflow-svc: the scopes that its routes need."""

from __future__ import annotations

from typing import Annotated

from zhengling.web.call import Call
from zhengling.web.routing import query

READ = "docflow:read"
Read = Annotated[Call, query(READ)]
