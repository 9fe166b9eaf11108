"""The outbox: an event exists exactly when its change is committed, numbered without gaps in the order of commits."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from tests.trial import GOVERNMENT, StateChanged, ThingCounted, Trial, leave_effect, thing
from zhengling.backbone import outbox
from zhengling.backbone.outbox import emit
from zhengling.database.transaction import Cause, state_of


class Refusal(Exception):
    """An error that makes a command roll back."""


async def test_a_committed_change_has_its_event_and_a_rolled_back_one_has_none(trial: Trial) -> None:
    kept, lost = thing(), thing()
    async with trial.app.transaction(GOVERNMENT) as session:
        await leave_effect(session, kept, 1)
        await emit(session, ThingCounted(thing_id=kept, n=1))
    with pytest.raises(Refusal):
        async with trial.app.transaction(GOVERNMENT) as session:
            await emit(session, ThingCounted(thing_id=lost, n=1))
            await leave_effect(session, lost, 1)
            raise Refusal
    for identity, there in ((kept, 1), (lost, 0)):
        assert len(await trial.effects(identity)) == there
        events = await trial.ask("SELECT aggregate_seq, government FROM outbox WHERE aggregate_id = $1", identity)
        assert [tuple(row) for row in events] == [(1, GOVERNMENT)] * there


async def test_events_of_concurrent_writers_are_numbered_without_gaps_in_the_order_of_their_commits(
    trial: Trial,
) -> None:
    """Each writer writes its event and its change in either order, as a unit of work may flush them; some roll back."""
    identity, dice = thing(), random.Random(7)

    async def write(n: int, refuse: bool, event_first: bool) -> None:
        try:
            async with trial.app.transaction(GOVERNMENT) as session:
                await asyncio.sleep(dice.random() / 100)
                if not event_first:
                    await leave_effect(session, f"other-{identity}", n)
                await emit(session, ThingCounted(thing_id=identity, n=n))
                await asyncio.sleep(dice.random() / 100)
                await leave_effect(session, identity, n)  # its position is taken while the sequence is locked
                if refuse:
                    raise Refusal
        except Refusal:
            pass

    writers = [(n, n % 4 == 0, n % 2 == 0) for n in range(1, 25)]
    await asyncio.gather(*(write(*writer) for writer in writers))
    rows = await trial.ask(
        "SELECT pos, aggregate_seq, (payload->>'n')::int AS n FROM outbox WHERE aggregate_id = $1 ORDER BY aggregate_seq",
        identity,
    )
    assert [row["aggregate_seq"] for row in rows] == list(range(1, 19))
    assert [row["pos"] for row in rows] == sorted(row["pos"] for row in rows)
    assert [row["n"] for row in rows] == await trial.effects(identity)


async def test_a_second_writer_of_an_aggregate_waits_until_the_first_has_committed(trial: Trial) -> None:
    identity = thing()

    async def second() -> None:
        async with trial.app.transaction(GOVERNMENT) as session:
            await emit(session, ThingCounted(thing_id=identity, n=2))

    async with trial.app.transaction(GOVERNMENT) as session:
        await emit(session, ThingCounted(thing_id=identity, n=1))
        waiting = asyncio.create_task(second())
        await trial.until_blocked("INSERT INTO outbox_sequence")
        assert not await trial.ask("SELECT 1 FROM outbox WHERE aggregate_id = $1", identity)
    await waiting
    rows = await trial.ask("SELECT payload->>'n' FROM outbox WHERE aggregate_id = $1 ORDER BY aggregate_seq", identity)
    assert [row[0] for row in rows] == ["1", "2"]


async def test_several_events_of_one_transaction_keep_their_order(trial: Trial) -> None:
    identity = thing()
    async with trial.app.transaction(GOVERNMENT) as session:
        await emit(session, *(ThingCounted(thing_id=identity, n=n) for n in range(1, 6)))
    rows = await trial.ask("SELECT payload->>'n' FROM outbox WHERE aggregate_id = $1 ORDER BY aggregate_seq", identity)
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]


async def test_an_event_carries_its_cause(trial: Trial) -> None:
    identity = thing()
    async with trial.app.transaction(GOVERNMENT) as session:
        state_of(session).cause = Cause("request-1", "cause-1", "00-1-2-01")
        await emit(session, StateChanged(thing_id=identity, n=1))
    (row,) = await trial.ask(
        "SELECT topic, correlation_id, causation_id, traceparent FROM outbox WHERE aggregate_id = $1", identity
    )
    assert tuple(row) == ("zhengling.trial.snapshot.v1", "request-1", "cause-1", "00-1-2-01")


async def test_the_application_can_neither_rewrite_an_event_nor_see_another_governments(trial: Trial) -> None:
    identity = thing()
    async with trial.app.transaction(GOVERNMENT) as session:
        await emit(session, ThingCounted(thing_id=identity, n=1))
    for statement in ("UPDATE outbox SET payload = '{}'", "UPDATE outbox SET aggregate_seq = 9", "DELETE FROM outbox"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with trial.app.transaction(GOVERNMENT) as session:
                await session.execute(outbox.sa.text(statement))
    async with trial.app.transaction("xigang") as session:
        assert await outbox.replay(session, datetime.now(UTC) - timedelta(days=1)) == 0
    with pytest.raises(DBAPIError, match="row-level security"):
        async with trial.app.transaction("xigang") as session:
            state_of(session).government = GOVERNMENT  # not what the transaction was entered for
            await emit(session, ThingCounted(thing_id=thing(), n=1))


async def test_a_replay_publishes_again_what_was_emitted_since_then_and_nothing_else(trial: Trial) -> None:
    before, one, other = thing(), thing(), thing()
    async with trial.app.transaction(GOVERNMENT) as session:
        await emit(session, ThingCounted(thing_id=before, n=1))
    await trial.ask("UPDATE outbox SET created_at = created_at - interval '1 hour'")
    async with trial.app.transaction(GOVERNMENT) as session:
        await emit(session, ThingCounted(thing_id=one, n=1), ThingCounted(thing_id=other, n=1))
    await trial.ask("UPDATE outbox SET published_at = now()")
    since = datetime.now(UTC) - timedelta(minutes=10)

    async def again(*place: str) -> tuple[int, set[str]]:
        async with trial.app.transaction(GOVERNMENT) as session:
            count = await outbox.replay(session, since, *place)
        rows = await trial.ask("SELECT aggregate_id FROM outbox WHERE published_at IS NULL")
        return count, {row[0] for row in rows}

    assert await again("thing", one) == (1, {one})
    assert await again() == (2, {one, other})


async def test_a_replay_waits_for_a_relay_that_is_about_to_mark_what_it_sent(trial: Trial) -> None:
    """Else events that the broker lost right after it acknowledged them would be marked as published afterwards."""
    identity = thing()
    async with trial.app.transaction(GOVERNMENT) as session:
        await emit(session, ThingCounted(thing_id=identity, n=1))

    async def replay() -> int:
        async with trial.app.transaction(GOVERNMENT) as session:
            return await outbox.replay(session, datetime.now(UTC) - timedelta(minutes=10))

    lane = outbox.lane_of(identity)
    async with trial.worker.engine.begin() as relay:
        assert await outbox.lock_lanes(relay, [lane]) == [lane]
        rows = await outbox.unpublished(relay, [lane], 10)
        replaying = asyncio.create_task(replay())
        await trial.until_blocked("outbox_lane")
        await outbox.mark_published(relay, [row.pos for row in rows])
    assert await replaying == 1
    assert await trial.ask("SELECT 1 FROM outbox WHERE aggregate_id = $1 AND published_at IS NULL", identity)


def test_lanes_are_frozen() -> None:
    """An aggregate that changed its lane could have two relays at once."""
    assert outbox.LANES == 16
    assert [outbox.lane_of(name) for name in ("a", "dalian", "thing-1")] == [3, 15, 13]


async def test_depth_counts_unpublished_and_parked_rows_separately(trial: Trial) -> None:
    one, other = thing(), thing()
    async with trial.app.transaction(GOVERNMENT) as session:
        await emit(session, ThingCounted(thing_id=one, n=1), ThingCounted(thing_id=other, n=1))
    async with trial.worker.engine.begin() as connection:
        (row,) = await outbox.unpublished(connection, [outbox.lane_of(one)], 1)
        await outbox.park(connection, row.pos, "too large")
        unpublished, parked, age = await outbox.depth(connection)
    assert (unpublished, parked) == (1, 1)
    assert age > 0
