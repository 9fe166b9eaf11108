"""A chain of steps over HTTP: the step as it is taken, as it was taken, and the next one with who may take it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from zhengling.authority.chain import power_of
from zhengling.authority.composition import Composition
from zhengling.kernel.instants import shanghai_day
from zhengling.kernel.payload import OccurredAt, Opinion, Payload, View
from zhengling.rules.chains import Chain, Step, StepName
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call


class ActView(View):
    official: str
    occurred_at: datetime
    recorded_at: datetime
    role: str | None
    on_behalf_of: str | None
    under: str | None


#: The facts of a chain as they are for one official: whether this one chaired, for instance.
FactsOf = Callable[[str], Facts]


def next_of(
    call: Call, chain: Chain, step: Step, composition: Composition, facts_of: FactsOf, **context: str | None
) -> NextStep:
    """The step as an answer shows it: with whoever may take it under the facts that hold for them."""
    on = shanghai_day(call.now)
    may: dict[str, None] = {}
    roles = []
    for actor in step.by:
        holders = composition.who_may(actor.role, on, power=power_of(step.step), **context)
        lawful = [official for official in holders if matches(actor.when, facts_of(official))]
        may |= dict.fromkeys(lawful)
        if lawful or not actor.when:
            roles.append(actor.role)
    return NextStep(step=step.step, by=roles, clause=step.clause or chain.clause, officials=list(may))


class TakeStep(Payload):
    step: StepName
    opinion: Opinion = ""
    occurred_at: OccurredAt = None


class SuccessionView(View):
    """Whoever took a step did so after an official who left office."""

    official: Annotated[str, Field(description="who chaired, or entrusted the chair, and holds no post any more")]
    role: Annotated[Role, Field(description="the post that was theirs and is the successor's, or head")]
    left_on: Annotated[date | None, Field(description="their last day in office, where it is on record")]


class TakenView(View):
    step: StrEnum
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str
    on_behalf_of: Annotated[str | None, Field(description="the official who was away and was acted for")]
    under: Annotated[str | None, Field(description="the clause by which somebody else acted")]


class StepView(TakenView):
    step: StepName
    succeeds: SuccessionView | None


class Next(View):
    """The step that is next in a chain: any holder of one of these roles may take it."""

    step: StrEnum
    by: list[Role]
    clause: str
    officials: list[str]


class NextStep(Next):
    step: StepName
