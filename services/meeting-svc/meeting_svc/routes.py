"""The routers of meeting-svc, one for each noun; the OpenAPI document lists the tags in this order."""

from __future__ import annotations

from meeting_svc.agenda import routes as agenda_routes
from meeting_svc.attendance import routes as attendance_routes
from meeting_svc.cadence import routes as cadence_routes
from meeting_svc.circular import routes as circular_routes
from meeting_svc.composition import routes as composition_routes
from meeting_svc.convening import routes as convening_routes
from meeting_svc.decision import routes as decision_routes
from meeting_svc.invitation import routes as invitation_routes
from meeting_svc.leave import routes as leave_routes
from meeting_svc.meeting import routes as meeting_routes
from meeting_svc.meeting_kind import routes as meeting_kind_routes
from meeting_svc.meeting_plan import routes as yearly_plan_routes
from meeting_svc.minutes import routes as minutes_routes
from meeting_svc.planning_request import routes as planning_routes
from meeting_svc.resolution import routes as resolution_routes
from meeting_svc.session import routes as session_routes
from meeting_svc.topic import routes as topic_routes

ROUTERS = [
    *composition_routes.ROUTERS,
    *topic_routes.ROUTERS,
    *meeting_kind_routes.ROUTERS,
    *meeting_routes.ROUTERS,
    *convening_routes.ROUTERS,
    *agenda_routes.ROUTERS,
    *invitation_routes.ROUTERS,
    *leave_routes.ROUTERS,
    *attendance_routes.ROUTERS,
    *session_routes.ROUTERS,
    *circular_routes.ROUTERS,
    *resolution_routes.ROUTERS,
    *decision_routes.ROUTERS,
    *minutes_routes.ROUTERS,
    *planning_routes.ROUTERS,
    *yearly_plan_routes.ROUTERS,
    *cadence_routes.ROUTERS,
]
