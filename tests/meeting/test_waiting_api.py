"""Worklists over HTTP: by the official who may act next, by day, by unit; the rules of a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from demo.main_job import MainJob
from tests.conftest import composition_of, scenario_of
from zhengling.authority.composition import PostRole
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.rules.vocabulary import Role

TODAY = date(2026, 3, 9)


async def begun(api: Api) -> Api:
    await load_composition(api, composition_of(api.government))
    await api.set_clock(at(TODAY))
    return api


@pytest.fixture
async def huancui(api: Callable[[str], Api]) -> Api:
    return await begun(api("huancui"))


async def waiting(api: Api, what: str, official: str, service: str = "meeting", **more: str) -> list[Json]:
    """Every item that waits for the official, over as many pages as there are."""
    found: list[Json] = []
    asked = {"waits_for": official, "limit": "1"} | more
    while True:
        page = await api.get(service, f"/v1/{what}", **asked)
        assert len(page["items"]) <= 1
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        asked["cursor"] = page["next_cursor"]


async def submitted(api: Api, **fields: object) -> Json:
    body = {"title": "关于某事项的请示", "meeting_kind": "special", "sponsor": "hc-zjj", "matter": "portfolio"} | fields
    return await api.command("meeting", "/v1/topics", body | {"papers": []}, "hc-zjj-clerk")


async def test_a_topic_waits_for_whoever_takes_its_step_and_for_the_units_asked_and_each_is_found_once(
    huancui: Api,
) -> None:
    people = composition_of("huancui")
    deputy, other = people.holders(Role.deputies, TODAY)[:2]
    of_deputy = [await submitted(huancui, convener=deputy, nature="study") for _ in range(3)]
    asked = await submitted(huancui, convener=other, nature="study", concerned=["hc-czj"])

    async def ids(official: str) -> set[str]:
        items = await waiting(huancui, "topics", official)
        assert len({each["id"] for each in items}) == len(items)
        return {each["id"] for each in items} & {each["id"] for each in [*of_deputy, asked]}

    assert await ids(deputy) == {each["id"] for each in of_deputy}
    assert await ids(other) == {asked["id"]}
    finance = people.of_organisation("hc-czj", TODAY)[-1]
    assert await ids(finance) == {asked["id"]}
    assert await ids("hc-zjj-clerk") == set()
    position = {"organisation": "hc-czj", "stance": "agrees"}
    await huancui.command("meeting", f"/v1/topics/{asked['id']}/positions", position, finance, asked["version"])
    assert await ids(finance) == set()


async def test_a_meeting_is_found_by_its_day_and_by_who_may_entrust_its_chair(huancui: Api) -> None:
    people = composition_of("huancui")
    (head,), clerk = people.holders(Role.head, TODAY), people.holders(Role.office, TODAY)[-1]
    (director,) = people.with_post([PostRole.office_director], TODAY)
    call = {"kind": "special", "title": "专题会议", "day": "2026-04-18", "convener": director}
    body = call | {"participants": {"officials": [head]}}
    first = await huancui.command("meeting", "/v1/meetings", body, clerk)
    assert [each["code"] for each in first["warnings"]] == ["not_a_working_day"]
    second = await huancui.command("meeting", "/v1/meetings", body, clerk)
    assert [each["code"] for each in second["warnings"]] == ["not_a_working_day", "second_on_the_day"]
    day = {"from": "2026-04-18", "to": "2026-04-18"}
    assert {m["id"] for m in await waiting(huancui, "meetings", head, **day)} == {first["id"], second["id"]}
    assert await waiting(huancui, "meetings", head, **{"from": "2026-04-19"}, to="2026-04-30") == []
    path = f"/v1/meetings/{first['id']}/entrustment"
    given = {"to": director, "reason": "受托召集"}
    await huancui.command("meeting", path, given, head, first["version"])
    assert {m["id"] for m in await waiting(huancui, "meetings", head, **day)} == {second["id"]}
    page = await huancui.get("meeting", "/v1/meetings", **day)
    assert {each["id"] for each in page["items"]} == {first["id"], second["id"]}


async def test_another_unit_does_not_organise_what_the_office_does(huancui: Api) -> None:
    clerk = composition_of("huancui").holders(Role.office, TODAY)[-1]
    body = {"kind": "executive", "title": "常务会议", "day": "2026-04-20", "organised_by": "hc-zjj"}
    with pytest.raises(Refused, match="organised_by_the_office") as refused:
        await huancui.command("meeting", "/v1/meetings", body, clerk)
    assert refused.value.problem["clause"] == "HC-43"


async def test_a_gate_that_doesnt_apply_is_not_recorded_and_the_refusal_names_those_that_do(huancui: Api) -> None:
    topic = await submitted(huancui, convener=composition_of("huancui").holders(Role.head, TODAY)[0],
                            aspects=["market_related"])  # fmt: skip
    record = {"gate": "expert_argument", "passed": True, "carried_out_by": "区委政法委"}
    with pytest.raises(Refused, match="gate_does_not_apply") as refused:
        path = f"/v1/topics/{topic['id']}/gates"
        await huancui.command("meeting", path, record, "hc-zjj-clerk", topic["version"])
    assert refused.value.problem["gates"] == [g["gate"] for g in topic["gates"] if g["gate"] != "departments_consulted"]


async def test_an_absence_waits_for_who_answers_it(api: Callable[[str], Api]) -> None:
    xigang = await begun(api("xigang"))
    people = composition_of("xigang")
    (head,), deputy = people.holders(Role.head, TODAY), people.holders(Role.deputies, TODAY)[-1]
    body = {"kind": "official_trip", "since": "2026-03-16", "until": "2026-03-17", "reason": "赴省城参加会议"}
    absence = await xigang.command("calendar", "/v1/absences", body, deputy)
    assert absence["id"] in {each["id"] for each in await waiting(xigang, "absences", head, "calendar")}
    assert absence["id"] not in {each["id"] for each in await waiting(xigang, "absences", deputy, "calendar")}


async def test_the_rules_of_a_request_are_described_as_text(api: Callable[[str], Api]) -> None:
    types = await api("xigang").get("meeting", "/v1/planning-request-types")
    described = {rule["clause"]: rule for each in types["items"] for rule in each["told"]}
    assert "10" in described["XG-37"]["zh"] or any("10" in r["zh"] for each in types["items"] for r in each["told"])
    assert all(rule["en"] and rule["zh"] for rule in described.values())


async def test_ledger_and_documents_are_found_by_their_unit(huancui: Api) -> None:
    people = composition_of("huancui")
    scenario = scenario_of("huancui").model_copy(update={"breach": None})
    job = MainJob(huancui, people, scenario)
    await job.run()
    landed = job.report.landed[0].entry
    unit = landed["lead"]["code"]

    async def ids(service: str, what: str, **asked: str) -> set[str]:
        return {each["id"] for each in (await huancui.get(service, f"/v1/{what}", limit="200", **asked))["items"]}

    assert landed["id"] in await ids("oversight", "entries", lead=unit, state="open")
    assert landed["id"] not in await ids("oversight", "entries", lead=unit, state="revoked")
    assert landed["id"] not in await ids("oversight", "entries", lead="hc-nobody")
    everything = await ids("docflow", "documents")
    assert everything == await ids("docflow", "documents", overdue="true") | await ids(
        "docflow", "documents", overdue="false"
    )
    assert await ids("docflow", "documents", sponsor="hc-nobody") == set()
