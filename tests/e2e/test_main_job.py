"""From a topic to the ledger over HTTP, for the five shipped governments and a sixth one from the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date

import pytest

from demo.main_job import Landed, MainJob, Report, Scenario
from tests import sixth
from tests.conftest import composition_of, scenario_of
from zhengling.authority.composition import Composition
from zhengling.local.client import Api

GOVERNMENTS = ("dalian", "xigang", "shuangtaizi", "huancui", "zhanqian")


async def run(api: Api, composition: Composition, scenario: Scenario) -> Report:
    return await MainJob(api, composition, scenario).run()


def ledger(report: Report) -> dict[str, dict[str, object]]:
    return {landed.entry["title"]: landed.entry for landed in report.landed}


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_each_adopted_decision_of_signed_minutes_stands_in_the_ledger_once(
    government: str, api: Callable[[str], Api]
) -> None:
    scenario = scenario_of(government)
    report = await run(api(government), composition_of(government), scenario)
    adopted = {planned.title: planned for planned in scenario.decisions if planned.outcome.adopts}
    entries = ledger(report)
    assert set(entries) == set(adopted)
    for title, entry in entries.items():
        assert entry["lead"]["code"] == adopted[title].lead
        assert [unit["code"] for unit in entry["co_units"]] == list(adopted[title].co_units)
        if adopted[title].due:
            assert (entry["due"], entry["due_basis"]) == (str(adopted[title].due), "decision")
    assert report.refused is not None
    assert report.refused["clause"] == scenario.breach.clause
    assert report.refused["satisfy"]


async def test_the_second_meeting_of_the_year_goes_on_with_the_numbers_of_the_first(api: Callable[[str], Api]) -> None:
    people, scenario = composition_of("dalian"), scenario_of("dalian")
    first = await run(api("dalian"), people, scenario)
    second = await run(api("dalian"), people, scenario)
    numbers = [
        int(landed.entry["number"].split("〕")[1].removesuffix("号")) for landed in (*first.landed, *second.landed)
    ]
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 4))


async def test_a_decision_without_a_date_is_due_by_710_where_the_rulebook_says_so(api: Callable[[str], Api]) -> None:
    report = await run(api("shuangtaizi"), composition_of("shuangtaizi"), scenario_of("shuangtaizi"))
    dues = {
        landed.entry["difficulty"]: (landed.entry["due"], landed.entry["due_rule"], landed.entry["due_clause"])
        for landed in report.landed
    }
    assert dues == {
        "general": ("2026-02-24", "matter-general", "ST-55"),
        "complex": ("2026-03-11", "matter-complex", "ST-55"),
        "long_term": ("2026-12-31", "matter-annual", "ST-55"),
    }


async def test_the_entries_of_one_minutes_are_numbered_in_the_agendas_order(api: Callable[[str], Api]) -> None:
    report = await run(api("shuangtaizi"), composition_of("shuangtaizi"), scenario_of("shuangtaizi"))
    landed = sorted(report.landed, key=lambda each: each.decision["resolution"]["number"])
    numbers = [int(each.entry["number"].removeprefix("双政督〔2026〕").removesuffix("号")) for each in landed]
    assert len(numbers) == 3
    assert numbers == list(range(numbers[0], numbers[0] + 3))


async def test_a_due_date_explains_itself_day_by_day_in_both_languages(api: Callable[[str], Api]) -> None:
    people = api("shuangtaizi")
    report = await run(people, composition_of("shuangtaizi"), scenario_of("shuangtaizi"))
    entry = next(landed.entry for landed in report.landed if landed.entry["difficulty"] == "general")
    explained = await people.get("oversight", f"/v1/entries/{entry['id']}/due")
    skipped = {step["date"] for step in explained["trace"] if step["effect"] == "skipped"}
    assert {"2026-02-18", "2026-02-20", "2026-02-22", "2026-02-23"} <= skipped
    assert explained["trace"][-2]["date"] == "2026-02-24"
    assert "ST-55" in explained["explanation"]
    answer = await people._client.get(  # the same question, asked by a clerk's browser
        f"{people._addresses['oversight']}/v1/entries/{entry['id']}/due",
        headers={"Authorization": f"Bearer {people.token(None)}", "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"},
    )
    assert "春节" in answer.json()["explanation"]
    assert "下一工作日" in answer.json()["explanation"] or "顺延" in answer.json()["explanation"]


async def test_a_decision_whose_date_nobody_gave_waits_for_the_office_to_set_it(api: Callable[[str], Api]) -> None:
    people, composition = api("xigang"), composition_of("xigang")
    report = await run(people, composition, scenario_of("xigang"))
    open_entry = next(landed.entry for landed in report.landed if landed.entry["due_basis"] == "to_be_set")
    path = f"/v1/entries/{open_entry['id']}/due"
    explained = await people.get("oversight", path)
    assert explained["date"] is None
    body = {"due": "2026-05-15"}
    done = await people.command("oversight", path, body, "xg-office-clerk", open_entry["version"])
    assert (done["due"], done["due_basis"]) == ("2026-05-15", "office")

    async def decision() -> dict[str, object]:
        return await people.get("meeting", f"/v1/decisions/{open_entry['source_id']}")

    async with asyncio.timeout(30):
        while (await decision())["ledger_due"] != "2026-05-15":
            await asyncio.sleep(0.05)
    assert (await decision())["ledger_number"] == open_entry["number"]


async def drafts_of(people: Api, landed: list[Landed]) -> list[dict[str, object]]:
    """Wait for the drafts in docflow that the decisions require."""
    asking = [x.decision["id"] for x in landed if x.decision["resolution"]["document"] == "to_issue"]
    drafts = []
    async with asyncio.timeout(30):
        for decision in asking:
            while not (found := await people.get("docflow", "/v1/documents", decision_id=decision))["items"]:
                await asyncio.sleep(0.05)
            drafts.append(await people.get("docflow", f"/v1/documents/{found['items'][0]['id']}"))
    return drafts


@pytest.mark.parametrize(
    ("government", "deadlines"),
    [
        ("zhanqian", {"document-filing": "2026-02-24", "document-issue": "2026-02-28"}),
        ("shuangtaizi", {"document-issue": "2026-02-26"}),
    ],
)
async def test_a_document_to_be_issued_is_drafted_under_its_deadlines_from_the_meetings_close(
    government: str, deadlines: dict[str, str], api: Callable[[str], Api]
) -> None:
    people = api(government)
    report = await run(people, composition_of(government), scenario_of(government))
    (draft,) = await drafts_of(people, report.landed)
    assert {due["rule"]: due["date"] for due in draft["deadlines"]} == deadlines
    assert draft["due"] == max(deadlines.values())
    assert all(due["explanation"] for due in draft["deadlines"])


async def test_a_sixth_government_runs_the_main_job_by_data_alone(api: Callable[[str], Api]) -> None:
    people = api(sixth.CODE)
    report = await run(people, sixth.COMPOSITION, sixth.SCENARIO)
    entries = ledger(report)
    assert set(entries) == {"关于水库除险加固的请示", "关于休渔管理办法的请示"}
    assert [entry["number"] for entry in entries.values()] != []
    assert all(entry["number"].startswith("临督〔2026〕") and entry["clause"] == "LH-19" for entry in entries.values())
    assert entries["关于水库除险加固的请示"]["due"] == "2026-03-04"
    assert entries["关于休渔管理办法的请示"]["due"] == "2026-04-13"
    assert date.fromisoformat(entries["关于休渔管理办法的请示"]["due"]) > sixth.SCENARIO.day
    (draft,) = await drafts_of(people, report.landed)
    assert draft["due"] == "2026-02-25"
    assert report.refused["clause"] == "LH-9"


async def test_an_entry_past_its_due_date_is_marked_overdue_by_a_timer_and_the_decision_shows_it(
    api: Callable[[str], Api],
) -> None:
    people = api("shuangtaizi")
    report = await run(people, composition_of("shuangtaizi"), scenario_of("shuangtaizi"))
    entry = next(landed.entry for landed in report.landed if landed.entry["difficulty"] == "general")
    from zhengling.local.client import at

    await people.set_clock(at(date(2026, 2, 24), 23, 59))
    await asyncio.sleep(1.0)
    assert (await people.get("oversight", f"/v1/entries/{entry['id']}"))["overdue_at"] is None
    await people.set_clock(at(date(2026, 2, 25), 0, 0))
    async with asyncio.timeout(30):
        while (await people.get("oversight", f"/v1/entries/{entry['id']}"))["overdue_at"] is None:
            await asyncio.sleep(0.1)
        while (await people.get("meeting", f"/v1/decisions/{entry['source_id']}"))["standing"] != "overdue":
            await asyncio.sleep(0.1)
