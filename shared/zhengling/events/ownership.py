"""Who is believed: an event counts only on its type's topic, and only from the service that owns the topic.

The topics of reconciliation are shared: there an event must come from the service that its payload names. Who may write to
a topic is for the broker to enforce (`zhengling kafka acls`); these checks find a record that was let in wrongly.
"""

from __future__ import annotations

from zhengling.events.catalogue import EVENTS
from zhengling.events.cloudevents import Envelope, source_of
from zhengling.events.event import BACKBONE, owner_of


class NotBelieved(ValueError):
    """The event doesn't come from the service that its topic, type or payload belongs to."""


def require_owner(envelope: Envelope, topic: str) -> None:
    """`NotBelieved` unless topic, type, source, aggregate and subject agree. Of an unknown type only what its name says is
    checked."""
    owner, event_type = owner_of(topic), EVENTS.get(envelope.type)
    if (event_type.kafka_topic() != topic) if event_type else (owner_of(envelope.type) != owner):
        raise NotBelieved("the topic isn't that of the event's type")
    if owner != BACKBONE and envelope.source != source_of(owner):
        raise NotBelieved("the source doesn't own the topic")
    if event_type is None:
        return
    if envelope.aggregatetype != event_type.aggregate:
        raise NotBelieved("the aggregate isn't that of the event's type")
    if str(envelope.data.get(event_type.key)) != envelope.subject:
        raise NotBelieved("the subject isn't the aggregate that the payload names")
    if event_type.sender and envelope.data.get(event_type.sender) not in _names_of(envelope.source):
        raise NotBelieved("the source isn't the service that the payload names as its sender")


def _names_of(source: str) -> tuple[str, str]:
    """A service's source and its name."""
    return source, source.removeprefix("/zhengling/").removesuffix("-svc")
