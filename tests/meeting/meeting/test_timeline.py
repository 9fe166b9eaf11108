"""Facts of one session are a line in time, in whatever order they are recorded; what contradicts it is refused.

`TIMELINE_EXAMPLES=5000 pytest tests/meeting/meeting/test_timeline.py` looks longer than the suite.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meeting_svc.attendance import arrivals, quorum
from meeting_svc.meeting import chairing
from meeting_svc.meeting.meeting import AgendaItem, Attendance, Entrustment, Meeting, MeetingState
from meeting_svc.meeting.record import AgendaCause, AgendaVersion, Handover, Move, Movement, NoticeSent, QuorumNeeded
from meeting_svc.resolution import resolution as resolutions
from meeting_svc.session import session
from tests.conftest import composition_of
from tests.meeting.examples import DAY, DECLARED, book, resolution
from zhengling.authority.act import Act
from zhengling.authority.chain import StepTaken
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.chains import StepName
from zhengling.rules.vocabulary import Outcome, Role, TopicNature

KIND, PEOPLE = book("huancui").kind("executive"), composition_of("huancui")
MEMBERS = list(PEOPLE.members(KIND.members, DAY))
NEEDED, TOPICS, ENTRUSTED = 5, ("t1", "t2", "t3"), 20
RECORDED = count()


def moment(minute: int) -> datetime:
    return at(DAY, 9) + timedelta(minutes=minute)


def act(minute: int) -> Act:
    return Act("hc-office-clerk", moment(minute), at(DAY, 15) + timedelta(seconds=next(RECORDED)))


def in_session(absent: int = 0) -> Meeting:
    """A session opened by the head at 09:00, with its last `absent` members missing; the executive deputy is entrusted
    with the chair from minute 20 on."""
    missing = MEMBERS[len(MEMBERS) - absent :]
    return Meeting(
        id="m1", government="huancui", edition=book("huancui").edition, kind="executive", title="常务会议", day=DAY,
        called_by="hc-office-clerk", state=MeetingState.open, chair="hc-head", members=MEMBERS, opened_at=moment(0),
        agenda=[AgendaItem(topic, topic, TopicNature.deliberation, "hc-zjj") for topic in TOPICS],
        attendance=[Attendance(official, official not in missing) for official in MEMBERS],
        entrustment=Entrustment("hc-exec", "hc-head", "另有公务", moment(ENTRUSTED), at(DAY, 15)),
        quorum_needed=QuorumNeeded(NEEDED, "HC-43"),
    )  # fmt: skip


def move(meeting: Meeting, official: str, what: Move, minute: int) -> None:
    arrivals.move(meeting, KIND, PEOPLE, Movement(official, what, None, act(minute)))


def decide(meeting: Meeting, topic: str, minute: int, outcome: Outcome = Outcome.passed) -> None:
    number = resolutions.number_of(meeting, topic)
    resolutions.decide(meeting, resolution(topic, number=number, outcome=outcome), act(minute))


def hand_over(meeting: Meeting, to: str, minute: int) -> None:
    handover = Handover(meeting.chair or "", to, "另有公务", act(minute))
    session.hand_over(meeting, KIND, PEOPLE, handover, DAY)


def code(attempt: Callable[[], object]) -> str:
    with pytest.raises(Problem) as refused:
        attempt()
    assert refused.value.satisfy and refused.value.satisfy.zh
    return refused.value.code


# by example -----------------------------------------------------------------------------------------------------------
def test_a_departure_before_a_recorded_decision_is_refused_where_it_takes_the_quorum_from_it() -> None:
    meeting = in_session(absent=3)  # six of nine
    decide(meeting, "t1", 60)
    move(meeting, MEMBERS[5], Move.left, 30)  # five are enough
    with pytest.raises(Problem, match="contradicts_a_decision") as refused:
        move(meeting, MEMBERS[4], Move.left, 31)
    problem = refused.value
    assert (problem.clause, problem.extra["decision_id"]) == ("HC-43", "d-t1")
    assert [each.official for each in meeting.movements] == [MEMBERS[5]], "a refusal leaves no trace"
    move(meeting, MEMBERS[4], Move.left, 61)
    assert quorum.figures(meeting, KIND, PEOPLE).lowest == 4  # type: ignore[union-attr]


def test_an_arrival_before_a_deferral_for_want_of_the_quorum_is_refused_until_its_record_is_withdrawn() -> None:
    meeting = in_session(absent=4)
    move(meeting, MEMBERS[4], Move.left, 10)
    decide(meeting, "t1", 60, Outcome.deferred)
    assert code(lambda: move(meeting, MEMBERS[5], Move.arrived, 30)) == "contradicts_a_decision"
    resolutions.withdraw(meeting, KIND, "d-t1", "误记", act(70))
    move(meeting, MEMBERS[5], Move.arrived, 30)
    decide(meeting, "t1", 60)
    assert meeting.decided[-1].quorum_clause is None


def test_a_decision_is_judged_by_who_was_there_when_it_was_taken_and_by_who_chaired_then() -> None:
    meeting = in_session(absent=4)
    hand_over(meeting, "hc-exec", 40)
    move(meeting, MEMBERS[4], Move.left, 50)
    decide(meeting, "t1", 30)
    assert code(lambda: decide(meeting, "t2", 50)) == "quorum_lost"
    decide(meeting, "t2", 49)
    assert [each.chair for each in meeting.decided] == ["hc-head", "hc-exec"]
    assert chairing.presided(meeting) == "hc-head"


def test_whose_meeting_it_was_follows_the_time_of_the_decisions_rather_than_of_their_records() -> None:
    meeting = in_session()
    hand_over(meeting, "hc-exec", 40)
    decide(meeting, "t2", 50)
    decide(meeting, "t1", 30)
    assert chairing.presided(meeting) == "hc-head"


def test_nothing_occurs_before_the_opening() -> None:
    meeting = in_session()
    assert code(lambda: hand_over(meeting, "hc-exec", -1)) == "before_the_opening"
    assert code(lambda: decide(meeting, "t1", -1)) == "before_the_opening"
    assert code(lambda: move(meeting, MEMBERS[-1], Move.left, -1)) == "before_the_opening"


def test_handovers_are_in_order_after_the_entrustment_and_before_the_decisions_of_the_new_chair() -> None:
    meeting = in_session()
    assert code(lambda: hand_over(meeting, "hc-exec", ENTRUSTED - 1)) == "entrusted_later"
    hand_over(meeting, "hc-exec", 40)
    assert code(lambda: hand_over(meeting, "hc-head", 39)) == "before_the_last_handover"
    decide(meeting, "t1", 50)
    assert code(lambda: hand_over(meeting, "hc-head", 49)) == "contradicts_a_decision"
    hand_over(meeting, "hc-head", 50)


def test_the_new_chair_is_in_the_room_from_the_handover_on_and_the_old_one_up_to_it() -> None:
    meeting = in_session()
    move(meeting, "hc-exec", Move.left, 30)
    move(meeting, "hc-exec", Move.arrived, 35)
    assert code(lambda: hand_over(meeting, "hc-exec", 32)) == "chair_absent"
    assert code(lambda: hand_over(meeting, "hc-exec", 25)) == "chair_absent"
    hand_over(meeting, "hc-exec", 40)
    assert code(lambda: move(meeting, "hc-head", Move.left, 39)) == "chair_must_hand_over"
    hand_over(meeting, "hc-head", 60)
    assert code(lambda: move(meeting, "hc-exec", Move.left, 45)) == "chair_must_hand_over"
    move(meeting, "hc-exec", Move.left, 60)


def test_the_close_is_the_last_fact_of_the_session() -> None:
    meeting = in_session()
    for n, topic in enumerate(TOPICS):
        decide(meeting, topic, 60 + n)
    hand_over(meeting, "hc-exec", 70)
    move(meeting, MEMBERS[-1], Move.left, 80)
    for minute, named in (
        (-1, "closed_before_opened"),
        (61, "closed_before_the_last_movement"),
        (79, "closed_before_the_last_movement"),
    ):
        assert code(lambda m=minute: session.close_session(meeting, KIND, moment(m))) == named  # type: ignore[misc]
    meeting.movements = []
    assert code(lambda: session.close_session(meeting, KIND, moment(69))) == "closed_before_the_last_handover"
    meeting.handovers, meeting.chair = [], "hc-head"
    assert code(lambda: session.close_session(meeting, KIND, moment(61))) == "closed_before_the_last_decision"
    session.close_session(meeting, KIND, moment(62))


def test_a_record_is_corrected_or_withdrawn_after_it_was_made() -> None:
    meeting = in_session()
    decide(meeting, "t1", 60)
    assert code(lambda: resolutions.withdraw(meeting, KIND, "d-t1", "误记", act(59))) == "before_the_last_record"
    again = resolution("t1", task="另一任务")
    assert code(lambda: resolutions.replace(meeting, KIND, again, "误记", act(59))) == "before_the_last_record"
    resolutions.replace(meeting, KIND, again, "误记", act(90))
    assert meeting.decided[-1].taken_at == moment(60), "other words for the same outcome"


def test_a_session_opens_after_its_agenda_its_notice_and_its_declaration() -> None:
    def prepared(kind_name: str, government: str) -> Meeting:
        kind = book(government).kind(kind_name)
        meeting = in_session()
        meeting.government, meeting.state, meeting.opened_at, meeting.entrustment = (
            government, MeetingState.agenda_approved, None, None,
        )  # fmt: skip
        approved = StepTaken(StepName.decide, Role.head, "head", moment(-60), moment(-60))
        meeting.agenda_versions = [AgendaVersion(1, meeting.agenda, AgendaCause.approval, "", approved)]
        meeting.devices = DECLARED if kind.confidential else None
        return meeting

    def opened(meeting: Meeting, minute: int) -> None:
        kind, people = book(meeting.government).kind("executive"), composition_of(meeting.government)
        chair = people.holders(Role.head, DAY)[0]
        there = [Attendance(each, True) for each in people.members((*kind.members, *kind.attendees), DAY)]
        session.open_session(meeting, kind, people, chair, there, moment(minute), DAY)

    meeting = prepared("executive", "huancui")
    assert code(lambda: opened(meeting, -61)) == "opened_before_prepared"  # devices were declared at 08:00
    opened(meeting, 0)
    meeting = prepared("executive", "zhanqian")
    everybody = [*composition_of("zhanqian").members(book("zhanqian").kind("executive").members, DAY), "hc-zjj"]
    meeting.notices = [NoticeSent(1, 0, everybody, True, act(1))]
    assert code(lambda: opened(meeting, 0)) == "opened_before_prepared"
    opened(meeting, 1)


def test_a_time_stated_by_the_minute_contradicts_nothing_recorded_in_that_minute() -> None:
    meeting = in_session(absent=4)
    meeting.opened_at = moment(0) + timedelta(seconds=40)
    now = replace(act(0), occurred_at=moment(0) + timedelta(seconds=50))
    resolutions.decide(meeting, resolution("t1"), now)
    move(meeting, MEMBERS[4], Move.left, 0)  # stated as 09:00, and recorded after the decision
    resolutions.withdraw(meeting, KIND, "d-t1", "误记", act(0))
    assert code(lambda: decide(meeting, "t1", 0)) == "quorum_lost"


# any order ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Fact:
    """One accepted command: what it records, for when."""

    minute: int
    what: str
    who: str
    outcome: Outcome | None = None


@dataclass
class Line:
    """The oracle: the accepted facts, replayed by time, then in the order of their recording."""

    there: set[str]
    facts: list[Fact] = field(default_factory=list)

    def replay(self, meeting: Meeting) -> None:
        there, chair = set(self.there), "hc-head"
        recorded = {each.decision_id: each for each in meeting.decided}
        for fact in sorted(self.facts, key=lambda fact: fact.minute):
            assert fact.minute >= 0
            match fact.what:
                case "arrived":
                    assert fact.who not in there
                    there.add(fact.who)
                case "left":
                    assert fact.who in there and fact.who != chair
                    there.remove(fact.who)
                case "handover":
                    assert fact.who in there and fact.who != chair
                    assert fact.who != "hc-exec" or fact.minute >= ENTRUSTED
                    chair = fact.who
                case "decision":
                    said = recorded[f"d-{fact.who}"]
                    assert (said.chair, said.taken_at) == (chair, moment(fact.minute))
                    assert (said.quorum_clause is None) == (len(there) >= NEEDED)
                    assert said.quorum_clause is None or fact.outcome == Outcome.deferred
            assert chair in there


FACTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["left", "arrived"]), st.sampled_from(MEMBERS)),
        st.tuples(st.just("handover"), st.sampled_from(["hc-exec", "hc-head"])),
        st.tuples(st.sampled_from(["decision", "deferral", "withdrawal"]), st.sampled_from(TOPICS)),
    ).flatmap(lambda fact: st.tuples(st.just(fact), st.integers(-2, 60))),
    max_size=25,
)


def record(meeting: Meeting, what: str, who: str, minute: int) -> Fact:
    match what:
        case "left" | "arrived":
            move(meeting, who, Move(what), minute)
        case "handover":
            hand_over(meeting, who, minute)
        case "withdrawal":
            resolutions.withdraw(meeting, KIND, f"d-{who}", "误记", act(minute))
        case _:
            outcome = Outcome.passed if what == "decision" else Outcome.deferred
            decide(meeting, who, minute, outcome)
            return Fact(minute, "decision", who, outcome)
    return Fact(minute, what, who)


@settings(
    max_examples=int(os.environ.get("TIMELINE_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(absent=st.integers(2, 4), facts=FACTS, close=st.integers(-2, 60))
def test_whatever_the_order_of_recording_what_is_accepted_is_one_line_in_time(
    absent: int, facts: list[tuple[tuple[str, str], int]], close: int
) -> None:
    meeting = in_session(absent)
    line = Line(set(MEMBERS[: len(MEMBERS) - absent]))
    for (what, who), minute in facts:
        if what == "withdrawal" and f"d-{who}" not in [each.decision_id for each in meeting.resolutions]:
            continue
        try:
            fact = record(meeting, what, who, minute)
        except Problem:
            continue
        if what == "withdrawal":
            line.facts = [each for each in line.facts if (each.what, each.who) != ("decision", who)]
        else:
            line.facts.append(fact)
        line.replay(meeting)
    for topic in TOPICS:
        if topic not in [each.topic_id for each in meeting.resolutions]:
            decide(meeting, topic, 60, Outcome.deferred)
            line.facts.append(Fact(60, "decision", topic, Outcome.deferred))
    try:
        session.close_session(meeting, KIND, moment(close))
    except Problem:
        assert close < max(0, *(fact.minute for fact in line.facts))
    else:
        assert close >= max(0, *(fact.minute for fact in line.facts))
