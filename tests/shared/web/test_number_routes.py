"""The register of numbers over the API: the ledger's and the minutes', as a list and as a workbook."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

import pytest
from openpyxl import load_workbook

from demo.main_job import MainJob, Report
from tests.conftest import composition_of, scenario_of
from zhengling.events.event import SERVICES
from zhengling.local.client import Api, Json, Refused

GOVERNMENT = "zhanqian"


@pytest.fixture
async def landed(api: Callable[[str], Api]) -> Report:
    return await MainJob(api(GOVERNMENT), composition_of(GOVERNMENT), scenario_of(GOVERNMENT)).run()


def without_a_gap(numbers: Iterable[tuple[int, int]]) -> bool:
    """Whether each period has 1, 2, 3, …; other tests of this stack give numbers of other years."""
    found = sorted(numbers)
    return all(
        [n for year, n in found if year == period] == list(range(1, sum(year == period for year, _ in found) + 1))
        for period in {year for year, _ in found}
    )


async def listed(people: Api, service: str, **filters: object) -> list[Json]:
    found, cursor = list[Json](), None
    while True:
        page = await people.get(service, "/v1/numbers", limit=2, **filters, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return found


async def test_every_entry_and_every_minutes_has_its_number_in_the_register(
    api: Callable[[str], Api], landed: Report
) -> None:
    people = api(GOVERNMENT)
    ledger = await listed(people, "oversight", series="ledger", period=2026, state="used")
    assert [each["n"] for each in sorted(ledger, key=lambda each: each["n"])] == list(range(1, len(ledger) + 1))
    register = {each["subject_id"]: each for each in ledger}
    for each in landed.landed:
        row = register[each.decision["id"]]
        assert (row["text"], row["subject_noun"], row["state"]) == (each.entry["number"], "decision", "used")
        assert row["given_by"].startswith("event:") and row["given_at"] and row["reason"] == ""
    minutes = await listed(people, "meeting", series="minutes:executive")
    assert {each["subject_noun"] for each in minutes} == {"minutes"}
    assert without_a_gap((each["period"], each["n"]) for each in minutes)
    assert await listed(people, "oversight", period=1999) == []
    assert {each["state"] for each in await listed(people, "oversight", state="void")} <= {"void"}
    assert await listed(people, "oversight", series="minutes:executive") == []


async def test_the_workbook_holds_the_numbers_in_their_order_and_in_the_readers_language(
    api: Callable[[str], Api], landed: Report
) -> None:
    people = api(GOVERNMENT)
    answer = await people._client.get(
        f"{people._addresses['oversight']}/v1/numbers.xlsx?series=ledger",
        headers={"Authorization": f"Bearer {people.token(None)}", "Accept-Language": "zh"},
    )
    assert answer.status_code == 200
    (sheet,) = load_workbook(io.BytesIO(answer.content)).worksheets
    headings, *rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert (sheet.title, headings[3], headings[6]) == ("编号登记簿", "编号", "状态")
    numbers = [(row[1], row[2]) for row in rows]
    assert numbers == sorted(numbers)
    assert without_a_gap(numbers)
    assert {row[6] for row in rows if row[1] == 2026} == {"已用"}
    assert {each.entry["number"] for each in landed.landed} <= {row[3] for row in rows}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_service_has_a_register_with_filters_that_are_known(
    service: str, api: Callable[[str], Api]
) -> None:
    people = api(GOVERNMENT)
    assert "items" in await people.get(service, "/v1/numbers")
    for wrong in ({"state": "lost"}, {"period": 0}, {"year": 2026}):
        with pytest.raises(Refused) as caught:
            await people.get(service, "/v1/numbers", **wrong)
        assert caught.value.problem["status"] == 422
