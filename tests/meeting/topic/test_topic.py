"""A topic's papers and chain, on the rulebooks that ship and the people of the demo."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import papers as papers_
from meeting_svc.topic import readiness, transitions
from meeting_svc.topic import topic as topics
from meeting_svc.topic.topic import (
    OF_A_TOPIC,
    HistoryEntry,
    Paper,
    Topic,
    TopicState,
    Turn,
    require_ready,
)
from tests.conftest import composition_of
from tests.meeting.examples import CALENDAR, DAY, a_topic, book
from zhengling.authority.chain import Attempt, StepTaken
from zhengling.authority.waivers import Breach, Waiving
from zhengling.dates.deadlines import DeadlineRule, Due, compute
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.chains import StepName
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import (
    Aspect,
    Block,
    FollowingDocument,
    Gate,
    NotePart,
    Outcome,
    PaperKind,
    RaisedBy,
    Role,
    TopicNature,
)


def take(topic: Topic, step: str, official: str, moment: datetime | None = None) -> StepTaken:
    kind = book(topic.government).kind("executive")
    moment = moment or at(DAY - timedelta(days=5))
    attempt = Attempt(StepName(step), official, moment, moment)
    taken = topics.course_of(topic, kind).take(attempt, composition_of(topic.government))
    topics.advance(topic, kind, taken)
    return taken


def test_the_topic_takes_the_whole_chain_of_its_government_in_order() -> None:
    topic = a_topic("dalian", "dl-zjj")
    for step, official in (
        ("collect", "dl-office-clerk"),
        ("review", "dl-sg"),
        ("endorse", "dl-exec"),
        ("decide", "dl-head"),
    ):
        assert topic.state == TopicState.in_review
        take(topic, step, official)
    while (due := topics.course_of(topic, book("dalian").kind("executive")).next()) is not None:
        take(topic, due.step.step, "dl-head")
    assert topic.state == TopicState.ready


def test_a_topic_that_the_head_raises_goes_without_the_steps_that_only_departments_topics_need() -> None:
    kind = book("xigang").kind("executive")
    by_department = [s.step for s in kind.topic.asked(a_topic("xigang", "xg-zjj").facts)]
    by_head = [s.step for s in kind.topic.asked(a_topic("xigang", "xg-zjj", RaisedBy.head).facts)]
    assert StepName.decide in by_department
    assert by_head == [StepName.review_papers, StepName.approve_papers]


def test_a_step_out_of_order_is_refused_with_the_clause_and_the_step_that_is_next() -> None:
    with pytest.raises(Problem) as refused:
        take(a_topic("dalian", "dl-zjj"), "decide", "dl-head")
    assert (refused.value.code, refused.value.clause) == ("step_out_of_order", "DL-38")
    assert refused.value.extra["next_step"] == "collect"


def test_a_step_by_somebody_else_is_refused_and_names_who_may() -> None:
    topic = a_topic("shuangtaizi", "st-zjj")
    people = composition_of("shuangtaizi")
    in_charge = next(p.official for p in people.portfolios if "st-zjj" in p.organisations)
    another = next(p.official for p in people.portfolios if "st-zjj" not in p.organisations)
    with pytest.raises(Problem) as refused:
        take(topic, "review", another)
    assert (refused.value.status, refused.value.code, refused.value.clause) == (403, "not_the_actor", "ST-39")
    assert refused.value.satisfy is not None
    assert people.official_names[in_charge] in refused.value.satisfy.zh
    assert take(topic, "review", in_charge).role == "deputy_in_charge"


def test_a_step_cannot_have_occurred_before_the_one_before_it() -> None:
    topic = a_topic("shuangtaizi", "st-zjj")
    in_charge = next(p.official for p in composition_of("shuangtaizi").portfolios if "st-zjj" in p.organisations)
    take(topic, "review", in_charge, at(DAY, 10))
    with pytest.raises(Problem, match="step_before_the_one_before"):
        take(topic, "collect", "st-office-clerk", at(DAY, 9))


def test_a_done_chain_takes_no_further_step() -> None:
    topic = a_topic("xigang", "xg-zjj", RaisedBy.head)
    take(topic, "review_papers", "xg-office-director")
    take(topic, "approve_papers", "xg-head")
    with pytest.raises(Problem, match="chain_is_done"):
        take(topic, "approve_papers", "xg-head")


def test_missing_papers_are_refused_by_name() -> None:
    kind = book("xigang").kind("executive")
    with pytest.raises(Problem) as refused:
        papers_.require_papers(kind, [Paper(PaperKind.main_document, "稿")], {})
    assert (refused.value.code, refused.value.clause) == ("papers_missing", "XG-35")
    assert refused.value.extra["missing"] == ["flow_sheet", "drafting_note"]
    assert kind.papers
    given = [Paper(wanted.paper, "稿", parts=wanted.parts) for wanted in kind.papers.required]
    papers_.require_papers(kind, given, {})


def test_a_drafting_note_without_one_of_its_parts_is_incomplete() -> None:
    kind = book("xigang").kind("executive")
    parts = tuple(part for part in NotePart if part != NotePart.democratic_deliberation)
    papers = [Paper(PaperKind.flow_sheet, "表"), Paper(PaperKind.drafting_note, "说明", parts=parts)]
    with pytest.raises(Problem) as refused:
        papers_.require_papers(kind, [*papers, Paper(PaperKind.main_document, "稿")], {})
    assert (refused.value.clause, refused.value.extra["missing"]) == ("XG-35", ["democratic_deliberation"])


def test_a_normative_document_and_one_to_be_published_need_papers_that_others_do_not() -> None:
    kind = book("xigang").kind("executive")
    plain = [PaperKind.flow_sheet, PaperKind.drafting_note, PaperKind.main_document]
    papers = [Paper(each, "稿", parts=tuple(NotePart)) for each in plain]
    papers_.require_papers(kind, papers, {"normative_document": False, "to_be_published": False})
    with pytest.raises(Problem) as refused:
        papers_.require_papers(kind, papers, {"normative_document": True, "to_be_published": True})
    assert refused.value.extra["missing"] == ["legal_basis", "legality_opinion", "interpretation"]


def schedule(topic: Topic, government: str, submitted: date) -> None:
    kind = book(government).kind("executive")
    due = compute("topic-papers", book(government).deadline("topic-papers"), DAY, CALENDAR)
    readiness.schedule(topic, kind, "m1", late_papers(topic, kind, due, submitted))


def late_papers(topic: Topic, kind: MeetingKind, due: Due, submitted: date) -> Breach | None:
    late = papers_.working_days_late(due, submitted, CALENDAR)
    return papers_.late_papers(topic, kind, "m1", due, submitted, late)


def admit_late(topic: Topic, official: str, meeting_id: str, reason: str, late: int) -> None:
    """Papers that came so many working days late for the meeting."""
    kind = book("xigang").kind("executive")
    due = compute("topic-papers", book("xigang").deadline("topic-papers"), DAY, CALENDAR)
    submitted = CALENDAR.shift(due.date, late) if late else due.date
    waiving = Waiving(papers_.PaperRule.in_time, official, reason, at(DAY), at(DAY))
    breach = papers_.late_papers(topic, kind, meeting_id, due, submitted, late)
    papers_.admit_late(topic, kind, composition_of("xigang"), meeting_id, breach, waiving)


def test_a_rule_in_calendar_days_is_late_by_days_and_one_in_working_days_by_working_days() -> None:
    friday, monday = date(2026, 2, 6), date(2026, 2, 9)
    kind = book("xigang").kind("executive")
    meeting = date(2026, 2, 13)
    for amount, unit, en, zh in (
        (7, "day", "3 days late", "逾期3天"),
        (5, "working_day", "1 working day", "逾期1个工作日"),
    ):
        rule = DeadlineRule.model_validate({"clause": "X-1", "of": "meeting.day", "before": amount, "unit": unit})
        due = compute("rule", rule, meeting, CALENDAR)
        assert due.date == friday
        topic = a_topic("xigang", "xg-zjj")
        with pytest.raises(Problem, match="papers_late") as refused:
            papers_.require_in_time(topic, late_papers(topic, kind, due, monday))
        assert en in refused.value.detail.en
        assert zh in refused.value.detail.zh
        assert (refused.value.extra["working_days_late"], refused.value.extra["days_late"]) == (1, 3)


@pytest.mark.parametrize("kind", ["plenary", "executive", "head-office", "business"])
def test_in_shuangtaizi_no_topic_is_scheduled_that_no_leader_has_reviewed(kind: str) -> None:
    rules = book("shuangtaizi").kind(kind)
    topic = a_topic("shuangtaizi", "st-zjj", state=TopicState.in_review)
    with pytest.raises(Problem, match="topic_not_ready") as refused:
        require_ready(topic, rules)
    assert refused.value.clause == "ST-42"
    if len(rules.topic.steps) > 1:  # reviewed, but the head hasn't decided yet
        topic.steps = [StepTaken(StepName.review, Role.deputy_in_charge, "st-dep1", at(DAY), at(DAY))]
        with pytest.raises(Problem, match="topic_not_ready") as refused:
            require_ready(topic, rules)
        assert refused.value.clause == "ST-39"


@pytest.mark.parametrize(
    ("government", "last_day_in_time", "late_day", "late"),
    [
        ("xigang", date(2026, 2, 10), date(2026, 2, 11), 1),
        ("huancui", date(2026, 2, 5), date(2026, 2, 6), 1),
        ("huancui", date(2026, 2, 5), date(2026, 2, 9), 2),
        ("huancui", date(2026, 2, 5), date(2026, 2, 7), 2),
    ],
)
def test_late_papers_are_refused_with_how_late_they_are(
    government: str, last_day_in_time: date, late_day: date, late: int
) -> None:
    prefix = {"xigang": "xg", "huancui": "hc"}[government]
    schedule(a_topic(government, f"{prefix}-zjj", state=TopicState.ready), government, last_day_in_time)
    with pytest.raises(Problem) as refused:
        schedule(a_topic(government, f"{prefix}-zjj", state=TopicState.ready), government, late_day)
    assert refused.value.code == "papers_late"
    assert refused.value.extra["working_days_late"] == late


@pytest.mark.parametrize(
    ("state", "code"),
    [(TopicState.scheduled, "topic_already_scheduled"), (TopicState.concluded, "illegal_state")],
)
def test_the_admission_by_which_a_topic_stands_on_an_agenda_gives_way_to_none_for_another_meeting(
    state: TopicState, code: str
) -> None:
    topic = a_topic("xigang", "xg-zjj", state=TopicState.ready)
    admit_late(topic, "xg-head", "m1", "紧急", 1)
    schedule(topic, "xigang", DAY - timedelta(days=1))
    topic.state, admitted = state, topic.late_admission
    with pytest.raises(Problem, match=code):
        admit_late(topic, "xg-head", "m2", "另一次会议", 3)
    assert topic.late_admission == admitted


def test_a_scheduled_topic_is_admitted_late_for_its_own_meeting_which_comes_earlier_than_it_was_called_for() -> None:
    topic = a_topic("xigang", "xg-zjj", state=TopicState.scheduled, meeting_id="m1")
    admit_late(topic, "xg-head", "m1", "提前召开", 2)
    assert topic.late_admission and topic.late_admission.covers == ("m1", "1", "2")


def test_late_papers_stand_on_the_agenda_once_the_head_admitted_them_with_a_reason() -> None:
    topic = a_topic("xigang", "xg-zjj", state=TopicState.ready)
    with pytest.raises(Problem, match="not_the_lifter") as refused:
        admit_late(topic, "xg-exec", "m1", "紧急", 1)
    assert (refused.value.clause or "").startswith("XG-35 (practice: "), "no article says who admits late papers"
    admit_late(topic, "xg-head", "m1", "紧急", 1)
    assert topic.late_admission is not None
    assert (topic.late_admission.covers, topic.late_admission.official) == (("m1", "1"), "xg-head")
    schedule(topic, "xigang", DAY - timedelta(days=1))
    assert (topic.state, topic.meeting_id) == (TopicState.scheduled, "m1")


def test_an_admission_holds_for_its_own_meeting_only() -> None:
    topic = a_topic("xigang", "xg-zjj", state=TopicState.ready)
    admit_late(topic, "xg-head", "another", "紧急", 1)
    with pytest.raises(Problem, match="papers_late"):
        schedule(topic, "xigang", DAY - timedelta(days=1))


def test_an_admission_covers_no_papers_that_came_later_still() -> None:
    topic = a_topic("xigang", "xg-zjj", state=TopicState.ready)
    kind = book("xigang").kind("executive")
    admit_late(topic, "xg-head", "m1", "紧急", 1)
    with pytest.raises(Problem, match="papers_late"):
        schedule(topic, "xigang", DAY)
    papers_.change_papers(topic, kind, Paper(PaperKind.annex, "表", submitted_at=at(DAY)), None, at(DAY))
    assert topic.late_admission is None


def test_a_meeting_that_only_prepares_a_reserved_matter_agrees_in_principle_and_issues_nothing() -> None:
    topic, rules, kind = a_topic("xigang", "xg-zjj"), book("xigang").topics, book("xigang").kind("head-office")
    topic.meeting_kind, topic.aspects, topic.prepares_for = "head-office", [Aspect.budget], "executive"
    none, issue = FollowingDocument.none, FollowingDocument.to_issue
    declarations.require_outcome(topic, kind, rules, Outcome.passed_in_principle, none)
    declarations.require_outcome(topic, kind, rules, Outcome.not_passed, issue)
    for outcome, document in ((Outcome.passed, none), (Outcome.passed_in_principle, issue)):
        with pytest.raises(Problem, match="reserved_matter") as refused:
            declarations.require_outcome(topic, kind, rules, outcome, document)
        assert refused.value.clause == "XG-15"
    topic.meeting_kind = "executive"
    declarations.require_outcome(topic, kind, rules, Outcome.passed, issue)


@pytest.mark.parametrize(
    ("government", "nature", "clause"),
    [
        ("xigang", TopicNature.transmission, "XG-34"),
        ("xigang", TopicNature.study, "XG-34"),
        ("huancui", TopicNature.study, "HC-47"),
        ("huancui", TopicNature.transmission, "HC-49"),
        ("zhanqian", TopicNature.transmission, "ZQ-20"),
    ],
)
def test_what_is_for_transmission_or_study_is_noted_or_deferred_and_decides_nothing(
    government: str, nature: TopicNature, clause: str
) -> None:
    rules, kind = book(government).topics, book(government).kind("executive")
    topic, none = a_topic(government, "office"), FollowingDocument.none
    topic.nature = nature
    for outcome in Outcome:
        if outcome in (Outcome.noted, Outcome.deferred):
            declarations.require_outcome(topic, kind, rules, outcome, none)
            continue
        with pytest.raises(Problem, match="decides_nothing") as refused:
            declarations.require_outcome(topic, kind, rules, outcome, none)
        assert refused.value.clause == clause
    for nature in (TopicNature.deliberation, TopicNature.safety):
        topic.nature = nature
        declarations.require_outcome(topic, kind, rules, Outcome.passed, none)


@pytest.mark.parametrize(
    ("government", "kind"), [("xigang", "plenary"), ("xigang", "executive"), ("huancui", "special")]
)
def test_no_nature_on_which_a_meeting_decides_is_spared_what_a_deliberated_topic_passes(
    government: str, kind: str
) -> None:
    rule, topic = book(government).kind(kind), a_topic(government, "office")
    for nature in TopicNature:
        topic.nature = nature
        asked = declarations.needs_prior_meeting(topic, rule), declarations.needs_form(topic, rule)
        assert any(asked) == nature.decides, nature


@pytest.mark.parametrize(
    ("government", "aspect", "clause"),
    [
        ("dalian", Aspect.local_regulation, "DL-18"),
        ("huancui", Aspect.normative_document, "HC-19"),
        ("xigang", Aspect.important_draft, "XG-16"),
    ],
)
def test_a_sponsor_who_claims_secrecy_is_spared_the_public_consultation_once_the_office_has_confirmed_it(
    government: str, aspect: Aspect, clause: str
) -> None:
    topic, rules = a_topic(government, "office", aspects=[aspect]), book(government).topics

    def asked() -> list[Gate]:
        return [rule.gate for rule in declarations.applying_gates(topic, rules) if rule.clause == clause]

    assert Gate.public_consultation in asked() and Gate.secrecy_review not in asked()
    topic.aspects = [aspect, Aspect.needs_secrecy]
    assert Gate.public_consultation not in asked() and Gate.secrecy_review in asked()
    (review,) = (each for each in rules.gates if each.gate == Gate.secrecy_review)
    assert (review.carried_out_by, review.blocks) == ((Role.office,), Block.completeness)


def test_a_written_request_is_in_time_whatever_is_added_to_it_later() -> None:
    topic = a_topic("dalian", "dl-zjj")
    topic.papers = [Paper(PaperKind.annex, "表", submitted_at=at(DAY))]
    assert papers_.came_in(topic, book("dalian").kind("head-office")) == topic.submitted_at
    assert papers_.came_in(topic, book("dalian").kind("executive")) == at(DAY)


def test_papers_in_time_need_no_admission() -> None:
    with pytest.raises(Problem, match="nothing_to_lift"):
        admit_late(a_topic("xigang", "xg-zjj"), "xg-head", "m1", "紧急", 0)


def test_a_step_is_called_what_its_article_calls_it() -> None:
    plenary, executive = book("xigang").kind("plenary"), book("xigang").kind("executive")
    agenda = book("huancui").kind("executive").agenda
    assert [step.chinese for step in plenary.topic.steps] == ["审核", "审定"], "XG-34"
    assert [step.chinese for step in executive.topic.steps][-3:] == ["确定", "材料审核", "材料审定"], "XG-32"
    assert agenda and [step.chinese for step in agenda.steps] == ["提出", "审定", "确定"], "HC-50"
    topic = a_topic("xigang", "xg-zjj", state=TopicState.in_review)
    topic.steps = [StepTaken(StepName.review, Role.deputy_in_charge, "xg-dep1", at(DAY), at(DAY))]
    with pytest.raises(Problem, match="topic_not_ready") as refused:
        require_ready(topic, plenary)
    assert "“审定”（政府主要负责人）" in refused.value.detail.zh


def test_a_topic_whose_chain_is_not_done_is_refused_with_what_it_still_needs() -> None:
    with pytest.raises(Problem) as refused:
        schedule(a_topic("xigang", "xg-zjj"), "xigang", DAY - timedelta(days=9))
    assert (refused.value.code, refused.value.clause) == ("topic_not_ready", "XG-34")


def test_a_topic_stands_on_one_agenda_only() -> None:
    topic = a_topic("xigang", "xg-zjj", state=TopicState.ready)
    schedule(topic, "xigang", DAY - timedelta(days=9))
    with pytest.raises(Problem, match="topic_already_scheduled"):
        schedule(topic, "xigang", DAY - timedelta(days=9))


@pytest.mark.parametrize(
    ("raised_by", "official", "lawful"),
    [
        (RaisedBy.head, "xg-head", True),
        (RaisedBy.head, "xg-exec", False),
        (RaisedBy.deputy, "xg-exec", True),
        (RaisedBy.deputy, "xg-zjj-clerk", False),
        (RaisedBy.department, "xg-zjj-clerk", True),
        (RaisedBy.department, "xg-czj-clerk", False),
        (RaisedBy.department, None, False),
    ],
)
def test_a_topic_is_raised_by_the_leader_himself_or_by_the_sponsors_own_people(
    raised_by: RaisedBy, official: str | None, lawful: bool
) -> None:
    people = composition_of("xigang")
    if lawful:
        topics.require_raiser(people, official, raised_by, "xg-zjj", DAY)
    else:
        with pytest.raises(Problem, match="not_the_raiser"):
            topics.require_raiser(people, official, raised_by, "xg-zjj", DAY)


def corrected(topic: Topic, before: Outcome, after: Outcome) -> None:
    transitions.follow_correction(topic, "m1", before, after, "hc-head", "记录有误", at(DAY, 15), at(DAY, 16), "HC-53")


@pytest.mark.parametrize("state", [TopicState.ready, TopicState.in_review, TopicState.withdrawn])
def test_a_topic_that_a_correction_says_was_decided_is_done_and_its_history_says_why(state: TopicState) -> None:
    topic = a_topic("huancui", "hc-zjj", state=state)
    corrected(topic, Outcome.deferred, Outcome.passed)
    assert (topic.state, topic.meeting_id) == (TopicState.concluded, "m1")
    (entry,) = topic.history
    assert (entry.turn, entry.reason, entry.official) == (topics.Turn.corrected, "记录有误", "hc-head")


@pytest.mark.parametrize("state", [TopicState.scheduled, TopicState.concluded])
def test_no_correction_decides_a_topic_that_another_meeting_has_taken_up(state: TopicState) -> None:
    topic = a_topic("huancui", "hc-zjj", state=state, meeting_id="m2")
    with pytest.raises(Problem) as refused:
        corrected(topic, Outcome.deferred, Outcome.passed)
    assert (refused.value.status, refused.value.code, refused.value.clause) == (409, "topic_elsewhere", "HC-53")
    assert refused.value.extra["meeting_id"] == "m2"
    assert (topic.state, topic.meeting_id, topic.history) == (state, "m2", [])
    corrected(topic, Outcome.deferred, Outcome.deferred)  # other words for the same outcome touch no topic
    assert (topic.state, topic.meeting_id) == (state, "m2")


def test_a_topic_that_a_correction_says_was_deferred_is_ready_for_a_later_meeting() -> None:
    topic = a_topic("huancui", "hc-zjj", state=TopicState.concluded, meeting_id="m1")
    corrected(topic, Outcome.passed, Outcome.not_passed)
    assert (topic.state, topic.history) == (TopicState.concluded, [])
    corrected(topic, Outcome.passed, Outcome.deferred)
    assert (topic.state, topic.meeting_id) == (TopicState.ready, None)
    assert topic.history[0].meeting_id == "m1"


def test_a_topic_holds_so_many_records_of_one_sort_and_no_more() -> None:
    topic = a_topic("huancui", "hc-zjj")
    topic.history = [HistoryEntry(Turn.returned, "hc-head", "", at(DAY), at(DAY))] * (OF_A_TOPIC.most - 1)
    transitions.turn(topic, Turn.returned, "hc-head", "", at(DAY), at(DAY))
    assert len(topic.history) == OF_A_TOPIC.most
    with pytest.raises(Problem) as refused:
        transitions.turn(topic, Turn.returned, "hc-head", "", at(DAY), at(DAY))
    assert (refused.value.code, refused.value.extra["most"]) == ("record_full", 300)
