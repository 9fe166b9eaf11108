"""What a handler gets beside an event, where no consumer is between."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from tests import sixth
from zhengling.backbone.inbox import Received
from zhengling.events.cloudevents import source_of
from zhengling.events.event import Event
from zhengling.rules.loading import Rulebooks


def received(event: Event, rulebooks: Rulebooks, government: str = sixth.CODE) -> Received:
    topics = frozenset({event.kafka_topic()})
    return Received(rulebooks, uuid4(), source_of(event.service()), government, datetime.now(UTC), 1, "test", topics)
