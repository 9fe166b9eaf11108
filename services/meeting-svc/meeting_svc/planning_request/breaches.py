"""Breaches (限制) of the rules by a request to hold something, and who may waive them.

Invariants: breaches are computed at each use; a waiver has a name and a reason and covers only the breach for
which it was given; a firm breach can't be waived. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from meeting_svc.meeting_plan.steps import next_ask
from meeting_svc.planning_request.invitees import invited_by
from meeting_svc.planning_request.planning_request import (
    Action,
    PlanningRequest,
    Waiver,
    require_act,
    require_not_before,
)
from zhengling.authority.composition import Acting, Composition, Permission, RoleContext
from zhengling.dates.deadlines import Due, Unit
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.chains import actors_of
from zhengling.rules.planning import CHINESE, Hindrance, InviteeRule, RequestType, Span
from zhengling.rules.vocabulary import Role, in_chinese

_SPANS_ZH = {Span.month: "当月", Span.quarter: "当季度", Span.half_year: "当半年", Span.year: "当年"}


@dataclass(frozen=True)
class Breach:
    """A breach by the request. Roles in `waivable_by` may waive it; a breach without them is firm."""

    hindrance: Hindrance
    clause: str
    waivable_by: tuple[Role, ...]
    covers: tuple[str, ...]
    detail: Text
    satisfy: Text


@dataclass(frozen=True)
class Context:
    """What the rules evaluate beside the request: the people, the calendar, the other requests, the plan.

    `as_of` is the day that counts for the lead time; `others` has, for each quota in the order of the rules, the number
    of requests in its period; `in_plan` says whether the request's item is in the adopted plan.
    """

    composition: Composition
    calendar: WorkdayCalendar
    as_of: date
    due: Due | None
    others: tuple[int, ...]
    in_plan: bool


# finding breaches -----------------------------------------------------------------------------------------------------
def breaches_of(kind: RequestType, request: PlanningRequest, context: Context) -> list[Breach]:
    """The breaches of the request, including waived ones."""
    found = [
        _late(kind, request, context),
        *(_over(kind, request, i, count) for i, count in enumerate(context.others)),
        _too_many(kind, request),
        _wrong_name(kind, request),
        _unplanned(kind, request, context),
        *(_uninvited(kind, rule, request, context.composition) for rule in kind.invitees if rule.needs == "consent"),
    ]
    return [breach for breach in found if breach]


def days_late(due: Due, on: date, calendar: WorkdayCalendar) -> int:
    """How many days after the due date, in working days where the rule counts those; 0 if in time."""
    if on <= due.date:
        return 0
    if due.terms.unit is not Unit.working_day:
        return (on - due.date).days
    late, day = 0, due.date
    while day < on:
        day = calendar.shift(day, 1)
        late += 1
    return late


def _late(kind: RequestType, request: PlanningRequest, context: Context) -> Breach | None:
    due = context.due
    if kind.lead is None or due is None:
        return None
    late = days_late(due, context.as_of, context.calendar)
    if late == 0:
        return None
    working = due.terms.unit is Unit.working_day
    what, what_zh = ("submitted", "报送请示") if kind.lead.met_by == "request" else ("approved", "批准")
    return Breach(
        Hindrance.late,
        due.clause,
        kind.lead.admit,
        (request.day.isoformat(),),
        Text(
            f"a request for {request.day} has to be {what} by {due.date}; {context.as_of} is {late}"
            f" {'working ' if working else ''}day{'s' * (late > 1)} late",
            f"拟于{request.day}举办的，应于{due.date}前{what_zh}；{context.as_of}已迟{late}{'个工作' if working else ''}日",
        ),
        Text("choose a later day", "请改期"),
    )


def _over(kind: RequestType, request: PlanningRequest, index: int, count: int) -> Breach | None:
    quota = kind.quotas[index]
    if count < quota.at_most:
        return None
    whose, whose_zh = ("the sponsor has", "该部门") if quota.of == "sponsor" else ("there are", "本级政府")
    return Breach(
        Hindrance.quota,
        quota.clause,
        quota.lift,
        (f"{quota.per}:{quota_key(request.day, quota.per)}",),
        Text(
            f"{whose} already {count} of {kind.name} in the {quota.per} of {request.day}, at most {quota.at_most} allowed",
            f"{whose_zh}{_SPANS_ZH[quota.per]}（{request.day}所在）已有{count}次“{kind.name}”，原则上不超过{quota.at_most}次",
        ),
        Text("combine it with another one, or choose another period", "请合并召开或改期"),
    )


def quota_key(day: date, per: Span) -> str:
    """The period of its year that contains the day, e.g. 2026/1."""
    return f"{day.year}/{(day.month - 1) // per.months + 1}"


def _too_many(kind: RequestType, request: PlanningRequest) -> Breach | None:
    size = kind.participants
    if size is None or request.participants is None or request.participants <= size.at_most:
        return None
    return Breach(
        Hindrance.participants,
        size.clause,
        size.lift,
        (str(request.participants),),
        Text(
            f"{request.participants} participants are planned; at most {size.at_most} are allowed",
            f"拟参会{request.participants}人，上限{size.at_most}人",
        ),
        Text(f"reduce them to at most {size.at_most}", f"压缩至{size.at_most}人以内"),
    )


def _wrong_name(kind: RequestType, request: PlanningRequest) -> Breach | None:
    names = kind.in_name_of
    if names is None or request.in_name_of in names.allowed:
        return None
    allowed_zh = "、".join(CHINESE[name] for name in names.allowed)
    return Breach(
        Hindrance.name,
        names.clause,
        names.lift,
        (request.in_name_of,),
        Text(
            f"{kind.name} may not be held in the name of the {request.in_name_of}",
            f"“{kind.name}”不得以{CHINESE[request.in_name_of]}名义召开",
        ),
        Text(f"hold it in the name of the {' or '.join(names.allowed)}", f"请以{allowed_zh}名义召开"),
    )


def _unplanned(kind: RequestType, request: PlanningRequest, context: Context) -> Breach | None:
    if kind.planned is None or context.in_plan:
        return None
    return Breach(
        Hindrance.unplanned,
        kind.planned.clause,
        kind.planned.lift,
        (request.day.isoformat(),),
        Text(
            f"the request names no item of the sponsor in the adopted plan of {request.day.year}",
            f"未列入已审定的{request.day.year}年度计划",
        ),
        Text("name the item (plan_item), or have it added to the plan", "请填写年度计划项目，或先补列入计划"),
    )


def _uninvited(
    kind: RequestType, rule: InviteeRule, request: PlanningRequest, composition: Composition
) -> Breach | None:
    """The invitees who by this rule need a consent."""
    officials, guests = invited_by(rule, request, request.invitees, request.guests, composition)
    if not officials and not guests:
        return None
    names = [*composition.names(officials), *guests]
    groups_zh = "、".join(CHINESE[group] for group in rule.groups)
    return Breach(
        Hindrance.invitees,
        rule.clause,
        rule.lift,
        (*officials, *guests),
        Text(
            f"{', '.join(rule.groups)} aren't invited to {kind.name} without consent: {', '.join(names)}",
            f"“{kind.name}”一般不邀请{groups_zh}：{'、'.join(names)}",
        ),
        Text("remove them from the invitees", "请调整邀请范围"),
    )


def not_waived(request: PlanningRequest, found: Sequence[Breach]) -> list[Breach]:
    """The breaches that aren't waived."""
    return [breach for breach in found if not any(_covers(waiver, breach) for waiver in request.lifts)]


def _covers(waiver: Waiver, breach: Breach) -> bool:
    same = waiver.hindrance == breach.hindrance and waiver.clause == breach.clause
    return same and set(breach.covers) <= set(waiver.covers)


_CODES = {
    Hindrance.late: "request_late", Hindrance.quota: "over_quota", Hindrance.invitees: "invitees_need_consent",
    Hindrance.name: "wrong_name", Hindrance.unplanned: "not_in_the_plan", Hindrance.participants: "too_many_participants",
}  # fmt: skip


def refuse_breaches(request: PlanningRequest, found: Sequence[Breach], *, last_step: bool) -> None:
    """409 for breaches that aren't waived. Before the last step a waivable breach may remain where an exception is
    asked for; a firm one is refused at once. Codes: `request_late`, `over_quota`, `invitees_need_consent`,
    `wrong_name`, `not_in_the_plan`, `too_many_participants`."""
    waits = bool(request.exception) and not last_step
    if (breach := next((b for b in found if not (waits and b.waivable_by)), None)) is None:
        return
    waiver = Text("; this rule can't be waived", "；该规定无例外")
    if breach.waivable_by:
        roles = " or ".join(breach.waivable_by)
        waiver = Text(
            f"; or state a reason in exception, and have {roles} waive the rule",
            f"；或填写例外理由，由{in_chinese(*breach.waivable_by)}批准例外",
        )
    raise refusal(
        _CODES[breach.hindrance],
        breach.clause,
        breach.detail.en,
        breach.detail.zh,
        Text(f"{breach.satisfy.en}{waiver.en}", f"{breach.satisfy.zh}{waiver.zh}"),
        hindrance=breach.hindrance.value,
        lift=[role.value for role in breach.waivable_by],
        covers=list(breach.covers),
    )


def waive(
    request: PlanningRequest,
    found: Sequence[Breach],
    composition: Composition,
    hindrance: Hindrance,
    official: str | None,
    reason: str,
    occurred_at: datetime,
    on: date,
) -> Acting:
    """Waive the request's breaches of this name, with a reason. 409 `nothing_to_lift`, `firm`; 403 `not_the_lifter`."""
    require_act(request, Action.lift)
    require_not_before(request, occurred_at)
    open_ = [breach for breach in not_waived(request, found) if breach.hindrance == hindrance]
    if not open_:
        raise refusal(
            "nothing_to_lift",
            request.clause,
            f"the request has no breach {hindrance}",
            f"不存在“{CHINESE[hindrance]}”方面的限制事项",
            Text("see the request's breaches", "请查看该申请的限制事项"),
        )
    if firm := [breach for breach in open_ if not breach.waivable_by]:
        raise refusal(
            "firm",
            firm[0].clause,
            f"this rule can't be waived: {firm[0].detail.en}",
            f"该规定无例外：{firm[0].detail.zh}",
            firm[0].satisfy,
        )
    acting = None
    for breach in open_:
        acting = composition.require(
            official,
            on,
            Permission(
                actors_of(breach.waivable_by),
                Text(f"waive the rule ({hindrance})", f"准予例外（{CHINESE[hindrance]}）"),
                code="not_the_lifter",
                clause=breach.clause,
                context=RoleContext(sponsor=request.sponsor),
            ),
        )
        lifted = Waiver(
            hindrance,
            breach.clause,
            breach.covers,
            breach.detail.zh,
            official or "",
            reason,
            occurred_at,
            acting.on_behalf_of,
        )
        request.lifts = [*request.lifts, lifted]
    assert acting
    return acting


def require_decliner(
    request: PlanningRequest,
    kind: RequestType,
    found: Sequence[Breach],
    composition: Composition,
    official: str | None,
    on: date,
) -> Acting:
    """403 `not_the_actor` unless the official may refuse or return the request: the actor of the next step (or who may
    record it), or, where no step is open, a role that may waive its breaches."""
    if due := next_ask(kind.ask, request.steps):
        ask, roles = due
        roles = (*roles, *ask.recorded_by) if ask.meeting else roles
    else:
        roles = tuple(role for breach in not_waived(request, found) for role in breach.waivable_by)
    return composition.require(
        official,
        on,
        Permission(
            actors_of(roles),
            Text("answer this request", "答复该申请"),
            code="not_the_actor",
            clause=kind.clause,
            context=RoleContext(sponsor=request.sponsor),
        ),
    )
