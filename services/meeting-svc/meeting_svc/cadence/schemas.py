"""What the API gives of how often meetings are held."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from zhengling.kernel.payload import View


class PeriodView(View):
    first: date
    last: date


class KindCadenceView(View):
    """One kind of meeting on a day. It only warns."""

    kind: str
    name: str
    clause: str
    period: Annotated[PeriodView, Field(description="the period that the day lies in, or the stretch that it ends")]
    held: Annotated[int, Field(description="sessions opened in the period until that day")]
    expected: Annotated[int, Field(description="how many the period asks for; none where records begin within it")]
    next_latest: Annotated[date | None, Field(description="the last day on which the next one is in time")]
    behind: bool
    missed: Annotated[PeriodView | None, Field(description="the period that was to be met and wasn't")]
    last_held: date | None
    counting_from: Annotated[date | None, Field(description="the first day of which anything is on record")]
    told: Annotated[str, Field(description="one sentence for clerks")]


class CadenceView(View):
    on: date
    edition: str
    items: list[KindCadenceView]
