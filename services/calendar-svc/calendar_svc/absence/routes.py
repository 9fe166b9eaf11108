"""HTTP → commands and queries of absences; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from calendar_svc.absence import commands as do
from calendar_svc.absence import queries as see
from calendar_svc.absence.absence import Absence, AbsenceState
from calendar_svc.absence.schemas import (
    AbsenceView,
    Answer,
    AwayList,
    CancelAbsence,
    Extend,
    LiftLimit,
    NameStandIn,
    RecordDuty,
    RecordReturn,
    RefuseAbsence,
    RequestAbsence,
)
from calendar_svc.scopes import WRITE, Change, Read, ReadInOffice
from zhengling.kernel.instants import Day
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import command, commands, queries
from zhengling.web.worklist import WaitsFor

Create = Annotated[Call, command(WRITE)]

writes = commands("/v1", "absence")
reads = queries("/v1", "absence")


async def _absence(call: Call, response: Response, absence: Absence) -> AbsenceView:
    response.headers["ETag"] = etag(absence.version)
    call.audit_details["subject"] = f"absence:{absence.id}"
    return await see.absence_view(call, absence)


@writes.post("/absences", operation_id="request_absence", status_code=201, summary="Request an absence (请假)")
async def request_absence(body: RequestAbsence, call: Create, response: Response) -> AbsenceView:
    absence = await do.request_absence(call, body)
    response.headers["Location"] = f"/v1/absences/{absence.id}"
    return await _absence(call, response, absence)


@reads.get("/absences", operation_id="list_absences", summary="List absences, also as a change feed")
async def list_absences(
    call: Read,
    paging: Paging,
    official: Annotated[str | None, Query(max_length=64)] = None,
    since: Annotated[Day | None, Query(description="absences that overlap with the period from this day on")] = None,
    until: Annotated[Day | None, Query(description="the period's last day")] = None,
    state: Annotated[AbsenceState | None, Query()] = None,
    waits_for: WaitsFor = None,
) -> Page[AbsenceView]:
    return await see.list_absences(call, paging, official, since, until, state, waits_for)


@reads.get("/absences/away", operation_id="list_away", summary="Who is away on a day, and who stands in")
async def list_away(
    call: ReadInOffice, on: Annotated[Day | None, Query(description="the day; by default today")] = None
) -> AwayList:
    return await see.list_away(call, on)


@reads.get("/absences/{absence_id}", operation_id="get_absence")
async def get_absence(absence_id: str, call: Read, response: Response) -> AbsenceView:
    view = await see.get_absence(call, absence_id)
    response.headers["ETag"] = etag(view.version)
    return view


@writes.post(
    "/absences/{absence_id}/approval",
    operation_id="approve_absence",
    summary="Take the next step of the absence's chain",
)
async def approve_absence(absence_id: str, body: Answer, call: Change, response: Response) -> AbsenceView:
    return await _absence(call, response, await do.approve(call, absence_id, body))


@writes.post(
    "/absences/{absence_id}/refusal", operation_id="refuse_absence", summary="Refuse an absence or its extension"
)
async def refuse_absence(absence_id: str, body: RefuseAbsence, call: Change, response: Response) -> AbsenceView:
    return await _absence(call, response, await do.refuse(call, absence_id, body))


@writes.post(
    "/absences/{absence_id}/lifted-limits", operation_id="lift_absence_limit", summary="Waive a limit, with a reason"
)
async def lift_absence_limit(absence_id: str, body: LiftLimit, call: Change, response: Response) -> AbsenceView:
    return await _absence(call, response, await do.lift_limit(call, absence_id, body))


@writes.post("/absences/{absence_id}/extension", operation_id="extend_absence", summary="Request an extension (续假)")
async def extend_absence(absence_id: str, body: Extend, call: Change, response: Response) -> AbsenceView:
    return await _absence(call, response, await do.extend(call, absence_id, body))


@writes.post("/absences/{absence_id}/stand-in", operation_id="name_stand_in", summary="Record the stand-in (代行)")
async def name_stand_in(absence_id: str, body: NameStandIn, call: Change, response: Response) -> AbsenceView:
    return await _absence(call, response, await do.name_stand_in(call, absence_id, body))


@writes.post("/absences/{absence_id}/return", operation_id="record_return", summary="Record the return (销假)")
async def record_return(absence_id: str, body: RecordReturn, call: Change, response: Response) -> AbsenceView:
    return await _absence(call, response, await do.record_return(call, absence_id, body))


@writes.post(
    "/absences/{absence_id}/cancellation", operation_id="cancel_absence", summary="Cancel an absence before it begins"
)
async def cancel_absence(absence_id: str, body: CancelAbsence, call: Change, response: Response) -> AbsenceView:
    return await _absence(call, response, await do.cancel(call, absence_id, body))


@writes.post(
    "/absences/{absence_id}/duties",
    operation_id="record_absence_duty",
    summary="Record a report, a filing or the formal procedure",
)
async def record_absence_duty(absence_id: str, body: RecordDuty, call: Change, response: Response) -> AbsenceView:
    return await _absence(call, response, await do.record_duty(call, absence_id, body))


ROUTERS = [writes, reads]
