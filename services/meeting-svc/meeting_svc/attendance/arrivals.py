"""Arrivals and departures (到会、离会) during a session, of officials and outside guests.

Invariants: only absent people arrive and only present people leave; each one's movements are in order; the chair stays;
no movement changes the quorum of a decision that was taken later. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from meeting_svc.agenda.agenda import item_of
from meeting_svc.attendance import quorum
from meeting_svc.attendance.attendance import capacity_of, require_guest_invited
from meeting_svc.meeting import timeline
from meeting_svc.meeting.meeting import Meeting, MeetingState, require_state
from meeting_svc.meeting.record import (
    OF_THE_PEOPLE_IN_A_MEETING,
    Attendance,
    GuestAttendance,
    Move,
    Movement,
    Presence,
)
from zhengling.authority.act import Moment
from zhengling.authority.composition import Composition
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Problem, Text, invalid, refusal
from zhengling.rules.meetings import MeetingKind

Entry = TypeVar("Entry", Attendance, GuestAttendance)


def move(meeting: Meeting, kind: MeetingKind, composition: Composition, movement: Movement) -> None:
    """Record an arrival or departure. Problem 422 `not_one_person`; refusals: `chair_must_hand_over`,
    `in_the_room_already`, `not_in_the_room`, `before_the_opening`, `before_the_last_movement`,
    `contradicts_a_decision`, `not_on_the_agenda`, `record_full`; those of `attendance.capacity_of` and
    `require_guest_invited` for people who may not attend."""
    require_state(meeting, MeetingState.open)
    if (movement.official is None) == (movement.guest is None):
        raise invalid(
            "not_one_person",
            "name either an official or a guest",
            "到会、离会人员须且只能填写官员或外请人员之一",
        )
    if movement.topic_id:
        item_of(meeting, movement.topic_id)
    _require_in_order(meeting, movement)
    movements = appended(meeting.movements, movement, bound=OF_THE_PEOPLE_IN_A_MEETING)
    if movement.guest:
        meeting.guests = _guests_after(meeting, kind, composition, movement, movement.guest)
    else:
        attendance = _officials_after(meeting, kind, composition, movement, movement.official or "")
        quorum.require_same_quorum(meeting, movement)
        meeting.attendance = attendance
    meeting.movements = movements


def _officials_after(
    meeting: Meeting, kind: MeetingKind, composition: Composition, movement: Movement, official: str
) -> list[Attendance]:
    entry = next((e for e in meeting.attendance if e.official == official), None)
    name = composition.official_names.get(official, official)
    _require_a_move(movement, name, there=entry is not None and entry.in_the_room)
    if movement.move == Move.left:
        _require_no_chair(meeting, kind, official, movement.act.moment)
        assert entry is not None
        changed = entry
    else:
        capacity = capacity_of(meeting, kind, composition, official, movement.topic_id, meeting.attendance)
        entry_or_new = entry or Attendance(official, True, topic_id=movement.topic_id)
        changed = replace(entry_or_new, capacity=capacity, status=Presence.present)
    return _with(meeting.attendance, entry, _moved(changed, movement))


def _guests_after(
    meeting: Meeting, kind: MeetingKind, composition: Composition, movement: Movement, name: str
) -> list[GuestAttendance]:
    entry = next((e for e in meeting.guests if e.name == name), None)
    _require_a_move(movement, name, there=entry is not None and entry.in_the_room)
    if movement.move == Move.arrived:
        require_guest_invited(meeting, kind, composition, name)
    changed = entry or GuestAttendance(name, True, topic_id=movement.topic_id)
    return _with(meeting.guests, entry, _moved(changed, movement))


def _moved(entry: Entry, movement: Movement) -> Entry:
    if movement.move == Move.left:
        return replace(entry, left_at=movement.act.occurred_at)
    first = entry.arrived_at or movement.act.occurred_at
    return replace(entry, present=True, arrived_at=first, left_at=None)


def _with(entries: Sequence[Entry], old: Entry | None, new: Entry) -> list[Entry]:
    changed = [new if each is old else each for each in entries]
    if old is None:
        changed.append(new)
    return changed


def _require_a_move(movement: Movement, name: str, *, there: bool) -> None:
    if (movement.move == Move.arrived) == there:
        raise _no_movement(movement, name)


def _require_in_order(meeting: Meeting, movement: Movement) -> None:
    timeline.require_after_opening(meeting, movement.act.occurred_at)
    own = [other.act for other in meeting.movements if other.who == movement.who]
    if own and movement.act.moment < own[-1].moment:
        raise refusal(
            "before_the_last_movement",
            None,
            f"the time is before their last movement, {own[-1].occurred_at.isoformat()}",
            "登记时间不得早于该人员上一次到会或离会的时间",
            Text("state a time after the last movement", "请填写上一次记录之后的时间"),
        )


def _no_movement(movement: Movement, name: str) -> Problem:
    if movement.move == Move.arrived:
        return refusal(
            "in_the_room_already",
            None,
            f"{name} is already in the room",
            f"{name}已在会场",
            Text("no record is necessary", "无需登记"),
        )
    return refusal(
        "not_in_the_room",
        None,
        f"{name} isn't in the room",
        f"{name}不在会场",
        Text("record the arrival first", "请先登记到会"),
    )


def _require_no_chair(meeting: Meeting, kind: MeetingKind, official: str, moment: Moment) -> None:
    if official in timeline.chairs_since(meeting, moment):
        raise refusal(
            "chair_must_hand_over",
            kind.clause,
            "the chair can't leave before handing over, or before the close",
            "主持人在移交主持或散会之前不得离会",
            Text(
                "hand the chair over to somebody who may chair, or close the session",
                "请先移交主持，或先散会",
            ),
        )
