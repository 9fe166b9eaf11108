"""What the backbones of all services report to and ask of one another."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from zhengling.events.event import Event, EventKind


class Moved(BaseModel):
    """How far the aggregates of one type are: by their id the number of the last event that went to this topic."""

    model_config = ConfigDict(frozen=True)
    topic: str
    aggregate_type: str
    last_seq: dict[str, int]


class SequencesReported(Event, type="zhengling.backbone.sequences.reported.v1", aggregate="report", key="source"):
    """What a service emitted lately, of all governments, so that who hears it can tell whether something was lost."""

    source: str
    moved: tuple[Moved, ...]


class Missing(BaseModel):
    """The events of one aggregate from `first` to `last`, some of which somebody hasn't got."""

    model_config = ConfigDict(frozen=True)
    aggregate_type: str
    aggregate_id: str
    first: int
    last: int


class EventsMissed(
    Event,
    type="zhengling.backbone.events.missed.v1",
    aggregate="request",
    key="request",
    kind=EventKind.snapshot,
):
    """A service asks another one, `source`, to publish again what it lacks of its events. What doesn't come then it asks
    for again, so that a request may be lost or superseded."""

    request: str
    reader: str
    source: str
    missing: tuple[Missing, ...]
