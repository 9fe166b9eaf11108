"""Views of the cadence."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from zhengling.kernel.payload import View


class PeriodView(View):
    first: date
    last: date


class KindCadenceView(View):
    """The cadence of one kind of meeting on a day. It only warns."""

    kind: str
    name: str
    clause: str
    period: Annotated[PeriodView, Field(description="the period that contains the day, or the interval that it ends")]
    held: Annotated[int, Field(description="sessions opened in the period until that day")]
    expected: Annotated[int, Field(description="sessions required in the period; 0 where records begin within it")]
    next_latest: Annotated[date | None, Field(description="the last day on which the next one is in time")]
    behind: bool
    missed: Annotated[PeriodView | None, Field(description="the newest period whose requirement was missed")]
    last_held: date | None
    counting_from: Annotated[date | None, Field(description="the first day with a record")]
    told: Annotated[str, Field(description="one sentence for clerks")]


class CadenceView(View):
    on: date
    edition: str
    items: list[KindCadenceView]
