"""What the API takes and gives of minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from meeting_svc.minutes import MinutesState
from meeting_svc.schemas import OccurredAt, Payload, View


class DraftMinutes(Payload):
    text: Annotated[str | None, Field(min_length=10, max_length=200_000, description="instead of the drafted text")] = (
        None
    )
    occurred_at: OccurredAt = None


class MinutesView(View):
    id: str
    version: int
    meeting_id: str
    number: int
    text: str
    state: MinutesState
    drafted_by: str
    digest: str | None
    signed_by: str | None
    signed_at: datetime | None
