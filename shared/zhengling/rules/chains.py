"""The schema of a chain (办理环节) in a rulebook: its steps, who may take each, and under which facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from zhengling.rules.conditions import ALWAYS, Facts, Section, When, matches
from zhengling.rules.vocabulary import CHINESE, Clause, Role, RuleName, glossary, in_chinese, one_or_many


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
_Actors = Annotated[tuple[Actor, ...], BeforeValidator(one_or_many)]
#: Roles that mean each of several people. Of any other role with several holders one speaks for the organisation or post.
SETS = frozenset({Role.deputies, Role.deputies_concerned, Role.party_group})


class StepName(StrEnum):
    propose = "propose"
    report = "report"
    consent = "consent"
    submit = "submit"
    collect = "collect"
    review = "review"
    read = "read"
    endorse = "endorse"
    decide = "decide"
    review_papers = "review_papers"
    approve_papers = "approve_papers"
    arrange = "arrange"
    approve = "approve"
    draft = "draft"
    sign = "sign"


CHINESE |= glossary(
    (StepName.propose, "提出"), (StepName.report, "报告"), (StepName.consent, "同意"), (StepName.submit, "正式报送请示"),
    (StepName.collect, "收集汇总"), (StepName.review, "审核"), (StepName.read, "审阅"), (StepName.endorse, "核批"),
    (StepName.decide, "确定"), (StepName.review_papers, "材料审核"), (StepName.approve_papers, "材料审定"),
    (StepName.arrange, "议程安排"), (StepName.approve, "批准"), (StepName.draft, "起草"), (StepName.sign, "签发"),
)  # fmt: skip


class Step(Section):
    """One step of a chain: the action, who takes it, and under which facts it is required.

    Any one of `by` takes it, or with `need: all` all of them, in any order; there a role of `SETS` means each of its holders
    on the day. Where the place allows it, the decision of a meeting of one of the kinds in `meeting` takes it instead,
    recorded by `recorded_by`. `called` is the article's own term for it (审定), where that isn't the step's usual one.
    """

    step: StepName
    called: Annotated[str | None, Field(pattern=r"^[\u4e00-\u9fff]{2,8}$")] = None
    by: _Actors = ()
    need: Literal["any", "all"] = "any"
    meeting: Annotated[tuple[RuleName, ...], BeforeValidator(one_or_many)] = ()
    recorded_by: _Actors = actors_of([Role.office])
    when: When = ALWAYS
    clause: Clause | None = None

    @property
    def chinese(self) -> str:
        return self.called or in_chinese(self.step)

    @model_validator(mode="after")
    def _somebody_takes_it(self) -> Self:
        if not self.by and not self.meeting:
            raise ValueError("expected by, meeting, or both")
        if not self.meeting and "recorded_by" in self.model_fields_set:
            raise ValueError("recorded_by is only for the decision of a meeting")
        if self.need == "all" and self.meeting:
            raise ValueError("need: all is only for by without meeting: a meeting's decision is one act")
        if self.need == "all" and len(self.by) == 1 and self.by[0].role not in SETS:
            raise ValueError(f"need: all of one role is only for {', '.join(sorted(SETS))}")
        return self


def by_single_roles(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps of a place that doesn't look up who is in a role of several people."""
    if sets := sorted({actor.role for step in steps if step.need == "all" for actor in step.by} & SETS):
        raise ValueError(f"need: all isn't known here for {', '.join(sets)}, which mean each of several people")
    return steps


def not_by_meetings(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps of a place where a meeting's decision takes none."""
    if any(step.meeting for step in steps):
        raise ValueError("a meeting's decision takes no step of this chain: expected by, not meeting")
    return steps


def unconditional(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps of a place that knows no facts."""
    if any(step.when or any(actor.when for actor in (*step.by, *step.recorded_by)) for step in steps):
        raise ValueError("no fact is known here: expected steps without when")
    return steps


class Chain(Section):
    """The steps in order; `clause` is the basis of those that name none."""

    clause: Clause
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_step_once(self) -> Self:
        keys = [(step.step, tuple(actor.role for actor in step.by)) for step in self.steps]
        if len(set(keys)) != len(keys):
            raise ValueError("the same step by the same role occurs twice")
        by_single_roles(not_by_meetings(self.steps))
        return self

    @classmethod
    def of(cls, clause: Clause, steps: tuple[Step, ...]) -> Chain:
        """The chain of steps that their own section has checked; possibly none."""
        return cls.model_construct(clause=clause, steps=steps)

    def asked(self, facts: Facts) -> tuple[Step, ...]:
        """The steps required under these facts, in order."""
        return tuple(step for step in self.steps if matches(step.when, facts))
