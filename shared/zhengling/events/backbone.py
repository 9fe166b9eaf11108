"""Events of reconciliation: reports of emitted and received events, denials of forged ones, requests for missing ones."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from zhengling.events.event import Event, EventKind


class Moved(BaseModel):
    """Aggregate id → sequence number of the last event emitted to this topic, for one aggregate type."""

    model_config = ConfigDict(frozen=True)
    topic: str
    aggregate_type: str
    last_seq: dict[str, int]


class Receipts(BaseModel):
    """Events received in the name of the service `source`: event id → digest of the content (`digest_of`); an empty text where
    it wasn't kept."""

    model_config = ConfigDict(frozen=True)
    source: str
    events: dict[str, str]


class Denial(StrEnum):
    """Why an event isn't its sender's: no event has its id, or the one that has it says something else."""

    never_emitted = "never_emitted"
    other_content = "other_content"


class Denials(BaseModel):
    """Events that another service (`reader`, by its source) received in the sender's name, and that the sender never emitted:
    event id → why."""

    model_config = ConfigDict(frozen=True)
    reader: str
    events: dict[str, Denial]


class SequencesReported(
    Event, type="zhengling.backbone.sequences.reported.v1", aggregate="report", key="source", sender="source"
):
    """What a service emitted recently, over all governments, so that consumers can detect losses; what it received, so that
    the senders can detect events that they never emitted; and which of its own events, as reported by others, it denies."""

    source: str
    moved: tuple[Moved, ...]
    received: tuple[Receipts, ...] = ()
    denied: tuple[Denials, ...] = ()


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
