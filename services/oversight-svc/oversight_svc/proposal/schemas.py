"""Payloads and views of proposals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from oversight_svc.proposal.proposal import ProposalState
from zhengling.events.meeting import Unit
from zhengling.kernel.payload import OccurredAt, Payload, Reason, View
from zhengling.rules.supervision import Censure


class Decide(Payload):
    """The decision on a proposal."""

    censure: Annotated[Censure | None, Field(description="one of those proposed; null declines the proposal")]
    reason: Reason
    occurred_at: OccurredAt = None


class ProposalView(View):
    id: str
    version: int
    entry_id: str
    number: Annotated[str, Field(description="the matter's number")]
    unit: Unit
    among: Annotated[list[Censure], Field(description="what may be decided")]
    reason: str = ""
    clause: str
    made_at: datetime
    state: ProposalState
    state_name: Annotated[str, Field(description="in Chinese")] = ""
    censure: Censure | None
    decision: Annotated[str, Field(description="the reason of the decision")]
    decided_by: str | None
    on_behalf_of: str | None
    decided_at: datetime | None
    officials: Annotated[list[str], Field(default_factory=list, description="who may decide while it waits")]
    edition: str
    modified_at: datetime
