"""HTTP → command or query, one file per noun beside this one."""

from __future__ import annotations

from meeting_svc import composition_routes, decision_routes, meeting_routes, minutes_routes, topic_routes

ROUTERS = [
    *composition_routes.ROUTERS,
    *topic_routes.ROUTERS,
    *meeting_routes.ROUTERS,
    *decision_routes.ROUTERS,
    *minutes_routes.ROUTERS,
]
