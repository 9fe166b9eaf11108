"""Commands on invitees, notices and acknowledgements, one function each."""

from __future__ import annotations

from meeting_svc.agenda import agenda as agendas
from meeting_svc.invitation import invitation
from meeting_svc.invitation.schemas import Acknowledge, GiveConsent, ProposeInvitees, SendNotice, WithdrawInvitee
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.case import MeetingCase, meeting_case, require_part, step_of_meeting
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.record import Acknowledgement, Invitee
from zhengling.authority import composition
from zhengling.authority.schemas import TakeStep
from zhengling.kernel.errors import Text
from zhengling.web.call import Call


async def propose_invitees(call: Call, meeting_id: str, body: ProposeInvitees) -> Meeting:
    """Add officials, units or outside guests to the list of invitees. By the meeting's organiser."""
    case = await meeting_case(call, meeting_id)
    meeting = case.meeting
    _require_organiser(case, Text("propose invitees", "提出邀请名单"))
    composition.require_known(
        case.composition,
        [each.official for each in body.invitees if each.official],
        [each.organisation for each in body.invitees if each.organisation],
    )
    for each in body.invitees:
        if each.topic_id:
            agendas.item_of(meeting, each.topic_id)
    act, first = case.act(body.occurred_at), invitation.next_number(meeting)
    invitees = [
        Invitee(first + n, each.official, each.organisation, each.name, each.topic_id, act)
        for n, each in enumerate(body.invitees)
    ]
    invitation.require_one_each(invitees)
    invitation.propose(meeting, case.kind, invitees)
    await call.session.flush()
    return meeting


async def withdraw_invitee(call: Call, meeting_id: str, body: WithdrawInvitee) -> Meeting:
    """Remove somebody from the list of invitees, with a reason. By the meeting's organiser."""
    case = await meeting_case(call, meeting_id)
    _require_organiser(case, Text("change the list of invitees", "调整邀请名单"))
    invitation.withdraw(case.meeting, body.number, body.reason, case.act(body.occurred_at))
    await call.session.flush()
    return case.meeting


async def take_invitee_step(call: Call, meeting_id: str, body: TakeStep) -> Meeting:
    """Take the next step of the chain that approves the list of invitees. By the step's actor."""
    case = await meeting_case(call, meeting_id)
    meeting, kind = case.meeting, case.kind
    chain = invitation.rule_of(kind).steps
    require_part(case, chain, meeting.invitee_steps)
    meetings.require_state(meeting, *meetings.PREPARED)
    taken = await step_of_meeting(case, chain, meeting.invitee_steps, body)
    invitation.take_step(meeting, kind, taken)
    await call.session.flush()
    return meeting


async def consent_to_outsiders(call: Call, meeting_id: str, body: GiveConsent) -> Meeting:
    """Consent to inviting principals outside the chair's portfolio, with a reason. By the roles that the rulebook
    names."""
    case = await meeting_case(call, meeting_id)
    act = case.act(body.occurred_at)
    given = invitation.consent(case.meeting, case.kind, case.composition, body.reason, act, case.today)
    call.audit_details.update(reason=body.reason, officials=given.officials)
    await call.session.flush()
    return case.meeting


async def send_notice(call: Call, meeting_id: str, body: SendNotice) -> Meeting:
    """Record to whom and when the approved agenda and the papers were sent. By the meeting's organiser."""
    case = await meeting_case(call, meeting_id)
    _require_organiser(case, Text("send the notice", "发送会议通知"))
    act = case.act(body.occurred_at)
    invitation.notify(case.meeting, case.kind, case.composition, body.recipients, body.papers, act)
    await call.session.flush()
    return case.meeting


async def acknowledge(call: Call, meeting_id: str, body: Acknowledge) -> Meeting:
    """Record whether somebody will attend. By the notified official, or the office on their behalf."""
    case = await meeting_case(call, meeting_id)
    official = body.official or call.official or ""
    composition.require_known(case.composition, [official], [])
    clause = case.kind.notice.clause if case.kind.notice else None
    meetings.may_ask(case.composition, call.official, official, case.today, clause)
    answer = Acknowledgement(official, body.coming, body.note, case.meeting.round, case.act(body.occurred_at))
    invitation.acknowledge(case.meeting, case.kind, case.composition, answer)
    await call.session.flush()
    return case.meeting


def _require_organiser(case: MeetingCase, act: Text) -> None:
    organised_by = case.meeting.organised_by
    meetings.require_organiser(case.kind, case.composition, case.call.official, organised_by, case.today, act)
