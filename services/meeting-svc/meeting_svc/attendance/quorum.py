"""The quorum in figures (法定人数): members expected before a session, present at its opening, and the fewest since.

Invariant: computed from the roll call and the movements, which only grow, so the figures remain after the close. Pure:
no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass

from meeting_svc.meeting import participants
from meeting_svc.meeting.meeting import Meeting, members_in_the_room
from meeting_svc.meeting.record import Move
from zhengling.authority.composition import Composition
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
        (each for each in meeting.movements if each.official in meeting.members), key=lambda each: each.act.occurred_at
    )
    after = len(members_in_the_room(meeting)) - sum(1 if each.move == Move.arrived else -1 for each in moves)
    counts = [after]
    for each in moves:
        counts.append(counts[-1] + (1 if each.move == Move.arrived else -1))
    return counts
