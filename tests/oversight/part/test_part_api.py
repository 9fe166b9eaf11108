"""Parts of a matter over HTTP: each unit has its own, and the whole is done after them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.oversight.course.test_course_api import another_unit, office_of
from tests.oversight.matter import GOVERNMENTS, Matter, matters_of
from zhengling.authority.composition import OrganisationKind
from zhengling.local.client import Api, Json


def streets_of(matter: Matter) -> list[str]:
    """The towns and streets, else the departments but the lead."""
    found = [o for o in matter.people.organisations if o.kind in (OrganisationKind.town, OrganisationKind.street)]
    found = found or [o for o in matter.people.organisations if o.kind is OrganisationKind.constituent_department]
    codes = [o.code for o in found if matter.people.of_organisation(o.code, matter.people_day)]
    return [code for code in codes if code != matter.entry["lead"]["code"]]


async def a_divided_matter(api: Api, government: str, **first: str) -> tuple[Matter, list[Matter]]:
    """A matter with parts of up to three units; `first` changes the first part."""
    matter = (await matters_of(api, government))[0]
    if matter.entry["due"] is None:
        await matter.do("due", office_of(matter), due="2026-12-30")
    parts = [{"unit": code, "task": "完成辖区内改造任务"} for code in streets_of(matter)[:3]]
    parts[0] |= first
    await matter.do("parts", office_of(matter), parts=parts, reason="按责任单位分解落实")
    listed = await api.get("oversight", "/v1/entries", part_of=matter.entry["id"])
    found = {item["id"]: Matter(api, matter.people, item) for item in listed["items"]}
    return matter, [found[part["id"]] for part in matter.entry["parts"]]


async def done(matter: Matter) -> None:
    await matter.shown()
    await matter.do("acceptance", matter.of_lead()[0])
    await matter.do("report", matter.of_lead(principal=True)[0], text="已完成")


async def closed(matter: Matter) -> None:
    await matter.do("verification", office_of(matter), text="属实")
    await matter.do("closing", office_of(matter), quality="good")


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_each_part_has_its_own_clock_report_and_light_and_the_matter_is_done_and_closed_after_them(
    government: str, api: Callable[[str], Api]
) -> None:
    matter, parts = await a_divided_matter(api(government), government)
    number, office = matter.entry["number"], office_of(matter)
    assert [part.entry["number"] for part in parts] == [f"{number}-{n}" for n in range(1, len(parts) + 1)]
    one, *others = parts
    assert (one.entry["source_kind"], one.entry["part_of"]) == ("part", matter.entry["id"])
    assert one.entry["source"] == {"service": "oversight", "noun": "entry", "id": matter.entry["id"], "number": number}
    assert (one.entry["due"], one.entry["state"]) == (matter.entry["due"], "open")
    waiting = await matter.api.get("oversight", "/v1/entries", waits_for=one.of_lead()[0])
    assert one.entry["id"] in [item["id"] for item in waiting["items"]]

    await matter.do("acceptance", matter.of_lead()[0])
    principal = matter.of_lead(principal=True)[0]
    assert (await matter.refused("report", principal, text="完成"))[:2] == (409, "parts_not_done")
    for part in parts:
        await done(part)
    shown = await matter.shown()
    assert {(part["state"], part["light"], part["told"]) for part in shown["parts"]} == {
        ("reported", one.entry["light"], "已完成")
    }
    await matter.do("report", principal, text="全部完成")
    await matter.do("verification", office, text="属实")
    await closed(one)
    assert (await matter.refused("closing", office, quality="good"))[:2] == (409, "parts_not_done")
    for part in others:
        await closed(part)
    await matter.do("closing", office, quality="good")
    assert (await one.refused("reopening", office, reason="反弹", due="2026-12-30"))[:2] == (
        409,
        "the_matter_has_ended",
    )
    decision = await matter.decision(lambda found: found["standing"] == "closed")
    assert decision["ledger_number"] == number  # what became of the parts isn't taken for the decision's own


async def test_a_part_is_due_within_the_matter_isnt_divided_nor_merged_and_is_counted_once(
    api: Callable[[str], Api],
) -> None:
    client = api("zhanqian")
    before = await client.get("oversight", "/v1/entries/numbers")
    matter, parts = await a_divided_matter(client, "zhanqian", due="2026-12-10")
    one, office = parts[0], office_of(matter)
    assert (one.entry["due"], parts[1].entry["due"]) == ("2026-12-10", matter.entry["due"])
    late = {"unit": another_unit(matter), "task": "超期的任务", "due": "2027-03-01"}
    assert (await matter.refused("parts", office, parts=[late], reason="分解"))[:2] == (
        409,
        "part_due_after_the_matter",
    )
    again = {"unit": another_unit(one), "task": "再次分解"}
    assert (await one.refused("parts", office, parts=[again], reason="分解"))[:2] == (409, "part_of_a_matter")
    assert (await one.refused("merging", office, into=matter.entry["id"], reason="合并"))[1] == "part_of_a_matter"
    source = {"kind": "campaign", "title": "专项行动"}
    assert (await one.refused("sources", office, source=source, reason="补充"))[1] == "part_of_a_matter"
    acts = [item["act"] for item in (await client.get("oversight", f"{one.path}/acts"))["items"]]
    assert "accept" in acts and not {"divide", "merge"} & set(acts)
    numbers = await client.get("oversight", "/v1/entries/numbers")
    assert numbers["total"]["running"] == before["total"]["running"] + 2  # the scenario's two decisions
    counted = await client.get("oversight", "/v1/entries/numbers", parts=True)
    assert counted["total"]["running"] >= len(parts)


async def test_parts_end_with_the_matter(api: Callable[[str], Api]) -> None:
    client = api("xigang")
    people = (await matters_of(client, "xigang"))[0]
    office = office_of(people)
    source = {"kind": "campaign", "title": "城市更新专项行动", "paper": "〔2026〕9号"}
    body = {
        "source": source, "task": "组织开展老旧小区改造", "lead": people.entry["lead"]["code"], "due": "2026-12-30",
    }  # fmt: skip
    entry: Json = await client.command("oversight", "/v1/entries", body, office)
    matter = Matter(client, people.people, entry)
    parts = [{"unit": code, "task": "完成本街道任务"} for code in streets_of(matter)[:2]]
    await matter.do("parts", office, parts=parts, reason="分解")
    (held,) = matter.entry["sources"]
    await matter.do(f"sources/{held['id']}/withdrawal", office, reason="专项行动取消")
    assert matter.entry["state"] == "revoked"
    assert {part["state"] for part in matter.entry["parts"]} == {"revoked"}
