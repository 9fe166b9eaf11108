"""Payloads and views of agendas."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from meeting_svc.meeting.record import AgendaCause
from zhengling.authority.schemas import ActView, StepView
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.payload import OccurredAt, Once, Payload, Reason, View
from zhengling.rules.vocabulary import TopicNature

TopicId = Annotated[str, Field(max_length=64)]
Position = Annotated[StrictInt | None, Field(ge=1, le=200, description="1-based; by default at the end")]


class AddToAgenda(Payload):
    topic_id: TopicId
    position: Position = None


class AddLater(Payload):
    """A topic for an approved agenda."""

    topic_id: TopicId
    position: Position = None
    reason: Reason
    occurred_at: OccurredAt = None


class RemoveFromAgenda(Payload):
    topic_id: TopicId
    reason: Reason
    occurred_at: OccurredAt = None


class OrderAgenda(Payload):
    """By the rules, or by hand: then every topic once, in the order wanted."""

    by: Annotated[Literal["rule", "hand"], Field(description="only `hand` takes `topics`")]
    topics: Annotated[list[TopicId], Field(default_factory=list, max_length=200), Once()]
    reason: Annotated[str, Field(max_length=500, description="required once the agenda is approved"), SeveralLines] = ""
    occurred_at: OccurredAt = None


class AgendaItemView(View):
    topic_id: str
    title: str
    nature: TopicNature
    sponsor: str
    submitted_at: datetime | None


class AgendaVersionView(View):
    """An approved version of an agenda: by whom and why."""

    number: int
    items: list[AgendaItemView]
    cause: AgendaCause
    reason: str
    approved: StepView


class AgendaRemovalView(View):
    item: AgendaItemView
    reason: str
    act: ActView


class AgendaRhythmView(View):
    """When a kind of meeting last took up its periodic topic."""

    kind: str
    name: str
    nature: TopicNature
    clause: str
    last_held: date | None
    meeting_id: Annotated[str | None, Field(description="null for who doesn't see the meeting, as its title")]
    title: str | None
    sessions_since: Annotated[int, Field(description="sessions of the kind since then")]


class Rhythms(View):
    items: list[AgendaRhythmView]
