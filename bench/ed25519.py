"""What signing every event would cost: an Ed25519 signature by the sender and its verification by each reader, beside what an
event costs today (`make bench NAMES=decisions`) and beside the digest by which a sender confirms what was received.

Measured on a decision as meeting-svc emits it. Processor time of this thread; wall time is in the notes: nothing waits here, so
it differs only by what else the machine does. Decision 0022.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter, thread_time
from uuid import uuid4

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.table import Row
from zhengling.events.cloudevents import Envelope, decode, digest_of
from zhengling.events.meeting import DecisionAdopted, Resolution, Unit

EVENTS, ROUNDS = 2_000, 11
#: Processor time per decision, from its command to its ledger entry (docs/architecture/reliability.md), in µs.
PIPELINE = 3_560.0
READERS = 2  # of a decision: docflow and oversight


def envelope() -> Envelope:
    unit, now = Unit(code="zjj", name="区住房和城乡建设局"), datetime.now(UTC)
    event = DecisionAdopted(
        decision_id=str(uuid4()), meeting_id=str(uuid4()), meeting_kind="executive", meeting_title="区政府常务会议",
        meeting_clause="ST-38", edition="2022-11-02", signed_at=now, recorded_at=now,
        resolution=Resolution(
            decision_id="d", topic_id="t", number=1, title="关于老旧小区改造资金安排的请示", sponsor=unit, outcome="passed",
            task="按程序拨付并组织实施，每月报送进度", lead=unit, co_units=(unit, unit),
        ),
    )  # fmt: skip
    return Envelope(
        id=str(uuid4()), source="/zhengling/meeting-svc", type=event.type, subject=event.decision_id, time=now,
        government="shuangtaizi", aggregatetype=event.aggregate, sequence=1, data=orjson.loads(event.model_dump_json()),
    )  # fmt: skip


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Processor and wall time of one call, in µs: medians of the rounds."""
    processor, wall = [], []
    for _ in range(ROUNDS):
        began, began_wall = thread_time(), perf_counter()
        for _ in range(EVENTS):
            work()
        processor.append((thread_time() - began) / EVENTS * 1e6)
        wall.append((perf_counter() - began_wall) / EVENTS * 1e6)
    return median(processor), median(wall)


async def run() -> list[Row]:
    event, key = envelope(), Ed25519PrivateKey.generate()
    public, raw = key.public_key(), event.encode()
    digest = digest_of(event)
    signature = key.sign(digest)
    costs = {
        "encode an event for the wire": measured(event.encode),
        "decode it": measured(lambda: decode(raw)),
        "digest of its content": measured(lambda: digest_of(event)),
        "sign the digest": measured(lambda: key.sign(digest)),
        "verify the signature": measured(lambda: public.verify(signature, digest)),
    }
    rows = [
        Row(what, cpu, "µs", PIPELINE, "a decision today, processor", note=f"wall {wall:.1f} µs")
        for what, (cpu, wall) in costs.items()
    ]
    signing = [
        costs["sign the digest"][n]
        + READERS * costs["verify the signature"][n]
        + (1 + READERS) * costs["digest of its content"][n]
        for n in (0, 1)
    ]
    confirming = [(1 + READERS) * costs["digest of its content"][n] for n in (0, 1)]
    for what, (cpu, wall) in (
        (f"signing a decision with {READERS} readers, in all", signing),
        ("what the digests of reports cost instead", confirming),
    ):
        rows.append(Row(what, cpu, "µs", PIPELINE, "a decision today, processor", note=f"wall {wall:.1f} µs"))
    return rows
