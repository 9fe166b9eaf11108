"""Commands on attendance before and during a session, one function each."""

from __future__ import annotations

from meeting_svc.attendance import arrivals, attendance
from meeting_svc.attendance.schemas import ApproveStaff, RecordMovement
from meeting_svc.invitation import invitation
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.case import meeting_case
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.record import Move, Movement, StaffApproval
from zhengling.authority import composition
from zhengling.kernel.errors import Text
from zhengling.web.call import Call


async def record_movement(call: Call, meeting_id: str, body: RecordMovement) -> Meeting:
    """Record an arrival or departure during the session. By the meeting's organiser."""
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
    """Approve one more staff member of a topic's sponsor, by name. By the roles that the rulebook names."""
    case = await meeting_case(call, meeting_id)
    composition.require_known(case.composition, [body.official], [])
    approval = StaffApproval(body.topic_id, body.official, body.reason, case.act(body.occurred_at))
    attendance.approve_staff(case.meeting, case.kind, case.composition, approval, case.today)
    await call.session.flush()
    return case.meeting
