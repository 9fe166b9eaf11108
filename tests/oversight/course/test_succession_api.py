"""A matter of units that were abolished: their successors take it over, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.conftest import composition_of
from tests.oversight.course.test_course_api import another_unit, office_of
from tests.oversight.matter import Matter, matters_of
from tests.oversight.source.test_source_api import Corrections
from zhengling.authority.composition import Composition, OrganisationKind, RoleContext
from zhengling.local.client import Api, Refused, load_composition
from zhengling.rules.vocabulary import Role

GOVERNMENT = "xigang"


@pytest.fixture
async def people(api: Callable[[str], Api]) -> AsyncIterator[Api]:
    """The government's API; its composition is put back at the end."""
    yield (found := api(GOVERNMENT))
    await load_composition(found, composition_of(GOVERNMENT))


def abolished(matter: Matter, units: dict[str, str | None], moves: str) -> Composition:
    """The composition in which these units end that day, each with its successor, to which the official `moves`."""
    last = matter.people_day
    content = matter.people.model_dump(mode="json")
    for each in content["organisations"]:
        if each["code"] in units:
            each.update(until=str(last), successor=units[each["code"]])
    for post in content["posts"]:
        if post["organisation"] in units:
            post["until"] = str(last)
    first, *_ = (code for code in units.values() if code)
    since = str(last + timedelta(days=1))
    content["posts"].append({"official": moves, "role": "staff", "organisation": first, "since": since})
    return Composition.model_validate(content)


async def once_known(matter: Matter, **body: Any) -> None:
    """Succeed, once oversight-svc knows the composition that abolishes the units."""
    async with asyncio.timeout(60):
        while True:
            try:
                await matter.do("succession", office_of(matter), reason="机构改革", **body)
                return
            except Refused as refused:
                if refused.code != "unit_still_exists":
                    raise
                await asyncio.sleep(0.05)


async def test_the_successor_of_an_abolished_unit_takes_a_matter_over_as_it_stands(people: Api) -> None:
    matter = next(each for each in await matters_of(people, GOVERNMENT) if each.entry["co_units"])
    office, lead = office_of(matter), matter.entry["lead"]
    principal, staff = matter.of_lead(principal=True)[0], matter.of_lead()[-1]
    kept, *_ = matter.entry["co_units"]
    refused = await matter.refused("succession", office, reason="机构改革")
    assert refused == (409, "unit_still_exists", "XG-52")
    owed = {"unit": kept["code"], "due": str(matter.people_day + timedelta(days=9))}
    await matter.do("acceptance", principal, responsible=staff, contributions=[owed])
    offered = (await people.get("oversight", f"{matter.path}/acts"))["items"]
    assert "succeed" not in [each["act"] for each in offered]
    before, clocks = matter.entry, await matter.clocks()

    to = another_unit(matter)
    await load_composition(people, abolished(matter, {lead["code"]: to, kept["code"]: to}, staff))
    await matter.today(f"{matter.people_day + timedelta(days=1)} 09:00")
    assert (await matter.refused("succession", principal, reason="承接"))[0] in (403, 404)
    await once_known(matter)
    entry = matter.entry
    assert (entry["lead"]["code"], entry["co_units"], entry["contributions"]) == (to, [], [])
    in_charge = matter.people.holders(Role.deputy_in_charge, matter.people_day, RoleContext(sponsor=to))
    assert (entry["responsible"], entry["leader"]) == (staff, in_charge[0])
    for name in ("state", "number", "due", "due_basis", "met_at"):
        assert entry[name] == before[name]
    assert {act: row["id"] for act, row in (await matter.clocks()).items()} == {a: r["id"] for a, r in clocks.items()}
    assert [turn["act"] for turn in entry["course"]] == ["accept", "succeed"]
    assert (await matter.refused("succession", office, reason="再次"))[1] == "unit_still_exists"
    await matter.decision(lambda found: found["ledger_lead"]["code"] == to)
    principal = matter.people.of_organisation(to, matter.people_day, principal=True)[0]
    await matter.do("report", principal, text="已全部完成")


async def test_a_co_unit_is_succeeded_while_the_lead_stays_and_a_correction_of_the_date_leaves_it(people: Api) -> None:
    minutes = Corrections(people, GOVERNMENT)
    matter = next(each for each in await minutes.matters() if each.entry["co_units"] and each.entry["due"])
    kept, *others = matter.entry["co_units"]
    to, lead, leader = another_unit(matter), matter.entry["lead"], matter.entry["leader"]
    helper = matter.people.of_organisation(kept["code"], matter.people_day)[0]
    await load_composition(people, abolished(matter, {kept["code"]: to}, helper))
    await matter.today(f"{matter.people_day + timedelta(days=1)} 09:00")
    await once_known(matter)
    units = [to, *(unit["code"] for unit in others)]
    assert [unit["code"] for unit in matter.entry["co_units"]] == units
    assert (matter.entry["lead"], matter.entry["leader"], matter.entry["state"]) == (lead, leader, "open")
    later = str(date.fromisoformat(matter.entry["due"]) + timedelta(days=7))
    await minutes.correct(matter, changes={"due": later})
    await matter.until(lambda entry: entry["due"] == later)
    assert [unit["code"] for unit in matter.entry["co_units"]] == units


async def test_a_unit_that_nobody_succeeds_is_transferred_instead(people: Api) -> None:
    matter = (await matters_of(people, GOVERNMENT))[0]
    other = another_unit(matter)
    staff = matter.of_lead()[-1]
    gone = abolished(matter, {matter.entry["lead"]["code"]: None, other: other_successor(matter, other)}, staff)
    await load_composition(people, gone)
    await matter.today(f"{matter.people_day + timedelta(days=1)} 09:00")
    async with asyncio.timeout(60):
        while (refused := await matter.refused("succession", office_of(matter), reason="机构改革"))[
            1
        ] != "no_successor":
            assert refused[1] == "unit_still_exists"
            await asyncio.sleep(0.05)
    await matter.do("transfer", office_of(matter), lead=other_successor(matter, other), reason="机构改革")
    assert matter.entry["state"] == "open"


def other_successor(matter: Matter, gone: str) -> str:
    """A unit that has no part in the matter and isn't the one that is abolished beside its lead."""
    taken = {matter.entry["lead"]["code"], gone, *(unit["code"] for unit in matter.entry["co_units"])}
    units = (o.code for o in matter.people.organisations if o.kind is OrganisationKind.constituent_department)
    return next(code for code in units if code not in taken)
