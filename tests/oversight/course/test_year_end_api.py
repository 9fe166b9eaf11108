"""A year's end over HTTP: what isn't cleared is listed, and carried over into the next year under its number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.oversight.course.test_course_api import office_of
from tests.oversight.ledger.test_ledger_api import NUMBERS, listed, sheet_of
from tests.oversight.matter import GOVERNMENTS, Matter, matters_of
from tests.oversight.source.test_source_api import opened, problem
from zhengling.local.client import Api, Json

#: What carrying over changes, and nothing else.
CHANGED = {"version", "modified_at", "course", "carried_into"}


def rest(entry: Json) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in CHANGED}


async def possible(matter: Matter) -> list[str]:
    return [each["act"] for each in (await matter.api.get("oversight", f"{matter.path}/acts"))["items"]]


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_matter_that_isnt_cleared_goes_on_in_the_next_year_once_under_its_number_and_as_it_stood(
    government: str, api: Callable[[str], Api]
) -> None:
    matter = await opened((await matters_of(api(government), government))[0], due="2026-11-20")
    office, unit = office_of(matter), matter.of_lead(principal=True)[0]
    await matter.do("acceptance", unit)
    await matter.today("2026-11-30 23:00")
    await matter.until(lambda entry: entry["overdue_at"] is not None)
    why = {"reason": "征地未完成"}
    assert (await matter.refused("carry-over", unit, **why))[:2] == (403, "not_the_actor")
    early = await matter.refused("carry-over", office, year=2026, **why)
    assert early[:2] == (409, "year_not_over")
    # without a year, the one before is meant until December
    assert (await matter.refused("carry-over", office, **why))[:2] == (409, "opened_after_the_year")
    assert "carry_over" not in await possible(matter)

    await matter.today("2026-12-01 09:00")
    before = await matter.shown()
    clocks = await matter.clocks()
    assert "carry_over" in await possible(matter)
    await matter.do("carry-over", office, **why)
    assert matter.entry["carried_into"] == 2027
    assert rest(matter.entry) == rest(before)
    assert await matter.clocks() == clocks
    turn = matter.entry["course"][-1]
    assert (turn["act_name"], turn["text"], turn["carried_into"]) == ("结转", "征地未完成", 2027)
    assert "carry_over" not in await possible(matter)
    again = await matter.refused("carry-over", office, **why)
    assert again[:2] == (409, "already_carried_over")
    await matter.today("2027-01-20 09:00")
    assert (await matter.refused("carry-over", office, **why))[:2] == (409, "already_carried_over")

    # it goes on: reported, closed, and carried over no more
    await matter.do("report", unit, text="已完成")
    await matter.do("verification", text="属实")
    await matter.do("closing", quality="fair")
    await matter.today("2027-12-20 09:00")
    if "look_back" in await matter.clocks():  # it passes by itself, and the matter has another version
        await matter.until(lambda entry: entry["look_back_since"] is not None)
    assert (await matter.refused("carry-over", office, **why))[:2] == (409, "illegal_state")


async def test_a_clearing_list_has_what_runs_of_the_year_and_before_with_the_years_matters_first(
    api: Callable[[str], Api],
) -> None:
    beside = (await matters_of(api("shuangtaizi"), "shuangtaizi"))[0]
    office = office_of(beside)
    early = await opened(beside, due="2026-11-20")
    annual = await opened(beside, set_at_year_start=True)
    assert annual.entry["due_rule"] == "matter-annual"
    await beside.today("2027-01-05 09:00")
    later = await opened(beside, due="2027-02-01")

    async def listing(**filters: str) -> list[str]:
        return [each["id"] for each in await listed(beside.api, office, **filters)]

    own = {early.entry["id"], annual.entry["id"], later.entry["id"]}
    assert own & set(await listing(clearing="2026")) == {early.entry["id"], annual.entry["id"]}
    assert own & set(await listing(clearing="2027")) == own
    assert own & set(await listing(clearing="2025")) == set()

    await early.until(lambda entry: entry["overdue_at"] is not None)
    await early.do("carry-over", office, reason="跨年实施")  # in January the year before is meant
    assert early.entry["carried_into"] == 2027
    assert own & set(await listing(carried_into="2027")) == {early.entry["id"]}
    assert own & set(await listing(clearing="2026")) == {early.entry["id"], annual.entry["id"]}
    answer = await beside.api.get("oversight", NUMBERS, office, clearing="2026")
    assert answer["total"]["running"] == len(await listing(clearing="2026"))

    sheet = await sheet_of(beside.api, office, clearing="2026")
    _, _, headings, *rows = sheet.iter_rows(values_only=True)
    assert headings[-1] == "结转年度"
    entries = {each["number"]: each for each in await listed(beside.api, office, clearing="2026")}
    order = [(entries[row[1]]["due_rule"] != "matter-annual", entries[row[1]]["due"] or "9999") for row in rows]
    assert order == sorted(order) and order[0][0] is False
    assert {row[1]: row[-1] or None for row in rows}[early.entry["number"]] == "2027"


async def test_of_many_matters_carried_over_at_once_a_refused_one_takes_no_other_with_it(
    api: Callable[[str], Api],
) -> None:
    beside = (await matters_of(api("huancui"), "huancui"))[0]
    office, unit = office_of(beside), beside.of_lead()[0]
    first, second, third = [await opened(beside, due="2026-12-20") for _ in range(3)]
    await beside.today("2026-12-30 09:00")
    await second.do("carry-over", office, reason="跨年实施")
    entries = [each.entry["id"] for each in (first, second, third)]
    body = {"year": 2026, "reason": "跨年实施", "entries": [*entries, "nothing"]}
    asked = beside.api.command("oversight", "/v1/carry-overs", body, unit)
    assert (await problem(asked))[:2] == (403, "not_the_actor")
    found = await beside.api.command("oversight", "/v1/carry-overs", body, office)
    assert (found["done"], found["refused"]) == (2, 2)
    assert [row["code"] for row in found["rows"]] == [None, "already_carried_over", None, "entry_not_found"]
    assert [row["number"] for row in found["rows"]][::2] == [first.entry["number"], third.entry["number"]]
    for each in (first, second, third):
        turns = [turn["act"] for turn in (await each.shown())["course"]]
        assert (each.entry["carried_into"], turns) == (2027, ["carry_over"])
    twice = beside.api.command("oversight", "/v1/carry-overs", body | {"entries": entries[:1] * 2}, office)
    assert (await problem(twice))[0] == 422
