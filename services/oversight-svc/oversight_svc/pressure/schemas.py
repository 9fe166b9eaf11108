"""Payloads and views of the pressure on a matter."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from oversight_svc.pressure.pressure import Channel
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
    rung: Annotated[int | None, Field(description="its place on the ladder, from 0; null if it was done by hand")]
    recipients: list[Recipient]
    reason: str = ""
    channel: Channel
    channel_name: Annotated[str, Field(description="in Chinese")] = ""
    official: Annotated[str | None, Field(description="who did it; null where the ladder did by itself")]
    on_behalf_of: str | None
    due: Annotated[date | None, Field(description="the due date at that time")]
    occurred_at: datetime
    recorded_at: datetime


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
