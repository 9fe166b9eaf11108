"""Several events of one poll in oversight-svc: their rows are inserted in batches, yet visible to the next event. Each
test's transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.handlers import HANDLERS
from tests.conftest import ROOT
from tests.trial import envelope, record
from zhengling.backbone.inbox import Inbox
from zhengling.database.session import Database
from zhengling.events.cloudevents import Envelope
from zhengling.events.event import Event
from zhengling.events.meeting import DecisionAdopted, DecisionAmended, DecisionRevoked, Resolution, Unit
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.loading import Rulebooks
from zhengling.rules.vocabulary import Difficulty, Outcome

GOVERNMENT, EDITION = "shuangtaizi", "2022-11-02"
SIGNED = datetime(2026, 2, 10, 1, tzinfo=UTC)
OFFICE = Unit(code="stz-office", name="政府办公室")
MEETING: dict[str, Any] = {"meeting_id": "m", "meeting_title": "常务会议", "signed_at": SIGNED, "recorded_at": SIGNED}
KIND: dict[str, Any] = {"meeting_kind": "executive", "edition": EDITION}
CORRECTED: dict[str, Any] = {"revision": 2, "minutes_version": 2, "reason": "笔误"}

Deliver = Callable[..., Awaitable[None]]
Ask = Callable[[str], Awaitable[list[Any]]]


def resolution(decision: str, due: date | None = None, difficulty: Difficulty = Difficulty.general) -> Resolution:
    return Resolution(
        decision_id=decision, topic_id=decision, number=1, title="关于老旧小区供水管网改造的请示", sponsor=OFFICE,
        outcome=Outcome.passed, task="抓紧组织实施", lead=OFFICE, due=due, difficulty=difficulty,
    )  # fmt: skip


def adopted(decision: str, edition: str = EDITION) -> Event:
    made = resolution(decision)
    said = MEETING | KIND | {"edition": edition, "meeting_clause": "ST-38"}
    return DecisionAdopted(decision_id=decision, resolution=made, **said)


def amended(decision: str, due: date | None) -> Event:
    made = resolution(decision, due)
    said = MEETING | KIND | CORRECTED | {"changes": (), "closed_at": SIGNED}
    return DecisionAmended(decision_id=decision, resolution=made, **said)


def revoked(decision: str) -> Event:
    return DecisionRevoked(decision_id=decision, resolution=resolution(decision), **MEETING, **CORRECTED)


class Undone(Exception):
    """Rolls the test's transaction back."""


@pytest.fixture
async def batch(stack: EmbeddedStack) -> AsyncIterator[Callable[[], AbstractAsyncContextManager[tuple[Deliver, Ask]]]]:
    """A transaction of oversight's worker that is rolled back: delivers events as one poll, and asks its tables."""
    database = Database(stack.database_url("oversight", "worker"), application="test")
    inbox = Inbox("test", HANDLERS, Rulebooks.load([ROOT / "rulebooks"]))

    @asynccontextmanager
    async def transaction() -> AsyncIterator[tuple[Deliver, Ask]]:
        try:
            async with database.transaction(GOVERNMENT) as session:
                yield _deliver(inbox, session), _ask(session)
                raise Undone
        except Undone:
            pass

    yield transaction
    await database.close()


def _deliver(inbox: Inbox, session: AsyncSession) -> Deliver:
    async def deliver(*events: Event) -> None:
        sequence: dict[str, int] = {}
        envelopes: list[Envelope] = []
        for event in events:
            sequence[event.aggregate_id] = sequence.get(event.aggregate_id, 0) + 1
            envelopes.append(envelope(event, sequence[event.aggregate_id], government=GOVERNMENT))
        await inbox.receive(session, [record(each) for each in envelopes])

    return deliver


def _ask(session: AsyncSession) -> Ask:
    async def ask(statement: str) -> list[Any]:
        return list((await session.execute(sa.text(statement))).all())

    return ask


ENTRY = "FROM ledger_entry WHERE source_id = '{0}'"
DEADLINES = "SELECT rule, state FROM deadline WHERE subject_id = (SELECT id " + ENTRY + ") ORDER BY rule"
TIMERS = "SELECT state, due_at FROM timer WHERE subject_id = (SELECT id " + ENTRY + ") ORDER BY generation"


async def test_a_decision_adopted_and_revoked_in_one_poll_leaves_no_deadline_and_no_timer_running(batch: Any) -> None:
    decision = str(uuid4())
    async with batch() as (deliver, ask):
        await deliver(adopted(decision), revoked(decision))
        assert await ask(f"SELECT state {ENTRY.format(decision)}") == [("revoked",)]
        assert await ask(DEADLINES.format(decision)) == [("matter-general", "cancelled")]
        assert {state for state, _ in await ask(TIMERS.format(decision))} == {"cancelled"}


async def test_a_date_that_came_and_went_in_one_poll_gives_the_rules_date_back(batch: Any) -> None:
    decision = str(uuid4())
    async with batch() as (deliver, ask):
        await deliver(adopted(decision), amended(decision, date(2026, 3, 2)), amended(decision, None))
        assert await ask(DEADLINES.format(decision)) == [("matter-general", "running")]
        ((due_at,),) = await ask(f"SELECT due_at {ENTRY.format(decision)}")
        pending = [moment for state, moment in await ask(TIMERS.format(decision)) if state == "pending"]
        assert pending == [due_at]


async def test_entries_of_one_poll_are_numbered_without_a_gap_and_each_has_its_timer(batch: Any) -> None:
    decisions = [str(uuid4()) for _ in range(5)]
    async with batch() as (deliver, ask):
        before = await ask("SELECT last FROM number_series WHERE government = 'shuangtaizi' AND series = 'ledger:2026'")
        await deliver(*map(adopted, decisions))
        await deliver(
            adopted(str(uuid4())), *(adopted(str(uuid4()), "1999-01-01") for _ in range(2))
        )  # no such edition
        await deliver(*(adopted(str(uuid4())) for _ in range(2)))
        ((last,),) = await ask("SELECT last FROM number_series WHERE series = 'ledger:2026'")
        first = before[0][0] if before else 0
        assert last == first + 8
        numbers = await ask(
            "SELECT number FROM ledger_entry WHERE edition = '2022-11-02' AND opened_at = business_now()"
        )
        assert sorted(number for (number,) in numbers) == sorted(f"双政督〔2026〕{first + n + 1}号" for n in range(8))
        for decision in decisions:
            assert [state for state, _ in await ask(TIMERS.format(decision))] == ["pending"]
