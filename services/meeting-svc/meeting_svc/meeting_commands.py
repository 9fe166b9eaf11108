"""The use cases of meetings, from the call to the close, one function each."""

from __future__ import annotations

from uuid_utils.compat import uuid7

from meeting_svc import meeting as meetings
from meeting_svc import topic as topics
from meeting_svc import topic_commands
from meeting_svc.commands import kind_of, step_of_meeting
from meeting_svc.meeting import Attendance, Entrustment, Meeting, MeetingState
from meeting_svc.meeting_schemas import AddToAgenda, CallMeeting, CloseSession, Entrust, OpenSession
from meeting_svc.schemas import TakeStep
from meeting_svc.topic import Topic
from zhengling import references
from zhengling.db import lock
from zhengling.deadlines import shanghai_day
from zhengling.errors import Text, invalid
from zhengling.events import (
    MeetingClosed,
)
from zhengling.outbox import emit
from zhengling.service import Call


async def call_meeting(call: Call, body: CallMeeting) -> Meeting:
    """Call a meeting for a day. By the office, which organises meetings."""
    book, composition = call.rulebook, await references.composition(call.session)
    kind = book.kind(body.kind)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("call a meeting", "召集会议"), kind.clause
    )
    if body.day < shanghai_day(call.now):
        raise invalid("day_in_the_past", f"{body.day} lies in the past", f"{body.day}已经过去")
    meeting = Meeting(
        id=str(uuid7()),
        government=call.government,
        edition=book.edition,
        kind=body.kind,
        title=body.title,
        day=body.day,
        called_by=call.official or "",
    )
    call.session.add(meeting)
    await call.session.flush()
    return meeting


async def add_to_agenda(call: Call, meeting_id: str, body: AddToAgenda) -> Meeting:
    """Put a topic on the agenda. By the office. Late papers are refused unless they were admitted."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    topic = await lock(call.session, Topic, body.topic_id, "topic", "议题")
    kind, composition = kind_of(call, meeting), await references.composition(call.session)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("arrange the agenda", "安排议程"), kind.agenda.clause
    )
    meetings.add_to_agenda(meeting, topic, body.position)
    await topic_commands.schedule(call, topic, meeting, kind, composition)
    await call.session.flush()
    return meeting


async def take_agenda_step(call: Call, meeting_id: str, body: TakeStep) -> Meeting:
    """Take the next step of the agenda's chain; the last one approves and locks it. By who the rulebook says."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    meetings.require_state(meeting, MeetingState.called)
    kind = kind_of(call, meeting)
    taken = await step_of_meeting(call, meeting, kind, kind.agenda, meeting.agenda_steps, body)
    meetings.take_agenda_step(meeting, kind, taken)
    await call.session.flush()
    return meeting


async def entrust_chair(call: Call, meeting_id: str, body: Entrust) -> Meeting:
    """Entrust an official with chairing this meeting, with a reason. By the head."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    composition = await references.composition(call.session)
    entrustment = Entrustment(body.to, call.official or "", body.reason, call.occurred(body.occurred_at), call.now)
    meetings.entrust(meeting, composition, kind_of(call, meeting), call.official, entrustment, shanghai_day(call.now))
    await call.session.flush()
    return meeting


async def open_session(call: Call, meeting_id: str, body: OpenSession) -> Meeting:
    """Open the session with its attendance. By the office; the chair and the quorum as the rulebook says."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    kind, composition = kind_of(call, meeting), await references.composition(call.session)
    occurred_at = call.occurred(body.occurred_at)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("open a session", "记录开会"), kind.clause
    )
    officials = [entry.official for entry in body.attendance]
    if unknown := sorted({o for o in (*officials, body.chair) if o not in composition.official_names}):
        raise invalid("unknown_official", f"no such official: {', '.join(unknown)}", f"查无此人：{'、'.join(unknown)}")
    if len(set(officials)) != len(officials):
        raise invalid("official_twice", "an official stands twice in the attendance", "出席名单中有人重复")
    acting = meetings.open_session(
        meeting,
        kind,
        composition,
        body.chair,
        [Attendance(entry.official, entry.present, entry.reason) for entry in body.attendance],
        occurred_at,
        shanghai_day(occurred_at),
    )
    call.audit_details.update(acting.behalf)
    await call.session.flush()
    return meeting


async def close_session(call: Call, meeting_id: str, body: CloseSession) -> Meeting:
    """Close the session, once every topic has its decision. By the office. Emits session.closed."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    kind, composition = kind_of(call, meeting), await references.composition(call.session)
    occurred_at = call.occurred(body.occurred_at)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("close a session", "记录散会"), kind.clause
    )
    meetings.close_session(meeting, occurred_at)
    for item in meeting.agenda:
        topic = await lock(call.session, Topic, item.topic_id, "topic", "议题")
        outcome = next((each.outcome for each in meeting.resolutions if each.topic_id == topic.id), None)
        topics.conclude(topic, outcome, call.official or "", occurred_at, call.now)
    await emit(
        call.session,
        MeetingClosed(
            meeting_id=meeting.id,
            meeting_kind=meeting.kind,
            kind_name=kind.name,
            title=meeting.title,
            edition=meeting.edition,
            closed_at=occurred_at,
            recorded_at=call.now,
            resolutions=tuple(meeting.resolutions),
        ),
    )
    await call.session.flush()
    return meeting
