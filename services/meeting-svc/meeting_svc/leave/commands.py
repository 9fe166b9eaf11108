"""Commands on leave from a meeting and on delegates, one function each."""

from __future__ import annotations

from meeting_svc.leave import leave as leaves
from meeting_svc.leave.schemas import AnswerRequest, AskLeave, SendDelegate, WithdrawLeave
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.case import meeting_case
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.record import Delegation, LeaveRequest, Withdrawal
from zhengling.authority import composition
from zhengling.web.call import Call


async def ask_leave(call: Call, meeting_id: str, body: AskLeave) -> Meeting:
    """Ask for leave from a meeting, in advance. By the official concerned, or the office on their behalf; answered by
    the roles that the rulebook names."""
    case = await meeting_case(call, meeting_id)
    official = body.official or call.official or ""
    clause = case.kind.leave.clause if case.kind.leave else None
    composition.require_known(case.composition, [official], [])
    meetings.may_ask(case.composition, call.official, official, case.today, clause)
    asked = LeaveRequest(official, body.reason_kind, body.reason, [], clause, case.act(body.occurred_at))
    leaves.ask_leave(case.meeting, case.kind, case.composition, asked)
    await call.session.flush()
    return case.meeting


async def answer_leave(call: Call, meeting_id: str, body: AnswerRequest) -> Meeting:
    """Grant or refuse leave. By the roles that the rulebook names; leave that is only reported: by the office."""
    case = await meeting_case(call, meeting_id)
    meeting = case.meeting
    meetings.require_state(meeting, *meetings.PREPARED)
    one = leaves.find(meeting.leaves, body.official)
    acting = leaves.answerer(meeting, case.kind, case.composition, one, call.official, case.today)
    act = case.act(body.occurred_at, acting)
    meeting.leaves = leaves.answered(meeting.leaves, one, body.approve, body.opinion, act)
    await call.session.flush()
    return meeting


async def withdraw_leave(call: Call, meeting_id: str, body: WithdrawLeave) -> Meeting:
    """Withdraw a pending or granted leave before the meeting opens, with a reason; the official attends after all, and
    their delegate lapses. By the official concerned, or the office on their behalf."""
    case = await meeting_case(call, meeting_id)
    official = body.official or call.official or ""
    composition.require_known(case.composition, [official], [])
    clause = case.kind.leave.clause if case.kind.leave else None
    meetings.may_ask(case.composition, call.official, official, case.today, clause)
    leaves.withdraw_leave(case.meeting, official, Withdrawal(case.act(body.occurred_at), body.reason))
    call.audit_details.update(reason=body.reason)
    await call.session.flush()
    return case.meeting


async def send_delegate(call: Call, meeting_id: str, body: SendDelegate) -> Meeting:
    """Name a delegate for a meeting. By the official concerned, or the office; the roles that the rulebook names
    consent."""
    case = await meeting_case(call, meeting_id)
    official = body.official or call.official or ""
    clause = case.kind.delegates.clause if case.kind.delegates else None
    composition.require_known(case.composition, [official, body.delegate], [])
    meetings.may_ask(case.composition, call.official, official, case.today, clause)
    sent = Delegation(official, body.delegate, body.reason, [], clause, case.act(body.occurred_at))
    leaves.send_delegate(case.meeting, case.kind, case.composition, sent)
    await call.session.flush()
    return case.meeting


async def answer_delegate(call: Call, meeting_id: str, body: AnswerRequest) -> Meeting:
    """Consent to a delegate, or refuse. By the roles that the rulebook names."""
    case = await meeting_case(call, meeting_id)
    meeting = case.meeting
    meetings.require_state(meeting, *meetings.PREPARED)
    one = leaves.find(meeting.delegations, body.official)
    acting = leaves.answerer(meeting, case.kind, case.composition, one, call.official, case.today)
    act = case.act(body.occurred_at, acting)
    meeting.delegations = leaves.answered(meeting.delegations, one, body.approve, body.opinion, act)
    await call.session.flush()
    return meeting
