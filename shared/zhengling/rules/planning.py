"""Requests for approval of meetings and major activities, as data: `planning.yaml` of an edition.

Types of requests with their chain, lead time, quota and permitted invitees; the yearly plan of meetings. The roles in a
rule's `lift` (or `admit`) may waive a breach with a reason, which is stored; without them it can't be waived. Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from zhengling.dates.deadlines import Anchor
from zhengling.rules.chains import Chain, Step, StepName, by_single_roles, unconditional
from zhengling.rules.places import PLAN, REQUEST, Counted
from zhengling.rules.vocabulary import Clause, Role, Roles, RuleName, one_or_many


class NameOf(StrEnum):
    """In whose name a meeting or activity is held."""

    department = "department"
    office = "office"
    government = "government"


class Group(StrEnum):
    """A group in rules of invitation. `outside_portfolio`: principals of organisations outside the portfolio of the deputy
    who leads the event (or is in charge of the sponsor). `regional_heads`: heads of the regions below a city."""

    leaders = "leaders"
    town_and_street_principals = "town_and_street_principals"
    regional_heads = "regional_heads"
    outside_portfolio = "outside_portfolio"


class Hindrance(StrEnum):
    """The kind of a rule that a request may breach; it can be waived if the rulebook names who may do so."""

    late = "late"
    quota = "quota"
    invitees = "invitees"
    name = "name"
    unplanned = "unplanned"
    participants = "participants"


class Span(StrEnum):
    """The calendar period of a quota."""

    month = "month"
    quarter = "quarter"
    half_year = "half_year"
    year = "year"

    @property
    def months(self) -> int:
        return {Span.month: 1, Span.quarter: 3, Span.half_year: 6, Span.year: 12}[self]


PLANNING_STEPS = (
    StepName.consent, StepName.submit, StepName.review, StepName.read, StepName.endorse, StepName.approve, StepName.decide,
)  # fmt: skip
#: The Chinese terms; separate from other sections, where the same word may mean something else.
CHINESE: dict[str, str] = {
    NameOf.department: "部门", NameOf.office: "政府办公室", NameOf.government: "政府",
    Group.leaders: "政府领导", Group.town_and_street_principals: "镇街主要负责人",
    Group.regional_heads: "地区负责人", Group.outside_portfolio: "分管以外部门主要负责人",
    Hindrance.late: "提前量", Hindrance.quota: "数量控制", Hindrance.invitees: "邀请范围", Hindrance.name: "会议名义",
    Hindrance.unplanned: "年度计划", Hindrance.participants: "规模控制",
    Span.month: "每月", Span.quarter: "每季度", Span.half_year: "每半年", Span.year: "每年",
}  # fmt: skip


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _of_planning(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if unknown := [step.step for step in steps if step.step not in PLANNING_STEPS]:
        raise ValueError(f"no step of planning: {', '.join(unknown)}; known: {', '.join(PLANNING_STEPS)}")
    return by_single_roles(unconditional(steps))


#: The steps of a request or plan. `submit` is the formal request if a consent precedes it.
Asks = Annotated[tuple[Step, ...], BeforeValidator(one_or_many), AfterValidator(_of_planning)]


class Lead(Section):
    """The lead time: a deadline rule counted back from the planned day, met by the formal request or by the approval (if the
    time is for preparing the approved event); `admit` may accept less."""

    rule: Annotated[RuleName, Counted(("before",), (Anchor.meeting_day,))]
    met_by: Literal["request", "approval"] = "request"
    admit: Roles = ()


class Quota(Section):
    """The maximum number of this type in a calendar period, per sponsor or for the whole government."""

    clause: Clause
    at_most: Annotated[int, Field(ge=1)]
    per: Span = Span.year
    of: Literal["sponsor", "government"] = "sponsor"
    lift: Roles = ()


class Size(Section):
    clause: Clause
    at_most: Annotated[int, Field(ge=1)]
    lift: Roles = ()


class Names(Section):
    """In whose names it may be held."""

    clause: Clause
    allowed: Annotated[tuple[NameOf, ...], Field(min_length=1), BeforeValidator(one_or_many)]
    lift: Roles = ()


class InviteeRule(Section):
    """Groups whose invitation needs the approval of the request (`needs: approval`) or a waiver (`needs: consent`).
    `except_own`: not for leaders who head the sponsor themselves."""

    clause: Clause
    groups: Annotated[tuple[Group, ...], Field(min_length=1), BeforeValidator(one_or_many)]
    needs: Literal["approval", "consent"] = "consent"
    lift: Roles = ()
    except_own: bool = False

    @model_validator(mode="after")
    def _firm_where_approval_is_needed(self) -> Self:
        if self.needs == "approval" and self.lift:
            raise ValueError("lift is only for needs: consent")
        if self.except_own and Group.leaders not in self.groups:
            raise ValueError("except_own is only for the group leaders")
        return self


class Planned(Section):
    """It must be in the adopted yearly plan."""

    clause: Clause
    lift: Roles = ()


class RequestType(Section):
    """One type of request. Without `ask` it needs no approval: it is recorded if it breaches no rule."""

    name: str
    clause: Clause
    asked_by: Annotated[Roles, Field(min_length=1)] = (Role.sponsor,)
    written: bool = False
    reply: bool = False
    ask: Asks = ()
    lead: Lead | None = None
    quotas: Annotated[tuple[Quota, ...], BeforeValidator(one_or_many)] = ()
    participants: Size | None = None
    in_name_of: Names | None = None
    invitees: Annotated[tuple[InviteeRule, ...], BeforeValidator(one_or_many)] = ()
    planned: Planned | None = None

    @model_validator(mode="after")
    def _submitted_once(self) -> Self:
        submissions = [i for i, ask in enumerate(self.ask) if ask.step == StepName.submit]
        if len(submissions) > 1:
            raise ValueError("the formal request (submit) occurs twice in the chain")
        return self

    @property
    def chain(self) -> Chain:
        return Chain.of(self.clause, self.ask)

    @property
    def submits(self) -> bool:
        """Whether the formal request is a separate step after a consent."""
        return any(ask.step == StepName.submit for ask in self.ask)


class Joint(Section):
    """Requests that the party committee must also pass; one of these roles declares that it did."""

    clause: Clause
    declared_by: Annotated[Roles, Field(min_length=1)]


class YearlyPlan(Section):
    """The yearly plan of meetings of one type: collected once by a fixed day and taken through the steps; after its adoption
    an addition needs a waiver by `additions`. The first step closes the collection."""

    name: str
    clause: Clause
    of: RuleName
    deadline: Annotated[RuleName, Counted(("by",), (Anchor.meeting_day,))]
    submitted_by: Annotated[Roles, Field(min_length=1), REQUEST] = (Role.sponsor,)
    ask: Annotated[Asks, Field(min_length=1)]
    joint: Joint | None = None
    additions: Roles = ()

    @model_validator(mode="after")
    def _reviewed_before_adopted(self) -> Self:
        if len(self.ask) < 2:
            raise ValueError("expected at least two steps: review of the collected items, and adoption")
        if any(ask.need == "all" or ask.step == StepName.submit for ask in self.ask):
            raise ValueError("a plan's step is taken by one official and is never submit")
        return self

    @property
    def chain(self) -> Chain:
        return Chain.of(self.clause, self.ask)


class Planning(Section):
    requests: Annotated[dict[RuleName, RequestType], Field(min_length=1), REQUEST]
    yearly_plan: Annotated[YearlyPlan | None, PLAN] = None

    @model_validator(mode="after")
    def _what_is_planned_has_a_plan(self) -> Self:
        plan = self.yearly_plan
        if plan and plan.of not in self.requests:
            raise ValueError(f"yearly_plan.of: no type of request {plan.of!r}; known: {', '.join(self.requests)}")
        for name, kind in self.requests.items():
            if kind.planned and (plan is None or plan.of != name):
                raise ValueError(f"{name} must be planned, but the yearly plan is of another type")
        return self
