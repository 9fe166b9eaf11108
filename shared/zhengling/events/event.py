"""What an event is; those that there are stand in a file for each service that emits them, and all in `catalogue.py`.

Two kinds: *ordered* events (a gapless sequence per aggregate) and *snapshots* (the whole state; the latest wins, the
topic is compacted). A payload carries state enough that a consumer needn't call back. The type says who owns it:
`zhengling.<service>.<noun>.<past_tense>.v<n>`. A change that an older reader or writer couldn't live with is a new type.
What the services' backbones report to one another is owned by all of them: `zhengling.backbone.…`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class EventKind(StrEnum):
    ordered = "ordered"
    snapshot = "snapshot"


class Event(BaseModel):
    """A fact that happened, in the past tense. `key` names the payload field that is the aggregate's id."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)  # their text is kept
    type: ClassVar[str]
    aggregate: ClassVar[str]
    key: ClassVar[str]
    kind: ClassVar[EventKind]

    def __init_subclass__(cls, *, type: str, aggregate: str, key: str, kind: EventKind = EventKind.ordered) -> None:
        super().__init_subclass__()
        cls.type, cls.aggregate, cls.key, cls.kind = type, aggregate, key, kind

    @classmethod
    def service(cls) -> str:
        """The service that owns the type: meeting, docflow, oversight or calendar; or `BACKBONE`, which all send."""
        return cls.type.split(".")[1]

    @classmethod
    def topic(cls) -> str:
        return topic_of(cls.service(), cls.kind)

    @property
    def aggregate_id(self) -> str:
        return str(getattr(self, self.key))


BACKBONE = "backbone"


def topic_of(service: str, kind: EventKind) -> str:
    """`zhengling.<service>.v1`, or the compacted `zhengling.<service>.snapshot.v1`."""
    return f"zhengling.{service}.snapshot.v1" if kind == EventKind.snapshot else f"zhengling.{service}.v1"


def kind_of(topic: str) -> EventKind:
    """Of which kind the events of a topic are."""
    return EventKind.snapshot if ".snapshot." in topic else EventKind.ordered


class Recomputed(BaseModel):
    """How far a service got with a change of the calendar: its open deadlines rest on this version or a newer one."""

    calendar: str
    version: int
    examined: int
    moved: int
    finished_at: datetime


SERVICES = ("meeting", "docflow", "oversight", "calendar")


SERVICES = ("meeting", "docflow", "oversight", "calendar")
