"""Commands on a session, one function each: papers, devices, opening, handover of the chair, close."""

from __future__ import annotations

from meeting_svc.meeting.case import MeetingCase, meeting_case, office, office_act, organised
from meeting_svc.meeting.meeting import Attendance, Meeting
from meeting_svc.meeting.record import GuestAttendance, Handover
from meeting_svc.planning_request import commands as planning_commands
from meeting_svc.session import session
from meeting_svc.session.schemas import CloseSession, DeclareDevices, HandOutPapers, HandOver, OpenSession, ReturnPapers
from meeting_svc.topic import transitions
from meeting_svc.topic.topic import Topic
from zhengling.authority.composition import require_known
from zhengling.backbone.outbox import emit
from zhengling.database.session import load, lock_all
from zhengling.events.meeting import MeetingClosed
from zhengling.kernel.errors import Text, invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.web.call import Call


async def hand_out_papers(call: Call, meeting_id: str, body: HandOutPapers) -> Meeting:
    """Hand out copies of a paper, one to each holder, marked for return or not. By the office."""
    case = await meeting_case(call, meeting_id)
    clause = case.kind.confidential.clause if case.kind.confidential else None
    act = office_act(case, body.occurred_at, Text("hand out papers", "发放会议材料"), clause)
    title, to_return = body.title, body.to_return
    if body.paper_id is not None:
        title, to_return = await _paper(call, case, body.paper_id)
    session.hand_out(case.meeting, body.holders, title, to_return, act)
    await call.session.flush()
    return case.meeting


async def _paper(call: Call, case: MeetingCase, paper_id: str) -> tuple[str, bool]:
    """The title of a paper of the agenda's topics, and whether it is marked for return. 422 `no_such_paper`."""
    for item in case.meeting.agenda:
        topic = await load(call.session, Topic, item.topic_id, "topic", "议题")
        for paper in topic.current_papers:
            if paper.id == paper_id:
                return paper.title, paper.to_return
    raise invalid("no_such_paper", f"{paper_id} isn't a paper of this agenda", "本次会议议程中没有该材料")


async def take_papers_back(call: Call, meeting_id: str, body: ReturnPapers) -> Meeting:
    """Record copies as returned; also possible after the close. By the office."""
    case = await meeting_case(call, meeting_id)
    clause = case.kind.confidential.clause if case.kind.confidential else None
    act = office_act(case, body.occurred_at, Text("take papers back", "收回会议材料"), clause)
    session.take_back(case.meeting, case.kind, list(dict.fromkeys(body.copies)), act)
    await call.session.flush()
    return case.meeting


async def declare_devices(call: Call, meeting_id: str, body: DeclareDevices) -> Meeting:
    """Declare that phones and recorders were handed in. By the office."""
    case = await meeting_case(call, meeting_id)
    clause = case.kind.confidential.clause if case.kind.confidential else case.kind.clause
    office(case, Text("declare that devices were handed in", "确认设备未带入会场"), clause)
    session.declare_devices(case.meeting, case.kind, case.act(body.occurred_at))
    await call.session.flush()
    return case.meeting


async def open_session(call: Call, meeting_id: str, body: OpenSession) -> Meeting:
    """Open the session with its attendance. By the meeting's organiser; chair, roll call, quorum and preconditions as
    the rulebook requires."""
    case = await meeting_case(call, meeting_id)
    occurred_at = call.occurred(body.occurred_at)
    organised(case, Text("open a session", "记录开会"))
    officials = [entry.official for entry in body.attendance]
    require_known(case.composition, [*officials, body.chair], [])
    acting = session.open_session(
        case.meeting,
        case.kind,
        case.composition,
        body.chair,
        [Attendance(each.official, each.present, each.reason, topic_id=each.topic_id) for each in body.attendance],
        occurred_at,
        shanghai_day(occurred_at),
        [GuestAttendance(each.name, each.present, each.reason, each.topic_id) for each in body.guests],
    )
    call.audit_details.update(acting.behalf)
    if case.kind.request and case.meeting.request_id:
        on = shanghai_day(occurred_at)
        request = await planning_commands.require_approved(call.session, case.meeting.request_id, case.kind.request, on)
        await planning_commands.mark_held(call.session, request, case.meeting.id, occurred_at)
    await call.session.flush()
    return case.meeting


async def hand_over_chair(call: Call, meeting_id: str, body: HandOver) -> Meeting:
    """Record that another official chairs from now on. By the meeting's organiser; the new chair has to be lawful."""
    case = await meeting_case(call, meeting_id)
    organised(case, Text("record a handover", "登记移交主持"))
    handover = Handover(case.meeting.chair or "", body.to, body.reason, case.act(body.occurred_at))
    acting = session.hand_over(case.meeting, case.kind, case.composition, handover, case.today)
    call.audit_details.update(acting.behalf)
    await call.session.flush()
    return case.meeting


async def close_session(call: Call, meeting_id: str, body: CloseSession) -> Meeting:
    """Close the session once every topic has its decision, where the kind decides. By the meeting's organiser. Emits
    session.closed, in several parts for a long agenda."""
    case = await meeting_case(call, meeting_id)
    meeting, occurred_at = case.meeting, call.occurred(body.occurred_at)
    organised(case, Text("close a session", "记录散会"))
    session.close_session(meeting, case.kind, occurred_at)
    for topic in await lock_all(call.session, Topic, meeting.topic_ids, "topic", "议题"):
        resolution = next((each for each in meeting.resolutions if each.topic_id == topic.id), None)
        transitions.conclude(topic, resolution, call.official or "", occurred_at, call.now)
    closed = MeetingClosed(
        meeting_id=meeting.id,
        meeting_kind=meeting.kind,
        kind_name=case.kind.name,
        title=meeting.title,
        edition=meeting.edition,
        closed_at=occurred_at,
        recorded_at=call.now,
        resolutions=tuple(meeting.resolutions),
    )
    await emit(call.session, *closed.split())
    await call.session.flush()
    return meeting
