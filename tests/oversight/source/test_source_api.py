"""Matters opened by hand, their sources, similar ones, and merging, over HTTP for the five governments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from demo.main_job import MainJob
from tests.conftest import composition_of, scenario_of
from tests.oversight.course.test_course_api import another_unit, office_of
from tests.oversight.matter import GOVERNMENTS, Matter, matters_of
from zhengling.authority.composition import OrganisationKind
from zhengling.local.client import Api, Json, Refused
from zhengling.rules.vocabulary import Role

PROMISE = {"kind": "public_promise", "title": "为老旧小区加装电梯一百部", "paper": "民生实事第3项"}


def by_hand(lead: str, **more: Any) -> Json:
    return {"source": PROMISE, "task": "年内完成加装并投入使用", "lead": lead} | more


def approval(matter: Matter) -> Json:
    """The approval that ZQ-36 asks for; other governments' rules ask for none."""
    head = matter.people.holders(Role.head, matter.people_day)[0]
    return {"approval": {"official": head, "paper": "区长批示〔2026〕8号"}}


async def opened(matter: Matter, **more: Any) -> Matter:
    """A matter opened by hand, beside this one."""
    body = by_hand(more.pop("lead", matter.entry["lead"]["code"]), **approval(matter)) | more
    entry = await matter.api.command("oversight", "/v1/entries", body, office_of(matter))
    return Matter(matter.api, matter.people, entry)


async def problem(attempt: Any) -> tuple[int, str, str | None]:
    with pytest.raises(Refused) as caught:
        await attempt
    return caught.value.problem["status"], caught.value.problem["code"], caught.value.problem.get("clause")


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_matter_is_opened_by_hand_by_those_who_may_and_with_the_approval_that_the_rules_ask_for(
    government: str, api: Callable[[str], Api]
) -> None:
    beside = (await matters_of(api(government), government))[0]
    lead, office = beside.entry["lead"]["code"], office_of(beside)
    principal = beside.of_lead(principal=True)[0]
    asked = beside.api.command("oversight", "/v1/entries", by_hand(lead, **approval(beside)), principal)
    assert (await problem(asked))[:2] == (403, "not_the_opener")
    without = beside.api.command("oversight", "/v1/entries", by_hand(lead), office)
    if government == "zhanqian":
        assert await problem(without) == (409, "approval_needed", "ZQ-36")
        by_another = {"approval": {"official": principal, "paper": "某件"}}
        asked = beside.api.command("oversight", "/v1/entries", by_hand(lead, **by_another), office)
        assert (await problem(asked))[:2] == (409, "approval_needed")
    else:
        await without
    yearly = await opened(beside, due="2026-12-20", set_at_year_start=True)
    assert yearly.entry["weight"] == 5  # of what was set at the year's start, in every rulebook that ships
    matter = await opened(beside, due="2026-12-20")
    entry = matter.entry
    assert entry["weight"] == 1
    assert (entry["state"], entry["due"], entry["due_basis"]) == ("open", "2026-12-20", "office")
    assert (entry["source_kind"], entry["meeting"], entry["leader"]) == ("public_promise", None, beside.entry["leader"])
    (source,) = entry["sources"]
    assert (source["title"], source["paper"], source["standing"]) == (PROMISE["title"], PROMISE["paper"], "standing")
    assert (entry["category"] is not None) == (government == "huancui")  # HC-69 (4): promises to the people
    if government == "zhanqian":
        assert source["approval"] == "区长批示〔2026〕8号"
    await matter.do("acceptance")
    (itself,) = (o.code for o in beside.people.organisations if o.kind is OrganisationKind.government)
    for more, code, way in (
        ({"category": "none"}, "unknown_category", "give"),
        ({"co_units": [lead]}, "lead_is_co_unit", "leave it out"),
        ({"lead": "nowhere"}, "unknown_unit", "GET /v1/composition"),
        ({"lead": itself}, "unit_is_the_government", "name the office"),
        ({"co_units": [itself]}, "unit_is_the_government", "name the office"),
    ):
        wrong = beside.api.command("oversight", "/v1/entries", by_hand(lead, **approval(beside)) | more, office)
        with pytest.raises(Refused) as refused:
            await wrong
        assert (refused.value.problem["status"], refused.value.problem["code"]) == (422, code)
        assert way in refused.value.problem["satisfy"]


async def test_of_many_matters_a_wrong_one_takes_no_other_with_it_and_leaves_no_number_behind(
    api: Callable[[str], Api],
) -> None:
    beside = (await matters_of(api("huancui"), "huancui"))[0]
    lead, office = beside.entry["lead"]["code"], office_of(beside)
    rows = [by_hand(lead, due=f"2026-11-{10 + n}") for n in range(3)]
    rows[1] = by_hand("nowhere")
    found = await beside.api.command("oversight", "/v1/entry-imports", {"entries": rows}, office)
    assert (found["done"], found["refused"]) == (2, 1)
    assert (found["rows"][1]["code"], found["rows"][1]["id"]) == ("unknown_unit", None)
    numbers = [int(row["number"].split("〕")[1].removesuffix("号")) for row in found["rows"] if row["id"]]
    assert numbers[1] == numbers[0] + 1


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_new_matter_like_an_open_one_of_its_lead_is_flagged_with_why_and_not_held_up(
    government: str, api: Callable[[str], Api]
) -> None:
    beside = (await matters_of(api(government), government))[0]
    street = f"{uuid4().hex}街道"  # what other tests opened isn't like it
    first = await opened(beside, source=PROMISE | {"title": f"改造{street}供水管网"}, task=f"完成{street}管网改造")
    later = PROMISE | {"kind": "key_project", "title": f"改造{street}供水管网工程"}
    alike = await opened(beside, source=later, task=f"年内完成{street}管网改造并通水")
    (found,) = (each for each in alike.entry["overlapping"] if each["entry"]["id"] == first.entry["id"])
    assert (found["why"], found["entry"]["number"], found["score"] >= 80) == ("similar", first.entry["number"], True)
    other_lead = await opened(beside, lead=another_unit(beside))
    assert first.entry["id"] not in [each["entry"]["id"] for each in other_lead.entry["overlapping"]]
    unlike = await opened(beside, source=PROMISE | {"title": "新建口袋公园"}, task="选址、设计、施工")
    assert first.entry["id"] not in [each["entry"]["id"] for each in unlike.entry["overlapping"]]


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_of_two_merged_matters_one_revoked_and_one_withdrawn_ends_the_matter_and_undoing_gives_both_back(
    government: str, api: Callable[[str], Api]
) -> None:
    decided, another = (await matters_of(api(government), government))[:2]
    office = office_of(decided)
    by_promise = await opened(decided, due="2026-12-20")
    early = await opened(decided, due="2026-09-21")
    assert (await early.refused("merging", office, into=early.entry["id"], reason="重复"))[:2] == (
        409,
        "merged_into_itself",
    )
    await early.do("merging", office, into=by_promise.entry["id"], reason="同一事项")
    assert (early.entry["state"], early.entry["light"], early.entry["sources"]) == ("merged", "ended", [])
    assert early.entry["merged_into"] == by_promise.entry["id"]
    await by_promise.shown()
    assert (by_promise.entry["due"], len(by_promise.entry["sources"])) == ("2026-09-21", 2)  # the earlier of both
    assert (await early.refused("acceptance"))[:2] == (409, "illegal_state") if early.entry["next"] else True

    await early.do("separation", office, reason="误并")
    assert (early.entry["state"], early.entry["due"], early.entry["merged_into"]) == ("open", "2026-09-21", None)
    assert len(early.entry["sources"]) == 1
    clocks = await early.clocks()
    assert clocks["completion"]["state"] == "running"
    assert (clocks["acceptance"]["state"], clocks["acceptance"]["round"]) == ("running", 2)  # it waits to be accepted
    await by_promise.shown()
    await early.do("merging", office, into=by_promise.entry["id"], reason="确属同一事项")
    await by_promise.shown()

    # the decision is merged as well: it lives for the others, and shows its decision where it stands
    await decided.shown()
    await decided.do("merging", office, into=by_promise.entry["id"], reason="同一事项")
    await decided.decision(lambda found: found["ledger_state"] == "merged")
    await by_promise.shown()
    assert len(by_promise.entry["sources"]) == 3
    principal = by_promise.of_lead(principal=True)[0]
    await by_promise.do("acceptance", principal)
    await decided.decision(lambda found: found["ledger_state"] == "accepted")
    for n, source in enumerate(each for each in by_promise.entry["sources"] if each["kind"] == "public_promise"):
        assert by_promise.entry["state"] == "accepted"
        await by_promise.do(f"sources/{source['id']}/withdrawal", office, reason="承诺事项已调整")
        assert [each["standing"] for each in by_promise.entry["sources"]].count("withdrawn") == n + 1
    assert by_promise.entry["state"] == "accepted"  # it lives for the decision
    own = next(each for each in by_promise.entry["sources"] if each["kind"] == "meeting_decision")
    assert (await by_promise.refused(f"sources/{own['id']}/withdrawal", office, reason="撤回"))[:2] == (
        409,
        "source_follows_events",
    )
    await another.shown()
    assert another.entry["state"] == "open"


async def test_a_matter_merged_twice_follows_and_gets_every_source_back_that_was_recorded_for_it(
    api: Callable[[str], Api],
) -> None:
    beside = (await matters_of(api("xigang"), "xigang"))[0]
    office = office_of(beside)
    first, second, third = [await opened(beside, due="2026-12-20") for _ in range(3)]
    more = {"source": PROMISE | {"kind": "key_project", "title": "重点项目清单第7项"}, "reason": "同时列入重点项目"}
    await first.do("sources", office, **more)
    await first.do("merging", office, into=second.entry["id"], reason="同一事项")
    await second.shown()
    await second.do("merging", office, into=third.entry["id"], reason="同一事项")
    assert (await first.shown())["merged_into"] == third.entry["id"]
    assert len((await third.shown())["sources"]) == 4
    await second.do("separation", office, reason="误并")
    assert [len((await each.shown())["sources"]) for each in (first, second, third)] == [0, 1, 3]
    await first.do("separation", office, reason="误并")
    assert [len((await each.shown())["sources"]) for each in (first, second, third)] == [2, 1, 1]


async def test_a_decision_that_was_merged_hears_of_the_other_matters_date_and_of_its_being_overdue(
    api: Callable[[str], Api],
) -> None:
    decided = (await matters_of(api("xigang"), "xigang"))[0]
    office, into = office_of(decided), await opened(decided, due="2026-09-21")
    await decided.do("merging", office, into=into.entry["id"], reason="同一事项", due="2026-09-18")
    clock, version = (await into.clocks())["completion"], (await into.shown())["version"]
    ask = {"to": "2026-10-20", "reason": "须补充论证"} | approval(decided)
    path = f"{into.path}/deadlines/{clock['id']}/extension"
    await into.api.command("oversight", path, ask, office, version)
    await decided.decision(lambda found: (found["ledger_due"], found["standing"]) == ("2026-10-20", "in_ledger"))
    await into.today("2026-10-21 09:00")
    await decided.decision(lambda found: found["standing"] == "overdue")


async def test_a_matter_without_any_source_left_ends(api: Callable[[str], Api]) -> None:
    beside = (await matters_of(api("xigang"), "xigang"))[0]
    office, matter = office_of(beside), await opened(beside, due="2026-12-20")
    more = {"source": PROMISE | {"kind": "key_project", "title": "重点项目清单第5项"}, "reason": "同时列入重点项目"}
    await matter.do("sources", office, **more)
    first, second = matter.entry["sources"]
    await matter.do(f"sources/{first['id']}/withdrawal", office, reason="调整")
    assert matter.entry["state"] == "open"
    again = await matter.refused(f"sources/{first['id']}/withdrawal", office, reason="调整")
    assert again[:2] == (409, "illegal_state")
    await matter.do(f"sources/{second['id']}/withdrawal", office, reason="调整")
    assert (matter.entry["state"], matter.entry["closed_reason"]) == ("revoked", "调整")
    assert (await matter.clocks())["completion"]["state"] == "cancelled"


class Corrections:
    """The minutes of a government's meeting, and corrections of them that are signed."""

    def __init__(self, api: Api, government: str) -> None:
        self.people = composition_of(government)
        self.job = MainJob(api, self.people, scenario_of(government))

    async def matters(self) -> list[Matter]:
        return [Matter(self.job.api, self.people, landed.entry) for landed in (await self.job.run()).landed]

    async def correct(self, matter: Matter, **amendment: Any) -> None:
        decision = await matter.decision(bool)
        path = f"/v1/meetings/{decision['meeting_id']}"
        meeting = await self.job.api.get("meeting", path, self.job.office)
        body = {"reason": "纪要记录有误", "amendments": [{"decision_id": decision["id"]} | amendment]}
        await self.job.api.command("meeting", f"{path}/minutes/corrections", body, self.job.office, meeting["version"])
        while step := (meeting := await self.job.api.get("meeting", path, self.job.office))["next_step"]:
            took = {"step": step["step"], "opinion": "同意"}
            await self.job.api.command(
                "meeting", f"{path}/minutes/steps", took, step["officials"][0], meeting["version"]
            )


async def test_a_transfer_survives_a_correction_of_the_date_alone_and_not_one_that_names_another_lead(
    api: Callable[[str], Api],
) -> None:
    minutes = Corrections(api("xigang"), "xigang")
    matter = next(each for each in await minutes.matters() if each.entry["due"])
    first, new_lead = matter.entry["lead"]["code"], another_unit(matter)
    await matter.do("transfer", office_of(matter), lead=new_lead, reason="按职责改派")
    later = str(date.fromisoformat(matter.entry["due"]) + timedelta(days=7))
    await minutes.correct(matter, changes={"due": later})
    await matter.until(lambda entry: entry["due"] == later)
    assert matter.entry["lead"]["code"] == new_lead
    units = (o.code for o in minutes.people.organisations if o.kind is OrganisationKind.constituent_department)
    taken = {new_lead, first, *(unit["code"] for unit in matter.entry["co_units"])}
    third = next(code for code in units if code not in taken)
    await minutes.correct(matter, changes={"lead": third})
    await matter.until(lambda entry: entry["lead"]["code"] == third)
    assert (matter.entry["state"], len(matter.entry["amendments"])) == ("open", 2)


async def test_a_matter_closed_stays_closed_when_its_decision_is_revoked_and_one_merged_lives_for_the_others(
    api: Callable[[str], Api],
) -> None:
    minutes = Corrections(api("huancui"), "huancui")
    closed, merged = (await minutes.matters())[:2]
    office, principal = office_of(closed), closed.of_lead(principal=True)[0]
    await closed.do("acceptance", principal)
    await closed.do("report", principal, text="已完成")
    await closed.do("verification", office, text="属实")
    await closed.do("closing", office, quality="good")
    await closed.decision(lambda found: found["standing"] == "closed")
    by_promise = await opened(merged, due="2026-12-20")
    await merged.do("merging", office, into=by_promise.entry["id"], reason="同一事项")
    await minutes.correct(closed, revoked=True)
    await closed.until(lambda entry: bool(entry["amendments"]))
    assert (closed.entry["state"], closed.entry["quality"]) == ("closed", "good")
    assert [each["standing"] for each in closed.entry["sources"]] == ["revoked"]
    await minutes.correct(merged, revoked=True)
    await by_promise.until(lambda entry: bool(entry["amendments"]))
    assert by_promise.entry["state"] == "open"
    assert sorted(each["standing"] for each in by_promise.entry["sources"]) == ["revoked", "standing"]
    await merged.decision(lambda found: found["standing"] == "revoked")
    own = next(each for each in by_promise.entry["sources"] if each["standing"] == "standing")
    await by_promise.do(f"sources/{own['id']}/withdrawal", office, reason="承诺事项已调整")
    assert by_promise.entry["state"] == "revoked"


async def test_a_general_matter_deployed_before_the_national_day_is_due_after_it_and_a_suspension_stops_its_ladder(
    api: Callable[[str], Api],
) -> None:
    beside = (await matters_of(api("shuangtaizi"), "shuangtaizi"))[0]
    await beside.today("2026-09-28 10:00")
    dated = PROMISE | {"dated": "2026-09-28"}
    matter = await opened(beside, source=dated)
    assert (matter.entry["due"], matter.entry["due_rule"]) == ("2026-10-08", "matter-general")
    explained = await matter.api.get("oversight", f"{matter.path}/due")
    assert "2026-10-04" in explained["explanation"]  # the unmoved end is shown
    await matter.do("acceptance")
    await matter.today("2026-09-29 09:00")
    clock = (await matter.clocks())["completion"]
    office = office_of(matter)

    async def adjust(act: str, reason: str) -> Json:
        version = (await matter.shown())["version"]
        path = f"{matter.path}/deadlines/{clock['id']}/{act}"
        return await matter.api.command("oversight", path, {"reason": reason}, office, version)

    await adjust("suspension", "等待施工许可")
    assert (await matter.shown())["light"] == "suspended"
    await matter.today("2026-10-09 09:00")  # past the day that it had
    await adjust("resumption", "许可已取得")
    pressed = await matter.api.get("oversight", f"{matter.path}/pressure")
    assert [one for one in pressed["items"] if one["occurred_at"] < "2026-10-09"] == []
    await matter.shown()
    assert (matter.entry["overdue_at"], matter.entry["due"]) == (None, "2026-10-14")  # six of the seven days were left
