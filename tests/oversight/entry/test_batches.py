"""Several events of one poll in oversight-svc: their rows are inserted in batches, yet visible to the next event. Each
test's transaction is rolled back.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.handlers import HANDLERS
from tests import sixth
from tests.conftest import ROOT
from tests.sixth import write_sixth_government
from tests.trial import envelope, record
from zhengling.backbone.inbox import MAX_ATTEMPTS, Inbox, Status, verdict
from zhengling.database.session import Database
from zhengling.events.cloudevents import Envelope
from zhengling.events.event import Event
from zhengling.events.meeting import (
    DecisionAdopted,
    DecisionAmended,
    DecisionRevoked,
    Resolution,
    ResolutionChange,
    Unit,
)
from zhengling.kernel.errors import Problem, Text
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


def adopted(decision: str, edition: str = EDITION, made: Resolution | None = None, **more: Any) -> Event:
    said = MEETING | KIND | {"edition": edition, "meeting_clause": "ST-38"} | more
    return DecisionAdopted(decision_id=decision, resolution=made or resolution(decision), **said)


def amended(decision: str, due: date | None = None, made: Resolution | None = None, *changed: str) -> Event:
    changes = tuple(ResolutionChange(field=field, before=None, after=None) for field in changed)
    said = MEETING | KIND | CORRECTED | {"changes": changes, "closed_at": SIGNED}
    return DecisionAmended(decision_id=decision, resolution=made or resolution(decision, due), **said)


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
    sequence: dict[str, int] = {}

    async def deliver(*events: Event) -> None:
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


LAST = "SELECT coalesce(max(n), 0) FROM number WHERE series = 'ledger' AND period = 2026"
ENTRY = "FROM ledger_entry WHERE source_id = '{0}'"
OF_THE_ENTRY = "FROM deadline WHERE subject_id = (SELECT id " + ENTRY + ")"
DEADLINES = "SELECT rule, state " + OF_THE_ENTRY + " AND met_by = 'completion' ORDER BY rule"
NEXT = "SELECT min(due_at) " + OF_THE_ENTRY + " AND state = 'running'"
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
        rows = [("decision", "cancelled"), ("matter-general", "running")]
        assert await ask(DEADLINES.format(decision)) == rows
        assert await ask(f"SELECT due_basis {ENTRY.format(decision)}") == [("rule",)]
        pending = [(moment,) for state, moment in await ask(TIMERS.format(decision)) if state == "pending"]
        assert pending == await ask(NEXT.format(decision))


async def test_entries_of_one_poll_are_numbered_without_a_gap_and_each_has_its_timer(batch: Any) -> None:
    decisions = [str(uuid4()) for _ in range(5)]
    async with batch() as (deliver, ask):
        ((first,),) = await ask(LAST)
        await deliver(*map(adopted, decisions))
        await deliver(
            adopted(str(uuid4())), *(adopted(str(uuid4()), "1999-01-01") for _ in range(2))
        )  # no such edition
        await deliver(*(adopted(str(uuid4())) for _ in range(2)))
        ((last,),) = await ask(LAST)
        assert last == first + 8
        numbers = await ask(
            "SELECT number FROM ledger_entry WHERE edition = '2022-11-02' AND opened_at = business_now()"
        )
        assert sorted(number for (number,) in numbers) == sorted(f"双政督〔2026〕{first + n + 1}号" for n in range(8))
        for decision in decisions:
            assert [state for state, _ in await ask(TIMERS.format(decision))] == ["pending"]


DUE = "SELECT due, due_rule, due_basis, deployed_on " + ENTRY
MEETING_DAY = date(2026, 2, 5)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"held_on": MEETING_DAY}, (date(2026, 2, 11), MEETING_DAY)),
        ({"closed_at": datetime(2026, 2, 6, 9, tzinfo=UTC)}, (date(2026, 2, 12), date(2026, 2, 6))),
        ({}, (date(2026, 2, 24), date(2026, 2, 10))),
    ],
    ids=[
        "the meeting's day",
        "an event without it: the day of the close",
        "an event of the first version: the signature",
    ],
)
async def test_a_decision_counts_from_the_day_of_its_meeting_that_day_included(
    event: dict[str, Any], expected: tuple[date, date], batch: Any
) -> None:
    decision = str(uuid4())
    async with batch() as (deliver, ask):
        await deliver(adopted(decision, **event))
        due, deployed = expected
        assert await ask(DUE.format(decision)) == [(due, "matter-general", "rule", deployed)]


async def test_a_correction_to_another_rule_counts_from_the_meetings_day_as_well(batch: Any) -> None:
    decision = str(uuid4())
    complex_ = resolution(decision, difficulty=Difficulty.complex)
    async with batch() as (deliver, ask):
        await deliver(adopted(decision, held_on=MEETING_DAY), amended(decision, made=complex_))
        assert await ask(DUE.format(decision)) == [(date(2026, 3, 4), "matter-complex", "rule", MEETING_DAY)]


async def test_the_years_end_is_for_what_was_set_at_the_years_start_and_other_long_matters_are_for_the_office(
    batch: Any,
) -> None:
    set_then, long = str(uuid4()), str(uuid4())
    made = resolution(set_then, difficulty=Difficulty.long_term).model_copy(update={"set_at_year_start": True})
    async with batch() as (deliver, ask):
        await deliver(adopted(set_then, made=made))
        await deliver(adopted(long, made=resolution(long, difficulty=Difficulty.long_term)))
        assert [row[:3] for row in await ask(DUE.format(set_then))] == [(date(2026, 12, 31), "matter-annual", "rule")]
        assert [row[:3] for row in await ask(DUE.format(long))] == [(None, None, "to_be_set")]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [("task", (date(2026, 12, 31), "matter-annual", "rule")), ("set_at_year_start", (None, None, "to_be_set"))],
)
async def test_a_correction_moves_the_due_date_only_if_it_changes_what_the_table_asks_for(
    changed: str, expected: tuple[Any, ...], batch: Any
) -> None:
    """The correction carries no mark, as one of a decision recorded before the mark existed."""
    decision = str(uuid4())
    made = resolution(decision, difficulty=Difficulty.long_term).model_copy(update={"set_at_year_start": True})
    unmarked = resolution(decision, difficulty=Difficulty.long_term)
    async with batch() as (deliver, ask):
        await deliver(adopted(decision, made=made), amended(decision, None, unmarked, changed))
        assert [row[:3] for row in await ask(DUE.format(decision))] == [expected]


WEIGHT = "SELECT weight " + ENTRY


async def test_a_matter_weighs_what_the_rules_say_until_a_correction_changes_what_they_ask(batch: Any) -> None:
    decision = str(uuid4())
    complex_ = resolution(decision, difficulty=Difficulty.complex)
    yearly = complex_.model_copy(update={"set_at_year_start": True})
    async with batch() as (deliver, ask):
        for event, weight in (
            (adopted(decision), 1),
            (amended(decision, None, complex_, "difficulty"), 3),
            (amended(decision, None, yearly, "set_at_year_start"), 5),
            (amended(decision, None, complex_, "task"), 5),  # it carries no mark, as one from before the mark existed
        ):
            await deliver(event)
            assert await ask(WEIGHT.format(decision)) == [(weight,)]


TOLD = "SELECT event_type FROM outbox WHERE aggregate_id = (SELECT id " + ENTRY + ") ORDER BY aggregate_seq"


async def test_a_correction_that_makes_a_reported_matter_late_says_so_once(batch: Any) -> None:
    decision = str(uuid4())
    reported = "UPDATE ledger_entry SET state = 'reported', met_at = '2026-01-10T09:00+08:00', late = false "
    async with batch() as (deliver, ask):
        await deliver(adopted(decision, made=resolution(decision, date(2026, 1, 20))))
        await ask(reported + f"WHERE source_id = '{decision}' RETURNING 1")
        await deliver(amended(decision, date(2026, 1, 12), None, "due"))
        assert await ask(f"SELECT late {ENTRY.format(decision)}") == [(False,)]
        await deliver(amended(decision, date(2026, 1, 2), None, "due"))
        await deliver(amended(decision, date(2026, 1, 3), None, "due"))
        assert await ask(f"SELECT late, overdue_at IS NULL {ENTRY.format(decision)}") == [(True, False)]
        told = [type.split(".")[3] for (type,) in await ask(TOLD.format(decision))]
        assert told == ["opened", "amended", "amended", "overdue", "amended"]


STATUSES = "SELECT aggregate_id, status, attempts FROM inbox WHERE aggregate_id IN ({0}) ORDER BY aggregate_seq"


async def test_events_of_a_government_whose_rulebook_stops_it_wait_until_it_is_corrected(stack: EmbeddedStack) -> None:
    database = Database(stack.database_url("oversight", "worker"), application="test")
    stopped = Rulebooks.load([ROOT / "rulebooks"])
    stopped.stop(GOVERNMENT, "deadlines.yaml:1: wrong")
    inbox, here, there = Inbox("test", HANDLERS, stopped), str(uuid4()), str(uuid4())

    with contextlib.suppress(Undone):
        async with database.transaction(None) as session:
            ask = _ask(session)
            await inbox.receive(
                session,
                [
                    record(envelope(adopted(here), 1, government=GOVERNMENT)),
                    record(envelope(adopted(there, "2023-08-21"), 1, government="xigang")),
                    record(envelope(revoked(here), 2, government=GOVERNMENT)),
                ],
            )
            for _ in range(2 * MAX_ATTEMPTS):
                await ask("UPDATE inbox SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL RETURNING 1")
                assert await inbox.drain_blocked(session)
            assert await ask(STATUSES.format(f"'{there}'")) == [(there, "applied", 0)]
            waiting = await ask(STATUSES.format(f"'{here}'"))
            assert waiting == [(here, "waiting", 1 + 2 * MAX_ATTEMPTS), (here, "waiting", 0)]
            inbox.rulebooks = Rulebooks.load([ROOT / "rulebooks"])
            await ask("UPDATE inbox SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL RETURNING 1")
            assert await inbox.drain_blocked(session)
            assert [status for _, status, _ in await ask(STATUSES.format(f"'{here}'"))] == ["applied", "applied"]
            raise Undone
    await database.close()


async def test_a_decision_of_rules_without_a_ledger_opens_no_entry_and_nothing_of_it_is_dead(
    stack: EmbeddedStack, tmp_path: Path
) -> None:
    folder = write_sixth_government(tmp_path)
    (folder / "supervision.yaml").unlink()
    database = Database(stack.database_url("oversight", "worker"), application="test")
    inbox, decision = Inbox("test", HANDLERS, Rulebooks.load([tmp_path])), str(uuid4())
    events = [adopted(decision, sixth.EDITION), amended(decision, date(2026, 3, 2)), revoked(decision)]
    with contextlib.suppress(Undone):
        async with database.transaction(None) as session:
            ask = _ask(session)
            records = [record(envelope(event, n, government=sixth.CODE)) for n, event in enumerate(events, 1)]
            await inbox.receive(session, records)
            statuses = await ask(STATUSES.format(f"'{decision}'"))
            assert [status for _, status, _ in statuses] == ["applied"] * 3
            assert await ask(f"SELECT 1 {ENTRY.format(decision)}") == []
            raise Undone
    await database.close()


@pytest.mark.parametrize("attempts", [1, 100, 5000])
def test_who_waits_without_limit_may_have_tried_any_number_of_times(attempts: int) -> None:
    away = Problem(503, "rulebook_unusable", Text("", ""), headers={"Retry-After": "60"})
    status, backoff = verdict(away, attempts)
    assert (status, backoff is not None and 0 < backoff <= 60) == (Status.waiting, True)


def test_an_event_of_a_government_without_a_rulebook_here_waits() -> None:
    with pytest.raises(Problem) as unknown:
        Rulebooks([]).edition("newcomer", EDITION)
    assert verdict(unknown.value, 100)[0] == Status.waiting
