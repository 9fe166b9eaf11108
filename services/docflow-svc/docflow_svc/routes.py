"""The routers of docflow-svc, in the order of its OpenAPI document."""

from __future__ import annotations

from docflow_svc.document import routes as document_routes

ROUTERS = [*document_routes.ROUTERS]
