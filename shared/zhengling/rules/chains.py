"""The schema of a chain (办理环节) in a rulebook: its steps, who may take each, and under which facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from zhengling.rules.conditions import ALWAYS, Facts, Section, When, matches
from zhengling.rules.vocabulary import CHINESE, Clause, Role, glossary, one_or_many


class Actor(Section):
    """A role that may take a step, optionally only under some facts. A bare string in YAML is the role without `when`."""

    role: Role
    when: When = ALWAYS

    @model_validator(mode="before")
    @classmethod
    def _bare_role(cls, value: object) -> object:
        return {"role": value} if isinstance(value, str) else value


def actors_of(roles: Iterable[Role]) -> tuple[Actor, ...]:
    """These roles as actors, whatever the facts."""
    return tuple(Actor(role=role) for role in roles)


Actors = Annotated[tuple[Actor, ...], Field(min_length=1), BeforeValidator(one_or_many)]


class StepName(StrEnum):
    propose = "propose"
    collect = "collect"
    review = "review"
    endorse = "endorse"
    decide = "decide"
    review_papers = "review_papers"
    approve_papers = "approve_papers"
    arrange = "arrange"
    approve = "approve"
    draft = "draft"
    sign = "sign"


CHINESE |= glossary(
    (StepName.propose, "提出"), (StepName.collect, "收集汇总"), (StepName.review, "审核"), (StepName.endorse, "核批"),
    (StepName.decide, "确定"), (StepName.review_papers, "材料审核"), (StepName.approve_papers, "材料审定"),
    (StepName.arrange, "议程安排"), (StepName.approve, "批准"), (StepName.draft, "起草"), (StepName.sign, "签发"),
)  # fmt: skip


class Step(Section):
    """One step of a chain: the action, who takes it (any one of `by`), and under which facts it is required."""

    step: StepName
    by: Actors
    when: When = ALWAYS
    clause: Clause | None = None


class Chain(Section):
    clause: Clause
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_step_once(self) -> Self:
        keys = [(step.step, tuple(actor.role for actor in step.by)) for step in self.steps]
        if len(set(keys)) != len(keys):
            raise ValueError("the same step by the same role occurs twice")
        return self

    def asked(self, facts: Facts) -> tuple[Step, ...]:
        """The steps required under these facts, in order."""
        return tuple(step for step in self.steps if matches(step.when, facts))
