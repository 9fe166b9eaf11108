"""The attendance circular (参会情况通报): attendance of officials and units in a period, and when it was circulated.

Invariants: only opened sessions count; a circulated circular is never changed. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.participants import organisations_of
from meeting_svc.meeting.record import Attendance, Capacity, GuestAttendance, Presence
from zhengling.authority.composition import Composition
from zhengling.authority.titles import in_order
from zhengling.kernel.errors import invalid


@dataclass
class Tally:
    """How often somebody was expected, and with which results; `late` and `left_early` are included in `present`."""

    expected: int = 0
    present: int = 0
    on_leave: int = 0
    away: int = 0
    represented: int = 0
    absent: int = 0
    late: int = 0
    left_early: int = 0


@dataclass(frozen=True)
class Row:
    """One official or unit in the circular."""

    key: str
    name: str
    tally: Tally


@dataclass
class Circular:
    """A circular that was sent: its period and kind, its recipients, its figures."""

    id: str
    government: str
    since: date
    until: date
    kind: str | None
    recipients: str
    officials: list[Row]
    organisations: list[Row]
    guests: list[Row]
    sent_by: str
    sent_at: datetime
    recorded_at: datetime
    version: int = 1
    modified_at: datetime | None = None


@dataclass
class Figures:
    meetings: int = 0
    officials: dict[str, Tally] = field(default_factory=dict)
    organisations: dict[str, Tally] = field(default_factory=dict)
    guests: dict[str, Tally] = field(default_factory=dict)


def require_period(since: date, until: date) -> None:
    """Problem 422 `period_reversed`."""
    if until < since:
        raise invalid("period_reversed", f"{until} is before {since}", "截止日期不得早于起始日期")


_EXPECTED = (Capacity.member, Capacity.attendee)


def count(meetings: Iterable[Meeting], composition: Composition) -> Figures:
    """The figures of these sessions: members and standing attendees, who are expected to attend; units through their
    officials; outside guests by name, as in the roll calls."""
    figures = Figures()
    for meeting in meetings:
        if meeting.opened_at is None:
            continue
        figures.meetings += 1
        for guest in meeting.guests:
            _count(figures.guests.setdefault(guest.name, Tally()), meeting, guest, guest.status)
        for entry in meeting.attendance:
            if entry.capacity not in _EXPECTED:
                continue
            _count(figures.officials.setdefault(entry.official, Tally()), meeting, entry, entry.status)
            for unit in dict.fromkeys(organisations_of(composition, entry.official, meeting.day)):
                _count(figures.organisations.setdefault(unit, Tally()), meeting, entry, entry.status)
    return figures


def _count(tally: Tally, meeting: Meeting, entry: Attendance | GuestAttendance, missing: Presence) -> None:
    tally.expected += 1
    status = Presence.present if entry.present else missing
    setattr(tally, status, getattr(tally, status) + 1)
    if entry.present and meeting.opened_at and entry.arrived_at and entry.arrived_at > meeting.opened_at:
        tally.late += 1
    if entry.present and entry.left_at and (meeting.closed_at is None or entry.left_at < meeting.closed_at):
        tally.left_early += 1


def rows(tallies: dict[str, Tally], names: dict[str, str], order: Iterable[str] = ()) -> list[Row]:
    """The rows with their names: the keys of `order` first, the others in the order of the keys."""
    places = {key: n for n, key in enumerate(order)}
    keys = sorted(tallies, key=lambda key: (places.get(key, len(places)), key))
    return [Row(key, names.get(key, key), tallies[key]) for key in keys]


def officials(figures: Figures, composition: Composition, on: date) -> list[Row]:
    """The officials, by rank and by the order of their posts on that day."""
    return rows(figures.officials, composition.official_names, in_order(composition, figures.officials, on))


def organisations(figures: Figures, composition: Composition) -> list[Row]:
    """The units, in the order in which the composition lists them."""
    return rows(figures.organisations, composition.organisation_names, composition.organisation_names)
