"""A process with takers of numbers, all at once: `python takers.py URL GOVERNMENT NAME COUNT`.

Each takes numbers one after the other, some for several subjects in one order, and rolls some of them back; every committed
number is printed with its subject.
"""

from __future__ import annotations

import asyncio
import random
import sys

from zhengling.database.numbering import Series, Subject, take
from zhengling.database.session import Database

SERIES = Series("ledger", 2026, "{n}")
TAKES = 6


class RolledBack(Exception):
    """Ends a transaction after it took its number."""


async def taker(database: Database, government: str, name: str) -> None:
    dice = random.Random(name)
    for turn in range(TAKES):
        subjects = [Subject("thing", f"{name}-{turn}-{place}") for place in range(dice.choice((1, 1, 3)))]
        for subject in dice.sample(subjects, len(subjects)):  # whatever the order in which they come
            while not await _taken(database, government, subject, subjects, dice):
                pass


async def _taken(
    database: Database, government: str, subject: Subject, among: list[Subject], dice: random.Random
) -> bool:
    """Whether the transaction took the number, or rolled it back."""
    fails = dice.random() < 0.3
    try:
        async with database.transaction(government) as session:
            number = await take(session, SERIES, subject, "test", among)
            await asyncio.sleep(dice.random() / 100)
            if fails:
                raise RolledBack
    except RolledBack:
        return False
    print(number, subject.id, flush=True)
    return True


async def main(url: str, government: str, name: str, count: int) -> None:
    database = Database(url, application="takers", pool_size=8)
    database.engine.pool._timeout = 240  # type: ignore[attr-defined]  # the takers wait for one another, however long
    await asyncio.gather(*(taker(database, government, f"{name}-{each}") for each in range(count)))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
