"""Views of a change of the calendar, and of its preview."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from calendar_svc.year.year import DayChange
from zhengling.dates.workdays import SpecialDay


class DayChangeView(BaseModel):
    """A changed day, before and after; null for an ordinary weekday or weekend."""

    date: dt.date
    before: SpecialDay | None
    after: SpecialDay | None

    @classmethod
    def of(cls, change: DayChange) -> Self:
        return cls(date=change.day, before=change.before, after=change.after)


class Preview(BaseModel):
    """The changes that a notice or a closure would make; a preview changes nothing."""

    days: list[DayChangeView]


class ServiceProgress(BaseModel):
    """One service's progress: its open deadlines recomputed, and how many moved to another day."""

    state: Literal["running", "done"]
    examined: int | None = None
    moved: int | None = None
    finished_at: dt.datetime | None = None


class Operation(BaseModel):
    """A change of the calendar and its progress; `done` once each service has recomputed its open deadlines."""

    id: str
    state: Literal["running", "done"]
    government: str
    subject: Annotated[str, Field(description="notice:<number> or closure:<id>")]
    why_en: str
    why_zh: str
    calendars: dict[str, int]
    days: list[DayChangeView]
    services: dict[str, ServiceProgress]
    requested_by: str
    requested_at: dt.datetime
