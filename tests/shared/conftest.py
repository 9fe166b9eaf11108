"""Shared fixtures of the backbone's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.conftest import ScratchDatabase
from tests.trial import EFFECTS, TRIAL_EVENTS, Trial
from zhengling.events.catalogue import EVENTS


@pytest.fixture(scope="session")
async def trial_database(scratch_database: Callable[..., Awaitable[ScratchDatabase]]) -> ScratchDatabase:
    """One database for all tests of the backbone: each works on aggregates of its own."""
    return await scratch_database(EFFECTS)


@pytest.fixture
async def trial(trial_database: ScratchDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trial]:
    """The trial service, with nothing left over from the test before."""
    for name, event in TRIAL_EVENTS.items():
        monkeypatch.setitem(EVENTS, name, event)
    made = Trial(trial_database)
    await made.ask(
        "TRUNCATE outbox, outbox_sequence, inbox, inbox_cursor, missing_event, denied_event, poison, timer, effect"
    )
    await made.ask(
        "UPDATE reconciliation SET reported_until = 'epoch', reported_at = 'epoch', sent_at = now(), received_until = now()"
    )
    await made.ask("UPDATE business_clock SET shift = '0'")
    yield made
    await made.close()
