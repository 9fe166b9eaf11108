"""The government's meetings as a calendar feed."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa

from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.meeting.table import meeting as table
from meeting_svc.meeting_kind.case import kind_of
from zhengling.authority.composition import Composition
from zhengling.documents.icalendar import FeedEvent, Status
from zhengling.kernel.errors import Text
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call
from zhengling.web.feeds import first_day
from zhengling.web.sight import listed

_STATES = {
    MeetingState.called: Text("called, agenda not approved yet", "已召集，议程待批准"),
    MeetingState.agenda_approved: Text("agenda approved", "议程已批准"),
    MeetingState.cancelled: Text("cancelled", "已取消"),
    MeetingState.open: Text("in session", "会议中"),
    MeetingState.closed: Text("held", "已召开"),
    MeetingState.minuted: Text("held, minutes in preparation", "已召开，纪要办理中"),
    MeetingState.signed: Text("held, minutes signed", "已召开，纪要已签发"),
    MeetingState.unminuted: Text("held, no minutes by the chair's decision", "已召开，主持人决定不形成纪要"),
}
_STATUSES = dict.fromkeys(MeetingState, Status.confirmed) | {
    MeetingState.called: Status.tentative,
    MeetingState.cancelled: Status.cancelled,
}
_USUAL_LENGTH = timedelta(hours=2)
"""The duration shown for a meeting whose end isn't known yet."""


async def feed(call: Call) -> list[FeedEvent]:
    """The meetings that the caller sees, since January of last year: on their day or from their planned time; once held, from
    opening to close."""
    statement = sa.select(Meeting).where(listed(call, Meeting), table.c.day >= first_day(call))
    meetings = (await call.session.execute(statement)).scalars().all()
    composition = await compositions.current(call.session) if meetings else None
    return [_event(call, meeting, composition) for meeting in meetings]


def _event(call: Call, meeting: Meeting, composition: Composition | None) -> FeedEvent:
    kind, state = kind_of(call, meeting), _STATES[meeting.state]
    lines = [
        Text(f"Kind: {kind.name} ({kind.clause})", f"会议类别：{kind.name}（{kind.clause}）"),
        Text(f"State: {state.en}", f"状态：{state.zh}"),
    ]
    chair = meeting.chair or (meeting.entrustment.to if meeting.entrustment else meeting.convener)
    if chair and composition:
        name = composition.official_names.get(chair, chair)
        lines.append(Text(f"Chair: {name}", f"主持：{name}"))
    lines += [
        Text(f"Postponed from {old.day}: {old.reason}", f"原定{old.day}，改期原因：{old.reason}")
        for old in meeting.postponements
    ]
    if meeting.cancellation:
        why = meeting.cancellation.reason
        lines.append(Text(f"Cancelled: {why}", f"取消原因：{why}"))
    if meeting.agenda:
        lines.append(Text("Agenda:", "议程："))
        topics = [f"{n}. {item.title}" for n, item in enumerate(meeting.agenda, 1)]
        lines += [Text(topic, topic) for topic in topics]
    assert meeting.modified_at
    start: date = meeting.day
    end: date = meeting.day
    if meeting.opened_at and meeting.closed_at:
        start, end = meeting.opened_at, meeting.closed_at
    elif meeting.starts_at:
        start, end = meeting.starts_at, meeting.starts_at + _USUAL_LENGTH
    return FeedEvent(
        uid=f"meeting-{meeting.id}",
        summary=Text(meeting.title, meeting.title),
        start=start,
        end=end,
        modified=meeting.modified_at,
        sequence=meeting.version - 1,
        description=Text("\n".join(line.en for line in lines), "\n".join(line.zh for line in lines)),
        status=_STATUSES[meeting.state],
        location=meeting.place,
        categories=(Text(kind.name, kind.name),),
        path=f"/v1/meetings/{meeting.id}",
    )
