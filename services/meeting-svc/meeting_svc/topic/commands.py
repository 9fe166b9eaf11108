"""Commands on topics, one function each."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from uuid_utils.compat import uuid7

from meeting_svc.decision.decision import NOT_IN_FORCE, Decision
from meeting_svc.meeting.case import entrusted_chairs
from meeting_svc.meeting.chairing import require_entrusted
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import form, readiness, transitions
from meeting_svc.topic import papers as papers_
from meeting_svc.topic import topic as topics
from meeting_svc.topic.case import kept, locked, received, require_sponsor, rules_of
from meeting_svc.topic.files import papers_of
from meeting_svc.topic.form import Signature
from meeting_svc.topic.schemas import (
    AddPaper,
    AdmitLate,
    ConcernOrganisations,
    Coordinate,
    NamePriorMeeting,
    RecordGate,
    ResubmitTopic,
    SignTopicForm,
    StateUrgency,
    SubmitTopic,
    TakePosition,
    TurnTopic,
    WriteCoordinationNote,
)
from meeting_svc.topic.table import topic as topic_table
from meeting_svc.topic.topic import OF_A_TOPIC, PriorMeeting, Topic
from zhengling.authority import consultation as consultations
from zhengling.authority.chain import Attempt
from zhengling.authority.composition import Composition, Permission, RoleContext, require_organisations
from zhengling.authority.consultation import Coordination, CoordinationNote, Position, Stance
from zhengling.authority.schemas import TakeStep
from zhengling.authority.waivers import Breach, Waiving
from zhengling.database.session import load
from zhengling.dates.deadlines import compute
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules import gates
from zhengling.rules.absences import Power
from zhengling.rules.chains import Actor, StepName, actors_of
from zhengling.rules.conditions import matches
from zhengling.rules.gates import GateRecord
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Confirmation, Role, in_chinese
from zhengling.web.call import Call


async def submit_topic(call: Call, body: SubmitTopic) -> Topic:
    """Submit a topic with its papers. By the leader who raises it, or an official of the sponsor."""
    book, composition = call.rulebook, await compositions.current(call.session)
    kind = book.kind(body.meeting_kind)
    occurred_at = received(call, composition, body.occurred_at)
    require_organisations(composition, [body.sponsor, *body.concerned])
    topics.require_raiser(composition, call.official, body.raised_by, body.sponsor, shanghai_day(call.now))
    topic = Topic(
        id=str(uuid7()),
        government=call.government,
        edition=book.edition,
        meeting_kind=body.meeting_kind,
        title=body.title,
        sponsor=body.sponsor,
        raised_by=body.raised_by,
        nature=body.nature,
        matter=body.matter,
        aspects=list(dict.fromkeys(body.aspects)),
        concerned=[each for each in dict.fromkeys(body.concerned) if each != body.sponsor],
        convener=_convener(composition, kind, body.convener, shanghai_day(call.now)),
        urgency=body.urgency,
        prepares_for=body.prepares_for,
        submitted_by=call.official or "",
        submitted_at=occurred_at,
        recorded_at=call.now,
        papers=await papers_of(call, body.papers, occurred_at),
    )
    _require_lawful_declaration(call, topic, kind)
    topics.settle(topic, kind)
    call.session.add(topic)
    return await kept(call, topic)


def _convener(composition: Composition, kind: MeetingKind, convener: str | None, on: date) -> str | None:
    """The intended chair, where the chain of topics has a step of the chair; else None. 422 `convener_missing`,
    `not_a_convener`."""
    if not declarations.chair_takes_part(kind):
        return None
    if convener is None:
        raise invalid(
            "convener_missing",
            f"{kind.name}: the chair decides on its topics; name the intended chair",
            f"{kind.name}的议题由会议主持人确定，请填写拟主持人",
        )
    may = composition.members([actor.role for actor in kind.chair if actor.role != Role.deputy_in_charge], on)
    if any(actor.role == Role.deputy_in_charge for actor in kind.chair):
        may = tuple(dict.fromkeys([*may, *composition.members([Role.deputies], on)]))
    if convener not in may:
        names = composition.names(may)
        raise invalid(
            "not_a_convener",
            f"{convener} may not chair {kind.name}; the chair is one of: {', '.join(names)}",
            f"{kind.name}可由{'、'.join(names)}主持",
        )
    return convener


async def add_paper(call: Call, topic_id: str, body: AddPaper) -> Topic:
    """Add a paper, or a new version of one. By the sponsor or the office. Steps that approved papers are taken again."""
    topic, kind, composition = await locked(call, topic_id)
    require_sponsor(call, composition, topic, Text("add a paper", "补充材料"), Role.office)
    (paper,) = await papers_of(call, [body], received(call, composition, body.occurred_at))
    papers_.change_papers(topic, kind, paper, body.replaces, call.now)
    papers_.require_papers(kind, topic.current_papers, topic.facts)
    return await kept(call, topic)


async def concern_organisations(call: Call, topic_id: str, body: ConcernOrganisations) -> Topic:
    """Add organisations concerned by the topic; each is asked for its position. By the sponsor or the office."""
    topic, _, composition = await locked(call, topic_id)
    require_sponsor(call, composition, topic, Text("name whom it concerns", "确定征求意见单位"), Role.office)
    topics.require_state(topic, *topics.BEFORE_AN_AGENDA)
    require_organisations(composition, body.organisations)
    added = [each for each in body.organisations if each != topic.sponsor]
    transitions.concern(topic, added, call.official or "", call.now)
    return await kept(call, topic)


async def take_position(call: Call, topic_id: str, body: TakePosition) -> Topic:
    """Record the position of an organisation concerned. By an official of that organisation."""
    topic, _, composition = await locked(call, topic_id)
    composition.require(
        call.official,
        shanghai_day(call.now),
        Permission(
            (Actor(role=Role.sponsor),),
            Text(f"speak for {body.organisation}", "代表该单位提出意见"),
            code="not_of_the_organisation",
            clause=None,
            context=RoleContext(sponsor=body.organisation),
        ),
    )
    topics.require_state(topic, *topics.BEFORE_AN_AGENDA)
    if body.organisation not in topic.concerned:
        raise invalid(
            "not_concerned", f"{body.organisation} isn't among the organisations consulted", "该单位不在征求意见范围内"
        )
    if body.stance != Stance.agrees and len(body.grounds) < 2:
        raise invalid(
            "grounds_missing", f"the position {body.stance} requires grounds", "提出不同意见或修改意见须说明理据"
        )
    position = Position(
        body.organisation, body.stance, body.grounds, call.official or "", call.occurred(body.occurred_at), call.now
    )
    topic.positions = appended(topic.positions, position, bound=OF_A_TOPIC)
    return await kept(call, topic)


async def write_coordination_note(call: Call, topic_id: str, body: WriteCoordinationNote) -> Topic:
    """Record each side's grounds, including the sponsor's, and a preferred opinion. By the sponsor."""
    topic, _, composition = await locked(call, topic_id)
    require_sponsor(call, composition, topic, Text("write the coordination note", "提出协调说明"))
    topics.require_state(topic, *topics.BEFORE_AN_AGENDA)
    require_organisations(composition, list(body.grounds))
    note = CoordinationNote(
        dict(body.grounds), body.preferred, call.official or "", call.occurred(body.occurred_at), call.now
    )
    rules = rules_of(call, topic).consultation
    if rules and rules.disagreement:
        sides = consultations.sides(topic.sponsor, topic.concerned, topic.current_positions)
        consultations.require_each_side(rules.disagreement.clause, note, sides, composition.organisation_names)
    if topic.coordination_note:
        topic.earlier_notes = appended(topic.earlier_notes, topic.coordination_note, bound=OF_A_TOPIC)
    topic.coordination_note = note
    return await kept(call, topic)


async def coordinate(call: Call, topic_id: str, body: Coordinate) -> Topic:
    """Record that a disagreement was coordinated or decided. By the roles that the rulebook names; the sponsor's note
    has to be complete first."""
    topic, _, composition = await locked(call, topic_id)
    rules = rules_of(call, topic).consultation
    if rules is None or rules.disagreement is None:
        raise refusal(
            "not_regulated",
            rules.clause if rules else None,
            "the rules name nobody who coordinates a disagreement",
            "本级规则未规定不同意见的协调程序",
            Text("the positions go to the meeting unchanged", "各方意见如实提交会议"),
        )
    acting = composition.require(
        call.official,
        shanghai_day(call.now),
        Permission(
            actors_of((*rules.disagreement.coordinate, *rules.disagreement.decide)),
            Text("coordinate a disagreement", "协调不同意见"),
            code="not_the_coordinator",
            clause=rules.disagreement.clause,
            context=RoleContext(sponsor=topic.sponsor),
        ),
    )
    topics.require_state(topic, *topics.BEFORE_AN_AGENDA)
    consultations.require_note(
        rules,
        topic.coordination_note,
        consultations.sides(topic.sponsor, topic.concerned, topic.current_positions),
        composition.organisation_names,
    )
    result = Coordination(
        body.agreed,
        body.opinion,
        call.official or "",
        acting.role,
        acting.role in rules.disagreement.decide,
        call.occurred(body.occurred_at),
        call.now,
    )
    topic.coordinations = appended(topic.coordinations, result, bound=OF_A_TOPIC)
    call.audit_details.update(acting.behalf)
    return await kept(call, topic)


async def record_gate(call: Call, topic_id: str, body: RecordGate) -> Topic:
    """Record the result of a gate before the topic is on an agenda; a gate that blocks the issue, or is only tracked,
    also later. By who carries the check out, whom the rulebook names, or the office from its paper; that it wasn't passed,
    also by the sponsor."""
    topic, _, composition = await locked(call, topic_id)
    applying = [each for each in declarations.applying_gates(topic, rules_of(call, topic)) if each.gate == body.gate]
    declarations.require_applies(topic, rules_of(call, topic), body.gate)
    recorders = gates.recorders(applying, topic.current_gates, passed=body.passed)
    acting = composition.require(
        call.official,
        shanghai_day(call.now),
        Permission(
            actors_of(recorders.roles),
            Text(f"record {body.gate}", f"登记“{in_chinese(body.gate)}”"),
            code="not_the_recorder",
            clause=applying[0].clause if applying else None,
            context=RoleContext(sponsor=topic.sponsor),
            besides=Text(
                "who carried the check out records it, or the office from its paper",
                "由实际办理的单位登记，或由办公室依据书面材料登记",
            ),
        ),
    )
    if not any(each.blocks in declarations.AFTER_THE_MEETING for each in applying):
        topics.require_state(topic, *topics.BEFORE_AN_AGENDA)
    confirmation = recorders.confirmation(acting.role)
    if body.passed and confirmation == Confirmation.from_paper and not body.reference:
        raise invalid(
            "reference_missing",
            f"the office records {body.gate} from a paper: name it in reference",
            f"办公室依据书面材料登记“{in_chinese(body.gate)}”的，须填写文号或材料名称",
        )
    record = GateRecord(
        gate=body.gate,
        passed=body.passed,
        carried_out_by=body.carried_out_by,
        reference=body.reference,
        recorded_by=call.official or "",
        occurred_at=call.occurred(body.occurred_at),
        recorded_at=call.now,
        criteria=tuple(body.criteria),
        forms=tuple(body.forms),
        opinion=body.opinion,
        confirmation=confirmation,
    )
    topic.gates = appended(topic.gates, record, bound=OF_A_TOPIC)
    call.audit_details.update({"gate": body.gate, "confirmation": confirmation} | acting.behalf)
    return await kept(call, topic)


async def sign_topic_form(call: Call, topic_id: str, body: SignTopicForm) -> Topic:
    """Sign the topic form for an organisation. By its principal, once all organisations concerned agree."""
    topic, kind, composition = await locked(call, topic_id)
    names, rules = composition.organisation_names, rules_of(call, topic)
    clause = kind.topic_form.clause if kind.topic_form else None
    require_organisations(composition, [body.organisation])
    acting = composition.require(
        call.official,
        shanghai_day(call.now),
        Permission(
            (Actor(role=Role.principal),),
            Text(f"sign the topic form for {names[body.organisation]}", "在议题提报单上签字"),
            code="not_the_principal",
            clause=clause,
            power=Power.sign,
            context=RoleContext(sponsor=body.organisation),
        ),
    )
    topics.require_state(topic, *topics.BEFORE_AN_AGENDA)
    if body.organisation not in form.signatories(topic.sponsor, topic.concerned):
        raise invalid(
            "not_concerned",
            f"{body.organisation} isn't a signatory of this topic form",
            "该单位无需在本议题提报单上签字",
        )
    consultations.require_consulted(clause or kind.clause, topic.concerned, topic.current_positions, names)
    consultations.require_settled(
        rules.consultation, topic.concerned, topic.current_positions, topic.coordinations, names
    )
    signature = Signature(
        body.organisation,
        call.official or "",
        call.occurred(body.occurred_at),
        call.now,
        acting.on_behalf_of,
        acting.clause,
    )
    others = [each for each in topic.signatures if each.organisation != body.organisation]
    topic.signatures = [*others, signature]
    call.audit_details.update(acting.behalf)
    return await kept(call, topic)


async def name_prior_meeting(call: Call, topic_id: str, body: NamePriorMeeting) -> Topic:
    """Name the decision of an earlier meeting that reached consensus or a workable plan. By the sponsor or the office."""
    topic, kind, composition = await locked(call, topic_id)
    require_sponsor(call, composition, topic, Text("name the earlier meeting", "登记专题会议"), Role.office)
    topics.require_state(topic, *topics.BEFORE_AN_AGENDA)
    decision = await load(call.session, Decision, body.decision_id, "decision", "决定事项")
    meeting = await load(call.session, Meeting, decision.meeting_id, "meeting", "会议")
    if short := await _unfit(call, topic, kind, decision, meeting, composition):
        raise refusal(
            "not_a_prior_meeting",
            kind.prior_meeting.clause if kind.prior_meeting else None,
            f"decision {decision.id}: {short.en}",
            f"该决定事项{short.zh}",
            Text(
                f"name a decision on this matter, passed by a {kind.prior_meeting.kind if kind.prior_meeting else 'prior'} "
                "meeting whose minutes are signed",
                "请登记已签发纪要的专题会议就本议题通过的事项",
            ),
        )
    topic.prior_meeting = PriorMeeting(decision.id, meeting.id, call.official or "", call.now)
    return await kept(call, topic)


async def _unfit(
    call: Call, topic: Topic, kind: MeetingKind, decision: Decision, meeting: Meeting, composition: Composition
) -> Text | None:
    """Why the decision doesn't count as consensus of an earlier meeting on this topic; None where it counts."""
    if kind.prior_meeting is None or meeting.kind != kind.prior_meeting.kind:
        return Text("was taken by another kind of meeting", "不属于所要求类别的会议")
    if not decision.resolution.outcome.adopts or decision.standing in NOT_IN_FORCE:
        return Text("isn't in force: not passed, minutes not signed, or revoked", "未通过、未签发或已撤销")
    if decision.resolution.sponsor.code != topic.sponsor:
        return Text("is on a topic of another sponsor", "不是由本议题主办部门提出")
    in_charge = composition.holders(Role.deputy_in_charge, meeting.day, context=RoleContext(sponsor=topic.sponsor))
    if meeting.chair not in in_charge:
        return Text("was taken at a meeting not chaired by the deputy in charge", "不是由分管领导主持形成")
    if await _named_elsewhere(call, topic, decision.id):
        return Text("is already named on another topic", "已用于其他议题")
    return None


async def _named_elsewhere(call: Call, topic: Topic, decision_id: str) -> bool:
    used = sa.select(topic_table.c.id).where(
        sa.type_coerce(topic_table.c.prior_meeting, JSONB)["decision_id"].astext == decision_id,
        topic_table.c.id != topic.id,
    )
    return (await call.session.execute(used.limit(1))).first() is not None


async def take_topic_step(call: Call, topic_id: str, body: TakeStep) -> Topic:
    """Take the next step of the topic's chain, once its papers and gates are complete. By the step's actor."""
    topic, kind, composition = await locked(call, topic_id)
    course = topics.course_of(topic, kind)
    course.require_part(call.official, shanghai_day(call.now), composition)
    topics.require_state(topic, topics.TopicState.in_review, topics.TopicState.ready)
    attempt = Attempt(body.step, call.official, call.occurred(body.occurred_at), call.now, body.opinion)
    taken = course.take(attempt, composition)
    if taken.role == Role.chair:
        entrusted = (topic.meeting_kind, topic.convener) in await entrusted_chairs(call)
        chair = taken.on_behalf_of or taken.official
        require_entrusted(kind, composition, chair, shanghai_day(call.now), [topic.sponsor], entrusted=entrusted)
    readiness.require_complete(topic, kind, rules_of(call, topic), composition.organisation_names)
    if body.step == StepName.decide:
        readiness.require_prior_meeting(topic, kind)
    topics.advance(topic, kind, taken)
    call.audit_details.update(taken.behalf)
    return await kept(call, topic)


async def return_topic(call: Call, topic_id: str, body: TurnTopic) -> Topic:
    """Return the topic to its sponsor, with a reason. By the actor of the next step, or the office."""
    topic, kind, composition = await locked(call, topic_id)
    due = topics.course_of(topic, kind).next()
    actors = (*(due.actors if due else ()), Actor(role=Role.office))
    composition.require(
        call.official,
        shanghai_day(call.now),
        Permission(
            tuple(actor for actor in actors if matches(actor.when, topic.facts)),
            Text("return the topic", "退回议题"),
            code="not_the_actor",
            clause=due.clause if due else kind.topic.clause,
            facts=topic.facts,
            context=RoleContext(sponsor=topic.sponsor, chair=topic.convener),
        ),
    )
    transitions.send_back(topic, call.official or "", body.reason, call.occurred(body.occurred_at), call.now)
    call.audit_details.update(reason=body.reason)
    return await kept(call, topic)


async def withdraw_topic(call: Call, topic_id: str, body: TurnTopic) -> Topic:
    """Withdraw the topic, with a reason. By the sponsor or the leader who raised it."""
    topic, _, composition = await locked(call, topic_id)
    require_sponsor(call, composition, topic, Text("withdraw the topic", "撤回议题"))
    transitions.withdraw(topic, call.official or "", body.reason, call.occurred(body.occurred_at), call.now)
    call.audit_details.update(reason=body.reason)
    return await kept(call, topic)


async def resubmit_topic(call: Call, topic_id: str, body: ResubmitTopic) -> Topic:
    """Submit a returned or withdrawn topic again, with a changed declaration if given. By the sponsor or the leader who
    raised it."""
    topic, kind, composition = await locked(call, topic_id)
    require_sponsor(call, composition, topic, Text("submit the topic again", "重新提交议题"), Role.office)
    changes = _changes(topic, body)
    require_organisations(composition, changes.get("concerned", []))
    if declarations.dropped(topic, changes):
        composition.require(
            call.official,
            shanghai_day(call.now),
            Permission(
                (Actor(role=Role.office),),
                Text("remove a declared aspect or an organisation concerned", "减少已申报的事项属性或征求意见单位"),
                code="not_the_office",
                clause=None,
            ),
        )
    came_in = received(call, composition, body.occurred_at)
    transitions.resubmit(topic, changes, call.official or "", body.reason, came_in, call.now)
    _require_lawful_declaration(call, topic, kind)
    topics.settle(topic, kind)
    return await kept(call, topic)


def _changes(topic: Topic, body: ResubmitTopic) -> dict[str, Any]:
    """The changed fields of the declaration: null clears `matter` or `prepares_for`, and leaves other fields unchanged."""
    given = body.model_dump(include=set(declarations.DECLARED) & body.model_fields_set)
    changes = {name: value for name, value in given.items() if value is not None or name in ("matter", "prepares_for")}
    if "concerned" in changes:
        changes["concerned"] = [each for each in dict.fromkeys(changes["concerned"]) if each != topic.sponsor]
    if "aspects" in changes:
        changes["aspects"] = list(dict.fromkeys(changes["aspects"]))
    return changes


def _require_lawful_declaration(call: Call, topic: Topic, kind: MeetingKind) -> None:
    """Refusals and problems: an unknown kind of meeting, `outside_the_competence`, `papers_missing`, `reserved_matter`."""
    book = call.service.rulebooks.edition(call.government, topic.edition)
    if topic.prepares_for is not None:
        book.kind(topic.prepares_for)
    declarations.require_matter(kind, topic.matter)
    papers_.require_papers(kind, topic.current_papers, topic.facts)
    declarations.require_not_reserved(topic, book.topics, {name: each.name for name, each in book.meetings.items()})


async def state_urgency(call: Call, topic_id: str, body: StateUrgency) -> Topic:
    """State that a topic not yet on an agenda is specially urgent. By the sponsor; its chain is taken again."""
    topic, kind, composition = await locked(call, topic_id)
    require_sponsor(call, composition, topic, Text("state its urgency", "说明紧急理由"))
    occurred_at = call.occurred(body.occurred_at)
    transitions.state_urgency(topic, kind, body.urgency, call.official or "", occurred_at, call.now)
    call.audit_details.update(reason=body.urgency)
    return await kept(call, topic)


async def admit_late_topic(call: Call, topic_id: str, body: AdmitLate) -> Topic:
    """Admit late papers for one meeting, with a reason. By the roles that approve additions to an agenda."""
    topic, kind, composition = await locked(call, topic_id)
    meeting = await load(call.session, Meeting, body.meeting_id, "meeting", "会议")
    breach = await late_papers(call, topic, kind, meeting.id, meeting.day)
    waiving = Waiving(papers_.PaperRule.in_time, call.official, body.reason, call.occurred(body.occurred_at), call.now)
    papers_.admit_late(topic, kind, composition, meeting.id, breach, waiving)
    call.audit_details.update(reason=body.reason, covers=breach.covers if breach else ())
    return await kept(call, topic)


async def late_papers(call: Call, topic: Topic, kind: MeetingKind, meeting_id: str, day: date) -> Breach | None:
    """The breach by papers that came late for a meeting on that day."""
    papers = kind.papers
    if papers is None or papers.deadline is None or not matches(papers.deadline_when, topic.facts):
        return None
    calendar = await calendars.current(call.session)
    book = call.service.rulebooks.edition(call.government, topic.edition)
    due = compute(papers.deadline, book.deadline(papers.deadline), day, calendar)
    submitted = shanghai_day(papers_.came_in(topic, kind))
    return papers_.late_papers(
        topic, kind, meeting_id, due, submitted, papers_.working_days_late(due, submitted, calendar)
    )


async def require_in_time(call: Call, topic: Topic, meeting_id: str, kind: MeetingKind, day: date) -> None:
    """Refusal `papers_late` where a scheduled topic's papers came too late for the meeting's new day."""
    papers_.require_in_time(topic, await late_papers(call, topic, kind, meeting_id, day))
