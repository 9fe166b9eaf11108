"""Payloads of merging."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zhengling.kernel.instants import Day
from zhengling.kernel.payload import OccurredAt, Payload, Reason


class Merge(Payload):
    into: Annotated[str, Field(max_length=64, description="id of the matter that goes on with the sources of both")]
    reason: Reason
    due: Annotated[Day | None, Field(description="its last day from now; default: the earlier of both")] = None
    occurred_at: OccurredAt = None


class Separate(Payload):
    reason: Reason
    occurred_at: OccurredAt = None
