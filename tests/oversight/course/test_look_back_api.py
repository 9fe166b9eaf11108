"""Looking back at closed matters over HTTP: the clock that begins with the closing, and who is reminded when it passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta

from demo.main_job import MainJob
from tests import sixth
from tests.oversight.course.test_course_api import office_of
from tests.oversight.matter import Matter, matters_of
from tests.oversight.pressure.test_pressure_api import pressure_on
from zhengling.local.client import Api, Json
from zhengling.rules.vocabulary import Role


async def closed(matter: Matter) -> Json:
    """The matter, done and closed; its clock for looking back, empty if there is none."""
    if matter.entry["state"] == "open":
        await matter.do("acceptance")
    for act, body in (("report", {}), ("verification", {}), ("closing", {"quality": "good"})):
        await matter.do(act, matter.entry["next"]["officials"][-1], text="属实", **body)
    return (await matter.clocks()).get("look_back", {})


async def passed(matter: Matter, clock: Json) -> None:
    """The day after the clock's."""
    await matter.today(f"{date.fromisoformat(clock['date']) + timedelta(days=1)} 09:00")


async def waiting(matter: Matter, official: str) -> list[str]:
    found = await matter.api.get("oversight", "/v1/entries", official, waits_for="me", state="closed")
    return [each["id"] for each in found["items"]]


async def test_a_closed_matter_that_nobody_looked_back_at_in_time_waits_for_it_and_the_supervision_office_is_reminded(
    api: Callable[[str], Api],
) -> None:
    matter = (await matters_of(api("huancui"), "huancui"))[0]
    office = office_of(matter)
    clock = await closed(matter)
    assert (clock["rule"], clock["state"]) == ("matter-look-back", "running")
    assert date.fromisoformat(clock["date"]) >= matter.people_day + timedelta(days=60)
    assert (matter.entry["next"], matter.entry["look_back_since"]) == (None, None)
    assert matter.entry["id"] not in await waiting(matter, office)

    await passed(matter, clock)
    await matter.until(lambda entry: entry["look_back_since"] is not None)
    assert (matter.entry["state"], matter.entry["light"], matter.entry["overdue_at"]) == ("closed", "ended", None)
    assert (matter.entry["next"]["act"], matter.entry["next"]["clause"]) == ("look_back", "HC-70")
    assert matter.entry["id"] in await waiting(matter, office)
    first, *_ = (await matter.api.get("oversight", f"{matter.path}/acts"))["items"]
    assert (first["act"], first["awaited"]) == ("look_back", True)
    (reminder,) = (await pressure_on(matter))["items"]
    supervisors = matter.people.holders(Role.supervision_office, matter.people_day)
    assert [each["official"] for each in reminder["recipients"]] == list(supervisors)
    assert (reminder["way"], reminder["rung"], reminder["official"]) == ("remind", None, None)
    assert clock["date"] in reminder["reason"]

    await matter.do("look-back", office, holds=True, text="成效巩固")
    assert (matter.entry["next"], matter.entry["look_back_since"]) == (None, None)
    assert (await matter.clocks())["look_back"]["state"] == "met"
    assert matter.entry["id"] not in await waiting(matter, office)
    assert len((await pressure_on(matter))["items"]) == 1


async def test_looking_back_in_time_meets_the_clock_and_reopening_voids_it_so_that_nobody_is_reminded(
    api: Callable[[str], Api],
) -> None:
    kept, again = (await matters_of(api("huancui"), "huancui"))[:2]
    clocks = [await closed(matter) for matter in (kept, again)]
    office = office_of(kept)
    await kept.do("look-back", office, holds=True, text="成效巩固")
    await again.do("reopening", office, reason="问题反弹", due="2026-12-30")
    assert [(await matter.clocks())["look_back"]["state"] for matter in (kept, again)] == ["met", "cancelled"]
    other = await closed(again)
    assert (other["state"], other["round"]) == ("running", 2)
    await passed(kept, clocks[0])
    await again.until(lambda entry: entry["look_back_since"] is not None)
    assert (await kept.shown())["look_back_since"] is None
    assert (await pressure_on(kept))["items"] == []
    await again.do("reopening", office, reason="问题反弹", due="2026-12-30")
    assert (again.entry["look_back_since"], again.entry["next"]["act"]) == (None, "report")


async def test_where_a_rulebook_names_no_time_nobody_is_reminded(api: Callable[[str], Api]) -> None:
    matter = (await matters_of(api("xigang"), "xigang"))[0]
    assert await closed(matter) == {}


async def test_where_a_rulebook_says_how_often_a_matter_is_looked_back_at_again_and_again(
    api: Callable[[str], Api],
) -> None:
    people = api(sixth.CODE)
    report = await MainJob(people, sixth.COMPOSITION, sixth.SCENARIO).run()
    matter = Matter(people, sixth.COMPOSITION, report.landed[0].entry)
    first = await closed(matter)
    assert first["rule"] == "task-glance"
    await matter.do("look-back", "lh-exec", holds=True, text="成效巩固")
    await passed(matter, first)
    async with asyncio.timeout(60):
        while (second := (await matter.clocks())["look_back"])["occurrence"] == first["occurrence"]:
            await asyncio.sleep(0.05)
    assert (second["state"], (await matter.shown())["look_back_since"]) == ("running", None)
    await passed(matter, second)
    await matter.until(lambda entry: entry["look_back_since"] is not None)
    (reminder,) = (await pressure_on(matter))["items"]
    assert (reminder["way"], reminder["due"]) == ("remind", second["date"])
    assert matter.entry["next"]["officials"] == ["lh-exec"]
