"""Events of reconciliation: reports of emitted events and requests for missing ones."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from zhengling.events.event import Event, EventKind


class Moved(BaseModel):
    """Aggregate id → sequence number of the last event emitted to this topic, for one aggregate type."""

    model_config = ConfigDict(frozen=True)
    topic: str
    aggregate_type: str
    last_seq: dict[str, int]


class SequencesReported(
    Event, type="zhengling.backbone.sequences.reported.v1", aggregate="report", key="source", sender="source"
):
    """The events a service emitted recently, over all governments, so that consumers can detect losses."""

    source: str
    moved: tuple[Moved, ...]


class Missing(BaseModel):
    """A range of sequence numbers of one aggregate, some of whose events are missing."""

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
    sender="reader",
):
    """The service `reader` requests that `source` publishes missing events again. It repeats the request while events are
    missing, so a request may be lost or superseded."""

    request: str
    reader: str
    source: str
    missing: tuple[Missing, ...]
