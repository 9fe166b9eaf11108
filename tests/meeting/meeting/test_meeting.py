"""A meeting from its call to its close: agenda, chair, quorum, decisions, minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from meeting_svc.agenda import agenda as agendas
from meeting_svc.meeting import chairing, participants
from meeting_svc.meeting.meeting import AgendaItem, Attendance, Entrustment, Meeting, MeetingState
from meeting_svc.resolution import resolution as resolutions
from meeting_svc.session import session
from tests.conftest import composition_of
from tests.meeting.examples import DAY, DECLARED, a_topic, book, resolution
from zhengling.authority.act import Act
from zhengling.authority.chain import StepTaken
from zhengling.events.meeting import Unit
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.chains import StepName
from zhengling.rules.vocabulary import Outcome, Role, TopicNature

AT_ELEVEN = Act("clerk", at(DAY, 11), at(DAY, 11))


def a_meeting(government: str = "huancui", *natures: str, **fields: object) -> Meeting:
    items = [AgendaItem(f"t{i}", f"议题{i}", TopicNature(nature), "hc-zjj") for i, nature in enumerate(natures, 1)]
    return Meeting(
        id="m1",
        government=government,
        edition=book(government).edition,
        kind="executive",
        title="第2次常务会议",
        day=DAY,
        called_by="clerk",
        agenda=items,
        **fields,  # type: ignore[arg-type]  # a test's own fields
    )


def step(name: str, role: Role, official: str) -> StepTaken:
    return StepTaken(StepName(name), role, official, at(DAY), at(DAY))


AGENDA_STEPS = [
    step("propose", Role.office, "hc-office-clerk"),
    step("review", Role.office_director, "hc-office-director"),
    step("decide", Role.head, "hc-head"),
]


def approve(meeting: Meeting) -> None:
    for taken in AGENDA_STEPS:
        agendas.take_step(meeting, book("huancui").kind("executive"), taken)


def test_an_agenda_whose_first_topic_is_the_study_topic_can_be_approved_and_is_then_locked() -> None:
    meeting = a_meeting("huancui", "study", "deliberation")
    approve(meeting)
    assert meeting.state == MeetingState.agenda_approved
    with pytest.raises(Problem, match="illegal_state"):
        agendas.add(meeting, a_topic("huancui", "hc-zjj"), None)


@pytest.mark.parametrize("natures", [("deliberation",), ("deliberation", "study"), ("safety", "study")])
def test_an_agenda_without_the_study_topic_first_cannot_be_approved(natures: tuple[str, ...]) -> None:
    meeting = a_meeting("huancui", *natures)
    with pytest.raises(Problem) as refused:
        approve(meeting)
    assert (refused.value.code, refused.value.clause) == ("first_topic_missing", "HC-47")
    assert meeting.state == MeetingState.called


def test_an_empty_agenda_cannot_be_approved() -> None:
    with pytest.raises(Problem, match="agenda_empty"):
        approve(a_meeting("huancui"))


def test_adding_a_topic_asks_for_every_approval_again() -> None:
    meeting = a_meeting("huancui", "study")
    agendas.take_step(meeting, book("huancui").kind("executive"), AGENDA_STEPS[0])
    agendas.add(meeting, a_topic("huancui", "hc-zjj"), 1)
    assert [item.topic_id for item in meeting.agenda] == ["t1", "t1"]  # at position 1, before the study topic
    assert meeting.agenda[0].title == "关于某事项的请示"
    assert meeting.agenda_steps == []


def test_a_topic_of_another_kind_is_refused() -> None:
    topic = a_topic("huancui", "hc-zjj")
    topic.meeting_kind = "plenary"
    with pytest.raises(Problem, match="topic_of_another_kind"):
        agendas.add(a_meeting("huancui"), topic, None)


def open_with(meeting: Meeting, chair: str, present: int, on: date = DAY) -> None:
    people = composition_of(meeting.government)
    kind = book(meeting.government).kind("executive")
    everybody = participants.expected(meeting, kind, people)
    attendance = [Attendance(official, i < present) for i, official in enumerate(everybody)]
    if kind.confidential:
        meeting.devices = DECLARED
    session.open_session(meeting, kind, people, chair, attendance, at(on), on)


def test_a_session_opens_with_more_than_half_of_its_members() -> None:
    meeting = a_meeting("huancui", "study", state=MeetingState.agenda_approved)
    open_with(meeting, "hc-head", 5)
    assert meeting.state == MeetingState.open
    assert len(meeting.members) == 9


def test_a_session_does_not_open_with_half_or_less_and_says_who_is_missing() -> None:
    with pytest.raises(Problem) as refused:
        open_with(a_meeting("huancui", "study", state=MeetingState.agenda_approved), "hc-head", 4)
    assert (refused.value.code, refused.value.clause) == ("quorum_not_met", "HC-43")
    assert {key: refused.value.extra[key] for key in ("present", "members", "needed")} == {
        "present": 4,
        "members": 9,
        "needed": 5,
    }


def test_officials_who_arent_members_dont_count_towards_the_quorum() -> None:
    meeting = a_meeting("huancui", "study", state=MeetingState.agenda_approved)
    people, kind = composition_of("huancui"), book("huancui").kind("executive")
    there = ("hc-head", "hc-exec", "hc-fgj-principal", "hc-czj-principal", "hc-office-director")
    absent = [official for official in participants.expected(meeting, kind, people) if official not in there]
    attendance = [Attendance(o, True) for o in there] + [Attendance(o, False) for o in absent]
    with pytest.raises(Problem, match="quorum_not_met"):
        session.open_session(meeting, kind, people, "hc-head", attendance, at(DAY), DAY)


def test_a_government_without_a_quorum_asks_for_none() -> None:
    meeting = a_meeting("xigang", "deliberation", state=MeetingState.agenda_approved)
    open_with(meeting, "xg-head", 1)
    assert meeting.state == MeetingState.open


def test_the_executive_deputy_chairs_only_what_the_head_entrusted_to_him() -> None:
    meeting = a_meeting("huancui", "study", state=MeetingState.agenda_approved)
    with pytest.raises(Problem) as refused:
        open_with(meeting, "hc-exec", 9)
    assert (refused.value.code, refused.value.clause) == ("not_a_lawful_chair", "HC-43")
    people, kind = composition_of("huancui"), book("huancui").kind("executive")
    entrustment = Entrustment("hc-exec", "hc-head", "出访", at(DAY), at(DAY))
    with pytest.raises(Problem, match="not_the_head"):
        chairing.entrust(meeting, people, kind, "hc-exec", entrustment, DAY)
    chairing.entrust(meeting, people, kind, "hc-head", entrustment, DAY)
    open_with(meeting, "hc-exec", 9)
    assert meeting.chair == "hc-exec"


def test_only_whom_the_rulebook_lets_chair_by_entrustment_can_be_entrusted() -> None:
    people = composition_of("huancui")
    with pytest.raises(Problem, match="cannot_be_entrusted"):
        chairing.entrust(
            a_meeting("huancui"),
            people,
            book("huancui").kind("executive"),
            "hc-head",
            Entrustment("hc-dep1", "hc-head", "出访", at(DAY), at(DAY)),
            DAY,
        )
    with pytest.raises(Problem, match="cannot_be_entrusted"):  # Dalian lets nobody chair for the mayor
        chairing.entrust(
            a_meeting("dalian"),
            composition_of("dalian"),
            book("dalian").kind("executive"),
            "dl-head",
            Entrustment("dl-exec", "dl-head", "出访", at(DAY), at(DAY)),
            DAY,
        )


def test_a_session_opens_on_the_day_it_was_called_for_with_its_chair_present() -> None:
    meeting = a_meeting("xigang", "deliberation", state=MeetingState.agenda_approved)
    with pytest.raises(Problem, match="wrong_day"):
        open_with(meeting, "xg-head", 5, DAY + timedelta(days=1))
    with pytest.raises(Problem, match="chair_absent"):
        open_with(meeting, "xg-head", 0)
    with pytest.raises(Problem, match="illegal_state"):
        open_with(a_meeting("xigang", "deliberation"), "xg-head", 5)


def open_meeting() -> Meeting:
    meeting = a_meeting("huancui", "study", "deliberation", state=MeetingState.agenda_approved)
    open_with(meeting, "hc-head", 9)
    return meeting


def test_each_topic_of_the_agenda_gets_one_decision_with_one_lead_unit() -> None:
    meeting = open_meeting()
    with pytest.raises(Problem, match="not_on_the_agenda"):
        resolutions.decide(meeting, resolution("t9"), AT_ELEVEN)
    with pytest.raises(Problem, match="lead_twice"):
        resolutions.decide(meeting, resolution("t1", co_units=(Unit(code="hc-zjj", name="x"),)), AT_ELEVEN)
    resolutions.decide(meeting, resolution("t1"), AT_ELEVEN)
    with pytest.raises(Problem, match="decided_already"):
        resolutions.decide(meeting, resolution("t1", decision_id="another"), AT_ELEVEN)


def test_a_session_that_lost_its_quorum_for_good_defers_what_is_left_and_closes() -> None:
    meeting, kind = open_meeting(), book("huancui").kind("executive")
    meeting.attendance = [replace(entry, left_at=at(DAY, 10)) for entry in meeting.attendance]
    for outcome in (Outcome.passed, Outcome.noted, Outcome.not_passed):
        with pytest.raises(Problem, match="quorum_lost") as refused:
            resolutions.decide(meeting, resolution("t1", outcome=outcome), AT_ELEVEN)
        assert refused.value.clause == "HC-43"
    for topic in ("t1", "t2"):
        resolutions.decide(meeting, resolution(topic, outcome=Outcome.deferred), AT_ELEVEN)
    session.close_session(meeting, kind, at(DAY, 11))
    assert meeting.state == MeetingState.closed


def test_a_session_closes_once_every_topic_has_its_decision() -> None:
    meeting, kind = open_meeting(), book("huancui").kind("executive")
    resolutions.decide(meeting, resolution("t1", outcome=Outcome.noted), AT_ELEVEN)
    with pytest.raises(Problem, match="topics_undecided") as refused:
        session.close_session(meeting, kind, at(DAY, 11))
    assert "议题2" in refused.value.detail.zh
    resolutions.decide(meeting, resolution("t2"), AT_ELEVEN)
    with pytest.raises(Problem, match="closed_before_opened"):
        session.close_session(meeting, kind, at(DAY, 8))
    session.close_session(meeting, kind, at(DAY, 11))
    assert (meeting.state, meeting.closed_at) == (MeetingState.closed, at(DAY, 11))
    with pytest.raises(Problem, match="illegal_state"):
        resolutions.decide(meeting, resolution("t2"), AT_ELEVEN)
