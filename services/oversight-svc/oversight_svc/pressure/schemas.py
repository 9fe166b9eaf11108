"""Payloads and views of the pressure on a matter."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from oversight_svc.pressure.pressure import Channel
from zhengling.events.meeting import Unit
from zhengling.events.oversight import Recipient
from zhengling.kernel.payload import OccurredAt, Payload, Reason, View
from zhengling.rules.supervision import Way


class Press(Payload):
    """An act of pressure by hand: by default the matter is urged. It is for whoever handles the matter."""

    way: Way = Way.urge
    reason: Reason
    channel: Channel = Channel.phone
    occurred_at: OccurredAt = None


class PressureView(View):
    id: str
    entry_id: str
    way: Way
    way_name: Annotated[str, Field(description="in Chinese")] = ""
    rung: Annotated[
        int | None,
        Field(description="its place on the ladder, from 0; null if it was done by hand, or reminds to look back"),
    ]
    recipients: list[Recipient]
    reason: str = ""
    channel: Channel
    channel_name: Annotated[str, Field(description="in Chinese")] = ""
    official: Annotated[str | None, Field(description="who did it; null of what is done by itself")]
    on_behalf_of: str | None
    supervisor: Annotated[
        Unit | None, Field(description="the organisation for which the official acted; null of what is done by itself")
    ]
    due: Annotated[date | None, Field(description="the due date at that time")]
    occurred_at: datetime
    recorded_at: datetime


class Supervisor(BaseModel):
    """An organisation that supervised a unit by hand in a period: its acts, their ways, and the matters that they were about."""

    organisation: Unit
    acts: int
    ways: list[Way]
    matters: int
    numbers: Annotated[list[str], Field(description="numbers of those matters, at most 20")]


class PressedView(PressureView):
    """An act of pressure by hand. That others supervise the same unit is a notice, which holds nothing up (XG-53, ZQ-36)."""

    also_supervised_by: Annotated[
        list[Supervisor],
        Field(default_factory=list, description="other organisations that pressed the same unit in the last 30 days"),
    ]


class SupervisedUnit(BaseModel):
    """A lead unit: its matters that are running now, and who supervised it by hand in the period."""

    unit: str
    name: Annotated[str | None, Field(description="null if it isn't known by name")]
    running: int
    supervisors: Annotated[list[Supervisor], Field(description="those with the most acts first")]
    several: Annotated[bool, Field(description="whether more than one supervised it in the period")]


class SupervisedUnits(BaseModel):
    """Lead units of what the caller sees: those with several supervisors first, then by their acts and running matters."""

    since: date
    until: date
    total: Annotated[int, Field(description="how many units there are, also beyond the limit")]
    several: Annotated[int, Field(description="how many of them have several supervisors")]
    items: list[SupervisedUnit]


class ComingRung(BaseModel):
    """A rung of the ladder that isn't taken yet."""

    rung: int
    way: Way
    way_name: Annotated[str, Field(description="in Chinese")]
    at: datetime


class PressureOnEntry(BaseModel):
    """What was done to have the matter move, in the order of its record, and what comes by itself as things stand: nothing while
    its clock is suspended, nor once it was met."""

    items: list[PressureView]
    coming: list[ComingRung]
