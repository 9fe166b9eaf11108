"""Events of calendar-svc: working days, absences."""

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
    """One year of working days and its version: the national year (government `*`), or one government's additions.
    `why_en` and `why_zh` give the cause of the change: a notice, a closure, a lifted closure."""

    calendar: str
    government: str
    version: int
    year: CalendarYear
    why_en: str = ""
    why_zh: str = ""


class AbsenceApproved(
    Absent, Event, type="zhengling.calendar.absence.approved.v1", aggregate="absence", key="absence_id"
):
    """An absence is approved: every step of the chain was taken. Carries the stand-ins, and those still to be recorded."""

    approved_at: datetime
    recorded_at: datetime


class AbsenceRefused(
    Absent, Event, type="zhengling.calendar.absence.refused.v1", aggregate="absence", key="absence_id"
):
    """A request was refused; with `extension` only the extension was refused, and the absence is unchanged."""

    extension: bool
    refused_by: str
    reason: str
    refused_at: datetime
    recorded_at: datetime


class AbsenceEntrusted(
    Absent, Event, type="zhengling.calendar.absence.entrusted.v1", aggregate="absence", key="absence_id"
):
    """The stand-ins changed: `stand_ins` are the current ones, each with its basis."""

    entrusted_at: datetime
    recorded_at: datetime


class AbsenceExtended(
    Absent, Event, type="zhengling.calendar.absence.extended.v1", aggregate="absence", key="absence_id"
):
    """The absence was extended: `until` is the new last day."""

    extended_at: datetime
    recorded_at: datetime


class AbsenceReturned(
    Absent, Event, type="zhengling.calendar.absence.returned.v1", aggregate="absence", key="absence_id"
):
    """The official is back from `returned_on` on; `until` is the last day away."""

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
