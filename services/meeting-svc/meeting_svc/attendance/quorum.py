"""The quorum (法定人数): whether it is met at the opening and when a decision is taken; its figures before and since.

Invariant: computed from the roll call and the movements, which only grow, so the figures remain after the close. Pure:
no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass

from meeting_svc.meeting import participants, timeline
from meeting_svc.meeting.meeting import Meeting, members_in_the_room
from meeting_svc.meeting.record import Attendance, Move, Movement, Presence
from zhengling.authority.act import Moment
from zhengling.authority.composition import Composition
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.rules.meetings import MeetingKind


@dataclass(frozen=True)
class Figures:
    """Of the members who should attend: how many are required; how many are expected before the session; how many are
    present (at the end, once it is over), were present at the opening, and at least at any time."""

    members: int
    needed: int
    clause: str
    expected: int | None = None
    present: int | None = None
    at_opening: int | None = None
    lowest: int | None = None

    @property
    def met(self) -> bool:
        """Whether the quorum is met; before the session, whether it will be as far as is known."""
        there = self.expected if self.present is None else self.present
        return there is not None and there >= self.needed


def figures(meeting: Meeting, kind: MeetingKind, composition: Composition) -> Figures | None:
    """The quorum's current figures; None where the rules require none."""
    if kind.quorum and meeting.opened_at is None:
        members = participants.members_of(meeting, kind, composition)
        coming = expected_to_come(meeting, kind, composition)
        return Figures(len(members), kind.quorum.needed(len(members)), kind.quorum.clause, expected=len(coming))
    if meeting.quorum_needed is None:
        return None
    counts = _counts(meeting)
    return Figures(
        len(meeting.members),
        meeting.quorum_needed.needed,
        meeting.quorum_needed.clause,
        present=len(members_in_the_room(meeting)),
        at_opening=counts[0],
        lowest=min(counts),
    )


def expected_to_come(meeting: Meeting, kind: MeetingKind, composition: Composition) -> list[str]:
    """The members not known to be unable to attend: without absence, leave, delegate or negative acknowledgement."""
    latest = {each.official: each.coming for each in meeting.acknowledgements if each.round == meeting.round}
    return [
        member
        for member in participants.members_of(meeting, kind, composition)
        if not composition.absent(member, meeting.day)
        and participants.granted_leave(meeting, member) is None
        and participants.granted_delegate(meeting, member) is None
        and latest.get(member, True)
    ]


def _counts(meeting: Meeting) -> list[int]:
    """The number of members present at the opening and after each of their movements."""
    moves = sorted(
        (each for each in meeting.movements if each.official in meeting.members), key=lambda each: each.act.moment
    )
    after = len(members_in_the_room(meeting)) - sum(1 if each.move == Move.arrived else -1 for each in moves)
    counts = [after]
    for each in moves:
        counts.append(counts[-1] + (1 if each.move == Move.arrived else -1))
    return counts


def require_quorum(kind: MeetingKind, composition: Composition, members: list[str], entries: list[Attendance]) -> None:
    """Refusal `quorum_not_met` names how many members are required, and who could still come: nobody who is away or on
    leave."""
    there = {entry.official for entry in entries if entry.present} & set(members)
    if kind.quorum is None or len(there) >= (needed := kind.quorum.needed(len(members))):
        return
    short = needed - len(there)
    excused = {entry.official for entry in entries if entry.status in (Presence.away, Presence.on_leave)}
    others = [member for member in members if member not in there]
    could_come = composition.names(member for member in others if member not in excused)
    satisfy = Text(
        f"{short} more have to be present, of: {', '.join(could_come)}",
        f"尚需以下人员中{short}人到会：{'、'.join(could_come)}",
    )
    if len(could_come) < short:
        satisfy = Text(
            f"{short} more have to be present, and {len(others) - len(could_come)} of those missing are away or on leave: "
            "postpone the meeting",
            f"尚缺{short}人，未到人员中{len(others) - len(could_come)}人已请假或外出，请改期召开",
        )
    raise refusal(
        "quorum_not_met",
        kind.quorum.clause,
        f"{len(there)} of {len(members)} members are present; at least {needed} are required",
        f"应到{len(members)}人，实到{len(there)}人，至少须{needed}人出席",
        satisfy,
        present=len(there),
        members=len(members),
        needed=needed,
    )


def quorum_is_met(meeting: Meeting, moment: Moment) -> bool:
    needed = meeting.quorum_needed
    return needed is None or len(timeline.members_at(meeting, moment)) >= needed.needed


def quorum_lost(meeting: Meeting, moment: Moment) -> str | None:
    """The clause of the quorum that wasn't met at that moment; None if it was, or none is required."""
    return None if quorum_is_met(meeting, moment) or not meeting.quorum_needed else meeting.quorum_needed.clause


def require_same_quorum(meeting: Meeting, movement: Movement) -> None:
    """Refusal `contradicts_a_decision` for a member's movement, not recorded yet, after which a decision taken later had
    its quorum, or lacked it, otherwise than its record says."""
    if meeting.quorum_needed is None or movement.official not in meeting.members:
        return
    change = 1 if movement.move == Move.arrived else -1
    for each in timeline.standing(meeting):
        if each.taken.moment < movement.act.moment:
            continue
        there = len(timeline.members_at(meeting, each.taken.moment)) + change
        if (there >= meeting.quorum_needed.needed) != (each.quorum_clause is None):
            raise timeline.contradicts(
                each,
                meeting.quorum_needed.clause,
                f"{there} members would have been present, {meeting.quorum_needed.needed} are required",
                f"届时在场组成人员为{there}人，法定人数为{meeting.quorum_needed.needed}人，与记录不符",
            )


def no_quorum(meeting: Meeting, moment: Moment) -> Problem:
    """The refusal where too few members were present to decide."""
    assert meeting.quorum_needed
    there, needed = len(timeline.members_at(meeting, moment)), meeting.quorum_needed.needed
    return refusal(
        "quorum_lost",
        meeting.quorum_needed.clause,
        f"{there} of {len(meeting.members)} members are present; at least {needed} are required",
        f"现在场组成人员{there}人，至少须{needed}人在场方可作出决定",
        Text(
            "record the return of members before deciding, or defer the topic",
            "待有关人员返回并登记后再作决定，或将该议题暂缓",
        ),
        present=there,
        members=len(meeting.members),
        needed=needed,
    )
