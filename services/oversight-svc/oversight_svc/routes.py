"""The routers of oversight-svc, in the order of its OpenAPI document."""

from __future__ import annotations

from oversight_svc.course import routes as course_routes
from oversight_svc.entry import routes as entry_routes

ROUTERS = [*entry_routes.ROUTERS, *course_routes.ROUTERS]
