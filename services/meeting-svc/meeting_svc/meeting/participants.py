"""The participants of a meeting: members, named participants, invitees, staff; granted leave and delegates. Pure."""

from __future__ import annotations

from datetime import date

from meeting_svc.meeting.meeting import GRANTED, Meeting
from meeting_svc.meeting.record import AnswerState, Capacity, Delegation, LeaveRequest
from zhengling.authority.composition import Composition, PostRole
from zhengling.rules.meetings import MeetingKind


def named(meeting: Meeting, composition: Composition) -> list[str]:
    """The officials named by the call: directly, or as principals of the units it names."""
    heads = [
        official
        for organisation in meeting.participants.organisations
        for official in composition.of_organisation(organisation, meeting.day, principal=True)
    ]
    return list(dict.fromkeys([*meeting.participants.officials, *heads]))


def members_of(meeting: Meeting, kind: MeetingKind, composition: Composition) -> list[str]:
    """The members who count: by the rule's roles on the meeting's day; for a kind without such roles, those named by
    the call."""
    if meeting.opened_at:
        return meeting.members
    return list(composition.members(kind.members, meeting.day)) if kind.members else named(meeting, composition)


def expected(meeting: Meeting, kind: MeetingKind, composition: Composition) -> dict[str, Capacity]:
    """Everybody who has to be in the roll call, with their capacity."""
    members = dict.fromkeys(members_of(meeting, kind, composition), Capacity.member)
    attendees = dict.fromkeys(composition.members(kind.attendees, meeting.day), Capacity.attendee)
    return members | attendees | members


def organisations_of(composition: Composition, official: str, on: date) -> list[str]:
    return [post.organisation for post in composition.posts if post.official == official and post.holds(on)]


def is_staff(composition: Composition, official: str, on: date) -> bool:
    """Whether the official holds only staff posts on that day."""
    held = [post.role for post in composition.posts if post.official == official and post.holds(on)]
    return bool(held) and set(held) == {PostRole.staff}


# granted leave and delegation -----------------------------------------------------------------------------------------
def granted_leave(meeting: Meeting, official: str) -> LeaveRequest | None:
    found = [leave for leave in meeting.leaves if leave.official == official and leave.state in GRANTED]
    return found[-1] if found else None


def granted_delegate(meeting: Meeting, official: str) -> Delegation | None:
    found = [sent for sent in meeting.delegations if sent.official == official and sent.state == AnswerState.approved]
    return found[-1] if found else None
