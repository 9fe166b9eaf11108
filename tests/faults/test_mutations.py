"""The checks can fail: each mechanism of the backbone is taken out, and the test that rests on it has to turn red."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partialmethod

import pytest
import sqlalchemy as sa
from aiokafka import ConsumerRecord, TopicPartition
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.shared.backbone import test_consumer, test_inbox, test_outbox, test_relay, test_timers
from tests.trial import GOVERNMENT, Log, LogConsumer, ThingCounted, Trial
from zhengling.backbone import inbox, outbox, relay, timers
from zhengling.backbone.consumer import EventConsumer
from zhengling.events.event import Event, EventKind

Mutation = Callable[[pytest.MonkeyPatch, Trial], None]
Check = Callable[[Trial, pytest.MonkeyPatch], Awaitable[None]]
Records = list[ConsumerRecord[bytes, bytes]]


def without_the_inbox_row(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    patch.setattr(inbox, "_RECORD_AND_STEP", sa.text("SELECT cardinality(CAST(:event_id AS uuid[]))"))


def without_the_check_of_the_sequence(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    patch.setattr(ThingCounted, "kind", EventKind.snapshot)


def without_the_block_behind_a_failure(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    patch.setattr(inbox, "_BLOCK", sa.text("SELECT 1"))


def without_the_lock_on_the_sequence(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    locked = str(outbox._EMIT)
    begin, end = locked.index("INSERT INTO outbox_sequence"), locked.index("), row AS")
    counted = """
        SELECT e.aggregate_type, e.aggregate_id, count(o.pos) + 1 AS last_seq FROM event e LEFT JOIN outbox o
        ON (o.aggregate_type, o.aggregate_id) = (e.aggregate_type, e.aggregate_id) GROUP BY 1, 2
    """
    patch.setattr(outbox, "_EMIT", sa.text(locked[:begin] + counted + locked[end:]))


def without_the_changes_transaction(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    async def at_once(session: AsyncSession, *events: Event) -> None:
        async with trial.app.transaction(GOVERNMENT) as own:
            await outbox.emit(own, *events)

    patch.setattr(test_outbox, "emit", at_once)


def without_the_lock_on_the_lane(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    patch.setattr(outbox, "_LOCK_LANES", sa.text("SELECT lane FROM outbox_lane WHERE lane = ANY(:lanes)"))


def without_waves(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    patch.setattr(relay, "waves", lambda rows: [rows] if rows else [])


def with_the_commits_swapped(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    take = EventConsumer._take

    async def swapped(
        self: EventConsumer,
        client: LogConsumer,
        batches: dict[TopicPartition, Records],
        moved_at: dict[TopicPartition, float],
    ) -> None:
        await client.commit({partition: records[-1].offset + 1 for partition, records in batches.items()})
        await take(self, client, batches, moved_at)  # type: ignore[arg-type]

    patch.setattr(EventConsumer, "_take", swapped)


def without_the_order_of_governments(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    receive = inbox.Inbox.receive

    async def as_they_come(self: inbox.Inbox, session: AsyncSession, records: Records, *_: object) -> None:
        for record in records:
            await receive(self, session, [record])

    patch.setattr(inbox.Inbox, "receive", as_they_come)


def without_the_watchdog(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    async def sleep(*_: object) -> None:
        await asyncio.Event().wait()

    patch.setattr(EventConsumer, "_watch", sleep)
    patch.setattr(Log, "until_drained", partialmethod(Log.until_drained, 2.0))  # it never will be


def without_the_lock_on_the_timer(patch: pytest.MonkeyPatch, trial: Trial) -> None:
    patch.setattr(timers, "_DUE", sa.text(str(timers._DUE).replace("FOR UPDATE SKIP LOCKED", "")))


def on_trial(test: Callable[[Trial], Awaitable[None]]) -> Check:
    return lambda trial, _: test(trial)


def on_members(test: Callable[[Trial, test_consumer.Members], Awaitable[None]]) -> Check:
    return lambda trial, patch: test(trial, test_consumer.Members(trial, patch))


MUTATIONS: dict[Mutation, tuple[Check, ...]] = {
    without_the_inbox_row: (
        on_trial(test_inbox.test_an_event_that_is_delivered_again_has_no_second_effect),
        on_members(test_consumer.test_a_replay_from_the_first_record_on_changes_nothing),
    ),
    without_the_check_of_the_sequence: (
        on_trial(test_inbox.test_events_that_arrive_out_of_order_wait_for_those_before_them),
    ),
    without_the_block_behind_a_failure: (
        on_trial(test_inbox.test_a_failing_event_is_tried_again_and_the_later_ones_follow_in_order),
    ),
    without_the_lock_on_the_sequence: (
        on_trial(test_outbox.test_events_of_concurrent_writers_are_numbered_without_gaps_in_the_order_of_their_commits),
    ),
    without_the_changes_transaction: (
        on_trial(test_outbox.test_a_committed_change_has_its_event_and_a_rolled_back_one_has_none),
    ),
    without_the_lock_on_the_lane: (on_trial(test_relay.test_a_lane_that_another_relay_has_is_passed_over),),
    without_waves: (on_trial(test_relay.test_at_most_one_event_of_an_aggregate_is_in_flight),),
    with_the_commits_swapped: (on_members(test_consumer.test_the_offset_never_runs_ahead_of_the_database),),
    without_the_order_of_governments: (
        on_members(test_consumer.test_members_take_governments_in_one_order_and_dont_shoot_one_another),
    ),
    without_the_watchdog: (
        on_members(test_consumer.test_a_consumer_whose_poll_hangs_although_there_is_lag_is_built_anew),
    ),
    without_the_lock_on_the_timer: (on_trial(test_timers.test_a_timer_fires_once_with_three_loops_at_once),),
}


@pytest.mark.parametrize(
    ("mutate", "check"),
    [pytest.param(mutate, check, id=mutate.__name__) for mutate, checks in MUTATIONS.items() for check in checks],
)
async def test_a_backbone_without_one_of_its_mechanisms_is_noticed(
    mutate: Mutation, check: Check, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch, trial)
    with pytest.raises((AssertionError, TimeoutError, IntegrityError)):
        await check(trial, monkeypatch)
