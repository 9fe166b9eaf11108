"""The next step of a chain, as an answer shows it, with the officials who may take it."""

from __future__ import annotations

from collections.abc import Callable

from zhengling.authority.chain import power_of
from zhengling.authority.composition import NO_CONTEXT, Composition, RoleContext
from zhengling.authority.schemas import NextStep
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.chains import Chain, Step
from zhengling.rules.conditions import Facts, matches
from zhengling.web.call import Call

#: The facts of a chain as they are for one official: whether this one chaired, for instance.
FactsOf = Callable[[str], Facts]


def next_of(
    call: Call, chain: Chain, step: Step, composition: Composition, facts_of: FactsOf, context: RoleContext = NO_CONTEXT
) -> NextStep:
    """The view of the next step, with the officials who may take it under the facts that hold for each."""
    on = shanghai_day(call.now)
    may: dict[str, None] = {}
    roles = []
    for actor in step.by:
        holders = composition.who_may(actor.role, on, power=power_of(step.step), context=context)
        lawful = [official for official in holders if matches(actor.when, facts_of(official))]
        may |= dict.fromkeys(lawful)
        if lawful or not actor.when:
            roles.append(actor.role)
    return NextStep(step=step.step, by=roles, clause=step.clause or chain.clause, officials=list(may))
