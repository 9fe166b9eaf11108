"""From a decision's commit to the commit of its ledger entry: time per event under load, and latency without load."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from statistics import median, quantiles

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.pipeline import Bench, Side, at_once, bench, paced, processor
from bench.table import Row

COUNT = int(os.environ.get("BENCH_DECISIONS", "2000"))
ROUNDS = 3
CONCURRENCY = 16
PER_SECOND, SECONDS = 20, 15


async def throughput(parts: Bench, side: Side, count: int = COUNT) -> float:
    """Seconds per decision: from the first decision's commit to the last entry's, divided by their number."""
    entered = await parts.count(side)
    before = set((await parts.moments(side))[0])
    await at_once(side.decide, count, CONCURRENCY)
    await parts.until_entered(side, entered + count)
    decisions, entries = await parts.moments(side)
    fresh = decisions.keys() - before
    return (max(entries[x] for x in fresh) - min(decisions[x] for x in fresh)) / count


async def latencies(parts: Bench, side: Side) -> list[float]:
    """Seconds from a decision's commit to its entry's, for decisions at a steady low rate."""
    entered = await parts.count(side)
    before = set((await parts.moments(side))[0])
    count = PER_SECOND * SECONDS
    await paced(side.decide, count, PER_SECOND)
    await parts.until_entered(side, entered + count)
    decisions, entries = await parts.moments(side)
    return [entries[x] - decisions[x] for x in decisions.keys() - before]


async def plain(bootstrap_servers: str) -> tuple[float, float]:
    """Send and receive only: seconds per event at full speed, and the median latency in seconds at 20 per second."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic("plain", 6, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    consumer = AIOKafkaConsumer(
        "plain", bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", fetch_max_wait_ms=20
    )
    loop, value = asyncio.get_running_loop(), b"x" * 1000
    sent: list[float] = []
    received: list[float] = []

    async def receive(count: int) -> None:
        while len(received) < count:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                received.extend([loop.time()] * len(records))

    async def send() -> None:
        sent.append(loop.time())
        await producer.send_and_wait("plain", key=b"%d" % len(sent), value=value)

    await producer.start()
    await consumer.start()
    try:
        await asyncio.gather(paced(send, 100, PER_SECOND), receive(100))
        latency = median(sorted(b - a for a, b in zip(sent, received, strict=True)))
        sent, received = [], []
        await asyncio.gather(at_once(send, COUNT, CONCURRENCY), receive(COUNT))
        return (received[-1] - sent[0]) / COUNT, latency
    finally:
        await consumer.stop()
        await producer.stop()


async def run() -> list[Row]:
    async with bench() as parts:
        per_event: dict[str, list[float]] = {}
        commits: dict[str, list[float]] = {}
        waits: dict[str, list[float]] = {}
        burnt: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for _ in range(ROUNDS):
            for side in parts.sides:
                await asyncio.to_thread(side.start)
                try:
                    await throughput(parts, side, 100)  # connections, caches, code
                    done, spent = await parts.commits(side), processor(parts, side)
                    per_event.setdefault(side.name, []).append(await throughput(parts, side))
                    for who, seconds in processor(parts, side).items():
                        burnt[side.name][who].append((seconds - spent.get(who, 0.0)) / COUNT)
                    commits.setdefault(side.name, []).append((await parts.commits(side) - done) / COUNT)
                    waits.setdefault(side.name, []).extend(await latencies(parts, side))
                finally:
                    await asyncio.to_thread(side.stop)
        sent, latency = await plain(parts.broker.bootstrap_servers)
        broker = getattr(parts.broker, "name", "")
    floor, ours = parts.floor.name, parts.ours.name
    p99 = {name: quantiles(sorted(found), n=100)[98] for name, found in waits.items()}
    cpu = {side: {who: median(each) for who, each in whose.items()} for side, whose in burnt.items()}
    spread = ", ".join(f"{x * 1e3:.2f}" for x in per_event[ours])
    return [
        Row(
            f"time per decision, {CONCURRENCY} writers, {COUNT} decisions",
            median(per_event[ours]) * 1e3, "ms", median(per_event[floor]) * 1e3, f"floor on {broker}", 3,
            f"{1 / median(per_event[ours]):.0f}/s and {1 / median(per_event[floor]):.0f}/s; rounds {spread}",
        ),
        Row(
            f"latency p50 at {PER_SECOND}/s", median(waits[ours]) * 1e3, "ms", median(waits[floor]) * 1e3, "floor", 3,
        ),
        Row(f"latency p99 at {PER_SECOND}/s", p99[ours] * 1e3, "ms", p99[floor] * 1e3, "floor"),
        Row("commits per decision", median(commits[ours]), "", median(commits[floor]), "floor"),
        Row("processor time per decision", sum(cpu[ours].values()) * 1e3, "ms", sum(cpu[floor].values()) * 1e3, "floor"),
        *(
            Row(f"— of it {who}", seconds * 1e3, "ms", cpu[floor].get(who, 0.0) * 1e3 or None, "floor")
            for who, seconds in cpu[ours].items()
        ),
        Row("plain send and receive, per event", sent * 1e3, "ms", note="aiokafka alone, for information"),
        Row(f"plain send and receive, p50 at {PER_SECOND}/s", latency * 1e3, "ms", note="for information"),
    ]  # fmt: skip
