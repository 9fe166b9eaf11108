"""The session (开会): its preconditions, the opening, the handover of the chair, the close, and the papers.

Invariants: a session opens on its day with a lawful chair, after the notice where the rules require one, with its roll
call and its quorum; it always has a chair, who is in the room; its facts are a line in time, from the opening to the
close (`meeting/timeline.py`); a copy marked for return is outstanding until it is back. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from meeting_svc.attendance import attendance as attending
from meeting_svc.attendance import quorum
from meeting_svc.invitation import invitation
from meeting_svc.meeting import chairing, participants, timeline
from meeting_svc.meeting.chairing import require_chair
from meeting_svc.meeting.meeting import HELD, PREPARED, Meeting, MeetingState, require_state, sponsors_of
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
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.kernel.instants import SHANGHAI, shanghai_day, to_the_minute
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
    `another_convener`, `devices_not_declared`, `opened_before_prepared`, `entrusted_later`; those of
    `attendance.capacity_of` and `attendance.require_guest_invited` for people who may not attend."""
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
    _require_prepared(meeting, kind, occurred_at)
    _require_entrusted_before(meeting, kind, composition, chair, occurred_at)
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


def _require_prepared(meeting: Meeting, kind: MeetingKind, occurred_at: datetime) -> None:
    """Refusal `opened_before_prepared` for an opening before the approval of its agenda, its notice, or the declaration
    of devices."""
    approval = Text("the approval of the agenda", "议程批准")
    done = [(each.approved.occurred_at, kind.agenda.clause, approval) for each in meeting.agenda_versions]
    if kind.notice:
        valid = len(meeting.agenda_versions), meeting.round
        latest = [each for each in meeting.notices if (each.agenda_version, each.round) == valid]
        sent = Text("the notice of the latest agenda", "最新议程的送达")
        done += [(each.act.occurred_at, kind.notice.clause, sent) for each in latest]
    if kind.confidential and meeting.devices:
        declared = Text("the declaration of devices", "手机、录音、录像设备的确认")
        done.append((meeting.devices.occurred_at, kind.confidential.clause, declared))
    if later := [each for each in done if to_the_minute(each[0]) > occurred_at]:
        moment, clause, what = max(later, key=lambda each: each[0])
        raise refusal(
            "opened_before_prepared",
            clause,
            f"the opening is before {what.en}, {moment.isoformat()}",
            f"会议开始时间早于{what.zh}时间（{moment.astimezone(SHANGHAI):%H时%M分}）",
            Text("state the time of the opening", "请核对会议开始时间"),
        )


def _require_entrusted_before(
    meeting: Meeting, kind: MeetingKind, composition: Composition, chair: str, occurred_at: datetime
) -> None:
    """Refusal `entrusted_later` for a chair by entrustment who took the chair before it was given."""
    given, sponsors = meeting.entrustment, sponsors_of(meeting)
    if given is None or given.to != chair or to_the_minute(given.occurred_at) <= occurred_at:
        return
    if not chairing.chair_waits(kind, composition, chair, meeting.day, sponsors, entrusted=False):
        return
    raise refusal(
        "entrusted_later",
        kind.clause,
        f"the chair was entrusted later, at {given.occurred_at.isoformat()}",
        f"委托主持的时间（{given.occurred_at.astimezone(SHANGHAI):%H时%M分}）晚于其开始主持的时间",
        Text("state the time from which the entrusted chair presided", "请核对其开始主持的时间"),
    )


def hand_over(meeting: Meeting, kind: MeetingKind, composition: Composition, handover: Handover, on: date) -> Acting:
    """Record that another official chairs from then on; returns the capacity. Refusals: 403 `not_a_lawful_chair`; 409
    `chair_absent`, `chairs_already`, `before_the_opening`, `before_the_last_handover`, `contradicts_a_decision`,
    `entrusted_later`."""
    require_state(meeting, MeetingState.open)
    if handover.to == meeting.chair:
        raise refusal(
            "chairs_already",
            None,
            "that official already chairs the session",
            "该同志正在主持会议",
            Text("name another official", "请填写其他人员"),
        )
    occurred_at, moment = handover.act.occurred_at, handover.act.moment
    acting = require_chair(meeting, kind, composition, handover.to, on)
    timeline.require_after_opening(meeting, occurred_at)
    _require_last_handover(meeting, handover.act)
    if not timeline.there_since(meeting, handover.to, moment):
        raise refusal(
            "chair_absent",
            kind.clause,
            f"the new chair wasn't in the room from {occurred_at.isoformat()} on",
            "接任主持人届时不在会场",
            Text("record their arrival first, or state the time of the handover", "请先登记其到会，或核对移交时间"),
        )
    _require_entrusted_before(meeting, kind, composition, handover.to, occurred_at)
    for each in timeline.standing(meeting):
        if each.taken.moment > moment:
            chair, chair_zh = f"it was taken under {each.chair}", "该项决定记录为移交前的主持人主持"
            raise timeline.contradicts(each, kind.clause, chair, chair_zh)
    meeting.handovers = appended(meeting.handovers, handover, bound=OF_A_MEETING)
    meeting.chair = handover.to
    return acting


def _require_last_handover(meeting: Meeting, act: Act) -> None:
    if meeting.handovers and act.moment < (last := meeting.handovers[-1].act).moment:
        raise refusal(
            "before_the_last_handover",
            None,
            f"the time is before the last handover of the chair, {last.occurred_at.isoformat()}",
            "移交时间不得早于上一次移交主持的时间",
            Text("state a time after the last handover", "请填写上一次移交之后的时间"),
        )


def close_session(meeting: Meeting, kind: MeetingKind, occurred_at: datetime) -> None:
    """Close the session; from now on the chair is the one who signs the minutes (`chairing.presided`). Refusals:
    `topics_undecided` names topics without a decision, where the kind decides; `closed_before_opened`,
    `closed_before_the_last_movement`, `closed_before_the_last_handover`, `closed_before_the_last_decision`."""
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
    _require_last(meeting, occurred_at)
    meeting.state = MeetingState.closed
    meeting.chair = chairing.presided(meeting)
    meeting.closed_at = occurred_at


def _require_last(meeting: Meeting, occurred_at: datetime) -> None:
    """Refusals `closed_before_…` for a close before another fact of the session: the opening, else the latest one."""
    assert meeting.opened_at
    if occurred_at < meeting.opened_at:
        raise _closed_before("opened", meeting.opened_at, Text("the opening", "会议开始"))
    moved, handed = (
        Text("the last arrival or departure", "最后一次到会或离会"),
        Text("the last handover", "最后一次移交主持"),
    )
    facts = [("the_last_movement", each.act.occurred_at, moved) for each in meeting.movements]
    facts += [("the_last_handover", each.act.occurred_at, handed) for each in meeting.handovers]
    for each in timeline.standing(meeting):
        assert each.resolution
        decision = Text(f"decision {each.resolution.number}", f"作出第{each.resolution.number}项决定")
        facts.append(("the_last_decision", each.taken_at, decision))
    if later := [fact for fact in facts if to_the_minute(fact[1]) > occurred_at]:
        raise _closed_before(*max(later, key=lambda fact: fact[1]))


def _closed_before(code: str, moment: datetime, what: Text) -> Problem:
    return refusal(
        f"closed_before_{code}",
        None,
        f"the close is before {what.en}, {moment.isoformat()}",
        f"结束时间不得早于{what.zh}的时间",
        Text("state the time of the close", "请填写会议结束时间"),
    )


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
