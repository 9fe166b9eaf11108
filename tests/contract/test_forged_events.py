"""A plain Kafka client, on a broker that lets it in, forges a decision: whoever reads it finds out, and raises an alarm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests import sixth
from tests.caller import Caller, code_of
from zhengling.events.cloudevents import Envelope
from zhengling.events.event import Event
from zhengling.events.meeting import DecisionAdopted, Resolution, Unit
from zhengling.local.stack import EmbeddedStack

MEETING, OVERSIGHT = "/zhengling/meeting-svc", "/zhengling/oversight-svc"
REASON = {"reason": "the entry was revoked, the client's address is closed"}
#: As if the next report were due, and everything received so far old enough for it.
REPORT_NOW = "UPDATE reconciliation SET reported_at = 'epoch', received_until = received_until - $1::interval"
MADE_OLDER = "UPDATE inbox SET received_at = received_at - $1::interval WHERE event_id = $2"
AN_HOUR = timedelta(hours=1)


@pytest.fixture
async def books(stack: EmbeddedStack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database_admin_url, database="oversight")
    yield connection
    await connection.close()


def decision(title: str) -> DecisionAdopted:
    unit, now = Unit(code="lh-water", name="县水务局"), datetime.now(UTC)
    return DecisionAdopted(
        decision_id=f"forged-{uuid4()}", meeting_id="m1", meeting_kind="weekly", meeting_title="周例会",
        meeting_clause="LH-5", edition=sixth.EDITION, signed_at=now, recorded_at=now,
        resolution=Resolution(
            decision_id="d", topic_id="t1", number=1, title=title, sponsor=unit, outcome="passed", task="拨付", lead=unit
        ),
    )  # fmt: skip


async def forge(stack: EmbeddedStack, event: Event, *, source: str = MEETING, topic: str | None = None) -> str:
    """Write the event to its topic as any client can that the broker lets in. Returns its id."""
    envelope = Envelope(
        id=str(uuid4()), source=source, type=event.type, subject=event.aggregate_id, time=datetime.now(UTC),
        government=sixth.CODE, aggregatetype=event.aggregate, sequence=1, data=orjson.loads(event.model_dump_json()),
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap_servers)
    await producer.start()
    try:
        await producer.send_and_wait(topic or event.kafka_topic(), envelope.encode(), key=envelope.subject.encode())
    finally:
        await producer.stop()
    return envelope.id


async def until(books: asyncpg.Connection, statement: str, *values: object) -> asyncpg.Record:
    async with asyncio.timeout(60):
        while not (row := await books.fetchrow(statement, *values)):
            await asyncio.sleep(0.2)
    return row


async def alarms(caller: Caller, **params: str) -> dict[str, Any]:
    answer = await caller.get("oversight", "/v1/events/denied", params={"limit": "200"} | params)
    assert answer.status_code == 200, answer.text
    return {item["event_id"]: item for item in answer.json()["items"]}


async def test_a_forged_decision_is_denied_by_its_sender_and_its_alarm_is_closed_by_two_persons(
    stack: EmbeddedStack, caller: Caller, books: asyncpg.Connection
) -> None:
    title = f"伪造的决定 {uuid4()}"
    event = decision(title)
    forged = await forge(stack, event)
    row = await until(books, "SELECT status FROM inbox WHERE event_id = $1 AND status = 'applied'", forged)
    assert row["status"] == "applied", "nothing in it shows that meeting-svc didn't send it"
    assert forged not in await alarms(caller)
    await books.execute(MADE_OLDER, AN_HOUR, forged)
    await books.execute(REPORT_NOW, 2 * AN_HOUR)
    await until(books, "SELECT 1 FROM denied_event WHERE event_id = $1", forged)

    found = (await alarms(caller))[forged]
    assert (found["source"], found["event_type"], found["aggregate_id"]) == (MEETING, event.type, event.aggregate_id)
    assert (found["event_status"], found["reason"], found["status"]) == ("applied", "never_emitted", "open")
    assert (found["topic"], found["offset"] >= 0) == ("zhengling.meeting.v1", True)
    genuine = await books.fetchval(
        "SELECT count(*) FROM denied_event WHERE event_id <> $1 AND reason <> 'never_emitted'", forged
    )
    assert genuine == 0
    await metric(stack, 1)

    path = f"/v1/events/denied/{forged}/discard"
    assert code_of(await caller.post("oversight", path, json=REASON, scopes=["oversight:read"]))[0] == 403
    asked = await caller.post("oversight", path, json=REASON, by="one-person")
    assert (asked.status_code, asked.json()["status"]) == (202, "awaiting_second_person")
    assert code_of(await caller.post("oversight", path, json=REASON, by="one-person")) == (409, "second_person_needed")
    done = await caller.post("oversight", path, json=REASON, by="another-person")
    assert (done.status_code, done.json()["status"]) == (202, "discarded")
    assert code_of(await caller.post("oversight", path, json=REASON)) == (409, "denied_event_is_discarded")
    assert code_of(await caller.post("oversight", f"/v1/events/denied/{uuid4()}/discard", json=REASON)) == (
        404, "denied_event_not_found",
    )  # fmt: skip
    assert forged not in await alarms(caller)
    assert (await alarms(caller, status="discarded"))[forged]["discard_reason"] == REASON["reason"]


async def test_a_decision_whose_number_a_forged_one_took_is_applied_once_that_ones_alarm_is_closed(
    stack: EmbeddedStack, caller: Caller, books: asyncpg.Connection
) -> None:
    false = decision(f"伪造的决定 {uuid4()}")
    true = false.model_copy(update={"resolution": false.resolution.model_copy(update={"title": "真实的决定"})})
    taker, displaced = await forge(stack, false), await forge(stack, true)
    await until(books, "SELECT 1 FROM inbox WHERE event_id = $1 AND collides_with = $2", displaced, taker)
    retried = await caller.post("oversight", f"/v1/events/{displaced}/retry", json={})
    assert code_of(retried) == (409, "event_collides")
    await books.execute(
        "INSERT INTO denied_event (consumer, event_id, government, reason) VALUES ('oversight', $1, $2, 'never_emitted')",
        taker, sixth.CODE,
    )  # fmt: skip
    for person in ("one-person", "another-person"):
        await caller.post("oversight", f"/v1/events/denied/{taker}/discard", json=REASON, by=person)
    # The forged one opened an entry for the decision, so it is up to the handler what becomes of the genuine one.
    await until(
        books, "SELECT 1 FROM inbox WHERE event_id = $1 AND status IN ('applied', 'dead') "
        "AND coalesce(last_error, '') NOT LIKE 'SequenceCollision%'", displaced,
    )  # fmt: skip


async def metric(stack: EmbeddedStack, least: int) -> None:
    worker = next(process for name, process in stack.processes.items() if name.startswith("oversight-worker"))
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
        while True:
            lines = (await client.get(worker.metrics_url)).text.splitlines()
            found = [line for line in lines if line.startswith('zhengling_inbox_events{state="denied"}')]
            if found and float(found[0].split()[1]) >= least:
                return
            await asyncio.sleep(0.5)


@pytest.mark.parametrize(
    ("source", "topic", "why"),
    [
        (OVERSIGHT, None, "the source doesn't own the topic"),
        ("whoever", None, "the source doesn't own the topic"),
        (MEETING, "zhengling.calendar.v1", "the topic isn't that of the event's type"),
        (MEETING, "zhengling.meeting.snapshot.v1", "the topic isn't that of the event's type"),
    ],
)
async def test_a_decision_of_another_source_or_on_another_topic_is_set_aside_as_unreadable(
    stack: EmbeddedStack, books: asyncpg.Connection, source: str, topic: str | None, why: str
) -> None:
    event = decision("伪造的决定")
    forged = await forge(stack, event, source=source, topic=topic)
    poison = "SELECT id, error FROM poison WHERE position(convert_to($1, 'UTF8') IN raw) > 0"
    row = await until(books, poison, forged)
    assert row["error"] == why
    assert await books.fetchval("SELECT count(*) FROM inbox WHERE event_id = $1", forged) == 0
    assert await books.fetchval("SELECT count(*) FROM ledger_entry WHERE source_id = $1", event.decision_id) == 0
    await books.execute("DELETE FROM poison WHERE id = $1", row["id"])
