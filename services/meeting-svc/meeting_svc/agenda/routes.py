"""HTTP → commands and queries of agendas; no rules here."""

from __future__ import annotations

from fastapi import Response

from meeting_svc.agenda import commands as do
from meeting_svc.agenda import queries as see
from meeting_svc.agenda.schemas import AddLater, AddToAgenda, OrderAgenda, RemoveFromAgenda, Rhythms
from meeting_svc.meeting.routes import meeting_answer
from meeting_svc.meeting.schemas import MeetingView
from meeting_svc.scopes import Change, ReadInOffice
from zhengling.authority.schemas import TakeStep
from zhengling.web.routing import commands, queries

writes = commands("/v1", "meeting")
reads = queries("/v1", "meeting")


@writes.post("/meetings/{meeting_id}/agenda", operation_id="add_to_agenda", summary="Put a topic on the agenda")
async def add_to_agenda(meeting_id: str, body: AddToAgenda, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.add_to_agenda(call, meeting_id, body))


@writes.put("/meetings/{meeting_id}/agenda/order", operation_id="order_agenda", summary="Order the agenda's items")
async def order_agenda(meeting_id: str, body: OrderAgenda, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.order_agenda(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/agenda/removals", operation_id="remove_from_agenda", summary="Take a topic off the agenda"
)
async def remove_from_agenda(meeting_id: str, body: RemoveFromAgenda, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.remove_from_agenda(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/agenda/steps",
    operation_id="take_agenda_step",
    summary="Take the next step of the agenda's chain",
)
async def take_agenda_step(meeting_id: str, body: TakeStep, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.take_agenda_step(call, meeting_id, body))


@writes.post(
    "/meetings/{meeting_id}/agenda/additions",
    operation_id="add_to_approved_agenda",
    summary="Add a topic to an approved agenda, as its next version",
)
async def add_to_approved_agenda(meeting_id: str, body: AddLater, call: Change, response: Response) -> MeetingView:
    return await meeting_answer(call, response, await do.add_later(call, meeting_id, body))


@reads.get(
    "/agenda-rhythm",
    operation_id="get_agenda_rhythm",
    summary="When each kind of meeting last took up its periodic topic",
)
async def get_agenda_rhythm(call: ReadInOffice) -> Rhythms:
    return await see.get_agenda_rhythm(call)


ROUTERS = [writes, reads]
