"""Breaches (限制) of the rules by a request to hold something, and who may waive them.

Invariants: breaches are computed at each use; a waiver has a name and a reason and covers only the breach for
which it was given; a firm breach can't be waived. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from meeting_svc.planning_request.invitees import invited_by
from meeting_svc.planning_request.planning_request import (
    Action,
    PlanningRequest,
    course_of,
    require_act,
    require_not_before,
)
from zhengling.authority import waivers
from zhengling.authority.composition import Acting, Composition, Permission, RoleContext
from zhengling.authority.waivers import Breach, Waiving, not_waived
from zhengling.dates.deadlines import Due, Unit
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Text
from zhengling.rules.chains import actors_of
from zhengling.rules.planning import CHINESE, Hindrance, InviteeRule, RequestType, Span
from zhengling.rules.vocabulary import Role

_SPANS_ZH = {Span.month: "当月", Span.quarter: "当季度", Span.half_year: "当半年", Span.year: "当年"}


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
    return _breach(
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
    return _breach(
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
    return _breach(
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
    return _breach(
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
    return _breach(
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
    return _breach(
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


_CODES = {
    Hindrance.late: "request_late", Hindrance.quota: "over_quota", Hindrance.invitees: "invitees_need_consent",
    Hindrance.name: "wrong_name", Hindrance.unplanned: "not_in_the_plan", Hindrance.participants: "too_many_participants",
}  # fmt: skip


def _breach(
    rule: Hindrance, clause: str, waivable_by: tuple[Role, ...], covers: tuple[str, ...], detail: Text, satisfy: Text
) -> Breach:
    return Breach(
        rule=rule,
        code=_CODES[rule],
        clause=clause,
        waivable_by=waivable_by,
        covers=covers,
        detail=detail,
        satisfy=satisfy,
        extra={"hindrance": rule, "covers": list(covers)},
    )


def waive(request: PlanningRequest, found: Sequence[Breach], composition: Composition, waiving: Waiving) -> Acting:
    """Waive the request's breaches of this name, with a reason. 409 `nothing_to_lift`, `firm`; 403 `not_the_lifter`."""
    require_act(request, Action.lift)
    require_not_before(request, waiving.occurred_at)
    given, acting = waivers.waive(
        not_waived(found, request.lifts),
        waiving,
        composition,
        name=CHINESE[waiving.rule],
        clause=request.clause,
        context=RoleContext(sponsor=request.sponsor),
    )
    request.lifts = [*request.lifts, *given]
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
    if due := course_of(request, kind).next():
        actors = (*due.actors, *(due.step.recorded_by if due.step.meeting else ()))
    else:
        actors = actors_of(role for breach in not_waived(found, request.lifts) for role in breach.waivable_by)
    return composition.require(
        official,
        on,
        Permission(
            actors,
            Text("answer this request", "答复该申请"),
            code="not_the_actor",
            clause=kind.clause,
            context=RoleContext(sponsor=request.sponsor),
        ),
    )
