"""Attendance (出席): who should attend in which capacity, the roll call, who counts.

Invariants: every member and standing attendee is in the roll call; only members count towards the quorum, and a
delegate doesn't count as the member; where delegates need consent nobody attends in another's place without it; outside
guests are in a list of their own, never part of a quorum; a sponsor brings no more staff than the rule, or an approval
by name, allows. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from meeting_svc.agenda.agenda import item_of
from meeting_svc.leave.leave import is_leader
from meeting_svc.meeting.meeting import Meeting, MeetingState, require_state
from meeting_svc.meeting.participants import expected, granted_delegate, granted_leave, is_staff, organisations_of
from meeting_svc.meeting.record import (
    OF_A_MEETING,
    AnswerState,
    Attendance,
    Capacity,
    GuestAttendance,
    Presence,
    StaffApproval,
)
from zhengling.authority.composition import Composition, OrganisationKind, Permission
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Problem, Text, not_permitted, refusal
from zhengling.rules.chains import actors_of
from zhengling.rules.meetings import Delegates, MeetingKind


def capacity_of(
    meeting: Meeting,
    kind: MeetingKind,
    composition: Composition,
    official: str,
    topic_id: str | None,
    others: list[Attendance],
) -> Capacity:
    """The capacity in which somebody takes part, given the others in the roll call. Problems for people who may not attend:
    403 `delegate_without_consent` where delegates need consent, `not_invited` where the list of invitees has to be
    approved, `staff_of_others` and `too_many_staff` where the rule limits staff."""
    if official in (due := expected(meeting, kind, composition)):
        return due[official]
    units = organisations_of(composition, official, meeting.day)
    if any(i.approved and (i.official == official or i.organisation in units) for i in meeting.invitees):
        return Capacity.invitee
    if any(sent.delegate == official and sent.state == AnswerState.approved for sent in meeting.delegations):
        return Capacity.delegate
    if official in (meeting.chair, meeting.convener) or (meeting.entrustment and meeting.entrustment.to == official):
        return Capacity.chair
    _require_no_unanswered_delegation(meeting, kind, composition, official)
    if any(composition.organisation_kinds[unit] == OrganisationKind.office for unit in units):
        return Capacity.other
    if any(item.sponsor in units for item in meeting.agenda):
        if is_staff(composition, official, meeting.day):
            _require_staff(meeting, kind, composition, official, topic_id, others)
            return Capacity.staff
        return Capacity.topic
    there = {other.official for other in others if other.in_the_room}
    called = [*due, *(i.official for i in meeting.invitees if i.approved and i.official)]
    _require_own_place(meeting, kind, composition, official, [each for each in called if each not in there])
    _require_invited(kind, composition, official, is_staff(composition, official, meeting.day))
    return Capacity.other


# delegates ------------------------------------------------------------------------------------------------------------
def _require_no_unanswered_delegation(
    meeting: Meeting, kind: MeetingKind, composition: Composition, official: str
) -> None:
    """Problem 403 `delegate_without_consent` for a delegate whose request is pending, or was refused."""
    waiting = (AnswerState.requested, AnswerState.refused)
    sent = next((each for each in reversed(meeting.delegations) if each.delegate == official), None)
    if sent and sent.state in waiting and kind.delegates:
        raise _without_consent(meeting, kind.delegates, composition, composition.names([official])[0], sent.state)


def _require_own_place(
    meeting: Meeting, kind: MeetingKind, composition: Composition, official: str, missing: list[str]
) -> None:
    """Problem 403 `delegate_without_consent` for somebody who isn't called, invited or there for a topic, and for whom
    nobody asked for consent (DL-42). Where the list of invitees is approved, only somebody of the same unit as a
    `missing` participant is taken for a delegate. A leader is nobody's delegate."""
    if kind.delegates is None or is_leader(composition, official, meeting.day):
        return
    units = set(organisations_of(composition, official, meeting.day))
    if kind.invitees is None or any(units & set(organisations_of(composition, m, meeting.day)) for m in missing):
        raise _without_consent(meeting, kind.delegates, composition, composition.names([official])[0], None)


def _without_consent(
    meeting: Meeting, rule: Delegates, composition: Composition, name: str, state: AnswerState | None
) -> Problem:
    why = {
        AnswerState.requested: Text("the consent is pending", "替会申请尚待答复"),
        AnswerState.refused: Text("the consent was refused", "替会申请未获同意"),
        None: Text("nobody asked for consent", "未提出替会申请"),
    }[state]
    who = composition.names(dict.fromkeys(o for role in rule.consent for o in composition.who_may(role, meeting.day)))
    return not_permitted(
        "delegate_without_consent",
        rule.clause,
        f"{name} may not attend in another's place: {why.en}",
        f"{name}不得替会：{why.zh}",
        Text(
            f"a delegate needs the consent of {' or '.join(who)} before the session opens; somebody who attends in their "
            "own right is invited beforehand",
            f"替会须在开会前经{'或'.join(who)}同意；本人确需参会的，请事先列入邀请名单",
        ),
        consent=list(rule.consent),
    )


def _require_invited(kind: MeetingKind, composition: Composition, official: str, staff: bool) -> None:
    """Problem 403 where the rules exclude people who weren't invited."""
    name = composition.official_names.get(official, official)
    if staff and kind.staff:
        raise not_permitted(
            "staff_of_others",
            kind.staff.clause,
            f"{name} is staff of a unit that sponsors no topic of this agenda",
            f"{name}为非议题主办部门工作人员，不得进入会场",
            Text("only staff of the topics' sponsors may attend", "仅限议题主办部门工作人员"),
        )
    if kind.invitees:
        raise not_permitted(
            "not_invited",
            kind.invitees.clause,
            f"{name} is neither a participant nor on the approved list of invitees",
            f"{name}不在组成人员、列席人员或已审定的邀请名单中",
            Text("propose them as an invitee and have the list approved", "请先列入邀请名单并报审定"),
        )


def _require_staff(
    meeting: Meeting,
    kind: MeetingKind,
    composition: Composition,
    official: str,
    topic_id: str | None,
    admitted: list[Attendance],
) -> None:
    """Problem 403 `too_many_staff` (HC-51): a fixed number for each sponsor and topic; others need an approval by
    name."""
    if kind.staff is None or any(each.official == official for each in meeting.staff):
        return
    units = organisations_of(composition, official, meeting.day)
    topics = [item.topic_id for item in meeting.agenda if item.sponsor in units and topic_id in (None, item.topic_id)]
    others = [
        entry
        for entry in admitted
        if entry.capacity == Capacity.staff
        and entry.official != official
        and set(organisations_of(composition, entry.official, meeting.day)) & set(units)
        and not any(each.official == entry.official for each in meeting.staff)
    ]
    if len(others) < kind.staff.per_topic * len(topics):
        return
    name = composition.official_names.get(official, official)
    raise not_permitted(
        "too_many_staff",
        kind.staff.clause,
        f"{name} would exceed the limit of {kind.staff.per_topic} staff for each sponsor and topic",
        f"议题主办部门每个议题限{kind.staff.per_topic}名工作人员，{name}超出限额",
        Text("have the office approve them by name beforehand", "请提前将名单报政府办公室批准"),
    )


def approve_staff(
    meeting: Meeting, kind: MeetingKind, composition: Composition, approval: StaffApproval, on: date
) -> None:
    """Approve one more staff member of a topic's sponsor, by name. Problem 403 `not_the_staff_approver`; refusals
    `staff_not_limited`, `staff_of_others`."""
    require_state(meeting, MeetingState.called, MeetingState.agenda_approved, MeetingState.open)
    if kind.staff is None:
        raise refusal(
            "staff_not_limited",
            kind.clause,
            f"the rules don't limit staff at {kind.name}",
            f"规则未限制{kind.name}的工作人员",
            Text("no approval is necessary", "无需办理"),
        )
    composition.require(
        approval.act.official,
        on,
        Permission(
            actors_of(kind.staff.more_by),
            Text("approve further staff", "批准增加列席工作人员"),
            code="not_the_staff_approver",
            clause=kind.staff.clause,
        ),
    )
    item = item_of(meeting, approval.topic_id)
    if item.sponsor not in organisations_of(composition, approval.official, meeting.day):
        name = composition.official_names.get(approval.official, approval.official)
        raise refusal(
            "staff_of_others",
            kind.staff.clause,
            f"{name} isn't staff of the topic's sponsor",
            f"{name}不是议题主办部门的工作人员",
            Text("name staff of the topic's sponsor", "请填写议题主办部门的工作人员"),
        )
    meeting.staff = appended(meeting.staff, approval, bound=OF_A_MEETING)


def roll_call(
    meeting: Meeting,
    kind: MeetingKind,
    composition: Composition,
    given: list[Attendance],
    chair: str,
    opened_at: datetime,
) -> list[Attendance]:
    """The attendance list of a session opened by `chair`, each entry with capacity and status. Refusals:
    `roll_call_incomplete` names the missing officials; those of `capacity_of`."""
    due = expected(meeting, kind, composition)
    listed = {entry.official for entry in given}
    if missing := [official for official in due if official not in listed]:
        names = composition.names(missing)
        raise refusal(
            "roll_call_incomplete",
            kind.clause,
            f"the attendance list lacks {', '.join(names)}",
            f"出席名单缺少：{'、'.join(names)}",
            Text(
                "list every member and standing attendee, present or not",
                "请逐一列出组成人员和固定列席人员的到会情况",
            ),
            missing=missing,
        )
    entries: list[Attendance] = []
    for place, entry in enumerate(given, 1):
        if not entry.present:
            capacity = due.get(entry.official, Capacity.other)
            entries.append(_not_there(meeting, composition, replace(entry, capacity=capacity)))
            continue
        capacity = due.get(entry.official, Capacity.chair)
        if entry.official != chair:
            others = [*entries, *given[place:]]
            capacity = capacity_of(meeting, kind, composition, entry.official, entry.topic_id, others)
        entries.append(replace(entry, capacity=capacity, status=Presence.present, arrived_at=opened_at))
    return entries


def roll_call_of_guests(
    meeting: Meeting,
    kind: MeetingKind,
    composition: Composition,
    given: Sequence[GuestAttendance],
    opened_at: datetime,
) -> list[GuestAttendance]:
    """The outside guests (外请人员) at the opening; a guest without a topic is listed for the topic of the invitation.
    Refusals `not_on_the_agenda` and those of `require_guest_invited`."""
    entries = []
    for guest in given:
        topics = require_guest_invited(meeting, kind, composition, guest.name)
        topic_id = guest.topic_id or (topics[0] if len(topics) == 1 else None)
        if topic_id:
            item_of(meeting, topic_id)
        entries.append(replace(guest, topic_id=topic_id, arrived_at=opened_at if guest.present else None))
    return entries


def require_guest_invited(meeting: Meeting, kind: MeetingKind, composition: Composition, name: str) -> list[str | None]:
    """The topics for which a guest was invited; None for the whole meeting. Problems for a guest not on the approved
    list: 403 `not_invited` where the rules exclude people who weren't invited, `delegate_without_consent` for an
    official's name where delegates need consent."""
    invitations = [invitee for invitee in meeting.invitees if invitee.approved and invitee.name == name]
    rule = kind.invitees or kind.staff
    if rule and not invitations:
        raise not_permitted(
            "not_invited",
            rule.clause,
            f"{name} isn't on the approved list of invitees",
            f"{name}不在已审定的邀请名单中",
            Text(
                "outside guests have to be invited by name before the session opens, on an approved list where the rules "
                "require one",
                "外请人员须在开会前按姓名列入邀请名单，须审定的应先审定",
            ),
        )
    if kind.delegates and not invitations and name in composition.official_names.values():
        raise _without_consent(meeting, kind.delegates, composition, name, None)
    return [invitee.topic_id for invitee in invitations]


def _not_there(meeting: Meeting, composition: Composition, entry: Attendance) -> Attendance:
    if sent := granted_delegate(meeting, entry.official):
        return replace(entry, status=Presence.represented, delegate=sent.delegate)
    if leave := granted_leave(meeting, entry.official):
        return replace(entry, status=Presence.on_leave, reason=entry.reason or leave.reason)
    if composition.absent(entry.official, meeting.day):
        return replace(entry, status=Presence.away)
    if meeting.entrustment and meeting.entrustment.by == entry.official:  # entrusting the chair is an excuse
        return replace(entry, status=Presence.on_leave, reason=entry.reason or meeting.entrustment.reason)
    return replace(entry, status=Presence.absent)
