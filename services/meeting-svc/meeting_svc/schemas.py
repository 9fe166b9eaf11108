"""What the payloads and views of all nouns of meeting-svc share."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.instants import Instant
from zhengling.kernel.payload import SAYING as SAYING
from zhengling.kernel.payload import Payload as Payload
from zhengling.rules.rulebook import Role, StepName

Title = Annotated[str, Field(min_length=2, max_length=200, pattern=SAYING)]

Reason = Annotated[str, Field(min_length=2, max_length=500, pattern=SAYING), SeveralLines]

Opinion = Annotated[str, Field(max_length=1000), SeveralLines]

OccurredAt = Annotated[
    Instant | None, Field(description="when it happened, with offset; now where absent; never in the future")
]


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class TakeStep(Payload):
    step: StepName
    opinion: Opinion = ""
    occurred_at: OccurredAt = None


class SuccessionView(View):
    """Whoever took a step did so after an official who left office."""

    official: Annotated[str, Field(description="who chaired, or entrusted the chair, and holds no post any more")]
    role: Annotated[Role, Field(description="the post that was theirs and is the successor's, or head")]
    left_on: Annotated[date | None, Field(description="their last day in office, where it is on record")]


class TakenView(View):
    step: StrEnum
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str
    on_behalf_of: Annotated[str | None, Field(description="the official who was away and was acted for")]
    under: Annotated[str | None, Field(description="the clause by which somebody else acted")]


class StepView(TakenView):
    step: StepName
    succeeds: SuccessionView | None


class Next(View):
    """The step that is next in a chain: any holder of one of these roles may take it."""

    step: StrEnum
    by: list[Role]
    clause: str
    officials: list[str]


class NextStep(Next):
    step: StepName
