"""An event counts only from the service that owns its topic, and only on its type's topic: any other record is poison."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trial import SOURCE, StateChanged, ThingCounted, Trial, counted, envelope, record, thing
from zhengling.backbone import reconciliation
from zhengling.backbone.inbox import Inbox
from zhengling.events.backbone import EventsMissed, SequencesReported
from zhengling.events.cloudevents import Envelope
from zhengling.events.event import Event, owner_of, topics_of

OTHER = "/zhengling/other-svc"


def forged(event: Event, **changes: Any) -> Envelope:
    return envelope(event, 1).model_copy(update=changes)


@pytest.mark.parametrize(
    ("event", "changes", "topic", "why"),
    [
        (ThingCounted(thing_id="t", n=1), {"source": OTHER}, None, "doesn't own the topic"),
        (ThingCounted(thing_id="t", n=1), {"source": "trial"}, None, "doesn't own the topic"),
        (ThingCounted(thing_id="t", n=1), {}, "zhengling.other.v1", "isn't that of the event's type"),
        (ThingCounted(thing_id="t", n=1), {}, "zhengling.trial.snapshot.v1", "isn't that of the event's type"),
        (ThingCounted(thing_id="t", n=1), {}, "zhengling.backbone.v1", "isn't that of the event's type"),
        (StateChanged(thing_id="t", n=1), {}, "zhengling.trial.v1", "isn't that of the event's type"),
        (ThingCounted(thing_id="t", n=1), {"type": "zhengling.other.thing.melted.v1"}, None, "event's type"),
        (ThingCounted(thing_id="t", n=1), {"aggregatetype": "state"}, None, "aggregate isn't that of"),
        (ThingCounted(thing_id="t", n=1), {"subject": "another"}, None, "subject isn't the aggregate"),
        (SequencesReported(source=OTHER, moved=()), {}, None, "names as its sender"),
        (EventsMissed(request="r", reader="other", source=SOURCE, missing=()), {}, None, "names as its sender"),
    ],
)
async def test_a_record_that_its_sender_may_not_send_is_poison_and_the_others_are_applied(
    trial: Trial, event: Event, changes: dict[str, Any], topic: str | None, why: str
) -> None:
    inbox = Inbox("trial", {**trial.handlers, **reconciliation.HANDLERS}, trial.inbox().rulebooks)
    identity = thing()
    await trial.receive(record(forged(event, **changes), topic=topic), counted(identity, 1), inbox=inbox)
    (aside,) = await trial.ask("SELECT error FROM poison")
    assert why in aside["error"]
    assert [row["aggregate_id"] for row in await trial.ask("SELECT aggregate_id FROM inbox")] == [identity]
    assert await trial.effects(identity) == [1]
    assert await trial.effects("t") == []


async def test_an_unknown_type_of_the_topics_owner_is_dead_until_an_upgrade(trial: Trial) -> None:
    event = ThingCounted(thing_id=thing(), n=1)
    await trial.receive(record(forged(event, type="zhengling.trial.thing.melted.v1"), topic="zhengling.trial.v1"))
    assert await trial.statuses(event.thing_id) == [(1, "dead")]
    assert await trial.ask("SELECT * FROM poison") == []


@pytest.mark.parametrize(("name", "owner"), [("zhengling.meeting.v1", "meeting"), ("zhengling", ""), ("", "")])
def test_a_topics_owner_is_in_its_name(name: str, owner: str) -> None:
    assert owner_of(name) == owner
    assert topics_of("meeting") == ("zhengling.meeting.v1", "zhengling.meeting.snapshot.v1")
