"""The pressure on a matter over HTTP, for the five governments: its ladder by itself, urging by hand, other ways, proposals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.oversight.course.test_course_api import office_of
from tests.oversight.matter import GOVERNMENTS, Matter, matters_of
from tests.oversight.source.test_source_api import approval
from zhengling.dates.workdays import WorkdayCalendar, base_years
from zhengling.local.client import Api, Json

RUNGS = ["remind", "urge", "notify", "report", "propose"]
CALENDAR = WorkdayCalendar(base_years(date(2026, 11, 22)), "base")


async def dated(matter: Matter, days: int = 30) -> date:
    """The matter, accepted by its unit, with a due date; the date."""
    if matter.entry["due"] is None:
        await matter.do("due", office_of(matter), due=str(matter.people_day + timedelta(days=days)))
    await matter.do("acceptance", matter.of_lead(principal=True)[0], responsible=matter.of_lead()[0])
    return date.fromisoformat(matter.entry["due"])


async def pressure_on(matter: Matter) -> Json:
    return await matter.api.get("oversight", f"{matter.path}/pressure")


async def rungs_of(matter: Matter, n: int) -> list[Json]:
    """The rungs taken, once there are n of them."""
    async with asyncio.timeout(60):
        while len(taken := [one for one in (await pressure_on(matter))["items"] if one["rung"] is not None]) < n:
            await asyncio.sleep(0.05)
    return taken


async def proposals_of(matter: Matter) -> list[Json]:
    found = await matter.api.get("oversight", "/v1/proposals", office_of(matter), entry_id=matter.entry["id"])
    items: list[Json] = found["items"]
    return items


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_clock_that_jumps_over_rungs_takes_each_of_them_once_and_in_order(
    government: str, api: Callable[[str], Api]
) -> None:
    matter = (await matters_of(api(government), government))[0]
    due = await dated(matter)
    coming = (await pressure_on(matter))["coming"]
    days = [date.fromisoformat(rung["at"][:10]) for rung in coming]
    assert [rung["way"] for rung in coming] == RUNGS
    assert days == [CALENDAR.shift(due, n) for n in (-1, 1, 3, 5, 10)]

    await matter.today(f"{CALENDAR.shift(due, 5)} 10:00")  # over four of them
    taken = await rungs_of(matter, 4)
    assert [(each["rung"], each["way"]) for each in taken] == list(enumerate(RUNGS[:4]))
    staff, principals = matter.of_lead(), matter.of_lead(principal=True)
    assert [each["official"] for each in taken[0]["recipients"]] == [staff[0]]  # the person responsible
    assert [each["official"] for each in taken[2]["recipients"]] == principals
    assert [each["official"] for each in taken[3]["recipients"]] == [matter.entry["leader"]]
    assert {each["channel"] for each in taken} == {"system"}
    assert await proposals_of(matter) == []

    await matter.today(f"{CALENDAR.shift(due, 60)} 10:00")
    taken = await rungs_of(matter, 5)
    assert [each["way"] for each in taken] == RUNGS
    (proposal,) = await proposals_of(matter)
    assert (proposal["state"], proposal["unit"], proposal["censure"]) == ("waiting", matter.entry["lead"], None)
    assert (await pressure_on(matter))["coming"] == []


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_person_decides_on_what_repeated_urging_proposes(government: str, api: Callable[[str], Api]) -> None:
    matter = (await matters_of(api(government), government))[0]
    await dated(matter)
    office, unit = office_of(matter), matter.of_lead()[0]

    async def press(by: str, **body: object) -> Json:
        version = (await matter.shown())["version"]
        return await matter.api.command(
            "oversight", f"{matter.path}/pressure", {"reason": "进展缓慢", **body}, by, version
        )

    async def refused(by: str, **body: object) -> tuple[int, str, str | None]:
        await matter.shown()
        return await matter.refused("pressure", by, **({"reason": "进展缓慢"} | body))

    assert (await refused(unit))[:2] == (403, "not_the_supervisor")
    urged = await press(office)
    assert (urged["way_name"], urged["channel_name"], urged["official"], urged["rung"]) == (
        "催办",
        "电话",
        office,
        None,
    )
    assert [each["official"] for each in urged["recipients"]] == [unit]
    visit = await press(office, way="on_site", channel="in_person", reason="赴现场核实进度")
    assert visit["way_name"] == "现场督查"
    assert (await refused(office, way="remind"))[:2] == (409, "not_a_way_here")
    await press(office, channel="written")
    assert await proposals_of(matter) == []  # twice isn't repeatedly
    await press(office, channel="message")
    (proposal,) = await proposals_of(matter)
    assert proposal["reason"] == "urged 3 times without effect"
    await press(office)
    assert len(await proposals_of(matter)) == 1  # one waits at most

    path, decider = f"/v1/proposals/{proposal['id']}", proposal["officials"][0]
    for who, waits in ((decider, True), (matter.of_lead()[-1], False)):
        about = {"entry_id": matter.entry["id"], "waits_for": who}
        found = await matter.api.get("oversight", "/v1/proposals", office_of(matter), **about)
        assert [each["id"] for each in found["items"]] == [proposal["id"]] * waits
    declined = await matter.api.command(
        "oversight",
        f"{path}/decision",
        {"censure": None, "reason": "客观原因造成，不予追究"},
        decider,
        proposal["version"],
    )
    assert (declined["state"], declined["state_name"], declined["decided_by"]) == ("declined", "未采纳", decider)
    for _ in range(2):
        await press(office)
    (_, again) = sorted(await proposals_of(matter), key=lambda each: str(each["made_at"]))
    accepted = await matter.api.command(
        "oversight", f"/v1/proposals/{again['id']}/decision", {"censure": again["among"][0], "reason": "屡催不办"},
        decider, again["version"],
    )  # fmt: skip
    assert (accepted["state"], accepted["censure"]) == ("accepted", again["among"][0])


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_nothing_is_taken_while_the_clock_is_suspended_nor_once_the_matter_is_reported_as_done(
    government: str, api: Callable[[str], Api]
) -> None:
    first, second = (await matters_of(api(government), government))[:2]
    due = max(await dated(first), await dated(second))
    office = office_of(first)
    (clock,) = [row for row in (await first.clocks()).values() if row["state"] == "running"]
    place = f"{first.path}/deadlines/{clock['id']}"
    version = (await first.shown())["version"]
    await first.api.command("oversight", f"{place}/suspension", {"reason": "等待补正材料"}, office, version)
    await second.do("report", second.of_lead(principal=True)[0], text="已完成")
    for matter in (first, second):
        assert await pressure_on(matter) == {"items": [], "coming": []}
    await first.today(f"{CALENDAR.shift(due, 20)} 10:00")
    version = (await first.shown())["version"]
    await first.api.command("oversight", f"{place}/resumption", {"reason": "材料已补正"}, office, version)
    coming = (await pressure_on(first))["coming"]
    assert [each["way"] for each in coming] == RUNGS  # none was taken meanwhile
    assert await pressure_on(second) == {"items": [], "coming": []}

    # returned for redo its clock never stopped: what it missed comes at once, in order, and only once
    await second.do("return", office_of(second), reason="不符合要求")
    assert [each["way"] for each in await rungs_of(second, 5)] == RUNGS
    await second.until(lambda entry: entry["overdue_at"] is not None)
    await second.do("report", second.of_lead(principal=True)[0], text="再报")
    await second.do("return", office_of(second), reason="仍不符合要求")
    assert (await pressure_on(second))["coming"] == []
    # another round has a ladder of its own
    limit = CALENDAR.shift(due, 40)
    await second.do("report", second.of_lead(principal=True)[0], text="三报")
    await second.do("return", office_of(second), reason="限期重办", due=str(limit))
    assert [each["way"] for each in (await pressure_on(second))["coming"]] == RUNGS


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_an_extension_moves_the_rungs_that_come_and_repeats_none_that_was_taken(
    government: str, api: Callable[[str], Api]
) -> None:
    matter = (await matters_of(api(government), government))[0]
    due = await dated(matter)
    await matter.today(f"{CALENDAR.shift(due, -1)} 10:00")
    assert [each["way"] for each in await rungs_of(matter, 1)] == RUNGS[:1]
    (clock,) = [row for row in (await matter.clocks()).values() if row["state"] == "running"]
    later, version = CALENDAR.shift(due, 7), (await matter.shown())["version"]
    await matter.api.command(
        "oversight",
        f"{matter.path}/deadlines/{clock['id']}/extension",
        {"to": str(later), "reason": "须补充论证"} | approval(matter),
        office_of(matter),
        version,
    )
    coming = (await pressure_on(matter))["coming"]
    assert [(each["way"], each["at"][:10]) for each in coming] == [
        (way, str(CALENDAR.shift(later, n))) for way, n in zip(RUNGS[1:], (1, 3, 5, 10), strict=True)
    ]
    await matter.today(f"{CALENDAR.shift(later, 1)} 10:00")
    taken = await rungs_of(matter, 2)
    assert [(each["way"], each["due"]) for each in taken] == [("remind", str(due)), ("urge", str(later))]
