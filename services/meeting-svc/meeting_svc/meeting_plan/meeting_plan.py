"""The yearly plan (年度计划) of meetings: collected once, reviewed, adopted; later additions need an approval.

Invariants: departments submit items only while the plan is collected; every adopted state is kept as a version, with
who approved an addition and why; a joint item counts only once the party committee's decision is declared. Pure: no
I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from zhengling.authority.chain import Course, StepTaken
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
    """One meeting of the plan. `struck` is the reason for removal; `admitted_by` and `reason` are those of a later
    addition."""

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
    """An official's declaration that the party committee passed the joint items."""

    official: str
    occurred_at: datetime
    recorded_at: datetime
    note: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class PlanVersion:
    """The plan from a moment on, with the cause of the change."""

    number: int
    items: tuple[PlanItem, ...]
    official: str
    occurred_at: datetime
    why: str


@dataclass
class MeetingPlan:
    """`due` is the last day for collection and review; `overdue_at` when that day was found to have passed without
    review."""

    id: str
    government: str
    edition: str
    year: int
    clause: str
    due: date
    due_at: datetime
    state: PlanState = PlanState.collecting
    items: list[PlanItem] = field(default_factory=list)
    steps: list[StepTaken] = field(default_factory=list)
    committee: list[Declaration] = field(default_factory=list)
    versions: list[PlanVersion] = field(default_factory=list)
    reviewed_at: datetime | None = None
    adopted_at: datetime | None = None
    overdue_at: datetime | None = None
    version: int = 1
    modified_at: datetime | None = None

    @property
    def listed(self) -> list[PlanItem]:
        """The items that aren't struck."""
        return [item for item in self.items if not item.struck]


def rules_of(rules: Planning, name: str) -> YearlyPlan:
    """The rules of the yearly plan. 409 `no_yearly_plan` where the government has none."""
    if rules.yearly_plan:
        return rules.yearly_plan
    raise Problem(
        409,
        "no_yearly_plan",
        Text("this government's rules provide no yearly plan of meetings", f"{name}的规则未规定年度会议计划"),
        Text("no plan is necessary", "无需编制"),
    )


def require_state(plan: MeetingPlan, *allowed: PlanState) -> None:
    """409 `illegal_state` unless the plan is in one of these states."""
    STATES.require(plan.state, allowed, Text(f"the plan of {plan.year}", f"{plan.year}年度计划"), plan.clause)


def require_submitter(
    rules: YearlyPlan, composition: Composition, official: str | None, sponsor: str, on: date
) -> Acting:
    """403 `not_the_submitter` unless the official may submit this organisation's items."""
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
    """Submit the sponsor's items, replacing its earlier ones. 409 `collection_is_over`: the plan is collected once;
    later additions need an approval."""
    if plan.state != PlanState.collecting:
        raise refusal(
            "collection_is_over",
            rules.clause,
            f"the collection for the plan of {plan.year} is over; the plan is in state {plan.state}",
            f"{plan.year}年度计划一次性征集已结束（{STATES.chinese[plan.state]}）",
            _waiver(rules),
        )
    _require_joint_allowed(rules, items)
    plan.items = [*(item for item in plan.items if item.sponsor != sponsor), *items]


def _require_joint_allowed(rules: YearlyPlan, items: list[PlanItem]) -> None:
    if rules.joint is None and any(item.joint for item in items):
        raise invalid("no_joint_items", "this government's plan has no joint meetings", "该计划不含联合召开的会议")


def _waiver(rules: YearlyPlan) -> Text:
    if not rules.additions:
        return Text("have it listed in next year's plan; this rule can't be waived", "请列入下一年度计划；该规定无例外")
    roles = " or ".join(rules.additions)
    return Text(
        f"once it is adopted, have {roles} add it with a reason",
        f"审定后，可由{in_chinese(*rules.additions)}说明理由后补列",
    )


def course_of(plan: MeetingPlan, rules: YearlyPlan) -> Course:
    """The plan's chain as far as it is taken."""
    return Course(rules.chain, plan.steps)


def strike(plan: MeetingPlan, struck: dict[str, str]) -> None:
    """Strike items, with a reason each. 422 `unknown_item`."""
    if unknown := sorted(set(struck) - {item.id for item in plan.listed}):
        raise invalid("unknown_item", f"no such item: {', '.join(unknown)}", f"没有该计划项目：{'、'.join(unknown)}")
    plan.items = [replace(item, struck=struck[item.id]) if item.id in struck else item for item in plan.items]


def take(plan: MeetingPlan, rules: YearlyPlan, taken: StepTaken) -> None:
    """Add a taken step: the first one closes the collection, the last one adopts the plan. 409 `plan_empty`."""
    if not plan.listed and not plan.steps:
        raise refusal(
            "plan_empty",
            rules.clause,
            f"the plan of {plan.year} has no items",
            f"{plan.year}年度计划尚无项目",
            Text("have the departments submit their items", "请先征集"),
        )
    plan.steps = [*plan.steps, taken]
    if plan.state == PlanState.collecting:
        plan.state, plan.reviewed_at = PlanState.in_review, taken.occurred_at
    if course_of(plan, rules).next() is None:
        plan.state, plan.adopted_at = PlanState.adopted, taken.occurred_at
        _keep_version(plan, taken.official, taken.occurred_at, taken.opinion or "审定")


def declare(plan: MeetingPlan, declaration: Declaration) -> None:
    """Record that the party committee passed the joint items, after the government. 409 `nothing_is_joint`,
    `before_the_adoption`."""
    require_state(plan, PlanState.adopted)
    if not declaration.items:
        raise refusal(
            "nothing_is_joint",
            plan.clause,
            "no joint item is pending before the party committee",
            "没有待党委常委会会议审批的联合会议",
            Text("no declaration is necessary", "无需登记"),
        )
    assert plan.adopted_at
    if declaration.occurred_at < plan.adopted_at:
        raise refusal(
            "before_the_adoption",
            plan.clause,
            f"the committee can't pass it before the government did, on {shanghai_day(plan.adopted_at)}",
            f"须先经政府审批通过（{shanghai_day(plan.adopted_at)}）",
            Text("state the day of the committee's session", "请填写党委会议时间"),
        )
    plan.committee = [*plan.committee, declaration]


def waiting(plan: MeetingPlan) -> list[PlanItem]:
    """Joint items that the party committee hasn't passed yet."""
    passed = {item for declaration in plan.committee for item in declaration.items}
    return [item for item in plan.listed if item.joint and item.id not in passed]


def add(plan: MeetingPlan, rules: YearlyPlan, item: PlanItem, occurred_at: datetime) -> None:
    """Add an item to the adopted plan as a new version. The caller has checked the approval of the addition."""
    require_state(plan, PlanState.adopted)
    _require_joint_allowed(rules, [item])
    plan.items = [*plan.items, item]
    _keep_version(plan, item.admitted_by or "", occurred_at, item.reason)


def require_waiver(rules: YearlyPlan, composition: Composition, official: str | None, on: date) -> Acting:
    """The approval of an addition. 403 `not_the_admitter`; 409 `plan_is_firm` where the rules name nobody."""
    if not rules.additions:
        raise refusal(
            "plan_is_firm",
            rules.clause,
            "an adopted plan can't be extended",
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
    """Whether the adopted plan of that day's year contains the item for this sponsor: not struck and, if joint, passed
    by the party committee. The item's month is a forecast and isn't checked."""
    if plan is None or plan.state != PlanState.adopted or plan.year != day.year:
        return False
    blocked = {item.id for item in waiting(plan)}
    return any(item.id == item_id and item.sponsor == sponsor and item.id not in blocked for item in plan.listed)


def fall_overdue(plan: MeetingPlan, at: datetime) -> bool:
    """Mark a plan still being collected as overdue; True if it was marked now."""
    if plan.state != PlanState.collecting or plan.overdue_at or at < plan.due_at:
        return False
    plan.overdue_at = at
    return True


def move_due(plan: MeetingPlan, due: date, due_at: datetime, now: datetime) -> None:
    """Move the due date; an overdue mark is removed if the new date isn't over."""
    plan.due, plan.due_at = due, due_at
    if plan.overdue_at and due_at > now:
        plan.overdue_at = None
