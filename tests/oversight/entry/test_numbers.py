"""The entries of one minutes are numbered in the agenda's order, in whatever order their events arrive."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

import oversight_svc.app
from oversight_svc.handlers import DISCARDS, HANDLERS
from tests.conftest import ROOT
from tests.oversight.entry.test_batches import EDITION, GOVERNMENT, OFFICE, SIGNED
from tests.trial import envelope, record
from zhengling.backbone.inbox import Inbox
from zhengling.database.bootstrap import Passwords, bootstrap_database
from zhengling.database.session import Database, is_contention
from zhengling.events.cloudevents import Envelope
from zhengling.events.meeting import DecisionAdopted, Resolution
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.loading import Rulebooks
from zhengling.rules.vocabulary import Outcome
from zhengling.service.program import migrate_database

REGISTER = "SELECT n, subject_id, state FROM number WHERE series = 'ledger' AND period = 2026 ORDER BY n"


class Oversight:
    """oversight-svc's database, empty but for the working days, and its consumers."""

    def __init__(self, worker: str, admin: str) -> None:
        self.database = Database(worker, application="test")
        self.admin = admin
        self.inbox = Inbox("oversight", HANDLERS, Rulebooks.load([ROOT / "rulebooks"]), DISCARDS)

    async def receive(self, events: Sequence[Envelope]) -> None:
        """One poll of a consumer; repeated as it would be, if it waits for another one that waits for it."""
        while True:
            try:
                async with self.database.transaction(None) as session:
                    await self.inbox.receive(session, [record(each) for each in events])
                return
            except DBAPIError as error:
                if not is_contention(error):
                    raise

    async def ask(self, statement: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(self.admin)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    async def numbers(self, decisions: Sequence[str]) -> list[int]:
        """The numbers of the entries of these decisions, as they are written."""
        found = dict(await self.ask("SELECT source_id, number FROM ledger_entry"))
        return [int(str(found[each]).removeprefix("双政督〔2026〕").removesuffix("号")) for each in decisions]


@pytest.fixture(scope="module")
async def oversight(stack: EmbeddedStack) -> AsyncIterator[Oversight]:
    name, passwords = f"scratch_{uuid4().hex[:10]}", Passwords.random()
    await bootstrap_database(stack.database_admin_url, name, passwords)
    server = stack.database_admin_url.rsplit("/", 1)[0]
    host = server.split("@", 1)[1]
    owner = f"postgresql://{name}_owner:{passwords.owner}@{host}/{name}"
    await asyncio.to_thread(migrate_database, oversight_svc.app.PROGRAM.migrations, owner, "head")
    there, here = await asyncpg.connect(f"{server}/oversight"), await asyncpg.connect(f"{server}/{name}")
    years = await there.fetch("SELECT * FROM calendar_year WHERE government = '*'")
    await here.executemany("INSERT INTO calendar_year VALUES ($1, $2, $3, $4, $5)", [tuple(each) for each in years])
    await there.close()
    await here.close()
    made = Oversight(f"postgresql://{name}_worker:{passwords.worker}@{host}/{name}", f"{server}/{name}")
    yield made
    await made.database.close()
    connection = await asyncpg.connect(stack.database_admin_url)
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    for role in ("owner", "app", "worker"):
        await connection.execute(f'DROP ROLE "{name}_{role}"')
    await connection.close()


def adopted(
    decisions: Sequence[str],
    in_order: Sequence[str],
    *,
    edition: str = EDITION,
    signed_at: datetime = SIGNED,
    by_correction: bool = False,
) -> list[Envelope]:
    """The events of decisions that one signature adopted; `in_order` is what they carry."""
    meeting = str(uuid4())
    return [
        envelope(
            DecisionAdopted(
                decision_id=decision, meeting_id=meeting, meeting_kind="executive", meeting_title="常务会议",
                meeting_clause="ST-38", edition=edition, signed_at=signed_at, recorded_at=signed_at,
                by_correction=by_correction, adopted_in_order=tuple(in_order),
                resolution=Resolution(
                    decision_id=decision, topic_id=decision, number=number, title="事项", sponsor=OFFICE,
                    outcome=Outcome.passed, task="组织实施", lead=OFFICE,
                ),
            ),
            1,
            government=GOVERNMENT,
        )
        for number, decision in enumerate(decisions, 1)
    ]  # fmt: skip


def an_agenda(length: int = 5) -> list[str]:
    return [str(uuid4()) for _ in range(length)]


ORDERS = st.permutations(range(5))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=ORDERS, cuts=st.sets(st.integers(1, 4)), again=ORDERS)
async def test_in_every_order_of_arrival_the_numbers_follow_the_agenda(
    oversight: Oversight, order: list[int], cuts: set[int], again: list[int]
) -> None:
    """The events come in polls of any size, and all of them once more in another order."""
    agenda = an_agenda()
    events = adopted(agenda, agenda)
    begins = [0, *sorted(cuts), 5]
    for begin, end in pairwise(begins):
        await oversight.receive([events[place] for place in order[begin:end]])
    await oversight.receive([events[place] for place in again])
    numbers = await oversight.numbers(agenda)
    assert numbers == list(range(numbers[0], numbers[0] + 5))


async def test_two_consumers_that_receive_everything_at_once_number_each_minutes_by_its_agenda(
    oversight: Oversight,
) -> None:
    dice = random.Random(11)
    agendas = [an_agenda(dice.randint(1, 6)) for _ in range(12)]
    events = [event for agenda in agendas for event in adopted(agenda, agenda)]

    async def consumer() -> None:
        mine = dice.sample(events, len(events))
        while mine:
            poll = [mine.pop() for _ in range(min(len(mine), dice.randint(1, 7)))]
            await oversight.receive(poll)

    await asyncio.gather(consumer(), consumer())
    for agenda in agendas:
        numbers = await oversight.numbers(agenda)
        assert numbers == list(range(numbers[0], numbers[0] + len(agenda)))
    register = await oversight.ask(REGISTER)
    assert [n for n, _, _ in register] == list(range(1, len(register) + 1))
    assert {state for _, _, state in register} == {"used"}


async def test_one_that_is_delayed_keeps_its_number_and_nobody_waits_for_it(oversight: Oversight) -> None:
    agenda, other = an_agenda(3), an_agenda(2)
    events = adopted(agenda, agenda)
    await oversight.receive([events[2], events[0]])
    await oversight.receive(adopted(other, other))
    first, third = await oversight.numbers([agenda[0], agenda[2]])
    assert third == first + 2
    assert (first + 1, agenda[1], "reserved") in await oversight.ask(REGISTER)
    assert await oversight.numbers(other) == [first + 3, first + 4]
    await oversight.receive([events[1]])
    assert await oversight.numbers(agenda) == [first, first + 1, first + 2]


async def test_one_that_fails_keeps_its_number_for_the_time_when_it_is_handled(oversight: Oversight) -> None:
    agenda = an_agenda(3)
    dead = adopted(agenda, agenda, edition="1999-01-01")[0]  # there is no such edition
    await oversight.receive([dead, *adopted(agenda, agenda)[1:]])
    second, third = await oversight.numbers(agenda[1:])
    assert third == second + 1
    assert (second - 1, agenda[0], "reserved") in await oversight.ask(REGISTER)


@pytest.mark.parametrize("others_first", [True, False])
async def test_the_number_of_one_whose_event_is_discarded_is_void_with_the_reason(
    oversight: Oversight, others_first: bool
) -> None:
    agenda = an_agenda(3)
    events = adopted(agenda, agenda)
    resolution = events[1].data["resolution"]
    assert isinstance(resolution, dict)
    resolution["lead"] = None  # no entry can be opened
    if others_first:
        await oversight.receive([events[0], events[2]])
    await oversight.receive([events[1]])
    await oversight.ask(
        "UPDATE inbox SET status = 'discarded', discard_reason = '另行登记', discarded_by = 'stz-director'"
        f" WHERE event_id = '{events[1].id}' AND status IN ('waiting', 'dead') RETURNING 1"
    )
    while True:
        async with oversight.database.transaction(None) as session:
            if not await oversight.inbox.drain_blocked(session):
                break
    await oversight.receive([events[0], events[2]])
    first, third = await oversight.numbers([agenda[0], agenda[2]])
    assert third == first + 2
    register = await oversight.ask(f"SELECT state, state_by, reason FROM number WHERE subject_id = '{agenda[1]}'")
    assert register == [("void", "stz-director", "另行登记")]


@pytest.mark.parametrize("correction_first", [False, True])
async def test_what_a_correction_adopts_is_numbered_after_the_minutes(
    oversight: Oversight, correction_first: bool
) -> None:
    agenda, added = an_agenda(3), an_agenda(1)
    later = datetime(2026, 3, 1, 1, tzinfo=UTC)
    polls = [adopted(agenda, agenda), adopted(added, [*agenda, *added], signed_at=later, by_correction=True)]
    for poll in reversed(polls) if correction_first else polls:
        await oversight.receive(poll)
    numbers = await oversight.numbers([*agenda, *added])
    assert numbers == list(range(numbers[0], numbers[0] + 4))


async def test_events_sent_before_they_carried_the_order_are_numbered_as_they_arrive(oversight: Oversight) -> None:
    agenda = an_agenda(3)
    events = adopted(agenda, ())
    for place in (2, 0, 1):
        await oversight.receive([events[place]])
    third, first, second = await oversight.numbers([agenda[2], agenda[0], agenda[1]])
    assert (first, second) == (third + 1, third + 2)
