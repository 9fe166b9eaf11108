"""The next step of a chain, as an answer shows it, with the officials who may take it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zhengling.authority.chain import Course, power_of
from zhengling.authority.composition import Composition
from zhengling.authority.schemas import NextStepView
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.chains import Actor
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call

#: The facts of a chain as they are for one official: whether this one chaired, for instance.
FactsOf = Callable[[str], Facts]


def next_of(
    call: Call, course: Course, composition: Composition, facts_of: FactsOf | None = None, *, without: str | None = None
) -> NextStepView | None:
    """The view of the next step, with the officials who may take it under the facts that hold for each (by default the
    course's); None if the chain is done. `without` takes no step, not even as a stand-in, such as the one whom it
    concerns."""
    if (due := course.next()) is None:
        return None
    on, step = shanghai_day(call.now), due.step

    def who(actor: Actor, *, present: bool = True) -> list[str]:
        if present:
            power, among = power_of(step.step), due.missing
            found = composition.who_may(actor.role, on, power=power, context=course.context, among=among)
        else:
            found = composition.holders(actor.role, on, course.context)
        lawful = (each for each in found if matches(actor.when, facts_of(each) if facts_of else course.facts))
        return [each for each in lawful if each != without]

    def of(actors: Iterable[Actor]) -> dict[Role, list[str]]:
        found: dict[Role, list[str]] = {}
        for actor in actors:
            officials = who(actor) or (who(actor, present=False) if without else [])
            found.setdefault(actor.role, []).extend(officials)
        conditional = {actor.role for actor in actors if actor.when}
        return {role: officials for role, officials in found.items() if officials or role not in conditional}

    may = of(due.actors)
    recorders = of(step.recorded_by) if step.meeting else {}
    return NextStepView(
        step=step.step,
        step_name=step.chinese,
        by=list(may),
        need=step.need,
        clause=due.clause,
        officials=list(dict.fromkeys(official for officials in may.values() for official in officials)),
        meeting=list(step.meeting),
        recorders=list(dict.fromkeys(official for officials in recorders.values() for official in officials)),
    )
