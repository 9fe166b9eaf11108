"""The steps of a chain (办理环节): which is next, who may take it, and the step as it was taken.

Invariant: steps are taken in the chain's order and in the order of time, each by who may take it on that day. Pure:
no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from zhengling.authority.composition import NO_CONTEXT, Composition, Permission, RoleContext
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.absences import Power
from zhengling.rules.chains import Chain, Step, StepName
from zhengling.rules.conditions import Facts
from zhengling.rules.vocabulary import Role, in_chinese


@dataclass(frozen=True)
class Succession:
    """Somebody acts after an official who left office: in which role, and that one's last day where it is known."""

    official: str
    role: Role
    left_on: date | None


@dataclass(frozen=True)
class Taken:
    """A step that was taken: by whom, in which role, when it occurred and when it was recorded; for somebody who is away,
    on whose behalf and by which clause."""

    step: StrEnum
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str = ""
    on_behalf_of: str | None = None
    under: str | None = None

    @property
    def behalf(self) -> dict[str, object]:
        """What the audit keeps of acting for somebody else."""
        return {"on_behalf_of": self.on_behalf_of, "under": self.under} if self.on_behalf_of else {}


@dataclass(frozen=True)
class StepTaken(Taken):
    """A step of a rulebook's chain; after somebody who left office, whom they succeed."""

    step: StepName
    succeeds: Succession | None = None

    @property
    def behalf(self) -> dict[str, object]:
        return super().behalf | ({"succeeds": self.succeeds.official} if self.succeeds else {})


def next_step(chain: Chain, taken: list[StepTaken], facts: Facts) -> Step | None:
    """The first step asked for that wasn't taken yet; None where the chain is done."""
    asked = chain.asked(facts)
    return asked[len(taken)] if len(taken) < len(asked) else None


def power_of(step: StepName) -> Power:
    """What kind of act a step is: who stands in for somebody may preside without being allowed to sign."""
    return Power.sign if step == StepName.sign else Power.preside


@dataclass(frozen=True)
class Attempt:
    """A step as somebody takes it: which, who, when it occurred and when it was recorded, with what opinion. Whether they
    may follows from the posts of the day on which it is recorded."""

    step: StepName
    official: str | None
    occurred_at: datetime
    recorded_at: datetime
    opinion: str = ""


def take_step(
    chain: Chain,
    taken: list[StepTaken],
    facts: Facts,
    attempt: Attempt,
    composition: Composition,
    context: RoleContext = NO_CONTEXT,
    succeeded: Mapping[Role, Succession] = MappingProxyType({}),
) -> StepTaken:
    """The step as taken; `succeeded` says in which roles somebody acts after whom. Refusals: `chain_is_done`,
    `step_out_of_order`, `step_before_the_one_before`; 403 `not_the_actor` names who may."""
    due = _require_next(chain, taken, facts, attempt)
    after = next((succeeded[actor.role] for actor in due.by if actor.role in succeeded), None)
    permission = Permission(
        due.by,
        _act(attempt.step, composition, after),
        "not_the_actor",
        due.clause or chain.clause,
        facts,
        power_of(attempt.step),
        context,
    )
    acting = composition.require(attempt.official, shanghai_day(attempt.recorded_at), permission)
    return StepTaken(
        attempt.step,
        acting.role,
        attempt.official or "",
        attempt.occurred_at,
        attempt.recorded_at,
        attempt.opinion,
        acting.on_behalf_of,
        acting.clause,
        succeeded.get(acting.role),
    )


def _require_next(chain: Chain, taken: list[StepTaken], facts: Facts, attempt: Attempt) -> Step:
    """The step that is due, which the attempt has to be of, and not before the one before it."""
    step, due = attempt.step, next_step(chain, taken, facts)
    if due is None:
        raise refusal(
            "chain_is_done",
            chain.clause,
            "every step was taken already",
            "各环节均已办结",
            Text("nothing more is asked for", "无需再办理"),
        )
    if due.step != step:
        actors = " / ".join(actor.role for actor in due.by)
        actors_zh, due_zh, step_zh = (
            in_chinese(*(actor.role for actor in due.by)),
            in_chinese(due.step),
            in_chinese(step),
        )
        raise refusal(
            "step_out_of_order",
            due.clause or chain.clause,
            f"{step} comes too early: {due.step} by {actors} is next",
            f"尚不能办理“{step_zh}”，下一环节为“{due_zh}”（{actors_zh}）",
            Text(f"take {due.step} first", f"请先完成“{due_zh}”"),
            next_step=due.step.value,
            next_by=[actor.role.value for actor in due.by],
        )
    if taken and attempt.occurred_at < taken[-1].occurred_at:
        raise refusal(
            "step_before_the_one_before",
            due.clause or chain.clause,
            f"{step} can't have occurred before {taken[-1].step} did, {taken[-1].occurred_at.isoformat()}",
            f"“{in_chinese(step)}”的时间不能早于上一环节“{in_chinese(taken[-1].step)}”",
            Text("state when it occurred, after the step before", "请填写上一环节之后的时间"),
        )
    return due


def _act(step: StepName, composition: Composition, after: Succession | None) -> Text:
    """The step in words; where it falls to a successor, after whom."""
    if after is None:
        return Text(f"take the step {step}", f"办理“{in_chinese(step)}”")
    (gone,) = composition.names([after.official])
    return Text(f"take the step {step} after {gone}, who left office,", f"在{gone}离任后办理“{in_chinese(step)}”")
