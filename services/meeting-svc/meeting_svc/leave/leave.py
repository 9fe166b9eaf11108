"""Leave from a meeting (请假) and delegates (替会): requested before it opens, answered by the roles of the rules.

Invariants: nobody answers their own request; a leader can't be represented where delegates need consent; an absence in
the calendar needs no leave; a withdrawn leave stays on record with its answer. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TypeVar

from meeting_svc.meeting.chairing import planned_chair, require_entrusted_chair
from meeting_svc.meeting.meeting import NOT_REFUSED, PREPARED, Meeting, lapsed, require_state
from meeting_svc.meeting.participants import expected
from meeting_svc.meeting.record import (
    OF_THE_PEOPLE_IN_A_MEETING,
    Answer,
    AnswerState,
    Delegation,
    LeaveRequest,
    Withdrawal,
)
from zhengling.authority.act import Act
from zhengling.authority.composition import Acting, Composition, Permission, RoleContext
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Problem, Text, not_permitted, refusal
from zhengling.rules.chains import actors_of
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Role, in_chinese

#: The leaders of a government (政府领导), for whom the rules of leave differ.
LEADERS = (Role.head, Role.deputies, Role.party_group, Role.secretary_general)
Asked = TypeVar("Asked", LeaveRequest, Delegation)


def is_leader(composition: Composition, official: str, on: date) -> bool:
    return official in composition.members(LEADERS, on)


def asked_of(
    meeting: Meeting, kind: MeetingKind, composition: Composition, official: str, roles: tuple[Role, ...]
) -> list[Role]:
    """The roles that answer. Empty if none is required, the official is their only holder, or nobody of them is above the
    official: the head asks nobody, and whoever entrusted the chair doesn't ask the chair. The request is then granted at
    once."""
    if official in composition.holders(Role.head, meeting.day):
        return []
    if meeting.entrustment and meeting.entrustment.by == official:
        roles = tuple(role for role in roles if role != Role.chair)
    if not roles:
        return []
    chair = planned_chair(meeting, kind, composition)
    holders = {
        holder for role in roles for holder in composition.holders(role, meeting.day, context=RoleContext(chair=chair))
    }
    return [] if holders == {official} else list(roles)


def require_expected(meeting: Meeting, kind: MeetingKind, composition: Composition, official: str) -> None:
    """Refusal `not_expected` for an official who isn't expected at the meeting."""
    invited = {invitee.official for invitee in meeting.invitees}
    units = {p.organisation for p in composition.posts if p.official == official and p.holds(meeting.day)}
    sponsors = {item.sponsor for item in meeting.agenda}
    if official in expected(meeting, kind, composition) or official in invited or units & sponsors:
        return
    name = composition.official_names.get(official, official)
    raise refusal(
        "not_expected",
        kind.leave.clause if kind.leave else None,
        f"{name} isn't a participant of this meeting",
        f"{name}不是本次会议的参会人员",
        Text("neither leave nor a delegate is needed", "无需请假或派人替会"),
    )


def ask_leave(meeting: Meeting, kind: MeetingKind, composition: Composition, leave: LeaveRequest) -> None:
    """Ask for leave before the meeting opens. Granted at once where the rules require no answer. Refusals:
    `leave_too_late`, `leave_reason_not_listed`, `leave_not_needed`, `asked_already`, `not_expected`."""
    rule = kind.leave
    _require_in_time(meeting, rule.clause if rule else None)
    require_expected(meeting, kind, composition, leave.official)
    _require_not_asked(meeting.leaves, leave.official, rule.clause if rule else None)
    if absence := composition.absent(leave.official, meeting.day):
        raise refusal(
            "leave_not_needed",
            absence.clause,
            f"the calendar already has an absence from {absence.since} to {absence.until}",
            f"已有{absence.since}至{absence.until}的外出安排，无需另行请假",
            Text("no leave is necessary", "无需请假"),
        )
    if rule and rule.reasons and leave.reason_kind not in rule.reasons:
        raise refusal(
            "leave_reason_not_listed",
            rule.clause,
            "the reason has to be of a kind that the rules list",
            "请假事由须属规则所列情形",
            Text(f"reason_kind: {', '.join(rule.reasons)}", f"可选事由：{in_chinese(*rule.reasons)}"),
        )
    leader = is_leader(composition, leave.official, meeting.day)
    roles = (rule.leaders if leader else rule.others) if rule else ()
    reported_to = list(roles) if rule and rule.others_reported and not leader else []
    asked = asked_of(meeting, kind, composition, leave.official, (Role.office,) if reported_to else roles)
    state = AnswerState.requested if asked else AnswerState.approved
    clause = rule.clause if rule else None
    made = replace(leave, asked=asked, reported_to=reported_to, clause=clause, state=state)
    meeting.leaves = appended(meeting.leaves, made, bound=OF_THE_PEOPLE_IN_A_MEETING)


def send_delegate(meeting: Meeting, kind: MeetingKind, composition: Composition, sent: Delegation) -> None:
    """Name a delegate. Accepted at once where the rules require no consent. Refusals: `leave_too_late`,
    `leader_cannot_be_replaced`, `delegate_takes_part`, `asked_already`, `not_expected`."""
    rule = kind.delegates
    clause = rule.clause if rule else None
    _require_in_time(meeting, clause)
    require_expected(meeting, kind, composition, sent.official)
    _require_not_asked(meeting.delegations, sent.official, clause)
    if rule and is_leader(composition, sent.official, meeting.day):
        name = composition.official_names.get(sent.official, sent.official)
        raise refusal(
            "leader_cannot_be_replaced",
            rule.clause,
            f"{name} is a leader and may not be represented at a meeting",
            f"{name}为政府领导，不得由他人替会",
            Text("ask for leave instead", "请办理请假"),
        )
    if sent.delegate == sent.official or sent.delegate in expected(meeting, kind, composition):
        raise refusal(
            "delegate_takes_part",
            clause,
            "the delegate is a participant in their own right",
            "替会人员本人即为参会人员",
            Text("name another delegate", "请另派人员"),
        )
    roles = rule.consent if rule else ()
    asked = asked_of(meeting, kind, composition, sent.official, roles)
    state = AnswerState.requested if asked else AnswerState.approved
    made = replace(sent, asked=asked, clause=clause, state=state)
    meeting.delegations = appended(meeting.delegations, made, bound=OF_THE_PEOPLE_IN_A_MEETING)


def _require_in_time(meeting: Meeting, clause: str | None) -> None:
    if meeting.opened_at:
        raise refusal(
            "leave_too_late",
            clause,
            "the meeting has opened; leave has to be asked for, or withdrawn, in advance",
            "会议已开始，请假和撤回请假须事先办理",
            Text("the attendance list shows who attended", "按实际到会情况登记"),
        )
    require_state(meeting, *PREPARED)


def _require_not_asked(asked: list[Asked], official: str, clause: str | None) -> None:
    if any(each.official == official and each.state in NOT_REFUSED for each in asked):
        raise refusal(
            "asked_already",
            clause,
            "a request of this official already exists",
            "已提出过申请",
            Text(
                "a pending request awaits its answer; a granted one needs nothing more",
                "待答复的请等待，已获准的无需再办",
            ),
        )


def withdraw_leave(meeting: Meeting, official: str, withdrawal: Withdrawal) -> None:
    """Withdraw a pending or granted leave before the meeting opens; the official attends, and their delegate doesn't.
    Refusals: `nothing_asked`, `leave_too_late`, `withdrawn_before_asked`."""
    mine = [each for each in meeting.leaves if each.official == official and each.state in NOT_REFUSED]
    if not mine:
        raise _nothing_asked(Text("the official has no pending or granted leave", "没有待答复或已获准的请假"))
    (leave,) = mine
    _require_in_time(meeting, leave.clause)
    last = leave.answer.act if leave.answer else leave.requested
    if withdrawal.act.occurred_at < last.occurred_at:
        raise refusal(
            "withdrawn_before_asked",
            leave.clause,
            "the withdrawal can't be earlier than the request or its answer",
            "撤回时间不得早于申请或答复时间",
            Text("state when it was withdrawn", "请填写撤回时间"),
        )
    taken_back = replace(leave, state=AnswerState.withdrawn, withdrawal=withdrawal)
    meeting.leaves = [taken_back if each is leave else each for each in meeting.leaves]
    meeting.delegations = [
        lapsed(sent) if sent.official == official and sent.state in NOT_REFUSED else sent
        for sent in meeting.delegations
    ]


# answers ------------------------------------------------------------------------------------------------------------
def pending(asked: list[Asked]) -> list[Asked]:
    return [each for each in asked if each.state == AnswerState.requested]


def answerer(
    meeting: Meeting, kind: MeetingKind, composition: Composition, asked: Asked, official: str | None, on: date
) -> Acting:
    """In what capacity the official answers; nobody answers their own request, not even as a stand-in. Problem 403
    `not_the_leave_approver` names who may."""
    if official == asked.official:
        raise not_permitted(
            "not_the_leave_approver",
            asked.clause,
            "an official can't answer their own request",
            "不得答复本人的申请",
            Text("have another official with this right answer it", "请由其他有权答复的人员办理"),
        )
    acting = composition.require(
        official,
        on,
        Permission(
            actors_of(asked.asked),
            Text("answer this request", "答复该申请"),
            code="not_the_leave_approver",
            clause=asked.clause,
            context=RoleContext(chair=planned_chair(meeting, kind, composition)),
        ),
    )
    require_entrusted_chair(meeting, kind, composition, acting, official or "")
    return acting


def find(asked: list[Asked], official: str) -> Asked:
    """The pending request. Refusal `nothing_asked`."""
    if found := next((each for each in pending(asked) if each.official == official), None):
        return found
    raise _nothing_asked(Text("the official has no pending request", "没有待答复的申请"))


def _nothing_asked(what: Text) -> Problem:
    return refusal("nothing_asked", None, what.en, what.zh, Text("no action is necessary", "无需办理"))


def answered(asked: list[Asked], one: Asked, approve: bool, opinion: str, act: Act) -> list[Asked]:
    """The requests with this one answered, or reported where the rules require only a report. Refusals
    `answered_before_asked`, `leave_is_reported`."""
    if act.occurred_at < one.requested.occurred_at:
        raise refusal(
            "answered_before_asked",
            one.clause,
            "the answer can't be earlier than the request",
            "答复时间不得早于申请时间",
            Text("state when it was answered", "请填写答复时间"),
        )
    state = AnswerState.approved if approve else AnswerState.refused
    if isinstance(one, LeaveRequest) and one.reported_to:
        state = _reported(one, approve)
    return [replace(each, state=state, answer=Answer(act, opinion)) if each is one else each for each in asked]


def _reported(leave: LeaveRequest, approve: bool) -> AnswerState:
    if approve:
        return AnswerState.reported
    raise refusal(
        "leave_is_reported",
        leave.clause,
        f"leave of those who aren't leaders is reported to {', '.join(leave.reported_to)} and can't be refused",
        f"其他参会人员请假由政府办公室向{in_chinese(*leave.reported_to)}报告，不作审批",
        Text("report it (approve: true)", "请登记已报告"),
    )
