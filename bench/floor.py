"""The floor: a minimal implementation from a decision to its ledger entry and back, with raw SQL and plain aiokafka.

It commits as often as Zhengling: once per decision; once per eight lanes and pass of a relay; once per poll of a consumer,
before its offsets. Each row is one statement. It has no ordering checks, tenancy, audit, rulebook, due dates, nor any fault
tolerance beyond outbox and inbox.

`python -m bench.floor meeting|oversight DATABASE_URL BOOTSTRAP_SERVERS INSTANCE` runs one of its workers.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import zlib
from contextlib import suppress
from itertools import chain
from uuid import uuid4

import asyncpg
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

LANES, LANES_AT_ONCE = 16, 8
PARTITIONS = 6
TOPICS = {"meeting": "floor.meeting", "oversight": "floor.oversight"}
#: Both services' tables; each service has its own database and uses its part.
TABLES = """
    CREATE TABLE decision (id text PRIMARY KEY, content jsonb NOT NULL);
    CREATE TABLE standing (decision text PRIMARY KEY, number bigint NOT NULL);
    CREATE TABLE entry (id uuid PRIMARY KEY, number bigint NOT NULL, source_id text UNIQUE NOT NULL, content jsonb NOT NULL);
    CREATE SEQUENCE entry_number;
    CREATE TABLE outbox (
        pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid UNIQUE NOT NULL, lane smallint NOT NULL,
        key text NOT NULL, payload jsonb NOT NULL, published_at timestamptz);
    CREATE INDEX outbox_unpublished ON outbox (lane, pos) WHERE published_at IS NULL;
    CREATE TABLE outbox_lane (lane smallint PRIMARY KEY);
    INSERT INTO outbox_lane SELECT generate_series(0, 15);
    CREATE TABLE inbox (event_id uuid PRIMARY KEY, received_at timestamptz NOT NULL DEFAULT clock_timestamp());
"""
EMIT = "INSERT INTO outbox (event_id, lane, key, payload) VALUES ($1, $2, $3, $4)"
RECEIVE = "INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1"


async def emit(connection: asyncpg.Connection, key: str, payload: dict[str, object]) -> None:
    identity = uuid4()
    lane = zlib.crc32(key.encode()) % LANES
    content = orjson.dumps(payload | {"event_id": str(identity)}).decode()
    await connection.execute(EMIT, identity, lane, key, content)
    await connection.execute("NOTIFY outbox")


async def decide(connection: asyncpg.Connection, identity: str, content: dict[str, object]) -> None:
    """Insert a decision and its event in the caller's transaction."""
    await connection.execute("INSERT INTO decision VALUES ($1, $2)", identity, orjson.dumps(content).decode())
    await emit(connection, identity, content | {"id": identity})


async def relay(pool: asyncpg.Pool, producer: AIOKafkaProducer, topic: str) -> None:
    wake = asyncio.Event()
    async with pool.acquire() as listener:
        await listener.add_listener("outbox", lambda *_: wake.set())
        while True:
            wake.clear()
            lanes = await pool.fetch("SELECT DISTINCT lane FROM outbox WHERE published_at IS NULL")
            for first in range(0, len(lanes), LANES_AT_ONCE):
                async with pool.acquire() as connection, connection.transaction():
                    some = [row["lane"] for row in lanes[first : first + LANES_AT_ONCE]]
                    await publish(connection, producer, topic, some)
            if not lanes:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), 1.0)


async def publish(connection: asyncpg.Connection, producer: AIOKafkaProducer, topic: str, lanes: list[int]) -> None:
    taken = await connection.fetch("SELECT lane FROM outbox_lane WHERE lane = ANY($1) FOR UPDATE SKIP LOCKED", lanes)
    rows = await connection.fetch(
        "SELECT pos, key, payload FROM outbox WHERE lane = ANY($1) AND published_at IS NULL ORDER BY pos LIMIT 500",
        [row["lane"] for row in taken],
    )
    await asyncio.gather(
        *[await producer.send(topic, key=row["key"].encode(), value=row["payload"].encode()) for row in rows]
    )
    await connection.execute(
        "UPDATE outbox SET published_at = clock_timestamp() WHERE pos = ANY($1)", [row["pos"] for row in rows]
    )


async def consume(pool: asyncpg.Pool, consumer: AIOKafkaConsumer, service: str) -> None:
    while True:
        if not (batches := await consumer.getmany(timeout_ms=1000, max_records=200)):
            continue
        async with pool.acquire() as connection, connection.transaction():
            for record in chain.from_iterable(batches.values()):
                event = orjson.loads(record.value)
                if await connection.fetchval(RECEIVE, event["event_id"]):
                    await HANDLERS[service](connection, event)
        await consumer.commit({partition: records[-1].offset + 1 for partition, records in batches.items()})


async def open_entry(connection: asyncpg.Connection, event: dict[str, object]) -> None:
    identity = uuid4()
    number = await connection.fetchval(
        "INSERT INTO entry VALUES ($1, nextval('entry_number'), $2, $3) RETURNING number",
        identity,
        event["id"],
        orjson.dumps(event).decode(),
    )
    await emit(connection, str(identity), {"decision": event["id"], "number": number})


async def note_number(connection: asyncpg.Connection, event: dict[str, object]) -> None:
    await connection.execute("INSERT INTO standing VALUES ($1, $2)", event["decision"], event["number"])


HANDLERS = {"meeting": note_number, "oversight": open_entry}


async def work(service: str, url: str, bootstrap_servers: str, instance: str) -> None:
    """Run one worker (relay and consumer concurrently) until SIGTERM."""
    other = "oversight" if service == "meeting" else "meeting"
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    consumer = AIOKafkaConsumer(
        TOPICS[other],
        bootstrap_servers=bootstrap_servers,
        group_id=f"floor-{service}",
        group_instance_id=f"floor-{instance}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    async with asyncpg.create_pool(url, min_size=3, max_size=6) as pool:
        await producer.start()
        await consumer.start()
        tasks = [
            asyncio.create_task(relay(pool, producer, TOPICS[service])),
            asyncio.create_task(consume(pool, consumer, service)),
        ]
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        print("ready", flush=True)
        await asyncio.wait([asyncio.create_task(stop.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
        await consumer.stop()
        await producer.stop()


if __name__ == "__main__":
    uvloop.run(work(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4]))
