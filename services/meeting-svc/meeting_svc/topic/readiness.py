"""What a topic lacks before it may be scheduled, each item as the refusal that it would raise. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Callable

from meeting_svc.topic import form
from meeting_svc.topic.declaration import applying_gates, needs_form, needs_prior_meeting
from meeting_svc.topic.papers import require_in_time
from meeting_svc.topic.topic import Topic, TopicState, require_ready
from zhengling.authority import consultation as consultations
from zhengling.authority.waivers import Breach
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.rules import gates
from zhengling.rules.meetings import MeetingKind, TopicRules
from zhengling.rules.vocabulary import Block, Gate


def require_complete(topic: Topic, kind: MeetingKind, rules: TopicRules, names: dict[str, str]) -> None:
    """Refusals before any step: `gate_not_passed` (completeness); with a topic form `topic_form_unsigned`."""
    gates.require_passed(applying_gates(topic, rules), topic.current_gates, Block.completeness)
    if kind.topic_form and needs_form(topic, kind):
        form.require_signed(kind.topic_form.clause, topic.sponsor, topic.concerned, topic.signatures, names)


def require_prior_meeting(topic: Topic, kind: MeetingKind) -> None:
    """Refusal `prior_meeting_missing` where the rules require an earlier meeting's consensus or workable plan."""
    if kind.prior_meeting and needs_prior_meeting(topic, kind) and topic.prior_meeting is None:
        raise refusal(
            "prior_meeting_missing",
            kind.prior_meeting.clause,
            f"no {kind.prior_meeting.kind} meeting has reached consensus or a workable plan on the topic",
            "议题尚未经分管领导专题会议形成一致意见或可行方案",
            Text(
                f"name the decision of a meeting of the kind {kind.prior_meeting.kind}",
                "请登记专题会议的决定事项",
            ),
        )


def require_may_be_scheduled(topic: Topic, kind: MeetingKind, rules: TopicRules, names: dict[str, str]) -> None:
    """Refusals before scheduling: those of `require_complete`, `gate_not_passed` (scheduling), `not_consulted`,
    `disagreement_open`, `prior_meeting_missing`."""
    require_complete(topic, kind, rules, names)
    asked = applying_gates(topic, rules)
    gates.require_passed(asked, topic.current_gates, Block.completeness, Block.scheduling)
    for rule in asked:
        if rule.gate == Gate.departments_consulted:
            consultations.require_consulted(rule.clause, topic.concerned, topic.current_positions, names)
    consultations.require_settled(
        rules.consultation, topic.concerned, topic.current_positions, topic.coordinations, names
    )
    require_prior_meeting(topic, kind)


def outstanding(topic: Topic, kind: MeetingKind, rules: TopicRules, names: dict[str, str]) -> list[Problem]:
    """Everything that the topic lacks before it may be scheduled, each as the refusal that it would raise."""
    asked = applying_gates(topic, rules)
    consulted = next((rule for rule in asked if rule.gate == Gate.departments_consulted), None)
    checks: list[Callable[[], None]] = [
        lambda: gates.require_passed(asked, topic.current_gates, Block.completeness, Block.scheduling),
        lambda: consultations.require_settled(
            rules.consultation, topic.concerned, topic.current_positions, topic.coordinations, names
        ),
        lambda: require_complete(topic, kind, rules, names),
        lambda: require_prior_meeting(topic, kind),
        lambda: require_ready(topic, kind),
    ]
    if consulted:
        clause = consulted.clause
        checks.insert(
            0, lambda: consultations.require_consulted(clause, topic.concerned, topic.current_positions, names)
        )
    found: dict[str, Problem] = {}
    for check in checks:
        try:
            check()
        except Problem as problem:
            found.setdefault(problem.code, problem)
    return list(found.values())


def schedule(topic: Topic, kind: MeetingKind, meeting_id: str, late: Breach | None) -> None:
    """Put a ready topic on an agenda; its papers may have come `late`. Refusals: those of `require_ready`; `papers_late`."""
    require_ready(topic, kind)
    require_in_time(topic, late)
    topic.state = TopicState.scheduled
    topic.meeting_id = meeting_id
