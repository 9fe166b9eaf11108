"""Random lawful and unlawful commands on topics and meetings of each shipped government: no state that its rulebook
forbids is reached, and a refused command leaves no trace.

`MACHINE_EXAMPLES=2000 pytest tests/meeting/test_machine.py -s` looks longer than the suite, at random.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from meeting_svc.agenda import agenda
from meeting_svc.agenda import commands as agenda_commands
from meeting_svc.attendance import arrivals, quorum
from meeting_svc.convening import commands as meeting_commands
from meeting_svc.invitation import commands as invitation_commands
from meeting_svc.invitation import invitation
from meeting_svc.leave import commands as leave_commands
from meeting_svc.meeting.meeting import MeetingState
from meeting_svc.minutes import minutes
from meeting_svc.minutes.minutes import Minutes
from meeting_svc.topic import commands as topic_commands
from meeting_svc.topic import declaration, readiness
from meeting_svc.topic.topic import Topic, TopicState
from tests.conftest import ROOT, composition_of
from tests.meeting.clerks import Clerks, Move
from tests.meeting.in_memory import Rows, commands_in_memory, without_a_trace
from tests.meeting.lawful import SHANGHAI, Law
from zhengling.authority.composition import Acting, Composition, Permission
from zhengling.dates.workdays import WorkdayCalendar, base_years
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.rules import gates
from zhengling.rules.chains import Chain, Step
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.loading import load_edition
from zhengling.rules.rulebook import Rulebook

GOVERNMENTS = ("xigang", "shuangtaizi", "huancui", "zhanqian", "dalian")
START = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
CALENDAR = WorkdayCalendar(base_years(START.date()), "test")
LONGER = int(os.environ.get("MACHINE_EXAMPLES", "0"))
ROUNDS = 4  # the clerks choose at random: so often they begin again for what they haven't come to
#: What every government has to come to; what is asked of some kinds of meeting only, or seldom, of any of them.
EVERYWHERE = {
    *(f"topic {state}" for state in TopicState),
    *(f"meeting {state}" for state in MeetingState if state != MeetingState.unminuted),
    "minutes draft", "minutes signed", "minutes signed: draft", "minutes signed: correction",
}  # fmt: skip
SOMEWHERE = {
    "minutes superseded",
    "meeting unminuted", "minutes waived", "minutes returned", "minutes signed: redraft", "late papers admitted",
    "invitees approved", "everybody notified", "quorum met", "chair entrusted", "chair handed over",
    "agenda addition", "agenda removal", "agenda reorder", "guest from outside", "leave withdrawn",
    "gates open after the meeting",
}  # fmt: skip
SELDOM = {"acknowledge", "answer_delegate"}  # lawful for few, so that a short run may do without
COMMANDS = {
    name
    for module in (topic_commands, meeting_commands, agenda_commands, leave_commands, invitation_commands)
    for name, function in vars(module).items()
    if getattr(function, "__module__", "") == module.__name__
    and not name.startswith("_")
    and name not in ("rules_of", "late_papers", "schedule", "require_in_time", "arrange_recording", "office_act")
}
RANDOMS = st.randoms(use_true_random=True)


@cache
def book_of(government: str) -> Rulebook:
    (folder,) = (ROOT / "rulebooks" / government).iterdir()
    return load_edition(folder)


@cache
def people_of(government: str) -> Composition:
    return composition_of(government)


@dataclass
class Tally:
    """The outcomes of all commands of a run, and the states reached."""

    lawful: Counter[bool] = field(default_factory=Counter)
    others: Counter[bool] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)

    def count(self, move: Move, lawful: bool, refusal: str | None = None) -> None:
        (self.lawful if lawful else self.others)[refusal is None] += 1
        name = move.command.__name__
        if refusal is None:
            self.accepted[name] += 1
        else:
            self.refused[f"{name}: {refusal}"] += 1
            if lawful:
                self.reached[f"LAWFUL {name}: {refusal}"] += 1

    @property
    def share(self) -> float:
        """The share of the commands meant to be lawful that were accepted."""
        return self.lawful[True] / max(1, self.lawful.total())

    def __str__(self) -> str:
        others = self.others[True] / max(1, self.others.total())
        return (
            f"{self.lawful.total()} lawful commands, {self.share:.1%} accepted; "
            f"{self.others.total()} others, {others:.0%} accepted; {len(self.refused)} ways to be refused"
        )


class Machine(RuleBasedStateMachine):
    """One government busy with one kind of meeting."""

    government: ClassVar[str]
    kind: ClassVar[str]
    tally: ClassVar[Tally]

    @initialize(r=RANDOMS)
    def the_clerks_begin(self, r: Random) -> None:
        book = book_of(self.government)
        self.rows = Rows(book, people_of(self.government), CALENDAR, START)
        self.law = Law(self.rows)
        self.clerks = Clerks(self.rows, self.law, self.kind)
        self.interference = r.choice([0.1, 0.4, 0.7])

    @rule(r=RANDOMS)
    def the_meeting_goes_on(self, r: Random) -> None:
        for _ in range(r.randint(4, 12)):
            self.give(self.clerks.goes_on(r), lawful=True)
            self.somebody_interferes(r)

    @rule(r=RANDOMS)
    def topics_go_on(self, r: Random) -> None:
        for _ in range(r.randint(1, 4)):
            self.give(self.clerks.topics_go_on(r), lawful=True)
            self.somebody_interferes(r)

    @rule(r=RANDOMS)
    def a_leader_leaves_town(self, r: Random) -> None:
        self.clerks.leaves_town(r)

    def somebody_interferes(self, r: Random) -> None:
        while r.random() < self.interference:
            if r.random() < 0.6:
                self.give(self.clerks.anything(r), lawful=False)
            elif not all(self.give(move, lawful=False) for move in self.clerks.rush(r)):
                return

    def give(self, move: Move | None, *, lawful: bool) -> bool:
        """Have a command carried out, and say if it was; nothing on record may be against the rules then."""
        if move is None:
            return False
        try:
            self.rows.run(move.command, move.official, *move.given)
        except Problem as problem:
            self.tally.count(move, lawful, problem.code)
            return False
        self.tally.count(move, lawful)
        note(f"{move.official}: {move}")
        self.law.look()
        return True

    def teardown(self) -> None:
        if hasattr(self, "law"):
            self.tally.reached.update(self.law.reached)
            ends = {"meeting signed", "meeting closed"} & self.law.reached
            self.tally.reached.update(f"{self.kind}: {end}" for end in ends)


@cache
def explored(government: str, first_seed: int = 0) -> Tally:
    """What came of the machine of one government. AssertionError for a state that its rulebook forbids."""
    tally = Tally()
    with commands_in_memory():
        for kind, rules in book_of(government).meetings.items():
            end = f"{kind}: meeting {'signed' if rules.minutes else 'closed'}"
            for n in range(ROUNDS):
                run(government, kind, LONGER or 8, tally, first_seed + n)
                if end in tally.reached:
                    break
    return tally


def run(government: str, kind: str, examples: int, tally: Tally, chosen_by: int = 0) -> None:
    """Let the machine go on with one kind of meeting. AssertionError as soon as the rulebook forbids what is there."""
    machine = type("Machine", (Machine,), {"government": government, "kind": kind, "tally": tally})
    chosen: Any = settings(
        max_examples=examples,
        stateful_step_count=20,
        derandomize=not LONGER and not chosen_by,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # no shrinking: it takes minutes and explains no more
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(chosen_by)(machine) if chosen_by else machine, settings=chosen)


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_no_command_leads_to_a_state_that_the_rulebook_forbids(government: str) -> None:
    tally = explored(government)
    print(f"\n{government}: {tally}")
    assert tally.share > 0.8, "what the rulebook asks for next is mostly accepted"
    assert len(tally.refused) > 50, "unlawful commands are refused in many ways"
    assert min(tally.others[True], tally.others[False]) > 200, "of all others some are lawful as well, many aren't"
    kinds = book_of(government).meetings.items()
    ends = {f"{name}: meeting {'signed' if kind.minutes else 'closed'}" for name, kind in kinds}
    lacking = (EVERYWHERE | ends) - set(tally.reached)
    assert not lacking, f"{government} never came to: {lacking}"


@pytest.mark.timeout(1200)  # it may walk four times as long as the others
def test_the_machine_comes_to_every_state_and_has_every_command_accepted_somewhere() -> None:
    tallies = [explored(government) for government in GOVERNMENTS]
    for n in range(1, ROUNDS):  # what is seldom may not come up in a short run
        if not lacking(tallies):
            break
        tallies += [explored(government, n * ROUNDS) for government in GOVERNMENTS]
    assert not (never := lacking(tallies)), f"no government came to, or had accepted: {never}"


def lacking(tallies: list[Tally]) -> set[str]:
    """The states that weren't reached, and the commands that were never accepted."""
    reached = {state for tally in tallies for state in tally.reached}
    accepted = {name for tally in tallies for name in tally.accepted} | SELDOM
    return (SOMEWHERE - reached) | (COMMANDS - accepted)


# --- that it can fail


def allowed(*_: Any, **__: Any) -> None:
    """In the place of a check: nothing is refused any more."""


def without_the_first_step(chain: Chain, facts: Facts) -> tuple[Step, ...]:
    return tuple(step for step in chain.steps if matches(step.when, facts))[1:]


def by_anybody(composition: Composition, official: str | None, on: date, permission: Permission) -> Acting:
    return Acting(permission.actors[0].role)


def written_over(latest: Minutes) -> None:
    latest.text += "。"


MUTANTS: dict[str, tuple[Any, str, Any, str, str]] = {
    "the quorum isn't asked for at the opening": (quorum, "require_quorum", allowed, "huancui", "executive"),
    "decisions go on without the quorum": (quorum, "quorum_is_met", lambda *_: True, "huancui", "executive"),
    "gates are ignored": (gates, "require_passed", allowed, "dalian", "executive"),
    "late papers are taken": (readiness, "require_in_time", allowed, "xigang", "executive"),
    "reserved matters go anywhere": (declaration, "require_not_reserved", allowed, "dalian", "head-office"),
    "a step of every chain is skipped": (Chain, "asked", without_the_first_step, "zhanqian", "plenary"),
    "anybody may do anything": (Composition, "require", by_anybody, "shuangtaizi", "executive"),
    "an approved agenda isn't locked": (agenda, "require_state", allowed, "zhanqian", "executive"),
    "a session opens though somebody was not notified": (invitation, "require_notified", allowed, "dalian", "plenary"),
    "guests come whom nobody asked": (arrivals, "require_guest_invited", lambda *_: [], "huancui", "executive"),
    "signed minutes change": (minutes, "supersede", written_over, "zhanqian", "executive"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_machine_finds_out_when(mutant: str) -> None:
    target, name, instead, government, kind = MUTANTS[mutant]
    with commands_in_memory() as patch, pytest.raises(AssertionError):
        patch.setattr(target, name, instead)
        run(government, kind, 150, Tally())  # it stops where it finds out


def test_the_machine_finds_out_when_a_refused_command_leaves_a_trace() -> None:
    def change_and_refuse(changed: Topic) -> None:
        changed.title = "另一个标题"
        raise refusal("refused", None, "no", "不", Text("nothing", "无"))

    clerks = Clerks(rows := Rows(book_of("dalian"), people_of("dalian"), CALENDAR, START), Law(rows), "executive")
    with commands_in_memory():
        submit = clerks.submit(Random(1), "executive")
        rows.run(submit.command, submit.official, *submit.given)
    with pytest.raises(AssertionError, match="left a trace"):
        without_a_trace(change_and_refuse)(rows.of(Topic)[0])
