"""Views of a change of the calendar, and of its preview."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from calendar_svc.year.year import DayChange
from zhengling.dates.workdays import SpecialDay


class DayChangeView(BaseModel):
    """A day that is something else from now on; null for an ordinary weekday or weekend."""

    date: dt.date
    before: SpecialDay | None
    after: SpecialDay | None

    @classmethod
    def of(cls, change: DayChange) -> Self:
        return cls(date=change.day, before=change.before, after=change.after)


class Preview(BaseModel):
    """What a notice or a closure would change; nothing is changed by asking."""

    days: list[DayChangeView]


class ServiceProgress(BaseModel):
    """How far one service is with its open deadlines: computed again, and how many fell on another day."""

    state: Literal["running", "done"]
    examined: int | None = None
    moved: int | None = None
    finished_at: dt.datetime | None = None


class Operation(BaseModel):
    """A change of the calendar on its way through the services; `done` once each has computed its open deadlines again."""

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
