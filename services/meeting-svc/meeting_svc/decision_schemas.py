"""What the API takes and gives of decisions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StrictBool

from meeting_svc.decision import Standing
from meeting_svc.schemas import Payload, View
from zhengling.authority import Key
from zhengling.events import Resolution
from zhengling.moments import Day
from zhengling.rulebook import (
    Difficulty,
    FollowingDocument,
    Outcome,
)


class RecordDecision(Payload):
    topic_id: Annotated[str, Field(max_length=64)]
    outcome: Outcome
    task: Annotated[str, Field(min_length=2, max_length=1000, description="what is to be done")]
    lead: Annotated[Key, Field(description="the one lead unit (牵头单位)")]
    co_units: Annotated[list[Key], Field(default_factory=list, max_length=30)]
    due: Annotated[Day | None, Field(description="where the decision itself says by when")] = None
    difficulty: Difficulty = Difficulty.general
    document: FollowingDocument = FollowingDocument.none
    may_be_published: StrictBool = True


class DecisionView(View):
    id: str
    version: int
    meeting_id: str
    topic_id: str
    resolution: Resolution
    standing: Standing
    signed_at: datetime | None
    ledger_number: str | None
    ledger_due: date | None
    modified_at: datetime
