"""The base class of events; each service's events have their own file, and `catalogue.py` lists them all.

Two kinds: *ordered* events (a gapless sequence per aggregate) and *snapshots* (the whole state; the latest wins, the
topic is compacted). A payload carries enough state that a consumer needn't call back. The type names its owner:
`zhengling.<service>.<noun>.<past_tense>.v<n>`. A change incompatible with older readers or writers is a new type. The
events of reconciliation are owned by all services: `zhengling.backbone.…`.
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
    """A fact, named in the past tense. `key` is the payload field that holds the aggregate's id, `sender` the one that names
    the sending service, in events that all services send."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True
    )  # error texts are stored and must not contain values
    type: ClassVar[str]
    aggregate: ClassVar[str]
    key: ClassVar[str]
    kind: ClassVar[EventKind]
    sender: ClassVar[str | None]

    def __init_subclass__(
        cls, *, type: str, aggregate: str, key: str, kind: EventKind = EventKind.ordered, sender: str | None = None
    ) -> None:
        super().__init_subclass__()
        cls.type, cls.aggregate, cls.key, cls.kind, cls.sender = type, aggregate, key, kind, sender

    @classmethod
    def service(cls) -> str:
        """The service that owns the type: meeting, docflow, oversight or calendar; or `BACKBONE`, sent by all."""
        return owner_of(cls.type)

    @classmethod
    def kafka_topic(cls) -> str:
        return topic_of(cls.service(), cls.kind)

    @property
    def aggregate_id(self) -> str:
        return str(getattr(self, self.key))


BACKBONE = "backbone"


def topic_of(service: str, kind: EventKind) -> str:
    """`zhengling.<service>.v1`, or the compacted `zhengling.<service>.snapshot.v1`."""
    return f"zhengling.{service}.snapshot.v1" if kind == EventKind.snapshot else f"zhengling.{service}.v1"


def kind_of(topic: str) -> EventKind:
    """The kind of a topic's events."""
    return EventKind.snapshot if ".snapshot." in topic else EventKind.ordered


def owner_of(name: str) -> str:
    """The service that owns a topic or a type: the second part of both names; empty if there is none."""
    return name.partition(".")[2].partition(".")[0]


def topics_of(service: str) -> tuple[str, ...]:
    """All topics of a service."""
    return tuple(topic_of(service, kind) for kind in EventKind)


class Recomputed(BaseModel):
    """A service's recomputation after a change of the calendar: its open deadlines use this version or a newer one."""

    calendar: str
    version: int
    examined: int
    moved: int
    finished_at: datetime


SERVICES = ("meeting", "docflow", "oversight", "calendar")
