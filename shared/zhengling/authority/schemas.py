"""The face of a chain: the step as it is taken, as it was taken, and the one that is next; the act, shown. Pure."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from zhengling.kernel.payload import OccurredAt, Opinion, Payload, View
from zhengling.rules.chains import StepName
from zhengling.rules.vocabulary import Role


class ActView(View):
    official: str
    occurred_at: datetime
    recorded_at: datetime
    role: str | None
    on_behalf_of: str | None
    under: str | None


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
