"""Changes of the calendar (a notice, a local closure, its lifting) and their effect on open deadlines."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from calendar_svc.year.commands import seed_national_years
from demo.main_job import MainJob
from tests import sixth
from tests.caller import OFFICE, PRINCIPAL, Caller, code_of
from zhengling.database.session import Database
from zhengling.dates.workdays import statutory_days
from zhengling.local.client import Api, load_composition
from zhengling.local.stack import EmbeddedStack

Json = dict[str, Any]
NATIONAL = ["calendar:read", "calendar:write", "calendar:national"]
YEAR = 2031  # far from what other tests compute with
CLOSURE = {
    "first": "2026-02-25",
    "last": "2026-02-26",
    "reason": "暴雪停止办公",
    "ordered_by": "县防汛抗旱指挥部",
    "document": "临防指〔2026〕2号",
}


@pytest.fixture(scope="module")
async def caller(stack: EmbeddedStack) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(timeout=30) as client:
        made = Caller(stack, client)
        people = Api(stack.addresses(), stack.issuer, sixth.CODE, client)
        await people.set_clock(datetime(2026, 2, 12, 1, tzinfo=UTC))
        await load_composition(people, sixth.COMPOSITION)
        backwards = CLOSURE | {"last": "2026-01-01"}
        async with asyncio.timeout(60):  # until calendar-svc knows who serves in the office
            while code_of(await post(made, "/v1/closures", backwards, by=OFFICE)) != (422, "closure_out_of_order"):
                await asyncio.sleep(0.1)
        yield made


async def post(caller: Caller, path: str, body: Json, **rest: Any) -> httpx.Response:
    key = None if path.endswith("preview") else str(uuid4())
    return await caller.post("calendar", path, key=key, json=body, **rest)


async def get(caller: Caller, path: str, **rest: Any) -> Json:
    answer = await caller.get("calendar", path, **rest)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def done(caller: Caller, operation: Json, **rest: Any) -> Json:
    """The operation once every service has recomputed its open deadlines."""
    async with asyncio.timeout(60):
        while operation["state"] != "done":
            await asyncio.sleep(0.1)
            operation = await get(caller, f"/v1/operations/{operation['id']}", **rest)
    return operation


# days ---------------------------------------------------------------------------------------------------------------
async def test_each_day_says_what_it_is_and_which_notice_it_rests_on(caller: Caller) -> None:
    found = await get(caller, "/v1/days?from=2026-02-13&to=2026-02-24")
    kinds = [day["kind"] for day in found["days"]]
    assert kinds == [
        "workday", "makeup_workday", "weekend", "statutory_holiday", "statutory_holiday", "statutory_holiday",
        "statutory_holiday", "swap_day_off", "weekend", "weekend", "swap_day_off", "workday",
    ]  # fmt: skip
    assert {day["notice"]["number"] for day in found["days"]} == {"国办发明电〔2025〕7号"}
    assert {day["status"] for day in found["days"]} == {"gazetted"}
    assert found["days"][7]["swapped_with"] == "2026-02-14"
    (projected,) = (await get(caller, "/v1/days?from=2028-10-01&to=2028-10-01"))["days"]
    assert (projected["status"], projected["notice"], projected["worked"]) == ("provisional", None, False)
    (amended,) = (await get(caller, "/v1/days?from=2019-05-02&to=2019-05-02"))["days"]
    assert (amended["status"], amended["notice"]["number"]) == ("amended", "国办发明电〔2019〕3号")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("from=2026-02-13&to=2026-02-12", "span_too_long"),
        ("from=2011-01-01&to=2026-02-12", "span_too_long"),
        ("from=2009-12-31&to=2010-01-01", "date_out_of_range"),
        ("from=2026-02-13", "invalid_payload"),
        ("from=2026-02-13&to=2026-02-14&as_of=2001-01-01T00:00:00Z", "nothing_known_then"),
    ],
)
async def test_an_invalid_span_is_refused(query: str, code: str, caller: Caller) -> None:
    assert code_of(await caller.get("calendar", f"/v1/days?{query}")) == (422, code)


async def test_the_whole_calendar_is_sent_once_and_then_confirmed_by_its_etag(caller: Caller) -> None:
    answer = await caller.get("calendar", "/v1/calendar")
    assert answer.status_code == 200
    assert next(year["year"] for year in answer.json()["years"]) == 2010
    again = await caller.get("calendar", "/v1/calendar", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await caller.get("calendar", "/v1/calendar", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


# notices ------------------------------------------------------------------------------------------------------------
def notice(number: str = "国办发明电〔2030〕6号", year: int = YEAR, **changes: Any) -> Json:
    """The statutory days of the year, each for itself; where one falls on a weekend, the Monday after makes up for it."""
    holidays: list[Json] = []
    for day, name in statutory_days(year).items():
        if holidays and (day - timedelta(days=1)).isoformat() == holidays[-1]["last"]:
            holidays[-1]["last"] = day.isoformat()
        else:
            holidays.append({"name": name, "first": day.isoformat(), "last": day.isoformat()})
    body = {"year": year, "issuer": "国务院办公厅", "number": number, "date": f"{year - 1}-11-05", "holidays": holidays}
    return body | changes


async def test_a_notice_is_previewed_then_entered_once_and_the_old_version_stays_readable(caller: Caller) -> None:
    as_of = (await get(caller, f"/v1/years/{YEAR}/versions"))["items"][-1]["recorded_at"]
    before = await get(caller, f"/v1/years/{YEAR}")
    assert before["year"]["provisional"]

    preview = await post(caller, "/v1/notices/preview", notice(), scopes=NATIONAL)
    assert preview.status_code == 200, preview.text
    assert await get(caller, f"/v1/years/{YEAR}") == before, "asking changes nothing"

    answer = await post(caller, "/v1/notices", notice(), scopes=NATIONAL)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/operations/{answer.json()['id']}"
    assert answer.json()["days"] == preview.json()["days"]
    assert answer.json()["calendars"] == {f"*:{YEAR}": before_version(before) + 1}
    operation = await done(caller, answer.json())
    assert set(operation["services"]) == {"meeting", "docflow", "oversight"}

    after = await get(caller, f"/v1/years/{YEAR}")
    assert not after["year"]["provisional"]
    assert after["year"]["notices"][0]["number"] == "国办发明电〔2030〕6号"
    assert (await get(caller, f"/v1/years/{YEAR}?as_of={as_of.replace('+', '%2B')}"))["year"] == before["year"]
    versions = (await get(caller, f"/v1/years/{YEAR}/versions"))["items"]
    assert [(one["version"], one["cause"]) for one in versions[-2:]] == [(1, "base"), (2, "notice")]
    (entered,) = (await get(caller, f"/v1/notices?year={YEAR}"))["items"]
    assert entered["number"] == "国办发明电〔2030〕6号"
    assert [holiday["name"] for holiday in entered["holidays"]] == [one["name"] for one in notice()["holidays"]]

    assert code_of(await post(caller, "/v1/notices", notice(), scopes=NATIONAL)) == (409, "notice_known")
    second = notice("国办发明电〔2031〕1号")
    assert code_of(await post(caller, "/v1/notices", second, scopes=NATIONAL)) == (409, "year_has_notice")

    labour_day = [{"name": "劳动节", "first": f"{YEAR}-05-01", "last": f"{YEAR}-05-06", "work_on": [f"{YEAR}-04-27"]}]
    amending = second | {"amends": "国办发明电〔2030〕6号", "holidays": labour_day}
    answer = await post(caller, "/v1/notices", amending, scopes=NATIONAL)
    assert code_of(answer) == (422, "notice_out_of_balance"), "two weekdays beside the statutory ones, and one worked"
    labour_day[0]["work_on"].append(f"{YEAR}-05-10")
    answer = await post(caller, "/v1/notices", amending, scopes=NATIONAL)
    assert answer.status_code == 202, answer.text
    (day,) = (await get(caller, f"/v1/days?from={YEAR}-04-27&to={YEAR}-04-27"))["days"]
    assert (day["kind"], day["status"], day["worked"]) == ("makeup_workday", "amended", True)


async def test_a_year_that_a_person_changed_stays_as_entered(caller: Caller) -> None:
    entered = await get(caller, f"/v1/years/{YEAR}")
    assert entered["year"]["notices"], "the test before this one"
    database = Database(caller.stack.database_url("calendar", "worker"), application="test")
    await seed_national_years(database)  # as the worker does every hour
    await database.close()
    assert await get(caller, f"/v1/years/{YEAR}") == entered


def before_version(view: Json) -> int:
    """Nobody else changes that year."""
    assert view["year"]["year"] == YEAR
    return 1


async def test_only_who_may_change_the_national_calendar_enters_a_notice(caller: Caller) -> None:
    for path in ("/v1/notices", "/v1/notices/preview"):
        assert (await post(caller, path, notice("国办发明电〔2030〕7号"))).status_code == 403


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"holidays": []}, "invalid_payload"),
        ({"holidays": [{"name": "元旦", "first": "2031-01-02", "last": "2031-01-01"}]}, "notice_out_of_place"),
        ({"year": 2090}, "year_out_of_range"),
        ({"year": 2009}, "invalid_payload"),
        ({"date": "20301105"}, "invalid_payload"),
        ({"colour": "red"}, "invalid_payload"),
    ],
    ids=str,
)
async def test_an_invalid_notice_is_refused(changes: Json, code: str, caller: Caller) -> None:
    body = notice("国办发明电〔2030〕7号", **({"amends": "国办发明电〔2030〕6号"} | changes))
    assert code_of(await post(caller, "/v1/notices", body, scopes=NATIONAL)) == (422, code)


# local closures -----------------------------------------------------------------------------------------------------
async def test_a_closure_changes_one_government_and_is_lifted_from_a_day_on(caller: Caller) -> None:
    golden_week = CLOSURE | {"first": "2026-10-05", "last": "2026-10-10"}
    preview = await post(caller, "/v1/closures/preview", golden_week)
    shown = [(day["date"], day["before"] and day["before"]["kind"]) for day in preview.json()["days"]]
    assert shown == [("2026-10-08", None), ("2026-10-09", None), ("2026-10-10", "makeup_workday")], (
        "what is worked closes"
    )
    later = CLOSURE | {"first": "2028-03-01", "last": "2028-03-02"}  # what stays closed disturbs no other test
    preview = await post(caller, "/v1/closures/preview", later)
    assert [day["date"] for day in preview.json()["days"]] == ["2028-03-01", "2028-03-02"]
    answer = await post(caller, "/v1/closures", later, by=OFFICE)
    assert answer.status_code == 202, answer.text
    closure = answer.json()["subject"].removeprefix("closure:")
    await done(caller, answer.json())
    days = (await get(caller, "/v1/days?from=2028-02-29&to=2028-03-03"))["days"]
    assert [day["worked"] for day in days] == [True, False, False, True]
    assert days[1]["status"] == "local_closure"
    assert (days[1]["notice"]["number"], days[1]["notice"]["issuer"]) == ("临防指〔2026〕2号", "县防汛抗旱指挥部")
    neighbour = Caller(caller.stack, caller.client, "xigang")
    assert all(day["worked"] for day in (await get(neighbour, "/v1/days?from=2028-02-29&to=2028-03-03"))["days"])
    hidden = await neighbour.get("calendar", f"/v1/closures/{closure}")
    assert code_of(hidden) == (404, "closure_not_found")

    lifting = {"from": "2028-03-02", "reason": "道路抢通"}
    path = f"/v1/closures/{closure}/lift"
    assert code_of(await post(caller, path, lifting, by=OFFICE)) == (428, "if_match_missing")
    assert code_of(await post(caller, path, lifting, by=OFFICE, version=7)) == (412, "stale_etag")
    outside = lifting | {"from": "2028-03-03"}
    assert code_of(await post(caller, path, outside, by=OFFICE, version=1)) == (409, "not_within_closure")
    answer = await post(caller, path, lifting, by=OFFICE, version=1)
    assert answer.status_code == 202, answer.text
    assert answer.headers["ETag"] == '"2"'
    await done(caller, answer.json())
    assert code_of(await post(caller, path, lifting, by=OFFICE, version=2)) == (409, "closure_lifted")
    days = (await get(caller, "/v1/days?from=2028-03-01&to=2028-03-02"))["days"]
    assert [day["worked"] for day in days] == [False, True]
    shown = await get(caller, f"/v1/closures/{closure}")
    assert (shown["lifted_from"], shown["lift_reason"]) == ("2028-03-02", "道路抢通")


async def test_an_order_entered_again_closes_nothing_twice_and_may_close_further_days(caller: Caller) -> None:
    order = CLOSURE | {"first": "2028-06-05", "last": "2028-06-06", "document": "临防指〔2028〕8号"}
    answer = await post(caller, "/v1/closures", order, by=OFFICE)
    assert answer.status_code == 202, answer.text
    for again in (order, order | {"reason": "台风"}, order | {"first": "2028-06-06", "last": "2028-06-08"}):
        assert code_of(await post(caller, "/v1/closures", again, by=OFFICE)) == (409, "closure_known")
    further = order | {"first": "2028-06-07", "last": "2028-06-07"}
    another = order | {"document": "临政办〔2028〕21号"}  # it holds if the first order is lifted
    for also in (further, another):
        assert (await post(caller, "/v1/closures", also, by=OFFICE)).status_code == 202
    path = f"/v1/closures/{answer.json()['subject'].removeprefix('closure:')}/lift"
    lifted = await post(caller, path, {"from": "2028-06-05", "reason": "预警解除"}, by=OFFICE, version=1)
    assert lifted.status_code == 202, lifted.text
    assert (await post(caller, "/v1/closures", order, by=OFFICE)).status_code == 202, "it closes no day any more"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"last": "2026-02-24"}, 422, "closure_out_of_order"),
        ({"last": "2027-03-01"}, 422, "closure_out_of_order"),
        ({"first": "9999-06-01", "last": "9999-12-31"}, 422, "date_out_of_range"),
        ({"first": "2090-01-01", "last": "2090-01-02"}, 422, "date_out_of_range"),
        ({"reason": ""}, 422, "invalid_payload"),
        ({"occurred_at": "2031-01-01T00:00:00Z"}, 422, "occurred_in_the_future"),
    ],
    ids=str,
)
async def test_an_invalid_closure_is_refused(changes: Json, status: int, code: str, caller: Caller) -> None:
    assert code_of(await post(caller, "/v1/closures", CLOSURE | changes, by=OFFICE)) == (status, code)


@pytest.mark.parametrize("by", [PRINCIPAL, None])
async def test_only_the_office_closes_the_offices(by: str | None, caller: Caller) -> None:
    assert code_of(await post(caller, "/v1/closures", CLOSURE, by=by)) == (403, "not_the_office")


# deadlines that move ------------------------------------------------------------------------------------------------
async def test_a_closure_moves_the_open_entry_its_decision_and_back_when_it_is_lifted(
    caller: Caller, api: Callable[[str], Api]
) -> None:
    report = await MainJob(api(sixth.CODE), sixth.COMPOSITION, sixth.SCENARIO.model_copy(update={"breach": None})).run()
    (entry,) = [landed.entry for landed in report.landed if landed.entry["due_rule"] == "task-general"]
    at_first = entry["due"]

    closure = CLOSURE | {"first": "2026-03-02", "last": "2026-03-03", "document": "临防指〔2026〕9号"}
    answer = await post(caller, "/v1/closures", closure, by=OFFICE)
    operation = await done(caller, answer.json())
    assert operation["services"]["oversight"]["moved"] >= 1
    assert operation["services"]["docflow"]["examined"] >= 1
    later = (await caller.get("oversight", f"/v1/entries/{entry['id']}")).json()
    assert later["due"] > at_first
    shown = await caller.get("oversight", f"/v1/entries/{entry['id']}/due", headers={"Accept-Language": "zh"})
    assert shown.json()["date"] == later["due"]
    (change,) = shown.json()["changes"]
    assert (change["from_date"], change["to_date"], change["kind"]) == (at_first, later["due"], "recomputed")
    assert "暴雪停止办公" in change["why"]

    async with asyncio.timeout(30):  # the meeting hears of it
        while (await decision_of(caller, entry))["ledger_due"] != later["due"]:
            await asyncio.sleep(0.1)

    lifting = {"from": "2026-03-02", "reason": "预警解除"}
    path = f"/v1/closures/{answer.json()['subject'].removeprefix('closure:')}/lift"
    await done(caller, (await post(caller, path, lifting, by=OFFICE, version=1)).json())
    assert (await caller.get("oversight", f"/v1/entries/{entry['id']}")).json()["due"] == at_first
    async with asyncio.timeout(30):
        while (await decision_of(caller, entry))["ledger_due"] != at_first:
            await asyncio.sleep(0.1)


async def decision_of(caller: Caller, entry: Json) -> Json:
    answer = await caller.get("meeting", f"/v1/decisions/{entry['source_id']}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def ran(command: list[Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


# by the command line ------------------------------------------------------------------------------------------------
async def test_a_notice_is_imported_from_a_file(caller: Caller, tmp_path: Path) -> None:
    body = notice("国办发明电〔2031〕4号", amends="国办发明电〔2030〕6号")
    body["holidays"] = [{"name": "元旦", "first": f"{YEAR}-01-01", "last": f"{YEAR}-01-01"}]
    (tmp_path / "notice.yaml").write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")
    token = caller.token(scopes=NATIONAL)
    command = [
        Path(sys.executable).with_name("zhengling"), "calendar", "import", tmp_path / "notice.yaml",
        "--url", caller.addresses["calendar"], "--token", token,
    ]  # fmt: skip
    run = await asyncio.to_thread(ran, [*command, "--preview"])
    assert run.returncode == 0, run.stderr
    assert "nothing was changed" in run.stdout
    run = await asyncio.to_thread(ran, command)
    assert run.returncode == 0, run.stderr
    assert "oversight" in run.stdout
    numbers = [one["number"] for one in (await get(caller, f"/v1/notices?year={YEAR}"))["items"]]
    assert "国办发明电〔2031〕4号" in numbers
