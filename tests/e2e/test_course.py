"""From the ledger to the closing over HTTP, as the demo takes its matters, for the five governments and a sixth one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.course import Courses
from demo.main_job import Ending, MainJob, Scenario
from tests import sixth
from tests.conftest import ROOT, composition_of, scenario_of
from tests.oversight.matter import GOVERNMENTS
from zhengling.authority.composition import Composition
from zhengling.local.client import Api, Json
from zhengling.rules.loading import Rulebooks

EVERY = (*GOVERNMENTS, sixth.CODE)
#: The sixth's rights, each with another role or clause than those of the five.
OF_THE_SIXTH = {
    "accept": ("lh-water", "LH-21"), "report": ("lh-dep", "LH-24"), "verify": ("lh-director", "LH-25"),
    "close": ("lh-head", "LH-26"),
}  # fmt: skip


@pytest.fixture(scope="module")
def rulebooks(sixth_root: Path) -> Rulebooks:
    return Rulebooks.load([ROOT / "rulebooks", sixth_root])


@dataclass
class Gone:
    """A government's scenario, gone through to the end."""

    courses: Courses
    entries: list[Json]

    def with_ending(self, ending: Ending) -> list[Json]:
        titles = {planned.title for planned in self.courses.scenario.decisions if planned.ending == ending}
        return [entry for entry in self.entries if entry["title"] in titles]


async def go(api: Api, people: Composition, scenario: Scenario) -> Gone:
    report = await MainJob(api, people, scenario).run()
    courses = Courses(api, people, scenario)
    return Gone(courses, await courses.run(report.landed))


async def gone_through(government: str, api: Callable[[str], Api]) -> Gone:
    if government == sixth.CODE:
        return await go(api(government), sixth.COMPOSITION, sixth.SCENARIO)
    return await go(api(government), composition_of(government), scenario_of(government))


@pytest.mark.parametrize("government", EVERY)
async def test_of_each_government_a_decision_is_closed_and_one_returned_and_the_closed_one_is_traced_to_its_topic(
    government: str, api: Callable[[str], Api], rulebooks: Rulebooks
) -> None:
    gone = await gone_through(government, api)
    rights = rulebooks.current(government, datetime.now(UTC)).supervision.course
    (closed,), (returned,) = gone.with_ending(Ending.closed), gone.with_ending(Ending.returned)
    assert [turn["act"] for turn in closed["course"]] == ["accept", "report", "verify", "close"]
    assert [turn["act"] for turn in returned["course"]] == ["accept", "report", "send_back"]
    for turn in (*closed["course"], *returned["course"]):
        assert turn["clause"] == rights[turn["act"]].clause
        assert turn["role"] in rights[turn["act"]].by
    assert (closed["state"], closed["next"], closed["late"], closed["quality"]) == ("closed", None, False, "good")
    assert (returned["state"], returned["next"]["act"], returned["met_at"]) == ("accepted", "report", None)
    assert {entry["state"] for entry in gone.with_ending(Ending.untouched)} <= {"open"}
    ladder = rulebooks.current(government, datetime.now(UTC)).supervision.pressure
    taken = (await gone.courses.api.get("oversight", f"/v1/entries/{returned['id']}/pressure"))["items"]
    assert [each["way"] for each in taken] == [rung.act for rung in (ladder.ladder if ladder else ())]
    assert (returned["overdue_at"] is not None) == bool(taken)

    lines = await gone.courses.trace(closed["id"])
    assert lines[0].what == f"topic submitted: {closed['title']}"
    assert [line.what for line in lines if closed["number"] in line.what and closed["due"] in line.what]
    acts = [line for line in lines if line.what.split(" ")[0] in rights]
    assert [line.what.split(" ")[0] for line in acts] == ["accept", "report", "verify", "close"]
    assert all(line.when and line.who and line.clause for line in acts)
    assert lines[-1].what == "meeting-svc shows the decision as closed (closed)"


async def test_who_does_each_act_is_what_the_rulebook_of_the_sixth_government_says(api: Callable[[str], Api]) -> None:
    (closed,) = (await gone_through(sixth.CODE, api)).with_ending(Ending.closed)
    assert {turn["act"]: (turn["official"], turn["clause"]) for turn in closed["course"]} == OF_THE_SIXTH
    assert (closed["category"], closed["category_name"]) == ("meetings", "会议决定事项")
