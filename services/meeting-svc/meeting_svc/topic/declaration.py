"""A topic's declaration and its consequences: where the topic may be decided, its gates, its requirements.

Invariant: a matter reserved to some kinds of meeting is decided by no other kind. Pure: no I/O.
"""

from __future__ import annotations

from typing import Any

from meeting_svc.topic.topic import Topic
from zhengling.authority import consultation as consultations
from zhengling.events.meeting import PassedGate, Resolution
from zhengling.kernel.errors import Text, refusal
from zhengling.rules import gates
from zhengling.rules.conditions import matches
from zhengling.rules.meetings import GateRule, MeetingKind, TopicRules
from zhengling.rules.vocabulary import Block, FollowingDocument, Gate, Outcome, Role, TopicNature, in_chinese

#: The fields of the declaration, which may change when the topic is submitted again.
DECLARED = ("title", "nature", "matter", "aspects", "concerned", "urgency", "prepares_for")
#: Gates that may be passed after the meeting has decided.
AFTER_THE_MEETING = (Block.issue, Block.tracked)


def require_matter(kind: MeetingKind, matter: str | None) -> None:
    """Refusal `outside_the_competence` unless the topic names one of the kind's main tasks, where these are listed."""
    tasks = {task.id: task.name for task in kind.competence}
    if tasks and matter not in tasks:
        raise refusal(
            "outside_the_competence",
            kind.clause,
            f"{kind.name}: {matter or 'no matter'} isn't one of its main tasks",
            f"{kind.name}的主要任务中没有“{matter or '（未填写）'}”",
            Text(f"matter is one of {', '.join(tasks)}", f"请从下列任务中选择：{'、'.join(tasks.values())}"),
            tasks=tasks,
        )


def require_not_reserved(topic: Topic, rules: TopicRules, kinds: dict[str, str]) -> None:
    """Refusal `reserved_matter` where only other kinds of meeting may decide the topic, unless this one only prepares it.
    `kinds` maps the government's kinds to their names."""
    for reserved in rules.reserved:
        touched = [aspect for aspect in reserved.any_of if aspect in topic.aspects]
        if touched and topic.meeting_kind not in reserved.kinds and topic.prepares_for not in reserved.kinds:
            where, where_zh = ", ".join(reserved.kinds), "、".join(kinds[kind] for kind in reserved.kinds)
            raise refusal(
                "reserved_matter",
                reserved.clause,
                f"{', '.join(touched)}: only {where} may decide it",
                f"{in_chinese(*touched)}须由{where_zh}集体讨论决定",
                Text(
                    f"submit it to {where}; if this meeting only prepares it, state prepares_for",
                    f"请提交{where_zh}；仅作前期研究的，请注明拟提交的会议",
                ),
                reserved_for=list(reserved.kinds),
            )


def require_outcome(
    topic: Topic, kind: MeetingKind, rules: TopicRules, outcome: Outcome, document: FollowingDocument
) -> None:
    """Refusals of an outcome that the topic's declaration rules out: `decides_nothing` for what was submitted for
    transmission or study, `reserved_matter` for what this meeting only prepares."""
    _require_deliberated(topic, kind, outcome)
    _require_only_prepared(topic, rules, outcome, document)


def _require_deliberated(topic: Topic, kind: MeetingKind, outcome: Outcome) -> None:
    """A topic for transmission or study was spared what a deliberated one passes (XG-34, HC-49), so nothing is decided
    on it: it is noted or deferred."""
    if TopicNature(topic.nature).decides or outcome in (Outcome.noted, Outcome.deferred):
        return
    nature_zh, first = in_chinese(topic.nature), kind.first_topic
    spared = first if first and first.nature == topic.nature else kind.prior_meeting or kind.topic_form
    raise refusal(
        "decides_nothing",
        spared.clause if spared else kind.clause,
        f"the topic was submitted for {topic.nature}; nothing is decided on it",
        f"该议题按“{nature_zh}”类提交，会议不就其作出决定",
        Text(
            "record it as noted or deferred; what has to be decided is submitted as a topic for deliberation",
            "请记为“知悉”或“暂缓”；需要决定的，请按审议类议题提交",
        ),
        nature=topic.nature,
    )


def _require_only_prepared(topic: Topic, rules: TopicRules, outcome: Outcome, document: FollowingDocument) -> None:
    """Refusal `reserved_matter` where a meeting that only prepares a reserved matter would decide it: it may agree in
    principle to submit the matter, without a document to issue."""
    reserved = next((r for r in rules.reserved if set(r.any_of) & set(topic.aspects)), None)
    if reserved is None or topic.meeting_kind in reserved.kinds:
        return
    if outcome == Outcome.passed or (outcome.adopts and document != FollowingDocument.none):
        raise refusal(
            "reserved_matter",
            reserved.clause,
            f"this meeting only prepares the matter for {topic.prepares_for}",
            "本次会议仅作前期研究，不作最终决定",
            Text(
                "record it as passed in principle, to be submitted, with no document to issue",
                "请记为“原则通过”并按程序提交，不形成印发文件",
            ),
        )


def dropped(topic: Topic, changes: dict[str, Any]) -> list[str]:
    """The aspects and organisations that a changed declaration omits; their gates and objections would be lost."""
    return [
        str(each)
        for name in ("aspects", "concerned")
        for each in getattr(topic, name)
        if name in changes and each not in changes[name]
    ]


def require_applies(topic: Topic, rules: TopicRules, gate: Gate) -> None:
    """Refusal `gate_does_not_apply` for a record without effect: of a gate that doesn't apply to the topic, or of the
    consultation, which the departments' positions prove."""
    recorded = [rule.gate for rule in applying_gates(topic, rules) if rule.gate != Gate.departments_consulted]
    if gate in recorded:
        return
    gates_en, gates_zh = ", ".join(dict.fromkeys(recorded)), in_chinese(*dict.fromkeys(recorded))
    raise refusal(
        "gate_does_not_apply",
        None,
        f"the gate {gate} isn't recorded for this topic",
        f"本议题无需登记“{in_chinese(gate)}”",
        Text(
            f"gates of this topic: {gates_en or 'none'}; declare missing aspects, or record the departments' positions",
            f"本议题的前置程序：{gates_zh or '无'}；事项属性有遗漏的请补报；征求意见以相关部门反馈意见为准",
        ),
        gates=list(dict.fromkeys(recorded)),
    )


def chair_takes_part(kind: MeetingKind) -> bool:
    """Whether the intended chair takes a step in the chain of its topics."""
    return any(actor.role == Role.chair for step in kind.topic.steps for actor in step.by)


def needs_prior_meeting(topic: Topic, kind: MeetingKind) -> bool:
    return kind.prior_meeting is not None and matches(kind.prior_meeting.when, topic.facts)


def needs_form(topic: Topic, kind: MeetingKind) -> bool:
    return kind.topic_form is not None and matches(kind.topic_form.when, topic.facts)


def applying_gates(topic: Topic, rules: TopicRules) -> list[GateRule]:
    return gates.applying(rules, topic.meeting_kind, topic.aspects, topic.facts, bool(topic.concerned))


def shortcoming(topic: Topic, rule: GateRule, names: dict[str, str]) -> Text | None:
    """What an applicable gate lacks; None where it is passed. Of a consultation: who hasn't answered."""
    if rule.gate != Gate.departments_consulted:
        return gates.shortcoming(rule, topic.current_gates)
    waiting = [names.get(each, each) for each in consultations.silent(topic.concerned, topic.current_positions)]
    return Text(f"no answer from: {', '.join(waiting)}", f"尚未回复：{'、'.join(waiting)}") if waiting else None


def with_topic(resolution: Resolution, topic: Topic, rules: TopicRules) -> Resolution:
    """The resolution with what the topic has declared and passed by now."""
    aspects = tuple(aspect.value for aspect in topic.aspects)
    return resolution.model_copy(update={"aspects": aspects, "gates": passed_gates(topic, rules)})


def passed_gates(topic: Topic, rules: TopicRules) -> tuple[PassedGate, ...]:
    """The gates that apply to the topic and are passed, each with the record that passed it; in the rulebook's order."""
    passed: dict[Gate, PassedGate] = {}
    short = {rule.gate for rule in applying_gates(topic, rules) if shortcoming(topic, rule, {})}
    for rule in applying_gates(topic, rules):
        if rule.gate in short or rule.gate in passed:
            continue
        passed[rule.gate] = PassedGate(gate=rule.gate, clause=rule.clause)
        if record := next((each for each in reversed(topic.current_gates) if each.gate == rule.gate), None):
            proof = {name: getattr(record, name) for name in ("carried_out_by", "reference", "occurred_at")}
            passed[rule.gate] = passed[rule.gate].model_copy(update=proof)
    return tuple(passed.values())


def open_gates(topic: Topic, rules: TopicRules) -> list[GateRule]:
    """The gates that may be passed after the meeting has decided and aren't passed yet: they block the issue or are
    tracked."""
    return [
        rule
        for rule in applying_gates(topic, rules)
        if rule.blocks in AFTER_THE_MEETING and shortcoming(topic, rule, {})
    ]
