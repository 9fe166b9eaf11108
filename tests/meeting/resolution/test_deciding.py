"""Recording decisions: replacing, taking back, order by agenda; and the meeting's chair after the close."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from meeting_svc.meeting import chairing
from meeting_svc.meeting.meeting import AgendaItem, Attendance, Meeting, MeetingState
from meeting_svc.meeting.record import Handover, QuorumNeeded
from meeting_svc.resolution import resolution as resolutions
from meeting_svc.session import session
from tests.conftest import composition_of
from tests.meeting.examples import DAY, book, resolution
from zhengling.authority.act import Act
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.vocabulary import Outcome, TopicNature

KIND, PEOPLE = book("huancui").kind("executive"), composition_of("huancui")


def act(minute: int = 0) -> Act:
    return Act("hc-office-clerk", at(DAY, 10, minute), at(DAY, 10, minute))


def in_session() -> Meeting:
    """A session of all members on three topics, chaired by the head."""
    members = list(PEOPLE.members(KIND.members, DAY))
    return Meeting(
        id="m1", government="huancui", edition=book("huancui").edition, kind="executive", title="第2次常务会议", day=DAY,
        called_by="hc-office-clerk", state=MeetingState.open, chair="hc-head", members=members,
        agenda=[AgendaItem(f"t{n}", f"议题{n}", TopicNature.deliberation, "hc-zjj") for n in (1, 2, 3)],
        attendance=[Attendance(official, True) for official in members], opened_at=at(DAY),
        quorum_needed=QuorumNeeded(5, "HC-43"),
    )  # fmt: skip


def decide(meeting: Meeting, topic: str, minute: int = 0, **fields: object) -> None:
    made = resolution(topic, number=resolutions.number_of(meeting, topic), **fields)
    resolutions.decide(meeting, made, act(minute))


def hand_over(meeting: Meeting, to: str, minute: int) -> None:
    meeting.handovers = [*meeting.handovers, Handover(meeting.chair or "", to, "另有公务", act(minute))]
    meeting.chair = to


def code(attempt: Callable[[], object]) -> str:
    with pytest.raises(Problem) as refused:
        attempt()
    return refused.value.code


def test_decisions_stand_in_the_order_of_the_agenda_whatever_came_first() -> None:
    meeting = in_session()
    for topic in ("t3", "t1", "t2"):
        decide(meeting, topic)
    assert [(each.number, each.topic_id) for each in meeting.resolutions] == [(1, "t1"), (2, "t2"), (3, "t3")]
    assert [each.decision_id for each in meeting.decided] == ["d-t3", "d-t1", "d-t2"]


def test_what_was_recorded_wrongly_is_replaced_and_every_recording_stays() -> None:
    meeting = in_session()
    decide(meeting, "t1")
    with pytest.raises(Problem, match="decided_already") as again:
        decide(meeting, "t1")
    assert again.value.satisfy and "更正该决定" in again.value.satisfy.zh
    hand_over(meeting, "hc-exec", 5)
    resolutions.replace(meeting, KIND, resolution("t1", task="另一任务"), "誊录有误", act(6))
    assert [each.task for each in meeting.resolutions] == ["另一任务"]
    assert [(each.chair, each.reason) for each in meeting.decided] == [("hc-head", ""), ("hc-head", "誊录有误")]
    lacking = resolution("t1", task="", lead=None)
    assert code(lambda: resolutions.replace(meeting, KIND, lacking, "误", act(7))) == "decision_incomplete"
    meeting.state = MeetingState.signed
    assert code(lambda: resolutions.replace(meeting, KIND, resolution("t1"), "误", act(8))) == "signed_already"


def test_only_a_decision_that_has_a_document_issued_says_what_kind_and_in_whose_name() -> None:
    meeting = in_session()
    for described in ({"document_kind": "notice"}, {"in_name_of": "government"}):
        wrong = resolution("t1", **described)
        assert code(lambda wrong=wrong: resolutions.decide(meeting, wrong, act(0))) == "no_document_to_issue"  # type: ignore[misc]
    resolutions.decide(
        meeting, resolution("t1", document="to_issue", document_kind="notice", in_name_of="government"), act(0)
    )


def test_a_recording_is_taken_back_while_the_session_is_open_and_its_topic_decided_anew() -> None:
    meeting = in_session()
    decide(meeting, "t1")
    resolutions.withdraw(meeting, KIND, "d-t1", "误记", act(1))
    assert meeting.resolutions == []
    decide(meeting, "t1", 1, decision_id="d-anew")
    assert [(each.decision_id, each.resolution is None) for each in meeting.decided] == [
        ("d-t1", False), ("d-t1", True), ("d-anew", False),
    ]  # fmt: skip
    meeting.state = MeetingState.closed
    assert code(lambda: resolutions.withdraw(meeting, KIND, "d-anew", "误记", act(2))) == "session_is_over"


def test_what_could_only_be_deferred_is_no_decision_by_another_recording() -> None:
    meeting = in_session()
    decide(meeting, "t1", outcome=Outcome.not_passed)
    all_there, meeting.attendance = meeting.attendance, meeting.attendance[:2]
    decide(meeting, "t2", outcome=Outcome.deferred)
    passed = [resolution("t1"), resolution("t2", number=2)]
    assert code(lambda: resolutions.replace(meeting, KIND, passed[0], "误", act(1))) == "quorum_lost"
    worded = resolution("t1", outcome=Outcome.not_passed, task="进一步论证")
    resolutions.replace(meeting, KIND, worded, "漏记", act(1))  # the same outcome, which had its quorum
    meeting.state = MeetingState.closed
    assert code(lambda: resolutions.replace(meeting, KIND, passed[1], "误", act(2))) == "quorum_lost"
    resolutions.replace(meeting, KIND, passed[0], "误", act(2))
    meeting.state, meeting.attendance = MeetingState.open, all_there
    resolutions.replace(meeting, KIND, passed[1], "到会人数恢复后决定", act(3))
    assert resolutions.last_of(meeting, "d-t2").quorum_clause is None


def closed(meeting: Meeting) -> str | None:
    session.close_session(meeting, KIND, at(DAY, 12))
    return meeting.chair


def test_a_handover_before_the_close_leaves_the_signature_with_who_chaired_the_decisions() -> None:
    meeting = in_session()
    for topic in ("t1", "t2", "t3"):
        decide(meeting, topic)
    hand_over(meeting, "hc-exec", 30)
    assert closed(meeting) == "hc-head"
    assert list(chairing.chaired(meeting)) == ["hc-head", "hc-exec"]


def test_who_only_opened_the_session_leaves_the_signature_to_who_chaired_the_decisions() -> None:
    meeting = in_session()
    decide(meeting, "t1", outcome=Outcome.deferred)
    hand_over(meeting, "hc-exec", 5)
    for topic in ("t2", "t3"):
        decide(meeting, topic, 6)
    assert closed(meeting) == "hc-exec", "what was put off isn't decided"


def test_where_two_chaired_decisions_the_first_signs_and_where_none_was_taken_who_opened_it() -> None:
    meeting = in_session()
    decide(meeting, "t1")
    hand_over(meeting, "hc-exec", 5)
    for topic in ("t2", "t3"):
        decide(meeting, topic, 6)
    assert closed(meeting) == "hc-head"
    meeting = in_session()
    hand_over(meeting, "hc-exec", 5)
    for topic in ("t1", "t2", "t3"):
        decide(meeting, topic, outcome=Outcome.deferred)
    assert closed(meeting) == "hc-head"
