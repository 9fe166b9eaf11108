"""The inbox: once, in order, nothing dropped; what fails holds up its own aggregate alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from uuid import UUID, uuid4

import orjson
import pytest
import sqlalchemy as sa
from aiokafka import ConsumerRecord
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.trial import StateChanged, ThingCounted, Trial, changed, counted, envelope, record, thing
from zhengling.backbone.inbox import MAX_ATTEMPTS, is_collision
from zhengling.backbone.outbox import emit
from zhengling.database.session import is_contention, is_outage
from zhengling.kernel.errors import Problem, Text

REFUSED = Problem(409, "no_such_rule", Text("the rulebook has no such rule", "规则库没有该规则"))
NOT_YET = Problem(503, "no_calendar_yet", Text("it hasn't arrived here yet", "尚未同步"))


async def test_an_event_that_is_delivered_again_has_no_second_effect(trial: Trial) -> None:
    identity = thing()
    records = [counted(identity, n) for n in (1, 2, 3)]
    await trial.receive(*records, *records)
    await trial.receive(*records)
    await trial.receive(records[1])
    assert await trial.effects(identity) == [1, 2, 3]
    assert await trial.statuses(identity) == [(1, "applied"), (2, "applied"), (3, "applied")]


async def test_events_that_arrive_out_of_order_wait_for_those_before_them(trial: Trial) -> None:
    identity, dice = thing(), random.Random(3)
    records = [counted(identity, n) for n in range(1, 9)]
    arriving = records + dice.sample(records, 4)
    dice.shuffle(arriving)
    for each in arriving:
        await trial.receive(each)
    assert await trial.effects(identity) == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_gap_holds_back_the_later_events_and_closes_by_itself(trial: Trial) -> None:
    identity, other = thing(), thing()
    await trial.receive(counted(identity, 1), counted(identity, 3), counted(identity, 4), counted(other, 1))
    assert await trial.effects(identity) == [1]
    assert await trial.effects(other) == [1]
    assert await trial.statuses(identity) == [(1, "applied"), (3, "waiting"), (4, "waiting")]
    await trial.drain()
    assert await trial.effects(identity) == [1]
    await trial.receive(counted(identity, 2))
    assert await trial.effects(identity) == [1, 2, 3, 4]


async def test_an_event_that_waits_too_long_for_a_missing_one_is_counted_as_a_gap(trial: Trial) -> None:
    await trial.receive(counted(thing(), 2))
    async with trial.worker.transaction(None) as session:
        assert await trial.inbox().counts(session) == (1, 0, 0)
    await trial.ask("UPDATE inbox SET received_at = received_at - interval '61 seconds'")
    async with trial.worker.transaction(None) as session:
        assert await trial.inbox().counts(session) == (1, 0, 1)


@pytest.mark.parametrize("make", [counted, changed])
async def test_another_event_under_a_taken_sequence_number_is_kept_as_dead(make: type, trial: Trial) -> None:
    """As after a sender's database was restored from a backup: nothing is dropped, and the partition goes on."""
    identity, other = thing(), thing()
    await trial.receive(make(identity, 1), make(identity, 2))
    stranger = make(identity, 2)
    await trial.receive(stranger, stranger, make(other, 1), make(identity, 3))
    assert await trial.effects(identity) == [1, 2, 3]
    assert await trial.effects(other) == [1]
    assert sorted(await trial.statuses(identity)) == [(1, "applied"), (2, "applied"), (2, "dead"), (3, "applied")]
    (dead,) = await trial.ask("SELECT last_error, collides_with, envelope FROM inbox WHERE collides_with IS NOT NULL")
    assert "SequenceCollision" in dead["last_error"]
    assert dead["envelope"] is not None


@pytest.mark.parametrize("make", [counted, changed])
async def test_a_collision_with_a_failed_event_is_kept_as_dead_too(make: type, trial: Trial) -> None:
    identity = thing()
    trial.errors[identity, 1] = REFUSED
    await trial.receive(make(identity, 1))
    await trial.receive(make(identity, 1))
    assert await trial.statuses(identity) == [(1, "dead"), (1, "dead")]
    rows = await trial.ask("SELECT collides_with FROM inbox WHERE aggregate_id = $1", identity)
    assert sum(row["collides_with"] is not None for row in rows) == 1


def poisons() -> dict[str, ConsumerRecord[bytes, bytes]]:
    event = envelope(ThingCounted(thing_id=thing(), n=1), 1)
    return {
        "no value": record(None),
        "no JSON": record(b"\xff\xfe{"),
        "no envelope": record(b'{"specversion": "1.0"}'),
        "a sequence beyond bigint": record(event.model_copy(update={"sequence": 2**63})),
        "a NUL in an attribute": record(event.model_copy(update={"subject": "a\x00b"})),
        "a NUL in the data": record(event.model_copy(update={"data": {"thing_id": "a\\\x00b", "n": 1}})),
        "a subject beyond any index": record(
            event.model_copy(update={"subject": random.Random(1).randbytes(5000).hex()})
        ),
        "an id that is none": record(event.model_copy(update={"id": "seven"})),
    }


@pytest.mark.parametrize("kind", poisons())
async def test_an_unreadable_record_is_stored_as_poison_and_the_partition_continues(kind: str, trial: Trial) -> None:
    identity, poison = thing(), poisons()[kind]
    await trial.receive(counted(identity, 1), poison, counted(identity, 2))
    await trial.receive(poison, counted(identity, 3))
    assert await trial.effects(identity) == [1, 2, 3]
    (kept,) = await trial.ask("SELECT raw, error FROM poison")
    assert kept["raw"] == (poison.value or b"")
    assert kept["error"]


async def test_a_text_about_the_escape_of_a_nul_is_no_poison(trial: Trial) -> None:
    identity = thing()
    event = envelope(ThingCounted(thing_id=identity, n=2), 2).model_copy(
        update={"correlationid": "\\u0000 and \\\\u0000"}
    )
    await trial.receive(record(event))
    assert await trial.statuses(identity) == [(2, "waiting")]
    assert not await trial.ask("SELECT 1 FROM poison")


async def test_an_unknown_type_is_dead_and_holds_up_its_own_aggregate_alone(trial: Trial) -> None:
    identity, other = thing(), thing()
    unknown = record(envelope(ThingCounted(thing_id=identity, n=1), 1, type="zhengling.trial.thing.melted.v1"))
    await trial.receive(unknown, counted(identity, 2), counted(other, 1))
    assert await trial.statuses(identity) == [(1, "dead"), (2, "waiting")]
    assert await trial.effects(other) == [1]


async def test_a_payload_that_doesnt_match_its_type_is_dead(trial: Trial) -> None:
    identity = thing()
    event = envelope(ThingCounted(thing_id=identity, n=1), 1).model_copy(update={"data": {"thing_id": identity}})
    await trial.receive(record(event))
    assert await trial.statuses(identity) == [(1, "dead")]


async def test_a_failing_event_is_tried_again_and_the_later_ones_follow_in_order(trial: Trial) -> None:
    identity, other = thing(), thing()
    trial.errors[identity, 2] = RuntimeError("not now")
    await trial.receive(*(counted(identity, n) for n in (1, 2, 3)), counted(other, 1))
    await trial.receive(counted(identity, 4), counted(other, 2))
    assert await trial.effects(identity) == [1]  # what the failing handler wrote is undone
    assert await trial.effects(other) == [1, 2]
    (row,) = await trial.ask("SELECT * FROM inbox WHERE aggregate_id = $1 AND aggregate_seq = 2", identity)
    assert (row["status"], row["attempts"]) == ("waiting", 1)
    assert row["next_attempt_at"] > row["received_at"]
    assert "not now" in row["last_error"]
    async with trial.worker.transaction(None) as session:
        await session.execute(sa.text("UPDATE inbox SET next_attempt_at = clock_timestamp() + interval '1 hour'"))
        assert not await trial.inbox().drain_blocked(session)  # its backoff isn't over
    trial.errors.clear()
    await trial.drain()
    assert await trial.effects(identity) == [1, 2, 3, 4]
    assert await trial.statuses(identity) == [(n, "applied") for n in (1, 2, 3, 4)]


async def test_an_event_that_keeps_failing_is_dead_after_its_attempts(trial: Trial) -> None:
    identity = thing()
    trial.errors[identity, 1] = RuntimeError("never")
    await trial.receive(counted(identity, 1), counted(identity, 2))
    for _ in range(MAX_ATTEMPTS):
        await trial.drain_once()
    assert await trial.statuses(identity) == [(1, "dead"), (2, "waiting")]
    (row,) = await trial.ask("SELECT attempts FROM inbox WHERE aggregate_id = $1 AND aggregate_seq = 1", identity)
    assert row["attempts"] == MAX_ATTEMPTS


async def test_an_event_waiting_for_another_service_never_becomes_dead(trial: Trial) -> None:
    identity = thing()
    trial.errors[identity, 1] = NOT_YET
    await trial.receive(counted(identity, 1))
    for _ in range(MAX_ATTEMPTS + 2):
        await trial.drain_once()
    assert await trial.statuses(identity) == [(1, "waiting")]
    trial.errors.clear()
    await trial.drain()
    assert await trial.effects(identity) == [1]


async def test_an_event_that_the_rules_refuse_is_dead_at_once_and_others_go_on(trial: Trial) -> None:
    identity, other = thing(), thing()
    trial.errors[identity, 1] = REFUSED
    await trial.receive(counted(identity, 1), counted(identity, 2), counted(other, 1))
    await trial.drain()
    assert await trial.statuses(identity) == [(1, "dead"), (2, "waiting")]
    assert await trial.effects(identity) == []
    assert await trial.effects(other) == [1]


async def test_a_database_outage_in_a_handler_doesnt_count_against_the_event(trial: Trial) -> None:
    identity = thing()
    trial.errors[identity, 1] = InterfaceError("connection is closed", None, Exception())
    with pytest.raises(InterfaceError):
        await trial.receive(counted(identity, 1))
    assert await trial.statuses(identity) == []
    trial.errors.clear()
    await trial.receive(counted(identity, 1))
    assert await trial.effects(identity) == [1]


async def test_the_latest_snapshot_wins_and_older_ones_are_ignored(trial: Trial) -> None:
    identity = thing()
    await trial.receive(changed(identity, 3), changed(identity, 1))
    await trial.receive(changed(identity, 7), changed(identity, 5))
    assert await trial.effects(identity) == [3, 7]
    assert await trial.statuses(identity) == [(1, "ignored"), (3, "applied"), (5, "ignored"), (7, "applied")]


async def test_an_older_snapshot_that_comes_again_doesnt_displace_a_newer_one_that_waits(trial: Trial) -> None:
    """As after a replay: 2 and 3 were lost with the log's tail, 4 came and failed for a moment."""
    identity = thing()
    await trial.receive(changed(identity, 1))
    trial.errors[identity, 4] = NOT_YET
    await trial.receive(changed(identity, 4))
    await trial.receive(changed(identity, 2), changed(identity, 3))
    del trial.errors[identity, 4]
    await trial.drain()
    assert await trial.effects(identity) == [1, 4]
    assert await trial.statuses(identity) == [(1, "applied"), (2, "ignored"), (3, "ignored"), (4, "applied")]


async def test_a_snapshot_that_failed_is_superseded_by_the_next(trial: Trial) -> None:
    identity = thing()
    trial.errors[identity, 1] = RuntimeError("not now")
    await trial.receive(changed(identity, 1))
    await trial.receive(changed(identity, 2))
    await trial.drain()
    assert await trial.effects(identity) == [2]
    assert await trial.statuses(identity) == [(1, "ignored"), (2, "applied")]


async def test_two_members_that_get_the_same_records_at_once_apply_them_once(trial: Trial) -> None:
    identity = thing()
    records = [counted(identity, n) for n in range(1, 11)]
    await asyncio.gather(*(trial.receive(*records) for _ in range(4)))
    assert await trial.effects(identity) == list(range(1, 11))


async def test_two_workers_that_retry_at_once_apply_once(trial: Trial) -> None:
    identities = [thing() for _ in range(6)]
    trial.errors |= {(identity, 1): RuntimeError("not now") for identity in identities}
    await trial.receive(*(counted(identity, n) for identity in identities for n in (1, 2)))
    trial.errors.clear()
    await asyncio.gather(*(trial.drain() for _ in range(3)))
    for identity in identities:
        assert await trial.effects(identity) == [1, 2]


async def test_consumers_keep_books_of_their_own(trial: Trial) -> None:
    identity, event = thing(), None
    event = counted(identity, 1)
    await trial.receive(event, inbox=trial.inbox("one"))
    await trial.receive(event, inbox=trial.inbox("other"))
    assert await trial.effects(identity) == [1, 1]


async def test_events_of_several_governments_in_one_batch_are_each_handled_under_their_own(trial: Trial) -> None:
    mine, yours, seen = thing(), thing(), {}

    async def look(session: AsyncSession, thing_id: str, n: int) -> None:
        await emit(session, StateChanged(thing_id=thing_id, n=n))
        rows = await session.execute(sa.text("SELECT current_government(), count(*) FROM deadline"))
        seen[thing_id] = rows.one()[0]

    trial.on_handle = look
    await trial.receive(counted(mine, 1, government="dalian"), counted(yours, 1, government="xigang"))
    assert seen == {mine: "dalian", yours: "xigang"}
    rows = await trial.ask("SELECT aggregate_id, government FROM outbox WHERE aggregate_type = 'state'")
    assert {tuple(row) for row in rows} == {(mine, "dalian"), (yours, "xigang")}
    rows = await trial.ask("SELECT subject, government FROM audit WHERE subject = ANY($1)", [mine, yours])
    assert {tuple(row) for row in rows} == {(mine, "dalian"), (yours, "xigang")}


async def test_an_event_emitted_by_a_handler_names_its_cause(trial: Trial) -> None:
    identity, cause = thing(), str(uuid4())

    async def answer(session: AsyncSession, thing_id: str, n: int) -> None:
        await emit(session, StateChanged(thing_id=thing_id, n=n))

    trial.on_handle = answer
    await trial.receive(counted(identity, 1, id=cause))
    (row,) = await trial.ask("SELECT causation_id FROM outbox WHERE aggregate_id = $1", identity)
    assert row["causation_id"] == cause


async def discard(trial: Trial, identity: str, seq: int) -> None:
    await trial.ask(
        "UPDATE inbox SET status = 'discarded' WHERE aggregate_id = $1 AND aggregate_seq = $2", identity, seq
    )


async def test_an_aggregate_continues_after_a_discarded_event(trial: Trial) -> None:
    identity = thing()
    trial.errors[identity, 1] = REFUSED
    await trial.receive(counted(identity, 1), counted(identity, 2))
    await discard(trial, identity, 1)
    await trial.drain()
    await trial.receive(counted(identity, 3))
    assert await trial.effects(identity) == [2, 3]
    assert await trial.statuses(identity) == [(1, "discarded"), (2, "applied"), (3, "applied")]


async def test_a_discarded_event_behind_a_gap_is_passed_over_when_the_gap_closes(trial: Trial) -> None:
    identity = thing()
    await trial.receive(counted(identity, 2), counted(identity, 3))
    await discard(trial, identity, 2)
    await trial.receive(counted(identity, 1))
    assert await trial.effects(identity) == [1, 3]


# what a forged event displaced -----------------------------------------------------------------------------------------
async def close_denial(trial: Trial, event: ConsumerRecord[bytes, bytes]) -> None:
    """The sender denied the event, and two persons have closed the alarm."""
    await trial.ask(
        "INSERT INTO denied_event (consumer, event_id, government, reason, discarded_by) "
        "VALUES ('trial', $1, 'dalian', 'never_emitted', 'two persons') "
        "ON CONFLICT (consumer, event_id) DO UPDATE SET discarded_by = excluded.discarded_by",
        orjson.loads(event.value)["id"],
    )


def forged(
    make: Callable[..., ConsumerRecord[bytes, bytes]], identity: str, sequence: int
) -> ConsumerRecord[bytes, bytes]:
    """An event of another content under a number; its effect is told apart by the hundreds."""
    kind = ThingCounted if make is counted else StateChanged
    return record(envelope(kind(thing_id=identity, n=sequence + 100), sequence))


@pytest.mark.parametrize("make", [counted, changed])
async def test_an_event_whose_number_a_forged_one_took_is_applied_when_that_ones_denial_is_closed(
    make: Callable[..., ConsumerRecord[bytes, bytes]], trial: Trial
) -> None:
    identity = thing()
    false, true = forged(make, identity, 2), make(identity, 2)
    await trial.receive(make(identity, 1), false, true)
    await trial.drain()
    assert await trial.effects(identity) == [1, 102], "before the denial nobody knows which of the two is genuine"
    await close_denial(trial, false)
    await trial.drain()
    assert await trial.effects(identity) == [1, 102, 2]
    assert sorted(await trial.statuses(identity)) == [(1, "applied"), (2, "applied"), (2, "applied")]
    await trial.receive(true, make(identity, 3))
    await trial.drain()
    assert await trial.effects(identity) == [1, 102, 2, 3]


async def test_it_is_also_applied_where_it_comes_after_the_denial_was_closed(trial: Trial) -> None:
    identity = thing()
    false, true = forged(counted, identity, 1), counted(identity, 1)
    await trial.receive(false)
    await close_denial(trial, false)
    await trial.receive(true)
    await trial.drain()
    await trial.receive(true, counted(identity, 2))
    await trial.drain()
    assert await trial.effects(identity) == [101, 1, 2]


async def test_of_two_events_under_a_number_that_are_both_denied_neither_is_applied_later(trial: Trial) -> None:
    identity = thing()
    first, second = forged(counted, identity, 1), forged(counted, identity, 1)
    await trial.receive(first, second)
    for each in (first, second):
        await close_denial(trial, each)
    await trial.drain()
    assert await trial.effects(identity) == [101]


async def test_a_forged_event_that_failed_is_passed_over_and_the_genuine_one_is_applied_in_its_order(
    trial: Trial,
) -> None:
    identity = thing()
    false = forged(counted, identity, 1)
    trial.errors[identity, 101] = REFUSED
    await trial.receive(false, counted(identity, 1), counted(identity, 2))
    await close_denial(trial, false)
    await trial.drain()
    await trial.ask("UPDATE inbox SET status = 'discarded' WHERE event_id = $1", orjson.loads(false.value)["id"])
    await trial.drain()
    assert await trial.effects(identity) == [1, 2]


async def test_one_whose_number_is_free_and_that_fails_is_dead_and_can_be_tried_again(trial: Trial) -> None:
    identity = thing()
    false = forged(counted, identity, 1)
    trial.errors[identity, 1] = REFUSED
    await trial.receive(false, counted(identity, 1), counted(identity, 2))
    await close_denial(trial, false)
    await trial.drain()
    assert await trial.effects(identity) == [101, 2], "it holds up nothing"
    (dead,) = await trial.ask("SELECT event_id, last_error FROM inbox WHERE status = 'dead'")
    assert not is_collision(dead["last_error"])
    trial.errors.clear()
    await trial.ask(
        "UPDATE inbox SET status = 'waiting', next_attempt_at = now() WHERE event_id = $1", dead["event_id"]
    )
    await trial.drain()
    assert await trial.effects(identity) == [101, 2, 1]


async def test_a_forged_snapshot_far_ahead_keeps_out_no_genuine_one_once_its_denial_is_closed(trial: Trial) -> None:
    identity = thing()
    false = forged(changed, identity, 1000)
    await trial.receive(changed(identity, 1), false, changed(identity, 2))
    assert await trial.effects(identity) == [1, 1100]
    await close_denial(trial, false)
    await trial.receive(changed(identity, 3))
    await trial.receive(changed(identity, 2), changed(identity, 4))
    assert await trial.effects(identity) == [1, 1100, 3, 4]


async def test_a_genuine_snapshot_is_left_out_where_a_newer_one_came_meanwhile(trial: Trial) -> None:
    identity = thing()
    false = forged(changed, identity, 1)
    await trial.receive(false, changed(identity, 1), changed(identity, 2))
    await close_denial(trial, false)
    await trial.drain()
    assert await trial.effects(identity) == [101, 2]


async def test_a_discard_waits_for_a_retry_that_is_under_way_and_then_finds_the_event_applied(trial: Trial) -> None:
    identity = thing()
    handling, go_on = asyncio.Event(), asyncio.Event()
    trial.errors[identity, 1] = RuntimeError("not now")
    await trial.receive(counted(identity, 1))
    trial.errors.clear()

    async def linger(session: AsyncSession, thing_id: str, n: int) -> None:
        handling.set()
        await go_on.wait()

    async def find_for_update() -> str:
        rows = await trial.ask("SELECT status FROM inbox WHERE aggregate_id = $1 FOR UPDATE", identity)
        return str(rows[0]["status"])

    trial.on_handle = linger
    retrying = asyncio.create_task(trial.drain())
    await asyncio.wait_for(handling.wait(), 30)
    discarding = asyncio.create_task(find_for_update())
    await trial.until_blocked("FOR UPDATE")
    go_on.set()
    assert await discarding == "applied"
    await retrying


async def test_every_received_event_has_a_status(trial: Trial) -> None:
    """Applied, waiting, dead, discarded or poison: the books add up."""
    dice = random.Random(11)
    identities = [thing() for _ in range(5)]
    trial.errors = {(identities[0], 2): REFUSED, (identities[1], 3): RuntimeError("not now")}
    records = [counted(identity, n) for identity in identities for n in range(1, 6)]
    records += [record(b"rubbish %d" % n, offset=n) for n in range(3)]
    arriving = [*records, *dice.sample(records, 10)]
    dice.shuffle(arriving)
    for begin in range(0, len(arriving), 7):
        await trial.receive(*arriving[begin : begin + 7])
    rows = await trial.ask("SELECT event_id FROM inbox WHERE aggregate_id = ANY($1)", identities)
    sent = {UUID(dict(each.headers)["ce_id"].decode()) for each in records if each.headers}
    assert {row["event_id"] for row in rows} == sent
    assert (await trial.ask("SELECT count(*) FROM poison"))[0][0] == 3
    assert await trial.effects(identities[0]) == [1]
    assert await trial.effects(identities[1]) == [1, 2]
    for identity in identities[2:]:
        assert await trial.effects(identity) == [1, 2, 3, 4, 5]


async def test_a_stored_error_never_shows_the_content_of_the_event(
    trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    """Unreadable, unfit for its type, or refused by the database: logs, dead letters and poison name the fault alone."""
    secret = "绝不外传"
    unfit = envelope(ThingCounted(thing_id=thing(), n=1), 1)
    refused = thing()

    async def keep_twice(session: AsyncSession, thing_id: str, n: int) -> None:
        if thing_id == refused:
            await session.execute(
                sa.text("INSERT INTO effect (government, thing_id) VALUES ('x', :it)"), {"it": secret}
            )

    trial.on_handle = keep_twice
    await trial.receive(
        record(orjson.dumps({"specversion": "1.0", "subject": secret})),
        record(unfit.model_copy(update={"data": {"thing_id": unfit.subject, "n": secret}})),
        counted(refused, 1),
    )
    rows = await trial.ask("SELECT error FROM poison UNION ALL SELECT last_error FROM inbox")
    kept = [row[0] for row in rows]
    assert len(kept) == 3
    assert all(kept)
    assert secret not in "".join(kept) + caplog.text


async def test_contention_is_distinguished_from_an_outage(trial: Trial) -> None:
    await trial.receive(counted(thing(), 1))
    async with trial.worker.transaction("dalian") as holder:
        await holder.execute(sa.text("LOCK TABLE inbox_cursor IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DBAPIError) as broken_off:
            async with trial.worker.transaction("dalian") as other:
                await other.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
                await other.execute(sa.text("SELECT count(*) FROM inbox_cursor"))
    assert is_contention(broken_off.value)
    assert not is_outage(broken_off.value)
