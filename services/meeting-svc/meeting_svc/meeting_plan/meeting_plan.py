"""The yearly plan (年度计划) of meetings: collected once, reviewed, adopted, and added to only through the door.

Invariants: departments hand in their items only while the plan is collected; every adopted state of it is kept as a
version, with who let an addition be and why; a joint item counts only once the party committee's decision is declared.
Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from meeting_svc.meeting_plan.steps import PlanStepTaken
from zhengling.authority.composition import Acting, Composition, Permission, RoleContext
from zhengling.kernel.errors import Problem, Text, invalid, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.kernel.states import States
from zhengling.rules.chains import actors_of
from zhengling.rules.planning import Planning, YearlyPlan
from zhengling.rules.vocabulary import in_chinese


class PlanState(StrEnum):
    collecting = "collecting"
    in_review = "in_review"
    adopted = "adopted"


STATES = States({PlanState.collecting: "征集中", PlanState.in_review: "已审核待审定", PlanState.adopted: "已审定"})


@dataclass(frozen=True)
class PlanItem:
    """One meeting of the plan. `struck` says why it was taken out; `admitted_by` and `reason` who let an addition be."""

    id: str
    sponsor: str
    title: str
    month: int
    joint: bool
    note: str
    submitted_by: str
    submitted_at: datetime
    struck: str = ""
    admitted_by: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Declaration:
    """That the party committee passed the joint items, as declared by an official."""

    official: str
    occurred_at: datetime
    recorded_at: datetime
    note: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class PlanVersion:
    """The plan as it stood from a moment on, and what made it so."""

    number: int
    items: tuple[PlanItem, ...]
    official: str
    occurred_at: datetime
    why: str


@dataclass
class MeetingPlan:
    """`due` is until when it is collected and reviewed; `overdue_at` when that was found to have passed without."""

    id: str
    government: str
    edition: str
    year: int
    clause: str
    due: date
    due_at: datetime
    state: PlanState = PlanState.collecting
    items: list[PlanItem] = field(default_factory=list)
    steps: list[PlanStepTaken] = field(default_factory=list)
    committee: list[Declaration] = field(default_factory=list)
    versions: list[PlanVersion] = field(default_factory=list)
    reviewed_at: datetime | None = None
    adopted_at: datetime | None = None
    overdue_at: datetime | None = None
    version: int = 1
    modified_at: datetime | None = None

    @property
    def listed(self) -> list[PlanItem]:
        """The items that weren't struck."""
        return [item for item in self.items if not item.struck]


def rules_of(rules: Planning, name: str) -> YearlyPlan:
    """409 `no_yearly_plan` where the government has none."""
    if rules.yearly_plan:
        return rules.yearly_plan
    raise Problem(
        409,
        "no_yearly_plan",
        Text("this government's rules know no yearly plan of meetings", f"{name}的规则未规定年度会议计划"),
        Text("nothing has to be planned", "无需编制"),
    )


def require_state(plan: MeetingPlan, *allowed: PlanState) -> None:
    """409 `illegal_state` unless the plan is in one of these states."""
    STATES.require(plan.state, allowed, Text(f"the plan of {plan.year}", f"{plan.year}年度计划"), plan.clause)


def require_submitter(
    rules: YearlyPlan, composition: Composition, official: str | None, sponsor: str, on: date
) -> Acting:
    """403 `not_the_submitter` unless the official may hand in this organisation's items."""
    return composition.require(
        official,
        on,
        Permission(
            actors_of(rules.submitted_by),
            Text(f"hand in the items of {sponsor}", "报送该单位的会议计划"),
            code="not_the_submitter",
            clause=rules.clause,
            context=RoleContext(sponsor=sponsor),
        ),
    )


def hand_in(plan: MeetingPlan, rules: YearlyPlan, sponsor: str, items: list[PlanItem]) -> None:
    """Put the sponsor's items into the plan in place of what it handed in before. 409 `collection_is_over`: it is
    collected once; later only through the door."""
    if plan.state != PlanState.collecting:
        raise refusal(
            "collection_is_over",
            rules.clause,
            f"the plan of {plan.year} was collected once and is {plan.state}",
            f"{plan.year}年度计划一次性征集已结束（{STATES.chinese[plan.state]}）",
            _waiver(rules),
        )
    _require_joint_allowed(rules, items)
    plan.items = [*(item for item in plan.items if item.sponsor != sponsor), *items]


def _require_joint_allowed(rules: YearlyPlan, items: list[PlanItem]) -> None:
    if rules.joint is None and any(item.joint for item in items):
        raise invalid("no_joint_items", "this government's plan knows no joint meetings", "该计划不含联合召开的会议")


def _waiver(rules: YearlyPlan) -> Text:
    if not rules.additions:
        return Text("have it listed in next year's plan; this is firm", "请列入下一年度计划；该规定无例外")
    roles = " or ".join(rules.additions)
    return Text(
        f"once it is adopted, have {roles} add it with a reason",
        f"审定后，可由{in_chinese(*rules.additions)}说明理由后补列",
    )


def strike(plan: MeetingPlan, struck: dict[str, str]) -> None:
    """Take items out with a reason each. 422 `unknown_item`."""
    if unknown := sorted(set(struck) - {item.id for item in plan.listed}):
        raise invalid("unknown_item", f"no such item: {', '.join(unknown)}", f"没有该计划项目：{'、'.join(unknown)}")
    plan.items = [replace(item, struck=struck[item.id]) if item.id in struck else item for item in plan.items]


def take(plan: MeetingPlan, rules: YearlyPlan, taken: PlanStepTaken) -> None:
    """Add a step: the first one closes the collection, the last one adopts the plan. 409 `plan_empty`."""
    if not plan.listed and not plan.steps:
        raise refusal(
            "plan_empty",
            rules.clause,
            f"nothing was handed in for {plan.year}",
            f"{plan.year}年度计划尚无项目",
            Text("have the departments hand in their items", "请先征集"),
        )
    plan.steps = [*plan.steps, taken]
    if plan.state == PlanState.collecting:
        plan.state, plan.reviewed_at = PlanState.in_review, taken.occurred_at
    if len(plan.steps) == len(rules.ask):
        plan.state, plan.adopted_at = PlanState.adopted, taken.occurred_at
        _keep_version(plan, taken.official, taken.occurred_at, taken.opinion or "审定")


def declare(plan: MeetingPlan, declaration: Declaration) -> None:
    """The party committee passed what is joint, after the government did. 409 `nothing_is_joint`,
    `before_the_adoption`."""
    require_state(plan, PlanState.adopted)
    if not declaration.items:
        raise refusal(
            "nothing_is_joint",
            plan.clause,
            "no joint item waits for the party committee",
            "没有待党委常委会会议审批的联合会议",
            Text("nothing to declare", "无需登记"),
        )
    assert plan.adopted_at
    if declaration.occurred_at < plan.adopted_at:
        raise refusal(
            "before_the_adoption",
            plan.clause,
            f"the government passes it first; that was on {shanghai_day(plan.adopted_at)}",
            f"须先经政府审批通过（{shanghai_day(plan.adopted_at)}）",
            Text("state when the committee met", "请填写党委会议时间"),
        )
    plan.committee = [*plan.committee, declaration]


def waiting(plan: MeetingPlan) -> list[PlanItem]:
    """Joint items that the party committee hasn't passed yet."""
    passed = {item for declaration in plan.committee for item in declaration.items}
    return [item for item in plan.listed if item.joint and item.id not in passed]


def add(plan: MeetingPlan, rules: YearlyPlan, item: PlanItem, occurred_at: datetime) -> None:
    """Add an item to the adopted plan through the door: a new version. The caller has seen to who lets it be."""
    require_state(plan, PlanState.adopted)
    _require_joint_allowed(rules, [item])
    plan.items = [*plan.items, item]
    _keep_version(plan, item.admitted_by or "", occurred_at, item.reason)


def require_waiver(rules: YearlyPlan, composition: Composition, official: str | None, on: date) -> Acting:
    """403 `not_the_admitter`; 409 `plan_is_firm` where the rules name nobody."""
    if not rules.additions:
        raise refusal(
            "plan_is_firm",
            rules.clause,
            "nothing is added to an adopted plan",
            "年度计划审定后不再增列",
            _waiver(rules),
        )
    return composition.require(
        official,
        on,
        Permission(
            actors_of(rules.additions),
            Text("add to the adopted plan", "准予补列入年度计划"),
            code="not_the_admitter",
            clause=rules.clause,
        ),
    )


def _keep_version(plan: MeetingPlan, official: str, occurred_at: datetime, why: str) -> None:
    number = len(plan.versions) + 1
    plan.versions = [*plan.versions, PlanVersion(number, tuple(plan.listed), official, occurred_at, why)]


def allows(plan: MeetingPlan | None, item_id: str | None, sponsor: str, day: date) -> bool:
    """Whether the item stands in the plan of that day's year for this sponsor: adopted, not struck, and if it is joint
    passed by the party committee too. Its month is what was foreseen, not a bound."""
    if plan is None or plan.state != PlanState.adopted or plan.year != day.year:
        return False
    blocked = {item.id for item in waiting(plan)}
    return any(item.id == item_id and item.sponsor == sponsor and item.id not in blocked for item in plan.listed)


def fall_overdue(plan: MeetingPlan, at: datetime) -> bool:
    """The time passed: marked where the plan is still collected; True where that was so."""
    if plan.state != PlanState.collecting or plan.overdue_at or at < plan.due_at:
        return False
    plan.overdue_at = at
    return True


def move_due(plan: MeetingPlan, due: date, due_at: datetime, now: datetime) -> None:
    """Another due date: what isn't over by it isn't overdue any more."""
    plan.due, plan.due_at = due, due_at
    if plan.overdue_at and due_at > now:
        plan.overdue_at = None
