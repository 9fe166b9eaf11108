"""What calendar-svc's API takes and gives."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictInt, Tag

from zhengling.due_dates import DueView
from zhengling.moments import DayOrInstant
from zhengling.workdays import CalendarYear


class DeadlineRequest(BaseModel):
    """One due date asked for: by which rule of which government, counted from when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"government": "district", "rule": "document-issue", "from": "2026-09-30"}]},
    )
    government: Annotated[str, Field(max_length=60)]
    rule: Annotated[str, Field(max_length=60)]
    from_: Annotated[DayOrInstant, Field(alias="from", description="a day, or an instant with offset (RFC 3339)")]
    occurrence: Annotated[StrictInt, Field(ge=1, le=1000, description="which period of a rule that repeats")] = 1


class DeadlineBatch(BaseModel):
    model_config = ConfigDict(extra="forbid")
    items: Annotated[list[DeadlineRequest], Field(min_length=1, max_length=1000)]


#: Told apart by `items`, so that what is wrong with a batch is said of the batch.
Deadlines = Annotated[
    Annotated[DeadlineRequest, Tag("one")] | Annotated[DeadlineBatch, Tag("batch")],
    Discriminator(lambda body: "batch" if isinstance(body, dict) and "items" in body else "one"),
]


class DeadlineAnswers(BaseModel):
    """The answers, in the order of the request."""

    items: list[DueView]


class YearView(BaseModel):
    """One year of the caller's government: only days that differ from plain weekdays and weekends are listed."""

    government: str
    calendar_version: str
    year: CalendarYear
