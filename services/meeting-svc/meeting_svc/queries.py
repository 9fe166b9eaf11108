"""What the reads of all nouns of meeting-svc share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from meeting_svc.schemas import NextStep
from meeting_svc.step import power_of
from zhengling.authority.composition import Composition
from zhengling.dates.deadlines import shanghai_day
from zhengling.rules.rulebook import Chain, Facts, Step, matches
from zhengling.web.routing import Call

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


def equal(model: type[Any], **wanted: object) -> list[Any]:
    columns = sa.inspect(model).columns
    return [columns[name] == value for name, value in wanted.items() if value is not None]
