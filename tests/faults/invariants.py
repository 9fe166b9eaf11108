"""What has to hold after every fault, read straight from the databases and the log, past the code under test.

Each function answers with a list of findings in words; an empty one means that the invariant holds. The numbers are
those of docs/architecture: I1 each committed decision has exactly one entry, I2 no entry without a decision, I3 each
aggregate's sequence is gapless at the sender and at every consumer, I4 what is published stands in the log or can be
published again, I5 a record received is somewhere, I6 timers fire once and never early, I9 the audit chain holds,
I10 nothing is left in outbox and waiting room.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Coroutine
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from zhengling.stack import EmbeddedStack

Rows = list[asyncpg.Record]
#: Which topics each service reads.
READS = {
    "oversight": ("zhengling.meeting.v1", "zhengling.meeting.snapshot.v1", "zhengling.calendar.snapshot.v1"),
    "meeting": ("zhengling.oversight.v1", "zhengling.calendar.snapshot.v1"),
    "calendar": ("zhengling.meeting.snapshot.v1",),
}


async def ask(stack: EmbeddedStack, service: str, statement: str, *values: object) -> Rows:
    """As superuser, past row-level security."""
    url = stack.database_admin_url.rsplit("/", 1)[0] + f"/{service}"
    connection = await asyncpg.connect(url, timeout=10, command_timeout=30)
    try:
        rows: Rows = await connection.fetch(statement, *values)
        return rows
    finally:
        await connection.close(timeout=5)


async def decisions_and_entries(stack: EmbeddedStack) -> list[str]:
    """I1, I2."""
    decisions = Counter(
        row["aggregate_id"]
        for row in await ask(
            stack,
            "meeting",
            "SELECT aggregate_id FROM outbox WHERE event_type = 'zhengling.meeting.decision.adopted.v1'",
        )
    )
    kept = {row["id"] for row in await ask(stack, "meeting", "SELECT id FROM decision")}
    entries = Counter(
        row["source_id"]
        for row in await ask(
            stack, "oversight", "SELECT source_id FROM ledger_entry WHERE source_kind = 'meeting_decision'"
        )
    )
    findings = [f"decision {x} has {entries[x]} entries" for x in kept if entries[x] != 1]
    findings += [f"decision {x} has no event" for x in kept if not decisions[x]]
    findings += [f"entry of {x}, a decision that was never committed" for x in entries if x not in kept]
    numbers = await ask(
        stack, "oversight", "SELECT government, number, count(*) FROM ledger_entry GROUP BY 1, 2 HAVING count(*) > 1"
    )
    return findings + [f"number {row['number']} was given {row['count']} times" for row in numbers]


def _gaps(rows: Rows, what: str) -> list[str]:
    findings = []
    for place, group in groupby(rows, key=lambda row: tuple(row)[:-1]):
        sequences = [row["aggregate_seq"] for row in group]
        if sequences != list(range(1, len(sequences) + 1)):
            findings.append(f"{what} {place}: {sequences}")
    return findings


async def sequences(stack: EmbeddedStack) -> list[str]:
    """I3: sent 1…n; done 1…n by every consumer of ordered events, and its cursor stands at n."""
    findings = []
    for service in stack.services:
        sent = await ask(
            stack, service, "SELECT aggregate_type, aggregate_id, aggregate_seq FROM outbox ORDER BY 1, 2, 3"
        )
        findings += _gaps(sent, f"{service} sent")
        done = await ask(
            stack, service,
            "SELECT consumer, source, aggregate_type, aggregate_id, aggregate_seq FROM inbox"
            " WHERE status IN ('applied', 'ignored', 'discarded') AND topic NOT LIKE '%.snapshot.%' ORDER BY 1, 2, 3, 4, 5",
        )  # fmt: skip
        findings += _gaps(done, f"{service} did")
        wrong = await ask(
            stack, service,
            "SELECT c.aggregate_type, c.aggregate_id, c.last_seq, max(i.aggregate_seq) AS done FROM inbox_cursor c"
            " LEFT JOIN inbox i ON (i.consumer, i.source, i.aggregate_type, i.aggregate_id)"
            " = (c.consumer, c.source, c.aggregate_type, c.aggregate_id)"
            " AND i.status IN ('applied', 'ignored', 'discarded')"
            " GROUP BY c.consumer, c.source, c.aggregate_type, c.aggregate_id"
            " HAVING c.last_seq <> coalesce(max(i.aggregate_seq), 0)",
        )  # fmt: skip
        findings += [
            f"{service}'s cursor of {row['aggregate_id']}: {row['last_seq']}, done {row['done']}" for row in wrong
        ]
    return findings


async def log_of(stack: EmbeddedStack) -> dict[str, list[dict[str, Any]]]:
    """Everything in the broker's log: topic → its CloudEvents, those of an aggregate in the order of their offsets."""
    reader = AIOKafkaConsumer(bootstrap_servers=stack.kafka_bootstrap_servers, fetch_max_wait_ms=20)
    await reader.start()
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        topics = {topic for topic in await reader.topics() if topic.startswith("zhengling.")}
        partitions = [
            TopicPartition(topic, part) for topic in topics for part in reader.partitions_for_topic(topic) or ()
        ]
        reader.assign(partitions)
        await reader.seek_to_beginning(*partitions)
        ends = await reader.end_offsets(partitions)
        left = {partition for partition, end in ends.items() if end}
        while left:
            for partition, records in (await reader.getmany(timeout_ms=1000)).items():
                found.setdefault(partition.topic, []).extend(orjson.loads(record.value) for record in records)
                if records[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
    finally:
        await reader.stop()
    return found


async def log_and_books(stack: EmbeddedStack) -> list[str]:
    """I4, I5: what is in the log was committed and stands in the order of its sequence; every reader has it in its
    books. What is marked as published but missing in the log isn't lost: its row is still there to be sent again."""
    findings = []
    log = await log_of(stack)
    for service in stack.services:
        sent = {row["event_id"] for row in await ask(stack, service, "SELECT event_id::text FROM outbox")}
        for topic in (f"zhengling.{service}.v1", f"zhengling.{service}.snapshot.v1"):
            highest: dict[str, int] = {}
            for event in log.get(topic, []):
                if event["id"] not in sent:
                    findings.append(f"{service} never committed {event['id']}")
                sequence, aggregate = int(event["sequence"]), event["subject"]
                if sequence > highest.get(aggregate, sequence - 1) + 1:
                    findings.append(f"{topic}: seq {sequence} of {aggregate} stands before {highest[aggregate] + 1}")
                highest[aggregate] = max(sequence, highest.get(aggregate, 0))
    for reader in stack.services:
        rows = await ask(stack, reader, "SELECT event_id::text FROM inbox WHERE consumer = $1", reader)
        known = {row["event_id"] for row in rows}
        missing = {event["id"] for topic in READS[reader] for event in log.get(topic, [])} - known
        if missing:
            findings.append(f"{reader} has no trace of {len(missing)} records, one is {missing.pop()}")
    return findings


async def timers(stack: EmbeddedStack) -> list[str]:
    """I6: an entry past its date fell overdue once, none before its time; no generation before the last one fired."""
    early = await ask(stack, "oversight", "SELECT subject_id FROM timer WHERE state = 'fired' AND fired_at < due_at")
    findings = [f"the timer of {row['subject_id']} fired early" for row in early]
    left = await ask(
        stack,
        "oversight",
        "SELECT subject_id FROM timer WHERE state = 'pending' AND due_at < business_now() - interval '1 minute'",
    )
    findings += [f"the timer of {row['subject_id']} didn't fire" for row in left]
    overdue = await ask(
        stack, "oversight",
        "SELECT aggregate_id, count(*) FROM outbox WHERE event_type = 'zhengling.oversight.entry.overdue.v1'"
        " GROUP BY 1 HAVING count(*) > 1",
    )  # fmt: skip
    findings += [f"entry {row['aggregate_id']} fell overdue {row['count']} times" for row in overdue]
    silent = await ask(
        stack, "oversight",
        "SELECT subject_id FROM timer t WHERE state = 'fired' AND kind = 'entry_overdue' AND NOT EXISTS ("
        "SELECT 1 FROM outbox o WHERE o.aggregate_id = t.subject_id AND o.event_type = 'zhengling.oversight.entry.overdue.v1')",
    )  # fmt: skip
    return findings + [f"the timer of {row['subject_id']} fired without effect" for row in silent]


def _row_hash(row: asyncpg.Record) -> bytes:
    content = [str(row["id"]), *(row[name] for name in ("government", "at", "actor", "action", "subject"))]
    details = orjson.loads(row["details"])
    return hashlib.sha256(orjson.dumps([*content, details], option=orjson.OPT_SORT_KEYS)).digest()


async def audit_chain(stack: EmbeddedStack) -> list[str]:
    """I9, by a second hand: each row's hash is its content's, each seal's that of the one before and its rows'."""
    findings = []
    for service in stack.services:
        rows: dict[UUID, asyncpg.Record] = {row["id"]: row for row in await ask(stack, service, "SELECT * FROM audit")}
        findings += [
            f"{service}: audit row {x} was altered" for x, row in rows.items() if _row_hash(row) != row["hash"]
        ]
        seals = await ask(stack, service, "SELECT * FROM audit_seal ORDER BY government, seal")
        for government, group in groupby(seals, key=lambda row: row["government"]):
            previous = bytes(32)
            for number, seal in enumerate(group, start=1):
                hashes = b"".join(rows[x]["hash"] for x in seal["rows"] if x in rows)
                digest = hashlib.sha256(previous + seal["seal"].to_bytes(8, "big") + hashes).digest()
                if (seal["seal"], seal["hash"]) != (number, digest):
                    findings.append(f"{service}: seal {seal['seal']} of {government} is broken")
                previous = seal["hash"]
    return findings


async def nothing_left(stack: EmbeddedStack) -> list[str]:
    """I10, and no event dead: the faults are the machines', not the events'."""
    findings = []
    for service in stack.services:
        for what, statement in (
            ("unpublished", "SELECT event_id, event_type, last_error FROM outbox WHERE published_at IS NULL"),
            ("not applied", "SELECT event_id, event_type, last_error FROM inbox WHERE status IN ('waiting', 'dead')"),
            ("unreadable", "SELECT topic AS event_id, koffset AS event_type, error AS last_error FROM poison"),
        ):
            rows = await ask(stack, service, statement)
            findings += [
                f"{service}: {what}: {row['event_id']} {row['event_type']} {row['last_error']}" for row in rows
            ]
    return findings


INVARIANTS: tuple[Callable[[EmbeddedStack], Coroutine[None, None, list[str]]], ...] = (
    decisions_and_entries, sequences, log_and_books, timers, audit_chain, nothing_left,
)  # fmt: skip


async def findings(stack: EmbeddedStack) -> list[str]:
    """Everything that doesn't hold now."""
    return [finding for invariant in INVARIANTS for finding in await invariant(stack)]
