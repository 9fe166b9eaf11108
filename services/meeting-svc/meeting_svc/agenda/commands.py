"""Commands on agendas, one function each."""

from __future__ import annotations

from datetime import datetime

from meeting_svc.agenda import agenda as agendas
from meeting_svc.agenda.schemas import AddLater, AddToAgenda, OrderAgenda, RemoveFromAgenda
from meeting_svc.decision.decision import Decision, Standing
from meeting_svc.meeting import chairing
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.case import MeetingCase, meeting_case, require_part, step_of_meeting
from meeting_svc.meeting.chairing import planned_chair
from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.meeting.record import AgendaCause, AgendaItem
from meeting_svc.topic import readiness, transitions
from meeting_svc.topic import topic as topics
from meeting_svc.topic.case import rules_of
from meeting_svc.topic.commands import late_papers
from meeting_svc.topic.topic import Topic
from zhengling.authority.chain import StepTaken
from zhengling.authority.composition import Composition
from zhengling.authority.schemas import TakeStep
from zhengling.database.session import load, lock
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.rules.meetings import MeetingKind
from zhengling.web.call import Call

_ARRANGE = Text("arrange the agenda", "安排议程")


async def add_to_agenda(call: Call, meeting_id: str, body: AddToAgenda) -> Meeting:
    """Put a topic on an agenda that isn't approved yet. By the meeting's organiser. Late papers are refused unless they
    were admitted."""
    case = await meeting_case(call, meeting_id)
    topic = await lock(call.session, Topic, body.topic_id, "topic", "议题")
    _require_organiser(case)
    chair = chairing.planned_chair(case.meeting, case.kind, case.composition)
    agendas.require_unapproved(case.meeting, case.kind, case.composition, chair)
    agendas.add(case.meeting, topic, body.position)
    await _schedule(case, topic)
    await call.session.flush()
    return case.meeting


async def add_later(call: Call, meeting_id: str, body: AddLater) -> Meeting:
    """Add a topic to an approved agenda, with a reason, as its next version. By the agenda's approver."""
    case = await meeting_case(call, meeting_id)
    topic = await lock(call.session, Topic, body.topic_id, "topic", "议题")
    approved = _approval(case, body.occurred_at)
    items = agendas.insert(case.meeting, topic, body.position)
    await _schedule(case, topic)
    _change(case, items, AgendaCause.addition, body.reason, approved)
    await call.session.flush()
    return case.meeting


async def remove_from_agenda(call: Call, meeting_id: str, body: RemoveFromAgenda) -> Meeting:
    """Take a topic off the agenda, with a reason; it is then ready for another meeting. By the meeting's organiser;
    from an approved agenda by its approver, as its next version."""
    case = await meeting_case(call, meeting_id)
    if case.meeting.state == MeetingState.agenda_approved:
        approved = _approval(case, body.occurred_at)
        items = agendas.without(case.meeting, body.topic_id)
        _change(case, items, AgendaCause.removal, body.reason, approved)
    else:
        _require_organiser(case)
        agendas.remove(case.meeting, body.topic_id, body.reason, case.act(body.occurred_at))
    call.audit_details.update(reason=body.reason)
    act = case.act(body.occurred_at)
    topic = await lock(call.session, Topic, body.topic_id, "topic", "议题")
    transitions.release(topic, act.official, body.reason, act.occurred_at, act.recorded_at)
    await call.session.flush()
    return case.meeting


async def order_agenda(call: Call, meeting_id: str, body: OrderAgenda) -> Meeting:
    """Put the agenda's items in the order of the rules, or in the given order. By the meeting's organiser; for an
    approved agenda by its approver, with a reason, as its next version."""
    case = await meeting_case(call, meeting_id)
    meeting = case.meeting
    rule = body.by == "rule"
    if rule and body.topics:
        raise invalid("order_given_twice", "an order by rule takes no list of topics", "按规则排序时不另列议题顺序")
    approved = None
    if meeting.state == MeetingState.agenda_approved:
        approved = _approval(case, body.occurred_at)
    else:
        _require_organiser(case)
        meetings.require_state(meeting, *meetings.PREPARED)
    items = agendas.by_rule(meeting.agenda, case.kind) if rule else agendas.by_hand(meeting.agenda, body.topics)
    if approved:
        _change(case, items, AgendaCause.reorder, body.reason, approved)
    else:
        agendas.reorder(meeting, items)
    await call.session.flush()
    return meeting


async def take_agenda_step(call: Call, meeting_id: str, body: TakeStep) -> Meeting:
    """Take the next step of the agenda's chain; the last step approves and locks it. By the step's actor."""
    case = await meeting_case(call, meeting_id)
    meeting, kind = case.meeting, case.kind
    require_part(case, kind.agenda, meeting.agenda_steps)
    meetings.require_state(meeting, MeetingState.called)
    taken = await step_of_meeting(case, kind.agenda, meeting.agenda_steps, body)
    agendas.take_step(meeting, kind, taken)
    await call.session.flush()
    return meeting


def _require_organiser(case: MeetingCase) -> None:
    organised_by, clause = case.meeting.organised_by, case.kind.agenda.clause
    meetings.require_organiser(
        case.kind, case.composition, case.call.official, organised_by, case.today, _ARRANGE, clause
    )


async def _schedule(case: MeetingCase, topic: Topic) -> None:
    await schedule(case.call, topic, case.meeting, case.kind, case.composition)


def _approval(case: MeetingCase, stated: datetime | None) -> StepTaken:
    approved = agendas.require_approver(
        case.meeting,
        case.kind,
        case.composition,
        case.call.official,
        case.call.occurred(stated),
        case.call.now,
        case.today,
        chair=chairing.planned_chair(case.meeting, case.kind, case.composition),
    )
    case.call.audit_details.update(approved.behalf)
    return approved


def _change(case: MeetingCase, items: list[AgendaItem], cause: AgendaCause, reason: str, approved: StepTaken) -> None:
    agendas.change(case.meeting, case.kind, items, cause, reason, approved)
    case.call.audit_details.update(reason=reason, agenda_version=len(case.meeting.agenda_versions))


async def schedule(call: Call, topic: Topic, meeting: Meeting, kind: MeetingKind, composition: Composition) -> None:
    """Put a locked topic on the agenda of a locked meeting. Refusals: everything that the topic lacks for this
    meeting."""
    late = await late_papers(call, topic, kind, meeting.id, meeting.day)
    topics.require_ready(topic, kind)
    readiness.require_may_be_scheduled(topic, kind, rules_of(call, topic), composition.organisation_names)
    _require_its_convener(topic, meeting, kind, composition)
    if topic.prior_meeting:
        decision = await load(call.session, Decision, topic.prior_meeting.decision_id, "decision", "决定事项")
        if decision.standing == Standing.revoked:
            topic.prior_meeting = None
            readiness.require_prior_meeting(topic, kind)
    readiness.schedule(topic, kind, meeting.id, late)


def _require_its_convener(topic: Topic, meeting: Meeting, kind: MeetingKind, composition: Composition) -> None:
    """Refusal `another_convener` unless the leader who approved the topic as its chair chairs this meeting."""
    chair = planned_chair(meeting, kind, composition)
    if topic.convener is None or chair in (None, topic.convener):
        return
    name = composition.official_names[topic.convener]
    raise refusal(
        "another_convener",
        kind.topic.clause,
        f"{name} approved this topic as its chair, but doesn't chair this meeting",
        f"本议题由{name}作为主持人确定，本次会议并非由其主持",
        Text(
            "put it on the agenda of a meeting with that chair, or submit it again",
            "请列入由其主持的会议，或重新提交议题",
        ),
    )
