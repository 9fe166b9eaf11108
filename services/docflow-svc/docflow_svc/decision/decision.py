"""A meeting's decision, as docflow-svc knows it: a replica, fed by meeting-svc's events, that documents are checked against.

Invariant: only events of the decision itself change it, in their order; the close of its meeting records it if none of
them has arrived before. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from zhengling.events.meeting import Resolution
from zhengling.events.reference import Reference


class DecisionState(StrEnum):
    """`recorded` at the meeting's close, perhaps again since, and not in force: the minutes aren't signed yet, or the outcome
    adopts nothing; then as the events of the minutes and their corrections state it."""

    recorded = "recorded"
    adopted = "adopted"
    amended = "amended"
    revoked = "revoked"


@dataclass
class Decision:
    """`minutes` is the version by which it is in force or was last changed, `reason` that of the last change, `revision` as
    meeting-svc counts it. `meeting_kind` and `edition` (of the rulebook) are unknown if the first that was heard of it is
    its revocation by an older meeting-svc."""

    id: str
    government: str
    meeting_id: str
    topic_id: str
    meeting_kind: str | None
    edition: str | None
    resolution: Resolution
    state: DecisionState
    revision: int
    reason: str = ""
    closed_at: datetime | None = None
    signed_at: datetime | None = None
    minutes: Reference | None = None
    document: Reference | None = None
    version: int = 1
    modified_at: datetime | None = None

    @property
    def meeting(self) -> Reference:
        return Reference(service="meeting", noun="meeting", id=self.meeting_id)

    @property
    def topic(self) -> Reference:
        return self.resolution.topic

    @property
    def decision(self) -> Reference:
        """The decision itself, in meeting-svc."""
        return self.resolution.decision
