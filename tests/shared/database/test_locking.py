"""A noun is changed only under its row's lock, and several rows are locked in one order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import registry

from zhengling.database.locking import UnlockedChange
from zhengling.database.mapping import map_noun, noun_columns
from zhengling.database.session import Database, load, lock, lock_all
from zhengling.kernel.errors import Problem


@dataclass
class Thing:
    id: str
    government: str
    title: str
    version: int = 1
    modified_at: datetime | None = None


mapper = registry()
table = sa.Table("thing", mapper.metadata, *noun_columns(), sa.Column("title", sa.Text, nullable=False))
map_noun(mapper, Thing, table)
TABLE = """
    CREATE TABLE thing (id text PRIMARY KEY, government text NOT NULL, version integer NOT NULL,
                        modified_at timestamptz NOT NULL DEFAULT now(), title text NOT NULL);
    GRANT SELECT, INSERT, UPDATE, DELETE ON thing TO $app, $worker;
"""
OF = ("thing", "事物")


@pytest.fixture
async def database(scratch_database: Callable[..., Any]) -> AsyncIterator[Database]:
    """A database with three things."""
    scratch = await scratch_database(TABLE)
    made = Database(scratch.app, application="test")
    async with made.transaction("linhai") as session:
        session.add_all(Thing(key, "linhai", "一") for key in "abc")
    yield made
    await made.close()


async def title_of(database: Database, key: str) -> tuple[str, int]:
    async with database.transaction("linhai") as session:
        thing = await load(session, Thing, key, *OF)
        return thing.title, thing.version


async def test_a_change_without_the_lock_fails_at_once(database: Database) -> None:
    with pytest.raises(UnlockedChange, match="Thing a"):
        async with database.transaction("linhai") as session:
            (await load(session, Thing, "a", *OF)).title = "二"
    with pytest.raises(UnlockedChange):
        async with database.transaction("linhai") as session:
            (await session.execute(sa.select(Thing).where(table.c.id == "a"))).scalar_one().title = "二"
    with pytest.raises(UnlockedChange):
        async with database.transaction("linhai") as session:
            await session.delete(await load(session, Thing, "a", *OF))
    assert await title_of(database, "a") == ("一", 1)


async def test_what_is_locked_or_new_is_changed(database: Database) -> None:
    async with database.transaction("linhai") as session:
        (await lock(session, Thing, "a", *OF)).title = "二"
        new = Thing("d", "linhai", "一")
        session.add(new)
        await session.flush()
        new.title = "二"
    assert await title_of(database, "a") == ("二", 2)
    assert await title_of(database, "d") == ("二", 2)


async def test_a_row_that_was_read_before_is_locked_as_it_is_now(database: Database) -> None:
    async with database.transaction("linhai") as session:
        seen = await load(session, Thing, "a", *OF)
        async with database.transaction("linhai") as other:
            (await lock(other, Thing, "a", *OF)).title = "二"
        locked = await lock(session, Thing, "a", *OF)
        assert (locked is seen, locked.title, locked.version) == (True, "二", 2)
        locked.title = "三"
        assert (await lock(session, Thing, "a", *OF)).title == "三", "a second lock takes nothing back"
    assert await title_of(database, "a") == ("三", 3)


async def test_a_savepoint_that_is_rolled_back_takes_its_locks_along_and_no_others(database: Database) -> None:
    with pytest.raises(UnlockedChange, match="Thing b"):
        async with database.transaction("linhai") as session:
            first = await lock(session, Thing, "a", *OF)
            with pytest.raises(ZeroDivisionError):
                async with session.begin_nested():
                    await lock(session, Thing, "b", *OF)
                    raise ZeroDivisionError
            first.title = "二"
            await session.flush()
            (await load(session, Thing, "b", *OF)).title = "二"


async def test_several_that_are_locked_by_two_in_opposite_orders_dont_deadlock(database: Database) -> None:
    async def change(keys: str) -> None:
        async with database.transaction("linhai") as session:
            things = await lock_all(session, Thing, keys, *OF)
            assert [thing.id for thing in things] == list(keys)
            await asyncio.sleep(0.01)
            for thing in things:
                thing.title += "。"

    await asyncio.gather(*(change(keys) for keys in ("abc", "cba") * 5))
    assert {await title_of(database, key) for key in "abc"} == {("一" + "。" * 10, 11)}


async def test_the_first_that_isnt_there_is_named(database: Database) -> None:
    async with database.transaction("linhai") as session:
        with pytest.raises(Problem, match="thing y"):
            await lock_all(session, Thing, ["a", "y", "x"], *OF)
