"""A request (请示) to hold a meeting or major activity, from asking to holding, and the chain that it takes.

Invariants: a request is approved only once every step of its chain was taken and nothing stands against it that its
rules don't let be; what is let be has a name and a reason, and covers no more than what stood there then; nothing is
answered, announced or held before the approval, nor approved once the planned day is over. A request that was returned
takes its whole chain again. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from zhengling.authority import Acting, Composition, OrganisationKind, PostRole
from zhengling.deadlines import Due, Unit, shanghai_day
from zhengling.errors import Problem, Text, invalid, refusal
from zhengling.planning_rules import (
    CHINESE,
    Ask,
    Group,
    Hindrance,
    InviteeRule,
    NameOf,
    Planning,
    PlanStep,
    RequestType,
)
from zhengling.planning_rules import Span as QuotaSpan
from zhengling.rulebook import Actor, Role, in_chinese
from zhengling.workdays import WorkdayCalendar


class RequestState(StrEnum):
    requested = "requested"
    returned = "returned"
    approved = "approved"
    refused = "refused"
    withdrawn = "withdrawn"
    held = "held"


class Act(StrEnum):
    """What can be done with a request, as transitions and refusals name it."""

    take_step = "take_step"
    refuse = "refuse"
    send_back = "send_back"
    resubmit = "resubmit"
    lift = "lift"
    withdraw = "withdraw"
    accept = "accept"
    invite = "invite"
    hold = "hold"


_STATES_ZH = {
    RequestState.requested: "办理中", RequestState.returned: "已退回", RequestState.approved: "已批准",
    RequestState.refused: "未批准", RequestState.withdrawn: "已撤回", RequestState.held: "已举办",
}  # fmt: skip
_SPANS_ZH = {
    QuotaSpan.month: "当月", QuotaSpan.quarter: "当季度", QuotaSpan.half_year: "当半年", QuotaSpan.year: "当年",
}  # fmt: skip
#: In which states an act is possible.
TRANSITIONS: dict[Act, tuple[RequestState, ...]] = {
    Act.take_step: (RequestState.requested,),
    Act.refuse: (RequestState.requested,),
    Act.send_back: (RequestState.requested,),
    Act.resubmit: (RequestState.returned,),
    Act.lift: (RequestState.requested,),
    Act.withdraw: (RequestState.requested, RequestState.returned, RequestState.approved),
    Act.accept: (RequestState.approved, RequestState.held),
    Act.invite: (RequestState.approved,),
    Act.hold: (RequestState.approved,),
}
#: Those that count to a quota.
COUNTED = (RequestState.approved, RequestState.held)


@dataclass(frozen=True)
class Guest:
    """Somebody invited who holds no post of this government, by what the rules call them."""

    name: str
    group: Group | None = None


@dataclass(frozen=True)
class Taken:
    """A step that was taken: by an official in a role, or by a meeting's decision as somebody recorded it."""

    step: PlanStep
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str = ""
    on_behalf_of: str | None = None
    under: str | None = None
    decision_id: str | None = None


@dataclass(frozen=True)
class Lift:
    """Something that stood against a request and that somebody let be. It covers what stood there then, no more."""

    hindrance: Hindrance
    clause: str
    covers: tuple[str, ...]
    detail: str
    official: str
    reason: str
    occurred_at: datetime
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Return:
    """A request sent back, with the steps that it had taken."""

    reason: str
    official: str
    occurred_at: datetime
    steps: tuple[Taken, ...]


@dataclass(frozen=True)
class Reply:
    """Who asked for it was told that it is taken on (hosting)."""

    official: str
    occurred_at: datetime
    note: str


@dataclass(frozen=True)
class Invitation:
    """Invitations that went out."""

    officials: tuple[str, ...]
    guests: tuple[str, ...]
    official: str
    occurred_at: datetime


@dataclass
class PlanningRequest:
    """`late_by` counts days, or working days where the lead time does, from `due` to the formal request."""

    id: str
    government: str
    edition: str
    type: str
    clause: str
    title: str
    sponsor: str
    led_by: str | None
    in_name_of: NameOf
    day: date
    participants: int | None
    invitees: list[str]
    guests: list[Guest]
    plan_item: str | None
    document: str
    reason: str
    exception: str
    requested_by: str
    requested_at: datetime
    recorded_at: datetime
    submitted_at: datetime | None = None
    due: date | None = None
    late_by: int = 0
    state: RequestState = RequestState.requested
    steps: list[Taken] = field(default_factory=list)
    lifts: list[Lift] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    reply: Reply | None = None
    invitations: list[Invitation] = field(default_factory=list)
    approved_at: datetime | None = None
    held_at: datetime | None = None
    meeting_id: str | None = None
    closed_reason: str = ""
    version: int = 1
    modified_at: datetime | None = None


@dataclass(frozen=True)
class Breach:
    """What stands against a request, until one of `lift` lets it be; firm where there is nobody."""

    hindrance: Hindrance
    clause: str
    lift: tuple[Role, ...]
    covers: tuple[str, ...]
    detail: Text
    satisfy: Text


@dataclass(frozen=True)
class Surroundings:
    """What the rules look at beside the request itself: the people, the calendar, the other requests, the plan.

    `as_of` is the day that counts for the lead time; `others` how many of each quota's period count already, in the
    order of the rules; `in_plan` whether its item stands in the adopted plan.
    """

    composition: Composition
    calendar: WorkdayCalendar
    as_of: date
    due: Due | None
    others: tuple[int, ...]
    in_plan: bool


# the rules ----------------------------------------------------------------------------------------------------------
def rules_of(rules: Planning | None, government: str, name: str) -> Planning:
    """409 `no_planning_rules` where the government doesn't regulate what has to be asked for."""
    if rules:
        return rules
    raise Problem(
        409,
        "no_planning_rules",
        Text(f"{government} has no planning.yaml", f"{name}没有办会申请规则"),
        Text("nothing has to be asked for; or add the section planning to its rulebook", "无需申请；或在规则库中补充"),
    )


def type_of(rules: Planning, name: str) -> RequestType:
    """422 `unknown_request_type`."""
    if kind := rules.requests.get(name):
        return kind
    raise invalid(
        "unknown_request_type",
        f"no type of request {name!r}; known: {', '.join(rules.requests)}",
        f"没有申请类型“{name}”；可用：{'、'.join(f'{key}（{kind.name}）' for key, kind in rules.requests.items())}",
    )


def require_may_ask(
    kind: RequestType, composition: Composition, official: str | None, sponsor: str, on: date
) -> Acting:
    """403 `not_the_asker` unless the official may ask for this: somebody of the sponsor, or the leader meant."""
    return composition.require(
        official,
        tuple(Actor(role=role) for role in kind.asked_by),
        on,
        {},
        Text(f"ask for {kind.name}", f"提出“{kind.name}”申请"),
        code="not_the_asker",
        clause=kind.clause,
        sponsor=sponsor,
    )


def require_document(kind: RequestType, request: PlanningRequest) -> None:
    """409 `not_in_writing` where the formal request is a document and none is named."""
    if kind.written and not request.document.strip():
        raise refusal(
            "not_in_writing",
            kind.clause,
            "it is asked for in writing, and no document is named",
            "须以文件形式正式请示，未填写文号",
            Text("name the document (its number) that asks for it", "请填写请示文号"),
        )


# what stands against it ---------------------------------------------------------------------------------------------
def breaches_of(kind: RequestType, request: PlanningRequest, around: Surroundings) -> list[Breach]:
    """What stands against the request as it is, whether it was let be or not."""
    found = [
        _late(kind, request, around),
        *(_over(kind, request, i, count) for i, count in enumerate(around.others)),
        _too_many(kind, request),
        _wrong_name(kind, request),
        _unplanned(kind, request, around),
        *(_uninvited(kind, rule, request, around.composition) for rule in kind.invitees if rule.needs == "consent"),
    ]
    return [breach for breach in found if breach]


def days_late(due: Due, on: date, calendar: WorkdayCalendar) -> int:
    """How many days after the due date, in working days where the rule counts those; 0 where it is in time."""
    if on <= due.date:
        return 0
    if due.terms.unit is not Unit.working_day:
        return (on - due.date).days
    late, day = 0, due.date
    while day < on:
        day = calendar.shift(day, 1)
        late += 1
    return late


def _late(kind: RequestType, request: PlanningRequest, around: Surroundings) -> Breach | None:
    due = around.due
    if kind.lead is None or due is None:
        return None
    late = days_late(due, around.as_of, around.calendar)
    if late == 0:
        return None
    working = due.terms.unit is Unit.working_day
    what, what_zh = ("asked for", "报送请示") if kind.lead.met_by == "request" else ("approved", "批准")
    return Breach(
        Hindrance.late,
        due.clause,
        kind.lead.admit,
        (request.day.isoformat(),),
        Text(
            f"for {request.day} it has to be {what} by {due.date}; {around.as_of} is {late}"
            f" {'working ' if working else ''}day{'s' * (late > 1)} late",
            f"拟于{request.day}举办的，应于{due.date}前{what_zh}；{around.as_of}已迟{late}{'个工作' if working else ''}日",
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
            f"{whose} {count} of {kind.name} in the {quota.per} of {request.day} already, at most {quota.at_most}",
            f"{whose_zh}{_SPANS_ZH[quota.per]}（{request.day}所在）已有{count}次“{kind.name}”，原则上不超过{quota.at_most}次",
        ),
        Text("hold it with another one, or in another period", "请合并召开或改期"),
    )


def quota_key(day: date, per: QuotaSpan) -> str:
    """Which of its year's periods a day lies in, e.g. 2026/1."""
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
            f"{request.participants} are to take part, at most {size.at_most}",
            f"拟参会{request.participants}人，上限{size.at_most}人",
        ),
        Text(f"at most {size.at_most}", f"压缩至{size.at_most}人以内"),
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
            f"{kind.name} isn't held in the name of the {request.in_name_of}",
            f"“{kind.name}”不得以{CHINESE[request.in_name_of]}名义召开",
        ),
        Text(f"hold it in the name of the {' or '.join(names.allowed)}", f"请以{allowed_zh}名义召开"),
    )


def _unplanned(kind: RequestType, request: PlanningRequest, around: Surroundings) -> Breach | None:
    if kind.planned is None or around.in_plan:
        return None
    return Breach(
        Hindrance.unplanned,
        kind.planned.clause,
        kind.planned.lift,
        (request.day.isoformat(),),
        Text(
            f"no item of the sponsor in the adopted plan of {request.day.year} is named",
            f"未列入已审定的{request.day.year}年度计划",
        ),
        Text("name its item (plan_item), or have it added to the plan", "请填写年度计划项目，或先补列入计划"),
    )


def _uninvited(
    kind: RequestType, rule: InviteeRule, request: PlanningRequest, composition: Composition
) -> Breach | None:
    """Who of those to be invited needs somebody's consent by this rule."""
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
            f"{', '.join(rule.groups)} aren't invited to {kind.name}: {', '.join(names)}",
            f"“{kind.name}”一般不邀请{groups_zh}：{'、'.join(names)}",
        ),
        Text("leave them out", "请调整邀请范围"),
    )


_LEADERS = (
    PostRole.head, PostRole.executive_deputy, PostRole.deputy, PostRole.party_group_member, PostRole.secretary_general,
)  # fmt: skip


def invited_by(
    rule: InviteeRule,
    request: PlanningRequest,
    invitees: Iterable[str],
    guests: Iterable[Guest],
    composition: Composition,
) -> tuple[list[str], list[str]]:
    """Those of the officials and guests of whom the rule speaks, by the posts held on the planned day."""
    meant: set[str] = set()
    for group in rule.groups:
        meant |= _members(group, request, composition)
    if rule.except_own:
        meant -= set(composition.of_organisation(request.sponsor, request.day, principal=True))
    officials = [official for official in invitees if official in meant]
    return officials, [guest.name for guest in guests if guest.group in rule.groups]


def _members(group: Group, request: PlanningRequest, composition: Composition) -> set[str]:
    day, kinds = request.day, composition.organisation_kinds
    match group:
        case Group.leaders:
            return set(composition.with_post(_LEADERS, day)) - {request.led_by or ""}
        case Group.town_and_street_principals:
            return set(composition.holders(Role.town_and_street_principals, day))
        case Group.regional_heads:
            return {
                p.official
                for p in composition.posts
                if p.role == PostRole.principal
                and p.holds(day)
                and kinds[p.organisation] == OrganisationKind.dispatched_organ
            }
        case Group.outside_portfolio:
            own = {request.sponsor} | _portfolio(request, composition)
            return {
                p.official
                for p in composition.posts
                if p.role == PostRole.principal and p.holds(day) and p.organisation not in own
            }


def _portfolio(request: PlanningRequest, composition: Composition) -> set[str]:
    """The organisations of who leads it, or of the deputy in charge of the sponsor."""
    deputies = (
        (request.led_by,)
        if request.led_by
        else composition.holders(Role.deputy_in_charge, request.day, sponsor=request.sponsor)
    )
    return {
        code
        for portfolio in composition.portfolios
        if portfolio.official in deputies and portfolio.holds(request.day)
        for code in portfolio.organisations
    }


def standing(request: PlanningRequest, found: Sequence[Breach]) -> list[Breach]:
    """Those breaches that nobody has let be: a lift covers the same hindrance, for what it was given for."""
    return [breach for breach in found if not any(_covers(lift, breach) for lift in request.lifts)]


def _covers(lift: Lift, breach: Breach) -> bool:
    same = lift.hindrance == breach.hindrance and lift.clause == breach.clause
    return same and set(breach.covers) <= set(lift.covers)


_CODES = {
    Hindrance.late: "request_late", Hindrance.quota: "over_quota", Hindrance.invitees: "invitees_need_consent",
    Hindrance.name: "wrong_name", Hindrance.unplanned: "not_in_the_plan", Hindrance.participants: "too_many_participants",
}  # fmt: skip


def refuse_breaches(request: PlanningRequest, found: Sequence[Breach], *, finally_: bool) -> None:
    """409 for what stands against the request. Before its last step what has a door may wait for it, where an exception is
    asked for; a firm one is refused at once. Codes: `request_late`, `over_quota`, `invitees_need_consent`, `wrong_name`,
    `not_in_the_plan`, `too_many_participants`."""
    waits = bool(request.exception.strip()) and not finally_
    if (breach := next((b for b in found if not (waits and b.lift)), None)) is None:
        return
    door = Text("; it is firm", "；该规定无例外")
    if breach.lift:
        roles = " or ".join(breach.lift)
        door = Text(
            f"; or have {roles} let it be with a reason (state why in exception)",
            f"；或填写例外理由，由{in_chinese(*breach.lift)}准予",
        )
    raise refusal(
        _CODES[breach.hindrance],
        breach.clause,
        breach.detail.en,
        breach.detail.zh,
        Text(f"{breach.satisfy.en}{door.en}", f"{breach.satisfy.zh}{door.zh}"),
        hindrance=breach.hindrance.value,
        lift=[role.value for role in breach.lift],
        covers=list(breach.covers),
    )


def lift(
    request: PlanningRequest,
    found: Sequence[Breach],
    composition: Composition,
    hindrance: Hindrance,
    official: str | None,
    reason: str,
    occurred_at: datetime,
    on: date,
) -> Acting:
    """Let be what stands against the request under this name, with a reason. 409 `nothing_to_lift`, `firm`; 403
    `not_the_lifter`."""
    require_act(request, Act.lift)
    require_not_before(request, occurred_at)
    open_ = [breach for breach in standing(request, found) if breach.hindrance == hindrance]
    if not open_:
        raise refusal(
            "nothing_to_lift",
            request.clause,
            f"nothing of {hindrance} stands against it",
            f"不存在“{CHINESE[hindrance]}”方面的限制",
            Text("see breaches for what does", "请查看该申请的限制事项"),
        )
    if firm := [breach for breach in open_ if not breach.lift]:
        raise refusal(
            "firm",
            firm[0].clause,
            f"nobody may let that be: {firm[0].detail.en}",
            f"该规定无例外：{firm[0].detail.zh}",
            firm[0].satisfy,
        )
    acting = None
    for breach in open_:
        acting = composition.require(
            official,
            tuple(Actor(role=role) for role in breach.lift),
            on,
            {},
            Text(f"let it be ({hindrance})", f"准予例外（{CHINESE[hindrance]}）"),
            code="not_the_lifter",
            clause=breach.clause,
            sponsor=request.sponsor,
        )
        lifted = Lift(
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


# the chain ----------------------------------------------------------------------------------------------------------
def next_ask(asks: Sequence[Ask], taken: Sequence[Taken]) -> tuple[Ask, tuple[Role, ...]] | None:
    """The first step that isn't done, with the roles that it still needs (any of them, or all); None where all is."""
    left = list(taken)
    for ask in asks:
        open_roles = list(ask.by)
        if left and left[0].decision_id:
            left.pop(0)
            continue
        while left and left[0].step == ask.step and left[0].role in open_roles:
            open_roles.remove(left.pop(0).role)
            if ask.need == "any":
                open_roles = []
        if open_roles or (ask.meeting and not ask.by):
            return ask, tuple(open_roles)
    return None


def require_act(request: PlanningRequest, act: Act) -> None:
    """409 `illegal_state` unless the act is possible in the state that the request is in."""
    allowed = TRANSITIONS[act]
    if request.state not in allowed:
        raise refusal(
            "illegal_state",
            request.clause,
            f"the request is {request.state}",
            f"该申请当前为“{_STATES_ZH[request.state]}”",
            Text(f"it has to be {' or '.join(allowed)}", f"须处于“{'”或“'.join(_STATES_ZH[s] for s in allowed)}”"),
            state=str(request.state),
        )


def require_not_before(request: PlanningRequest, occurred_at: datetime) -> None:
    """409 `before_the_one_before`: what is done about a request comes after what was done before."""
    moments = [request.requested_at, *(t.occurred_at for t in request.steps), *(r.occurred_at for r in request.returns)]
    if occurred_at < max(moments):
        raise refusal(
            "before_the_one_before",
            request.clause,
            f"that can't have occurred before {max(moments).isoformat()}",
            "时间不能早于上一环节",
            Text("state when it occurred", "请填写实际办理时间"),
        )


def require_day_ahead(request: PlanningRequest, on: date) -> None:
    """409 `day_has_passed`: what wasn't approved by its day isn't approved afterwards."""
    if on > request.day:
        raise refusal(
            "day_has_passed",
            request.clause,
            f"it was planned for {request.day}, and {on} is after that",
            f"拟办日期{request.day}已过，不能事后批准",
            Text("send it back for another day, or refuse it", "请退回改期，或不予批准"),
        )


def answerer(
    request: PlanningRequest,
    kind: RequestType,
    composition: Composition,
    official: str | None,
    on: date,
    step: PlanStep,
    *,
    by_decision: bool = False,
) -> Acting:
    """By what the official may take this step; `by_decision` where a meeting's decision takes it, which the official
    records. 403 `not_the_actor`; 409 `nothing_is_asked`, `step_out_of_order`, `not_by_decision`, `decision_needed`."""
    due = next_ask(kind.ask, request.steps)
    if due is None:
        raise refusal(
            "nothing_is_asked",
            kind.clause,
            "every step was taken; something else stands against it",
            "各环节均已办结，仅受限制未准予例外",
            Text("see breaches", "请查看限制事项"),
        )
    ask, roles = due
    clause = ask.clause or kind.clause
    require_step(ask, step, clause)
    require_way(ask, clause, by_decision=by_decision)
    return composition.require(
        official,
        tuple(Actor(role=role) for role in (ask.recorded_by if by_decision else roles)),
        on,
        {},
        Text(f"take the step {step}", f"办理“{CHINESE[step]}”"),
        code="not_the_actor",
        clause=clause,
        sponsor=request.sponsor,
    )


def require_decliner(
    request: PlanningRequest,
    kind: RequestType,
    found: Sequence[Breach],
    composition: Composition,
    official: str | None,
    on: date,
) -> Acting:
    """403 `not_the_actor` unless the official may refuse it or send it back: whoever is to take the next step (or to
    record it), and where none is open whoever could let be what stands against it."""
    if due := next_ask(kind.ask, request.steps):
        ask, roles = due
        roles = (*roles, *ask.recorded_by) if ask.meeting else roles
    else:
        roles = tuple(role for breach in standing(request, found) for role in breach.lift)
    return composition.require(
        official,
        tuple(Actor(role=role) for role in roles),
        on,
        {},
        Text("answer this request", "答复该申请"),
        code="not_the_actor",
        clause=kind.clause,
        sponsor=request.sponsor,
    )


def require_way(ask: Ask, clause: str, *, by_decision: bool) -> None:
    """409 `not_by_decision`, `decision_needed`: whether a meeting's decision takes this step."""
    if by_decision and not ask.meeting:
        raise refusal(
            "not_by_decision",
            clause,
            f"{ask.step} is taken by {' or '.join(ask.by)}, not by a meeting's decision",
            f"“{CHINESE[ask.step]}”由{in_chinese(*ask.by)}办理，不以会议决定代替",
            Text("name no decision", "请勿填写会议决定"),
        )
    if not by_decision and not ask.by:
        raise refusal(
            "decision_needed",
            clause,
            f"{ask.step} is a decision of a meeting of the kind {' or '.join(ask.meeting)}",
            f"“{CHINESE[ask.step]}”须经会议（{'、'.join(ask.meeting)}）研究决定",
            Text("name the decision of the meeting (decision_id)", "请填写会议决定事项"),
            meeting_kinds=list(ask.meeting),
        )


def require_step(ask: Ask, step: PlanStep, clause: str) -> None:
    """409 `step_out_of_order`."""
    if ask.step != step:
        raise refusal(
            "step_out_of_order",
            ask.clause or clause,
            f"{step} isn't next, {ask.step} is",
            f"尚不能办理“{CHINESE[step]}”，下一环节为“{CHINESE[ask.step]}”",
            Text(f"take {ask.step} first", f"请先完成“{CHINESE[ask.step]}”"),
            next_step=ask.step.value,
        )


def take(kind: RequestType, request: PlanningRequest, taken: Taken) -> None:
    """Add a step that was taken; the formal request among them is when it was submitted."""
    request.steps = [*request.steps, taken]
    if taken.step == PlanStep.submit:
        require_document(kind, request)
        request.submitted_at = taken.occurred_at


def complete(kind: RequestType, request: PlanningRequest, occurred_at: datetime) -> bool:
    """Approve the request once every step was taken; the caller has seen that nothing stands against it."""
    if next_ask(kind.ask, request.steps):
        return False
    request.state, request.approved_at = RequestState.approved, occurred_at
    return True


def refuse(request: PlanningRequest, reason: str) -> None:
    request.state, request.closed_reason = RequestState.refused, reason


def send_back(request: PlanningRequest, official: str, reason: str, occurred_at: datetime) -> None:
    """Send the request back to whoever asked, keeping the steps that it took."""
    request.returns = [*request.returns, Return(reason, official, occurred_at, tuple(request.steps))]
    request.state, request.steps, request.submitted_at = RequestState.returned, [], None


def withdraw(request: PlanningRequest, reason: str, on: date) -> None:
    """Take the request back. 409 `day_has_passed` for an approved one whose day is over."""
    require_act(request, Act.withdraw)
    if request.state == RequestState.approved:
        require_day_ahead(request, on)
    request.state, request.closed_reason = RequestState.withdrawn, reason


# after the approval -------------------------------------------------------------------------------------------------
def require_approval_before(request: PlanningRequest, act: Act, what: Text, clause: str, occurred_at: datetime) -> None:
    """409 `not_approved` unless the request was approved by then."""
    if request.state in TRANSITIONS[act] and request.approved_at and occurred_at >= request.approved_at:
        return
    raise refusal(
        "not_approved",
        clause,
        f"{what.en} comes only after the approval; the request is {request.state}",
        f"未经批准不得{what.zh}（该申请当前为“{_STATES_ZH[request.state]}”）",
        Text("have it approved first", "请先按程序报批"),
        state=str(request.state),
    )


def accept(request: PlanningRequest, kind: RequestType, reply: Reply) -> None:
    """Record that it was taken on. 409 `not_approved`, `no_reply_expected`, `replied_already`."""
    if not kind.reply:
        raise refusal(
            "no_reply_expected",
            kind.clause,
            f"{kind.name} is nothing that somebody else asked to have hosted",
            f"“{kind.name}”无须答复",
            Text("nothing to record", "无需登记答复"),
        )
    require_approval_before(request, Act.accept, Text("taking it on", "答复和安排"), kind.clause, reply.occurred_at)
    if request.reply:
        raise refusal(
            "replied_already",
            kind.clause,
            f"it was replied on {shanghai_day(request.reply.occurred_at)}",
            "已登记答复",
            Text("nothing more to record", "无需重复登记"),
        )
    request.reply = reply


def invite(request: PlanningRequest, kind: RequestType, composition: Composition, invitation: Invitation) -> None:
    """Record invitations that went out. 409 `not_approved` (with the clause of the rule that says so),
    `not_among_the_approved`."""
    clause = next((r.clause for r in kind.invitees if _speaks_of(r, request, invitation, composition)), kind.clause)
    require_approval_before(request, Act.invite, Text("inviting", "邀请参会"), clause, invitation.occurred_at)
    known = {*request.invitees, *(guest.name for guest in request.guests)}
    if beyond := [one for one in (*invitation.officials, *invitation.guests) if one not in known]:
        names = composition.names(beyond)
        raise refusal(
            "not_among_the_approved",
            clause,
            f"not among those whose invitation was approved: {', '.join(names)}",
            f"超出批准的邀请范围：{'、'.join(names)}",
            Text("ask for a meeting with them among the invitees", "请另行报批"),
        )
    request.invitations = [*request.invitations, invitation]


def _speaks_of(rule: InviteeRule, request: PlanningRequest, invitation: Invitation, composition: Composition) -> bool:
    guests = [guest for guest in request.guests if guest.name in invitation.guests]
    return any(invited_by(rule, request, invitation.officials, guests, composition))


def require_approved(request: PlanningRequest, type_: str, day: date) -> None:
    """409 unless this request stands approved for a meeting of this type on this day: `not_approved`, `other_type`,
    `other_day`."""
    if request.type != type_:
        raise refusal(
            "other_type",
            request.clause,
            f"the request is for {request.type}, not for {type_}",
            f"该申请类型为“{request.type}”，与“{type_}”不符",
            Text("name a request of that type", "请选择相应类型的申请"),
        )
    if request.day != day:
        raise refusal(
            "other_day",
            request.clause,
            f"it was asked for {request.day}, not for {day}",
            f"该申请获批日期为{request.day}，与{day}不符",
            Text(f"hold it on {request.day}, or ask for {day}", f"请于{request.day}举办，或就{day}另行报批"),
        )
    if request.state != RequestState.approved:
        raise refusal(
            "not_approved",
            request.clause,
            f"the request is {request.state}",
            f"该申请当前为“{_STATES_ZH[request.state]}”，未经批准不得举办",
            Text("have it approved first", "请先按程序报批"),
            state=str(request.state),
        )


def hold(request: PlanningRequest, occurred_at: datetime, meeting_id: str | None = None) -> None:
    """What was asked for was held. Refusals as `require_approved`."""
    require_approved(request, request.type, shanghai_day(occurred_at))
    request.state, request.held_at, request.meeting_id = RequestState.held, occurred_at, meeting_id
