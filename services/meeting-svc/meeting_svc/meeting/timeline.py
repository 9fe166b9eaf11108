"""A session as a line in time: who chaired at a moment, which members were in the room, which decisions stand.

Invariant: a fact recorded later that occurred earlier changes neither the chair nor the quorum of a decision that stands.
Facts of the same minute occurred in the order of their recording. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.record import Move, Recorded
from zhengling.authority.act import Moment
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.kernel.instants import to_the_minute


def chair_at(meeting: Meeting, moment: Moment) -> str:
    """The official who chaired the session at that moment."""
    assert meeting.chair
    after = [each for each in meeting.handovers if each.act.moment > moment]
    return after[0].chair if after else meeting.chair


def chairs_since(meeting: Meeting, moment: Moment) -> set[str]:
    """Everybody who chaired at that moment or later."""
    later = {each.to for each in meeting.handovers if each.act.moment > moment}
    return {chair_at(meeting, moment), *later}


def there_at(meeting: Meeting, officials: Iterable[str], moment: Moment) -> list[str]:
    """Those of the officials who were in the room at that moment."""
    there = {entry.official: entry.in_the_room for entry in meeting.attendance}
    for movement in reversed(meeting.movements):
        if movement.official and movement.act.moment > moment:
            there[movement.official] = movement.move == Move.left
    return [official for official in officials if there.get(official, False)]


def members_at(meeting: Meeting, moment: Moment) -> list[str]:
    return there_at(meeting, meeting.members, moment)


def there_since(meeting: Meeting, official: str, moment: Moment) -> bool:
    """Whether the official was in the room at that moment and has been ever since."""
    left = any(
        each.official == official and each.move == Move.left and each.act.moment > moment for each in meeting.movements
    )
    return not left and bool(there_at(meeting, [official], moment))


def standing(meeting: Meeting) -> list[Recorded]:
    """The current recording of each decision that stands, in the order in which they were taken."""
    last = {each.decision_id: each for each in meeting.decided}
    return sorted((each for each in last.values() if each.resolution), key=lambda each: each.taken.moment)


def require_after_opening(meeting: Meeting, occurred_at: datetime) -> None:
    """Refusal `before_the_opening`."""
    if meeting.opened_at and to_the_minute(occurred_at) < to_the_minute(meeting.opened_at):
        raise refusal(
            "before_the_opening",
            None,
            f"the time is before the opening of the session, {meeting.opened_at.isoformat()}",
            "时间不得早于会议开始时间",
            Text("state a time after the opening", "请填写会议开始之后的时间"),
        )


def contradicts(recorded: Recorded, clause: str | None, en: str, zh: str) -> Problem:
    """The refusal of a fact that would change the chair or the quorum of a decision already recorded."""
    assert recorded.resolution
    number, taken = recorded.resolution.number, recorded.taken_at.isoformat()
    return refusal(
        "contradicts_a_decision",
        clause,
        f"decision {number} was taken later, at {taken}: {en}",
        f"第{number}项决定作出在后：{zh}",
        Text(
            "state the time at which it occurred; if the decision is recorded wrongly, withdraw its record first",
            "请核对发生时间；决定记录有误的，请先撤回该决定记录",
        ),
        decision_id=recorded.decision_id,
        taken_at=taken,
    )
