"""Random actions of a government's officials on topics and meetings: mostly the next step by the rulebook, sometimes any
command. This module only draws; `lawful` decides what is lawful."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple

from pydantic import BaseModel

from meeting_svc.agenda import commands as agenda_commands
from meeting_svc.agenda.schemas import AddLater, AddToAgenda, OrderAgenda, RemoveFromAgenda
from meeting_svc.attendance import commands as attendance_commands
from meeting_svc.attendance.schemas import ApproveStaff, RecordMovement
from meeting_svc.convening import commands as meeting_commands
from meeting_svc.convening.schemas import CallMeeting, CancelMeeting, Entrust, Postpone
from meeting_svc.decision.decision import Decision
from meeting_svc.invitation import commands as invitation_commands
from meeting_svc.invitation.schemas import Acknowledge, GiveConsent, ProposeInvitees, SendNotice, WithdrawInvitee
from meeting_svc.leave import commands as leave_commands
from meeting_svc.leave.schemas import AnswerRequest, AskLeave, SendDelegate, WithdrawLeave
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.minutes import commands as minutes_commands
from meeting_svc.minutes.schemas import CorrectMinutes, DraftMinutes, ReturnMinutes, WaiveMinutes
from meeting_svc.planning_request.planning_request import PlanningRequest, RequestState
from meeting_svc.resolution import commands as resolution_commands
from meeting_svc.resolution.schemas import RecordDecision
from meeting_svc.session import commands as session_commands
from meeting_svc.session.schemas import CloseSession, DeclareDevices, HandOutPapers, HandOver, OpenSession, ReturnPapers
from meeting_svc.topic import commands as topic_commands
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
from meeting_svc.topic.topic import Topic
from tests.meeting.in_memory import Command, Rows, versions
from tests.meeting.lawful import SHANGHAI, Law, asked, day_of, facts_of, holds, of_its_text
from zhengling.authority.absence import Absent, StandIn
from zhengling.authority.schemas import TakeStep
from zhengling.rules.absences import AbsenceKind, Basis, Power
from zhengling.rules.chains import StepName
from zhengling.rules.planning import NameOf
from zhengling.rules.vocabulary import (
    Aspect,
    Criterion,
    Gate,
    HearingForm,
    LeaveReason,
    Outcome,
    PaperKind,
    TopicNature,
)


class Move(NamedTuple):
    """A command that an official gives."""

    command: Command
    official: str | None
    given: tuple[Any, ...]

    def __repr__(self) -> str:
        payload = [each.model_dump(mode="json", exclude_defaults=True) if isinstance(each, BaseModel) else each[-4:]
                for each in self.given]  # fmt: skip
        return f"{self.command.__name__} {payload}"


REASON = "因故"
BEFORE_AN_AGENDA = ("in_review", "returned", "withdrawn", "ready")
PREPARED = ("called", "agenda_approved")


class Clerks:
    """`kind` is the meeting that this government is busy with."""

    def __init__(self, rows: Rows, law: Law, kind: str) -> None:
        self.rows, self.law, self.kind, self.book = rows, law, kind, law.book
        earlier = self.book.meetings[kind].prior_meeting
        self.kinds = [kind, *([earlier.kind] if earlier else [])]
        self.officials = [official.id for official in rows.people.officials]
        with_people = {post.organisation for post in rows.people.posts if post.role == "principal"}
        led = {unit for portfolio in rows.people.portfolios for unit in portfolio.organisations}
        self.units = [o.code for o in rows.people.organisations if o.code in with_people & led]
        touched = [a for rule in self.book.topics.gates for a in rule.any_of] + ["normative_document", "personnel"]
        self.aspects = sorted({Aspect(each) for each in touched})
        self.numbers = count(1)

    # who --------------------------------------------------------------------------------------------------------------
    @property
    def today(self) -> Any:
        return day_of(self.rows.now)

    def one(self, r: Random, found: list[str]) -> str | None:
        return r.choice(found) if found else None

    def of(self, r: Random, roles: Any, unit: str | None = None, chair: str | None = None) -> str | None:
        """Somebody who holds one of these roles today."""
        return self.one(r, [each for role in roles for each in self.law.holders(role, self.today, unit, chair)])

    def office(self, r: Random) -> str | None:
        return self.of(r, ["office"])

    def organiser(self, r: Random, meeting: Meeting) -> str | None:
        return self.of(r, self.book.meetings[meeting.kind].organiser, meeting.organised_by)

    # topics -----------------------------------------------------------------------------------------------------------
    def submit(
        self, r: Random, kind_name: str, unit: str | None = None, convener: str | None = None, nature: str | None = None
    ) -> Move:
        kind = self.book.meetings[kind_name]
        unit = unit or r.choice(self.units)
        raised_by = "head" if kind.prior_meeting and r.random() < 0.3 else "department"
        raised_by = r.choice([raised_by, raised_by, raised_by, "deputy"])
        raiser = {"head": ["head"], "deputy": ["deputies"], "department": ["sponsor"]}[raised_by]
        aspects = r.sample(self.aspects, r.choice([0, 0, 0, 1, 1, 2]))
        reserved = [rule for rule in self.book.topics.reserved if set(rule.any_of) & set(aspects)]
        elsewhere = [rule.kinds[-1] for rule in reserved if kind_name not in rule.kinds]
        nature = nature or ("deliberation" if r.random() < 0.8 else r.choice(list(TopicNature)))
        chairs = any(actor.role == "chair" for step in kind.topic.steps for actor in step.by)
        body = SubmitTopic(
            title=f"议题{next(self.numbers)}",
            meeting_kind=kind_name,
            sponsor=unit,
            raised_by=raised_by,
            nature=nature,
            matter=r.choice(kind.competence).id if kind.competence else None,
            aspects=aspects,
            concerned=r.sample(self.units, r.choice([0, 0, 1, 2])),
            convener=(convener or self.convener(r, kind, unit)) if chairs else None,
            urgency=r.choice(["", "", "紧急"]),
            prepares_for=elsewhere[0] if elsewhere else None,
        )
        facts = facts_of(body)
        body.papers = [
            AddPaper(kind=wanted.paper, title="材料", parts=list(wanted.parts))
            for wanted in (kind.papers.required if kind.papers else ())
            if holds(wanted.when, facts)
        ]
        return Move(topic_commands.submit_topic, self.of(r, raiser, unit), (body,))

    def convener(self, r: Random, kind: Any, unit: str | None) -> str | None:
        """Who is to chair: by post where that names somebody, else whoever could be entrusted."""
        by_post = [h for a in kind.chair if not a.when for h in self.law.holders(a.role, self.today, unit)]
        return self.one(r, by_post) or self.of(r, [a.role for a in kind.chair], unit)

    def topic_goes_on(self, r: Random, topic: Topic) -> Move | None:
        """What this topic needs next."""
        kind, facts = self.book.meetings[topic.meeting_kind], facts_of(topic)
        if topic.state in ("returned", "withdrawn"):
            return self._topic(topic_commands.resubmit_topic, r, topic, ResubmitTopic(reason=REASON))
        if topic.state not in ("in_review", "ready"):
            return None
        if open_gate := self._open_gate(r, topic):
            return open_gate
        if move := self._consult(r, topic):
            return move
        if kind.topic_form and holds(kind.topic_form.when, facts):
            signed = [each.organisation for each in topic.signatures]
            for unit in [topic.sponsor, *topic.concerned]:
                if unit not in signed:
                    body = SignTopicForm(organisation=unit)
                    return Move(topic_commands.sign_topic_form, self.of(r, ["principal"], unit), (topic.id, body))
        if kind.prior_meeting and holds(kind.prior_meeting.when, facts) and not topic.prior_meeting:
            return self._prior_meeting(r, topic, kind)
        return self._topic_step(r, topic)

    def _topic_step(self, r: Random, topic: Topic) -> Move | None:
        wanted, facts = asked(self.book.meetings[topic.meeting_kind].topic, facts_of(topic)), facts_of(topic)
        if len(topic.steps) == len(wanted):
            return None
        step = wanted[len(topic.steps)]
        who = self.of(r, [a.role for a in step.by if holds(a.when, facts)], topic.sponsor, topic.convener)
        return Move(topic_commands.take_topic_step, who, (topic.id, TakeStep(step=step.step)))

    def _topic(self, command: Command, r: Random, topic: Topic, body: Any) -> Move:
        """Something that the sponsor does."""
        return Move(command, self.of(r, ["sponsor"], topic.sponsor), (topic.id, body))

    def _open_gate(self, r: Random, topic: Topic) -> Move | None:
        for rule in self.book.topics.gates:
            records = [record for record in of_its_text(topic, topic.gates) if record.gate == rule.gate]
            last = records[-1] if records else None
            done = last and last.passed and set(rule.criteria) <= set(last.criteria) and len(last.forms) >= rule.forms
            if self._applies(rule, topic) and rule.blocks in ("completeness", "scheduling") and not done:
                return self.gate(r, topic, rule.gate, passed=True)
        return None

    def _applies(self, rule: Any, topic: Topic) -> bool:
        touched = set(rule.any_of) & set(topic.aspects) and holds(rule.when, facts_of(topic))
        return bool(touched and (not rule.kinds or topic.meeting_kind in rule.kinds))

    def gate(self, r: Random, topic: Topic, gate: Gate, *, passed: bool) -> Move:
        rules = [rule for rule in self.book.topics.gates if rule.gate == gate]
        asked = [rule for rule in rules if self._applies(rule, topic)]
        before = [record.passed for record in of_its_text(topic, topic.gates) if record.gate == gate]
        roles = ["office", *(role for rule in asked for role in rule.carried_out_by)]
        if not passed:
            roles.append("sponsor")
        elif before and not before[-1]:
            roles = [role for role in roles if role != "principal"]
        forms = [f for f in HearingForm if all(not rule.form_among or f in rule.form_among for rule in rules)]
        body = RecordGate(gate=gate, passed=passed, carried_out_by="司法局", reference="1号", criteria=list(Criterion),
                          forms=forms)  # fmt: skip
        return Move(topic_commands.record_gate, self.of(r, roles, topic.sponsor), (topic.id, body))

    def _consult(self, r: Random, topic: Topic) -> Move | None:
        said = {each.organisation: each for each in of_its_text(topic, topic.positions)}
        for unit in topic.concerned:
            if unit not in said:
                return self.position(r, topic, unit, "objects" if r.random() < 0.2 else "agrees")
        rule = self.book.topics.consultation
        against = [said[unit] for unit in topic.concerned if said[unit].stance == "objects"]
        if rule is None or rule.disagreement is None or not against:
            return None
        last = topic.coordinations[-1] if topic.coordinations else None
        decided = last and (last.agreed or last.role in rule.disagreement.decide)
        if last and decided and last.recorded_at >= max(each.recorded_at for each in against):
            return None
        note, sides = topic.coordination_note, [topic.sponsor, *(each.organisation for each in against)]
        if note is None or not set(sides) <= set(note.grounds):
            body = WriteCoordinationNote(grounds=dict.fromkeys(sides, "理据"), preferred="倾向意见")
            return self._topic(topic_commands.write_coordination_note, r, topic, body)
        roles = [*rule.disagreement.coordinate, *rule.disagreement.decide]
        settled = Coordinate(agreed=True, opinion="一致")
        return Move(topic_commands.coordinate, self.of(r, roles, topic.sponsor), (topic.id, settled))

    def position(self, r: Random, topic: Topic, unit: str, stance: str) -> Move:
        body = TakePosition(organisation=unit, stance=stance, grounds="理据")
        return Move(topic_commands.take_position, self.of(r, ["sponsor"], unit), (topic.id, body))

    def _prior_meeting(self, r: Random, topic: Topic, kind: Any) -> Move | None:
        earlier = kind.prior_meeting.kind
        named = [each.prior_meeting.decision_id for each in self.rows.of(Topic) if each.prior_meeting]
        for decision in self.rows.of(Decision):
            held = self.rows.rows[Meeting][decision.meeting_id]
            about_it = decision.resolution.sponsor.code == topic.sponsor and decision.id not in named
            led = held.chair in self.law.holders("deputy_in_charge", held.day, topic.sponsor)
            if held.kind == earlier and decision.standing not in ("recorded", "revoked") and about_it and led:
                body = NamePriorMeeting(decision_id=decision.id)
                return self._topic(topic_commands.name_prior_meeting, r, topic, body)
        running = [m for m in self.rows.of(Meeting) if m.kind == earlier and m.state not in ("signed", "cancelled")]
        running = [m for m in running if m.organised_by == topic.sponsor]
        return self.meeting_goes_on(r, running[-1]) if running else self.call(r, earlier, topic.sponsor)

    # meetings ---------------------------------------------------------------------------------------------------------
    def call(self, r: Random, kind_name: str, of_unit: str | None = None) -> Move:
        kind = self.book.meetings[kind_name]
        ready = [each for each in self.rows.of(Topic) if each.meeting_kind == kind_name and each.state == "ready"]
        unit = of_unit or r.choice([each.sponsor for each in ready] or self.units)
        unconditional = [h for a in kind.chair if not a.when for h in self.law.holders(a.role, self.today, unit)]
        settled = len(set(unconditional)) == 1 and kind.chair[0].role not in ("deputies", "deputy_in_charge")
        conveners = [each.convener for each in ready if each.convener and each.sponsor == unit]
        convener = None if settled and not conveners else self.one(r, conveners) or self.convener(r, kind, unit)
        day = self.today + timedelta(days=r.choice([1, 4, 12, 25, 25]))
        participants = {"officials": [] if kind.members else r.sample(self.officials, 3)}
        body = CallMeeting(
            kind=kind_name,
            title=f"会议{next(self.numbers)}",
            day=day,
            convener=convener,
            organised_by=unit if "sponsor" in kind.organiser else None,
            participants=participants,
            request_id=self._request(kind.request, day) if kind.request else None,
        )
        return Move(meeting_commands.call_meeting, self.of(r, kind.organiser, body.organised_by), (body,))

    def _request(self, type_: str, day: Any) -> str:
        """An approved request to hold a meeting of this type on that day."""
        request = PlanningRequest(
            f"r{next(self.numbers)}", self.rows.government, self.book.edition, type_, "X-1", "申请", self.units[0], None,
            NameOf.government, day, None, [], [], None, "", "", "", "", self.rows.now, self.rows.now,
            state=RequestState.approved,
        )  # fmt: skip
        self.rows.add(request)
        return request.id

    def meeting_goes_on(self, r: Random, meeting: Meeting) -> Move | None:
        """What this meeting needs next."""
        match meeting.state:
            case "called":
                return self._arrange(r, meeting)
            case "agenda_approved":
                return self._prepare(r, meeting)
            case "open":
                return self._hold(r, meeting)
            case "closed" | "minuted" | "signed" | "unminuted":
                return self._minute(r, meeting)
        return None

    def chair_of(self, meeting: Meeting) -> str:
        return self.law.planned(meeting)[0]

    def _arrange(self, r: Random, meeting: Meeting) -> Move | None:
        if meeting.day < self.today:
            body = Postpone(day=self.today + timedelta(days=20), reason=REASON)
            if self.book.meetings[meeting.kind].request:
                return Move(meeting_commands.cancel_meeting, self.organiser(r, meeting), (meeting.id, CancelMeeting(
                    reason=REASON)))  # fmt: skip
            return Move(meeting_commands.postpone_meeting, self.organiser(r, meeting), (meeting.id, body))
        kind, first = self.book.meetings[meeting.kind], self.book.meetings[meeting.kind].first_topic
        if (
            first
            and first.nature in [item.nature for item in meeting.agenda[1:]]
            and (meeting.agenda[0].nature != first.nature)
        ):
            body = OrderAgenda(by="rule")
            return Move(agenda_commands.order_agenda, self.organiser(r, meeting), (meeting.id, body))
        lacks_first = bool(first) and first.nature not in [item.nature for item in meeting.agenda]
        if (
            lacks_first
            or not meeting.agenda
            or (r.random() < 0.5 and not meeting.agenda_steps and len(meeting.agenda) < 3)
        ):
            return self._find_topic(r, meeting, first.nature if first and lacks_first else None)
        return self._agenda_step(r, meeting, kind)

    def _find_topic(self, r: Random, meeting: Meeting, nature: str | None) -> Move | None:
        """Put a fitting topic on the agenda, or bring one on its way there."""
        fitting = [each for each in self.rows.of(Topic) if each.state in BEFORE_AN_AGENDA and self._fits(each, meeting)]
        fitting = [each for each in fitting if nature is None or each.nature == nature]
        for topic in fitting:
            if (move := self.topic_goes_on(r, topic)) or (move := self.add(r, topic, meeting)):
                return move
        unit, chair = meeting.organised_by, self.chair_of(meeting)
        led = [u for u in self.units if chair in self.law.holders("deputy_in_charge", self.today, u)]
        chairs = self.book.meetings[meeting.kind].chair
        if unit is None and any(actor.role == "deputy_in_charge" for actor in chairs):
            unit = self.one(r, led)
        return self.submit(r, meeting.kind, unit, chair, nature)

    def _fits(self, topic: Topic, meeting: Meeting) -> bool:
        kind, chair = self.book.meetings[meeting.kind], self.chair_of(meeting)
        if topic.meeting_kind != meeting.kind or topic.convener not in (None, chair):
            return False
        in_charge = [actor for actor in kind.chair if actor.role == "deputy_in_charge"]
        if in_charge and chair not in self.law.holders("deputy_in_charge", self.today, topic.sponsor):
            return False
        late = self.law.late_for(topic, kind, facts_of(topic), meeting.day)
        return not late or bool(kind.papers.admit_late)

    def add(self, r: Random, topic: Topic, meeting: Meeting) -> Move:
        kind = self.book.meetings[meeting.kind]
        admitted = topic.late_admission and topic.late_admission.covers[0] == meeting.id
        if self.law.late_for(topic, kind, facts_of(topic), meeting.day) and not admitted:
            body: Any = AdmitLate(meeting_id=meeting.id, reason=REASON)
            return Move(topic_commands.admit_late_topic, self.of(r, kind.papers.admit_late), (topic.id, body))
        body = AddToAgenda(topic_id=topic.id, position=r.choice([None, None, 1]))
        return Move(agenda_commands.add_to_agenda, self.organiser(r, meeting), (meeting.id, body))

    def _agenda_step(self, r: Random, meeting: Meeting, kind: Any) -> Move:
        step = asked(kind.agenda, {})[len(meeting.agenda_steps)]
        by_chair = any(actor.role == "chair" for actor in step.by)
        if by_chair and not meeting.entrustment and not self._chairs_by_post(meeting):
            return self.entrust(r, meeting, self.chair_of(meeting))
        who = self.of(r, [a.role for a in step.by], self.law.unit_of(meeting), self.chair_of(meeting))
        return Move(agenda_commands.take_agenda_step, who, (meeting.id, TakeStep(step=step.step)))

    def _prepare(self, r: Random, meeting: Meeting) -> Move | None:
        kind = self.book.meetings[meeting.kind]
        if meeting.day < self.today:
            return Move(meeting_commands.cancel_meeting, self.organiser(r, meeting), (meeting.id, CancelMeeting(
                reason=REASON)))  # fmt: skip
        if not meeting.entrustment:
            if not self._chairs_by_post(meeting):
                return self.entrust(r, meeting, self.chair_of(meeting))
            entrusted = self.of(r, [actor.role for actor in kind.chair if actor.when])
            if entrusted and r.random() < 0.2:
                return self.entrust(r, meeting, entrusted)
        if kind.invitees and not meeting.invitees and r.random() < 0.3:
            guest = ProposeInvitees(invitees=[r.choice([{"official": r.choice(self.officials)}, {"name": "特邀专家"}])])
            return Move(invitation_commands.propose_invitees, self.organiser(r, meeting), (meeting.id, guest))
        if answer := self._answer(r, meeting):
            return answer
        if kind.invitees and (waiting := [each for each in meeting.invitees if not each.approved]):
            wanted = asked(kind.invitees.steps, {})
            step = wanted[len(meeting.invitee_steps)]
            assert waiting
            who = self.of(r, [a.role for a in step.by])
            return Move(invitation_commands.take_invitee_step, who, (meeting.id, TakeStep(step=step.step)))
        if kind.outside_portfolio and not meeting.outside_consents and r.random() < 0.5:
            return Move(invitation_commands.consent_to_outsiders, self.of(r, kind.outside_portfolio.consent), (
                meeting.id, GiveConsent(reason=REASON)))  # fmt: skip
        if kind.notice and self.law.unnotified(meeting):
            return Move(invitation_commands.send_notice, self.organiser(r, meeting), (meeting.id, SendNotice()))
        if r.random() < 0.15:
            return self._change_of_plan(r, meeting, kind)
        if kind.confidential and not meeting.devices:
            return Move(session_commands.declare_devices, self.office(r), (meeting.id, DeclareDevices()))
        self.rows.now = max(self.rows.now, datetime.combine(meeting.day, time(9), SHANGHAI))
        return self.open(r, meeting, self.chair_of(meeting), absent=0)

    def _answer(self, r: Random, meeting: Meeting) -> Move | None:
        """Whoever asks for leave, or wants to send somebody else, gets an answer; some of them come after all."""
        if granted := [each.official for each in meeting.leaves if each.state == "approved" and r.random() < 0.6]:
            body: Any = WithdrawLeave(reason=REASON, official=granted[0])
            return Move(leave_commands.withdraw_leave, self.office(r), (meeting.id, body))
        for asked_for, command in (
            (meeting.leaves, leave_commands.answer_leave),
            (meeting.delegations, leave_commands.answer_delegate),
        ):
            for each in asked_for:
                if each.state == "requested":
                    body = AnswerRequest(official=each.official, approve=r.random() < 0.7)
                    return Move(command, self.of(r, each.asked, chair=self.chair_of(meeting)), (meeting.id, body))
        return None

    def _change_of_plan(self, r: Random, meeting: Meeting, kind: Any) -> Move:
        """The approved agenda in another order or without its last topic, where it has more than one; else no meeting."""
        order = [item.topic_id for item in meeting.agenda]
        last = kind.agenda.steps[-1]
        who = self.of(r, [a.role for a in last.by], self.law.unit_of(meeting), self.chair_of(meeting))
        if len(order) > 2 and r.random() < 0.5:
            body = OrderAgenda(by="hand", topics=[order[0], *reversed(order[1:])], reason=REASON)
            return Move(agenda_commands.order_agenda, who, (meeting.id, body))
        if len(order) > 1:
            gone = RemoveFromAgenda(topic_id=order[-1], reason=REASON)
            return Move(agenda_commands.remove_from_agenda, who, (meeting.id, gone))
        cancelled = CancelMeeting(reason=REASON)
        return Move(meeting_commands.cancel_meeting, self.organiser(r, meeting), (meeting.id, cancelled))

    def _another_chair(self, r: Random, meeting: Meeting) -> Move | None:
        """Somebody else is entrusted with chairing, or takes the chair that they were entrusted with."""
        kind = self.book.meetings[meeting.kind]
        there = {each.official for each in meeting.attendance if each.present and each.left_at is None}
        given = meeting.entrustment
        if given and given.to != meeting.chair and given.to in there:
            body = HandOver(to=given.to, reason=REASON)
            return Move(session_commands.hand_over_chair, self.organiser(r, meeting), (meeting.id, body))
        could = [h for a in kind.chair if a.when for h in self.law.holders(a.role, self.today)]
        could = [each for each in could if each in there and each != meeting.chair]
        return self.entrust(r, meeting, r.choice(could)) if could else None

    def _chairs_by_post(self, meeting: Meeting) -> bool:
        kind, chair = self.book.meetings[meeting.kind], self.chair_of(meeting)
        units = {item.sponsor for item in meeting.agenda}
        by_post = [actor.role for actor in kind.chair if not actor.when]
        return all(self.law.has_role(chair, by_post, self.today, unit) for unit in units)

    def entrust(self, r: Random, meeting: Meeting, to: str) -> Move:
        kind = self.book.meetings[meeting.kind]
        if to not in {h for a in kind.chair if a.when for h in self.law.holders(a.role, self.today)}:  # by post only
            return Move(meeting_commands.cancel_meeting, self.organiser(r, meeting), (meeting.id, CancelMeeting(
                reason=REASON)))  # fmt: skip
        body = Entrust(to=to, reason=REASON)
        return Move(meeting_commands.entrust_chair, self.of(r, kind.entrusted_by), (meeting.id, body))

    def open(self, r: Random, meeting: Meeting, chair: str, absent: int, stranger: float = 0) -> Move:
        attendees = [h for role in self.book.meetings[meeting.kind].attendees for h in self.law.holders(
            role, meeting.day)]  # fmt: skip
        listed = list(dict.fromkeys([*self.law.members(meeting), *attendees, chair]))
        away = set(r.sample(listed, min(absent, len(listed)))) - {chair}
        rows = [{"official": each, "present": each not in away} for each in listed]
        invited = {each.name for each in meeting.invitees if each.name and each.approved}
        if r.random() < stranger:
            invited = {*invited, "不速之客"}
        guests = [{"name": name, "present": r.random() < 0.8} for name in sorted(invited)]
        body = OpenSession(chair=chair, attendance=rows, guests=guests)
        return Move(session_commands.open_session, self.organiser(r, meeting), (meeting.id, body))

    def _hold(self, r: Random, meeting: Meeting) -> Move:
        decided = [each.topic_id for each in meeting.resolutions]
        waiting = [item.topic_id for item in meeting.agenda if item.topic_id not in decided]
        if r.random() < 0.25 and (move := self._another_chair(r, meeting)):
            return move
        if waiting and self.book.meetings[meeting.kind].decides:
            there = {each.official for each in meeting.attendance if each.present and each.left_at is None}
            gone = [each for each in meeting.members if each not in there]
            if gone and self.book.meetings[meeting.kind].quorum:
                return self.movement(r, meeting, gone[0], "arrived")
            return self.decide(r, meeting, waiting[0])
        return Move(session_commands.close_session, self.organiser(r, meeting), (meeting.id, CloseSession()))

    def decide(self, r: Random, meeting: Meeting, topic_id: str) -> Move:
        topic = self.rows.rows[Topic].get(topic_id)
        outcome = r.choice([Outcome.passed, Outcome.passed, *Outcome])
        if outcome == Outcome.passed and topic and topic.prepares_for and r.random() < 0.9:
            outcome = Outcome.passed_in_principle
        if topic and not topic.nature.decides and r.random() < 0.9:
            outcome = r.choice([Outcome.noted, Outcome.noted, Outcome.deferred])
        body = RecordDecision(topic_id=topic_id, outcome=outcome, task="办理有关事项", lead=r.choice(self.units))
        return Move(resolution_commands.record_decision, self.organiser(r, meeting), (meeting.id, body))

    def movement(self, r: Random, meeting: Meeting, official: str, move: str) -> Move:
        body = RecordMovement(official=official, move=move)
        return Move(attendance_commands.record_movement, self.organiser(r, meeting), (meeting.id, body))

    # minutes ----------------------------------------------------------------------------------------------------------
    def _minute(self, r: Random, meeting: Meeting) -> Move | None:
        kind = self.book.meetings[meeting.kind]
        if kind.minutes is None:
            return None
        latest = (versions(self.rows, meeting.id) or [None])[-1]
        if latest is None and kind.minutes.optional and r.random() < 0.3:
            return Move(minutes_commands.waive_minutes, meeting.chair, (meeting.id, WaiveMinutes(reason=REASON)))
        if latest is None or latest.state == "returned":
            return self.draft(r, meeting)
        if latest.state == "draft":
            return self.minutes_step(r, meeting, latest)
        return self.correct(r, meeting) if latest.number < 3 and r.random() < 0.2 else None

    def _drafter(self, r: Random, meeting: Meeting) -> str | None:
        roles = [actor.role for actor in self.book.meetings[meeting.kind].minutes.steps[0].by]  # type: ignore[union-attr]
        return self.of(r, roles, self.law.unit_of(meeting))

    def draft(self, r: Random, meeting: Meeting) -> Move:
        if meeting.state in ("signed", "unminuted"):
            return self.correct(r, meeting)
        body = DraftMinutes(reason=REASON, major=r.random() < 0.3)
        return Move(minutes_commands.draft_minutes, self._drafter(r, meeting), (meeting.id, body))

    def correct(self, r: Random, meeting: Meeting, outcomes: bool = False) -> Move:
        mine = [each for each in self.rows.of(Decision) if each.meeting_id == meeting.id]
        amendments = [
            {
                "decision_id": each.id,
                "changes": {"outcome": r.choice(list(Outcome))} if outcomes else {"task": f"更正{next(self.numbers)}"},
            }
            for each in mine
            if each.standing != "revoked" and r.random() < 0.5
        ]
        newest = [each.text for each in versions(self.rows, meeting.id)][-1:]
        text = None if amendments else f"{''.join(newest)}\n更正若干文字，不涉及决定事项。"
        body = CorrectMinutes(reason=REASON, amendments=amendments, text=text)
        return Move(minutes_commands.correct_minutes, self._drafter(r, meeting), (meeting.id, body))

    def minutes_step(self, r: Random, meeting: Meeting, latest: Any) -> Move:
        chain = self.book.meetings[meeting.kind].minutes
        facts = self.law._facts(meeting, "")
        wanted = asked(chain, facts | {"major": facts["major"] or latest.major})
        step = wanted[min(len(latest.steps), len(wanted) - 1)]
        entrusting = meeting.entrustment.by if meeting.entrustment else None
        who = [
            holder
            for actor in step.by
            for holder in self.law.holders(
                actor.role, self.today, self.law.unit_of(meeting),
                entrusting if actor.role == "entrusting_leader" else meeting.chair,
            )
            if holds(actor.when, facts | {"chaired": holder == meeting.chair})
        ]  # fmt: skip
        return Move(minutes_commands.take_minutes_step, self.one(r, who), (meeting.id, TakeStep(step=step.step)))

    # anything at all --------------------------------------------------------------------------------------------------
    def goes_on(self, r: Random) -> Move:
        """The next thing that the rulebook asks for: with the meeting at hand, or with a new one."""
        running = [each for each in self.rows.of(Meeting) if each.kind in self.kinds]
        for meeting in sorted(running, key=lambda each: each.kind != self.kind):
            if move := self.meeting_goes_on(r, meeting):
                return move
        return self.call(r, self.kind)

    def topics_go_on(self, r: Random) -> Move:
        topics = self.rows.of(Topic)
        r.shuffle(topics)
        for topic in topics:
            if move := self.topic_goes_on(r, topic):
                return move
        return self.submit(r, r.choice(self.kinds))

    def rush(self, r: Random) -> Iterator[Move]:
        """Somebody is in a hurry: a topic goes to its agenda, or a session on, without what comes before."""
        running = [each for each in self.rows.of(Meeting) if each.state in ("called", "agenda_approved", "open")]
        if not running:
            return
        meeting = running[-1]
        if meeting.state == "open":
            for member in r.sample(meeting.members, r.randint(0, len(meeting.members))):
                if member != meeting.chair:
                    yield self.movement(r, meeting, member, "left")
            yield self._decide_next(r, meeting)
        elif meeting.state == "agenda_approved" and r.random() < 0.6:
            self.rows.now = max(self.rows.now, datetime.combine(meeting.day, time(9), SHANGHAI))
            if self.book.meetings[meeting.kind].confidential:
                yield Move(session_commands.declare_devices, self.office(r), (meeting.id, DeclareDevices()))
            yield self.open(r, meeting, self.chair_of(meeting), absent=r.choice([0, 6, 20]))
        else:
            yield from self._rush_a_topic(r, meeting)

    def _rush_a_topic(self, r: Random, meeting: Meeting) -> Iterator[Move]:
        unit, chair = meeting.organised_by, self.chair_of(meeting)
        submit = self.submit(r, meeting.kind, unit, chair)
        body = submit.given[0]
        body.prepares_for, body.concerned = None, []
        if r.random() < 0.3 and body.papers:
            body.papers.remove(r.choice(body.papers))
        yield submit
        topic = self.rows.of(Topic)[-1]
        while topic.state == "in_review" and (step := self._topic_step(r, topic)):
            yield step
        yield Move(agenda_commands.add_to_agenda, self.organiser(r, meeting), (meeting.id, AddToAgenda(
            topic_id=topic.id, position=None)))  # fmt: skip

    def _decide_next(self, r: Random, meeting: Meeting) -> Move:
        decided = [each.topic_id for each in meeting.resolutions]
        waiting = [item.topic_id for item in meeting.agenda if item.topic_id not in decided]
        return self.decide(r, meeting, waiting[0] if waiting else decided[0])

    def anything(self, r: Random) -> Move | None:
        """Any command on anything, by somebody who may or by anybody."""
        topics, meetings = self.rows.of(Topic), self.rows.of(Meeting)
        busy = [each for each in meetings if each.state in ("agenda_approved", "open")]
        found: Move | None = None
        if busy and r.random() < 0.7:
            found = self._any_of_meeting(r, r.choice(busy), topics)
        elif topics and (not meetings or r.random() < 0.5):
            found = self._any_of_topic(r, r.choice(topics))
        elif meetings:
            found = self._any_of_meeting(r, r.choice(meetings), topics)
        if found and r.random() < 0.35:
            found = found._replace(official=r.choice(self.officials))
        return found

    def _any_of_topic(self, r: Random, topic: Topic) -> Move:
        reason = TurnTopic(reason=REASON)
        unit, then = r.choice(self.units), self.rows.now - timedelta(hours=r.choice([0, 0, 30]))
        papers = [each.id for each in topic.papers if each.replaced_by is None]
        kind = PaperKind.drafting_note if r.random() < 0.3 else r.choice([*(p.kind for p in topic.papers), "annex"])
        paper = AddPaper(kind=kind, title="新材料", replaces=self.one(r, papers) if r.random() < 0.7 else None)
        paper.occurred_at = then
        step = TakeStep(step=r.choice(list(StepName)), occurred_at=then)
        chain = asked(self.book.meetings[topic.meeting_kind].topic, facts_of(topic))
        roles = [actor.role for each in chain for actor in each.by] or ["office"]
        taker = self.of(r, roles, topic.sponsor, topic.convener)
        if chain and r.random() < 0.5:
            step.step = r.choice(chain).step
        note = WriteCoordinationNote(grounds=dict.fromkeys([unit, topic.sponsor], "理据"), preferred="倾向意见")
        meeting = self.one(r, [each.id for each in self.rows.of(Meeting)]) or "m"
        decision = self.one(r, [each.id for each in self.rows.of(Decision)]) or "d"
        leaders = self.of(r, ["head", "deputy_in_charge", "office"], topic.sponsor)
        moves = [
            self._topic(topic_commands.add_paper, r, topic, paper),
            self._topic(topic_commands.withdraw_topic, r, topic, reason),
            self._topic(topic_commands.state_urgency, r, topic, StateUrgency(urgency="汛期")),
            self._topic(topic_commands.resubmit_topic, r, topic, reason),
            self._topic(topic_commands.write_coordination_note, r, topic, note),
            self._topic(topic_commands.concern_organisations, r, topic, ConcernOrganisations(organisations=[unit])),
            self._topic(topic_commands.name_prior_meeting, r, topic, NamePriorMeeting(decision_id=decision)),
            self.gate(r, topic, r.choice(list(Gate)), passed=r.random() < 0.5),
            self.position(r, topic, self.one(r, topic.concerned) or unit, r.choice(["objects", "agrees"])),
            Move(topic_commands.coordinate, leaders, (topic.id, Coordinate(agreed=r.random() < 0.5, opinion="意见"))),
            Move(topic_commands.sign_topic_form, self.of(r, ["principal"], unit), (topic.id, SignTopicForm(
                organisation=unit))),
            Move(topic_commands.return_topic, self.office(r), (topic.id, reason)),
            Move(topic_commands.admit_late_topic, leaders, (topic.id, AdmitLate(meeting_id=meeting, reason=REASON))),
            *[Move(topic_commands.take_topic_step, taker, (topic.id, step))] * 3,
        ]  # fmt: skip
        return r.choice(moves)

    def _any_of_meeting(self, r: Random, meeting: Meeting, topics: list[Topic]) -> Move:
        on = [item.topic_id for item in meeting.agenda]
        ready = [each.id for each in topics if each.state == "ready" and each.meeting_kind == meeting.kind]
        topic = r.choice(r.choice([on, ready, [each.id for each in topics]]) or ["t"])
        person, kind = r.choice(self.officials), self.book.meetings[meeting.kind]
        chain = kind.agenda
        approver = self.of(r, [a.role for a in chain.steps[-1].by], self.law.unit_of(meeting), self.chair_of(meeting))
        chairs = [holder for actor in kind.chair for holder in self.law.holders(actor.role, self.today)]
        members = [*self.law.members(meeting), *chairs, *chairs] or [person]
        moves = {
            "called": self._before_the_approval, "agenda_approved": self._before_the_opening,
            "open": self._in_the_session,
        }.get(meeting.state, self._after_the_close)  # fmt: skip
        if r.random() < 0.2:
            moves = r.choice([self._before_the_approval, self._before_the_opening, self._in_the_session,
                              self._after_the_close])  # fmt: skip
        return r.choice(moves(r, meeting, topic, approver, r.choice(members)))

    def _before_the_approval(
        self, r: Random, meeting: Meeting, topic: str, approver: str | None, person: str
    ) -> list[Move]:
        organiser, chain = self.organiser(r, meeting), self.book.meetings[meeting.kind].agenda
        order = [item.topic_id for item in meeting.agenda]
        r.shuffle(order)
        leader = self.of(r, ["head", "deputies"])
        return [
            Move(agenda_commands.add_to_agenda, organiser, (meeting.id, AddToAgenda(topic_id=topic))),
            Move(agenda_commands.add_to_agenda, organiser, (meeting.id, AddToAgenda(topic_id=topic, position=1))),
            Move(agenda_commands.remove_from_agenda, organiser, (meeting.id, RemoveFromAgenda(
                topic_id=topic, reason=REASON))),
            Move(agenda_commands.order_agenda, organiser, (meeting.id, OrderAgenda(by="hand", topics=order))),
            Move(agenda_commands.take_agenda_step, approver, (meeting.id, TakeStep(step=r.choice(chain.steps).step))),
            Move(meeting_commands.postpone_meeting, organiser, (meeting.id, Postpone(
                day=self.today + timedelta(days=r.choice([0, 1, 6, 30])), reason=REASON))),
            Move(meeting_commands.entrust_chair, leader, (meeting.id, Entrust(to=person, reason=REASON))),
            *([Move(meeting_commands.cancel_meeting, organiser, (meeting.id, CancelMeeting(reason=REASON)))]
              if r.random() < 0.2 else []),
        ]  # fmt: skip

    def _before_the_opening(
        self, r: Random, meeting: Meeting, topic: str, approver: str | None, person: str
    ) -> list[Move]:
        organiser, other = self.organiser(r, meeting), r.choice(self.officials)
        order = [item.topic_id for item in meeting.agenda]
        r.shuffle(order)
        reason = r.choice([REASON, REASON, ""])
        invited = [{"official": other}, {"organisation": r.choice(self.units)}, {"name": "特邀专家"}]
        leave = AskLeave(reason=REASON, reason_kind=r.choice(list(LeaveReason)), official=person)
        answer = AnswerRequest(official=person, approve=r.random() < 0.7)
        head = self.of(r, ["head", "secretary_general", "deputies"])
        if r.random() < 0.4:
            self.rows.now = max(self.rows.now, datetime.combine(meeting.day, time(9), SHANGHAI))
        chair = r.choice([person, self.chair_of(meeting)])
        return [
            *self._before_the_approval(r, meeting, topic, approver, person),
            Move(agenda_commands.add_later, approver, (meeting.id, AddLater(topic_id=topic, reason=REASON))),
            Move(agenda_commands.remove_from_agenda, approver, (meeting.id, RemoveFromAgenda(
                topic_id=topic, reason=REASON))),
            Move(agenda_commands.order_agenda, approver, (meeting.id, OrderAgenda(
                by="hand", topics=order, reason=reason))),
            Move(invitation_commands.propose_invitees, organiser, (meeting.id, ProposeInvitees(
                invitees=[r.choice(invited)]))),
            Move(invitation_commands.withdraw_invitee, organiser, (meeting.id, WithdrawInvitee(
                number=r.randint(1, 3), reason=REASON))),
            Move(invitation_commands.send_notice, organiser, (meeting.id, SendNotice(
                recipients=r.choice([[], [person], [other]])))),
            Move(invitation_commands.acknowledge, self.office(r), (meeting.id, Acknowledge(
                coming=True, official=person))),
            Move(leave_commands.ask_leave, self.office(r), (meeting.id, leave)),
            Move(leave_commands.answer_leave, head, (meeting.id, answer)),
            Move(leave_commands.withdraw_leave, self.office(r), (meeting.id, WithdrawLeave(
                reason=REASON, official=person))),
            Move(leave_commands.send_delegate, self.office(r), (meeting.id, SendDelegate(
                delegate=other, reason=REASON, official=person))),
            Move(leave_commands.answer_delegate, head, (meeting.id, answer)),
            Move(session_commands.declare_devices, self.office(r), (meeting.id, DeclareDevices())),
            Move(session_commands.hand_out_papers, self.office(r), (meeting.id, HandOutPapers(
                holders=[person], title="材料"))),
            *[self.open(r, meeting, chair, absent=r.choice([0, 1, 3, 5, 9]), stranger=0.3)] * 3,
        ]  # fmt: skip

    def _in_the_session(self, r: Random, meeting: Meeting, topic: str, approver: str | None, person: str) -> list[Move]:
        organiser, other = self.organiser(r, meeting), r.choice(self.officials)
        leader = self.of(r, ["head", "deputies"])
        return [
            *[self.movement(r, meeting, person, "left")] * 4,
            *[self.movement(r, meeting, r.choice([person, other]), "arrived")] * 2,
            Move(attendance_commands.record_movement, organiser, (meeting.id, RecordMovement(
                guest=r.choice(["特邀专家", "不速之客", person]), move=r.choice(["arrived", "left"])))),
            Move(meeting_commands.entrust_chair, leader, (meeting.id, Entrust(to=person, reason=REASON))),
            *[Move(session_commands.hand_over_chair, organiser, (meeting.id, HandOver(to=each, reason=REASON)))
              for each in (person, self.chair_of(meeting), meeting.entrustment.to if meeting.entrustment else person)],
            self.decide(r, meeting, topic),
            self.decide(r, meeting, topic),
            Move(session_commands.close_session, organiser, (meeting.id, CloseSession())),
            Move(agenda_commands.add_later, approver, (meeting.id, AddLater(topic_id=topic, reason=REASON))),
            Move(attendance_commands.approve_staff, self.office(r), (meeting.id, ApproveStaff(
                topic_id=topic, official=other, reason=REASON))),
        ]  # fmt: skip

    def _after_the_close(
        self, r: Random, meeting: Meeting, topic: str, approver: str | None, person: str
    ) -> list[Move]:
        minutes = self.book.meetings[meeting.kind].minutes
        if minutes is None:
            return [self.decide(r, meeting, topic)]
        step = r.choice(minutes.steps)
        taker = self.of(r, [a.role for a in step.by], self.law.unit_of(meeting), meeting.chair)
        reason = ReturnMinutes(reason=REASON)
        return [
            self.draft(r, meeting),
            self.correct(r, meeting),
            self.correct(r, meeting, outcomes=True),
            Move(minutes_commands.draft_minutes, self._drafter(r, meeting), (meeting.id, DraftMinutes(reason=REASON))),
            Move(minutes_commands.return_minutes, taker, (meeting.id, reason)),
            Move(minutes_commands.take_minutes_step, taker, (meeting.id, TakeStep(step=step.step))),
            Move(minutes_commands.waive_minutes, meeting.chair, (meeting.id, WaiveMinutes(reason=REASON))),
            Move(session_commands.take_papers_back, self.office(r), (meeting.id, ReturnPapers(copies=[1]))),
            self.decide(r, meeting, topic),
            Move(meeting_commands.cancel_meeting, self.organiser(r, meeting), (meeting.id, CancelMeeting(
                reason=REASON))),
        ]  # fmt: skip

    def leaves_town(self, r: Random) -> None:
        """A leader is away for some days; another one stands in, perhaps not for signing."""
        leaders = self.law.holders("head", self.today) + self.law.holders("deputies", self.today)
        leader = r.choice(leaders)
        if self.law.away(leader, self.today):
            return
        acts = r.choice([(Power.preside, Power.sign), (Power.preside,)])
        stand_in = StandIn(
            official=r.choice([each for each in leaders if each != leader]), acts=acts, clause="X-1", basis=Basis.rule
        )
        until = self.today + timedelta(days=r.choice([0, 5, 20]))
        self.rows.absences.append(Absent(
            absence_id=f"a{next(self.numbers)}", official=leader, absence_kind=AbsenceKind.official_trip,
            since=self.today, until=until, clause="X-1", stand_ins=(stand_in,),
        ))  # fmt: skip
