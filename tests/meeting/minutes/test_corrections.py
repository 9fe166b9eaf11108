"""A correction of signed minutes can't circumvent a rule that applied at the signature."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from meeting_svc.attendance.commands import record_movement
from meeting_svc.attendance.schemas import RecordMovement
from meeting_svc.decision.decision import Decision, PublicationRecord, PublicationState, Standing, publish
from meeting_svc.meeting.meeting import AgendaItem, Attendance, Meeting, MeetingState
from meeting_svc.meeting.record import QuorumNeeded
from meeting_svc.minutes.commands import correct_minutes, draft_minutes, take_minutes_step
from meeting_svc.minutes.minutes import Minutes
from meeting_svc.minutes.schemas import CorrectMinutes, DraftMinutes
from meeting_svc.resolution.commands import record_decision
from meeting_svc.resolution.schemas import RecordDecision
from meeting_svc.session.commands import close_session
from meeting_svc.session.schemas import CloseSession
from meeting_svc.topic.topic import TopicState, Turn
from meeting_svc.topic.transitions import turn
from tests.conftest import composition_of
from tests.meeting.examples import CALENDAR, a_topic, book
from tests.meeting.in_memory import Rows, commands_in_memory, versions
from tests.meeting.lawful import SHANGHAI
from tests.meeting.offices import DAY, Office
from tests.meeting.offices import refused as refused_over_http
from zhengling.authority.schemas import TakeStep
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.chains import StepName
from zhengling.rules.vocabulary import Aspect, Outcome, TopicNature

OPENED = datetime(2026, 3, 6, 9, tzinfo=SHANGHAI)


class Session:
    """A session of one topic that is open."""

    def __init__(self, government: str, kind: str, chair: str, sponsor: str, **topic: Any) -> None:
        self.rows = Rows(book(government), composition_of(government), CALENDAR, OPENED + timedelta(minutes=5))
        self.prefix, self.clerk = sponsor[:2], f"{sponsor[:2]}-office-clerk"
        self.topic = a_topic(government, sponsor, **({"state": TopicState.scheduled, "meeting_id": "m1"} | topic))
        self.topic.meeting_kind, self.chair = kind, chair
        self.rows.add(self.topic)
        item = AgendaItem(self.topic.id, "事项", TopicNature.deliberation, sponsor, major=self.topic.major)
        rules = book(government).kind(kind)
        members = list(self.rows.people.members(rules.members, OPENED.date()))
        self.meeting = Meeting(
            "m1", government, book(government).edition, kind, "会议", OPENED.date(), self.clerk, state=MeetingState.open,
            agenda=[item], chair=chair, members=members, opened_at=OPENED,
            attendance=[Attendance(each, True) for each in dict.fromkeys([chair, *members])],
        )  # fmt: skip
        if rules.quorum:
            self.meeting.quorum_needed = QuorumNeeded(rules.quorum.needed(len(members)), rules.quorum.clause)
        self.rows.add(self.meeting)

    def decide(self, outcome: Outcome, **more: Any) -> None:
        lead = self.topic.sponsor
        body = RecordDecision(topic_id=self.topic.id, outcome=outcome, task="组织实施", lead=lead, **more)
        self.rows.run(record_decision, self.clerk, "m1", body)

    def sign(self, **draft: Any) -> None:
        """Close it, draft the minutes and have every step taken."""
        if self.meeting.state == MeetingState.open:
            self.rows.run(close_session, self.clerk, "m1", CloseSession())
            self.rows.run(draft_minutes, self.clerk, "m1", DraftMinutes(**draft))
        chain = book(self.meeting.government).kind(self.meeting.kind).minutes_chain
        by = {"head": f"{self.prefix}-head", "chair": self.chair, "office_director": f"{self.prefix}-office-director",
              "office_deputy_director": f"{self.prefix}-office-deputy"}  # fmt: skip
        while (latest := versions(self.rows, "m1")[-1]).state == "draft":
            step = chain.asked({"major": latest.major, "entrusted": False})[len(latest.steps)]
            self.rows.run(take_minutes_step, by[step.by[0].role], "m1", TakeStep(step=step.step))

    @property
    def decision(self) -> Decision:
        (found,) = self.rows.of(Decision)
        assert isinstance(found, Decision)
        return found

    def correct(self, changes: dict[str, Any] | None = None, **more: Any) -> Minutes:
        amendments = [{"decision_id": self.decision.id, "changes": changes}] if changes else []
        body = CorrectMinutes(reason="记录有误", amendments=amendments, **more)
        minutes, _ = self.rows.run(correct_minutes, self.clerk, "m1", body)
        assert isinstance(minutes, Minutes)
        return minutes

    def refused(self, changes: dict[str, Any] | None = None, **more: Any) -> tuple[str, str | None]:
        with commands_in_memory(), pytest.raises(Problem) as caught:
            self.correct(changes, **more)
        return caught.value.code, caught.value.clause


def huancui(**topic: Any) -> Session:
    return Session("huancui", "executive", "hc-head", "hc-zjj", **topic)


def put_off_without_a_quorum() -> Session:
    session = huancui()
    with commands_in_memory():
        for member in session.meeting.members[1:6]:
            session.rows.run(record_movement, session.clerk, "m1", RecordMovement(official=member, move="left"))
        session.decide(Outcome.deferred)
        session.sign()
    return session


@pytest.mark.parametrize("outcome", [each for each in Outcome if each != Outcome.deferred])
def test_what_was_deferred_for_want_of_a_quorum_is_decided_by_no_correction(outcome: Outcome) -> None:
    session = put_off_without_a_quorum()
    assert session.decision.quorum_clause == "HC-43"
    assert session.refused({"outcome": outcome}) == ("quorum_lost", "HC-43")
    with commands_in_memory():
        session.correct({"task": "补充材料后再议"})
        session.sign()
    assert session.decision.resolution.task == "补充材料后再议", "other words for the same outcome"


def test_what_was_deferred_with_a_quorum_may_be_corrected_to_what_was_decided() -> None:
    session = huancui()
    with commands_in_memory():
        session.decide(Outcome.deferred)
        session.sign()
        session.correct({"outcome": "passed"})
        session.sign()
    assert (session.decision.quorum_clause, session.decision.standing) == (None, Standing.adopted)
    assert session.topic.state == TopicState.concluded


def test_a_topic_that_went_on_since_it_was_deferred_is_not_what_the_meeting_had_before_it() -> None:
    session = huancui()
    with commands_in_memory():
        session.decide(Outcome.deferred)
        session.sign()
    now = session.rows.now
    turn(session.topic, Turn.papers_changed, "hc-zjj-clerk", "新的正文", now, now)
    assert session.refused({"outcome": "passed"}) == ("topic_went_on", "HC-53")
    with commands_in_memory():
        session.correct({"task": "补充材料后再议"})


def zhanqian_special(**topic: Any) -> Session:
    return Session("zhanqian", "special", "zq-dep2", "zq-zjj", **topic)


def test_minutes_marked_as_of_a_major_matter_keep_the_mark_however_they_are_written_anew() -> None:
    session = zhanqian_special()
    with commands_in_memory():
        session.decide(Outcome.passed)
        session.rows.run(close_session, session.clerk, "m1", CloseSession())
        session.rows.run(draft_minutes, session.clerk, "m1", DraftMinutes(major=True))
        redraft, _ = session.rows.run(draft_minutes, session.clerk, "m1", DraftMinutes(reason="改写"))
        assert redraft.major
        session.sign()
        correction = session.correct({"task": "分步实施"})
        assert correction.major
        with pytest.raises(Problem, match="step_out_of_order") as caught:
            session.rows.run(take_minutes_step, session.chair, "m1", TakeStep(step=StepName.sign))
        assert caught.value.extra["next_by"] == ["head"]


RESERVED = {"aspects": [Aspect.major_decision], "prepares_for": "executive"}


def test_a_reserved_matter_that_was_only_prepared_is_not_decided_by_a_correction() -> None:
    session = Session("dalian", "head-office", "dl-head", "dl-czj", **RESERVED)
    rule = next(r for r in book("dalian").topics.reserved if set(r.any_of) & set(session.topic.aspects))
    with commands_in_memory():
        session.decide(Outcome.passed_in_principle)
        session.sign()
    assert session.refused({"outcome": "passed"}) == ("reserved_matter", rule.clause)
    assert session.refused({"document": "to_issue"}) == ("reserved_matter", rule.clause)
    with commands_in_memory():
        session.correct({"outcome": "not_passed"})


def test_an_abolished_unit_leads_nothing_neither_as_recorded_nor_by_a_correction() -> None:
    session = huancui()
    people = session.rows.people
    gone = [
        each.model_copy(update={"until": OPENED.date() - timedelta(days=1)}) if each.code == "hc-wjj" else each
        for each in people.organisations
    ]
    session.rows.people = people.model_copy(update={"organisations": tuple(gone)})
    with commands_in_memory():
        with pytest.raises(Problem, match="organisation_abolished"):
            session.decide(Outcome.passed, co_units=["hc-wjj"])
        session.decide(Outcome.passed)
        session.sign()
    assert session.refused({"lead": "hc-wjj"})[0] == "organisation_abolished"
    assert session.refused({"co_units": ["hc-wjj"]})[0] == "organisation_abolished"


def test_a_correction_comes_after_the_signature_that_it_corrects() -> None:
    session = huancui()
    with commands_in_memory():
        session.decide(Outcome.not_passed)
        session.rows.run(close_session, session.clerk, "m1", CloseSession())
        closed_at = session.rows.now
        session.rows.run(draft_minutes, session.clerk, "m1", DraftMinutes())
        session.sign()
    early = closed_at + timedelta(seconds=1)
    assert session.refused({"outcome": "passed"}, occurred_at=early) == ("correction_before_the_signature", "HC-53")


def test_what_is_public_stays_so_and_what_is_worded_anew_is_published_anew() -> None:
    session = huancui()
    with commands_in_memory():
        session.decide(Outcome.passed)
        session.sign()
    decision, published_at = session.decision, session.rows.now
    record = PublicationRecord(PublicationState.published, session.clerk, published_at, published_at, "门户网站")
    publish(decision, record)
    assert session.refused({"may_be_published": False}) == ("published_already", "HC-30")
    with commands_in_memory():
        session.correct({"task": "分两期实施"})
        assert decision.publication == PublicationState.published, "until the correction is signed"
        session.sign()
    assert (decision.publication, decision.publication_record) == (PublicationState.outstanding, record)
    with pytest.raises(Problem, match="published_before_signature"):
        publish(decision, record)


async def test_over_http_a_session_that_lost_its_quorum_defers_and_its_minutes_cannot_be_corrected_to_a_decision(
    offices: dict[str, Office],
) -> None:
    office = offices["huancui"]
    study = await office.topic("office", "study")
    meeting = await office.approve(await office.add(await office.call(), study))
    await office.api.set_clock(at(DAY, 9))
    meeting = await office.do(meeting, "devices", {})
    meeting = await office.open(meeting, "dep1", "dep2", "dep3", "dep4")
    meeting = await office.do(meeting, "attendance", {"official": "hc-exec", "move": "left"})
    body = {"topic_id": study["id"], "outcome": "deferred", "task": "另行研究", "lead": study["sponsor"]}
    decision = await office.do(meeting, "decisions", body)
    assert decision["quorum_clause"] == "HC-43"
    await office.api.set_clock(at(DAY, 11))
    meeting = await office.do(await office.get(meeting), "closing", {})
    await office.do(meeting, "minutes", {})
    while step := (meeting := await office.get(meeting))["next_step"]:
        await office.do(meeting, "minutes/steps", {"step": step["step"]}, step["officials"][0].removeprefix("hc-"))
    assert meeting["state"] == "signed"
    amendment = {"decision_id": decision["id"], "changes": {"outcome": "passed"}}
    attempt = office.do(meeting, "minutes/corrections", {"reason": "漏记", "amendments": [amendment]})
    assert await refused_over_http(attempt) == (409, "quorum_lost", "HC-43")
