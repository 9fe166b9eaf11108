"""A decision (决定事项): what a meeting made of one topic, and how it stands since.

Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from zhengling.events import Resolution


class Standing(StrEnum):
    """How a decision stands: in signed minutes, then as oversight's events tell."""

    recorded = "recorded"
    adopted = "adopted"
    in_ledger = "in_ledger"
    overdue = "overdue"


@dataclass
class Decision:
    """What a meeting decided on one topic; from the signature on it can't change."""

    id: str
    government: str
    meeting_id: str
    topic_id: str
    resolution: Resolution
    standing: Standing = Standing.recorded
    signed_at: datetime | None = None
    ledger_number: str | None = None
    ledger_due: date | None = None
    version: int = 1
    modified_at: datetime | None = None
