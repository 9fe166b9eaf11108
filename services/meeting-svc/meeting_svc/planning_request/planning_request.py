"""A request (请示) to hold a meeting or major activity, from submission to holding, and its chain of steps.

Invariants: a request is approved only once every step of its chain is taken and every breach of its rules is waived; a
waiver has a name and a reason, and covers only the breach for which it was given; nothing is replied, announced or held
before the approval, and nothing is approved after the planned day. A returned request takes its whole chain again.
Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from meeting_svc.decision.decision import Decision
from zhengling.authority.chain import Course, NextStep, Returned, StepTaken
from zhengling.authority.composition import Acting, Composition, Permission, RoleContext
from zhengling.authority.waivers import Waiver
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.kernel.states import States
from zhengling.rules.chains import StepName, actors_of
from zhengling.rules.planning import (
    Group,
    NameOf,
    Planning,
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
    """What can be done with a request, as the table of transitions and refusals name it."""

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
#: The states in which an action is possible.
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
#: The states that count towards a quota.
COUNTED = (RequestState.approved, RequestState.held)


@dataclass(frozen=True)
class Guest:
    """An invited person who holds no post of this government, with the group that the rules name."""

    name: str
    group: Group | None = None


@dataclass(frozen=True)
class Reply:
    """The reply to the requesting side that hosting is accepted."""

    official: str
    occurred_at: datetime
    note: str


@dataclass(frozen=True)
class Invitation:
    """Invitations that were sent."""

    officials: tuple[str, ...]
    guests: tuple[str, ...]
    official: str
    occurred_at: datetime


@dataclass
class PlanningRequest:
    """`late_by` counts days (working days where the lead time does) from `due` to the formal request."""

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
    steps: list[StepTaken] = field(default_factory=list)
    lifts: list[Waiver] = field(default_factory=list)
    returns: list[Returned] = field(default_factory=list)
    reply: Reply | None = None
    invitations: list[Invitation] = field(default_factory=list)
    approved_at: datetime | None = None
    held_at: datetime | None = None
    meeting_id: str | None = None
    closed_reason: str = ""
    version: int = 1
    modified_at: datetime | None = None


def type_of(rules: Planning, name: str) -> RequestType:
    """The rules of a type of request. 422 `unknown_request_type`."""
    if kind := rules.requests.get(name):
        return kind
    raise invalid(
        "unknown_request_type",
        f"unknown type of request {name!r}; known: {', '.join(rules.requests)}",
        f"未设“{name}”这一申请类型；可选：{'、'.join(f'{key}（{kind.name}）' for key, kind in rules.requests.items())}",
    )


def require_may_ask(
    kind: RequestType, composition: Composition, official: str | None, sponsor: str, on: date
) -> Acting:
    """403 `not_the_asker` unless the official may ask for this type: an official of the sponsor, or the leader who
    wants it."""
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
    """409 `not_in_writing` where the formal request has to be a document and none is named."""
    if kind.written and not request.document:
        raise refusal(
            "not_in_writing",
            kind.clause,
            "the request has to be made in writing, and names no document",
            "须以文件形式正式请示，未填写文号",
            Text("name the number of the requesting document", "请填写请示文号"),
        )


def require_act(request: PlanningRequest, act: Action) -> None:
    """409 `illegal_state` unless the action is possible in the request's state."""
    STATES.require(request.state, TRANSITIONS[act], Text("the request", "该申请"), request.clause)


def require_not_before(request: PlanningRequest, occurred_at: datetime) -> None:
    """409 `before_the_one_before` if the action is dated before the previous one on this request."""
    moments = [request.requested_at, *(t.occurred_at for t in request.steps), *(r.occurred_at for r in request.returns)]
    if occurred_at < max(moments):
        raise refusal(
            "before_the_one_before",
            request.clause,
            f"the action can't be earlier than the previous one, {max(moments).isoformat()}",
            "办理时间不得早于上一环节",
            Text("state the actual time", "请填写实际办理时间"),
        )


def require_day_ahead(request: PlanningRequest, on: date) -> None:
    """409 `day_has_passed`: a request can't be approved after its planned day."""
    if on > request.day:
        raise refusal(
            "day_has_passed",
            request.clause,
            f"the planned day {request.day} is over on {on}",
            f"拟办日期{request.day}已过，不得事后批准",
            Text("return it for another day, or refuse it", "请退回改期，或不予批准"),
        )


def course_of(request: PlanningRequest, kind: RequestType) -> Course:
    """The request's chain as far as it is taken."""
    return Course(kind.chain, request.steps, context=RoleContext(sponsor=request.sponsor))


def require_asked(request: PlanningRequest, kind: RequestType) -> NextStep:
    """The next step. 409 `nothing_is_asked` where every step is taken."""
    if due := course_of(request, kind).next():
        return due
    raise refusal(
        "nothing_is_asked",
        kind.clause,
        "every step is taken; only a breach that isn't waived remains",
        "各环节均已办结，尚有限制事项未准予例外",
        Text("have the open breaches waived", "请就未准予例外的限制事项报请准予例外"),
    )


def require_about(
    request: PlanningRequest, decision: Decision, offices: Collection[str], used_by: str | None, clause: str
) -> None:
    """409 `decision_about_another` unless the decision's topic was submitted by the request's sponsor or the
    government's office, which submits what leaders ask for; 409 `decision_used` where the decision approved another
    request (`used_by`, its title): a decision approves one request."""
    sponsor = decision.resolution.sponsor
    if sponsor.code not in {request.sponsor, *offices}:
        raise refusal(
            "decision_about_another",
            clause,
            f"the decision is on a topic of {sponsor.name}, the request is by {request.sponsor}",
            f"该决定事项的议题由{sponsor.name}提出，与申请单位不符",
            Text(
                "name a decision on a topic of the request's sponsor or of the office",
                "请填写申请单位或政府办公室所提议题的决定事项",
            ),
            sponsor=sponsor.code,
        )
    if used_by is not None:
        raise refusal(
            "decision_used",
            clause,
            f"the decision already approved another request: {used_by}",
            f"该决定事项已用于批准另一申请：{used_by}",
            Text("name the decision on this request", "请填写就本申请作出的决定事项"),
        )


def take(kind: RequestType, request: PlanningRequest, taken: StepTaken) -> None:
    """Add a taken step; the formal request sets when the request was submitted."""
    request.steps = [*request.steps, taken]
    if taken.step == StepName.submit:
        require_document(kind, request)
        request.submitted_at = taken.occurred_at


def complete(kind: RequestType, request: PlanningRequest, occurred_at: datetime) -> bool:
    """Approve the request if every step is taken; the caller has checked that every breach is waived."""
    if course_of(request, kind).next():
        return False
    request.state, request.approved_at = RequestState.approved, occurred_at
    return True


def refuse(request: PlanningRequest, reason: str) -> None:
    request.state, request.closed_reason = RequestState.refused, reason


def send_back(request: PlanningRequest, returned: Returned) -> None:
    """Return the request; the steps taken so far are kept with the return."""
    returned = replace(returned, steps=tuple(request.steps))
    request.returns = [*request.returns, returned]
    request.state, request.steps, request.submitted_at = RequestState.returned, [], None


def withdraw(request: PlanningRequest, reason: str, on: date) -> None:
    """Withdraw the request. 409 `day_has_passed` for an approved one whose day is over."""
    require_act(request, Action.withdraw)
    if request.state == RequestState.approved:
        require_day_ahead(request, on)
    request.state, request.closed_reason = RequestState.withdrawn, reason


# after the approval ---------------------------------------------------------------------------------------------------
def require_approval_before(
    request: PlanningRequest, act: Action, what: Text, clause: str, occurred_at: datetime
) -> None:
    """409 `not_approved` unless the request was approved by then."""
    if request.state in TRANSITIONS[act] and request.approved_at and occurred_at >= request.approved_at:
        return
    raise refusal(
        "not_approved",
        clause,
        f"{what.en} requires an approved request; this one is in state {request.state}",
        f"未经批准不得{what.zh}（该申请当前为“{STATES.chinese[request.state]}”）",
        Text("have it approved first", "请先按程序报批"),
        state=str(request.state),
    )


def accept(request: PlanningRequest, kind: RequestType, reply: Reply) -> None:
    """Record that hosting was accepted. 409 `not_approved`, `no_reply_expected`, `replied_already`."""
    if not kind.reply:
        raise refusal(
            "no_reply_expected",
            kind.clause,
            f"{kind.name} isn't a hosting request; no reply is expected",
            f"“{kind.name}”无须答复",
            Text("no reply has to be recorded", "无需登记答复"),
        )
    require_approval_before(request, Action.accept, Text("taking it on", "答复和安排"), kind.clause, reply.occurred_at)
    if request.reply:
        raise refusal(
            "replied_already",
            kind.clause,
            f"the reply was recorded for {shanghai_day(request.reply.occurred_at)}",
            "已登记答复",
            Text("no further reply has to be recorded", "无需重复登记"),
        )
    request.reply = reply


def require_approved(request: PlanningRequest, type_: str, day: date) -> None:
    """409 `not_approved`, `other_type` or `other_day` unless the request is approved for a meeting of this type on this
    day."""
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
            f"the request is for {request.day}, not for {day}",
            f"该申请获批日期为{request.day}，与{day}不符",
            Text(
                f"hold it on {request.day}, or submit a request for {day}", f"请于{request.day}举办，或就{day}另行报批"
            ),
        )
    if request.state != RequestState.approved:
        raise refusal(
            "not_approved",
            request.clause,
            f"the request is in state {request.state}; it must be approved",
            f"该申请当前为“{STATES.chinese[request.state]}”，未经批准不得举办",
            Text("have it approved first", "请先按程序报批"),
            state=str(request.state),
        )


def hold(request: PlanningRequest, occurred_at: datetime, meeting_id: str | None = None) -> None:
    """Mark the request as held. Refusals as `require_approved`."""
    require_approved(request, request.type, shanghai_day(occurred_at))
    request.state, request.held_at, request.meeting_id = RequestState.held, occurred_at, meeting_id
