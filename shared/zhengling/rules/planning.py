"""What has to be asked for before a meeting or major activity is held, as data: `planning.yaml` of an edition.

Types of requests with their chain, lead time, quota and who may be invited; the yearly plan of meetings. A rule with
`lift` (or `admit`) has a door: the roles named there let a breach be, with a reason that is kept; without, it is firm.
Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from zhengling.rules.vocabulary import Clause, Role, Roles, RuleName, one_or_many


class PlanStep(StrEnum):
    consent = "consent"
    submit = "submit"
    review = "review"
    read = "read"
    endorse = "endorse"
    approve = "approve"
    decide = "decide"


class NameOf(StrEnum):
    """In whose name something is held."""

    department = "department"
    office = "office"
    government = "government"


class Group(StrEnum):
    """Whom rules of invitation speak of. `outside_portfolio`: principals of organisations that the deputy who leads it
    (or is in charge of the sponsor) isn't in charge of. `regional_heads`: heads of the regions below a city."""

    leaders = "leaders"
    town_and_street_principals = "town_and_street_principals"
    regional_heads = "regional_heads"
    outside_portfolio = "outside_portfolio"


class Hindrance(StrEnum):
    """What may stand against a request; each has a door, if the rulebook names who opens it."""

    late = "late"
    quota = "quota"
    invitees = "invitees"
    name = "name"
    unplanned = "unplanned"
    participants = "participants"


class Span(StrEnum):
    """A calendar period that a quota counts in."""

    month = "month"
    quarter = "quarter"
    half_year = "half_year"
    year = "year"

    @property
    def months(self) -> int:
        return {Span.month: 1, Span.quarter: 3, Span.half_year: 6, Span.year: 12}[self]


#: These words as clerks read them; kept apart from those of other sections, where the same word may mean another thing.
CHINESE: dict[str, str] = {
    PlanStep.consent: "同意", PlanStep.submit: "正式报送请示", PlanStep.review: "审核", PlanStep.read: "审阅",
    PlanStep.endorse: "核批", PlanStep.approve: "批准", PlanStep.decide: "确定",
    NameOf.department: "部门", NameOf.office: "政府办公室", NameOf.government: "政府",
    Group.leaders: "政府领导", Group.town_and_street_principals: "镇街主要负责人",
    Group.regional_heads: "地区负责人", Group.outside_portfolio: "分管以外部门主要负责人",
    Hindrance.late: "提前量", Hindrance.quota: "数量控制", Hindrance.invitees: "邀请范围", Hindrance.name: "会议名义",
    Hindrance.unplanned: "年度计划", Hindrance.participants: "规模控制",
    Span.month: "每月", Span.quarter: "每季度", Span.half_year: "每半年", Span.year: "每年",
}  # fmt: skip


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ask(Section):
    """One step of a request's chain: taken by any one of `by` (or by all of them, in any order), or by the decision of a
    meeting of one of the kinds in `meeting`, which `recorded_by` records. Both: either way will do. `submit` is the
    formal request where somebody's consent comes before it."""

    step: PlanStep
    by: Roles = ()
    need: Literal["any", "all"] = "any"
    meeting: Annotated[tuple[RuleName, ...], BeforeValidator(one_or_many)] = ()
    recorded_by: Roles = (Role.office,)
    clause: Clause | None = None

    @model_validator(mode="after")
    def _somebody_takes_it(self) -> Self:
        if not self.by and not self.meeting:
            raise ValueError("expected by, meeting, or both")
        if self.need == "all" and self.meeting:
            raise ValueError("need all goes with by alone: a meeting's decision is one act")
        return self


Asks = Annotated[tuple[Ask, ...], BeforeValidator(one_or_many)]


class Lead(Section):
    """How long ahead: a deadline rule counted back from the planned day, met by the formal request or by the approval
    (where the time is meant for preparing what was approved); and who admits less."""

    rule: RuleName
    met_by: Literal["request", "approval"] = "request"
    admit: Roles = ()


class Quota(Section):
    """No more than so many of this type in a calendar period, for each sponsor or for the whole government."""

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
    """In whose name it may be held."""

    clause: Clause
    allowed: Annotated[tuple[NameOf, ...], Field(min_length=1), BeforeValidator(one_or_many)]
    lift: Roles = ()


class InviteeRule(Section):
    """Who isn't simply invited: only once the request as a whole is approved (`needs: approval`), or only where somebody
    lets it be (`needs: consent`). `except_own`: leaders who head the sponsor themselves are free to come."""

    clause: Clause
    groups: Annotated[tuple[Group, ...], Field(min_length=1), BeforeValidator(one_or_many)]
    needs: Literal["approval", "consent"] = "consent"
    lift: Roles = ()
    except_own: bool = False

    @model_validator(mode="after")
    def _firm_where_approval_is_needed(self) -> Self:
        if self.needs == "approval" and self.lift:
            raise ValueError("lift goes with needs: consent")
        return self


class Planned(Section):
    """It has to stand in the adopted yearly plan."""

    clause: Clause
    lift: Roles = ()


class RequestType(Section):
    """One type of request. Without `ask` nobody is asked: it is on record once nothing stands against it."""

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
        submissions = [i for i, ask in enumerate(self.ask) if ask.step == PlanStep.submit]
        if len(submissions) > 1:
            raise ValueError("the formal request (submit) stands twice in the chain")
        return self

    @property
    def submits(self) -> bool:
        """Whether the formal request is a step of its own, after somebody's consent."""
        return any(ask.step == PlanStep.submit for ask in self.ask)


class Joint(Section):
    """What the party committee has to pass as well; that it did is declared by one of these."""

    clause: Clause
    declared_by: Annotated[Roles, Field(min_length=1)]


class YearlyPlan(Section):
    """The plan of a year's meetings of one type: collected once by a day, taken through the steps, and after its adoption
    added to only through the door. The first step closes the collection."""

    name: str
    clause: Clause
    of: RuleName
    deadline: RuleName
    submitted_by: Annotated[Roles, Field(min_length=1)] = (Role.sponsor,)
    ask: Annotated[Asks, Field(min_length=1)]
    joint: Joint | None = None
    additions: Roles = ()

    @model_validator(mode="after")
    def _reviewed_before_adopted(self) -> Self:
        if len(self.ask) < 2:
            raise ValueError("expected at least two steps: who reviews what was collected, and who adopts it")
        if any(ask.need == "all" or ask.step == PlanStep.submit for ask in self.ask):
            raise ValueError("a plan's steps are taken by one, and none is submit")
        return self


class Planning(Section):
    requests: Annotated[dict[RuleName, RequestType], Field(min_length=1)]
    yearly_plan: YearlyPlan | None = None

    @model_validator(mode="after")
    def _what_is_planned_has_a_plan(self) -> Self:
        plan = self.yearly_plan
        if plan and plan.of not in self.requests:
            raise ValueError(f"yearly_plan.of: no type of request {plan.of!r}; known: {', '.join(self.requests)}")
        for name, kind in self.requests.items():
            if kind.planned and (plan is None or plan.of != name):
                raise ValueError(f"{name} has to be planned, but the yearly plan isn't of it")
        return self
