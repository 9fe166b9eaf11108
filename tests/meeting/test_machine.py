"""Random lawful and unlawful commands on the topics and meetings of each government that ships: whatever they do, no state
that its rulebook forbids comes about, and what is refused leaves no trace.

`MACHINE_EXAMPLES=2000 pytest tests/meeting/test_machine.py -s` looks longer than the suite, at random.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.conftest import ROOT, composition_of
from tests.meeting.clerks import Clerks, Move
from tests.meeting.in_memory import Rows, commands_in_memory
from tests.meeting.lawful import SHANGHAI, Law

from meeting_svc import agenda, attendance, gate, meeting, topic
from meeting_svc.meeting import Meeting, MeetingState
from meeting_svc.topic import Topic
from zhengling.authority import Composition
from zhengling.errors import Problem
from zhengling.rulebook import Rulebook, load_edition
from zhengling.workdays import WorkdayCalendar, base_years

GOVERNMENTS = ("xigang", "shuangtaizi", "huancui", "zhanqian", "dalian")
START = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
CALENDAR = WorkdayCalendar(base_years(START.date()), "test")
LONGER = int(os.environ.get("MACHINE_EXAMPLES", "0"))
RANDOMS = st.randoms(use_true_random=True)


@cache
def book_of(government: str) -> Rulebook:
    (folder,) = (ROOT / "rulebooks" / government).iterdir()
    return load_edition(folder)


@cache
def people_of(government: str) -> Composition:
    return composition_of(government)


class Tally:
    """What came of the commands of a whole run, and which states were reached."""

    def __init__(self) -> None:
        self.lawful: Counter[bool] = Counter()
        self.others: Counter[bool] = Counter()
        self.refusals: Counter[str] = Counter()
        self.reached: Counter[str] = Counter()

    def __str__(self) -> str:
        def share(of: Counter[bool]) -> str:
            return f"{of[True]} of {of.total()} ({of[True] / max(1, of.total()):.0%})"

        states = ", ".join(f"{state} {n}" for state, n in sorted(self.reached.items()))
        return f"lawful accepted: {share(self.lawful)}; others: {share(self.others)}; reached: {states}"


class Machine(RuleBasedStateMachine):
    """One government busy with one kind of meeting."""

    government: ClassVar[str] = ""
    tally: ClassVar[Tally]

    @initialize(r=RANDOMS)
    def somebody_is_busy_with_a_kind_of_meeting(self, r: Random) -> None:
        book = book_of(self.government)
        self.rows = Rows(book, people_of(self.government), CALENDAR, START)
        self.law = Law(self.rows)
        self.clerks = Clerks(self.rows, self.law, r.choice(list(book.meetings)))

    @rule(r=RANDOMS)
    def the_meeting_goes_on(self, r: Random) -> None:
        for _ in range(r.randint(2, 12)):
            self.give(self.clerks.goes_on(r), self.tally.lawful)

    @rule(r=RANDOMS)
    def topics_go_on(self, r: Random) -> None:
        for _ in range(r.randint(1, 4)):
            self.give(self.clerks.topics_go_on(r), self.tally.lawful)

    @rule(r=RANDOMS)
    def somebody_does_anything(self, r: Random) -> None:
        for _ in range(r.randint(1, 4)):
            if move := self.clerks.anything(r):
                self.give(move, self.tally.others)

    @rule(r=RANDOMS)
    def a_leader_leaves_town(self, r: Random) -> None:
        self.clerks.leaves_town(r)

    def give(self, move: Move, counted: Counter[bool]) -> None:
        try:
            self.rows.run(move.command, move.official, *move.given)
        except Problem as problem:
            counted[False] += 1
            if counted is self.tally.lawful:
                self.tally.refusals[f"{move.command.__name__}: {problem.code}"] += 1
            return
        counted[True] += 1
        self.law.look()

    def teardown(self) -> None:
        if hasattr(self, "law"):
            self.tally.reached.update(self.law.reached)


@pytest.fixture(autouse=True)
def patched() -> Iterator[pytest.MonkeyPatch]:
    with commands_in_memory() as patch:
        yield patch


def explore(government: str, examples: int, steps: int = 20) -> Tally:
    """Run the machine of one government; what came of it. AssertionError for a state that its rulebook forbids."""
    machine = type("Machine", (Machine,), {"government": government, "tally": Tally()})
    chosen: Any = settings(
        max_examples=LONGER or examples,
        stateful_step_count=steps,
        derandomize=not LONGER,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if LONGER else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=bool(LONGER),
    )
    run_state_machine_as_test(machine, settings=chosen)
    return machine.tally  # type: ignore[no-any-return,attr-defined]


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_no_command_leads_to_a_state_that_the_rulebook_forbids(government: str) -> None:
    tally = explore(government, examples=20)
    print(f"\n{government}: {tally}\n{tally.refusals.most_common(12)}")
