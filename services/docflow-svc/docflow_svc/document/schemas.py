"""Views of documents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docflow_svc.document.document import DocumentState
from zhengling.dates.schemas import DeadlineView
from zhengling.events.meeting import Unit
from zhengling.events.reference import Reference


class DocumentView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    version: int
    title: str
    sponsor: Unit
    decision_id: str
    meeting_id: str
    decision: Annotated[Reference, Field(description="the decision that asks for it; also at /v1/decisions here")]
    topic: Reference | None
    meeting: Reference
    clause: str
    counted_from: Annotated[datetime, Field(description="the meeting's close, from which the deadlines count")]
    due: Annotated[date | None, Field(description="when it has to be issued; null if no rule sets a deadline")]
    state: DocumentState
    withdrawn_reason: str
    edition: str
    modified_at: datetime


class DocumentDetail(DocumentView):
    """A document with its deadlines, each explained day by day in the language requested."""

    deadlines: list[DeadlineView]
