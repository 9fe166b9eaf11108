"""Several supervisors over one unit over HTTP: who pressed it by hand, shown as a notice that holds nothing up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import composition_of
from tests.oversight.course.test_course_api import another_unit, office_of
from tests.oversight.matter import GOVERNMENTS, Matter, matters_of
from tests.oversight.source.test_source_api import opened, problem
from zhengling.authority.composition import Composition, OrganisationFunction, OrganisationKind, Post, PostRole
from zhengling.local.client import Api, Json, load_composition

UNITS = "/v1/supervised-units"


def with_a_supervision_office(people: Composition) -> tuple[Composition, str, str]:
    """The composition with a supervision office apart from the government's office; its code, and who works there."""
    office = next(o for o in people.organisations if o.kind is OrganisationKind.office)
    apart = office.model_copy(
        update={
            "code": "duchashi", "name": "政府督查室", "kind": OrganisationKind.affiliated_unit,
            "functions": (OrganisationFunction.supervision,),
        }
    )  # fmt: skip
    supervisor = people.officials[0].model_copy(update={"id": "ducha-yuan", "name": "督查员"})
    first = people.posts[0].since
    post = Post(official="ducha-yuan", role=PostRole.staff, organisation="duchashi", since=first)
    changed = people.model_copy(
        update={
            "organisations": (*people.organisations, apart),
            "officials": (*people.officials, supervisor),
            "posts": (*people.posts, post),
        }
    )
    return Composition.model_validate(changed.model_dump()), "duchashi", "ducha-yuan"


async def press(matter: Matter, by: str, **body: object) -> Json:
    version = (await matter.shown())["version"]
    return await matter.api.command("oversight", f"{matter.path}/pressure", {"reason": "进展缓慢", **body}, by, version)


async def of_unit(matter: Matter, by: str | None, **filters: str) -> Json:
    found = await matter.api.get("oversight", UNITS, by, unit=matter.entry["lead"]["code"], **filters)
    (line,) = found["items"]
    return dict(line)


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_two_supervisors_over_one_unit_are_shown_and_neither_is_held_up(
    government: str, api: Callable[[str], Api]
) -> None:
    beside = (await matters_of(api(government), government))[0]
    people, organisation, supervisor = with_a_supervision_office(composition_of(government))
    await load_composition(beside.api, people)
    try:
        await beside.today("2028-03-01 09:00")  # no other test presses then
        office = office_of(beside)
        first, second = [await opened(beside, lead=another_unit(beside), due="2028-04-28") for _ in range(2)]
        alone = await press(first, office)
        assert (alone["supervisor"]["code"], alone["also_supervised_by"]) == (people.office(beside.people_day).code, [])
        line = await of_unit(first, office)
        assert (line["several"], [each["acts"] for each in line["supervisors"]]) == (False, [1])

        await press(first, supervisor, way="on_site")
        both = await press(second, supervisor)
        assert both["supervisor"] == {"code": organisation, "name": "政府督查室"}
        (other,) = both["also_supervised_by"]
        assert (other["organisation"], other["acts"], other["ways"]) == (alone["supervisor"], 1, ["urge"])
        assert other["numbers"] == [first.entry["number"]]
        line = await of_unit(first, office)
        assert (line["several"], line["running"] >= 2) == (True, True)
        assert [(each["organisation"]["code"], each["acts"], each["matters"]) for each in line["supervisors"]] == [
            (organisation, 2, 2), (alone["supervisor"]["code"], 1, 1),
        ]  # fmt: skip
        assert sorted(line["supervisors"][0]["ways"]) == ["on_site", "urge"]
        found = await beside.api.get("oversight", UNITS, office, limit="1")
        assert (found["since"], found["until"], found["several"]) == ("2028-02-01", "2028-03-01", 1)
        assert [each["unit"] for each in found["items"]] == [first.entry["lead"]["code"]] and found["total"] > 1

        # a unit sees its own line, others nothing of it
        own = await beside.api.get("oversight", UNITS, first.of_lead()[0])
        assert first.entry["lead"]["code"] in [each["unit"] for each in own["items"]]
        outsider = await beside.api.get("oversight", UNITS, beside.of_lead()[0])
        assert first.entry["lead"]["code"] not in [each["unit"] for each in outsider["items"]]

        # a month later it is past
        await beside.today("2028-03-31 09:00")
        line = await of_unit(first, office)
        assert (line["several"], line["supervisors"]) == (False, [])
        assert (await of_unit(first, office, **{"from": "2028-03-01"}))["several"] is True
        assert (await press(first, office))["also_supervised_by"] == []
        wrong = beside.api.get("oversight", UNITS, office, **{"from": "2028-04-01", "to": "2028-03-01"})
        assert (await problem(wrong))[:2] == (422, "period_reversed")
    finally:
        await load_composition(beside.api, composition_of(government))


async def test_what_was_done_by_a_ladder_has_no_supervisor(api: Callable[[str], Api]) -> None:
    beside = (await matters_of(api("xigang"), "xigang"))[0]
    matter = await opened(beside, due="2026-03-02")
    await matter.today("2026-03-03 10:00")
    await matter.until(lambda entry: entry["overdue_at"] is not None)
    done = (await matter.api.get("oversight", f"{matter.path}/pressure"))["items"]
    assert done and {each["supervisor"] for each in done} == {None}
