"""Which kind of meeting a row belongs to, in the edition of the rulebook that it began under."""

from __future__ import annotations

from typing import Protocol

from zhengling.rules.meetings import MeetingKind
from zhengling.web.call import Call


class OfAKind(Protocol):
    """A topic or a meeting: it belongs to a kind of meeting, and began under an edition."""

    edition: str

    @property
    def meeting_kind(self) -> str: ...


def kind_of(call: Call, row: OfAKind) -> MeetingKind:
    """The rules of the row's meeting kind, in the edition that the row began under."""
    return call.service.rulebooks.edition(call.government, row.edition).kind(row.meeting_kind)
