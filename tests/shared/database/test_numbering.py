"""The register of numbers: consecutive whatever happens to those who take them, and a void number stays explained."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import ScratchDatabase
from zhengling.database.batching import together
from zhengling.database.numbering import Series, Subject, reserve, take, void
from zhengling.database.session import Database

LEDGER = Series("ledger", 2026, "大政督〔{year}〕{n}号")
TABLE = files("zhengling.migrations").joinpath("0004_numbers.up.sql")


@pytest.fixture(scope="module")
async def scratch(scratch_database: Any) -> ScratchDatabase:
    made: ScratchDatabase = await scratch_database(TABLE.read_text("utf-8"))
    return made


@pytest.fixture(scope="module")
async def database(scratch: ScratchDatabase) -> AsyncIterator[Database]:
    made = Database(scratch.worker, application="test")
    yield made
    await made.close()


@pytest.fixture
def government() -> str:
    """A government whose register is empty."""
    return str(uuid4())


async def rows(database: Database, government: str, what: str) -> list[Any]:
    async with database.transaction(government) as session:
        return [tuple(row) for row in await session.execute(sa.text(f"SELECT {what}"))]


def thing(key: object) -> Subject:
    return Subject("thing", str(key))


async def test_a_series_counts_from_one_in_each_government_and_period(database: Database) -> None:
    given = []
    for government in (str(uuid4()), str(uuid4())):
        async with database.transaction(government) as session:
            for key, series in enumerate(
                (LEDGER, LEDGER, Series("ledger", 2027, "{year}/{n}"), Series("order", None, "第{n}号"))
            ):
                given.append(await take(session, series, thing(key), "clerk"))
    assert given == ["大政督〔2026〕1号", "大政督〔2026〕2号", "2027/1", "第1号"] * 2


async def test_a_number_says_whose_it_is_and_who_gave_it_when(database: Database, government: str) -> None:
    async with database.transaction(government) as session:
        await take(session, LEDGER, thing("a"), "clerk")
    found = await rows(
        database,
        government,
        "series, period, n, text, subject_noun, subject_id, state, given_by, given_at IS NOT NULL FROM number",
    )
    assert found == [("ledger", 2026, 1, "大政督〔2026〕1号", "thing", "a", "used", "clerk", True)]


async def test_a_number_of_a_transaction_that_is_rolled_back_is_given_again(
    database: Database, government: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(government) as session:
            assert await take(session, LEDGER, thing("a"), "clerk") == "大政督〔2026〕1号"
            raise ZeroDivisionError
    async with database.transaction(government) as session:
        with pytest.raises(ZeroDivisionError):
            async with session.begin_nested():
                await take(session, LEDGER, thing("b"), "clerk")
                raise ZeroDivisionError
        assert await take(session, LEDGER, thing("c"), "clerk") == "大政督〔2026〕1号"


async def test_numbers_of_a_batch_are_written_together_and_counted_on(database: Database, government: str) -> None:
    async with database.transaction(government) as session:
        with pytest.raises(ZeroDivisionError):
            async with session.begin_nested(), together(session):
                await take(session, LEDGER, thing("lost"), "clerk")
                raise ZeroDivisionError
        async with session.begin_nested(), together(session):
            await take(session, LEDGER, thing("a"), "clerk", [thing("b"), thing("a")])
            await take(session, LEDGER, thing("c"), "clerk")
            await take(session, LEDGER, thing("b"), "clerk", [thing("b"), thing("a")])
        await take(session, LEDGER, thing("d"), "clerk")
    assert await rows(database, government, "n, subject_id, state FROM number ORDER BY n") == [
        (1, "b", "used"), (2, "a", "used"), (3, "c", "used"), (4, "d", "used"),
    ]  # fmt: skip


async def test_a_void_number_stays_taken_and_explained(database: Database, government: str) -> None:
    async with database.transaction(government) as session:
        await take(session, LEDGER, thing("a"), "clerk")
    async with database.transaction(government) as session:
        assert await void(session, "ledger", thing("a"), "编号有误", "director") == "大政督〔2026〕1号"
        assert await take(session, LEDGER, thing("a"), "clerk") == "大政督〔2026〕2号"
    assert await rows(database, government, "n, state, given_by, state_by, reason FROM number ORDER BY n") == [
        (1, "void", "clerk", "director", "编号有误"), (2, "used", "clerk", "clerk", ""),
    ]  # fmt: skip
    async with database.transaction(government) as session:
        assert await void(session, "ledger", thing("nobody"), "编号有误", "director") is None


@pytest.mark.parametrize("statement", [
    "DELETE FROM number", "UPDATE number SET n = 7", "UPDATE number SET subject_id = 'other'",
    "UPDATE number SET state = 'void', reason = ''",
])  # fmt: skip
async def test_no_role_can_take_a_number_away_or_make_one_void_without_a_reason(
    scratch: ScratchDatabase, database: Database, government: str, statement: str
) -> None:
    async with database.transaction(government) as session:
        await take(session, LEDGER, thing("a"), "clerk")
    for url in (scratch.app, scratch.worker):
        connection = await asyncpg.connect(url)
        await connection.execute("SELECT set_config('app.government', $1, false)", government)
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
            await connection.execute(statement)
        await connection.close()


async def test_a_subject_has_one_number_in_a_series(database: Database, government: str) -> None:
    async with database.transaction(government) as session:
        await take(session, LEDGER, thing("a"), "clerk")
    with pytest.raises(DBAPIError):
        async with database.transaction(government) as session:
            await take(session, LEDGER, thing("a"), "clerk")


# What a register does, step by step, beside a list: None for a step that is rolled back.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("take", "reserve", "void")),
        st.permutations(range(6)).map(lambda keys: keys[:3]),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, batched=st.booleans())
async def test_the_register_says_what_a_list_says(database: Database, steps: list[Any], batched: bool) -> None:
    """The list holds subject and state of each number, in their order."""
    model, government = list[tuple[int, str]](), str(uuid4())
    for what, keys, rolled_back in steps:
        after = _after(list(model), what, keys)
        if after is None:
            continue
        try:
            async with database.transaction(government) as session:
                if batched:
                    async with together(session):
                        await _done(session, what, keys)
                else:
                    await _done(session, what, keys)
                if rolled_back:
                    raise ZeroDivisionError
            model = after
        except ZeroDivisionError:
            pass
    found = await rows(database, government, "n, subject_id, state FROM number ORDER BY n")
    assert found == [(n, str(key), state) for n, (key, state) in enumerate(model, 1)]


def _after(model: list[tuple[int, str]], what: str, keys: list[int]) -> list[tuple[int, str]] | None:
    states = dict(model)
    live = {key for key, state in model if state != "void"}
    first = keys[0]
    if what == "void":
        return [(key, "void" if key == first else state) for key, state in model] if first in live else None
    if what == "take" and (first, "used") in model:
        return None
    if what == "reserve" or first not in live:
        model += [(key, "reserved") for key in keys if key not in states]
    if what == "take":
        if (first, "reserved") in model:
            model[model.index((first, "reserved"))] = (first, "used")
        else:
            model.append((first, "used"))
    return model


async def _done(session: AsyncSession, what: str, keys: list[int]) -> None:
    subjects = [thing(key) for key in keys]
    if what == "take":
        await take(session, LEDGER, subjects[0], "clerk", subjects)
    elif what == "reserve":
        await reserve(session, LEDGER, subjects, "clerk")
    else:
        await void(session, "ledger", subjects[0], "编号有误", "director")


async def test_two_hundred_takers_of_whom_some_are_killed_and_some_roll_back_take_consecutive_numbers(
    scratch: ScratchDatabase, database: Database, government: str
) -> None:
    dice = random.Random(20261130)
    script = Path(__file__).with_name("takers.py")
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(script), scratch.app, government, f"p{each}", "25", stdout=asyncio.subprocess.PIPE
        )
        for each in range(8)
    ]
    printed: list[str] = []

    async def read(process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            printed.append(line.decode())

    reading = [asyncio.create_task(read(process)) for process in processes]
    for process in processes[:3]:
        while not printed or dice.random() < 0.8:
            await asyncio.sleep(0.05)
        process.kill()
    await asyncio.gather(*reading)
    ends = [await process.wait() for process in processes]
    assert ends == [-9] * 3 + [0] * 5

    found = await rows(database, government, "n, subject_id, state FROM number ORDER BY n")
    assert [n for n, _, _ in found] == list(range(1, len(found) + 1))
    assert max(Counter(subject for _, subject, _ in found).values()) == 1
    register = {subject: n for n, subject, state in found if state == "used"}
    told = {subject: int(n) for n, subject in (line.split() for line in printed if line.endswith("\n"))}
    assert len(told) > 5 * 25 * 6
    assert told.items() <= register.items()
    assert len(register) - len(told) <= 3 * 16  # of the killed: committed, and not printed any more
    assert {subject for _, subject, state in found if state == "reserved"} <= {
        subject for _, subject, _ in found if subject.startswith(("p0-", "p1-", "p2-"))
    }
    places = {subject: n for n, subject, _ in found}
    for subject, n in places.items():  # those of one order are in that order, and next to one another
        one, place = subject.rsplit("-", 1)
        assert n - int(place) == places[f"{one}-0"]
