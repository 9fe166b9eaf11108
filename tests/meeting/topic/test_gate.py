"""The gates of every rulebook: each blocks the topics it applies to until it is passed, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import readiness
from meeting_svc.topic.topic import Topic, TopicState
from tests.conftest import composition_of
from tests.meeting.examples import DAY, a_topic, book
from zhengling.authority.composition import RoleContext
from zhengling.authority.consultation import Position, Stance
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules import gates
from zhengling.rules.gates import GateRecord, applying
from zhengling.rules.meetings import GateRule
from zhengling.rules.vocabulary import Aspect, Block, Confirmation, Gate, HearingForm, Role

GOVERNMENTS = {"dalian": "dl", "xigang": "xg", "shuangtaizi": "st", "huancui": "hc", "zhanqian": "zq"}
NAMES = {"dept": "某局", "street": "某街道", **{f"{prefix}-zjj": "住建局" for prefix in GOVERNMENTS.values()}}
MOMENT = at(DAY - timedelta(days=3))
RULES = [(government, rule) for government in GOVERNMENTS for rule in book(government).topics.gates]
ON_ASPECTS = [(government, rule) for government, rule in RULES if rule.gate != Gate.departments_consulted]
BLOCKING = [(g, r) for g, r in ON_ASPECTS if r.blocks in (Block.completeness, Block.scheduling)]


def named(rows: list[tuple[str, GateRule]]) -> list[str]:
    return [f"{rule.clause} {rule.gate} {'+'.join(rule.any_of)}" for _, rule in rows]


def declaring(government: str, rule: GateRule, *aspects: Aspect) -> Topic:
    kind = rule.kinds[0] if rule.kinds else "executive"
    topic = a_topic(government, f"{GOVERNMENTS[government]}-zjj", state=TopicState.ready)
    declared = [Aspect(fact) for fact, value in rule.when.items() if value is True]
    topic.meeting_kind, topic.aspects = kind, [*aspects, *declared]
    return topic


def passed(rule: GateRule, **fields: object) -> GateRecord:
    forms = tuple(rule.form_among or tuple(HearingForm))[: rule.forms]
    record = {"passed": True, "criteria": rule.criteria, "forms": forms} | fields
    return GateRecord(rule.gate, carried_out_by="司法局", reference="1号", recorded_by="x", occurred_at=MOMENT,
                      recorded_at=MOMENT, **record)  # type: ignore[arg-type]  # fmt: skip


def refused(topic: Topic, government: str) -> Problem | None:
    rules = book(government)
    try:
        asked = declarations.applying_gates(topic, rules.topics)
        gates.require_passed(asked, topic.gates, Block.completeness, Block.scheduling)
    except Problem as problem:
        return problem
    return None


def stands_against(topic: Topic, government: str, rule: GateRule) -> bool:
    problem = refused(topic, government)
    named_gates = problem.extra["gates"] if problem else []
    assert isinstance(named_gates, list)
    return (rule.gate.value, rule.clause) in [(each["gate"], each["clause"]) for each in named_gates]


@pytest.mark.parametrize(("government", "rule"), BLOCKING, ids=named(BLOCKING))
def test_a_gate_blocks_what_it_applies_to_until_it_is_passed(government: str, rule: GateRule) -> None:
    for aspect in rule.any_of:
        topic = declaring(government, rule, aspect)
        assert stands_against(topic, government, rule)
        topic.gates = [passed(rule, passed=False)]
        assert stands_against(topic, government, rule)
        topic.gates = [*topic.gates, passed(rule)]
        assert not stands_against(topic, government, rule)


@pytest.mark.parametrize(("government", "rule"), ON_ASPECTS, ids=named(ON_ASPECTS))
def test_a_gate_blocks_nothing_without_the_declared_aspect(government: str, rule: GateRule) -> None:
    topic = declaring(government, rule)
    assert not stands_against(topic, government, rule)
    others = [each for each in Aspect if each not in rule.any_of and each != Aspect.needs_secrecy]
    asked = applying(book(government).topics, topic.meeting_kind, others, topic.facts, concerns=False)
    assert rule not in asked


@pytest.mark.parametrize(
    ("government", "rule"),
    [(g, r) for g, r in ON_ASPECTS if r.blocks in (Block.tracked, Block.issue)],
    ids=named([(g, r) for g, r in ON_ASPECTS if r.blocks in (Block.tracked, Block.issue)]),
)
def test_gates_that_are_tracked_or_block_the_issue_do_not_block_the_agenda(government: str, rule: GateRule) -> None:
    topic = declaring(government, rule, rule.any_of[0])
    assert rule in declarations.applying_gates(topic, book(government).topics)
    assert not stands_against(topic, government, rule)


@pytest.mark.parametrize(
    ("government", "rule"),
    [(g, r) for g, r in BLOCKING if r.criteria],
    ids=named([x for x in BLOCKING if x[1].criteria]),
)
def test_an_assessment_covers_every_criterion_of_the_clause(government: str, rule: GateRule) -> None:
    topic = declaring(government, rule, rule.any_of[0])
    for criterion in rule.criteria:
        topic.gates = [passed(rule, criteria=tuple(each for each in rule.criteria if each != criterion))]
        assert stands_against(topic, government, rule)


@pytest.mark.parametrize(
    ("government", "rule"), [(g, r) for g, r in BLOCKING if r.forms], ids=named([x for x in BLOCKING if x[1].forms])
)
def test_views_are_heard_in_several_forms(government: str, rule: GateRule) -> None:
    topic = declaring(government, rule, rule.any_of[0])
    topic.gates = [passed(rule, forms=(HearingForm.symposium, HearingForm.symposium))]
    assert stands_against(topic, government, rule)
    topic.gates = [passed(rule, forms=(HearingForm.symposium, HearingForm.hearing))]
    assert not stands_against(topic, government, rule)


def test_what_is_secret_is_not_put_to_the_public() -> None:
    for government, rule in ON_ASPECTS:
        if rule.gate == Gate.public_consultation:
            topic = declaring(government, rule, rule.any_of[0], Aspect.needs_secrecy)
            assert not stands_against(topic, government, rule)


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_whoever_is_concerned_is_consulted_before_the_topic_is_scheduled(government: str) -> None:
    rules, kind = book(government), book(government).kind("executive")
    topic = a_topic(government, f"{GOVERNMENTS[government]}-zjj", state=TopicState.ready)
    topic.concerned = ["dept", "street"]
    topic.positions = [Position("dept", Stance.agrees, "", "x", MOMENT, MOMENT)]
    (rule,) = [each for each in rules.topics.gates if each.gate == Gate.departments_consulted]
    found = {p.code: p for p in readiness.outstanding(topic, kind, rules.topics, NAMES)}
    assert found["not_consulted"].clause == rule.clause
    assert found["not_consulted"].extra["waiting"] == ["street"]
    topic.positions = [*topic.positions, Position("street", Stance.agrees_with_changes, "改一处", "y", MOMENT, MOMENT)]
    assert "not_consulted" not in {p.code for p in readiness.outstanding(topic, kind, rules.topics, NAMES)}


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_reserved_matters_go_only_to_the_meetings_that_may_decide_them(government: str) -> None:
    rules = book(government)
    kinds = {name: kind.name for name, kind in rules.meetings.items()}
    for reserved in rules.topics.reserved:
        for aspect in reserved.any_of:
            for kind in rules.meetings:
                topic = a_topic(government, f"{GOVERNMENTS[government]}-zjj")
                topic.meeting_kind, topic.aspects = kind, [aspect]
                if kind in reserved.kinds:
                    declarations.require_not_reserved(topic, rules.topics, kinds)
                    continue
                with pytest.raises(Problem, match="reserved_matter") as problem:
                    declarations.require_not_reserved(topic, rules.topics, kinds)
                assert problem.value.clause == next(r.clause for r in rules.topics.reserved if aspect in r.any_of)
                topic.prepares_for = reserved.kinds[0]
                declarations.require_not_reserved(topic, rules.topics, kinds)


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_a_topic_names_one_of_the_main_tasks_of_its_kind(government: str) -> None:
    for kind in book(government).meetings.values():
        if kind.competence:
            with pytest.raises(Problem, match="outside_the_competence") as problem:
                declarations.require_matter(kind, None)
            assert problem.value.clause == kind.clause
            declarations.require_matter(kind, kind.competence[0].id)
        else:
            declarations.require_matter(kind, None)


# who is believed ----------------------------------------------------------------------------------------------------
CARRIED_OUT_BY_OTHERS = (
    Gate.legality_review, Gate.commendation_review, Gate.separate_approval, Gate.party_committee_deliberation,
    Gate.peoples_congress,
)  # fmt: skip


@pytest.mark.parametrize(("government", "rule"), ON_ASPECTS, ids=named(ON_ASPECTS))
def test_a_clerk_of_the_sponsor_never_records_that_a_check_was_passed(government: str, rule: GateRule) -> None:
    """Nor its principal, of a check that others carry out."""
    people, context = composition_of(government), RoleContext(sponsor=f"{GOVERNMENTS[government]}-zjj")
    unit, principals = (set(people.holders(role, DAY, context)) for role in (Role.sponsor, Role.principal))
    assert unit > principals > set()
    for records in ([], [passed(rule, passed=False)], [passed(rule)]):
        may = gates.recorders([rule], records, passed=True)
        assert Role.office in may.roles and Role.sponsor not in may.roles
        assert may.confirmation(Role.office) in (Confirmation.from_paper, Confirmation.carried_out)
        officials = {official for role in may.roles for official in people.holders(role, DAY, context)}
        assert officials and not officials & (unit - principals)
        assert bool(officials & principals) == (Role.principal in may.roles)
        if rule.gate in CARRIED_OUT_BY_OTHERS:
            assert Role.principal not in may.roles
    failed = gates.recorders([rule], [], passed=False)
    assert (Role.sponsor in failed.roles, failed.confirmation(Role.sponsor)) == (True, Confirmation.stated)


def test_after_a_failed_check_the_sponsors_principal_doesnt_say_that_it_was_passed() -> None:
    for _, rule in ON_ASPECTS:
        before = gates.recorders([rule], [], passed=True)
        after = gates.recorders([rule], [passed(rule, passed=False)], passed=True)
        assert set(after.checkers) == set(before.checkers) - {Role.principal}


@pytest.mark.parametrize(
    ("clause", "gate", "by"),
    [
        ("DL-17", Gate.legality_review, (Role.justice_organ,)),
        ("DL-18", Gate.secrecy_review, (Role.office,)),
        ("DL-21", Gate.legality_review, ()),
        ("DL-23", Gate.assessment, ()),
        ("DL-38", Gate.commendation_review, ()),
        ("DL-48", Gate.legality_review, (Role.justice_organ,)),
        ("HC-19", Gate.legality_review, (Role.justice_organ,)),
        ("HC-22", Gate.legal_counsel, (Role.principal,)),
        ("HC-25", Gate.legality_review, (Role.justice_organ,)),
        ("HC-25", Gate.fair_competition_review, (Role.principal,)),
        ("HC-45", Gate.separate_approval, ()),
        ("ST-17", Gate.legality_review, (Role.justice_organ,)),
        ("ST-25", Gate.legality_review, ()),
        ("ST-25", Gate.party_committee_deliberation, ()),
        ("XG-12", Gate.fair_competition_review, (Role.principal,)),
        ("XG-14", Gate.legality_review, ()),
        ("XG-16", Gate.assessment, (Role.principal,)),
        ("XG-59", Gate.party_committee_report, (Role.office,)),
        ("ZQ-8", Gate.superiors_report, (Role.office,)),
        ("ZQ-11", Gate.legality_review, ()),
        ("ZQ-30", Gate.legality_review, (Role.justice_organ,)),
    ],
)
def test_who_carries_a_check_out_is_whom_its_clause_names(clause: str, gate: Gate, by: tuple[Role, ...]) -> None:
    (rule,) = [rule for _, rule in RULES if (rule.clause, rule.gate) == (clause, gate)]
    assert rule.carried_out_by == by


def test_a_record_for_several_clauses_is_believed_from_whoever_carries_it_out_by_one_of_them() -> None:
    rules = [r for g, r in RULES if g == "shuangtaizi" and r.gate == Gate.legality_review]
    assert [rule.carried_out_by for rule in rules] == [(Role.justice_organ,), ()]
    assert gates.recorders(rules, [], passed=True).roles == (Role.justice_organ, Role.office)


def test_a_rule_cant_name_the_sponsors_clerks_as_those_who_check() -> None:
    _, rule = ON_ASPECTS[0]
    with pytest.raises(ValueError, match="carried_out_by: sponsor carries out no check"):
        GateRule.model_validate(rule.model_dump() | {"carried_out_by": ["sponsor"]})
