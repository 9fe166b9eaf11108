"""The routers of oversight-svc, in the order of its OpenAPI document."""

from __future__ import annotations

from oversight_svc.course import routes as course_routes
from oversight_svc.entry import routes as entry_routes
from oversight_svc.ledger import routes as ledger_routes
from oversight_svc.merging import routes as merging_routes
from oversight_svc.notice import routes as notice_routes
from oversight_svc.part import routes as part_routes
from oversight_svc.pressure import routes as pressure_routes
from oversight_svc.proposal import routes as proposal_routes
from oversight_svc.source import routes as source_routes

#: The ledger's come first, as `numbers` would be taken for the id of an entry.
ROUTERS = [
    *ledger_routes.ROUTERS,
    *entry_routes.ROUTERS,
    *source_routes.ROUTERS,
    *course_routes.ROUTERS,
    *merging_routes.ROUTERS,
    *part_routes.ROUTERS,
    *pressure_routes.ROUTERS,
    *notice_routes.ROUTERS,
    *proposal_routes.ROUTERS,
]
