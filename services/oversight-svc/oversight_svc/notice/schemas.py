"""Payloads and views of notices of supervision."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from oversight_svc.notice.notice import NoticeState
from zhengling.events.meeting import Unit
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.payload import SAYING, OccurredAt, Payload, Reason, View

Told = Annotated[str, Field(min_length=2, max_length=2000, pattern=SAYING), SeveralLines]


class DraftNotice(Payload):
    requirements: Annotated[Told, Field(description="what the unit is to do, each requirement on a line")]


class SignNotice(Payload):
    occurred_at: OccurredAt = None


class ReturnSlip(Payload):
    """The return slip (回执): how the matter stands, why it isn't done, what follows."""

    text: Told
    occurred_at: OccurredAt = None


class WithdrawNotice(Payload):
    reason: Reason


class NoticeView(View):
    id: str
    version: int
    entry_id: str
    entry_number: str
    title: str
    unit: Unit
    requirements: str
    drafted_by: str
    drafted_at: datetime
    clause: str
    state: NoticeState
    state_name: Annotated[str, Field(description="in Chinese")] = ""
    number: Annotated[str | None, Field(description="of its own series, once it is signed")]
    text: Annotated[str, Field(description="the notice with its return slip, as it was signed")]
    signed_by: str | None
    on_behalf_of: str | None
    signed_at: datetime | None
    due: Annotated[date | None, Field(description="the last day of the return slip")]
    due_at: Annotated[datetime | None, Field(description="the first instant at which it is late")]
    overdue_at: datetime | None
    slip: Annotated[str, Field(description="the unit's return slip")]
    answered_by: str | None
    answered_at: datetime | None
    late: bool | None
    withdrawn_reason: str
    edition: str
    modified_at: datetime
