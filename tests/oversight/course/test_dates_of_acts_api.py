"""What happened is dated neither before what it follows nor so that a late unit marks itself as in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.oversight.course.test_course_api import office_of
from tests.oversight.matter import Matter, instant, matters_of
from tests.oversight.notice.test_notice_api import drafted
from tests.oversight.part.test_part_api import a_divided_matter, closed, done
from tests.oversight.pressure.test_pressure_api import proposals_of
from tests.oversight.source.test_source_api import approval, by_hand, opened, problem
from zhengling.local.client import Api


async def beside_a_matter(api: Api) -> tuple[Matter, str]:
    """A matter opened by hand, due in twenty days, and the office."""
    first = (await matters_of(api, "xigang"))[0]
    due = str(first.people_day + timedelta(days=20))
    return await opened(first, due=due, source={"kind": "campaign", "title": f"专项行动{due}"}), office_of(first)


@pytest.fixture
async def xigang(api: Callable[[str], Api]) -> Api:
    return api("xigang")


async def test_a_report_recorded_late_that_says_it_was_in_time_names_its_paper(xigang: Api) -> None:
    matter, _ = await beside_a_matter(xigang)
    principal, due = matter.of_lead(principal=True)[0], date.fromisoformat(matter.entry["due"])
    await matter.do("acceptance", principal)
    await matter.today(f"{due + timedelta(days=4)} 10:00")
    await matter.until(lambda entry: entry["overdue_at"] is not None)
    in_time = {"text": "已完成", "occurred_at": instant(f"{due} 17:00").isoformat()}
    assert (await matter.refused("report", principal, **in_time))[:2] == (409, "paper_needed")
    await matter.do("report", principal, **in_time, document="西住〔2026〕9号")
    assert (matter.entry["late"], matter.entry["overdue_at"]) == (False, None)


async def test_nobody_is_censured_for_a_matter_that_was_done_in_time(xigang: Api) -> None:
    matter, office = await beside_a_matter(xigang)
    principal = matter.of_lead(principal=True)[0]
    for _ in range(3):
        version = (await matter.shown())["version"]
        await xigang.command("oversight", f"{matter.path}/pressure", {"reason": "进展缓慢"}, office, version)
    (proposal,) = await proposals_of(matter)
    await matter.shown()
    await matter.do("acceptance", principal)
    await matter.do("report", principal, text="已完成")
    path, decider = f"/v1/proposals/{proposal['id']}/decision", proposal["officials"][0]
    censured = {"censure": proposal["among"][0], "reason": "屡催不办"}
    version = proposal["version"]
    asked = xigang.command("oversight", path, censured, decider, version)
    assert (await problem(asked))[:2] == (409, "done_in_time")
    declined = await xigang.command("oversight", path, {"censure": None, "reason": "已办结"}, decider, version)
    assert declined["state"] == "declined"


async def test_urging_a_notice_and_a_suspension_are_dated_after_what_they_follow(xigang: Api) -> None:
    matter, office = await beside_a_matter(xigang)
    early = instant(f"{matter.people_day - timedelta(days=30)} 09:00").isoformat()
    urged = await matter.refused("pressure", office, reason="进展缓慢", occurred_at=early)
    assert urged[:2] == (409, "before_the_last_act")
    notice = await drafted(matter)
    assert await notice.refused("signature", notice.signer, occurred_at=early) == (409, "before_the_last_act")
    await matter.shown()
    clock = (await matter.clocks())["completion"]
    suspended = await matter.refused(
        f"deadlines/{clock['id']}/suspension", office, reason="等待批复", occurred_at=early
    )
    assert suspended[:2] == (409, "before_the_last_act")


async def test_a_source_isnt_of_a_day_to_come_and_opens_nothing_that_is_due_already(api: Callable[[str], Api]) -> None:
    client = api("shuangtaizi")
    first = (await matters_of(client, "shuangtaizi"))[0]
    office, lead = office_of(first), first.entry["lead"]["code"]
    for dated, said in ((365, (422, "dated_in_the_future")), (-200, (409, "due_in_the_past"))):
        source = {
            "kind": "petition",
            "title": "群众反映供水问题",
            "dated": str(first.people_day + timedelta(days=dated)),
        }
        body = by_hand(lead, **approval(first)) | {"source": source}
        assert (await problem(client.command("oversight", "/v1/entries", body, office)))[:2] == said


async def test_a_whole_whose_part_is_redone_waits_for_it_and_its_date_bounds_the_parts(xigang: Api) -> None:
    matter, parts = await a_divided_matter(xigang, "xigang")
    office, principal = office_of(matter), matter.of_lead(principal=True)[0]
    await matter.do("acceptance", principal)
    assert matter.entry["next"] is None  # it waits for its parts, and nobody can report it
    acts = [item["act"] for item in (await xigang.get("oversight", f"{matter.path}/acts"))["items"]]
    assert "report" not in acts and "progress" in acts
    for part in parts:
        await done(part)
    assert (await matter.shown())["next"]["act"] == "report"
    await matter.do("report", principal, text="全部完成")
    later = str(date.fromisoformat(matter.entry["due"]) + timedelta(days=9))
    beyond = await parts[0].refused("return", office, reason="未完工", due=later)
    assert beyond[:2] == (409, "part_due_after_the_matter")
    await parts[0].do("return", office, reason="未完工")
    assert (await matter.refused("verification", office, text="属实"))[:2] == (409, "parts_not_done")
    await parts[0].do("report", parts[0].of_lead(principal=True)[0], text="已整改")
    await matter.do("verification", office, text="属实")
    assert (await matter.shown())["next"] is None
    for part in parts:
        await closed(part)
    assert (await matter.shown())["next"]["act"] == "close"


async def test_units_of_a_matter_that_is_merged_have_a_part_in_the_other_one_whose_course_tells_of_it(
    xigang: Api,
) -> None:
    found = await matters_of(xigang, "xigang")
    merged = next(each for each in found if each.entry["co_units"])
    into, office = await beside_a_matter(xigang)
    await merged.do("merging", office, into=into.entry["id"], reason="重复立项")
    entry = await into.shown()
    units = {entry["lead"]["code"], *(unit["code"] for unit in entry["co_units"])}
    assert units >= {merged.entry["lead"]["code"], *(unit["code"] for unit in merged.entry["co_units"])}
    assert (entry["course"][-1]["act"], entry["course"][-1]["document"]) == ("merge", merged.entry["number"])
