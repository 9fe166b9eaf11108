"""Whatever a record holds, it is applied, dead or set aside as unreadable, and those beside and behind it are applied."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trial import Log, LogConsumer, ThingCounted, Trial, counted, envelope, record, thing
from zhengling.backbone.consumer import EventConsumer
from zhengling.backbone.inbox import Inbox
from zhengling.backbone.kafka import KafkaSettings
from zhengling.events.cloudevents import MAX_BYTES, MAX_DEPTH, Envelope, decode

TOPIC = "zhengling.trial.v1"
PARTITION = TopicPartition(TOPIC, 0)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text()
    | st.sampled_from(["", "\x00", "\ud800", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "٣", "1e400"])
)  # fmt: skip
JSON = st.recursive(SCALARS, lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(), part, max_size=4))
NAMES = st.sampled_from([*Envelope.model_fields, "dataschema", "data_base64"])


def plain(identity: str) -> dict[str, Any]:
    """The first event of a thing, as JSON."""
    found: dict[str, Any] = orjson.loads(envelope(ThingCounted(thing_id=identity, n=1), 1).encode())
    return found


def as_bytes(content: object) -> bytes:
    """JSON as a careless writer sends it: what JSON doesn't have is left to its text."""
    return json.dumps(content, ensure_ascii=True).encode()


def nested(depth: int) -> object:
    inner: object = 1
    for _ in range(depth):
        inner = [inner]
    return inner


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """An event with some attributes replaced, added or missing; or with its bytes cut or changed."""
    content = plain(str(uuid4()))
    content |= draw(st.dictionaries(NAMES, JSON, max_size=3))
    for name in draw(st.lists(NAMES, max_size=2)):
        content.pop(name, None)
    if draw(st.booleans()):
        content["data"] = {"thing_id": draw(SCALARS), "n": draw(SCALARS), "x": nested(draw(st.integers(0, 300)))}
    if draw(st.booleans()):
        content["type"] = draw(st.sampled_from(["zhengling.trial.thing.melted.v1", "", "x" * 255]))
    raw = as_bytes(content)
    at = draw(st.integers(0, len(raw)))
    return draw(st.sampled_from([raw, raw, raw, raw[:at], raw[:at] + draw(st.binary(max_size=5)) + raw[at:]]))


def consumer(trial: Trial) -> EventConsumer:
    return EventConsumer(trial.worker, trial.inbox(), KafkaSettings(bootstrap_servers="127.0.0.1:1"), "0", [TOPIC])


async def take(trial: Trial, *records: ConsumerRecord[bytes, bytes]) -> Log:
    """What one poll brought, as the consumer takes it; its offsets are committed."""
    log = Log(1)
    await consumer(trial)._take(LogConsumer(log), {PARTITION: list(records)}, {})  # type: ignore[arg-type]  # in memory
    return log


async def kept(trial: Trial) -> int:
    """How many records are somewhere: in the inbox, or set aside."""
    found = await trial.ask("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM poison) AS n")
    return int(found[0]["n"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(mutants() | st.binary(max_size=40), min_size=1, max_size=4))
async def test_whatever_a_record_holds_it_is_somewhere_and_the_others_are_applied(
    trial: Trial, raws: list[bytes]
) -> None:
    await trial.ask("TRUNCATE inbox, inbox_cursor, missing_event, poison, effect")
    identity, other = thing(), thing()
    strange = [record(raw, offset=n) for n, raw in enumerate(raws)]
    log = await take(trial, counted(identity, 1), *strange, counted(identity, 2), counted(other, 1))
    assert await trial.effects(identity) == [1, 2]
    assert await trial.effects(other) == [1]
    assert await kept(trial) >= 3 + len({*raws})
    assert log.committed[PARTITION]


@pytest.mark.parametrize("depth", [MAX_DEPTH - 4, MAX_DEPTH, 252, 253, 254, 255, 256, 300])
async def test_a_record_of_unknown_type_and_any_depth_stops_nobody(trial: Trial, depth: int) -> None:
    identity = thing()
    deep = plain(thing()) | {"type": "zhengling.trial.thing.melted.v1", "data": {"x": nested(depth)}}
    await take(trial, record(as_bytes(deep)), counted(identity, 1))
    assert await trial.effects(identity) == [1]
    dead = await trial.ask("SELECT 1 FROM inbox WHERE status = 'dead'")
    unreadable = await trial.ask("SELECT 1 FROM poison")
    assert (len(dead), len(unreadable)) == ((1, 0) if depth + 2 < MAX_DEPTH else (0, 1))


async def test_a_record_on_which_the_inbox_itself_fails_is_set_aside_and_the_others_are_applied(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a fault of ours would have it that nobody knows yet."""
    identity, broken = thing(), thing()
    arrival = Inbox._arrival

    def fails(self: Inbox, found: Envelope, of: ConsumerRecord[bytes, bytes]) -> Any:
        if found.subject == broken:
            raise RecursionError("too deep")
        return arrival(self, found, of)

    monkeypatch.setattr(Inbox, "_arrival", fails)
    await take(trial, counted(identity, 1), counted(broken, 1), counted(identity, 2))
    assert await trial.effects(identity) == [1, 2]
    (aside,) = await trial.ask("SELECT error FROM poison")
    assert aside["error"] == "RecursionError"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("time", "2026-02-12T09:00:00"),
        ("time", 1770858000),
        ("time", "9999-12-31T23:59:59-14:00"),
        ("sequence", True),
        ("sequence", 1.0),
        ("sequence", "٣"),
        ("sequence", "1_0"),
        ("sequence", " 1"),
        ("sequence", "01"),
        ("sequence", 0),
    ],
)
def test_an_attribute_that_only_looks_like_one_is_not_taken(attribute: str, value: object) -> None:
    with pytest.raises(ValueError):
        decode(as_bytes(plain("t") | {attribute: value}))


def test_a_record_beyond_the_bound_is_not_parsed() -> None:
    with pytest.raises(ValueError, match="more than"):
        decode(b" " * (MAX_BYTES + 1))
