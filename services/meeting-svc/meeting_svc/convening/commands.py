"""Commands that convene a meeting, one function each."""

from __future__ import annotations

from datetime import date, datetime

from uuid_utils.compat import uuid7

from meeting_svc.convening import convening as convenings
from meeting_svc.convening.schemas import CallMeeting, CancelMeeting, Entrust, Postpone, RecordSound
from meeting_svc.meeting import chairing
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.case import MeetingCase, meeting_case, office, organised
from meeting_svc.meeting.meeting import Entrustment, Meeting
from meeting_svc.meeting.record import (
    Cancellation,
    Participants,
    Postponement,
    Recording,
)
from meeting_svc.planning_request import commands as planning_commands
from meeting_svc.topic import commands as topic_commands
from meeting_svc.topic import transitions
from meeting_svc.topic.topic import Topic
from zhengling.authority.composition import require_known
from zhengling.database.session import lock_all
from zhengling.kernel.errors import Text, invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules.meetings import MeetingKind
from zhengling.web.call import Call


async def call_meeting(call: Call, body: CallMeeting) -> Meeting:
    """Call a meeting for a day. By the kind's organiser: the office, or the unit that proposes it."""
    book, composition = call.rulebook, await compositions.current(call.session)
    kind, today = book.kind(body.kind), shanghai_day(call.now)
    named = body.participants
    require_known(
        composition,
        [*named.officials, *([body.convener] if body.convener else [])],
        [*named.organisations, *([body.organised_by] if body.organised_by else [])],
    )
    act = Text("call a meeting", "召集会议")
    meetings.require_organiser(kind, composition, call.official, body.organised_by, today, act)
    convenings.require_its_organiser(kind, composition, body.organised_by)
    await _require_to_come(call, body.day, body.starts_at)
    participants = Participants(named.officials, named.organisations)
    convenings.require_named_by_rule(kind, participants)
    convenings.require_request(kind, body.request_id)
    await _require_approved(call, kind, body.request_id, body.day)
    if body.convener:
        convenings.require_convener(kind, composition, body.convener, body.day, body.organised_by)
    meeting = Meeting(
        id=str(uuid7()),
        government=call.government,
        edition=book.edition,
        kind=body.kind,
        title=body.title,
        day=body.day,
        called_by=call.official or "",
        starts_at=body.starts_at,
        place=body.place,
        organised_by=body.organised_by,
        convener=body.convener,
        participants=participants,
        request_id=body.request_id,
        open_to=list(dict.fromkeys([*kind.members, *kind.attendees])),
    )
    convenings.require_planned_chair(meeting, kind, composition)
    if body.recording:
        _record_sound(MeetingCase(call, meeting, kind, composition), body.recording)
    call.session.add(meeting)
    await call.session.flush()
    return meeting


async def _require_to_come(call: Call, day: date, starts_at: datetime | None) -> None:
    """Problems 422 `day_in_the_past`, `date_out_of_range` beyond the calendar, `starts_on_another_day`."""
    if day < shanghai_day(call.now):
        raise invalid("day_in_the_past", f"{day} is in the past", f"{day}已经过去")
    (await calendars.current(call.session)).require(day)
    if starts_at and shanghai_day(starts_at) != day:
        raise invalid(
            "starts_on_another_day",
            f"{starts_at.isoformat()} isn't on {day}, Shanghai time",
            f"开始时间不在{day}（北京时间）当天",
        )


async def _require_approved(call: Call, kind: MeetingKind, request_id: str | None, day: date) -> None:
    """Refusals of `planning_request.require_approved` for a kind that requires an approved request."""
    if kind.request and request_id:
        await planning_commands.require_approved(call.session, request_id, kind.request, day)


async def postpone_meeting(call: Call, meeting_id: str, body: Postpone) -> Meeting:
    """Change the day, time or place, with a reason. By the meeting's organiser. The lead time of the topics' papers
    applies to the new day; participants have to be notified again."""
    case = await meeting_case(call, meeting_id)
    meeting = case.meeting
    organised(case, Text("postpone a meeting", "改期会议"))
    meetings.require_state(meeting, *meetings.PREPARED)
    await _require_to_come(call, body.day, body.starts_at)
    place = meeting.place if body.place is None else body.place
    await _require_approved(call, case.kind, meeting.request_id, body.day)
    for topic in await lock_all(call.session, Topic, meeting.topic_ids, "topic", "议题"):
        await topic_commands.require_in_time(call, topic, meeting.id, case.kind, body.day)
    change = Postponement(body.day, body.starts_at, place, body.reason, case.act(body.occurred_at))
    convenings.postpone(meeting, change)
    call.audit_details.update(reason=body.reason)
    await call.session.flush()
    return meeting


async def cancel_meeting(call: Call, meeting_id: str, body: CancelMeeting) -> Meeting:
    """Cancel the meeting, with a reason; its topics are ready for another one. By the meeting's organiser."""
    case = await meeting_case(call, meeting_id)
    organised(case, Text("cancel a meeting", "取消会议"))
    act = case.act(body.occurred_at)
    convenings.cancel(case.meeting, Cancellation(body.reason, act))
    for topic in await lock_all(call.session, Topic, case.meeting.topic_ids, "topic", "议题"):
        transitions.release(topic, act.official, body.reason, act.occurred_at, act.recorded_at)
    call.audit_details.update(reason=body.reason)
    await call.session.flush()
    return case.meeting


async def entrust_chair(call: Call, meeting_id: str, body: Entrust) -> Meeting:
    """Entrust an official with chairing this meeting, with a reason. By the head, or others whom the rulebook names."""
    case = await meeting_case(call, meeting_id)
    entrustment = Entrustment(body.to, call.official or "", body.reason, call.occurred(body.occurred_at), call.now)
    chairing.entrust(case.meeting, case.composition, case.kind, call.official, entrustment, case.today)
    await call.session.flush()
    return case.meeting


async def arrange_recording(call: Call, meeting_id: str, body: RecordSound) -> Meeting:
    """Arrange a recording of the session. By the office only."""
    case = await meeting_case(call, meeting_id)
    _record_sound(case, body)
    await call.session.flush()
    return case.meeting


def _record_sound(case: MeetingCase, body: RecordSound) -> None:
    clause = case.kind.confidential.clause if case.kind.confidential else None
    office(case, Text("arrange a recording", "安排录音录像"), clause)
    convenings.record_sound(case.meeting, Recording(body.by, case.act(body.occurred_at)))
