"""Breaches (限制) of rules, and their waivers (准予例外) by a named person with a reason.

Invariants: breaches are computed at each use, never stored; a waiver covers what broke the rule when it was given, no more; a
firm breach can't be waived. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from zhengling.authority.composition import NO_CONTEXT, Acting, Composition, Permission, RoleContext
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.chains import actors_of
from zhengling.rules.vocabulary import Role, in_chinese


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A rule that something breaks, in the words of its refusal. The roles in `waivable_by` may waive it, by the clause
    `waived_under` where it isn't the rule's own; without them it is firm. `covers` is what breaks it: days, people, a figure."""

    rule: StrEnum
    code: str
    clause: str
    waivable_by: tuple[Role, ...]
    covers: tuple[str, ...]
    detail: Text
    satisfy: Text
    waived_under: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Waiver:
    """A breach waived: what it covered and said, by whom, why; for a stand-in also on whose behalf. One that was admitted before
    waivers had this shape names no clause."""

    rule: str
    clause: str
    covers: tuple[str, ...]
    detail: str
    official: str
    reason: str
    occurred_at: datetime
    on_behalf_of: str | None = None

    def holds_for(self, breach: Breach) -> bool:
        of_the_rule = self.rule == breach.rule and self.clause in (breach.clause, "")
        return of_the_rule and set(breach.covers) <= set(self.covers)


@dataclass(frozen=True)
class Waiving:
    """An attempt to waive the breaches of a rule. Whether it is permitted follows from the posts on the day of recording."""

    rule: StrEnum
    official: str | None
    reason: str
    occurred_at: datetime
    recorded_at: datetime


B = TypeVar("B", bound=Breach)


def not_waived(found: Sequence[B], waivers: Sequence[Waiver]) -> list[B]:
    """The breaches that no waiver covers."""
    return [breach for breach in found if not any(waiver.holds_for(breach) for waiver in waivers)]


def refuse(found: Sequence[Breach], *, excepted: bool = False, requested: bool = False) -> None:
    """409 with the code of the first breach that may not remain; nothing where there is none. With `excepted` an exception is
    asked for, and breaches that can be waived may remain. Once it is `requested`, its exception can't be stated any more."""
    remaining = [breach for breach in found if not (excepted and breach.waivable_by)]
    if not remaining:
        return
    breach, *others = remaining
    roles, roles_zh = " or ".join(breach.waivable_by), in_chinese(*breach.waivable_by)
    if not breach.waivable_by:
        way = Text("; this rule can't be waived", "；该规定无例外")
    elif requested:
        way = Text(f"; or have {roles} waive the rule with a reason", f"；或由{roles_zh}说明理由后准予例外")
    else:
        way = Text(
            f"; or state a reason in exception, and have {roles} waive the rule",
            f"；或填写例外理由，由{roles_zh}批准例外",
        )
    satisfy = Text(breach.satisfy.en + way.en, breach.satisfy.zh + way.zh)
    extra = dict(breach.extra) | {"lift": list(breach.waivable_by), "also": [other.rule for other in others]}
    raise refusal(breach.code, breach.clause, breach.detail.en, breach.detail.zh, satisfy, **extra)


def waive(
    found: Sequence[Breach],
    waiving: Waiving,
    composition: Composition,
    *,
    name: str,
    clause: str,
    context: RoleContext = NO_CONTEXT,
) -> tuple[list[Waiver], Acting]:
    """The waivers of those breaches of the rule that the official may waive, and the capacity in which they are given;
    `found` are those not waived yet, `name` is the rule in Chinese, `clause` the basis of the whole. 409
    `nothing_to_lift`, `firm`; 403 `not_the_lifter`."""
    named = Text(waiving.rule, name)
    ours = [breach for breach in found if breach.rule == waiving.rule]
    if not ours:
        raise refusal(
            "nothing_to_lift",
            clause,
            f"there is no breach {named.en} to waive",
            f"不存在“{named.zh}”方面的限制事项",
            Text("see the breaches of the request", "请查看该申请的限制事项"),
        )
    if not (waivable := [breach for breach in ours if breach.waivable_by]):
        firm = ours[0]
        raise refusal(
            "firm",
            firm.clause,
            f"this rule can't be waived: {firm.detail.en}",
            f"该规定无例外：{firm.detail.zh}",
            firm.satisfy,
        )
    on, act = shanghai_day(waiving.recorded_at), Text(f"waive the rule ({named.en})", f"准予例外（{named.zh}）")
    given: list[Waiver] = []
    acting: Acting | None = None
    for breach in waivable:
        may = composition.may_act(waiving.official, actors_of(breach.waivable_by), on, {}, context=context)
        if may is None:
            continue
        acting = acting or may
        given.append(
            Waiver(
                breach.rule,
                breach.clause,
                breach.covers,
                breach.detail.zh,
                waiving.official or "",
                waiving.reason,
                waiving.occurred_at,
                may.on_behalf_of,
            )
        )
    if acting is None:
        breach = waivable[0]
        under = breach.waived_under or breach.clause
        permission = Permission(actors_of(breach.waivable_by), act, "not_the_lifter", under, context=context)
        acting = composition.require(waiving.official, on, permission)
    return given, acting
