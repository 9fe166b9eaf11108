"""What docflow-svc's API gives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docflow_svc.document.document import DocumentState
from zhengling.dates.schemas import DueView
from zhengling.events.meeting import Unit


class DocumentView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    version: int
    title: str
    sponsor: Unit
    decision_id: str
    meeting_id: str
    clause: str
    counted_from: Annotated[datetime, Field(description="the meeting's close, from which its deadlines count")]
    due: Annotated[date | None, Field(description="when it has to be issued; null where no rule says")]
    state: DocumentState
    withdrawn_reason: str
    edition: str
    modified_at: datetime


class DocumentDetail(DocumentView):
    """A document with its deadlines, each explained day by day in the language asked for."""

    deadlines: list[DueView]
