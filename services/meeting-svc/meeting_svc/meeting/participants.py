"""Who takes part in a meeting: members, whom the call names, invitees, staff, who has leave and who comes instead. Pure."""

from __future__ import annotations

from datetime import date

from meeting_svc.meeting.meeting import GRANTED, Meeting
from meeting_svc.meeting.record import AnswerState, Capacity, Delegation, LeaveRequest
from zhengling.authority.composition import Composition, PostRole
from zhengling.rules.meetings import MeetingKind


def named(meeting: Meeting, composition: Composition) -> list[str]:
    """The officials whom the call names: by themselves, or as the principals of the units it names."""
    heads = [
        official
        for organisation in meeting.participants.organisations
        for official in composition.of_organisation(organisation, meeting.day, principal=True)
    ]
    return list(dict.fromkeys([*meeting.participants.officials, *heads]))


def members_of(meeting: Meeting, kind: MeetingKind, composition: Composition) -> list[str]:
    """Who counts: by the rule's roles on the meeting's day; for a kind whose rule names nobody, whom the call names."""
    if meeting.opened_at:
        return meeting.members
    return list(composition.members(kind.members, meeting.day)) if kind.members else named(meeting, composition)


def expected(meeting: Meeting, kind: MeetingKind, composition: Composition) -> dict[str, Capacity]:
    """Everybody who has to stand in the roll call, and as what."""
    members = dict.fromkeys(members_of(meeting, kind, composition), Capacity.member)
    attendees = dict.fromkeys(composition.members(kind.attendees, meeting.day), Capacity.attendee)
    return members | attendees | members


def organisations_of(composition: Composition, official: str, on: date) -> list[str]:
    return [post.organisation for post in composition.posts if post.official == official and post.holds(on)]


def is_staff(composition: Composition, official: str, on: date) -> bool:
    """Whether all that the official holds on that day is a staff post."""
    held = [post.role for post in composition.posts if post.official == official and post.holds(on)]
    return bool(held) and set(held) == {PostRole.staff}


# the roll call ------------------------------------------------------------------------------------------------------
def granted_leave(meeting: Meeting, official: str) -> LeaveRequest | None:
    found = [leave for leave in meeting.leaves if leave.official == official and leave.state in GRANTED]
    return found[-1] if found else None


def granted_delegate(meeting: Meeting, official: str) -> Delegation | None:
    found = [sent for sent in meeting.delegations if sent.official == official and sent.state == AnswerState.approved]
    return found[-1] if found else None
