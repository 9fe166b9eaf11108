"""Timers: once, never early, late rather than never, whatever the number of replicas."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tests.trial import GOVERNMENT, ThingCounted, Trial, leave_effect, thing
from zhengling.backbone import timers
from zhengling.backbone.outbox import emit
from zhengling.database.session import now

KIND = "trial_due"
PAST = datetime.now(UTC) - timedelta(minutes=1)


class Ring:
    """A timer's handler that leaves an effect and an event, and can be made to fail."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self.handling = asyncio.Event()

    async def __call__(self, session: AsyncSession, subject: str) -> None:
        self.handling.set()
        await leave_effect(session, subject, 1)
        await emit(session, ThingCounted(thing_id=subject, n=1))
        if subject in self.failing:
            raise RuntimeError("not now")


async def schedule(trial: Trial, subject: str, due: datetime, government: str = GOVERNMENT) -> None:
    async with trial.app.transaction(government) as session:
        await timers.schedule(session, KIND, {subject: due})


async def fire_all(trial: Trial, ring: timers.TimerHandler) -> int:
    """Fire until nothing is due. Returns how many were taken up."""
    count = 0
    async with asyncio.timeout(60):
        while True:
            async with trial.worker.transaction(None) as session:
                if not await timers.fire_next(session, {KIND: ring}):
                    return count
            count += 1


async def shift(trial: Trial, by: timedelta) -> None:
    await trial.ask("UPDATE business_clock SET shift = $1", by)


async def states(trial: Trial, subject: str) -> list[str]:
    rows = await trial.ask("SELECT state FROM timer WHERE subject_id = $1 ORDER BY generation", subject)
    return [row["state"] for row in rows]


async def test_a_timer_fires_once_with_three_loops_at_once(trial: Trial) -> None:
    subjects = [thing() for _ in range(30)]
    for subject in subjects:
        await schedule(trial, subject, PAST)
    taken = await asyncio.gather(*(fire_all(trial, Ring()) for _ in range(3)))
    assert sum(taken) == 30
    for subject in subjects:
        assert await trial.effects(subject) == [1]
        assert await states(trial, subject) == ["fired"]
        events = await trial.ask("SELECT government FROM outbox WHERE aggregate_id = $1", subject)
        assert [row["government"] for row in events] == [GOVERNMENT]


async def test_a_timer_never_fires_before_business_time_reaches_it(trial: Trial) -> None:
    subject, due = thing(), datetime.now(UTC) + timedelta(days=3)
    await schedule(trial, subject, due)
    assert await fire_all(trial, Ring()) == 0
    await shift(trial, timedelta(days=2, hours=23))
    assert await fire_all(trial, Ring()) == 0
    await shift(trial, timedelta(days=3))
    assert await fire_all(trial, Ring()) == 1
    (row,) = await trial.ask("SELECT fired_at >= due_at AS in_time, fired_at FROM timer WHERE subject_id = $1", subject)
    assert row["in_time"]


async def test_a_late_timer_fires_however_late_it_is(trial: Trial) -> None:
    subject = thing()
    await schedule(trial, subject, datetime(2020, 1, 1, tzinfo=UTC))
    assert await fire_all(trial, Ring()) == 1
    assert await trial.effects(subject) == [1]


async def test_rescheduling_makes_a_new_generation_and_the_old_one_doesnt_fire(trial: Trial) -> None:
    subject = thing()
    await schedule(trial, subject, PAST)
    await schedule(trial, subject, datetime.now(UTC) + timedelta(days=1))
    assert await fire_all(trial, Ring()) == 0
    assert await states(trial, subject) == ["cancelled", "pending"]
    await shift(trial, timedelta(days=2))
    assert await fire_all(trial, Ring()) == 1
    assert await states(trial, subject) == ["cancelled", "fired"]
    await schedule(trial, subject, PAST)  # it may be scheduled again after it fired
    assert await fire_all(trial, Ring()) == 1
    assert await states(trial, subject) == ["cancelled", "fired", "fired"]


async def test_a_cancelled_timer_doesnt_fire(trial: Trial) -> None:
    subject = thing()
    await schedule(trial, subject, PAST)
    async with trial.app.transaction(GOVERNMENT) as session:
        await timers.cancel(session, KIND, subject)
    assert await fire_all(trial, Ring()) == 0
    assert await trial.effects(subject) == []


async def test_a_timer_of_a_command_that_was_rolled_back_doesnt_exist(trial: Trial) -> None:
    subject = thing()
    with pytest.raises(LookupError):
        async with trial.app.transaction(GOVERNMENT) as session:
            await timers.schedule(session, KIND, {subject: PAST})
            raise LookupError
    assert await states(trial, subject) == []


async def test_a_failing_timer_is_tried_again_without_a_trace_of_its_failure_and_others_go_on(trial: Trial) -> None:
    failing, other, ring = thing(), thing(), Ring()
    await schedule(trial, failing, PAST - timedelta(hours=1))
    await schedule(trial, other, PAST)
    ring.failing.add(failing)
    async with trial.worker.transaction(None) as session:
        assert await timers.fire_next(session, {KIND: ring})
    (row,) = await trial.ask("SELECT * FROM timer WHERE subject_id = $1", failing)
    assert (row["state"], row["attempts"]) == ("pending", 1)
    assert row["next_attempt_at"] is not None
    assert "not now" in row["last_error"]
    assert await trial.effects(failing) == []
    assert not await trial.ask("SELECT 1 FROM outbox WHERE aggregate_id = $1", failing)
    await trial.ask(
        "UPDATE timer SET next_attempt_at = clock_timestamp() + interval '1 hour' WHERE subject_id = $1", failing
    )
    assert await fire_all(trial, ring) == 1
    assert await trial.effects(other) == [1]
    ring.failing.clear()
    await trial.ask("UPDATE timer SET next_attempt_at = clock_timestamp() WHERE subject_id = $1", failing)
    assert await fire_all(trial, ring) == 1
    assert await trial.effects(failing) == [1]


async def test_a_timer_that_nobody_handles_is_kept(trial: Trial) -> None:
    subject = thing()
    await schedule(trial, subject, PAST)
    async with trial.worker.transaction(None) as session:
        assert await timers.fire_next(session, {})
    (row,) = await trial.ask("SELECT state, last_error FROM timer WHERE subject_id = $1", subject)
    assert row["state"] == "pending"
    assert KIND in row["last_error"]


async def test_timers_fire_under_the_government_that_scheduled_them(trial: Trial) -> None:
    mine, yours, seen = thing(), thing(), {}

    async def look(session: AsyncSession, subject: str) -> None:
        seen[subject] = await session.scalar(sa.text("SELECT current_government()"))
        assert now(session).tzinfo is not None

    await schedule(trial, mine, PAST, "dalian")
    await schedule(trial, yours, PAST, "xigang")
    await fire_all(trial, look)
    assert seen == {mine: "dalian", yours: "xigang"}


async def test_a_subject_can_be_rescheduled_while_its_timer_is_firing(trial: Trial) -> None:
    """The command holds the subject's lock and the firing the timer's: if each waited for the other, they would deadlock."""
    subject = thing()
    await schedule(trial, subject, PAST)
    handling = asyncio.Event()

    async def lock_subject(session: AsyncSession, identity: str) -> None:
        await session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:id))"), {"id": identity})

    async def ring(session: AsyncSession, identity: str) -> None:
        handling.set()
        await lock_subject(session, identity)

    async with trial.app.transaction(GOVERNMENT) as session:
        await lock_subject(session, subject)
        firing = asyncio.create_task(fire_all(trial, ring))
        await asyncio.wait_for(handling.wait(), 30)
        await trial.until_blocked("pg_advisory_xact_lock")
        await timers.schedule(session, KIND, {subject: datetime.now(UTC) + timedelta(days=1)})
    assert await firing == 1
    (row,) = await trial.ask("SELECT attempts FROM timer WHERE subject_id = $1 AND generation = 1", subject)
    assert row["attempts"] == 0
    assert await states(trial, subject) == ["fired", "pending"]
