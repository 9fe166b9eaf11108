"""The steps of a chain (办理环节): the next step, who may take it, and the record of a step taken.

Invariant: steps are taken in the chain's order and in order of time, each by an official who may take it on that day.
Pure: no I/O.
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
    """A successor acts after an official who left office: in which role, and the predecessor's last day if known."""

    official: str
    role: Role
    left_on: date | None


@dataclass(frozen=True)
class Taken:
    """A step taken: the official, role, time of occurrence and of recording; for a stand-in also on whose behalf and by
    which clause."""

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
        """The audit details of acting for somebody else; empty otherwise."""
        return {"on_behalf_of": self.on_behalf_of, "under": self.under} if self.on_behalf_of else {}


@dataclass(frozen=True)
class StepTaken(Taken):
    """A step of a rulebook's chain; `succeeds` is the predecessor if a successor took it."""

    step: StepName
    succeeds: Succession | None = None

    @property
    def behalf(self) -> dict[str, object]:
        return super().behalf | ({"succeeds": self.succeeds.official} if self.succeeds else {})


def next_step(chain: Chain, taken: list[StepTaken], facts: Facts) -> Step | None:
    """The first required step not taken yet; None if the chain is done."""
    asked = chain.asked(facts)
    return asked[len(taken)] if len(taken) < len(asked) else None


def power_of(step: StepName) -> Power:
    """The power that a step needs: a stand-in may preside without the power to sign."""
    return Power.sign if step == StepName.sign else Power.preside


@dataclass(frozen=True)
class Attempt:
    """An attempt to take a step: step, official, time of occurrence and of recording, opinion. Whether it is permitted
    follows from the posts on the day of recording."""

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
    """The record of the step taken; `succeeded` maps a role to the predecessor of its successor. Refusals: `chain_is_done`,
    `step_out_of_order`, `step_before_the_one_before`; 403 `not_the_actor` names who may take it."""
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
    """The next step. Refused unless the attempt is at this step and not before the time of the previous one."""
    step, due = attempt.step, next_step(chain, taken, facts)
    if due is None:
        raise refusal(
            "chain_is_done",
            chain.clause,
            "every step was already taken",
            "各环节均已办结",
            Text("no further step is needed", "无需再办理"),
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
            f"{step} isn't the next step: {due.step} by {actors} is next",
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
            Text("give a time after the previous step", "请填写上一环节之后的时间"),
        )
    return due


def _act(step: StepName, composition: Composition, after: Succession | None) -> Text:
    """The step as text; for a successor with the name of the predecessor."""
    if after is None:
        return Text(f"take the step {step}", f"办理“{in_chinese(step)}”")
    (gone,) = composition.names([after.official])
    return Text(f"take the step {step} after {gone}, who left office,", f"在{gone}离任后办理“{in_chinese(step)}”")
