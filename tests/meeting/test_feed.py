"""How meetings become the events of a feed."""

from __future__ import annotations

from meeting_svc.feed import _STATES, _STATUSES
from meeting_svc.meeting.meeting import MeetingState


def test_every_state_of_a_meeting_has_its_words_and_its_status() -> None:
    assert set(_STATES) == set(_STATUSES) == set(MeetingState)
