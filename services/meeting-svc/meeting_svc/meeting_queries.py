"""Reads of meetings."""

from __future__ import annotations

from functools import partial

from meeting_svc import minutes as minutes_
from meeting_svc.commands import kind_of
from meeting_svc.meeting import Meeting, MeetingState, minutes_facts
from meeting_svc.meeting_schemas import MeetingView
from meeting_svc.minutes_queries import version_of
from meeting_svc.queries import equal, next_of
from meeting_svc.topic import StepTaken, next_step
from zhengling import references
from zhengling.db import load
from zhengling.paging import Page, PageRequest, page
from zhengling.rulebook import Chain
from zhengling.service import Call


async def meeting_view(call: Call, meeting: Meeting) -> MeetingView:
    view = MeetingView.model_validate(meeting)
    kind = kind_of(call, meeting)
    if meeting.state in (MeetingState.called, MeetingState.agenda_approved):
        people, day = await references.composition(call.session), meeting.day
        view.away = [official for official in people.members(kind.members, day) if people.absent(official, day)]
    chains: dict[MeetingState, tuple[Chain, list[StepTaken]]] = {
        MeetingState.called: (kind.agenda, meeting.agenda_steps),
    }
    if kind.minutes:
        chains |= dict.fromkeys((MeetingState.closed, MeetingState.minuted), (kind.minutes, meeting.minutes_steps))
    if meeting.state in chains:
        chain, taken = chains[meeting.state]
        facts_of = partial(minutes_facts, meeting)
        if meeting.state == MeetingState.minuted:  # what the draft says of itself counts too
            facts_of = partial(minutes_.facts_of, meeting, await version_of(call, meeting.id, None))
        if step := next_step(chain, taken, facts_of(meeting.chair)):
            composition = await references.composition(call.session)
            view.next_step = next_of(call, chain, step, composition, facts_of, chair=meeting.chair)
    return view


async def get_meeting(call: Call, meeting_id: str) -> MeetingView:
    return await meeting_view(call, await load(call.session, Meeting, meeting_id, "meeting", "会议"))


async def list_meetings(
    call: Call, request: PageRequest, kind: str | None, state: MeetingState | None
) -> Page[MeetingView]:
    rows, cursor = await page(call.session, Meeting, request, *equal(Meeting, kind=kind, state=state))
    return Page(items=[await meeting_view(call, row) for row in rows], next_cursor=cursor)
