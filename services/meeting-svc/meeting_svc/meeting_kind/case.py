"""The rules of the kind of meeting to which a row belongs, in the row's edition of the rulebook."""

from __future__ import annotations

from typing import Protocol

from zhengling.rules.meetings import MeetingKind
from zhengling.web.call import Call


class OfAKind(Protocol):
    """A topic or a meeting: it has a kind of meeting, and an edition under which it began."""

    edition: str

    @property
    def meeting_kind(self) -> str: ...


def kind_of(call: Call, row: OfAKind) -> MeetingKind:
    """The rules of the row's kind of meeting, in the edition under which the row began."""
    return call.service.rulebooks.edition(call.government, row.edition).kind(row.meeting_kind)
