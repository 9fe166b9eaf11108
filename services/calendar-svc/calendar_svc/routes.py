"""The routers of calendar-svc, one for each noun; the OpenAPI document lists the tags in this order."""

from __future__ import annotations

from calendar_svc.absence import routes as absence_routes
from calendar_svc.closure import routes as closure_routes
from calendar_svc.deadline import routes as deadline_routes
from calendar_svc.field_research import routes as field_research_routes
from calendar_svc.notice import routes as notice_routes
from calendar_svc.operation import routes as operation_routes
from calendar_svc.year import routes as year_routes

ROUTERS = [
    *year_routes.ROUTERS,
    *deadline_routes.ROUTERS,
    *notice_routes.ROUTERS,
    *closure_routes.ROUTERS,
    *operation_routes.ROUTERS,
    *absence_routes.ROUTERS,
    *field_research_routes.ROUTERS,
]
