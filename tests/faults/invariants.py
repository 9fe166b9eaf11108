"""What has to hold after every fault, read straight from the databases and the log, past the code under test.

Each answers with a list of findings in words; an empty one means that the invariant holds. The numbers are those of
docs/architecture: I1 each committed decision has exactly one entry, I2 no entry without a decision, I3 each aggregate's
sequence is gapless at the sender and at every consumer, and applied in its order, I4 what is published stands in the
log or can be published again, I5 a record received is somewhere, I6 timers fire once and never early, I7 one key has one
answer and one effect, I8 a stale ETag never writes, I9 the audit chain holds, I10 nothing is left in outbox and waiting
room, I11 no secret text in logs, metrics or dead letters.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from zhengling.local.stack import EmbeddedStack

Rows = list[asyncpg.Record]
_OF_ALL = ("zhengling.backbone.v1", "zhengling.backbone.snapshot.v1")
#: Which topics each service reads.
READS = {
    "oversight": ("zhengling.meeting.v1", "zhengling.meeting.snapshot.v1", "zhengling.calendar.snapshot.v1", *_OF_ALL),
    "meeting": ("zhengling.oversight.v1", "zhengling.calendar.snapshot.v1", *_OF_ALL),
    "calendar": ("zhengling.meeting.snapshot.v1", *_OF_ALL),
}
DECIDED = "zhengling.meeting.decision.adopted.v1"
OVERDUE = "zhengling.oversight.entry.overdue.v1"
_DONE = "status IN ('applied', 'ignored', 'discarded') AND topic NOT LIKE '%.snapshot.%'"


async def ask(stack: EmbeddedStack, service: str, statement: str, *values: object) -> Rows:
    """As superuser, past row-level security."""
    url = stack.database_admin_url.rsplit("/", 1)[0] + f"/{service}"
    connection = await asyncpg.connect(url, timeout=30, command_timeout=120)
    try:
        rows: Rows = await connection.fetch(statement, *values)
        return rows
    finally:
        await connection.close(timeout=5)


async def partitions_of(stack: EmbeddedStack) -> list[TopicPartition]:
    """Every partition of our topics that there are now."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap_servers)
    try:
        await admin.start()
        topics = [topic for topic in await admin.list_topics() if topic.startswith("zhengling.")]
        found = await admin.describe_topics(topics) if topics else []
        return [TopicPartition(topic["topic"], part["partition"]) for topic in found for part in topic["partitions"]]
    finally:
        await admin.close()


@dataclass(frozen=True)
class Attempt:
    """One answer that a client got: which key and version it sent, the version it knew of then, what came back."""

    government: str
    key: str
    if_match: int | None
    known: int
    status: int
    version: int | None
    replayed: bool


class Books:
    """Everything that is needed to judge a stack. It remembers how far it has read log and log files, so that a look
    costs what is new; what it once found missing stays under watch until it is found."""

    def __init__(self, stack: EmbeddedStack, secrets: set[str]) -> None:
        self.stack = stack
        self.secrets = secrets
        self.attempts: list[Attempt] = []
        self.garbage: set[bytes] = set()  # values that were put into the log on purpose and can't be read
        self.records = 0
        self.duplicates = 0
        self._log_files: dict[Path, int] = {}
        self._leaks: list[str] = []
        self.forget_the_log()

    def forget_the_log(self) -> None:
        """The broker has lost it and begins a new one."""
        self._position: dict[TopicPartition, int] = {}
        self._highest: dict[tuple[str, str, str], int] = {}
        self._seen: set[UUID] = set()
        self._unsent: dict[str, set[UUID]] = defaultdict(set)  # sender → records not yet found in its outbox
        self._untaken: dict[str, set[UUID]] = defaultdict(set)  # reader → records not yet found in its inbox
        self._unread: dict[str, set[bytes]] = defaultdict(set)  # reader → garbage not yet found in its poison table
        self._disorder: list[str] = []

    def forget_what_is_open(self) -> None:
        """What was found missing so far is known; from here on only what is new counts."""
        for found in (self._unsent, self._untaken, self._unread):
            found.clear()
        self._disorder.clear()

    async def findings(self) -> list[str]:
        """Everything that doesn't hold now."""
        await self.read_log()
        invariants = (
            self.decisions_and_entries, self.sequences, self.log_and_books, self.timers, self.commands, self.audit_chain,
            self.nothing_left, self.no_secrets,
        )  # fmt: skip
        return [finding for invariant in invariants for finding in await invariant()]

    async def ask(self, service: str, statement: str, *values: object) -> Rows:
        return await ask(self.stack, service, statement, *values)

    async def read_log(self) -> None:
        """Take in what the log has beyond the last look."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.stack.kafka_bootstrap_servers, fetch_max_wait_ms=20)
        try:
            async with asyncio.timeout(120):
                await reader.start()
                partitions = await partitions_of(self.stack)
                if not partitions:
                    return
                reader.assign(partitions)
                ends = await reader.end_offsets(partitions)
                for partition in partitions:
                    reader.seek(partition, self._position.get(partition, 0))
                while any(self._position.get(partition, 0) < end for partition, end in ends.items()):
                    for partition, records in (await reader.getmany(timeout_ms=500)).items():
                        for record in records:
                            self._take_in(partition.topic, record.value)
                        self._position[partition] = records[-1].offset + 1
        finally:
            await reader.stop()

    def _take_in(self, topic: str, value: bytes) -> None:
        if value in self.garbage:
            for reader, read in READS.items():
                if topic in read:
                    self._unread[reader].add(value)
            return
        self.records += 1
        event: dict[str, Any] = orjson.loads(value)
        identity, sequence = UUID(event["id"]), int(event["sequence"])
        aggregate = (topic, event["aggregatetype"], event["subject"])
        highest = self._highest.get(aggregate, 0)
        if highest and sequence > highest + 1:
            self._disorder.append(f"{topic}: seq {sequence} of {event['subject']} stands before {highest + 1}")
        self._highest[aggregate] = max(sequence, highest)
        if identity in self._seen:
            self.duplicates += 1
            return
        self._seen.add(identity)
        self._unsent[event["source"].removeprefix("/zhengling/").removesuffix("-svc")].add(identity)
        for reader, read in READS.items():
            if topic in read:
                self._untaken[reader].add(identity)

    async def decisions_and_entries(self) -> list[str]:
        """I1, I2."""
        sent = {
            row[0]
            for row in await self.ask("meeting", f"SELECT aggregate_id FROM outbox WHERE event_type = '{DECIDED}'")
        }
        kept = {row[0] for row in await self.ask("meeting", "SELECT id FROM decision")}
        entries = Counter(
            row[0]
            for row in await self.ask(
                "oversight", "SELECT source_id FROM ledger_entry WHERE source_kind = 'meeting_decision'"
            )
        )
        findings = [f"decision {x} has {entries[x]} entries" for x in kept if entries[x] != 1]
        findings += [f"decision {x} has no event" for x in kept - sent]
        findings += [f"entry of {x}, a decision that was never committed" for x in entries.keys() - kept]
        numbers = await self.ask(
            "oversight", "SELECT government, number, count(*) FROM ledger_entry GROUP BY 1, 2 HAVING count(*) > 1"
        )
        return findings + [f"number {row['number']} was given {row['count']} times" for row in numbers]

    async def sequences(self) -> list[str]:
        """I3: sent 1…n; done 1…n by every consumer of ordered events, one after the other, and its cursor stands at n."""
        findings = []
        for service in self.stack.services:
            for what, group, table in (
                ("sent", "aggregate_type, aggregate_id", "outbox"),
                ("did", "consumer, source, aggregate_type, aggregate_id", f"inbox WHERE {_DONE}"),
            ):
                gaps = await self.ask(
                    service,
                    f"SELECT {group}, array_agg(aggregate_seq ORDER BY aggregate_seq) AS found FROM {table} GROUP BY {group}"
                    " HAVING min(aggregate_seq) <> 1 OR max(aggregate_seq) <> count(*)"
                    " OR count(DISTINCT aggregate_seq) <> count(*)",
                )  # fmt: skip
                findings += [f"{service} {what} {row['aggregate_id']}: {row['found']}" for row in gaps]
            overtaken = await self.ask(
                service,
                "SELECT aggregate_id, aggregate_seq FROM (SELECT aggregate_id, aggregate_seq, applied_at, lag(applied_at)"
                " OVER (PARTITION BY consumer, source, aggregate_type, aggregate_id ORDER BY aggregate_seq) AS before"
                f" FROM inbox WHERE {_DONE}) AS steps WHERE applied_at < before",
            )  # fmt: skip
            findings += [f"{service} did {row[0]} seq {row[1]} before the one before it" for row in overtaken]
            wrong = await self.ask(
                service,
                "SELECT c.aggregate_id, c.last_seq, max(i.aggregate_seq) AS done FROM inbox_cursor c"
                " LEFT JOIN inbox i ON (i.consumer, i.source, i.aggregate_type, i.aggregate_id)"
                " = (c.consumer, c.source, c.aggregate_type, c.aggregate_id)"
                " AND i.status IN ('applied', 'ignored', 'discarded')"
                " GROUP BY c.consumer, c.source, c.aggregate_type, c.aggregate_id"
                " HAVING c.last_seq <> coalesce(max(i.aggregate_seq), 0)",
            )  # fmt: skip
            findings += [f"{service}'s cursor of {row[0]}: {row[1]}, done {row[2]}" for row in wrong]
        return findings

    async def log_and_books(self) -> list[str]:
        """I4, I5: what is in the log was committed and stands in the order of its sequence; every reader has it in its
        books. What is marked as published but missing in the log isn't lost: its row is still there to be sent again."""
        findings = list(self._disorder)
        for service, identities in self._unsent.items():
            rows = await self.ask(service, "SELECT event_id FROM outbox WHERE event_id = ANY($1)", list(identities))
            identities.difference_update(row[0] for row in rows)
            findings += [f"{service} never committed {identity}" for identity in identities]
        for reader, identities in self._untaken.items():
            rows = await self.ask(
                reader,
                "SELECT event_id FROM inbox WHERE consumer = $1 AND event_id = ANY($2)",
                reader,
                list(identities),
            )
            identities.difference_update(row[0] for row in rows)
            if identities:
                one = next(iter(identities))
                findings.append(f"{reader} has no trace of {len(identities)} records, one is {one}")
        for reader, values in self._unread.items():
            rows = await self.ask(reader, "SELECT raw FROM poison WHERE consumer = $1", reader)
            values.difference_update(row[0] for row in rows)
            findings += [f"{reader} has no trace of {value!r}" for value in values]
        return findings

    async def timers(self) -> list[str]:
        """I6: an entry past its date fell overdue once, none before its time; a timer that fired did something: the entry fell
        overdue, one of its clocks passed, or a rung of its ladder was taken."""
        early = await self.ask("oversight", "SELECT subject_id FROM timer WHERE state = 'fired' AND fired_at < due_at")
        findings = [f"the timer of {row['subject_id']} fired early" for row in early]
        left = await self.ask(
            "oversight",
            "SELECT subject_id FROM timer WHERE state = 'pending' AND due_at < business_now() - interval '1 minute'",
        )
        findings += [f"the timer of {row['subject_id']} didn't fire" for row in left]
        overdue = await self.ask(
            "oversight",
            f"SELECT aggregate_id, count(*) FROM outbox WHERE event_type = '{OVERDUE}' GROUP BY 1 HAVING count(*) > 1",
        )
        findings += [f"entry {row['aggregate_id']} fell overdue {row['count']} times" for row in overdue]
        silent = await self.ask(
            "oversight",
            "SELECT subject_id FROM timer t WHERE state = 'fired' AND kind = 'entry_overdue' AND NOT EXISTS ("
            f"SELECT 1 FROM outbox o WHERE o.aggregate_id = t.subject_id AND o.event_type = '{OVERDUE}') AND NOT EXISTS ("
            "SELECT 1 FROM deadline d WHERE d.subject_id = t.subject_id AND d.passed_at IS NOT NULL) AND NOT EXISTS ("
            "SELECT 1 FROM pressure p WHERE p.entry_id = t.subject_id)",
        )
        late = await self.ask(
            "oversight",
            "SELECT id FROM ledger_entry WHERE due_at < business_now() - interval '1 minute' AND overdue_at IS NULL "
            "AND met_at IS NULL AND NOT suspended AND state NOT IN ('closed', 'revoked', 'merged')",
        )
        findings += [f"entry {row['id']} is past its date and not overdue" for row in late]
        return findings + [f"the timer of {row['subject_id']} fired without effect" for row in silent]

    async def commands(self) -> list[str]:
        """I7, I8, on the one thing that all clients of a government change: its composition, whose version each of them
        has to know. So n versions are n keys, n audit rows, n events and n first answers, and no two of them alike."""
        governments = sorted({attempt.government for attempt in self.attempts})
        found = await self.ask(
            "meeting",
            "SELECT g, (SELECT version FROM composition WHERE government = g) AS version,"
            " (SELECT count(*) FROM idempotency_key WHERE government = g AND route LIKE 'PUT /v1/composition%') AS keys,"
            " (SELECT count(*) FROM audit WHERE government = g AND action = 'load_composition') AS audited,"
            " (SELECT count(*) FROM outbox WHERE government = g AND aggregate_type = 'government') AS events"
            " FROM unnest($1::text[]) AS g",
            governments,
        )
        findings = [
            f"{row['g']} has version {row['version']} by {row['keys']} keys, {row['audited']} audit rows,"
            f" {row['events']} events"
            for row in found
            if len({row["version"] or 0, row["keys"], row["audited"], row["events"]}) != 1
        ]
        return findings + answers(self.attempts, {row["g"]: row["version"] or 0 for row in found})

    async def audit_chain(self) -> list[str]:
        """I9, by a second hand: each row's hash is its content's, each seal's that of the one before and its rows'."""
        findings = []
        for service in self.stack.services:
            rows = {row["id"]: row for row in await self.ask(service, "SELECT * FROM audit")}
            findings += [
                f"{service}: audit row {x} was altered" for x, row in rows.items() if _row_hash(row) != row["hash"]
            ]
            seals = await self.ask(service, "SELECT * FROM audit_seal ORDER BY government, seal")
            for government, group in groupby(seals, key=lambda row: row["government"]):
                previous = bytes(32)
                for number, seal in enumerate(group, start=1):
                    hashes = b"".join(rows[x]["hash"] for x in seal["rows"] if x in rows)
                    digest = hashlib.sha256(previous + seal["seal"].to_bytes(8, "big") + hashes).digest()
                    if (seal["seal"], seal["hash"]) != (number, digest):
                        findings.append(f"{service}: seal {seal['seal']} of {government} is broken")
                    previous = seal["hash"]
        return findings

    async def nothing_left(self) -> list[str]:
        """I10, and no event dead: the faults are the machines', not the events'."""
        findings = []
        for service in self.stack.services:
            for what, statement in (
                ("unpublished", "SELECT event_id, event_type, last_error FROM outbox WHERE published_at IS NULL"),
                (
                    "not applied",
                    "SELECT event_id, event_type, last_error FROM inbox WHERE status IN ('waiting', 'dead')",
                ),
            ):
                rows = await self.ask(service, statement)
                findings += [f"{service}: {what}: {row[0]} {row[1]} {row[2]}" for row in rows]
            poison = await self.ask(service, "SELECT topic, koffset, error, raw FROM poison")
            findings += [
                f"{service}: unreadable: {row[0]} {row[1]} {row[2]}" for row in poison if row["raw"] not in self.garbage
            ]
        return findings

    async def no_secrets(self) -> list[str]:
        """I11. A log's file is read on from where the last look ended, with what a line may have been cut into."""
        secrets = {secret.encode() for secret in self.secrets if secret}
        longest = max(map(len, secrets))
        for path in (self.stack.folder / "logs").glob("*.log"):
            with path.open("rb") as file:
                file.seek(max(self._log_files.get(path, 0) - longest, 0))
                text = file.read()
                self._log_files[path] = file.tell()
            self._leaks += [f"{path.name} holds {_hint(secret)}" for secret in secrets if secret in text]
        findings = sorted(set(self._leaks))
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            for name, process in self.stack.processes.items():
                if process.alive:
                    metrics = (await client.get(process.metrics_url)).content
                    findings += [f"{name}'s metrics hold {_hint(secret)}" for secret in secrets if secret in metrics]
        for service in self.stack.services:
            rows = await self.ask(
                service,
                "SELECT last_error FROM inbox WHERE last_error IS NOT NULL UNION ALL SELECT error FROM poison UNION ALL"
                " SELECT last_error FROM outbox WHERE last_error IS NOT NULL UNION ALL"
                " SELECT last_error FROM timer WHERE last_error IS NOT NULL",
            )
            errors = "\n".join(row[0] for row in rows).encode()
            findings += [f"an error of {service} holds {_hint(secret)}" for secret in secrets if secret in errors]
        return findings


def answers(attempts: list[Attempt], versions: dict[str, int]) -> list[str]:
    """I7, I8 from what the clients saw: one answer for each key, whose effect is one step of the version it was for."""
    findings = []
    given = [attempt for attempt in attempts if attempt.status < 300]
    by_key: dict[str, set[int | None]] = defaultdict(set)
    first: Counter[tuple[str, int]] = Counter()
    for attempt in given:
        by_key[attempt.key].add(attempt.version)
        if attempt.version != (attempt.if_match or 0) + 1:
            findings.append(f"If-Match {attempt.if_match} of {attempt.government} became version {attempt.version}")
        if not attempt.replayed:
            first[attempt.government, attempt.version or 0] += 1
            if attempt.known > (attempt.if_match or 0):
                findings.append(f"If-Match {attempt.if_match} of {attempt.government} wrote over {attempt.known}")
    findings += [f"key {key} was answered {len(found)} ways" for key, found in by_key.items() if len(found) > 1]
    findings += [f"version {v} of {g} was written {count} times" for (g, v), count in first.items() if count > 1]
    for government, version in versions.items():
        keys = {attempt.key for attempt in given if attempt.government == government}
        if len(keys) != version:
            findings.append(f"{government} has version {version}, and {len(keys)} keys were answered")
    return findings


def _row_hash(row: asyncpg.Record) -> bytes:
    content = [str(row["id"]), *(row[name] for name in ("government", "at", "actor", "action", "subject"))]
    details = orjson.loads(row["details"])
    return hashlib.sha256(orjson.dumps([*content, details], option=orjson.OPT_SORT_KEYS)).digest()


def _hint(secret: bytes) -> str:
    return f"a secret of {len(secret)} bytes, {hashlib.sha256(secret).hexdigest()[:8]}"
