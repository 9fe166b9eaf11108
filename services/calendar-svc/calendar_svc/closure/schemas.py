"""Payloads and views of local closures."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from zhengling.kernel.instants import Day, Instant
from zhengling.kernel.payload import SAYING, Payload


class ClosureRequest(Payload):
    """A closure of one government's offices: the days, the reason, the order and its document."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"first": "2026-08-13", "last": "2026-08-14", "reason": "防御台风停止办公", "ordered_by": "区防汛抗旱指挥部",
                 "document": "区防指〔2026〕5号"}
            ]
        },
    )  # fmt: skip
    first: Day
    last: Day
    reason: Annotated[str, Field(min_length=2, max_length=100, pattern=SAYING)]
    ordered_by: Annotated[str, Field(min_length=2, max_length=60, pattern=SAYING)]
    document: Annotated[str, Field(min_length=2, max_length=60, pattern=SAYING)]
    occurred_at: Instant | None = None


class LiftRequest(Payload):
    """The offices open again from this day on."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"from": "2026-08-14", "reason": "台风提前过境"}]}
    )
    from_: Annotated[Day, Field(alias="from")]
    reason: Annotated[str, Field(min_length=2, max_length=100, pattern=SAYING)]


class ClosureView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    version: int
    first_day: dt.date
    last_day: dt.date
    reason: str
    ordered_by: str
    document: str
    entered_by: str
    lifted_from: dt.date | None
    lift_reason: str | None
    modified_at: dt.datetime
