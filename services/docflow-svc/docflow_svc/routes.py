"""The routers of docflow-svc, in the order of its OpenAPI document."""

from __future__ import annotations

from docflow_svc.decision import routes as decision_routes
from docflow_svc.document import routes as document_routes

ROUTERS = [*document_routes.ROUTERS, *decision_routes.ROUTERS]
