"""`python mutant.py MUTATION SERVICE worker`: a service's command line with one mechanism of the backbone taken out.

For the tests alone, which have to turn red with it; one only fails as a faulty handler would.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from importlib import import_module

import pytest
import sqlalchemy as sa
from aiokafka import ConsumerRecord, TopicPartition
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.entry import from_decision
from zhengling.backbone import inbox, outbox, relay
from zhengling.backbone.consumer import EventConsumer
from zhengling.backbone.kafka import Consumer
from zhengling.events.meeting import DecisionAdopted
from zhengling.kernel.errors import Text, refusal

REFUSED = "refused-"
Batches = dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]


def unchanged(patch: pytest.MonkeyPatch) -> None:
    """All mechanisms are there."""


def without_the_inbox_row(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inbox, "_RECORD_AND_STEP", sa.text("SELECT cardinality(CAST(:event_id AS uuid[]))"))


def with_the_commits_swapped(patch: pytest.MonkeyPatch) -> None:
    take = EventConsumer._take

    async def swapped(
        self: EventConsumer, client: Consumer, batches: Batches, moved_at: dict[TopicPartition, float]
    ) -> None:
        await client.commit({partition: records[-1].offset + 1 for partition, records in batches.items()})
        await take(self, client, batches, moved_at)

    patch.setattr(EventConsumer, "_take", swapped)


def without_the_check_of_the_sequence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inbox.Arrival, "snapshot", property(lambda self: True))


def without_waves(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(relay, "waves", lambda rows: [rows] if rows else [])


def without_reports(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> tuple[tuple[()], None]:
        return (), None

    patch.setattr(outbox, "moved", nothing)


def with_a_handler_that_refuses(patch: pytest.MonkeyPatch) -> None:
    """A handler with a fault that an upgrade mends: it refuses the decisions of meetings whose id says so."""
    opens = from_decision.open_entry_for_decision

    async def refuse(session: AsyncSession, received: inbox.Received, event: DecisionAdopted) -> object:
        if event.meeting_id.startswith(REFUSED):
            raise refusal("refused", None, "the handler is faulty", "处理程序有误", Text("upgrade it", "请升级"))
        return await opens(session, received, event)

    patch.setattr(from_decision, "open_entry_for_decision", refuse)


def with_a_poll_that_hangs(patch: pytest.MonkeyPatch) -> None:
    """As aiokafka was seen to: the first consumer of a process gets nothing any more. The watchdog is there."""
    poll, hung = Consumer.poll, set[int]()

    async def hang(self: Consumer, timeout: float, most: int) -> object:
        if not hung:
            hung.add(id(self))
        if id(self) in hung:
            await asyncio.Event().wait()
        return await poll(self, timeout, most)

    patch.setattr(Consumer, "poll", hang)


def without_the_watchdog(patch: pytest.MonkeyPatch) -> None:
    async def sleep(*_: object) -> None:
        await asyncio.Event().wait()

    with_a_poll_that_hangs(patch)
    patch.setattr(EventConsumer, "_watch", sleep)


MUTATIONS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    mutation.__name__: mutation
    for mutation in (
        unchanged, without_the_inbox_row, with_the_commits_swapped, without_the_check_of_the_sequence, without_waves,
        without_reports, with_a_handler_that_refuses, with_a_poll_that_hangs, without_the_watchdog,
    )
}  # fmt: skip

if __name__ == "__main__":
    mutation, service, *command = sys.argv[1:]
    MUTATIONS[mutation](pytest.MonkeyPatch())
    import_module(f"{service}_svc.app").PROGRAM.cli()(command)
