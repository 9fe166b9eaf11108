"""The fault matrix as one table: how much of each fault a run brings, reduced for every day and in full.

`FAULTS=full` chooses the full counts, `FAULTS_SEED` who is hit when.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

FULL = os.environ.get("FAULTS") == "full"
SEED = os.environ.get("FAULTS_SEED") or str(random.SystemRandom().randrange(10**6))
os.environ["FAULTS_SEED"] = SEED  # the same for all processes that the tests are spread over


@dataclass(frozen=True)
class Counts:
    """How many of each. Decisions are spread over the faults; where a number is 0 the row has none of that."""

    decisions: int
    meetings: int = 500  # ordered aggregates that the decisions' transactions share
    rate: float | None = None  # decisions a second; as fast as they go without one
    kills: int = 0
    freezes: int = 0
    crashes: int = 0  # at each crash point
    database: int = 0  # kill -9 of all of PostgreSQL
    broker: int = 0  # gone for a while, its log kept
    losses: int = 0  # the broker forgets what it acknowledged
    links: int = 0  # of each kind on each link
    zombies: int = 0  # a consumer frozen beyond its session
    poison: int = 0
    failing: int = 0  # events whose handler fails for good
    restarts: int = 0  # rounds over all processes
    nodes: int = 0  # of three, killed and brought back


#: Row → (reduced, full).
MATRIX: dict[str, tuple[Counts, Counts]] = {
    "none, unthrottled": (Counts(120, 6), Counts(10_000)),
    "none, 64 a second": (Counts(100, 5, rate=64), Counts(10_000, rate=64)),
    "random kills and freezes": (
        Counts(80, 8, kills=4, freezes=1),
        Counts(10_000, kills=50, freezes=5),
    ),
    "named crash points": (Counts(40, 4, crashes=1), Counts(10_000, crashes=36)),
    "database and broker away, kills and freezes": (
        Counts(60, 6, kills=1, freezes=1, database=1, broker=1),
        Counts(10_000, kills=30, freezes=5, database=5, broker=5),
    ),
    "broker loses acknowledged data": (Counts(20, 4, losses=1), Counts(10_000, losses=6)),
    "broker loses acknowledged data, nobody replays": (Counts(20, 4, losses=1), Counts(10_000, losses=6)),
    "links cut, slow, reset": (Counts(60, 6, links=1), Counts(10_000, links=20)),
    "consumer frozen beyond its session": (Counts(60, 6, zombies=1), Counts(10_000, zombies=10)),
    "poison and failing handlers": (Counts(60, 6, poison=2, failing=4), Counts(10_000, poison=100, failing=100)),
    "timers on three workers": (Counts(30, 3, kills=3), Counts(1_000, 50, kills=30)),
    "rolling restart": (Counts(40, 4, restarts=1), Counts(10_000, restarts=10)),
    "one of three Kafka nodes": (Counts(60, 6, nodes=1), Counts(10_000, nodes=12)),
}


def counts_of(row: str) -> Counts:
    reduced, full = MATRIX[row]
    return full if FULL else reduced
