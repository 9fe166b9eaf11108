"""Views of the ledger as a whole."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from zhengling.kernel.payload import View


class InPeriod(View):
    """Numbers of matters by what happened in the period. Done isn't closed: only a matter that was verified and closed (销号)
    counts as closed."""

    opened: Annotated[int, Field(description="opened in the period")]
    due: Annotated[int, Field(description="whose governing due date lies in the period, in whatever state they are")]
    closed: Annotated[int, Field(description="closed in the period")]
    closed_in_time: Annotated[int, Field(description="of those closed: reported as done by the due date")]
    closed_late: Annotated[
        int, Field(description="of those closed: reported as done after it; the others had no due date")
    ]


class Tally(InPeriod):
    """Numbers of matters in the period, and of those that haven't ended as they stand now."""

    running: Annotated[int, Field(description="now neither closed nor revoked, whenever they were opened")]
    done: Annotated[int, Field(description="of those running: reported as done, perhaps verified, but not closed")]
    due_soon: Annotated[int, Field(description="of those running, by their light")]
    overdue: Annotated[int, Field(description="of those running, by their light; not those long overdue")]
    long_overdue: Annotated[int, Field(description="of those running, by their light")]
    suspended: Annotated[int, Field(description="of those running, by their light")]
    undated: Annotated[int, Field(description="of those running, by their light")]
    running_weight: Annotated[int, Field(description="the sum of the weights (权重) of those running")]
    closed_weight: Annotated[int, Field(description="the sum of the weights of those closed in the period")]


class Group(Tally):
    """The numbers of the matters that have this in common; `code` null for those that have none."""

    code: str | None
    name: Annotated[str | None, Field(description="in Chinese; null if it isn't known by name")] = None


class Month(InPeriod):
    """A month of the period. Matters are in the month of their opening, of their due date, and of their closing."""

    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$", examples=["2026-09"])]


class LedgerNumbers(BaseModel):
    """Numbers of the matters that the caller sees and the filters leave: those running now, and those opened, due or closed in
    the period."""

    since: date
    until: date
    at: Annotated[datetime, Field(description="the moment for which lights and states are counted")]
    total: Tally
    leads: Annotated[list[Group], Field(description="by lead unit, the most running ones first")]
    leaders: Annotated[list[Group], Field(description="by the leader in charge of the lead unit")]
    categories: Annotated[list[Group], Field(description="by focus category (督查重点)")]
    sources: Annotated[list[Group], Field(description="by kind of source")]
    states: Annotated[list[Group], Field(description="by state, in the order of the course")]
    lights: list[Group]
    months: list[Month]
