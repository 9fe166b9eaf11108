"""Views of the working days."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict

from zhengling.dates.workdays import CalendarYear, DayKind, DayStatus, Notice


class DayView(BaseModel):
    """What one day is for a government, why, and the notice or order behind it. `name` is Chinese."""

    date: dt.date
    worked: bool
    kind: DayKind
    name: str
    status: DayStatus
    notice: Notice | None
    swapped_with: dt.date | None


class DaysView(BaseModel):
    government: str
    calendar_version: str
    days: list[DayView]


class YearView(BaseModel):
    """One year of the caller's government: only days that differ from plain weekdays and weekends are listed."""

    government: str
    calendar_version: str
    year: CalendarYear


class CalendarView(BaseModel):
    """The whole calendar of the caller's government, for replicas: every year as in `YearView`."""

    government: str
    calendar_version: str
    first: dt.date
    last: dt.date
    years: list[CalendarYear]


class VersionView(BaseModel):
    """One version of a year, national (`*`) or of a government; its cause, time and author."""

    model_config = ConfigDict(from_attributes=True)
    government: str
    year: int
    version: int
    cause: Literal["base", "notice", "closure", "lift"]
    why_en: str
    why_zh: str
    recorded_at: dt.datetime
    recorded_by: str


class Versions(BaseModel):
    items: list[VersionView]
