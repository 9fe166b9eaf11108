"""The session (开会): its preconditions, the opening, the handover of the chair, the close, and the papers.

Invariants: a session opens on its day with a lawful chair, after the notice where the rules require one, with its roll
call and its quorum; it always has a chair; a copy marked for return is outstanding until it is back. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from meeting_svc.attendance import attendance as attending
from meeting_svc.attendance import quorum
from meeting_svc.invitation import invitation
from meeting_svc.meeting import chairing, participants
from meeting_svc.meeting.chairing import require_chair
from meeting_svc.meeting.meeting import HELD, PREPARED, Meeting, MeetingState, require_state
from meeting_svc.meeting.record import (
    OF_A_MEETING,
    OF_THE_PEOPLE_IN_A_MEETING,
    Attendance,
    Copy,
    GuestAttendance,
    Handover,
    QuorumNeeded,
)
from zhengling.authority.act import Act
from zhengling.authority.composition import Acting, Composition
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.meetings import MeetingKind


def declare_devices(meeting: Meeting, kind: MeetingKind, act: Act) -> None:
    """Record that phones and recorders were handed in. Refusal `nothing_to_declare` where the kind doesn't require
    it."""
    require_state(meeting, *PREPARED)
    if kind.confidential is None:
        raise refusal(
            "nothing_to_declare",
            kind.clause,
            f"the rules require no such declaration at {kind.name}",
            f"{kind.name}无须作此确认",
            Text("no declaration is necessary", "无需办理"),
        )
    meeting.devices = act


def open_session(
    meeting: Meeting,
    kind: MeetingKind,
    composition: Composition,
    chair: str,
    given: list[Attendance],
    occurred_at: datetime,
    on: date,
    guests: Sequence[GuestAttendance] = (),
) -> Acting:
    """Open the session; returns the capacity in which the chair acts. Refusals: 403 `not_a_lawful_chair`; 409
    `wrong_day`, `chair_absent`, `roll_call_incomplete`, `quorum_not_met`, `not_notified`, `outside_portfolio`,
    `another_convener`, `devices_not_declared`; those of `attendance.capacity_of` and `attendance.require_guest_invited`
    for people who may not attend."""
    require_state(meeting, MeetingState.agenda_approved)
    if on != meeting.day:
        raise refusal(
            "wrong_day",
            None,
            f"the meeting was called for {meeting.day}, not for {on}",
            f"会议定于{meeting.day}召开",
            Text(f"open it on {meeting.day}", f"请于{meeting.day}开会"),
        )
    acting = require_chair(meeting, kind, composition, chair, on)
    if not any(entry.official == chair and entry.present for entry in given):
        raise refusal(
            "chair_absent",
            kind.clause,
            "the chair isn't among those present",
            "主持人未在出席名单中",
            Text("record the chair as present", "请将主持人记为出席"),
        )
    entries = attending.roll_call(meeting, kind, composition, given, chair, occurred_at)
    from_outside = attending.roll_call_of_guests(meeting, kind, composition, guests, occurred_at)
    members = participants.members_of(meeting, kind, composition)
    quorum.require_quorum(kind, composition, members, entries)
    invitation.require_notified(meeting, kind, composition)
    there = [entry.official for entry in entries if entry.in_the_room]
    invitation.require_consent(meeting, kind, composition, chair, there)
    _require_convener_of_topics(meeting, kind, composition, chair)
    _require_devices(meeting, kind)
    meeting.state = MeetingState.open
    meeting.chair = chair
    meeting.members = members
    meeting.quorum_needed = QuorumNeeded(kind.quorum.needed(len(members)), kind.quorum.clause) if kind.quorum else None
    meeting.attendance = entries
    meeting.guests = from_outside
    meeting.opened_at = occurred_at
    return acting


def _require_convener_of_topics(meeting: Meeting, kind: MeetingKind, composition: Composition, chair: str) -> None:
    """Refusal `another_convener` where another official approved a topic as its intended chair."""
    others = {item.decided_by for item in meeting.agenda if item.decided_by not in (None, chair)}
    if others:
        names = composition.names(str(each) for each in others)
        raise refusal(
            "another_convener",
            kind.topic.clause,
            f"{', '.join(names)} approved topics of this agenda as the intended chair",
            f"本次议题由{'、'.join(names)}作为拟主持人确定",
            Text("have that official chair, or take those topics off the agenda", "请由其主持，或将相关议题移出议程"),
        )


def devices_declared(meeting: Meeting) -> bool:
    """Whether phones and recorders were declared as handed in on the meeting's day."""
    return meeting.devices is not None and shanghai_day(meeting.devices.occurred_at) == meeting.day


def _require_devices(meeting: Meeting, kind: MeetingKind) -> None:
    if kind.confidential and not devices_declared(meeting):
        raise refusal(
            "devices_not_declared",
            kind.confidential.clause,
            "no declaration on the meeting's day says that phones and recorders were handed in",
            "会议当天尚未确认手机、录音、录像设备未带入会场",
            Text("have the office declare it on the day", "请政府办公室于当天确认"),
        )


def hand_over(meeting: Meeting, kind: MeetingKind, composition: Composition, handover: Handover, on: date) -> Acting:
    """Record that another official chairs from now on; returns the capacity. Refusals: 403 `not_a_lawful_chair`; 409
    `chair_absent`, `chairs_already`."""
    require_state(meeting, MeetingState.open)
    if handover.to == meeting.chair:
        raise refusal(
            "chairs_already",
            None,
            "that official already chairs the session",
            "该同志正在主持会议",
            Text("name another official", "请填写其他人员"),
        )
    acting = require_chair(meeting, kind, composition, handover.to, on)
    if not any(entry.official == handover.to and entry.in_the_room for entry in meeting.attendance):
        raise refusal(
            "chair_absent",
            kind.clause,
            "the new chair isn't in the room",
            "接任主持人不在会场",
            Text("record their arrival first", "请先登记其到会"),
        )
    meeting.handovers = appended(meeting.handovers, handover, bound=OF_A_MEETING)
    meeting.chair = handover.to
    return acting


def close_session(meeting: Meeting, kind: MeetingKind, occurred_at: datetime) -> None:
    """Close the session; from now on the chair is the one who signs the minutes (`chairing.presided`). Refusals:
    `topics_undecided` names topics without a decision, where the kind decides; `closed_before_opened`,
    `closed_before_the_last_movement`."""
    require_state(meeting, MeetingState.open)
    decided = {resolution.topic_id for resolution in meeting.resolutions}
    titles = [item.title for item in meeting.agenda if item.topic_id not in decided]
    if kind.decides and titles:
        raise refusal(
            "topics_undecided",
            None,
            f"topics without a decision: {', '.join(titles)}",
            f"以下议题尚无结果：{'、'.join(titles)}",
            Text(
                "record passed, passed in principle, not passed, deferred or noted for each",
                "请逐项记录结果（通过、原则通过、未通过、暂缓、知悉）",
            ),
        )
    if meeting.opened_at and occurred_at < meeting.opened_at:
        raise refusal(
            "closed_before_opened",
            None,
            f"the close is before the opening, {meeting.opened_at.isoformat()}",
            "结束时间不得早于开始时间",
            Text("state the time of the close", "请填写会议结束时间"),
        )
    moved = [movement.act.occurred_at for movement in meeting.movements]
    if moved and occurred_at < max(moved):
        raise refusal(
            "closed_before_the_last_movement",
            None,
            f"the close is before the last arrival or departure, {max(moved).isoformat()}",
            "结束时间不得早于最后一次到会或离会的时间",
            Text("state the time of the close", "请填写会议结束时间"),
        )
    meeting.state = MeetingState.closed
    meeting.chair = chairing.presided(meeting)
    meeting.closed_at = occurred_at


# papers -------------------------------------------------------------------------------------------------------------
def hand_out(meeting: Meeting, holders: list[str], title: str, to_return: bool, act: Act) -> None:
    """Hand out a paper, one numbered copy for each holder."""
    require_state(meeting, *PREPARED, *HELD)
    first = len(meeting.copies) + 1
    copies = [Copy(first + n, holder, title, to_return, act) for n, holder in enumerate(holders)]
    meeting.copies = appended(meeting.copies, *copies, bound=OF_THE_PEOPLE_IN_A_MEETING)


def take_back(meeting: Meeting, kind: MeetingKind, numbers: list[int], act: Act) -> None:
    """Record returned copies; also possible after the session. Refusals: `no_such_copy`, `copy_not_outstanding`,
    `returned_before_handed_out`."""
    known = {copy.number: copy for copy in meeting.copies}
    clause = kind.confidential.clause if kind.confidential else None
    if unknown := sorted(set(numbers) - set(known)):
        raise refusal(
            "no_such_copy",
            clause,
            f"no copy {', '.join(map(str, unknown))} was handed out",
            f"没有编号为{'、'.join(map(str, unknown))}的材料",
            Text("name copies that were handed out", "请填写已发放的材料编号"),
        )
    if done := [number for number in numbers if not known[number].outstanding]:
        raise refusal(
            "copy_not_outstanding",
            clause,
            f"copy {', '.join(map(str, done))} is already back, or wasn't marked for return",
            f"编号{'、'.join(map(str, done))}的材料已收回或无需收回",
            Text("name copies that are outstanding", "请填写尚未收回的材料编号"),
        )
    if any(act.occurred_at < known[number].handed_out.occurred_at for number in numbers):
        raise refusal(
            "returned_before_handed_out",
            clause,
            "a copy can't be returned before it was handed out",
            "收回时间不得早于发放时间",
            Text("state when it was returned", "请填写收回时间"),
        )
    meeting.copies = [replace(copy, returned=act) if copy.number in numbers else copy for copy in meeting.copies]
