"""What calendar-svc emits: working days, absences."""

from __future__ import annotations

from datetime import date, datetime

from zhengling.authority.absence import Absent
from zhengling.dates.workdays import CalendarYear
from zhengling.events.event import Event, EventKind


class WorkdaysChanged(
    Event,
    type="zhengling.calendar.workdays.changed.v1",
    aggregate="calendar_year",
    key="calendar",
    kind=EventKind.snapshot,
):
    """One year of working days and its version: of the country (government `*`), or what one government adds to it.
    `why_en` and `why_zh` say what changed it: a notice, a closure, one lifted."""

    calendar: str
    government: str
    version: int
    year: CalendarYear
    why_en: str = ""
    why_zh: str = ""


class AbsenceApproved(
    Absent, Event, type="zhengling.calendar.absence.approved.v1", aggregate="absence", key="absence_id"
):
    """Somebody may go away: every step of the chain was taken. Carries who stands in, and what may still be recorded."""

    approved_at: datetime
    recorded_at: datetime


class AbsenceRefused(
    Absent, Event, type="zhengling.calendar.absence.refused.v1", aggregate="absence", key="absence_id"
):
    """A request was refused; with `extension`, only that of staying longer, and the absence itself holds as it was."""

    extension: bool
    refused_by: str
    reason: str
    refused_at: datetime
    recorded_at: datetime


class AbsenceEntrusted(
    Absent, Event, type="zhengling.calendar.absence.entrusted.v1", aggregate="absence", key="absence_id"
):
    """Who stands in was decided anew: `stand_ins` say who, by whose decision and why."""

    entrusted_at: datetime
    recorded_at: datetime


class AbsenceExtended(
    Absent, Event, type="zhengling.calendar.absence.extended.v1", aggregate="absence", key="absence_id"
):
    """The absence lasts longer than was approved at first: `until` is the new last day."""

    extended_at: datetime
    recorded_at: datetime


class AbsenceReturned(
    Absent, Event, type="zhengling.calendar.absence.returned.v1", aggregate="absence", key="absence_id"
):
    """Somebody is back: from `returned_on` on they are there; `until` is the last day away."""

    returned_on: date
    planned_until: date
    returned_at: datetime
    recorded_at: datetime


class AbsenceCancelled(
    Absent, Event, type="zhengling.calendar.absence.cancelled.v1", aggregate="absence", key="absence_id"
):
    """An approved absence doesn't take place."""

    reason: str
    cancelled_at: datetime
    recorded_at: datetime
