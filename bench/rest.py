"""What a stack costs that nobody uses: processor time and memory of each process, on both brokers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import psutil

from bench.table import Row
from tests.broker import LIBRARIES
from zhengling.local.apache_kafka import ApacheKafka
from zhengling.local.broker import Broker, EmbeddedBroker
from zhengling.local.processes import ChildProcess
from zhengling.local.stack import EmbeddedStack

ROOT = Path(__file__).resolve().parents[1]
SETTLED = 60.0
"""Seconds after which what is done once at the start is over."""
WATCHED = float(os.environ.get("BENCH_REST", "120"))
BROKERS: dict[str, Callable[[Path], Broker]] = {
    "embedded broker": EmbeddedBroker,
    "Apache Kafka": partial(ApacheKafka, libraries=LIBRARIES),
}


def spent(process: psutil.Process) -> tuple[float, int]:
    """Seconds of processor time of a process and its children, and their bytes of memory. Memory that several share (a
    server's buffers) counts once."""
    members = [process, *process.children(recursive=True)]
    seconds, own = 0.0, 0
    for member in members:
        try:
            times, memory = member.cpu_times(), member.memory_full_info()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
        own += memory.pss
    return seconds, own


def _nodes(broker: Broker) -> Sequence[ChildProcess]:
    if isinstance(broker, ApacheKafka):
        return broker.nodes
    assert isinstance(broker, EmbeddedBroker)
    return [broker]


async def rest(broker: Callable[[Path], Broker]) -> dict[str, tuple[float, float]]:
    """Part of the stack → percent of a core at rest, and mebibytes."""
    with EmbeddedStack(rulebooks=[ROOT / "rulebooks"], broker=broker) as stack:
        assert stack.postgres and stack.broker
        parts = {
            "PostgreSQL": [stack.postgres.pid],
            "broker": [node.pid for node in _nodes(stack.broker)],
            "four APIs": [each.pid for name, each in stack.processes.items() if "-api-" in name],
            "four workers": [each.pid for name, each in stack.processes.items() if "-worker-" in name],
        }
        await asyncio.sleep(SETTLED)
        before = {name: [spent(psutil.Process(pid)) for pid in pids] for name, pids in parts.items()}
        await asyncio.sleep(WATCHED)
        after = {name: [spent(psutil.Process(pid)) for pid in pids] for name, pids in parts.items()}
    return {
        name: (
            100 * sum(now[0] - then[0] for now, then in zip(after[name], before[name], strict=True)) / WATCHED,
            sum(memory for _, memory in after[name]) / 2**20,
        )
        for name in parts
    }


async def run() -> list[Row]:
    rows = []
    for broker, start in BROKERS.items():
        found = await rest(start)
        for name, (percent, memory) in found.items():
            rows.append(Row(f"{name}, {broker}", percent, "% of a core", note=f"{memory:.0f} MiB"))
        rows.append(Row(f"all, {broker}", sum(percent for percent, _ in found.values()), "% of a core"))
    return rows
