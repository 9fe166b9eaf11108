"""Queries of a change of the calendar."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa

from calendar_svc.operation.schemas import DayChangeView, Operation, ServiceProgress
from zhengling.events.catalogue import RECOMPUTED
from zhengling.kernel.errors import not_found
from zhengling.web.call import Call

_CHANGE = sa.text("SELECT * FROM calendar_change WHERE id = :id")
_RECOMPUTED = sa.text("""
    SELECT DISTINCT ON (service, calendar) service, calendar, version, examined, moved, finished_at FROM recomputed
    WHERE calendar = ANY(:calendars) AND version >= (CAST(:versions AS jsonb) ->> calendar)::bigint
    ORDER BY service, calendar, version
""")


async def get_operation(call: Call, operation_id: str) -> Operation:
    """A change of the calendar, with the progress of each service that owns deadlines."""
    change = (await call.session.execute(_CHANGE, {"id": operation_id})).mappings().first()
    if change is None:
        raise not_found("operation", "操作", operation_id)
    calendars: dict[str, int] = change["calendars"]
    reports = await call.session.execute(
        _RECOMPUTED, {"calendars": list(calendars), "versions": orjson.dumps(calendars).decode()}
    )
    found: dict[str, list[Any]] = {service: [] for service in RECOMPUTED}
    for report in reports:
        found[report.service].append(report)
    services = {
        service: ServiceProgress(
            state="done",
            examined=sum(report.examined for report in of_it),
            moved=sum(report.moved for report in of_it),
            finished_at=max((report.finished_at for report in of_it), default=change["requested_at"]),
        )
        if len(of_it) == len(calendars)
        else ServiceProgress(state="running")
        for service, of_it in found.items()
    }
    return Operation(
        id=change["id"],
        state="done" if all(one.state == "done" for one in services.values()) else "running",
        government=change["government"],
        subject=change["subject"],
        why_en=change["why_en"],
        why_zh=change["why_zh"],
        calendars=calendars,
        days=[DayChangeView.model_validate(day) for day in change["days"]],
        services=services,
        requested_by=change["requested_by"],
        requested_at=change["requested_at"],
    )
