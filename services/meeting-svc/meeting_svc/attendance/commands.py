"""The use cases of attendance while a session is prepared and open, one function each."""

from __future__ import annotations

from meeting_svc.attendance import arrivals, attendance
from meeting_svc.attendance.schemas import ApproveStaff, HandOutPapers, RecordMovement, ReturnPapers
from meeting_svc.invitation import invitation
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.case import MeetingCase, meeting_case, office_act
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.record import Move, Movement, StaffApproval
from meeting_svc.session import session
from meeting_svc.topic.topic import Topic
from zhengling.authority import composition
from zhengling.database.session import load
from zhengling.kernel.errors import Text, invalid
from zhengling.web.call import Call


async def record_movement(call: Call, meeting_id: str, body: RecordMovement) -> Meeting:
    """Record that somebody came or left while the session is open. By who organises the meeting."""
    case = await meeting_case(call, meeting_id)
    act = Text("record who comes and leaves", "登记到会、离会")
    organised_by = case.meeting.organised_by
    meetings.require_organiser(case.kind, case.composition, call.official, organised_by, case.today, act)
    composition.require_known(case.composition, [body.official] if body.official else [], [])
    movement = Movement(body.official, body.move, body.topic_id, case.act(body.occurred_at), body.guest)
    arrivals.move(case.meeting, case.kind, case.composition, movement)
    if body.official and body.move == Move.arrived:
        invitation.require_consent(case.meeting, case.kind, case.composition, case.meeting.chair, [body.official])
    await call.session.flush()
    return case.meeting


async def approve_staff(call: Call, meeting_id: str, body: ApproveStaff) -> Meeting:
    """Let a topic's sponsor bring one more staff member, by name. By whom the rulebook names."""
    case = await meeting_case(call, meeting_id)
    composition.require_known(case.composition, [body.official], [])
    approval = StaffApproval(body.topic_id, body.official, body.reason, case.act(body.occurred_at))
    attendance.approve_staff(case.meeting, case.kind, case.composition, approval, case.today)
    await call.session.flush()
    return case.meeting


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
    """Title of a paper of one of the agenda's topics, and whether its sponsor marked it for return. 422 `no_such_paper`."""
    for item in case.meeting.agenda:
        topic = await load(call.session, Topic, item.topic_id, "topic", "议题")
        for paper in topic.current_papers:
            if paper.id == paper_id:
                return paper.title, paper.to_return
    raise invalid("no_such_paper", f"{paper_id} is no paper of this agenda", "本次会议议程中没有该材料")


async def take_papers_back(call: Call, meeting_id: str, body: ReturnPapers) -> Meeting:
    """Record copies as returned, also after the close. By the office."""
    case = await meeting_case(call, meeting_id)
    clause = case.kind.confidential.clause if case.kind.confidential else None
    act = office_act(case, body.occurred_at, Text("take papers back", "收回会议材料"), clause)
    session.take_back(case.meeting, case.kind, list(dict.fromkeys(body.copies)), act)
    await call.session.flush()
    return case.meeting
