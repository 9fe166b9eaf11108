"""The course of a matter, without I/O: its table of transitions, what it offers, and the page that shows it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from oversight_svc.course import course
from oversight_svc.course.queries import PATHS
from oversight_svc.entry.entry import ENDED, STATES, EntryState
from tests.conftest import ROOT
from tests.oversight.matter import GOVERNMENTS
from zhengling.kernel.clauses import practice_of
from zhengling.rules.loading import Rulebooks
from zhengling.rules.supervision import OF_EVENTS, CourseAct
from zhengling.rules.vocabulary import in_chinese


def test_each_act_stands_in_the_table_of_transitions_and_is_posted_where_the_answer_says() -> None:
    document = json.loads((ROOT / "docs/api/openapi/oversight.json").read_text(encoding="utf-8"))
    assert set(course.TRANSITIONS) == set(PATHS) == set(CourseAct) - set(course.BESIDE) - OF_EVENTS
    assert len(set(PATHS.values())) == len(PATHS)
    for path in PATHS.values():
        assert "post" in document["paths"][f"/v1/entries/{{entry_id}}/{path}"]


def test_a_matter_waits_for_an_act_that_is_possible_until_it_has_ended() -> None:
    assert set(course.AWAITED) == set(EntryState) - ENDED
    for state, act in course.AWAITED.items():
        assert state in course.TRANSITIONS[act].among


def test_from_every_state_but_the_revoked_and_the_merged_one_a_matter_can_be_closed() -> None:
    reached, before = {EntryState.closed}, set[EntryState]()
    while reached != before:
        before = set(reached)
        for transition in course.TRANSITIONS.values():
            if transition.to in reached:
                reached |= set(transition.among)
    assert reached == set(EntryState) - {EntryState.revoked, EntryState.merged}


def table() -> str:
    """The transitions as Markdown."""
    lines = ["| act | | in the states | leads to |", "|---|---|---|---|"]
    for act, (among, to) in course.TRANSITIONS.items():
        where = f"POST …/{PATHS[act]}"
        lines.append(f"| `{act}` {in_chinese(act)} | {where} | {', '.join(among)} | {to or 'the same state'} |")
    return "\n".join(lines)


def rights() -> str:
    """Who may do what in the governments that ship, by which clause; a star marks a practice."""
    books = Rulebooks.load([ROOT / "rulebooks"])
    courses = {each: books.current(each, datetime.now(UTC)).supervision.course for each in GOVERNMENTS}
    lines = [f"| act | by | {' | '.join(courses)} |", f"|---|---|{'---|' * len(courses)}"]
    for act in (each for each in CourseAct if each not in OF_EVENTS):
        (by,) = {" or ".join(f"`{role}`" for role in each[act].by) for each in courses.values()}
        told = (each[act].clause for each in courses.values())
        clauses = (clause.split(" ")[0] + ("*" if practice_of(clause) else "") for clause in told)
        lines.append(f"| `{act}` | {by} | {' | '.join(clauses)} |")
    return "\n".join(lines)


def test_the_page_on_supervision_shows_who_may_do_what_and_names_tests_that_exist() -> None:
    page = (ROOT / "docs/architecture/supervision.md").read_text(encoding="utf-8")
    assert rights() in page
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", page)
    assert len(named) > 5
    assert [name for name in named if f"def {name}(" not in written] == []


def test_the_page_on_supervision_shows_the_states_and_the_transitions() -> None:
    page = (ROOT / "docs/architecture/supervision.md").read_text(encoding="utf-8")
    assert table() in page
    for state, chinese in STATES.chinese.items():
        assert f"| `{state}` | {chinese} |" in page
