"""A due date as the APIs return it, with its trace and its changes on request. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from zhengling.dates.deadlines import Due
from zhengling.dates.explanations import Later, explain, sentence
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Language

ChangeKind = Literal["recomputed", "suspended", "resumed", "extended"]


class TraceView(BaseModel):
    """One step of the explanation, in the requested language."""

    model_config = ConfigDict(frozen=True)
    date: date | None
    effect: str
    text: str


class ChangeView(BaseModel):
    """One change of a stored due date: old and new day, when, and why."""

    model_config = ConfigDict(frozen=True)
    kind: str
    from_date: date
    to_date: date
    why: str
    recorded_at: datetime


class DueView(BaseModel):
    """A due date as an API returns it: `at` is exclusive; `trace` only on request, `changes` only of a stored due date."""

    model_config = ConfigDict(frozen=True)
    date: date
    at: datetime
    provisional: bool
    rule: str
    clause: str
    explanation: str | None = None
    trace: list[TraceView] | None = None
    changes: list[ChangeView] | None = None


class DeadlineView(DueView):
    """A stored due date: one of the clocks on its subject."""

    id: UUID
    basis: Annotated[str, Field(description="`rule`, or who stated the date: `decision`, `leader`, `office`")]
    met_by: Annotated[str, Field(description="the act that meets it")]
    round: Annotated[int, Field(description="above 1 after a redo, a reopening, or another stated date")]
    occurrence: Annotated[int, Field(description="which period of a periodic rule")]
    state: Literal["running", "suspended", "met", "cancelled"]
    passed_at: Annotated[
        datetime | None,
        Field(description="when it was found to have passed unmet; null for documents"),
    ]
    met_at: datetime | None


def view_of(
    due: Due,
    calendar: WorkdayCalendar,
    language: Language = "en",
    *,
    with_trace: bool = False,
    later: Later | None = None,
    changes: list[ChangeView] | None = None,
) -> DueView:
    """A due date as an API shows it; with its sentence and its trace on request."""
    held = later.due if later else due
    answer: dict[str, Any] = {
        "date": held.date,
        "at": held.at,
        "provisional": held.provisional,
        "rule": held.rule,
        "clause": held.clause,
        "changes": changes,
    }
    if with_trace:
        answer["explanation"] = sentence(due, due.terms, calendar, later).in_language(language)
        answer["trace"] = [
            TraceView(date=step.date, effect=step.effect, text=step.text.in_language(language))
            for step in explain(due, due.terms, calendar, later)
        ]
    return DueView.model_validate(answer)
