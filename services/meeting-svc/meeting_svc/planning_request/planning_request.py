"""A request (请示) to hold a meeting or major activity, from asking to holding, and the chain that it takes.

Invariants: a request is approved only once every step of its chain was taken and nothing stands against it that its
rules don't let be; what is let be has a name and a reason, and covers no more than what stood there then; nothing is
answered, announced or held before the approval, nor approved once the planned day is over. A request that was returned
takes its whole chain again. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from meeting_svc.decision.decision import Decision
from meeting_svc.meeting_plan.steps import PlanStepTaken, next_ask, require_step, require_way
from zhengling.authority.composition import Acting, Composition, Permission, RoleContext
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.kernel.states import States
from zhengling.rules.chains import actors_of
from zhengling.rules.planning import (
    CHINESE,
    Group,
    Hindrance,
    NameOf,
    Planning,
    PlanStep,
    RequestType,
)


class RequestState(StrEnum):
    requested = "requested"
    returned = "returned"
    approved = "approved"
    refused = "refused"
    withdrawn = "withdrawn"
    held = "held"


class Action(StrEnum):
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


STATES = States({
    RequestState.requested: "办理中", RequestState.returned: "已退回", RequestState.approved: "已批准",
    RequestState.refused: "未批准", RequestState.withdrawn: "已撤回", RequestState.held: "已举办",
})  # fmt: skip
#: In which states an act is possible.
TRANSITIONS: dict[Action, tuple[RequestState, ...]] = {
    Action.take_step: (RequestState.requested,),
    Action.refuse: (RequestState.requested,),
    Action.send_back: (RequestState.requested,),
    Action.resubmit: (RequestState.returned,),
    Action.lift: (RequestState.requested,),
    Action.withdraw: (RequestState.requested, RequestState.returned, RequestState.approved),
    Action.accept: (RequestState.approved, RequestState.held),
    Action.invite: (RequestState.approved,),
    Action.hold: (RequestState.approved,),
}
#: Those that count to a quota.
COUNTED = (RequestState.approved, RequestState.held)


@dataclass(frozen=True)
class Guest:
    """Somebody invited who holds no post of this government, by what the rules call them."""

    name: str
    group: Group | None = None


@dataclass(frozen=True)
class Waiver:
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
    steps: tuple[PlanStepTaken, ...]


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
    steps: list[PlanStepTaken] = field(default_factory=list)
    lifts: list[Waiver] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    reply: Reply | None = None
    invitations: list[Invitation] = field(default_factory=list)
    approved_at: datetime | None = None
    held_at: datetime | None = None
    meeting_id: str | None = None
    closed_reason: str = ""
    version: int = 1
    modified_at: datetime | None = None


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
        on,
        Permission(
            actors_of(kind.asked_by),
            Text(f"ask for {kind.name}", f"提出“{kind.name}”申请"),
            code="not_the_asker",
            clause=kind.clause,
            context=RoleContext(sponsor=sponsor),
        ),
    )


def require_document(kind: RequestType, request: PlanningRequest) -> None:
    """409 `not_in_writing` where the formal request is a document and none is named."""
    if kind.written and not request.document:
        raise refusal(
            "not_in_writing",
            kind.clause,
            "it is asked for in writing, and no document is named",
            "须以文件形式正式请示，未填写文号",
            Text("name the document (its number) that asks for it", "请填写请示文号"),
        )


def require_act(request: PlanningRequest, act: Action) -> None:
    """409 `illegal_state` unless the act is possible in the state that the request is in."""
    STATES.require(request.state, TRANSITIONS[act], Text("the request", "该申请"), request.clause)


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
        on,
        Permission(
            actors_of(ask.recorded_by if by_decision else roles),
            Text(f"take the step {step}", f"办理“{CHINESE[step]}”"),
            code="not_the_actor",
            clause=clause,
            context=RoleContext(sponsor=request.sponsor),
        ),
    )


def require_about(
    request: PlanningRequest, decision: Decision, offices: Collection[str], used_by: str | None, clause: str
) -> None:
    """409 `decision_about_another` unless the topic was brought by who asks, or by the government's office, which brings
    what leaders ask for; `decision_used` where it approved another request (its title): one decision approves one."""
    sponsor = decision.resolution.sponsor
    if sponsor.code not in {request.sponsor, *offices}:
        raise refusal(
            "decision_about_another",
            clause,
            f"the decision is on a topic of {sponsor.name}, the request is by {request.sponsor}",
            f"该决定事项的议题由{sponsor.name}提出，与申请单位不符",
            Text(
                "name the decision on the topic that the request's sponsor, or the office, brought",
                "请填写申请单位或政府办公室所提议题的决定事项",
            ),
            sponsor=sponsor.code,
        )
    if used_by is not None:
        raise refusal(
            "decision_used",
            clause,
            f"the decision approved another request: {used_by}",
            f"该决定事项已用于批准另一申请：{used_by}",
            Text("name the decision on this request", "请填写就本申请作出的决定事项"),
        )


def take(kind: RequestType, request: PlanningRequest, taken: PlanStepTaken) -> None:
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
    require_act(request, Action.withdraw)
    if request.state == RequestState.approved:
        require_day_ahead(request, on)
    request.state, request.closed_reason = RequestState.withdrawn, reason


# after the approval -------------------------------------------------------------------------------------------------
def require_approval_before(
    request: PlanningRequest, act: Action, what: Text, clause: str, occurred_at: datetime
) -> None:
    """409 `not_approved` unless the request was approved by then."""
    if request.state in TRANSITIONS[act] and request.approved_at and occurred_at >= request.approved_at:
        return
    raise refusal(
        "not_approved",
        clause,
        f"{what.en} comes only after the approval; the request is {request.state}",
        f"未经批准不得{what.zh}（该申请当前为“{STATES.chinese[request.state]}”）",
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
    require_approval_before(request, Action.accept, Text("taking it on", "答复和安排"), kind.clause, reply.occurred_at)
    if request.reply:
        raise refusal(
            "replied_already",
            kind.clause,
            f"it was replied on {shanghai_day(request.reply.occurred_at)}",
            "已登记答复",
            Text("nothing more to record", "无需重复登记"),
        )
    request.reply = reply


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
            f"该申请当前为“{STATES.chinese[request.state]}”，未经批准不得举办",
            Text("have it approved first", "请先按程序报批"),
            state=str(request.state),
        )


def hold(request: PlanningRequest, occurred_at: datetime, meeting_id: str | None = None) -> None:
    """What was asked for was held. Refusals as `require_approved`."""
    require_approved(request, request.type, shanghai_day(occurred_at))
    request.state, request.held_at, request.meeting_id = RequestState.held, occurred_at, meeting_id
