"""Absences over HTTP: each government's chain from the request to the return, and its refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import httpx
import pytest

from tests import sixth
from tests.conftest import composition_of
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.local.stack import EmbeddedStack

GOVERNMENTS = ("dalian", "xigang", "shuangtaizi", "huancui", "zhanqian")
PREFIX = {"dalian": "dl", "xigang": "xg", "shuangtaizi": "st", "huancui": "hc", "zhanqian": "zq", sixth.CODE: "lh"}


class Office:
    """One government's absences, asked for and answered by its people: ids without the government's prefix."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.prefix = PREFIX[api.government]

    def who(self, name: str | None) -> str | None:
        return f"{self.prefix}-{name}" if name else None

    async def today(self, day: date, hour: int = 9) -> None:
        await self.api.set_clock(at(day, hour))

    async def ask(self, by: str | None, since: date, until: date | None = None, **more: Any) -> Json:
        body = {"kind": "official_trip", "since": str(since), "until": str(until or since), "reason": "外出办理公务"}
        if "official" in more:
            more["official"] = self.who(more["official"])
        return await self.api.command("calendar", "/v1/absences", body | more, self.who(by))

    async def do(self, act: str, absence: Json, by: str | None, **body: Any) -> Json:
        path = f"/v1/absences/{absence['id']}/{act}"
        return await self.api.command("calendar", path, body, self.who(by), absence["version"])

    async def approve(self, absence: Json, *by: str) -> Json:
        for name in by:
            absence = await self.do("approval", absence, name)
        return absence

    async def approved(self, by: str, since: date, until: date | None = None, **more: Any) -> Json:
        """Request an absence and have it approved by the officials named in each answer."""
        absence = await self.ask(by, since, until, **more)
        while absence["next_step"]:
            official = absence["next_step"]["officials"][0]
            absence = await self.do("approval", absence, official.removeprefix(f"{self.prefix}-"))
        assert absence["state"] == "approved"
        return absence

    async def get(self, absence: Json) -> Json:
        return await self.api.get("calendar", f"/v1/absences/{absence['id']}")

    async def away(self, on: date) -> list[Json]:
        return list((await self.api.get("calendar", "/v1/absences/away", on=str(on)))["items"])


async def refused(attempt: Any) -> Json:
    with pytest.raises(Refused) as caught:
        await attempt
    return caught.value.problem


@pytest.fixture(scope="module")
async def offices(stack: EmbeddedStack) -> AsyncIterator[dict[str, Office]]:
    """The five governments with their people, as calendar-svc knows them; and business time put back afterwards."""
    async with httpx.AsyncClient(timeout=30) as client:
        made = {name: Office(Api(stack.addresses(), stack.issuer, name, client)) for name in PREFIX}
        connection = await asyncpg.connect(stack.database_admin_url, database="calendar")
        for name, office in made.items():
            people = sixth.COMPOSITION if name == sixth.CODE else composition_of(name)
            version = (await load_composition(office.api, people))["version"]
            known = "SELECT max(version) FROM composition WHERE government = $1"
            while (await connection.fetchval(known, name) or 0) < version:
                await asyncio.sleep(0.05)
        await connection.close()
        yield made
        await made["dalian"].api.set_clock(None)


@pytest.fixture
def dalian(offices: dict[str, Office]) -> Office:
    return offices["dalian"]


@pytest.fixture
def xigang(offices: dict[str, Office]) -> Office:
    return offices["xigang"]


@pytest.fixture
def shuangtaizi(offices: dict[str, Office]) -> Office:
    return offices["shuangtaizi"]


@pytest.fixture
def huancui(offices: dict[str, Office]) -> Office:
    return offices["huancui"]


@pytest.fixture
def zhanqian(offices: dict[str, Office]) -> Office:
    return offices["zhanqian"]


# the chains ---------------------------------------------------------------------------------------------------------
async def test_in_dalian_a_deputy_asks_the_head_and_the_office_is_notified_before_and_after(dalian: Office) -> None:
    await dalian.today(date(2028, 3, 1))
    absence = await dalian.ask("dep1", date(2028, 3, 6), date(2028, 3, 8))
    assert (absence["state"], absence["clause"]) == ("requested", "DL-54")
    assert absence["next_step"]["officials"] == ["dl-head"]
    assert [(d["duty"], d["when"], d["state"]) for d in absence["duties"]] == [
        ("tell_office", "before", "open"), ("tell_office", "after", "open"),
    ]  # fmt: skip
    problem = await refused(dalian.do("approval", absence, "exec"))
    assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_the_approver", "DL-54")
    absence = await dalian.approve(absence, "head")
    assert (absence["state"], absence["next_step"]) == ("approved", None)
    absence = await dalian.do("duties", absence, "office-clerk", duty="tell_office")
    assert absence["duties"][0]["state"] == "done"
    await dalian.today(date(2028, 3, 9))
    assert (await dalian.get(absence))["return_overdue"] is True
    absence = await dalian.do("return", absence, "dep1")
    absence = await dalian.do("duties", absence, "dep1", duty="tell_office", when="after")
    assert (absence["state"], absence["away_until"]) == ("returned", "2028-03-08")
    assert {duty["state"] for duty in absence["duties"]} == {"done"}


async def test_in_dalian_a_principal_asks_the_deputy_in_charge_alone(dalian: Office) -> None:
    await dalian.today(date(2028, 3, 1))
    absence = await dalian.ask("jyj-clerk", date(2028, 3, 6), official="jyj-principal")
    assert absence["next_step"]["officials"] == ["dl-dep1"]
    for wrong in ("dep2", "exec", "sg", "jyj-principal"):
        assert (await refused(dalian.do("approval", absence, wrong)))["status"] == 403
    assert (await dalian.approve(absence, "dep1"))["state"] == "approved"


async def test_in_xigang_a_principal_asks_the_deputy_in_charge_and_then_the_head(xigang: Office) -> None:
    await xigang.today(date(2028, 3, 1))
    absence = await xigang.ask("zjj-principal", date(2028, 3, 6))
    in_charge = absence["next_step"]["officials"][0].removeprefix("xg-")
    problem = await refused(xigang.do("approval", absence, "head"))
    assert (problem["code"], problem["clause"]) == ("not_the_approver", "XG-60")
    absence = await xigang.approve(absence, in_charge)
    assert (absence["state"], absence["next_step"]["officials"]) == ("requested", ["xg-head"])
    absence = await xigang.approve(absence, "head")
    assert absence["state"] == "approved"
    assert [d["duty"] for d in absence["duties"]] == ["file_with_party_office", "file_with_office"]
    deputy = await xigang.approved("office-director", date(2028, 3, 6))
    assert [d["duty"] for d in deputy["duties"]] == ["file_with_party_committee"]


async def test_in_shuangtaizi_head_and_deputy_in_charge_agree_in_any_order_and_the_head_signs(
    shuangtaizi: Office,
) -> None:
    await shuangtaizi.today(date(2028, 3, 1))
    for order in (["head", "in_charge"], ["in_charge", "head"]):
        absence = await shuangtaizi.ask("czj-principal", date(2028, 3, 6), kind="study")
        assert (absence["next_step"]["need"], absence["notice_due"]) == ("all", "2028-03-03")
        officials = absence["next_step"]["officials"]
        in_charge = next(o for o in officials if o != "st-head").removeprefix("st-")
        names = [in_charge if name == "in_charge" else name for name in order]
        absence = await shuangtaizi.approve(absence, names[0])
        assert (await refused(shuangtaizi.do("approval", absence, names[0])))["code"] == "not_the_approver"
        absence = await shuangtaizi.approve(absence, names[1])
        assert (absence["next_step"]["step"], absence["next_step"]["clause"]) == ("sign", "ST-49")
        absence = await shuangtaizi.approve(absence, "head")
        assert absence["state"] == "approved"
        await shuangtaizi.do("cancellation", absence, "czj-principal", reason="行程取消")


async def test_in_huancui_the_deputy_in_charge_or_the_head_suffices_and_the_return_reports_back(
    huancui: Office,
) -> None:
    await huancui.today(date(2028, 3, 1))
    for approver in ("dep3", "head"):
        absence = await huancui.ask("zjj-principal", date(2028, 3, 6))
        assert set(absence["next_step"]["officials"]) == {"hc-dep3", "hc-head"}
        absence = await huancui.approve(absence, approver)
        assert absence["state"] == "approved"
        await huancui.today(date(2028, 3, 6), 15)
        absence = await huancui.do("return", absence, "zjj-clerk")
        assert absence["duties"][2]["duty"] == "report_back"
        assert [d["state"] for d in absence["duties"]] == ["open", "open", "done"]
        await huancui.today(date(2028, 3, 1))
    town = await huancui.ask("qsz-principal", date(2028, 3, 6))
    assert town["next_step"]["officials"] == ["hc-head"]
    assert town["duties"][0]["duty"] == "tell_office_director"
    problem = await refused(huancui.do("approval", town, "dep5"))
    assert (problem["code"], problem["clause"]) == ("not_the_approver", "HC-75")
    await huancui.do("cancellation", town, "qsz-principal", reason="改期外出")


async def test_in_zhanqian_a_department_reports_to_the_office_which_asks_head_and_deputy(zhanqian: Office) -> None:
    await zhanqian.today(date(2028, 3, 1))
    absence = await zhanqian.ask("zjj-principal", date(2028, 3, 6))
    assert (absence["next_step"]["step"], absence["next_step"]["by"]) == ("report", ["office"])
    assert (await refused(zhanqian.do("approval", absence, "head")))["code"] == "not_the_approver"
    absence = await zhanqian.approve(absence, "office-clerk")
    in_charge = next(o for o in absence["next_step"]["officials"] if o != "zq-head").removeprefix("zq-")
    absence = await zhanqian.approve(absence, in_charge, "head")
    assert absence["state"] == "approved"
    problem = await refused(zhanqian.ask("zjj-clerk", date(2028, 3, 6)))
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "not_regulated", "ZQ-5")


@pytest.mark.parametrize(
    ("government", "clause"),
    [("dalian", "DL-9"), ("xigang", "XG-6"), ("shuangtaizi", "ST-7"), ("huancui", "HC-5"), ("zhanqian", "ZQ-5")],
)
async def test_the_heads_absence_is_recorded_on_notification_by_the_office(
    government: str, clause: str, offices: dict[str, Office]
) -> None:
    office = offices[government]
    await office.today(date(2028, 4, 3))
    absence = await office.ask("office-clerk", date(2028, 4, 4), official="head")
    assert (absence["state"], absence["clause"], absence["steps"]) == ("approved", clause, [])
    await office.do("cancellation", absence, "office-clerk", reason="行程取消")


# what is refused ----------------------------------------------------------------------------------------------------
async def test_a_request_that_comes_too_late_is_refused_unless_the_head_admits_it_with_a_reason(
    shuangtaizi: Office,
) -> None:
    """Three days ahead of the 10th is the 7th."""
    await shuangtaizi.today(date(2028, 4, 8))
    problem = await refused(shuangtaizi.ask("fgj-principal", date(2028, 4, 10)))
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "notice_too_short", "ST-65")
    assert problem["due"] == "2028-04-07"
    in_time = at(date(2028, 4, 7), 23).isoformat()
    absence = await shuangtaizi.ask("fgj-principal", date(2028, 4, 10), occurred_at=in_time)
    assert absence["breaches"] == []
    await shuangtaizi.do("cancellation", absence, "fgj-principal", reason="重新提出")

    absence = await shuangtaizi.ask("fgj-principal", date(2028, 4, 10), exception="省里临时通知开会")
    assert [b["limit"] for b in absence["breaches"]] == ["notice"]
    problem = await refused(shuangtaizi.do("approval", absence, "head"))
    assert (problem["code"], problem["clause"]) == ("notice_too_short", "ST-65")
    assert "head" in problem["satisfy"]
    in_charge = next(o for o in absence["next_step"]["officials"] if o != "st-head").removeprefix("st-")
    body = {"limit": "notice", "reason": "情况属实，准予"}
    assert (await refused(shuangtaizi.do("lifted-limits", absence, in_charge, **body)))["code"] == "not_the_lifter"
    absence = await shuangtaizi.do("lifted-limits", absence, "head", **body)
    assert (absence["lifts"][0]["reason"], absence["lifts"][0]["official"]) == ("情况属实，准予", "st-head")
    assert (await refused(shuangtaizi.do("lifted-limits", absence, "head", **body)))["code"] == "nothing_to_lift"
    absence = await shuangtaizi.approve(absence, in_charge, "head", "head")
    assert absence["state"] == "approved"


async def test_both_officials_of_a_pair_are_not_away_together_unless_the_head_waives_it(huancui: Office) -> None:
    await huancui.today(date(2028, 5, 1))
    await huancui.approved("dep2", date(2028, 5, 8), date(2028, 5, 12))
    problem = await refused(huancui.ask("dep3", date(2028, 5, 10), date(2028, 5, 15)))
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "pair_away_together", "HC-75")
    assert problem["away"] == [{"official": "hc-dep2", "name": "翟竹洲", "since": "2028-05-08", "until": "2028-05-12"}]
    assert problem["days"] == ["2028-05-10", "2028-05-12"]
    absence = await huancui.ask("dep3", date(2028, 5, 10), date(2028, 5, 15), exception="同赴省里开会")
    assert (await refused(huancui.do("approval", absence, "head")))["code"] == "pair_away_together"
    absence = await huancui.do("lifted-limits", absence, "head", limit="pair", reason="会议必须参加")
    assert (await huancui.approve(absence, "head"))["state"] == "approved"
    # the day before and the day after stand against nobody
    await huancui.approved("exec", date(2028, 5, 16))


async def test_the_fourth_leader_at_once_is_refused_and_the_answer_names_who_is_away_when(huancui: Office) -> None:
    await huancui.today(date(2028, 6, 1))
    await huancui.approved("office-clerk", date(2028, 6, 5), date(2028, 6, 9), official="head")
    await huancui.approved("dep1", date(2028, 6, 7), date(2028, 6, 8))
    await huancui.approved("party1", date(2028, 6, 8), date(2028, 6, 14), kind="leave")
    problem = await refused(huancui.ask("dep2", date(2028, 6, 8), date(2028, 6, 20)))
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "too_many_away", "HC-75")
    assert {(a["official"], a["since"], a["until"]) for a in problem["away"]} == {
        ("hc-head", "2028-06-05", "2028-06-09"),
        ("hc-dep1", "2028-06-07", "2028-06-08"),
        ("hc-party1", "2028-06-08", "2028-06-14"),
    }
    assert problem["days"] == ["2028-06-08", "2028-06-08"]
    for name in ("陆竹棠", "温景洲", "陆松微"):
        assert name in problem["detail"]
    # a day later there are two; and who isn't a leader isn't counted
    await huancui.approved("dep2", date(2028, 6, 9), date(2028, 6, 20))
    await huancui.approved("office-director", date(2028, 6, 8))


async def test_a_head_who_would_be_the_fourth_has_to_lift_the_limit_and_a_stand_in_never_does_so_for_themselves(
    huancui: Office,
) -> None:
    await huancui.today(date(2029, 5, 1))
    day = date(2029, 5, 14)
    for name in ("dep2", "dep4", "party1"):
        await huancui.approved(name, day)
    assert (await refused(huancui.ask("office-clerk", day, official="head")))["code"] == "too_many_away"
    absence = await huancui.ask("office-clerk", day, official="head", exception="赴京开会")
    assert (absence["state"], absence["next_step"]) == ("requested", None)
    assert [b["limit"] for b in absence["breaches"]] == ["at_once"]
    assert (await refused(huancui.do("approval", absence, "exec")))["code"] == "nothing_is_asked"
    body = {"limit": "at_once", "reason": "会议必须参加"}
    assert (await refused(huancui.do("lifted-limits", absence, "exec", **body)))["code"] == "not_the_lifter"
    absence = await huancui.do("lifted-limits", absence, "head", **body)
    assert (absence["state"], absence["lifts"][0]["official"]) == ("approved", "hc-head")
    # on the day itself the first deputy presides for the head, also over exceptions; but not over one's own
    await huancui.today(day)
    own = await huancui.ask("exec", day, exception="紧急任务")
    assert (await refused(huancui.do("lifted-limits", own, "exec", **body)))["code"] == "own_absence"
    other = await huancui.ask("dep1", day, exception="紧急任务")
    other = await huancui.do("lifted-limits", other, "exec", **body)
    assert (other["lifts"][0]["official"], other["lifts"][0]["on_behalf_of"]) == ("hc-exec", "hc-head")
    assert (await huancui.approve(other, "exec"))["steps"][0]["under"] == "HC-5"


async def test_of_two_approvals_at_once_exactly_one_passes(huancui: Office) -> None:
    await huancui.today(date(2028, 7, 1))
    first = await huancui.ask("dep4", date(2028, 7, 10), date(2028, 7, 12))
    second = await huancui.ask("dep5", date(2028, 7, 12), date(2028, 7, 14))
    answers = await asyncio.gather(
        *(huancui.do("approval", absence, "head") for absence in (first, second)), return_exceptions=True
    )
    passed = [answer for answer in answers if isinstance(answer, dict)]
    failed = [answer for answer in answers if isinstance(answer, Refused)]
    assert [answer["state"] for answer in passed] == ["approved"]
    assert [answer.code for answer in failed] == ["pair_away_together"]
    assert failed[0].problem["away"][0]["official"] == passed[0]["official"]


async def test_of_two_absences_recorded_at_once_only_one_gets_the_last_place(huancui: Office) -> None:
    await huancui.today(date(2028, 7, 1))
    day = date(2028, 7, 20)
    asked = [await huancui.ask(name, day) for name in ("exec", "dep2")]
    first = await asyncio.gather(*(huancui.do("approval", absence, "head") for absence in asked))
    assert {absence["state"] for absence in first} == {"approved"}
    answers = await asyncio.gather(
        *(huancui.ask(name, day, kind="leave") for name in ("party1", "party2")), return_exceptions=True
    )
    assert [answer["state"] for answer in answers if isinstance(answer, dict)] == ["approved"]
    (failed,) = [answer for answer in answers if isinstance(answer, Refused)]
    assert failed.code == "too_many_away"
    assert len(failed.problem["away"]) == 3
    assert [a["official"] for a in await huancui.away(day)].count("hc-exec") == 1


async def test_an_early_return_frees_the_days_from_the_return_on(huancui: Office) -> None:
    await huancui.today(date(2028, 8, 1))
    absence = await huancui.approved("dep2", date(2028, 8, 7), date(2028, 8, 18))
    assert (await refused(huancui.do("return", absence, "dep2")))["code"] == "not_away_yet"
    assert [a["official"] for a in await huancui.away(date(2028, 8, 10))] == ["hc-dep2"]
    await huancui.today(date(2028, 8, 10))
    assert (await refused(huancui.ask("dep3", date(2028, 8, 10))))["code"] == "pair_away_together"
    assert (await refused(huancui.do("cancellation", absence, "dep2", reason="不去了")))["code"] == "has_begun"
    absence = await huancui.do("return", absence, "dep2")
    assert (absence["returned_on"], absence["away_until"], absence["until"]) == (
        "2028-08-10", "2028-08-09", "2028-08-18",
    )  # fmt: skip
    assert await huancui.away(date(2028, 8, 10)) == []
    assert [a["official"] for a in await huancui.away(date(2028, 8, 9))] == ["hc-dep2"]
    await huancui.approved("dep3", date(2028, 8, 10), date(2028, 8, 18))


async def test_an_extension_goes_through_the_same_chain_and_limits(huancui: Office) -> None:
    await huancui.today(date(2028, 9, 1))
    absence = await huancui.approved("dep2", date(2028, 9, 4), date(2028, 9, 6))
    await huancui.approved("dep3", date(2028, 9, 11), date(2028, 9, 12))
    problem = await refused(huancui.do("extension", absence, "dep2", until="2028-09-11", reason="会期延长"))
    assert (problem["code"], problem["days"]) == ("pair_away_together", ["2028-09-11", "2028-09-11"])
    problem = await refused(huancui.do("extension", absence, "dep2", until="2028-09-06", reason="会期延长"))
    assert (problem["status"], problem["code"]) == (422, "until_not_later")
    asked = await huancui.do("extension", absence, "dep2", until="2028-09-08", reason="会期延长")
    assert (asked["state"], asked["until"], asked["next_step"]["officials"]) == ("approved", "2028-09-06", ["hc-head"])
    problem = await refused(huancui.do("extension", asked, "dep2", until="2028-09-07", reason="会期延长"))
    assert problem["code"] == "extension_under_way"
    longer = await huancui.approve(asked, "head")
    assert (longer["until"], longer["away_until"]) == ("2028-09-08", "2028-09-08")
    assert [a["official"] for a in await huancui.away(date(2028, 9, 8))] == ["hc-dep2"]
    assert (await refused(huancui.do("approval", longer, "head")))["code"] == "nothing_is_asked"
    again = await huancui.do("extension", longer, "dep2", until="2028-09-09", reason="会期延长")
    again = await huancui.do("refusal", again, "head", reason="按期返回")
    assert (again["state"], again["until"], again["extensions"][-1]["outcome"]) == ("approved", "2028-09-08", "refused")


async def test_a_heads_trip_is_put_on_record_the_day_after(dalian: Office) -> None:
    await dalian.today(date(2028, 11, 21))
    absence = await dalian.ask("office-clerk", date(2028, 11, 20), date(2028, 11, 22), official="head")
    assert (absence["state"], absence["late"]) == ("approved", True)
    assert [each["official"] for each in await dalian.away(date(2028, 11, 20))] == ["dl-head"]
    problem = await refused(dalian.ask("dep1", date(2028, 11, 20)))  # DL-54: agreed to by the head beforehand
    assert (problem["code"], problem["clause"]) == ("not_beforehand", "DL-54")


async def test_nobody_stands_in_for_either_of_a_pair_that_is_away_together(zhanqian: Office) -> None:
    await zhanqian.today(date(2028, 10, 23))
    one, other = "dep2", "dep3"
    day = date(2028, 10, 25)
    await zhanqian.approved(one, day)
    assert [[s["official"] for s in each["stand_ins"]] for each in await zhanqian.away(day)] == [[f"zq-{other}"]]
    await zhanqian.approved(other, day)
    assert [each["stand_ins"] for each in await zhanqian.away(day)] == [[], []]


async def test_a_refused_request_stays_refused(dalian: Office) -> None:
    await dalian.today(date(2028, 5, 1))
    absence = await dalian.ask("dep2", date(2028, 5, 8))
    assert (await refused(dalian.do("refusal", absence, "sg", reason="工作需要")))["code"] == "not_the_approver"
    absence = await dalian.do("refusal", absence, "head", reason="工作需要")
    assert (absence["state"], absence["closed_reason"]) == ("refused", "工作需要")
    for act, by, body in (
        ("approval", "head", {}),
        ("refusal", "head", {"reason": "工作需要"}),
        ("cancellation", "dep2", {"reason": "不去了"}),
        ("return", "dep2", {}),
        ("extension", "dep2", {"until": "2028-05-20", "reason": "多待几天"}),
        ("stand-in", "head", {"official": "dl-dep3", "reason": "代行"}),
        ("lifted-limits", "head", {"limit": "pair", "reason": "准予"}),
        ("duties", "dep2", {"duty": "tell_office"}),
    ):
        problem = await refused(dalian.do(act, absence, by, **body))
        assert (problem["status"], problem["code"]) == (409, "illegal_state"), act


@pytest.mark.parametrize(
    ("by", "change", "status", "code"),
    [
        ("dep1", {"until": "2028-05-07"}, 422, "until_before_since"),
        ("dep1", {"until": "2030-05-07"}, 422, "too_long"),
        ("dep1", {"since": "2028-04-30"}, 409, "not_beforehand"),
        ("dep1", {"since": "2035-04-30", "until": "2035-05-01"}, 422, "date_out_of_range"),
        ("dep1", {"kind": "holiday"}, 422, "invalid_payload"),
        ("dep1", {"reason": ""}, 422, "invalid_payload"),
        ("dep1", {"occurred_at": "2028-05-02T09:00:00+08:00"}, 422, "occurred_in_the_future"),
        ("dep1", {"official": "nobody"}, 422, "unknown_official"),
        ("dep1", {"official": "dep2"}, 403, "not_the_asker"),
        ("fgw-clerk", {"official": "czj-principal"}, 403, "not_the_asker"),
        ("fgw-clerk", {}, 409, "not_regulated"),
        (None, {"official": "dep1"}, 403, "not_the_asker"),
        (None, {}, 422, "official_missing"),
    ],
    ids=str,
)
async def test_a_request_that_means_nothing_or_isnt_ones_to_make_is_refused(
    by: str | None, change: Json, status: int, code: str, dalian: Office
) -> None:
    await dalian.today(date(2028, 5, 1))
    values = {"since": date(2028, 5, 22), "until": date(2028, 5, 24)} | change
    problem = await refused(dalian.ask(by, values.pop("since"), values.pop("until"), **values))
    assert (problem["status"], problem["code"]) == (status, code), problem


async def test_in_huancui_an_absence_without_a_contact_shows_that_whoever_is_away_stays_reachable(
    huancui: Office, dalian: Office
) -> None:
    await huancui.today(date(2029, 4, 2))
    absence = await huancui.ask("dep1", date(2029, 4, 9))
    assert absence["contact_wanted"] == "HC-78"
    reachable = await huancui.ask("dep4", date(2029, 4, 9), contact="13800000000")
    assert (reachable["contact_wanted"], reachable["contact"]) == (None, "13800000000")
    assert (await dalian.ask("dep1", date(2029, 4, 9)))["contact_wanted"] is None


async def test_absences_of_one_official_dont_overlap(dalian: Office) -> None:
    await dalian.today(date(2028, 6, 1))
    absence = await dalian.ask("sg", date(2028, 6, 5), date(2028, 6, 7))
    problem = await refused(dalian.ask("sg", date(2028, 6, 7), date(2028, 6, 9)))
    assert (problem["status"], problem["code"]) == (409, "overlaps")
    assert problem["away"][0]["until"] == "2028-06-07"
    next_one = await dalian.approved("sg", date(2028, 6, 8), date(2028, 6, 9))
    absence = await dalian.approve(absence, "head")
    problem = await refused(dalian.do("extension", absence, "sg", until="2028-06-08", reason="会期延长"))
    assert problem["code"] == "overlaps"
    await dalian.do("cancellation", next_one, "sg", reason="不去了")
    absence = await dalian.do("extension", absence, "sg", until="2028-06-08", reason="会期延长")
    assert absence["extensions"][0]["outcome"] == "requested"


async def test_a_change_needs_the_version_that_it_was_decided_on(dalian: Office) -> None:
    await dalian.today(date(2028, 7, 1))
    absence = await dalian.ask("dep1", date(2028, 7, 5))
    await dalian.approve(absence, "head")
    problem = await refused(dalian.do("cancellation", absence, "dep1", reason="不去了"))
    assert (problem["status"], problem["code"]) == (412, "stale_etag")


async def test_a_government_without_rules_of_absence_says_so(offices: dict[str, Office]) -> None:
    linhai = offices[sixth.CODE]
    await linhai.today(date(2028, 7, 1))
    problem = await refused(linhai.ask("dep", date(2028, 7, 5)))
    assert (problem["status"], problem["code"]) == (409, "no_absence_rules")
    problem = await refused(linhai.api.get("calendar", "/v1/field-research", year="2028"))
    assert (problem["status"], problem["code"]) == (409, "no_research_rules")
    assert await linhai.away(date(2028, 7, 5)) == []


# standing in --------------------------------------------------------------------------------------------------------
async def test_who_stands_in_is_settled_with_the_approval_or_waits_for_its_record(offices: dict[str, Office]) -> None:
    for office in offices.values():
        await office.today(date(2028, 10, 9))
        break
    day = date(2028, 10, 16)

    async def settled(government: str, by: str, **more: Any) -> tuple[list[Any], list[Any]]:
        absence = await offices[government].approved(by, day, **more)
        return (
            [(s["official"], s["acts"], s["clause"], s["basis"]) for s in absence["stand_ins"]],
            [(v["candidates"], v["acts"], v["clause"], v["basis"]) for v in absence["vacancies"]],
        )

    both = ["preside", "sign"]
    assert await settled("dalian", "office-clerk", official="head") == ([("dl-exec", both, "DL-9", "rule")], [])
    assert await settled("huancui", "office-clerk", official="head") == (
        [("hc-exec", ["preside"], "HC-5", "rule")],
        [(["hc-exec"], ["sign"], "HC-62", "entrusted")],
    )
    assert await settled("huancui", "dep2") == ([("hc-dep3", both, "HC-7", "rule")], [])
    assert await settled("xigang", "office-clerk", official="head") == (
        [],
        [(["xg-exec"], both, "XG-6", "entrusted")],
    )
    assert (await settled("xigang", "dep1"))[1] == [(["xg-exec", "xg-dep2", "xg-dep3"], both, "XG-6", "party_group")]
    assert (await settled("shuangtaizi", "dep1"))[1][0][3] == "named"
    by_partner, others = await settled("zhanqian", "dep2")
    assert by_partner == [("zq-dep3", both, "ZQ-5", "rule")]
    assert [v[3] for v in others] == ["named"]


async def test_the_head_entrusts_and_names_and_the_office_records_the_party_groups_decision(
    offices: dict[str, Office],
) -> None:
    xigang, zhanqian, huancui = offices["xigang"], offices["zhanqian"], offices["huancui"]
    day = date(2028, 11, 6)
    await xigang.today(date(2028, 11, 1))
    absence = await xigang.approved("dep1", day, date(2028, 11, 8))
    body = {"official": "xg-dep2", "reason": "党组会议2028年第11次会议确定"}
    problem = await refused(xigang.do("stand-in", absence, "head", **body))
    assert (problem["code"], problem["clause"]) == ("not_the_one_to_decide", "XG-6")
    absence = await xigang.do("stand-in", absence, "office-clerk", **body)
    assert [(s["official"], s["basis"], s["reason"]) for s in absence["stand_ins"]] == [
        ("xg-dep2", "party_group", body["reason"])
    ]
    problem = await refused(
        xigang.do("stand-in", absence, "office-clerk", official="xg-office-director", reason="党组会议确定")
    )
    assert (problem["status"], problem["code"]) == (409, "cannot_stand_in")

    absence = await zhanqian.approved("dep2", day)
    absence = await zhanqian.do("stand-in", absence, "head", official="zq-dep1", reason="另有安排")
    assert [(s["official"], s["basis"]) for s in absence["stand_ins"]] == [("zq-dep1", "named")]

    absence = await huancui.approved("office-clerk", day, official="head", kind="leave")
    assert (absence["stand_ins"], [v["clause"] for v in absence["vacancies"]]) == ([], ["HC-5", "HC-62"])
    absence = await huancui.do("stand-in", absence, "head", official="hc-exec", reason="休假期间主持工作并代签")
    assert [(s["acts"], s["clause"], s["decided_by"]) for s in absence["stand_ins"]] == [
        (["preside"], "HC-5", "hc-head"), (["sign"], "HC-62", "hc-head"),
    ]  # fmt: skip


async def test_while_the_head_is_on_a_trip_the_executive_deputy_approves_for_the_head_but_not_their_own(
    dalian: Office,
) -> None:
    await dalian.today(date(2028, 12, 1))
    trip = await dalian.approved("office-clerk", date(2028, 12, 4), date(2028, 12, 8), official="head", kind="abroad")
    await dalian.today(date(2028, 12, 5))
    absence = await dalian.ask("dep1", date(2028, 12, 11))
    assert absence["next_step"]["officials"] == ["dl-exec"]
    absence = await dalian.approve(absence, "exec")
    step = absence["steps"][0]
    assert (step["role"], step["official"], step["on_behalf_of"], step["under"]) == (
        "head",
        "dl-exec",
        "dl-head",
        "DL-9",
    )
    own = await dalian.ask("exec", date(2028, 12, 11))
    assert (await refused(dalian.do("approval", own, "exec")))["code"] == "own_absence"
    assert (await dalian.approve(own, "head"))["state"] == "approved"
    await dalian.do("return", trip, "office-clerk")
    later = await dalian.ask("dep2", date(2028, 12, 11))
    problem = await refused(dalian.do("approval", later, "exec"))
    assert (problem["status"], problem["code"]) == (403, "not_the_approver")


# reads --------------------------------------------------------------------------------------------------------------
async def test_the_list_filters_by_official_window_and_state_and_pages(xigang: Office) -> None:
    await xigang.today(date(2029, 1, 3))
    made = [await xigang.ask("dep3", date(2029, 2, day)) for day in (1, 5, 9, 12)]
    made[1] = await xigang.approve(made[1], "head")

    async def found(**params: str) -> list[str]:
        answer = await xigang.api.get("calendar", "/v1/absences", official="xg-dep3", **params)
        return [item["id"] for item in answer["items"]]

    ids = [absence["id"] for absence in made]
    assert set(await found(since="2029-02-02", until="2029-02-09")) == {ids[1], ids[2]}
    assert await found(since="2029-02-01", state="approved") == [ids[1]]
    page = await xigang.api.get("calendar", "/v1/absences", official="xg-dep3", since="2029-02-01", limit="3")
    rest = await xigang.api.get(
        "calendar", "/v1/absences", official="xg-dep3", since="2029-02-01", limit="3", cursor=page["next_cursor"]
    )
    assert {item["id"] for item in page["items"] + rest["items"]} == set(ids)
    problem = await refused(xigang.api.get("calendar", "/v1/absences", since="tomorrow"))
    assert (problem["status"], problem["code"]) == (422, "invalid_payload")


async def test_field_research_is_held_against_the_elapsed_part_of_the_year(huancui: Office) -> None:
    await huancui.today(date(2029, 7, 2))

    async def record(by: str, day: str, official: str) -> Json:
        body = {"day": day, "official": huancui.who(official), "place": "青山镇", "subject": "乡村产业"}
        return await huancui.api.command("calendar", "/v1/field-research", body, huancui.who(by))

    for day in ("2029-03-01", "2029-03-02", "2029-06-30"):
        await record("dep2", day, "dep2")
    await record("office-clerk", "2029-07-02", "head")
    assert (await refused(record("dep2", "2029-03-01", "dep2")))["code"] == "recorded_already"
    assert (await refused(record("dep2", "2029-07-03", "dep2")))["code"] == "day_in_the_future"
    assert (await refused(record("dep3", "2029-03-05", "dep2")))["code"] == "not_the_asker"
    problem = await refused(record("zjj-principal", "2029-03-05", "zjj-principal"))
    assert (problem["code"], problem["clause"]) == ("not_a_leader", "HC-86")

    found = await huancui.api.get("calendar", "/v1/field-research", year="2029")
    assert found["clause"].startswith("HC-86 (practice: ")  # that two months are 60 days
    standing = {item["official"]: item for item in found["items"]}
    assert len(standing) == 9
    assert {(item["expected"], item["minimum"]) for item in found["items"]} == {(30, 60)}
    assert (standing["hc-dep2"]["held"], standing["hc-dep2"]["behind"]) == (3, True)
    days = standing["hc-dep2"]["days"]
    assert [day["day"] for day in days] == ["2029-03-01", "2029-03-02", "2029-06-30"]
    assert standing["hc-head"]["held"] == 1

    path, body = f"/v1/field-research/{days[0]['id']}/withdrawal", {"reason": "日期登记有误"}
    problem = await refused(huancui.api.command("calendar", path, body, "hc-dep3", days[0]["version"]))
    assert problem["code"] == "not_the_asker"
    gone = await huancui.api.command("calendar", path, body, "hc-dep2", days[0]["version"])
    assert (gone["withdrawn"], gone["withdrawn_reason"]) == (True, "日期登记有误")
    problem = await refused(huancui.api.command("calendar", path, body, "hc-dep2", gone["version"]))
    assert (problem["status"], problem["code"]) == (409, "withdrawn_already")
    found = await huancui.api.get("calendar", "/v1/field-research", year="2029")
    assert {item["official"]: item["held"] for item in found["items"]}["hc-dep2"] == 2
    await record("dep2", "2029-03-01", "dep2")


# what comes before its time, or beside itself ------------------------------------------------------------------------
async def test_nothing_is_done_about_a_request_before_it_was_made(huancui: Office) -> None:
    await huancui.today(date(2029, 8, 1))
    absence = await huancui.approved("dep2", date(2029, 9, 5), date(2029, 9, 6))
    before = "2026-01-05T01:00:00Z"
    for act, body in (
        ("cancellation", {"reason": "不去了"}),
        ("extension", {"until": "2029-09-07", "reason": "会期延长"}),
    ):
        problem = await refused(huancui.do(act, absence, "dep2", occurred_at=before, **body))
        assert problem["code"] == "before_the_request"


async def test_an_extension_is_not_approved_into_another_absence_of_the_same_official(huancui: Office) -> None:
    await huancui.today(date(2029, 8, 1))
    absence = await huancui.approved("dep2", date(2029, 10, 15), date(2029, 10, 16))
    asked = await huancui.do("extension", absence, "dep2", until="2029-10-23", reason="会期延长")
    await huancui.approved("dep2", date(2029, 10, 22), date(2029, 10, 25))
    problem = await refused(huancui.approve(asked, "head"))
    assert problem["code"] == "overlaps"
    assert (await huancui.get(asked))["until"] == "2029-10-16"
