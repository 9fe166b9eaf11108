"""The steps of a chain (办理环节): the next step, who may take it, and the records of a step taken and of a return.

Invariant: steps are taken in the chain's order and in order of time, each by an official who may take it on that day; a
step that all of several people take is done once each of them has taken it. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from zhengling.authority.composition import NO_CONTEXT, Acting, Among, Composition, Permission, RoleContext
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.absences import Power
from zhengling.rules.chains import SETS, Actor, Chain, Step, StepName
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.vocabulary import Role, in_chinese


@dataclass(frozen=True)
class Succession:
    """A successor acts after an official who left office: in which role, and the predecessor's last day if known."""

    official: str
    role: Role
    left_on: date | None


@dataclass(frozen=True)
class StepTaken:
    """A step taken: the official, role, time of occurrence and of recording; for a stand-in also on whose behalf and by
    which clause; `succeeds` is the predecessor if a successor took it, `decision_id` the meeting's decision that took it,
    which the official recorded."""

    step: StepName
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str = ""
    on_behalf_of: str | None = None
    under: str | None = None
    succeeds: Succession | None = None
    decision_id: str | None = None

    @property
    def behalf(self) -> dict[str, object]:
        """The audit details of acting for somebody else; empty otherwise."""
        stood_in: dict[str, object] = (
            {"on_behalf_of": self.on_behalf_of, "under": self.under} if self.on_behalf_of else {}
        )
        return stood_in | ({"succeeds": self.succeeds.official} if self.succeeds else {})

    @property
    def holder(self) -> str:
        """The official whose step it is: the one who took it, or on whose behalf it was taken."""
        return self.on_behalf_of or self.official


@dataclass(frozen=True)
class Returned:
    """A return to the sponsor or drafter, with its reason and the steps that it made void."""

    official: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime | None = None
    on_behalf_of: str | None = None
    under: str | None = None
    steps: tuple[StepTaken, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """An attempt to take a step: step, official, time of occurrence and of recording, opinion; `decision_id` where a
    meeting's decision takes it. Whether it is permitted follows from the posts on the day of recording."""

    step: StepName
    official: str | None
    occurred_at: datetime
    recorded_at: datetime
    opinion: str = ""
    decision_id: str | None = None


@dataclass(frozen=True)
class NextStep:
    """The next step and the actors who have yet to take it; `missing` are, for the roles that mean each of several people,
    those who have yet to. `previous` is the last step taken before it."""

    step: Step
    clause: str
    actors: tuple[Actor, ...]
    missing: Among = field(default_factory=dict)
    previous: StepTaken | None = None


def power_of(step: StepName) -> Power:
    """The power that a step needs: a stand-in may preside without the power to sign."""
    return Power.sign if step == StepName.sign else Power.preside


@dataclass(frozen=True)
class Course:
    """A chain with the steps taken so far, and what it is taken under: the facts, the context of its roles, the predecessor
    of a role's successor, the holders of the roles of `SETS` (`sets_of`); `code` is that of the refusal for others."""

    chain: Chain
    taken: Sequence[StepTaken]
    facts: Facts = field(default_factory=dict)
    context: RoleContext = NO_CONTEXT
    succeeded: Mapping[Role, Succession] = field(default_factory=dict)
    sets: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    code: str = "not_the_actor"

    def next(self) -> NextStep | None:
        """The first required step that isn't done; None if the chain is. Each taken step counts for the first step that it
        fits: by its name and role, or as a meeting's decision."""
        left, previous = list(self.taken), None
        for step in self.chain.asked(self.facts):
            own = [each for each in left if _fits(each, step)]
            actors, missing = step.by, dict[Role, tuple[str, ...]]()
            if step.need == "all":
                places = self._places(step)
                for each in own:
                    if place := _place_of(each, places):
                        places.remove(place)
                    elif each.role not in SETS:  # of another step; somebody who left a set has no place in it any more
                        continue
                    left.remove(each)
                if not places:
                    previous = max(own, key=lambda each: each.occurred_at, default=previous)
                    continue
                actors = tuple({actor.role: actor for actor, _ in places}.values())
                for actor, holder in places:
                    if holder:
                        missing[actor.role] = (*missing.get(actor.role, ()), holder)
            elif own:
                previous = own[0]
                left.remove(previous)
                continue
            return NextStep(step, step.clause or self.chain.clause, actors, missing, previous)
        return None

    def _places(self, step: Step) -> list[tuple[Actor, str | None]]:
        """Who has to take a step that all take: each lawful actor once, for a role of `SETS` each of its holders."""
        return [
            (actor, holder)
            for actor in step.by
            if matches(actor.when, self.facts)
            for holder in (self.sets[actor.role] if actor.role in SETS else (None,))
        ]

    def require_next(self, step: StepName, occurred_at: datetime) -> NextStep:
        """The next step. Refusals `chain_is_done`, `step_out_of_order` unless it is this one, `step_before_the_one_before`
        for a time before the previous step's."""
        due = self.next()
        if due is None:
            raise refusal(
                "chain_is_done",
                self.chain.clause,
                "every step was already taken",
                "各环节均已办结",
                Text("no further step is needed", "无需再办理"),
            )
        if due.step.step != step:
            raise _out_of_order(due, step)
        if due.previous and occurred_at < due.previous.occurred_at:
            raise refusal(
                "step_before_the_one_before",
                due.clause,
                f"{step} can't have occurred before {due.previous.step} did, {due.previous.occurred_at.isoformat()}",
                f"“{in_chinese(step)}”的时间不能早于上一环节“{in_chinese(due.previous.step)}”",
                Text("give a time after the previous step", "请填写上一环节之后的时间"),
            )
        return due

    def require_part(self, official: str | None, on: date, composition: Composition) -> None:
        """403 with the course's code for an official who takes no step of the chain, and so isn't told how far it is."""
        roles = dict.fromkeys(actor.role for step in self.chain.steps for actor in (*step.by, *step.recorded_by))
        anybody = tuple(Actor(role=role) for role in roles)
        if not anybody or composition.may_act(official, anybody, on, {}, context=self.context):
            return
        if due := self.next():
            permission = self._permission(due, due.actors or anybody, composition)
        else:
            act = Text("take a step of it", "办理有关环节")
            permission = Permission(anybody, act, self.code, self.chain.clause, self.facts, context=self.context)
        composition.require(official, on, permission)

    def _permission(self, due: NextStep, actors: tuple[Actor, ...], composition: Composition) -> Permission:
        """The permission of the next step; for a successor it names the predecessor."""
        after = next((self.succeeded[actor.role] for actor in actors if actor.role in self.succeeded), None)
        return Permission(
            actors,
            _act(due.step, composition, after),
            self.code,
            due.clause,
            self.facts,
            power_of(due.step.step),
            self.context,
            among=due.missing,
        )

    def require_actor(
        self, due: NextStep, official: str | None, on: date, composition: Composition, *, by_decision: bool = False
    ) -> Acting:
        """The capacity in which the official takes the step, or with `by_decision` records the meeting's decision that takes
        it. 403 with the course's code; 409 `not_by_decision`, `decision_needed`."""
        _require_way(due, by_decision=by_decision)
        actors = due.step.recorded_by if by_decision else due.actors
        try:
            return composition.require(official, on, self._permission(due, actors, composition))
        except Problem as refused:
            refused.by_state = True
            raise

    def take(self, attempt: Attempt, composition: Composition) -> StepTaken:
        """The record of the step taken. Refusals as `require_part`, `require_next` and `require_actor`."""
        by_decision, on = attempt.decision_id is not None, shanghai_day(attempt.recorded_at)
        self.require_part(attempt.official, on, composition)
        due = self.require_next(attempt.step, attempt.occurred_at)
        acting = self.require_actor(due, attempt.official, on, composition, by_decision=by_decision)
        return StepTaken(
            attempt.step,
            acting.role,
            attempt.official or "",
            attempt.occurred_at,
            attempt.recorded_at,
            attempt.opinion,
            acting.on_behalf_of,
            acting.clause,
            self.succeeded.get(acting.role),
            attempt.decision_id,
        )


def sets_of(
    chain: Chain, composition: Composition, on: date, context: RoleContext = NO_CONTEXT
) -> dict[Role, tuple[str, ...]]:
    """The holders on the day of the roles of which the chain needs each."""
    roles = {actor.role for step in chain.steps if step.need == "all" for actor in step.by} & SETS
    return {role: composition.holders(role, on, context) for role in roles}


def _fits(taken: StepTaken, step: Step) -> bool:
    """Whether a taken step is this one."""
    by_role = taken.role in {actor.role for actor in step.by}
    return taken.step == step.step and (by_role or taken.decision_id is not None)


def _place_of(taken: StepTaken, places: Sequence[tuple[Actor, str | None]]) -> tuple[Actor, str | None] | None:
    """The place that a taken step fills, if any."""
    own = (each for each in places if each[0].role == taken.role)
    return next((place for place in own if place[1] in (None, taken.holder)), None)


def _out_of_order(due: NextStep, step: StepName) -> Exception:
    roles = [actor.role for actor in due.actors]
    by, by_zh = " / ".join(roles) or "a meeting's decision", in_chinese(*roles) or "会议决定"
    due_zh, extra = due.step.chinese, {}
    if due.missing:
        extra["missing"] = [holder for holders in due.missing.values() for holder in holders]
    return refusal(
        "step_out_of_order",
        due.clause,
        f"{step} isn't the next step: {due.step.step} by {by} is next",
        f"尚不能办理“{in_chinese(step)}”，下一环节为“{due_zh}”（{by_zh}）",
        Text(f"take {due.step.step} first", f"请先完成“{due_zh}”"),
        next_step=due.step.step.value,
        next_by=[role.value for role in roles],
        **extra,
    )


def _require_way(due: NextStep, *, by_decision: bool) -> None:
    step, roles = due.step, [actor.role for actor in due.step.by]
    if by_decision and not step.meeting:
        raise refusal(
            "not_by_decision",
            due.clause,
            f"{step.step} has to be taken by {' or '.join(roles)}, not by a meeting's decision",
            f"“{step.chinese}”由{in_chinese(*roles)}办理，不以会议决定代替",
            Text("omit the decision", "请勿填写会议决定"),
        )
    if not by_decision and not step.by:
        raise refusal(
            "decision_needed",
            due.clause,
            f"{step.step} requires a decision of a meeting of the kind {' or '.join(step.meeting)}",
            f"“{step.chinese}”须经规定的会议研究决定",
            Text("name the decision of the meeting (decision_id)", "请填写会议决定事项"),
            meeting_kinds=list(step.meeting),
        )


def _act(step: Step, composition: Composition, after: Succession | None) -> Text:
    """The step as text; for a successor with the name of the predecessor."""
    if after is None:
        return Text(f"take the step {step.step}", f"办理“{step.chinese}”")
    (gone,) = composition.names([after.official])
    return Text(f"take the step {step.step} after {gone}, who left office,", f"在{gone}离任后办理“{step.chinese}”")
