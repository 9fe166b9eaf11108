"""Gates (前置程序) of a topic: which apply, which are passed, what an open one blocks, and who is believed about one.

Which gates apply follows from the topic's declared aspects (`Aspect`); only a gate's latest record decides whether it is
passed. Invariant: nobody records that a check was passed but who carried it out, or the office from its paper. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from zhengling.kernel.errors import Text, refusal
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.meetings import GateRule, TopicRules
from zhengling.rules.vocabulary import Aspect, Block, Confirmation, Criterion, Gate, HearingForm, Role, in_chinese


@dataclass(frozen=True)
class GateRecord:
    """The record of a gate: its result, the organ or commission that carried it out, its paper, who recorded it, and by what
    that is believed (None in records made before this was kept)."""

    gate: Gate
    passed: bool
    carried_out_by: str
    reference: str
    recorded_by: str
    occurred_at: datetime
    recorded_at: datetime
    criteria: tuple[Criterion, ...] = ()
    forms: tuple[HearingForm, ...] = ()
    opinion: str = ""
    confirmation: Confirmation | None = None


@dataclass(frozen=True)
class Recorders:
    """Who may record a result of a gate: who carries the check out, the office from the paper, and others by their word."""

    checkers: tuple[Role, ...]
    others: tuple[Role, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        return tuple(dict.fromkeys((*self.checkers, Role.office, *self.others)))

    def confirmation(self, role: Role) -> Confirmation:
        """By what a record is believed that somebody makes in this role."""
        if role in self.checkers:
            return Confirmation.carried_out
        return Confirmation.from_paper if role == Role.office else Confirmation.stated


def recorders(rules: Iterable[GateRule], records: list[GateRecord], *, passed: bool) -> Recorders:
    """Who may record this result of the gate of these rules, which all ask for the same one.

    That it was passed, only who carried it out says, or the office from the paper: the sponsor, whose topic it lets through,
    doesn't, and after a failed check neither does its principal. That it wasn't passed, the sponsor says too.
    """
    rules = list(rules)
    checkers = tuple(dict.fromkeys(role for rule in rules for role in rule.carried_out_by))
    if not passed:
        return Recorders(checkers, (Role.sponsor,))
    last = next((record for record in reversed(records) if record.gate in {rule.gate for rule in rules}), None)
    if last and not last.passed:
        checkers = tuple(role for role in checkers if role != Role.principal)
    return Recorders(checkers)


def applying(rules: TopicRules, kind: str, aspects: Iterable[Aspect], facts: Facts, concerns: bool) -> list[GateRule]:
    """The gates that a topic of this kind must pass. Consultation applies to every topic that concerns departments."""
    declared = set(aspects)
    return [
        rule
        for rule in rules.gates
        if (not rule.kinds or kind in rule.kinds)
        and matches(rule.when, facts)
        and (concerns if rule.gate == Gate.departments_consulted else bool(declared & set(rule.any_of)))
    ]


def shortcoming(rule: GateRule, records: list[GateRecord]) -> Text | None:
    """What the gate's latest record lacks; None if the gate is passed."""
    record = next((record for record in reversed(records) if record.gate == rule.gate), None)
    if record is None:
        return Text("isn't recorded", "尚未办理")
    if not record.passed:
        return Text("wasn't passed", "未通过")
    if lacking := [each for each in rule.criteria if each not in record.criteria]:
        return Text(f"lacks {', '.join(lacking)}", f"缺{in_chinese(*lacking)}")
    forms = {form for form in record.forms if not rule.form_among or form in rule.form_among}
    if len(forms) < rule.forms:
        return Text(f"{len(forms)} of {rule.forms} forms of hearing views", f"听取意见的形式不足{rule.forms}种")
    return None


def require_passed(rules: Iterable[GateRule], records: list[GateRecord], *blocks: Block) -> None:
    """Refusal `gate_not_passed` if an open gate blocks one of `blocks`: with the first gate's clause, naming all of them."""
    open_gates = [
        (rule, short)
        for rule in rules
        if rule.blocks in blocks and rule.gate != Gate.departments_consulted and (short := shortcoming(rule, records))
    ]
    if not open_gates:
        return
    named = "; ".join(f"{rule.gate} [{rule.clause}] {short.en}" for rule, short in open_gates)
    named_zh = "；".join(f"{in_chinese(rule.gate)}（{rule.clause}）{short.zh}" for rule, short in open_gates)
    raise refusal(
        "gate_not_passed",
        open_gates[0][0].clause,
        f"gates not passed: {named}",
        f"尚有前置程序未完成：{named_zh}",
        Text("carry them out and record them on the topic", "请完成后在议题中登记"),
        gates=[{"gate": rule.gate.value, "clause": rule.clause, "short": short.en} for rule, short in open_gates],
    )
