"""Payloads and views of chains: taking a step, steps taken, the next step; the view of an act. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

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
    """The predecessor, if a step was taken by a successor."""

    official: Annotated[
        str, Field(description="the official who chaired, or entrusted the chair, and no longer holds a post")
    ]
    role: Annotated[Role, Field(description="the predecessor's role, now the successor's; or head")]
    left_on: Annotated[date | None, Field(description="the predecessor's last day in office, if recorded")]


class StepView(View):
    step: StepName
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str
    on_behalf_of: Annotated[str | None, Field(description="the absent official on whose behalf the step was taken")]
    under: Annotated[str | None, Field(description="the clause that permits acting on their behalf")]
    succeeds: SuccessionView | None
    decision_id: Annotated[str | None, Field(description="the meeting's decision that took the step")]


class NextStepView(View):
    """The next step of a chain: any holder of one of these roles may take it, or all of them have to (`need`); or a decision
    of a meeting of these kinds takes it."""

    step: StepName
    step_name: Annotated[str, Field(description="the step as the rules of the government call it")]
    by: list[Role]
    need: Literal["any", "all"]
    clause: str
    officials: Annotated[list[str], Field(description="who may take it, or has yet to")]
    meeting: list[str]
    recorders: Annotated[list[str], Field(description="who may record the meeting's decision")]
