"""Which states of topics, meetings and minutes are lawful, derived from the rulebook's data alone.

None of the code under test is called: role holders, late papers, quorum and the like are computed here independently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from meeting_svc.decision.decision import Decision
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.minutes.minutes import Minutes
from meeting_svc.topic.schemas import SubmitTopic
from meeting_svc.topic.topic import Topic
from tests.meeting.in_memory import Rows, versions

SHANGHAI = ZoneInfo("Asia/Shanghai")
ON_AN_AGENDA = ("scheduled", "concluded")
APPROVED = ("agenda_approved", "open", "closed", "minuted", "signed", "unminuted")
CLOSED = ("closed", "minuted", "signed", "unminuted")
NOT_OVER = ("called", "agenda_approved", "open")
POSTS = {
    "head": ["head"],
    "executive_deputy": ["executive_deputy"],
    "deputies": ["executive_deputy", "deputy"],
    "party_group": ["party_secretary", "party_group_member"],
    "party_secretary": ["party_secretary"],
    "secretary_general": ["secretary_general"],
    "deputy_secretary_general": ["deputy_secretary_general"],
    "office_director": ["office_director"],
    "office_deputy_director": ["office_deputy_director"],
}
UNITS = {
    "department_principals": ("principal", {"office", "constituent_department"}),
    "constituent_department_principals": ("principal", {"constituent_department"}),
    "unit_principals": (
        "principal",
        {"constituent_department", "dispatched_organ", "dispatched_agency", "affiliated_unit", "institution", "street"},
    ),
    "town_and_street_principals": ("principal", {"town", "street"}),
    "deputy_principals": ("deputy_principal", {"office", "constituent_department", "town", "street"}),
}


def day_of(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def holds(when: dict[str, Any], facts: dict[str, Any]) -> bool:
    """Whether each fact has one of the values that are asked for."""
    return all(facts.get(name) in (wanted if isinstance(wanted, list) else [wanted]) for name, wanted in when.items())


def asked(chain: Any, facts: dict[str, Any]) -> list[Any]:
    return [step for step in chain.steps if holds(step.when, facts)]


def facts_of(topic: Topic | SubmitTopic) -> dict[str, Any]:
    """What a topic says of itself; an aspect that it doesn't name isn't there."""
    declared = {str(aspect): True for aspect in topic.aspects}
    return {
        "raised_by": topic.raised_by, "nature": topic.nature, "specially_urgent": topic.urgency != "",
        "major": "major_decision" in declared or "major_matter" in declared,
        "normative_document": False, "to_be_published": False, "needs_secrecy": False,
    } | declared  # fmt: skip


def of_its_text(topic: Topic, records: list[Any]) -> list[Any]:
    """The records that are of the topic's text as it stands."""
    newer = any(p.kind == "main_document" and p.number > 1 and p.replaced_by is None for p in topic.papers)
    assert topic.text_since or not newer, "another text, and what was recorded of the older one still counts"
    found = [record for record in records if topic.text_since is None or record.recorded_at >= topic.text_since]
    last = topic.history[-1] if topic.history else None
    if last and last.turn == "corrected" and last.meeting_id is None and topic.state == "concluded":
        deferred = next(each for each in reversed(topic.history[:-1]) if each.meeting_id == topic.meeting_id)
        return [record for record in found if record.recorded_at <= deferred.recorded_at]  # what the meeting had then
    return found


@dataclass
class Law:
    """The rules of one government, who serves in it, and what is on record."""

    rows: Rows
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)
    chairs_entrusted: dict[str, bool] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)
    put_off: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        (self.book,) = self.rows.service.rulebooks.all()
        self.people = self.rows.people

    # who may ----------------------------------------------------------------------------------------------------------
    def holders(self, role: str, on: date, unit: str | None = None, chair: str | None = None) -> list[str]:
        """Who is meant by a role on a day; `unit` brings the matter."""
        posts = [post for post in self.people.posts if post.since <= on and (post.until is None or on <= post.until)]
        kinds = {organisation.code: organisation.kind for organisation in self.people.organisations}
        parents = {organisation.code: organisation.parent for organisation in self.people.organisations}
        match role:
            case "chair" | "entrusting_leader":
                found = [chair] if chair else []
            case "office":
                found = [post.official for post in posts if kinds[post.organisation] == "office"]
            case "justice_organ":
                units = {o.code for o in self.people.organisations if "justice" in o.functions}
                found = [post.official for post in posts if post.organisation in units]
            case "sponsor":
                found = [post.official for post in posts if post.organisation == unit]
            case "principal":
                found = [post.official for post in posts if post.organisation == unit and post.role == "principal"]
            case "deputy_in_charge":
                found = [each.official for each in self.people.portfolios if unit in each.organisations]
            case _ if role in UNITS:
                wanted, units = UNITS[role]
                found = [
                    post.official
                    for post in posts
                    if post.role == wanted
                    and kinds[post.organisation] in units
                    and not (
                        kinds[post.organisation] == "institution"
                        and kinds.get(parents[post.organisation] or "", "government") != "government"
                    )
                ]
            case _:
                found = [post.official for post in posts if post.role in POSTS[role]]
        return list(dict.fromkeys(found))

    def away(self, official: str, on: date) -> Any:
        return next((a for a in self.rows.absences if a.official == official and a.since <= on <= a.until), None)

    def stands_in(self, official: str, holder: str, on: date, power: str) -> bool:
        absence = self.away(holder, on)
        return absence is not None and any(
            each.official == official and power in each.acts for each in absence.stand_ins
        )

    def may(
        self,
        official: str,
        by: Iterable[Any],
        on: date,
        facts: dict[str, Any],
        *,
        behalf: str | None = None,
        power: str = "preside",
        unit: str | None = None,
        chair: str | None = None,
        entrusting: str | None = None,
    ) -> bool:
        """Whether one of these actors is the official, or somebody away for whom they stand in."""
        for actor in by:
            if not holds(actor.when, facts):
                continue
            person = entrusting if actor.role == "entrusting_leader" else chair
            found = self.holders(actor.role, on, unit, person)
            if behalf is None and official in found:
                return True
            if behalf in found and self.stands_in(official, str(behalf), on, power):
                return True
        return False

    def has_role(self, official: str, roles: Iterable[str], on: date, unit: str | None = None) -> bool:
        """Whether the official holds one of the roles, or stands in for who does."""
        found = [holder for role in roles for holder in self.holders(role, on, unit)]
        return official in found or any(self.stands_in(official, holder, on, "preside") for holder in found)

    def _lawful_step(self, taken: Any, step: Any, facts: dict[str, Any], **context: str | None) -> None:
        power = "sign" if step.step == "sign" else "preside"
        on = day_of(taken.recorded_at)
        assert taken.step == step.step, f"{taken.step} stands where {step.step} is asked for"
        assert self.may(
            taken.official,
            step.by,
            on,
            facts,
            behalf=taken.on_behalf_of,
            power=power,
            **context,  # type: ignore[arg-type]
        ), f"{taken.official} may not take {step.step}"

    # the whole record -------------------------------------------------------------------------------------------------
    def look(self) -> None:
        """AssertionError for whatever is on record against the rules."""
        for topic in self.rows.of(Topic):
            self._topic(topic)
        for meeting in self.rows.of(Meeting):
            self._meeting(meeting)
            self._minutes(meeting)
            self.seen[meeting.id] = {
                "state": meeting.state, "versions": list(meeting.agenda_versions), "steps": list(meeting.agenda_steps),
                "chair": meeting.chair, "resolutions": list(meeting.resolutions), "invitees": list(meeting.invitees),
            }  # fmt: skip

    # topics -----------------------------------------------------------------------------------------------------------
    def _topic(self, topic: Topic) -> None:
        kind, facts = self.book.meetings[topic.meeting_kind], facts_of(topic)
        wanted = asked(kind.topic, facts)
        self.reached.add(f"topic {topic.state}")
        assert len(topic.steps) <= len(wanted), "more steps than the chain asks for"
        for taken, step in zip(topic.steps, wanted, strict=False):
            self._lawful_step(taken, step, facts, unit=topic.sponsor, chair=topic.convener)
        moments = [taken.occurred_at for taken in topic.steps]
        assert moments == sorted(moments), "a step occurred before the one before it"
        if topic.state in ("ready", *ON_AN_AGENDA):
            assert len(topic.steps) == len(wanted), f"{topic.state} with {len(topic.steps)} of {len(wanted)} steps"
        if topic.state == "in_review":
            assert len(topic.steps) < len(wanted), "the chain is done, the topic still in review"
        if topic.state in ("returned", "withdrawn"):
            back = next(turn for turn in reversed(topic.history) if turn.turn == topic.state)
            assert not topic.steps, "steps outlive a return"
            assert all(each.recorded_at > back.recorded_at for each in topic.signatures), "signatures outlive a return"
        self._papers(topic, kind, facts)
        self._reserved(topic, kind)
        if topic.state in ON_AN_AGENDA:
            self._gates(topic, facts)
            self._consultation(topic)
            self._form_and_prior_meeting(topic, kind, facts)
            self._in_time(topic, kind, facts)
        self._one_agenda(topic)
        self._followed(topic, facts)

    def _papers(self, topic: Topic, kind: Any, facts: dict[str, Any]) -> None:
        counting = [paper for paper in topic.papers if paper.replaced_by is None]
        for wanted in kind.papers.required if kind.papers else ():
            if holds(wanted.when, facts):
                there = [paper for paper in counting if paper.kind == wanted.paper]
                parts = {part for paper in there for part in paper.parts}
                assert there and set(wanted.parts) <= parts, f"{wanted.paper} is missing or lacks parts"

    def _reserved(self, topic: Topic, kind: Any) -> None:
        for reserved in self.book.topics.reserved:
            if set(reserved.any_of) & set(topic.aspects):
                where = (topic.meeting_kind, topic.prepares_for)
                assert set(where) & set(reserved.kinds), f"a matter reserved by {reserved.clause} goes to {where}"
        assert not kind.competence or topic.matter in {task.id for task in kind.competence}

    def _gates(self, topic: Topic, facts: dict[str, Any]) -> None:
        for rule in self.book.topics.gates:
            applies = set(rule.any_of) & set(topic.aspects) and holds(rule.when, facts)
            if not applies or rule.blocks not in ("completeness", "scheduling"):
                continue
            if rule.kinds and topic.meeting_kind not in rule.kinds:
                continue
            records = [record for record in of_its_text(topic, topic.gates) if record.gate == rule.gate]
            assert records and records[-1].passed, f"{rule.gate} [{rule.clause}] isn't passed"
            assert set(rule.criteria) <= set(records[-1].criteria), f"{rule.gate} lacks criteria"
            forms = [form for form in set(records[-1].forms) if not rule.form_among or form in rule.form_among]
            assert len(forms) >= rule.forms, f"{rule.gate} lacks forms"
            alike = [each for each in self.book.topics.gates if each.gate == rule.gate]
            believed = {"office", *(role for each in alike for role in each.carried_out_by)}
            recorded_by, on = records[-1].recorded_by, day_of(records[-1].recorded_at)
            assert self.has_role(recorded_by, believed, on, topic.sponsor), f"{recorded_by} may not record {rule.gate}"

    def _followed(self, topic: Topic, facts: dict[str, Any]) -> None:
        """Whether something is open that may come after the meeting is known as it is."""
        still = []
        for rule in self.book.topics.gates:
            applies = set(rule.any_of) & set(topic.aspects) and holds(rule.when, facts)
            if applies and rule.blocks in ("issue", "tracked") and (not rule.kinds or topic.meeting_kind in rule.kinds):
                since = topic.text_since
                records = [record for record in topic.gates if since is None or record.recorded_at >= since]
                passed = [record.passed for record in records if record.gate == rule.gate]
                still.append(not passed or not passed[-1])
        assert topic.gates_open == any(still), f"{still}, and gates_open is {topic.gates_open}"
        if any(still):
            self.reached.add("gates open after the meeting")

    def _consultation(self, topic: Topic) -> None:
        said = {position.organisation: position for position in of_its_text(topic, topic.positions)}
        if any(rule.gate == "departments_consulted" for rule in self.book.topics.gates):
            assert set(topic.concerned) <= set(said), "somebody concerned was never heard"
        rule = self.book.topics.consultation
        against = [said[unit] for unit in topic.concerned if unit in said and said[unit].stance == "objects"]
        if rule is None or rule.disagreement is None or not against:
            return
        settling = [
            each
            for each in topic.coordinations
            if each.recorded_at >= max(position.recorded_at for position in against)
            and (each.agreed or each.role in rule.disagreement.decide)
        ]
        assert settling and settling[-1] is topic.coordinations[-1], "an objection isn't settled"
        roles = [*rule.disagreement.coordinate, *rule.disagreement.decide]
        assert self.has_role(settling[-1].official, roles, day_of(settling[-1].recorded_at), topic.sponsor)

    def _form_and_prior_meeting(self, topic: Topic, kind: Any, facts: dict[str, Any]) -> None:
        if kind.topic_form and holds(kind.topic_form.when, facts):
            signed = {each.organisation: each for each in topic.signatures}
            assert {topic.sponsor, *topic.concerned} <= set(signed), "the topic form lacks a signature"
            for unit, each in signed.items():
                heads = self.holders("principal", day_of(each.recorded_at), unit)
                away = each.on_behalf_of in heads
                assert each.official in heads or away, f"{each.official} signed for {unit}"
        if kind.prior_meeting and holds(kind.prior_meeting.when, facts):
            assert topic.prior_meeting, "no earlier meeting is named"
            earlier = self.rows.rows[Meeting][topic.prior_meeting.meeting_id]
            said = self.rows.rows[Decision][topic.prior_meeting.decision_id].resolution
            assert said.sponsor.code == topic.sponsor, "the earlier meeting was about another unit's matter"
            assert earlier.chair in self.holders("deputy_in_charge", earlier.day, topic.sponsor)
            assert earlier.kind == kind.prior_meeting.kind and earlier.state in ("signed", "unminuted")

    def late_for(self, topic: Topic, kind: Any, facts: dict[str, Any], day: date) -> bool:
        """Whether the newest paper came after the day by which papers for a meeting on `day` are due."""
        rule = kind.papers
        if rule is None or rule.deadline is None or not holds(rule.deadline_when, facts):
            return False
        deadline, due = self.book.deadlines[rule.deadline], day
        if deadline.unit == "day":
            due -= timedelta(days=deadline.before)
        else:
            left = deadline.before
            while left:
                due -= timedelta(days=1)
                left -= self.rows.working_days.is_workday(due)
        if rule.counted == "request":
            return day_of(topic.submitted_at) > due
        came = [paper.submitted_at for paper in topic.papers if paper.replaced_by is None and paper.submitted_at]
        return day_of(max(came, default=topic.submitted_at)) > due

    def _in_time(self, topic: Topic, kind: Any, facts: dict[str, Any]) -> None:
        meeting = self.rows.rows[Meeting][topic.meeting_id]
        if not self.late_for(topic, kind, facts, meeting.day):
            return
        admitted = topic.late_admission
        assert admitted and admitted.covers[0] == meeting.id, "late papers on an agenda, admitted by nobody"
        assert self.has_role(admitted.official, kind.papers.admit_late, day_of(admitted.occurred_at))
        self.reached.add("late papers admitted")

    def _one_agenda(self, topic: Topic) -> None:
        on = [m for m in self.rows.of(Meeting) if topic.id in [item.topic_id for item in m.agenda]]
        running = [meeting for meeting in on if meeting.state in NOT_OVER]
        if topic.state == "scheduled":
            assert [meeting.id for meeting in running] == [topic.meeting_id], "it stands on no agenda, or on several"
        else:
            assert not running, f"{topic.state}, and on an agenda"
        if topic.state == "concluded":
            assert self.rows.rows[Meeting][topic.meeting_id].state in CLOSED

    # meetings ---------------------------------------------------------------------------------------------------------
    def members(self, meeting: Meeting) -> list[str]:
        """Who counts to the quorum: by the rule, else by the call."""
        kind = self.book.meetings[meeting.kind]
        if kind.members:
            found = [each for role in kind.members for each in self.holders(role, meeting.day)]
        else:
            units = meeting.participants.organisations
            found = [*meeting.participants.officials]
            found += [each for unit in units for each in self.holders("principal", meeting.day, unit)]
        return list(dict.fromkeys(found))

    def unit_of(self, meeting: Meeting) -> str | None:
        """The unit that the chains of a meeting call its sponsor."""
        return meeting.organised_by or (meeting.agenda[0].sponsor if meeting.agenda else None)

    def planned(self, meeting: Meeting) -> list[str]:
        """Who chairs, or is to: whoever does, is entrusted, was planned, else by post alone or standing in for that."""
        named = meeting.chair or (meeting.entrustment.to if meeting.entrustment else meeting.convener)
        if named:
            return [named]
        kind, unit = self.book.meetings[meeting.kind], self.unit_of(meeting)
        by_post = [h for actor in kind.chair if not actor.when for h in self.holders(actor.role, meeting.day, unit)]
        acting = [each.official for h in by_post if (a := self.away(h, meeting.day)) for each in a.stand_ins]
        return [*by_post, *acting]

    def _lawful_agenda_step(self, meeting: Meeting, taken: Any, step: Any) -> None:
        entrusting = meeting.entrustment.by if meeting.entrustment else None
        facts, planned = self._facts(meeting, taken.official), self.planned(meeting)
        chair = taken.official if taken.official in planned else planned[0]
        self._lawful_step(taken, step, facts, unit=self.unit_of(meeting), chair=chair, entrusting=entrusting)

    def _facts(self, meeting: Meeting, official: str) -> dict[str, Any]:
        aspects = {str(a) for item in meeting.agenda for a in self.rows.rows[Topic][item.topic_id].aspects}
        return {
            "chaired": meeting.chair == official,
            "entrusted": self.chairs_entrusted.get(meeting.id, False),
            "major": bool(aspects & {"major_decision", "major_matter"}),
        }

    def _meeting(self, meeting: Meeting) -> None:
        kind = self.book.meetings[meeting.kind]
        before = self.seen.get(meeting.id, {"state": None, "versions": [], "steps": [], "chair": None,
                                            "resolutions": [], "invitees": []})  # fmt: skip
        self.reached.add(f"meeting {meeting.state}")
        self._agenda(meeting, kind, before)
        self._invitees(meeting, kind, before)
        if meeting.state == "cancelled":
            held = [topic for topic in self.rows.of(Topic) if topic.meeting_id == meeting.id]
            assert not held, "a cancelled meeting holds a topic"
        if meeting.chair != before["chair"] and meeting.state == "open":
            self._new_chair(meeting, kind)
        if meeting.state == "closed":
            self._whose_meeting(meeting)
        if meeting.state == "open":
            assert meeting.chair in self._in_the_room(meeting), "the chair isn't there"
            if before["state"] != "open":
                self._opening(meeting, kind)
            self._open_session(meeting, kind, before)
        self._decisions(meeting, kind, before)

    def _agenda(self, meeting: Meeting, kind: Any, before: dict[str, Any]) -> None:
        wanted = asked(kind.agenda, self._facts(meeting, ""))
        assert len(meeting.agenda_steps) <= len(wanted)
        if meeting.agenda_steps != before["steps"]:
            taken = meeting.agenda_steps
            assert [each.step for each in taken] == [each.step for each in wanted[: len(taken)]]
            if taken:
                assert taken[:-1] == before["steps"][: len(taken) - 1], "an old step of the agenda's chain changed"
                self._lawful_agenda_step(meeting, taken[-1], wanted[len(taken) - 1])
        numbers = [version.number for version in meeting.agenda_versions]
        assert numbers == list(range(1, len(numbers) + 1))
        assert meeting.agenda_versions[: len(before["versions"])] == before["versions"], "an approved version changed"
        assert len(numbers) <= len(before["versions"]) + 1
        if meeting.state == "called":
            assert not numbers and len(meeting.agenda_steps) < len(wanted)
        if meeting.state not in APPROVED:
            return
        assert meeting.agenda and len(meeting.agenda_steps) == len(wanted), "approved without its whole chain"
        assert list(meeting.agenda) == list(meeting.agenda_versions[-1].items), "another agenda than the approved one"
        if len(numbers) > max(1, len(before["versions"])):
            newest = meeting.agenda_versions[-1]
            assert newest.reason.strip(), "an approved agenda changed without a reason"
            self._lawful_agenda_step(meeting, newest.approved, wanted[-1])
            self.reached.add(f"agenda {newest.cause}")
        if kind.first_topic:
            assert meeting.agenda[0].nature == kind.first_topic.nature, "another topic stands first"
        assert len({item.topic_id for item in meeting.agenda}) == len(meeting.agenda), "a topic stands twice"
        topics = [self.rows.rows[Topic][item.topic_id] for item in meeting.agenda]
        assert all(topic.meeting_kind == meeting.kind for topic in topics)

    def _invitees(self, meeting: Meeting, kind: Any, before: dict[str, Any]) -> None:
        known = {each.number for each in before["invitees"] if each.approved}
        for invitee in meeting.invitees:
            if kind.invitees and invitee.approved and invitee.number not in known:
                wanted = asked(kind.invitees.steps, self._facts(meeting, ""))
                assert len(invitee.approval) == len(wanted), "a list of invitees approved without its whole chain"
                for taken, step in zip(invitee.approval, wanted, strict=True):
                    self._lawful_agenda_step(meeting, taken, step)
                self.reached.add("invitees approved")

    def _new_chair(self, meeting: Meeting, kind: Any) -> None:
        entrusted = meeting.entrustment is not None and meeting.entrustment.to == meeting.chair
        units = list(dict.fromkeys(item.sponsor for item in meeting.agenda))
        assert meeting.chair and meeting.state == "open"
        on = day_of(self.rows.now)
        for unit in units:
            stands_for = [each.official for each in self.rows.absences if self.stands_in(
                meeting.chair, each.official, on, "preside")]  # fmt: skip
            assert any(
                self.may(meeting.chair, kind.chair, on, {"entrusted": entrusted}, behalf=behalf, unit=unit)
                for behalf in (None, *stands_for)
            ), f"{meeting.chair} may not chair {meeting.kind}"
        self.chairs_entrusted[meeting.id] = entrusted
        self.reached.add("chair handed over" if meeting.handovers else "chair took the chair")
        if entrusted:
            self.reached.add("chair entrusted")

    def _whose_meeting(self, meeting: Meeting) -> None:
        """After the close the chair is one who chaired, and under whom something was decided if anything was."""
        self.chairs_entrusted[meeting.id] = meeting.entrustment is not None and meeting.entrustment.to == meeting.chair
        chaired = {each for handover in meeting.handovers for each in (handover.chair, handover.to)}
        assert meeting.chair in (chaired or {meeting.chair}), "a chair who never chaired"
        decided = {each.decision_id for each in meeting.resolutions if each.outcome != "deferred"}
        under = {each.chair for each in meeting.decided if each.decision_id in decided}
        assert not under or meeting.chair in under, "whose meeting it was, decided nothing of it"

    @staticmethod
    def _in_the_room(meeting: Meeting) -> list[str]:
        return [each.official for each in meeting.attendance if each.present and each.left_at is None]

    def _require_quorum(self, meeting: Meeting, kind: Any) -> None:
        if kind.quorum is None:
            return
        members = self.members(meeting)
        there = len(set(self._in_the_room(meeting)) & set(members))
        if kind.quorum.more_than is not None:
            assert there > kind.quorum.more_than * len(members), f"{there} of {len(members)}: no quorum"
        else:
            assert there >= kind.quorum.at_least * len(members), f"{there} of {len(members)}: no quorum"
        self.reached.add("quorum met")

    def _opening(self, meeting: Meeting, kind: Any) -> None:
        assert meeting.opened_at and day_of(meeting.opened_at) == meeting.day, "opened on another day"
        self._require_quorum(meeting, kind)
        if kind.notice:
            assert not (unnotified := self.unnotified(meeting)), f"not notified of the latest agenda: {unnotified}"
            self.reached.add("everybody notified")
        if kind.confidential:
            assert meeting.devices, "nobody declared that devices were handed in"

    def unnotified(self, meeting: Meeting) -> set[str]:
        """Whom the latest agenda hasn't reached, for the time that holds: officials, units, names from outside."""
        kind = self.book.meetings[meeting.kind]
        attendees = [each for role in kind.attendees for each in self.holders(role, meeting.day)]
        invited = [i.official or i.organisation or i.name or "" for i in meeting.invitees if i.approved]
        units = [*meeting.participants.organisations, *(item.sponsor for item in meeting.agenda)]
        newest = (len(meeting.agenda_versions), len(meeting.postponements))
        notices = [each for each in meeting.notices if (each.agenda_version, each.round) == newest]
        notified = {recipient for notice in notices for recipient in notice.recipients}
        return {*self.members(meeting), *attendees, *invited, *units} - notified

    def _open_session(self, meeting: Meeting, kind: Any, before: dict[str, Any]) -> None:
        members = self.members(meeting)
        attendees = [each for role in kind.attendees for each in self.holders(role, meeting.day)]
        assert meeting.members == members, "other members than the rule names"
        listed = [each.official for each in meeting.attendance]
        assert {*members, *attendees} <= set(listed), "somebody isn't accounted for"
        assert len(set(listed)) == len(listed), "somebody is accounted for twice"
        asked_to_come = {each.name for each in meeting.invitees if each.approved}
        for guest in meeting.guests:
            assert guest.name in asked_to_come or not (kind.invitees or kind.staff), f"{guest.name} wasn't invited"
            self.reached.add("guest from outside")
        for each in meeting.leaves:
            sent = [d for d in meeting.delegations if d.official == each.official and d.requested.recorded_at < (
                each.withdrawal.act.recorded_at if each.withdrawal else each.requested.recorded_at)]  # fmt: skip
            if each.state == "withdrawn":
                assert all(d.state not in ("requested", "approved") for d in sent), "a delegate of who comes after all"
                self.reached.add("leave withdrawn")
        taken = [each for each in meeting.resolutions if each not in before["resolutions"]]
        if kind.quorum and len(set(self._in_the_room(meeting)) & set(members)) < kind.quorum.needed(len(members)):
            self.put_off.update(each.decision_id for each in taken)
        if any(each.outcome != "deferred" for each in taken):  # what is put off isn't decided
            self._require_quorum(meeting, kind)

    def _decisions(self, meeting: Meeting, kind: Any, before: dict[str, Any]) -> None:
        decided = [resolution.topic_id for resolution in meeting.resolutions]
        items = [item.topic_id for item in meeting.agenda]
        assert len(set(decided)) == len(decided), "a topic has two decisions"
        assert set(decided) <= set(items), "a decision on what isn't on the agenda"
        assert not decided or kind.decides, "a kind that takes no decisions decided"
        for resolution in meeting.resolutions:
            if resolution.decision_id in self.put_off:
                assert resolution.outcome == "deferred", "decided by a correction, without a quorum"
            topic = self.rows.rows[Topic][resolution.topic_id]
            reserved = [each for each in self.book.topics.reserved if set(each.any_of) & set(topic.aspects)]
            if reserved and meeting.kind not in reserved[0].kinds:
                assert resolution.outcome != "passed", "a reserved matter is decided where it is only prepared"
            if topic.nature in ("transmission", "study"):
                assert resolution.outcome in ("noted", "deferred"), f"{topic.nature}: {resolution.outcome}"
            assert resolution.lead.code not in [unit.code for unit in resolution.co_units]
        if len(decided) > len(before["resolutions"]):
            assert "open" in (meeting.state, before["state"]), "decided outside the session"
        if meeting.state in CLOSED and kind.decides:
            assert set(decided) == set(items), "closed without a decision on each topic"
        if meeting.state in CLOSED:
            assert meeting.closed_at and meeting.opened_at and meeting.closed_at >= meeting.opened_at

    # minutes ----------------------------------------------------------------------------------------------------------
    def _minutes(self, meeting: Meeting) -> None:
        kind, found = self.book.meetings[meeting.kind], versions(self.rows, meeting.id)
        assert sum(each.state == "draft" for each in found) <= 1, "two versions wait"
        assert [each.number for each in found] == list(range(1, len(found) + 1))
        marks = [each.major for each in found]
        assert marks == sorted(marks), "minutes lost the mark of a major matter"
        final = [each for each in found if each.state in ("signed", "waived")]
        assert bool(final) == (meeting.state in ("signed", "unminuted")), f"{meeting.state}, {len(final)} final"
        for minutes in found:
            self.reached.add(f"minutes {minutes.state}")
            self._one_version(meeting, kind, minutes)
        if final:
            self._adopted(meeting)

    def _one_version(self, meeting: Meeting, kind: Any, minutes: Minutes) -> None:
        if minutes.id in self.sealed:
            assert repr(minutes) == self.sealed[minutes.id], "signed minutes changed"
            return
        assert meeting.state in ("minuted", "signed", "unminuted")
        facts = self._facts(meeting, "")
        facts["major"] = facts["major"] or minutes.major
        wanted = asked(kind.minutes, facts)
        assert len(minutes.steps) <= len(wanted)
        entrusting = meeting.entrustment.by if meeting.entrustment else None
        for taken, step in zip(minutes.steps, wanted, strict=False):
            own = facts | {"chaired": meeting.chair == taken.official}
            context = {"unit": self.unit_of(meeting), "chair": meeting.chair, "entrusting": entrusting}
            self._lawful_step(taken, step, own, **context)
        if minutes.state == "signed":
            assert len(minutes.steps) == len(wanted), "signed without the whole chain"
            assert minutes.digest == hashlib.sha256(minutes.text.encode()).hexdigest()
            assert minutes.issue and minutes.signed_by == minutes.steps[-1].official
            self.reached.add(f"minutes signed: {minutes.cause}")
        if minutes.state == "waived":
            assert kind.minutes.optional, "minutes are asked for"
            chair_is_away = self.stands_in(str(minutes.signed_by), str(meeting.chair), day_of(self.rows.now), "sign")
            assert minutes.signed_by == meeting.chair or chair_is_away
        if minutes.state in ("signed", "waived"):
            self.sealed[minutes.id] = repr(minutes)

    def _adopted(self, meeting: Meeting) -> None:
        """What was decided stands as the newest signed version says."""
        now = {resolution.decision_id: resolution for resolution in meeting.resolutions}
        for decision in self.rows.of(Decision):
            if decision.meeting_id == meeting.id:
                assert decision.resolution == now[decision.id], "the decision isn't what the minutes say"
                adopted = decision.resolution.outcome in ("passed", "passed_in_principle")
                assert decision.standing == "revoked" or (decision.standing != "recorded") == adopted
