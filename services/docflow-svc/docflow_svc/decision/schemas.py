"""Views of decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from docflow_svc.decision.decision import DecisionState
from zhengling.events.meeting import Resolution
from zhengling.events.reference import Reference
from zhengling.kernel.payload import View


class DecisionView(View):
    id: str
    version: int
    state: DecisionState
    resolution: Resolution
    revision: Annotated[int, Field(description="increases with every correction, as meeting-svc counts them")]
    reason: Annotated[str, Field(description="the reason of the last correction")]
    decision: Annotated[Reference, Field(description="the decision in meeting-svc")]
    topic: Reference
    meeting: Reference
    minutes: Annotated[Reference | None, Field(description="the minutes by which it is in force or was last changed")]
    document: Annotated[Reference | None, Field(description="the document drafted for it, also if withdrawn since")]
    meeting_kind: str | None
    edition: str | None
    closed_at: datetime | None
    signed_at: datetime | None
    modified_at: datetime
