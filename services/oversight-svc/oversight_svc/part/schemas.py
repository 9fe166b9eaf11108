"""Payloads and views of parts of a matter."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from oversight_svc.entry.entry import EntryState, Light
from zhengling.authority.composition import Key
from zhengling.events.meeting import Unit
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Payload, Reason, View


class NewPart(Payload):
    """What one unit has to do of the matter, and until when."""

    unit: Annotated[Key, Field(description="code of the unit")]
    task: Annotated[str, Field(min_length=2, max_length=2000, pattern=SAYING), SeveralLines]
    due: Annotated[Day | None, Field(description="its last day; default: that of the matter")] = None


class Divide(Payload):
    """The matter is divided: each unit gets a part, which it accepts, reports and has closed by itself."""

    parts: Annotated[list[NewPart], Field(min_length=1, max_length=100), Once(by=("unit",))]
    reason: Reason
    occurred_at: OccurredAt = None


class PartView(View):
    """A part of the matter, as it stands. `told` is the unit's last word on it."""

    id: str
    number: str
    unit: Annotated[Unit, Field(validation_alias="lead")]
    task: str
    responsible: str | None
    due: date | None
    state: EntryState
    state_name: Annotated[str, Field(description="in Chinese")] = ""
    light: Light = Light.undated
    late: bool | None
    told: str = ""
    told_at: datetime | None = None
