"""The five governments' rules of meetings beside topics: agenda, invitees, notice, leave, attendance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from meeting_svc.agenda import agenda
from meeting_svc.attendance import arrivals, attendance, quorum
from meeting_svc.circular import circular
from meeting_svc.convening import convening as convenings
from meeting_svc.invitation import invitation
from meeting_svc.leave import leave
from meeting_svc.meeting import chairing, participants
from meeting_svc.meeting.meeting import AgendaItem, Attendance, Entrustment, Meeting, MeetingState
from meeting_svc.meeting.record import (
    OF_A_MEETING,
    OF_THE_PEOPLE_IN_A_MEETING,
    AgendaCause,
    AnswerState,
    Capacity,
    Delegation,
    GuestAttendance,
    Handover,
    Invitee,
    LeaveRequest,
    Move,
    Movement,
    Participants,
    Postponement,
    Presence,
    StaffApproval,
    Withdrawal,
)
from meeting_svc.meeting_kind.description import describe_kind
from meeting_svc.minutes import text as minutes_text
from meeting_svc.resolution import resolution as resolutions
from meeting_svc.session import preparation, session
from tests.conftest import composition_of
from tests.meeting.examples import DAY, DECLARED, a_topic, book, resolution
from zhengling.authority.absence import Absent, StandIn
from zhengling.authority.act import Act
from zhengling.authority.chain import StepTaken
from zhengling.authority.composition import Composition, RoleContext
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.absences import Basis, Power
from zhengling.rules.chains import StepName
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import LeaveReason, Role, TopicNature

GOVERNMENTS = ("dalian", "xigang", "shuangtaizi", "huancui", "zhanqian")


def called(government: str, kind: str = "executive", *items: AgendaItem, **fields: Any) -> Meeting:
    return Meeting(
        id="m1",
        government=government,
        edition=book(government).edition,
        kind=kind,
        title="会议",
        day=DAY,
        called_by="clerk",
        agenda=list(items),
        **fields,
    )


def item(topic: str, nature: str = "deliberation", sponsor: str = "hc-zjj", minute: int = 0) -> AgendaItem:
    return AgendaItem(topic, topic, TopicNature(nature), sponsor, at(DAY - timedelta(days=9), 9, minute))


def rules(government: str, kind: str = "executive") -> tuple[MeetingKind, Composition]:
    return book(government).kind(kind), composition_of(government)


def act(official: str, hour: int = 8) -> Act:
    return Act(official, at(DAY, hour), at(DAY, hour))


def approval(official: str, hour: int = 8) -> StepTaken:
    return StepTaken(StepName.decide, Role.head, official, at(DAY, hour), at(DAY, hour))


def refused(attempt: Callable[[], object]) -> tuple[str, str | None]:
    with pytest.raises(Problem) as caught:
        attempt()
    assert caught.value.satisfy is None or caught.value.satisfy.zh
    return caught.value.code, caught.value.clause


def approved(government: str, kind: str, *items: AgendaItem, **fields: Any) -> Meeting:
    """A meeting whose agenda was approved as its first version."""
    meeting = called(government, kind, *items, **fields)
    agenda._keep(meeting, meeting.agenda, AgendaCause.approval, "", approval("head", 7))
    meeting.state = MeetingState.agenda_approved
    return meeting


def opened(government: str = "huancui", absent: tuple[str, ...] = (), *items: AgendaItem) -> Meeting:
    kind, people = rules(government)
    meeting = approved(government, "executive", *(items or (item("t1", "study"), item("t2"))), devices=DECLARED)
    listed = [Attendance(o, o not in absent) for o in participants.expected(meeting, kind, people)]
    session.open_session(meeting, kind, people, f"{listed[0].official}", listed, at(DAY), DAY)
    return meeting


# the agenda ---------------------------------------------------------------------------------------------------------
def test_the_rules_order_puts_the_first_topic_first_then_safety_transmission_study_and_deliberation_as_submitted() -> (
    None
):
    kind, _ = rules("huancui")
    items = [
        item("late", minute=9),
        item("early", minute=1),
        item("transmitted", "transmission"),
        item("safe", "safety"),
        item("study", "study"),
    ]
    assert [each.topic_id for each in agenda.by_rule(items, kind)] == ["study", "safe", "transmitted", "early", "late"]
    xigang, _ = rules("xigang")  # which asks for no first topic
    assert [each.topic_id for each in agenda.by_rule(items, xigang)] == [
        "transmitted",
        "study",
        "safe",
        "early",
        "late",
    ]


def test_an_order_by_hand_names_every_topic_once() -> None:
    items = [item("a"), item("b")]
    assert [each.topic_id for each in agenda.by_hand(items, ["b", "a"])] == ["b", "a"]
    for wrong in (["a"], ["a", "a"], ["a", "b", "c"]):
        assert refused(lambda order=wrong: agenda.by_hand(items, order))[0] == "order_incomplete"  # type: ignore[misc]


def test_every_approved_agenda_is_kept_and_every_version_has_the_first_topic_first() -> None:
    kind, _ = rules("huancui")
    meeting = approved("huancui", "executive", item("t1", "study"))
    topic = a_topic("huancui", "hc-zjj")
    later = agenda.insert(meeting, topic, None)
    agenda.change(meeting, kind, later, AgendaCause.addition, "区委要求", approval("hc-head", 9))
    assert [(v.number, len(v.items), v.cause, v.reason) for v in meeting.agenda_versions] == [
        (1, 1, "approval", ""),
        (2, 2, "addition", "区委要求"),
    ]
    swapped = list(reversed(meeting.agenda))

    def change(items: list[AgendaItem], why: str = "调整") -> None:
        agenda.change(meeting, kind, items, AgendaCause.reorder, why, approval("hc-head", 9))

    assert refused(lambda: change(swapped)) == ("first_topic_missing", "HC-47")
    assert refused(lambda: change([])) == ("agenda_empty", "HC-50")
    assert refused(lambda: change(meeting.agenda)) == ("agenda_unchanged", "HC-50")
    assert refused(lambda: change(meeting.agenda[:1], "")) == ("reason_missing", "HC-50")
    assert len(meeting.agenda_versions) == 2


def test_only_who_takes_the_last_step_of_its_chain_changes_an_approved_agenda() -> None:
    kind, people = rules("huancui")
    meeting = approved("huancui", "executive", item("t1", "study"))

    def by(official: str, hour: int = 9) -> StepTaken:
        when = at(DAY, hour)
        return agenda.require_approver(meeting, kind, people, official, when, when, DAY, chair="hc-head")

    assert by("hc-head").role == Role.head
    assert refused(lambda: by("hc-office-clerk")) == ("not_the_agenda_approver", "HC-50")
    assert refused(lambda: by("hc-head", 6)) == ("before_the_approval", "HC-50")


def test_an_agenda_without_the_safety_topic_is_warned_of_and_not_refused() -> None:
    kind, _ = rules("huancui")
    without = called("huancui", "executive", item("t1", "study"))
    assert [(w.code, w.clause) for w in agenda.warnings(without, kind)] == [("rhythm_topic_missing", "HC-47")]
    assert agenda.warnings(called("huancui", "executive", item("t1", "study"), item("t2", "safety")), kind) == []


# the call, and another time -------------------------------------------------------------------------------------------
def test_who_is_planned_to_chair_has_to_be_one_who_may_chair_the_kind() -> None:
    kind, people = rules("huancui")
    convenings.require_convener(kind, people, "hc-exec", DAY, None)
    plan = partial(convenings.require_convener, kind, people, "hc-dep1", DAY, None)
    assert refused(plan) == ("convener_cannot_chair", "HC-43")
    business, people = rules("shuangtaizi", "business")  # any deputy may: somebody has to say which
    missing = called("shuangtaizi", "business")
    settle = partial(convenings.require_planned_chair, missing, business, people)
    assert refused(settle) == ("convener_missing", "ST-41")
    missing.convener = "st-dep1"
    settle()


def test_a_deputy_chairs_by_portfolio_where_it_covers_the_sponsors_of_all_topics() -> None:
    kind, people = rules("zhanqian", "special")
    own, other = item("t1", sponsor="zq-jyj"), item("t2", sponsor="zq-zjj")
    assert chairing.require_chair(called("zhanqian", "special", own), kind, people, "zq-dep1", DAY).role == (
        Role.deputy_in_charge
    )
    both = called("zhanqian", "special", own, other)
    assert refused(lambda: chairing.require_chair(both, kind, people, "zq-dep1", DAY)) == (
        "not_a_lawful_chair",
        "ZQ-23",
    )
    chairing.entrust(both, people, kind, "zq-head", Entrustment("zq-dep1", "zq-head", "出差", at(DAY), at(DAY)), DAY)
    assert chairing.require_chair(both, kind, people, "zq-dep1", DAY).role == Role.deputies


def test_in_dalian_a_deputy_may_entrust_the_secretary_general_with_a_business_meeting_and_a_principal_may_not() -> None:
    kind, people = rules("dalian", "business")
    meeting = called("dalian", "business", convener="dl-sg")
    entrustment = Entrustment("dl-sg", "dl-dep1", "外出", at(DAY), at(DAY))

    def by(who: str) -> None:
        chairing.entrust(meeting, people, kind, who, entrustment, DAY)

    assert refused(lambda: by("dl-jyj-principal")) == ("not_an_entrusting_leader", "DL-40")
    by("dl-dep1")
    assert chairing.require_chair(meeting, kind, people, "dl-sg", DAY).role == Role.secretary_general


def test_participants_are_named_only_where_the_rule_names_no_members_and_a_request_where_it_asks_for_one() -> None:
    named = Participants(["hc-dep1"])
    assert refused(lambda: convenings.require_named_by_rule(rules("huancui")[0], named)) == ("members_by_rule", "HC-43")
    convenings.require_named_by_rule(rules("huancui", "special")[0], named)
    work, _ = rules("huancui", "work-1")
    assert refused(lambda: convenings.require_request(work, None)) == ("request_missing", "HC-46")


def test_notices_and_leave_for_one_day_do_not_hold_for_another() -> None:
    kind, people = rules("shuangtaizi")
    meeting = approved("shuangtaizi", "executive", item("t1", sponsor="st-zjj"), place="一号会议室")
    invitation.notify(meeting, kind, people, [], True, act("st-office-clerk"))
    asked = LeaveRequest("st-dep1", None, "出差", [], None, act("st-dep1"))
    leave.ask_leave(meeting, kind, people, asked)
    assert invitation.not_notified(meeting, kind, people) == []
    later = DAY + timedelta(days=4)
    convenings.postpone(meeting, Postponement(later, None, "二号会议室", "防汛", act("st-office-clerk")))
    assert (meeting.day, meeting.place) == (later, "二号会议室")
    assert [(old.day, old.place, old.reason) for old in meeting.postponements] == [(DAY, "一号会议室", "防汛")]
    assert "st-head" in invitation.not_notified(meeting, kind, people)
    assert meeting.leaves[0].state == AnswerState.lapsed
    again = Postponement(later, None, "二号会议室", "又改", act("st-office-clerk"))
    assert refused(lambda: convenings.postpone(meeting, again))[0] == "nothing_changed"


# invitees and notices -------------------------------------------------------------------------------------------------
def test_invitees_come_in_once_their_list_is_approved_and_a_longer_list_is_seen_again() -> None:
    kind, people = rules("xigang", "plenary")
    meeting = approved("xigang", "plenary", item("t1", sponsor="xg-zjj"))
    stranger = "xg-czj-clerk"
    comes = partial(attendance.capacity_of, meeting, kind, people, stranger, None, [])
    assert refused(comes) == ("not_invited", "XG-31")
    invitation.propose(meeting, kind, [Invitee(1, stranger, None, None, None, act("xg-office-clerk"))])
    invitation.take_step(meeting, kind, StepTaken(StepName.propose, Role.office, "xg-office-clerk", at(DAY), at(DAY)))
    invitation.propose(meeting, kind, [Invitee(2, None, None, "区人大代表", None, act("xg-office-clerk"))])
    assert meeting.invitee_steps == []
    for step, role, who in (("propose", Role.office, "xg-office-clerk"), ("approve", Role.head, "xg-head")):
        assert refused(comes) == ("not_invited", "XG-31")
        invitation.take_step(meeting, kind, StepTaken(StepName(step), role, who, at(DAY), at(DAY)))
    assert comes() == Capacity.invitee
    assert [len(invitee.approval) for invitee in meeting.invitees] == [2, 2]
    nothing = partial(invitation.take_step, meeting, kind, approval("xg-head"))
    assert refused(nothing) == ("no_invitees_pending", "XG-31")


def test_principals_outside_the_portfolio_or_of_towns_come_to_a_deputys_meeting_only_with_consent() -> None:
    kind, people = rules("shuangtaizi", "business")
    meeting = approved("shuangtaizi", "business", item("t1", sponsor="st-zjj"), convener="st-dep2")
    meeting.participants = Participants(["st-zjj-principal"], ["st-jyj", "st-lyz"])
    assert invitation.outsiders(meeting, kind, people) == ["st-jyj-principal", "st-lyz-principal"]
    assert refused(lambda: invitation.require_consent(meeting, kind, people)) == ("outside_portfolio", "ST-43")

    def by(who: str) -> None:
        invitation.consent(meeting, kind, people, "工作需要", act(who), DAY)

    assert refused(lambda: by("st-dep2")) == ("not_the_consenter", "ST-43")
    by("st-head")
    invitation.require_consent(meeting, kind, people)
    assert refused(lambda: by("st-head")) == ("nobody_outside", "ST-43")
    meeting.invitees = [
        Invitee(1, "st-hxjd-principal", None, None, None, act("x"), True)
    ]  # one more, unseen by the head
    assert invitation.outsiders(meeting, kind, people) == ["st-hxjd-principal"]
    meeting.invitees = []
    with_one_whom_nobody_asked = partial(
        invitation.require_consent, meeting, kind, people, "st-dep2", ["st-dep2", "st-hxjd-principal"]
    )
    assert refused(with_one_whom_nobody_asked) == ("outside_portfolio", "ST-43")
    invitation.require_consent(meeting, kind, people, "st-head", ["st-head", "st-hxjd-principal"])


def test_a_session_has_the_chair_who_decided_on_its_topics() -> None:
    kind, people = rules("dalian", "head-office")
    decided = replace(item("t1", sponsor="dl-zjj"), decided_by="dl-dep1")
    meeting = approved("dalian", "head-office", decided, convener="dl-dep1")
    meeting.participants = Participants(["dl-zjj-principal"], [])
    invitation.notify(meeting, kind, people, [], True, act("dl-office-clerk"))
    listed = [Attendance(o, True) for o in (*participants.expected(meeting, kind, people), "dl-head", "dl-dep1")]

    def opened_by(chair: str) -> None:
        once = list({each.official: each for each in listed}.values())
        session.open_session(meeting, kind, people, chair, once, at(DAY), DAY)

    assert refused(lambda: opened_by("dl-head")) == ("another_convener", "DL-39")
    opened_by("dl-dep1")
    assert meeting.state == MeetingState.open


@pytest.mark.parametrize(
    ("government", "clause"), [("dalian", "DL-41"), ("shuangtaizi", "ST-39"), ("zhanqian", "ZQ-21")]
)
def test_a_session_opens_once_the_latest_agenda_reached_everybody(government: str, clause: str) -> None:
    kind, people = rules(government)
    sponsor = next(iter(people.portfolios[1].organisations))
    meeting = called(government, "executive", item("t1", sponsor=sponsor))

    def tell(*to: str) -> None:
        invitation.notify(meeting, kind, people, list(to), True, act("clerk"))

    assert refused(tell) == ("agenda_not_approved", clause)
    meeting = approved(government, "executive", item("t1", sponsor=sponsor))
    members = participants.expected(meeting, kind, people)
    assert refused(lambda: tell("nobody")) == ("not_taking_part", clause)
    tell(*members)
    assert invitation.not_notified(meeting, kind, people) == [sponsor]
    listed = [Attendance(o, True) for o in members]
    head = people.holders(Role.head, DAY)[0]
    begin = partial(session.open_session, meeting, kind, people, head, listed, at(DAY), DAY)
    assert refused(begin) == ("not_notified", clause)
    tell(sponsor)
    agenda.change(
        meeting,
        kind,
        agenda.insert(meeting, a_topic(government, sponsor), None),
        AgendaCause.addition,
        "急",
        approval(head),
    )
    assert refused(begin) == ("not_notified", clause)  # the latest agenda, not the one before
    tell()
    begin()
    assert meeting.state == MeetingState.open


# leave and delegates ----------------------------------------------------------------------------------------------------
#: Leave that nobody grants: the office reports it (ST-39, HC-51).
OFFICE: list[str] = []


@pytest.mark.parametrize(
    ("government", "to", "clause"), [("huancui", "chair", "HC-51"), ("shuangtaizi", "head", "ST-39")]
)
def test_leave_of_those_who_arent_leaders_is_reported_by_the_office_and_refused_by_nobody(
    government: str, to: str, clause: str
) -> None:
    kind, people = rules(government, "plenary")
    meeting, who = (
        called(government, "plenary"),
        {"huancui": "hc-jyj-principal", "shuangtaizi": "st-jyj-principal"}[government],
    )
    leave.ask_leave(meeting, kind, people, LeaveRequest(who, None, "出差", [], None, act(who)))
    one = leave.find(meeting.leaves, who)
    assert (one.asked, one.reported_to, one.state) == (["office"], [to], "requested")
    head = people.holders(Role.head, DAY)[0]
    assert refused(lambda: leave.answerer(meeting, kind, people, one, head, DAY)) == ("not_the_leave_approver", clause)
    answer = partial(leave.answered, meeting.leaves, one)
    assert refused(lambda: answer(False, "", act("office"))) == ("leave_is_reported", clause)
    assert participants.granted_leave(meeting, who) is None
    meeting.leaves = answer(True, "", act("office"))
    assert participants.granted_leave(meeting, who) is not None


@pytest.mark.parametrize(
    ("government", "kind_name", "leader", "other", "leaders_ask", "others_ask", "clause"),
    [
        ("dalian", "plenary", "dl-dep1", "dl-jyj-principal", ["dl-head"], ["dl-sg"], "DL-42"),
        ("xigang", "plenary", "xg-dep1", "xg-jyj-principal", ["xg-head"], ["xg-head"], "XG-36"),
        ("shuangtaizi", "plenary", "st-dep1", "st-jyj-principal", ["st-head"], OFFICE, "ST-39"),
        ("huancui", "plenary", "hc-dep1", "hc-jyj-principal", ["hc-head"], OFFICE, "HC-51"),
        ("zhanqian", "plenary", "zq-dep1", "zq-jyj-principal", ["zq-head"], ["zq-head"], "ZQ-24"),
    ],
)
def test_leave_is_asked_of_whom_the_rules_name_for_leaders_and_for_others(
    government: str, kind_name: str, leader: str, other: str, leaders_ask: list[str], others_ask: list[str], clause: str
) -> None:
    kind, people = rules(government, kind_name)
    meeting = called(government, kind_name)
    for official, whom in ((leader, leaders_ask), (other, others_ask)):
        asked = LeaveRequest(official, LeaveReason.official_trip, "赴省城开会", [], None, act(official))
        leave.ask_leave(meeting, kind, people, asked)
        request = leave.find(meeting.leaves, official)
        chair = chairing.planned_chair(meeting, kind, people)
        may = [o for role in request.asked for o in people.who_may(role, DAY, context=RoleContext(chair=chair))]
        assert may == whom if whom is not OFFICE else request.asked == [Role.office]
        answers = partial(leave.answerer, meeting, kind, people, request)
        assert refused(partial(answers, official, DAY)) == ("not_the_leave_approver", clause)
        answers(may[0], DAY)
        meeting.leaves = leave.answered(meeting.leaves, request, True, "同意", act(may[0]))
        assert meeting.leaves[-1].state == ("reported" if whom is OFFICE else "approved")
        assert participants.granted_leave(meeting, official) is not None
        assert refused(lambda again=asked: leave.ask_leave(meeting, kind, people, again)) == ("asked_already", clause)


@pytest.mark.parametrize("government", ["dalian", "xigang", "shuangtaizi", "huancui", "zhanqian"])
def test_nobody_asks_the_chair_whom_they_entrusted_for_leave(government: str) -> None:
    kind, people = rules(government)
    (head,), (deputy,) = (people.holders(role, DAY) for role in (Role.head, Role.executive_deputy))
    meeting = called(government)
    meeting.entrustment = Entrustment(deputy, head, "参加省里会议", at(DAY), at(DAY))
    asked = LeaveRequest(head, LeaveReason.higher_meeting, "参加省里会议", [], None, act(head))
    leave.ask_leave(meeting, kind, people, asked)
    assert (meeting.leaves[-1].asked, meeting.leaves[-1].state) == ([], "approved")


def test_nobody_answers_their_own_request_for_whomever_they_stand_in() -> None:
    kind, people = rules("shuangtaizi")
    head_away = Absent(
        absence_id="a1", official="st-head", absence_kind="official_trip", since=DAY, until=DAY, clause="ST-65",
        stand_ins=(StandIn(official="st-exec", acts=(Power.preside,), clause="ST-7", basis=Basis.entrusted),),
    )  # fmt: skip
    known = people.with_absences([head_away])
    meeting = called("shuangtaizi")
    for official in ("st-exec", "st-dep2"):
        leave.ask_leave(meeting, kind, known, LeaveRequest(official, None, "出差", [], None, act(official)))
    own, other = (leave.find(meeting.leaves, official) for official in ("st-exec", "st-dep2"))
    assert leave.answerer(meeting, kind, known, other, "st-exec", DAY).on_behalf_of == "st-head"
    assert refused(lambda: leave.answerer(meeting, kind, known, own, "st-exec", DAY)) == (
        "not_the_leave_approver",
        "ST-39",
    )


def test_in_zhanqian_the_reason_has_to_be_one_of_those_listed() -> None:
    kind, people = rules("zhanqian")
    asked = LeaveRequest("zq-dep1", None, "有事", [], None, act("zq-dep1"))
    ask = partial(leave.ask_leave, called("zhanqian"), kind, people, asked)
    assert refused(ask) == ("leave_reason_not_listed", "ZQ-24")


def test_leave_comes_before_the_opening_is_not_needed_while_away_and_not_asked_of_oneself() -> None:
    kind, people = rules("huancui")
    meeting = opened()
    late = LeaveRequest("hc-dep1", None, "出差", [], None, act("hc-dep1"))
    assert refused(lambda: leave.ask_leave(meeting, kind, people, late)) == ("leave_too_late", "HC-51")
    away = Absent(
        absence_id="a1", official="hc-dep1", absence_kind="official_trip", since=DAY, until=DAY, clause="HC-63"
    )
    known = people.with_absences([away])
    assert refused(partial(leave.ask_leave, called("huancui"), kind, known, late)) == ("leave_not_needed", "HC-63")
    own = called("huancui")
    leave.ask_leave(own, kind, people, LeaveRequest("hc-head", None, "出访", [], None, act("hc-head")))
    assert own.leaves[0].state == AnswerState.approved
    stranger = LeaveRequest("hc-czj-clerk", None, "有事", [], None, act("hc-czj-clerk"))
    assert refused(lambda: leave.ask_leave(own, kind, people, stranger)) == ("not_expected", "HC-51")


def sent_with_leave() -> tuple[MeetingKind, Composition, Meeting]:
    """A principal's leave is granted, and a delegate for them."""
    kind, people = rules("dalian", "plenary")
    meeting = approved("dalian", "plenary", item("t1", sponsor="dl-jyj"))
    who = "dl-jyj-principal"
    leave.ask_leave(meeting, kind, people, LeaveRequest(who, None, "出差", [], None, act(who, 5)))
    leave.send_delegate(meeting, kind, people, Delegation(who, "dl-jyj-clerk", "出差", [], None, act(who, 5)))
    meeting.leaves = leave.answered(meeting.leaves, meeting.leaves[0], True, "", act("dl-sg", 6))
    meeting.delegations = leave.answered(meeting.delegations, meeting.delegations[0], True, "", act("dl-sg", 6))
    return kind, people, meeting


def test_a_granted_leave_is_taken_back_before_the_opening_and_whoever_was_sent_stays_away() -> None:
    kind, people, meeting = sent_with_leave()
    who = "dl-jyj-principal"
    early = Withdrawal(act(who, 5), "行程取消")
    assert refused(lambda: leave.withdraw_leave(meeting, who, early)) == ("withdrawn_before_asked", "DL-42")
    leave.withdraw_leave(meeting, who, Withdrawal(act(who, 7), "行程取消"))
    (taken_back,) = meeting.leaves
    assert (taken_back.state, taken_back.answer is not None) == (AnswerState.withdrawn, True)
    assert taken_back.withdrawal == Withdrawal(act(who, 7), "行程取消")
    assert [sent.state for sent in meeting.delegations] == [AnswerState.lapsed]
    listed = [Attendance(o, o != who) for o in participants.expected(meeting, kind, people)]
    entries = attendance.roll_call(meeting, kind, people, listed, "dl-head", at(DAY))
    assert {e.status for e in entries if e.official == who} == {Presence.absent}, "no leave covers them any more"
    uninvited = [*listed, Attendance("dl-jyj-clerk", True)]
    found = attendance.roll_call(meeting, kind, people, uninvited, "dl-head", at(DAY))
    assert found[-1].capacity == Capacity.staff, "nobody's delegate"
    again = refused(lambda: leave.withdraw_leave(meeting, who, Withdrawal(act(who, 7), "行程取消")))
    assert again == ("nothing_asked", None)
    leave.ask_leave(meeting, kind, people, LeaveRequest(who, None, "生病", [], None, act(who)))
    assert [each.state for each in meeting.leaves] == [AnswerState.withdrawn, AnswerState.requested]
    leave.withdraw_leave(meeting, who, Withdrawal(act(who), "病愈"))
    assert meeting.leaves[1].state == AnswerState.withdrawn, "one that waits for its answer as well"


def test_once_the_session_is_open_no_leave_is_taken_back() -> None:
    _, _, meeting = sent_with_leave()
    meeting.state, meeting.opened_at = MeetingState.open, at(DAY)
    late = Withdrawal(act("dl-jyj-principal", 10), "行程取消")
    assert refused(lambda: leave.withdraw_leave(meeting, "dl-jyj-principal", late)) == ("leave_too_late", "DL-42")
    assert meeting.leaves[0].state == AnswerState.approved


def test_in_dalian_a_principal_is_represented_with_consent_and_a_leader_never() -> None:
    kind, people = rules("dalian", "plenary")
    meeting = approved("dalian", "plenary", item("t1", sponsor="dl-jyj"))
    sent = Delegation("dl-jyj-principal", "dl-jyj-clerk", "出差", [], None, act("dl-jyj-principal"))
    leave.send_delegate(meeting, kind, people, sent)
    of_a_leader = Delegation("dl-dep1", "dl-jyj-clerk", "出差", [], None, act("dl-dep1"))
    replaced = partial(leave.send_delegate, meeting, kind, people, of_a_leader)
    assert refused(replaced) == ("leader_cannot_be_replaced", "DL-42")
    one = leave.find(meeting.delegations, "dl-jyj-principal")
    assert refused(lambda: leave.answerer(meeting, kind, people, one, "dl-head", DAY)) == (
        "not_the_leave_approver",
        "DL-42",
    )
    listed = [Attendance(o, o != "dl-jyj-principal") for o in participants.expected(meeting, kind, people)]
    entries = attendance.roll_call(meeting, kind, people, listed, "dl-head", at(DAY))
    assert {e.status for e in entries if e.official == "dl-jyj-principal"} == {Presence.absent}  # nobody agreed yet
    meeting.delegations = leave.answered(meeting.delegations, one, True, "同意", act("dl-sg"))
    entries = attendance.roll_call(
        meeting, kind, people, [*listed, Attendance("dl-jyj-clerk", True)], "dl-head", at(DAY)
    )
    found = {e.official: (e.status, e.capacity, e.delegate) for e in entries}
    assert found["dl-jyj-principal"] == (Presence.represented, Capacity.member, "dl-jyj-clerk")
    assert found["dl-jyj-clerk"][1] == Capacity.delegate


#: The kinds of meeting of Dalian that name nobody for the roll call, and those whose list of invitees is approved.
OPEN_KINDS, LISTED_KINDS = ("head-office", "business"), ("plenary", "executive")


@pytest.mark.parametrize("kind_name", [*OPEN_KINDS, *LISTED_KINDS])
@pytest.mark.parametrize("state", [AnswerState.requested, AnswerState.refused])
def test_in_dalian_a_delegate_whose_consent_is_pending_or_refused_is_in_no_roll_call_whatever_else_they_are(
    kind_name: str, state: AnswerState
) -> None:
    kind, people = rules("dalian", kind_name)
    for delegate, sponsor in (("dl-mzj-clerk", "dl-jyj"), ("dl-jyj-clerk", "dl-jyj"), ("dl-office-clerk2", "dl-jyj")):
        meeting = approved("dalian", kind_name, item("t1", sponsor=sponsor))
        meeting.delegations = [
            Delegation("dl-jyj-principal", delegate, "出差", [], "DL-42", act("dl-jyj-principal"), state=state)
        ]
        listed = [Attendance(o, True) for o in participants.expected(meeting, kind, people)]
        called_for = partial(
            attendance.roll_call, meeting, kind, people, [*listed, Attendance(delegate, True)], "dl-head", at(DAY)
        )
        with pytest.raises(Problem, match="delegate_without_consent") as caught:
            called_for()
        problem = caught.value
        assert (problem.status, problem.clause, problem.extra["consent"]) == (403, "DL-42", ["secretary_general"])
        assert problem.satisfy and people.official_names["dl-sg"] in problem.satisfy.zh
        meeting.delegations = [replace(meeting.delegations[0], state=AnswerState.approved)]
        assert called_for()[-1].capacity == Capacity.delegate


@pytest.mark.parametrize("kind_name", [*OPEN_KINDS, "plenary"])
def test_in_dalian_whoever_sits_in_for_somebody_without_being_asked_for_is_in_no_roll_call(kind_name: str) -> None:
    kind, people = rules("dalian", kind_name)
    meeting = approved("dalian", kind_name, item("t1", sponsor="dl-jyj"))
    meeting.participants = Participants(["dl-mzj-principal"], []) if kind_name in OPEN_KINDS else Participants([], [])
    comes = partial(attendance.capacity_of, meeting, kind, people, "dl-mzj-clerk", None, [])
    assert refused(comes) == ("delegate_without_consent", "DL-42")
    by_name = people.official_names["dl-mzj-clerk"]
    if kind_name in OPEN_KINDS:  # elsewhere no guest comes uninvited
        as_guest = partial(attendance.require_guest_invited, meeting, kind, people, by_name)
        assert refused(as_guest) == ("delegate_without_consent", "DL-42")
    meeting.members = participants.members_of(meeting, kind, people)
    meeting.state, meeting.opened_at = MeetingState.open, at(DAY)
    assert refused(lambda: move(meeting, "dl-mzj-clerk", "arrived", 10)) == ("delegate_without_consent", "DL-42")
    meeting.invitees = [Invitee(1, "dl-mzj-clerk", None, None, None, act("dl-office-clerk"), approved=True)]
    assert comes() == Capacity.invitee
    assert attendance.capacity_of(meeting, kind, people, "dl-jyj-clerk", None, []) == Capacity.staff, "for their topic"
    assert attendance.capacity_of(meeting, kind, people, "dl-office-clerk", None, []) == Capacity.other, "of the office"


def test_in_dalian_the_delegate_of_an_invited_principal_needs_consent_where_the_list_is_approved() -> None:
    kind, people = rules("dalian", "executive")
    meeting = approved("dalian", "executive", item("t1", sponsor="dl-jyj"))
    comes = partial(attendance.capacity_of, meeting, kind, people, "dl-mzj-clerk", None, [])
    assert refused(comes) == ("not_invited", "DL-38"), "nobody of that unit takes part"
    meeting.invitees = [Invitee(1, "dl-mzj-principal", None, None, None, act("dl-office-clerk"), approved=True)]
    assert refused(comes) == ("delegate_without_consent", "DL-42")


def test_where_no_rule_speaks_of_delegates_nobody_is_asked_for_a_consent() -> None:
    kind, people = rules("zhanqian", "head-office")
    meeting = approved("zhanqian", "head-office", item("t1", sponsor="zq-zjj"))
    assert attendance.capacity_of(meeting, kind, people, "zq-czj-clerk", None, []) == Capacity.other


# attendance ---------------------------------------------------------------------------------------------------------
def test_the_roll_call_lists_every_member_and_standing_attendee() -> None:
    kind, people = rules("huancui")
    meeting = approved("huancui", "executive", item("t1", "study"), devices=DECLARED)
    listed = [Attendance(o, True) for o in people.members(kind.members, DAY)]
    with pytest.raises(Problem) as caught:
        session.open_session(meeting, kind, people, "hc-head", listed, at(DAY), DAY)
    assert (caught.value.code, caught.value.clause) == ("roll_call_incomplete", "HC-43")
    assert caught.value.extra["missing"] == ["hc-office-deputy"]


def test_who_is_not_there_stands_as_on_leave_away_or_absent() -> None:
    kind, people = rules("huancui")
    meeting = approved("huancui", "executive", item("t1", "study"), devices=DECLARED)
    leave.ask_leave(meeting, kind, people, LeaveRequest("hc-dep1", None, "出差", [], None, act("hc-dep1")))
    one = leave.find(meeting.leaves, "hc-dep1")
    meeting.leaves = leave.answered(meeting.leaves, one, True, "", act("hc-head"))
    away = Absent(
        absence_id="a1", official="hc-dep2", absence_kind="official_trip", since=DAY, until=DAY, clause="HC-63"
    )
    known = people.with_absences([away])
    gone = ("hc-dep1", "hc-dep2", "hc-dep3")
    listed = [Attendance(o, o not in gone) for o in participants.expected(meeting, kind, known)]
    session.open_session(meeting, kind, known, "hc-head", listed, at(DAY), DAY)
    status = {entry.official: entry.status for entry in meeting.attendance}
    assert [status[o] for o in gone] == [Presence.on_leave, Presence.away, Presence.absent]
    assert status["hc-head"] == Presence.present


def test_devices_are_declared_before_a_confidential_session_opens() -> None:
    kind, people = rules("huancui")
    meeting = approved("huancui", "executive", item("t1", "study"))
    listed = [Attendance(o, True) for o in participants.expected(meeting, kind, people)]
    begin = partial(session.open_session, meeting, kind, people, "hc-head", listed, at(DAY), DAY)
    assert refused(begin) == ("devices_not_declared", "HC-52")
    session.declare_devices(meeting, kind, Act("hc-office-clerk", at(DAY - timedelta(days=1)), at(DAY)))
    assert refused(begin) == ("devices_not_declared", "HC-52")  # the day before says nothing of this one
    session.declare_devices(meeting, kind, act("hc-office-clerk"))
    begin()
    other, _ = rules("xigang")
    assert refused(lambda: session.declare_devices(called("xigang"), other, act("x")))[0] == "nothing_to_declare"


def move(meeting: Meeting, official: str, what: str, hour: int = 10, topic: str | None = None) -> None:
    kind, people = rules(meeting.government, meeting.kind)
    arrivals.move(meeting, kind, people, Movement(official, Move(what), topic, act(official, hour)))


def test_once_the_quorum_is_lost_nothing_is_decided_until_somebody_comes_back() -> None:
    meeting = opened("huancui", ("hc-dep1", "hc-dep2", "hc-dep3", "hc-dep4"))  # five of nine are there
    move(meeting, "hc-exec", "left")
    assert refused(lambda: resolutions.decide(meeting, resolution("t1"), act("clerk", 11))) == ("quorum_lost", "HC-43")
    move(meeting, "hc-dep1", "arrived")  # somebody who was late counts as well
    resolutions.decide(meeting, resolution("t1"), act("clerk", 11))
    move(meeting, "hc-exec", "arrived", 11)
    entry = next(e for e in meeting.attendance if e.official == "hc-exec")
    assert (entry.arrived_at, entry.left_at) == (at(DAY), None)
    assert [m.move for m in meeting.movements] == ["left", "arrived", "arrived"]


def test_movements_are_in_order_and_the_chair_hands_over_before_leaving() -> None:
    meeting = opened()
    kind, people = rules("huancui")
    assert refused(lambda: move(meeting, "hc-head", "left")) == ("chair_must_hand_over", "HC-43")
    assert refused(lambda: move(meeting, "hc-dep1", "arrived"))[0] == "in_the_room_already"
    assert refused(lambda: move(meeting, "hc-dep1", "left", 8))[0] == "before_the_opening"
    move(meeting, "hc-dep1", "left", 11)
    assert refused(lambda: move(meeting, "hc-dep1", "left", 11))[0] == "not_in_the_room"
    assert refused(lambda: move(meeting, "hc-dep1", "arrived", 10))[0] == "before_the_last_movement"
    over = Handover("hc-head", "hc-exec", "另有公务", act("hc-office-clerk", 11))
    hand = partial(session.hand_over, meeting, kind, people, over, DAY)
    assert refused(hand) == ("not_a_lawful_chair", "HC-43")
    chairing.entrust(meeting, people, kind, "hc-head", Entrustment("hc-exec", "hc-head", "公务", at(DAY), at(DAY)), DAY)
    hand()
    move(meeting, "hc-head", "left", 11)
    assert meeting.chair == "hc-exec"


def test_a_sponsor_brings_one_staff_member_more_only_by_name_and_other_departments_none() -> None:
    meeting = opened("huancui", (), item("t1", "study", "hc-office"), item("t2", sponsor="hc-zjj"))
    kind, people = rules("huancui")
    second = people.model_copy(
        update={"posts": (*people.posts, people.posts[-1].model_copy(update={"organisation": "hc-zjj"}))}
    )  # the clerk of a town serves at hc-zjj as well
    other = second.posts[-1].official

    def comes(official: str) -> None:
        arrivals.move(meeting, kind, second, Movement(official, Move.arrived, "t2", act("clerk", 10)))

    comes("hc-zjj-principal")
    comes("hc-zjj-clerk")
    assert refused(lambda: comes(other)) == ("too_many_staff", "HC-51")
    assert refused(lambda: comes("hc-czj-clerk")) == ("staff_of_others", "HC-51")

    def approve(by: str, who: str = other) -> None:
        attendance.approve_staff(meeting, kind, second, StaffApproval("t2", who, "材料较多", act(by)), DAY)

    assert refused(lambda: approve("hc-zjj-principal")) == ("not_the_staff_approver", "HC-51")
    assert refused(lambda: approve("hc-office-clerk", "hc-czj-clerk")) == ("staff_of_others", "HC-51")
    approve("hc-office-clerk")
    comes(other)
    capacities = {entry.official: entry.capacity for entry in meeting.attendance}
    assert (capacities["hc-zjj-principal"], capacities[other]) == (Capacity.topic, Capacity.staff)


def test_copies_marked_for_return_are_outstanding_until_they_are_back() -> None:
    meeting, (kind, _) = opened(), rules("huancui")
    session.hand_out(meeting, ["hc-dep1", "hc-dep2"], "送审稿", True, act("hc-office-clerk"))
    session.hand_out(meeting, ["hc-dep1"], "议程", False, act("hc-office-clerk"))

    def back(*numbers: int) -> None:
        session.take_back(meeting, kind, list(numbers), act("hc-office-clerk", 12))

    back(2)
    assert [copy.number for copy in meeting.copies if copy.outstanding] == [1]
    assert refused(lambda: back(2)) == ("copy_not_outstanding", "HC-52")
    assert refused(lambda: back(3)) == ("copy_not_outstanding", "HC-52")
    assert refused(lambda: back(9)) == ("no_such_copy", "HC-52")


def notify(meeting: Meeting) -> None:
    invitation.notify(meeting, *rules("huancui"), ["hc-head"], True, act("hc-office-clerk"))


def handed_out(meeting: Meeting) -> None:
    session.hand_out(meeting, ["hc-dep1"], "送审稿", True, act("hc-office-clerk"))


FULL = {
    "movements": (OF_THE_PEOPLE_IN_A_MEETING, lambda meeting: move(meeting, "hc-dep1", "left", 11)),
    "copies": (OF_THE_PEOPLE_IN_A_MEETING, handed_out),
    "notices": (OF_A_MEETING, notify),
}


@pytest.mark.parametrize("sort", FULL)
def test_a_meeting_holds_so_many_records_of_one_sort_and_no_more(sort: str) -> None:
    bound, add = FULL[sort]
    meeting = opened()
    if sort == "notices":
        meeting = approved("huancui", "executive", item("t1", "study"))
    entry: Any = Movement("hc-dep2", Move.left, None, act("clerk", 9)) if sort == "movements" else object()
    setattr(meeting, sort, [entry] * bound.most)
    with pytest.raises(Problem) as caught:
        add(meeting)
    assert (caught.value.code, caught.value.extra["most"], caught.value.detail.en) == (
        "record_full", bound.most, f"a meeting holds at most {bound.most} records of one kind",
    )  # fmt: skip
    setattr(meeting, sort, [entry] * (bound.most - 1))
    add(meeting)
    assert len(getattr(meeting, sort)) == bound.most


def test_a_kind_that_takes_no_decisions_closes_without_any() -> None:
    kind, people = rules("xigang", "study")
    meeting = approved("xigang", "study", item("t1", "study", "xg-office"))
    assert refused(lambda: resolutions.require_deciding(kind)) == ("takes_no_decisions", "XG-38")
    listed = [Attendance(o, True) for o in participants.expected(meeting, kind, people)]
    session.open_session(meeting, kind, people, "xg-head", listed, at(DAY), DAY)
    session.close_session(meeting, kind, at(DAY, 11))
    assert meeting.state == MeetingState.closed


# what is next, what was -----------------------------------------------------------------------------------------------
def test_a_refusal_to_chair_names_who_may_entrust_whom_and_later_who_is_entrusted() -> None:
    kind, people = rules("huancui")
    meeting = called("huancui", "executive", item("t1", "study"))
    head, first = people.official_names["hc-head"], people.official_names["hc-exec"]

    def advice() -> str:
        with pytest.raises(Problem, match="not_a_lawful_chair") as caught:
            chairing.require_chair(meeting, kind, people, "hc-dep1", DAY)
        assert caught.value.satisfy
        return caught.value.satisfy.zh

    assert f"可由{head}委托{first}主持" in advice()
    meeting.entrustment = Entrustment("hc-exec", "hc-head", "出访", at(DAY), at(DAY))
    assert f"已委托{first}主持" in advice()


def test_a_meeting_says_what_it_still_asks_for_and_by_known_absences_whether_its_quorum_is_in_doubt() -> None:
    kind, people = rules("huancui")
    meeting = called("huancui", "executive", item("t1"))
    codes = [remark.code for remark in preparation.asked_for(meeting, kind, people)]
    assert codes == ["first_topic_missing", "agenda_not_approved", "devices_not_declared"]
    gone = ["hc-head", "hc-dep1", "hc-dep2", "hc-dep3", "hc-dep4"]
    known = people.with_absences(
        Absent(absence_id=o, official=o, absence_kind="leave", since=DAY, until=DAY, clause="HC-63") for o in gone
    )
    asked = {remark.code: remark for remark in preparation.asked_for(meeting, kind, known)}
    assert asked["quorum_in_doubt"].clause == "HC-43"
    assert set(asked["quorum_in_doubt"].officials) == set(gone)
    assert asked["chair_away"].officials == ["hc-head"]
    assert preparation.asked_for(opened(), kind, people) == []


def come(meeting: Meeting, name: str, what: str, hour: int = 10) -> None:
    kind, people = rules(meeting.government, meeting.kind)
    arrivals.move(meeting, kind, people, Movement(None, Move(what), None, act("clerk", hour), guest=name))


def a_guest(name: str, n: int = 1, *, approved: bool = True, topic: str | None = None) -> Invitee:
    return Invitee(n, None, None, name, topic, act("clerk"), approved=approved)


def test_guests_from_outside_come_in_leave_and_stand_in_the_minutes_as_sitting_in() -> None:
    kind, people = rules("huancui")
    guests = [a_guest("王教授", topic="t2"), a_guest("李律师", 2)]
    meeting = approved("huancui", "executive", item("t1", "study"), item("t2"), devices=DECLARED, invitees=guests)
    listed = [Attendance(o, True) for o in participants.expected(meeting, kind, people)]
    given = [GuestAttendance("王教授", True), GuestAttendance("李律师", False, "开庭")]
    session.open_session(meeting, kind, people, "hc-head", listed, at(DAY), DAY, given)
    assert [(g.name, g.topic_id, g.arrived_at, g.in_the_room) for g in meeting.guests] == [
        ("王教授", "t2", at(DAY), True), ("李律师", None, None, False),
    ]  # fmt: skip
    assert {entry.official for entry in meeting.attendance} == {entry.official for entry in listed}
    assert refused(lambda: come(meeting, "王教授", "arrived"))[0] == "in_the_room_already"
    assert refused(lambda: come(meeting, "李律师", "left"))[0] == "not_in_the_room"
    words = minutes_text.words(meeting, kind, people, book("huancui").government, [])
    assert (words.others[-1], words.on_leave, words.absent) == ("王教授", ("李律师",), ())
    come(meeting, "王教授", "left", 11)
    assert refused(lambda: come(meeting, "王教授", "arrived", 10))[0] == "before_the_last_movement"
    come(meeting, "李律师", "arrived", 12)
    words = minutes_text.words(meeting, kind, people, book("huancui").government, [])
    assert words.others[-2:] == ("王教授", "李律师"), "who came later, and who left earlier, sat in as well"
    assert words.on_leave == ()
    meeting.closed_at = at(DAY, 13)
    figures = circular.count([meeting], people)
    assert {name: (t.expected, t.present, t.late, t.left_early) for name, t in figures.guests.items()} == {
        "王教授": (1, 1, 0, 1), "李律师": (1, 1, 1, 0),
    }  # fmt: skip
    assert not {"王教授", "李律师"} & set(figures.officials)


def test_a_guest_who_said_why_they_do_not_come_is_excused_and_another_one_absent() -> None:
    meeting = opened()
    meeting.guests = [GuestAttendance("甲", False, "开庭"), GuestAttendance("乙", False)]
    figures = circular.count([meeting], rules("huancui")[1])
    assert [(t.on_leave, t.absent) for t in figures.guests.values()] == [(1, 0), (0, 1)]


def test_the_remedy_of_a_quorum_names_nobody_who_is_away_or_on_leave() -> None:
    kind, people = rules("huancui")
    members = list(participants.members_of(called("huancui"), kind, people))
    there, away, on_leave, late = members[:3], members[3], members[4], members[5:]
    entries = [Attendance(official, official in there) for official in members]
    status = {away: Presence.away, on_leave: Presence.on_leave} | dict.fromkeys(late, Presence.absent)
    entries = [replace(entry, status=status.get(entry.official, entry.status)) for entry in entries]
    with pytest.raises(Problem, match="quorum_not_met") as caught:
        quorum.require_quorum(kind, people, members, entries)
    assert caught.value.satisfy
    assert caught.value.satisfy.zh == f"尚需以下人员中2人到会：{'、'.join(people.names(late))}"
    all_away = [replace(entry, status=Presence.away) if not entry.present else entry for entry in entries]
    with pytest.raises(Problem, match="quorum_not_met") as caught:
        quorum.require_quorum(kind, people, members, all_away)
    assert caught.value.satisfy
    assert caught.value.satisfy.zh == "尚缺2人，未到人员中6人已请假或外出，请改期召开"


def test_guests_dont_count_towards_the_quorum() -> None:
    kind, people = rules("huancui")
    names = list(participants.members_of(called("huancui"), kind, people))
    guests = [a_guest(name, n) for n, name in enumerate(names, 1)]
    meeting = approved("huancui", "executive", item("t1", "study"), devices=DECLARED, invitees=guests)
    few = [Attendance(o, n < 4) for n, o in enumerate(participants.expected(meeting, kind, people))]
    many = [GuestAttendance(name, True) for name in names]
    attempt = partial(session.open_session, meeting, kind, people, "hc-head", few, at(DAY), DAY, many)
    assert refused(attempt) == ("quorum_not_met", "HC-43")
    enough = [replace(entry, present=True) if n == 4 else entry for n, entry in enumerate(few)]
    session.open_session(meeting, kind, people, "hc-head", enough, at(DAY), DAY, many)
    move(meeting, "hc-exec", "left", 11)
    assert not quorum.quorum_is_met(meeting, act("clerk", 12).moment)


@pytest.mark.parametrize(
    ("government", "kind_name", "clause"), [("huancui", "executive", "HC-51"), ("dalian", "plenary", "DL-37")]
)
def test_where_the_rules_keep_out_whoever_nobody_asked_a_guest_is_on_the_approved_list(
    government: str, kind_name: str, clause: str
) -> None:
    kind, people = rules(government, kind_name)
    waiting = called(government, kind_name, invitees=[a_guest("王教授", approved=False)])
    for name in ("王教授", "某人"):
        assert refused(lambda who=name: attendance.require_guest_invited(waiting, kind, people, who)) == (
            "not_invited",
            clause,
        )
    waiting.invitees = [a_guest("王教授")]
    assert attendance.require_guest_invited(waiting, kind, people, "王教授") == [None]
    meeting = replace(waiting, state=MeetingState.open, opened_at=at(DAY))
    assert refused(lambda: come(meeting, "某人", "arrived")) == ("not_invited", clause)
    come(meeting, "王教授", "arrived")
    free, others = rules("zhanqian")  # which keeps nobody out
    assert attendance.require_guest_invited(called("zhanqian"), free, others, "某人") == []


def test_the_circular_counts_who_was_expected_late_gone_early_on_leave_and_absent() -> None:
    meeting = opened("huancui", ("hc-dep1", "hc-dep2"))
    move(meeting, "hc-dep1", "arrived", 10)
    move(meeting, "hc-dep3", "left", 10)
    move(meeting, "hc-dep4", "left", 10)
    move(meeting, "hc-dep4", "arrived", 11)
    meeting.closed_at = at(DAY, 12)
    _, people = rules("huancui")
    figures = circular.count([meeting, called("huancui")], people)
    assert figures.meetings == 1
    counted = {o: figures.officials[o] for o in ("hc-head", "hc-dep1", "hc-dep2", "hc-dep3", "hc-dep4")}
    assert [(t.expected, t.present, t.absent, t.late, t.left_early) for t in counted.values()] == [
        (1, 1, 0, 0, 0), (1, 1, 0, 1, 0), (1, 0, 1, 0, 0), (1, 1, 0, 0, 1), (1, 1, 0, 0, 0),
    ]  # fmt: skip
    assert figures.organisations["hc-office"].expected == 1
    assert refused(lambda: circular.require_period(DAY, DAY - timedelta(days=1)))[0] == "period_reversed"


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_every_rule_of_every_kind_is_described_in_both_languages_with_its_clause(government: str) -> None:
    for kind in book(government).meetings.values():
        described = describe_kind(kind)
        assert len(described) >= 4
        assert all(clause and text.en and text.zh for clause, text in described)
        clauses = {rule.clause for rule in (kind.leave, kind.quorum, kind.notice, kind.invitees, kind.staff) if rule}
        assert clauses <= {clause for clause, _ in described}
