"""The harness can fail: with one mechanism taken out of a worker, a small run with faults ends in findings, and so do
books that were tampered with.

Each is judged by what it adds, as the ones before it leave broken books behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.broker import ON_APACHE
from tests.faults.conftest import standing
from tests.faults.invariants import READS, Attempt, Books, answers, ask, partitions_of
from tests.faults.rows import FULL
from tests.faults.stand import FaultyStack, Stand, looks
from zhengling.backbone.outbox import OutboxRow
from zhengling.backbone.relay import message_of

#: Each of these runs takes some 20 s on the embedded broker: the reduced run there has two of them.
ALL = FULL or ON_APACHE


@pytest.fixture(scope="module")
async def victim() -> AsyncIterator[Stand]:
    """A small stand with one worker for each service."""
    async with standing(FaultyStack(environment={"CONSUMER_PATIENCE": "2"})) as made:
        await made.decide_many(9, meetings=3)  # there is something to tamper with, whatever test comes first
        await made.until_settled()  # what isn't read yet would be what a mutant loses, and be found before as well
        yield made


async def publish_out_of_order(stand: Stand, meeting: str) -> None:
    """What a broken relay might: the third event of an aggregate first."""
    names = ", ".join(field.name for field in fields(OutboxRow))
    rows = await ask(
        stand.stack, "meeting", f"SELECT {names} FROM outbox WHERE aggregate_id = $1 ORDER BY aggregate_seq", meeting
    )
    sent = [
        message_of(OutboxRow(**dict(row) | {"payload": orjson.loads(row["payload"])}), "/zhengling/meeting-svc")
        for row in (rows[2], rows[0], rows[1])
    ]
    producer = AIOKafkaProducer(bootstrap_servers=stand.stack.kafka_bootstrap_servers, enable_idempotence=False)
    await producer.start()
    for message in sent:
        await producer.send_and_wait(message.topic, message.value, key=message.key, headers=message.headers)
    await producer.stop()


async def left(stand: Stand) -> dict[str, int]:
    """What isn't published, and how far each group is behind the end of its topics."""
    found = {what: count for what, count in (await stand.unfinished()).items() if what.endswith("unpublished")}
    for group in ("oversight", "meeting"):
        reader = AIOKafkaConsumer(
            bootstrap_servers=stand.stack.kafka_bootstrap_servers, group_id=group, enable_auto_commit=False
        )
        await reader.start()
        partitions = [each for each in await partitions_of(stand.stack) if each.topic in READS[group]]
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        found[group] = sum([ends[partition] - (await reader.committed(partition) or 0) for partition in partitions])
        await reader.stop()
    return found


async def until_read(stand: Stand, patience: float = 15.0) -> None:
    """Until everything is published and read, or nothing moves any more: that is for the findings to say."""
    try:
        async for found in looks(lambda: left(stand), patience):
            if not any(found.values()):
                return
    except AssertionError:
        return


async def small_run(
    stand: Stand, mutation: str, worker: str, *, kills: int = 0, oversized: bool = False, out_of_order: bool = True
) -> set[str]:
    """Some decisions, the events of one meeting out of order; what is found afterwards that wasn't before.

    What stands out of order is in the log before the relay sends it again, so that a batch lost from it is no loss."""
    for name in (worker, "meeting-worker-0"):
        stand.process(name).stop()
    stand.books.forget_what_is_open()
    stand.mutate(worker, mutation)
    before, batch = set(await stand.books.findings()), uuid4().hex[:8]
    for n in range(9):
        digest = "0" * (1_200_000 if oversized and n == 4 else 64)
        await stand.decide(f"{batch}-{n % 3}", n % 3, digest=digest)
    if out_of_order:
        await publish_out_of_order(stand, f"{batch}-0")
    budget = stand.stack.folder / worker
    budget.write_text(str(kills))
    async with stand.restarting():
        stand.restart_the_dead()
        if kills:
            async for count in looks(lambda: _read(budget), 60):
                if not count:
                    break
        await stand.until_ready(worker)
        await until_read(stand)
    return set(await stand.books.findings()) - before


async def _read(budget: Path) -> int:
    return int(budget.read_text() or "0")


@pytest.mark.parametrize(
    ("mutation", "kills", "told"),
    [
        ("unchanged", 1, ""),
        ("without_the_inbox_row", 0, "has no trace of"),
        *([("without_the_check_of_the_sequence", 0, "before the one before it")] if ALL else []),
        *([("with_the_commits_swapped", 1, "has no trace of")] if ALL else []),
        *([("with_a_poll_that_hangs", 0, ""), ("without_the_watchdog", 0, "has no trace of")] if FULL else []),
    ],
)
async def test_a_consumer_without_one_of_its_mechanisms_is_found_out(
    mutation: str, kills: int, told: str, victim: Stand
) -> None:
    """And one with all of them isn't, though its first poll hangs and the watchdog has to help (which takes its time)."""
    in_order = mutation == "with_the_commits_swapped"
    found = await small_run(victim, mutation, "oversight-worker-0", kills=kills, out_of_order=not in_order)
    if told:
        assert any(told in finding for finding in found), found
    else:
        assert not found


@pytest.mark.parametrize(
    ("mutation", "red"), [("without_waves", True), *([("unchanged", False)] if FULL else [])] if ALL else []
)
async def test_a_relay_that_lets_an_event_overtake_one_that_cannot_be_sent_is_found_out(
    mutation: str, red: bool, victim: Stand
) -> None:
    """The second event of an aggregate is too large for Kafka: the third has to stay behind it."""
    victim.mutate("oversight-worker-0", "unchanged")
    found = await small_run(victim, mutation, "meeting-worker-0", oversized=True, out_of_order=False)
    assert any("parked" in finding or "unpublished" in finding for finding in found)
    assert any("stands before" in finding for finding in found) == red


_INBOX = "SELECT event_id FROM inbox WHERE aggregate_type = 'meeting' AND aggregate_seq = 1 AND status = 'ignored'"
_OF_A_MEETING = f"event_id = ({_INBOX} AND last_error IS NULL ORDER BY 1 LIMIT 1)"
_PENDING = "id = (SELECT id FROM timer WHERE state = 'pending' ORDER BY 1 LIMIT 1)"
_DECIDED = "event_type = 'zhengling.meeting.decision.adopted.v1'"
#: What is tampered with, where and how, and what has to be told.
TAMPERED = {
    "I1, an entry is gone": (
        "oversight",
        "UPDATE ledger_entry SET source_kind = 'lost' WHERE id = (SELECT min(id) FROM ledger_entry)",
        "has 0 entries",
    ),
    "I2, an entry rests on nothing": (
        "oversight",
        "UPDATE ledger_entry SET source_id = 'nothing' WHERE id = (SELECT max(id) FROM ledger_entry)",
        "entry of nothing",
    ),
    "I3, a cursor is ahead": (
        "oversight",
        "UPDATE inbox_cursor SET last_seq = last_seq + 1 WHERE aggregate_id = ("
        "SELECT min(aggregate_id) FROM inbox_cursor WHERE aggregate_type = 'meeting')",
        "cursor of",
    ),
    "I3, one event came before the one before it": (
        "oversight",
        f"UPDATE inbox SET applied_at = applied_at + interval '1 year' WHERE {_OF_A_MEETING}",
        "before the one before it",
    ),
    "I3, an event was left out": (
        "oversight",
        f"UPDATE inbox SET aggregate_seq = 1000 WHERE {_OF_A_MEETING}",
        "oversight did",
    ),
    "I4, an event in the log was never committed": (
        "meeting",
        f"UPDATE outbox SET event_id = gen_random_uuid() WHERE pos = (SELECT min(pos) FROM outbox WHERE {_DECIDED})",
        "meeting never committed",
    ),
    "I5, a record that was read is nowhere": (
        "oversight",
        f"UPDATE inbox SET event_id = gen_random_uuid() WHERE {_OF_A_MEETING}",
        "no trace of",
    ),
    "I6, a timer fired early": (
        "oversight",
        f"UPDATE timer SET state = 'fired', fired_at = due_at - interval '1 day' WHERE {_PENDING}",
        "fired early",
    ),
    "I6, a timer that is due didn't fire": (
        "oversight",
        f"UPDATE timer SET due_at = due_at - interval '100 years', next_attempt_at = 'infinity' WHERE {_PENDING}",
        "didn't fire",
    ),
    "I7, a version that no command made": (
        "meeting",
        "INSERT INTO composition (government, version, content) VALUES ('huancui', 1, '{}')",
        "by 0 keys",
    ),
    "I9, an audit row was altered": (
        "meeting",
        "UPDATE audit SET action = action || 'x' WHERE pos = (SELECT min(pos) FROM audit)",
        "was altered",
    ),
    "I9, a seal is broken": (
        "meeting",
        "UPDATE audit_seal SET rows = array_append(rows, rows[1]) WHERE seal = 1",
        "is broken",
    ),
    "I10, an event is dead": (
        "oversight",
        f"UPDATE inbox SET status = 'dead' WHERE {_OF_A_MEETING}",
        "not applied",
    ),
    "I11, an error tells a secret": (
        "oversight",
        f"UPDATE inbox SET last_error = 'a word in confidence' WHERE {_OF_A_MEETING}",
        "a secret of",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
async def test_books_that_were_tampered_with_are_found_out(name: str, victim: Stand) -> None:
    service, statement, told = TAMPERED[name]

    async def findings() -> set[str]:
        books = Books(victim.stack, {"a word in confidence"})
        books.attempts = [Attempt("huancui", "a key", None, 0, 412, None, False)]
        return set(await books.findings())

    before = await findings()
    await ask(victim.stack, service, statement)
    assert any(told in finding for finding in await findings() - before)


async def test_a_secret_in_a_log_is_found_also_where_a_look_ended_in_the_middle_of_it(victim: Stand) -> None:
    with (victim.stack.folder / "logs" / "meeting-api-0.log").open("a") as log:
        books = Books(victim.stack, {"a password"})
        log.write("… a pass")
        log.flush()
        assert not await books.no_secrets()
        log.write("word …")
        log.flush()
        assert await books.no_secrets()


async def test_a_service_that_reports_nothing_is_found_out_once_the_broker_lost_something(victim: Stand) -> None:
    """What lands by itself in the matrix stays lost without reports."""
    victim.process("meeting-worker-0").stop()
    victim.mutate("meeting-worker-0", "without_reports")
    victim.process("meeting-worker-0").start()
    async with victim.reconciling():
        lost = await victim.lose(4)
        await victim.until_ready(*victim.names())
        with pytest.raises(AssertionError, match="nothing moves any more"):
            await victim.until_in_ledger(lost, patience=20)


def attempt(key: str, if_match: int, version: int, *, known: int | None = None, replayed: bool = False) -> Attempt:
    return Attempt("huancui", key, if_match, if_match if known is None else known, 200, version, replayed)


@pytest.mark.parametrize(
    ("attempts", "version", "told"),
    [
        ([attempt("a", 0, 1), attempt("a", 0, 1, replayed=True), attempt("b", 1, 2)], 2, ""),
        ([attempt("a", 0, 1), attempt("a", 0, 2, replayed=True)], 1, "answered 2 ways"),
        ([attempt("a", 0, 1), attempt("a", 0, 1)], 1, "written 2 times"),
        ([attempt("a", 0, 1)], 2, "1 keys were answered"),
        ([attempt("a", 0, 1), attempt("b", 1, 2), attempt("c", 1, 2, known=2)], 3, "wrote over 2"),
        ([attempt("a", 0, 3)], 1, "became version 3"),
    ],
)
def test_answers_that_no_sound_service_gives_are_found_out(attempts: list[Attempt], version: int, told: str) -> None:
    found = answers(attempts, {"huancui": version})
    if told:
        assert any(told in finding for finding in found)
    else:
        assert not found
