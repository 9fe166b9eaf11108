"""Planning requests and the yearly plan over HTTP: each government's rules and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from demo.main_job import MainJob
from meeting_svc.planning_request.commands import mark_held, require_approved
from meeting_svc.planning_request.planning_request import PlanningRequest
from tests import sixth
from tests.conftest import composition_of, scenario_of
from zhengling.authority.composition import Composition
from zhengling.database.session import Database
from zhengling.kernel.errors import Problem
from zhengling.kernel.instants import SHANGHAI
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.vocabulary import Outcome

PREFIX = {"dalian": "dl", "xigang": "xg", "shuangtaizi": "st", "huancui": "hc", "zhanqian": "zq", sixth.CODE: "lh"}
BEGIN = date(2026, 1, 5)


def people_of(government: str) -> Composition:
    return sixth.COMPOSITION if government == sixth.CODE else composition_of(government)


class Town:
    """One government's requests, asked for and answered by its people: ids without the government's prefix."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.prefix = PREFIX[api.government]

    def who(self, name: str | None) -> str | None:
        return f"{self.prefix}-{name}" if name else None

    async def today(self, day: date, hour: int = 9) -> None:
        await self.api.set_clock(at(day, hour))

    async def ask(self, by: str, type_: str, day: date, sponsor: str = "jyj", **more: Any) -> Json:
        body = {"type": type_, "title": "全区义务教育工作会议", "day": str(day), "sponsor": self.who(sponsor)}
        if "invitees" in more:
            more["invitees"] = [self.who(name) for name in more["invitees"]]
        return await self.api.command("meeting", "/v1/planning-requests", body | more, self.who(by))

    async def do(self, act: str, request: Json, by: str | None, **body: Any) -> Json:
        path = f"/v1/planning-requests/{request['id']}/{act}"
        return await self.api.command("meeting", path, body, self.who(by), request["version"])

    async def step(self, request: Json, by: str, step: str, **body: Any) -> Json:
        return await self.do("steps", request, by, step=step, **body)

    async def through(self, request: Json) -> Json:
        """Every step of its chain, each by whoever the answer says may take it."""
        while step := request["next_step"]:
            official = step["officials"][0].removeprefix(f"{self.prefix}-")
            request = await self.step(request, official, step["step"])
        return request

    async def get(self, request: Json) -> Json:
        return await self.api.get("meeting", f"/v1/planning-requests/{request['id']}")

    async def plan(self, year: int) -> Json:
        return await self.api.get("meeting", f"/v1/meeting-plans/{year}")

    async def plan_do(self, act: str, plan: Json, by: str, **body: Any) -> Json:
        path = f"/v1/meeting-plans/{plan['year']}/{act}"
        return await self.api.command("meeting", path, body, self.who(by), plan["version"])

    async def decided(self, submitted: date, day: date, *outcomes: Outcome) -> list[Json]:
        """Decisions of an executive meeting held and closed on that day, with these outcomes for its last topics."""
        scenario = scenario_of(self.api.government)
        planned = list(scenario.decisions)
        for i, outcome in enumerate(outcomes, len(planned) - len(outcomes)):
            planned[i] = planned[i].model_copy(update={"outcome": outcome, "due": None})
        planned = [one.model_copy(update={"due": None}) for one in planned]
        changes = {"breach": None, "submitted": submitted, "day": day, "decisions": tuple(planned)}
        job = MainJob(self.api, people_of(self.api.government), scenario.model_copy(update=changes))
        await self.today(submitted)
        topics = [await job.walk_topic(await job.submit(one)) for one in job.scenario.decisions]
        meeting = await job.agenda(await job.call_meeting(), topics)
        await self.today(day)
        meeting = await job.hold(meeting, topics)
        found = await self.api.get("meeting", "/v1/decisions", meeting_id=meeting["id"])
        made = sorted(found["items"], key=lambda decision: decision["resolution"]["number"])
        return made[len(made) - len(outcomes) :]


async def refused(attempt: Any) -> Json:
    with pytest.raises(Refused) as caught:
        await attempt
    return caught.value.problem


def refusal_of(problem: Json) -> tuple[int, str, str]:
    return problem["status"], problem["code"], problem["clause"]


@pytest.fixture(scope="module")
async def towns(stack: EmbeddedStack) -> AsyncIterator[dict[str, Town]]:
    """The five governments and the sixth with their people; and business time put back afterwards."""
    async with httpx.AsyncClient(timeout=30) as client:
        made = {name: Town(Api(stack.addresses(), stack.issuer, name, client)) for name in PREFIX}
        await made["dalian"].today(BEGIN)
        for name, town in made.items():
            await load_composition(town.api, people_of(name))
        yield made
        await made["dalian"].api.set_clock(None)


@pytest.fixture
async def dalian(towns: dict[str, Town]) -> Town:
    return towns["dalian"]


@pytest.fixture
async def xigang(towns: dict[str, Town]) -> Town:
    return towns["xigang"]


@pytest.fixture
async def shuangtaizi(towns: dict[str, Town]) -> Town:
    return towns["shuangtaizi"]


@pytest.fixture
async def huancui(towns: dict[str, Town]) -> Town:
    return towns["huancui"]


@pytest.fixture
async def zhanqian(towns: dict[str, Town]) -> Town:
    return towns["zhanqian"]


@pytest.fixture
async def linhai(towns: dict[str, Town]) -> Town:
    return towns[sixth.CODE]


IN_ITS_NAME = {"in_name_of": "government"}
WRITTEN = {"document": "教〔2026〕5号"}


# Xigang: ten working days ---------------------------------------------------------------------------------------------
async def test_in_xigang_a_district_meeting_goes_to_the_office_the_deputy_and_the_head_ten_working_days_ahead(
    xigang: Town,
) -> None:
    await xigang.today(date(2026, 3, 2))
    request = await xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 16), **WRITTEN)
    assert (request["state"], request["clause"], request["late_by"]) == ("requested", "XG-37", 0)
    lead = request["lead"]
    assert (lead["date"], lead["rule"], lead["clause"]) == ("2026-03-02", "district-meeting-request", "XG-37")
    assert lead["explanation"]
    assert lead["trace"]
    assert request["next_step"]["officials"] != []
    problem = await refused(xigang.step(request, "head", "approve"))
    assert refusal_of(problem) == (409, "step_out_of_order", "XG-37")
    problem = await refused(xigang.step(request, "jyj-clerk", "review"))
    assert refusal_of(problem) == (403, "not_the_actor", "XG-37")
    request = await xigang.step(request, "office-clerk", "review")
    assert refusal_of(await refused(xigang.step(request, "dep2", "review"))) == (403, "not_the_actor", "XG-37")
    request = await xigang.step(request, "dep1", "review")
    assert (request["state"], request["next_step"]["officials"]) == ("requested", ["xg-head"])
    request = await xigang.step(request, "head", "approve", opinion="同意")
    assert (request["state"], request["next_step"], request["breaches"]) == ("approved", None, [])


async def test_a_late_request_is_refused_or_let_be_by_the_head_with_how_late_it_was_on_record(xigang: Town) -> None:
    await xigang.today(date(2026, 3, 4))
    problem = await refused(xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 16), **WRITTEN))
    assert refusal_of(problem) == (409, "request_late", "XG-37")
    assert "2 working days late" in problem["detail"]
    assert "exception" in problem["satisfy"]
    request = await xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 16), exception="上级临时部署", **WRITTEN)
    assert ([b["hindrance"] for b in request["breaches"]], request["late_by"]) == (["late"], 2)
    request = await xigang.step(request, "office-clerk", "review")
    request = await xigang.step(request, "dep1", "review")
    assert refusal_of(await refused(xigang.step(request, "head", "approve"))) == (409, "request_late", "XG-37")
    lift = {"hindrance": "late", "reason": "确属上级临时部署"}
    for official in ("exec", "dep1", "office-director", "jyj-principal", None):
        problem = await refused(xigang.do("lifted-hindrances", request, official, **lift))
        assert refusal_of(problem) == (403, "not_the_lifter", "XG-37")
    request = await xigang.do("lifted-hindrances", request, "head", **lift)
    assert request["breaches"] == []
    request = await xigang.step(request, "head", "approve")
    assert (request["state"], request["late_by"]) == ("approved", 2)
    (kept,) = request["lifts"]
    assert (kept["official"], kept["reason"], kept["clause"]) == ("xg-head", "确属上级临时部署", "XG-37")


async def test_what_is_asked_for_in_writing_names_its_document(xigang: Town) -> None:
    await xigang.today(date(2026, 3, 2))
    problem = await refused(xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 26)))
    assert refusal_of(problem) == (409, "not_in_writing", "XG-37")


async def test_street_principals_are_invited_only_once_the_meeting_is_approved(xigang: Town) -> None:
    await xigang.today(date(2026, 3, 2))
    streets = ["bhjd-principal", "nsjd-principal"]
    request = await xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 26), invitees=streets, **WRITTEN)
    problem = await refused(xigang.do("invitations", request, "jyj-clerk", officials=["xg-bhjd-principal"]))
    assert refusal_of(problem) == (409, "not_approved", "XG-37")
    request = await xigang.through(request)
    problem = await refused(xigang.do("invitations", request, "jyj-clerk", officials=["xg-dwjd-principal"]))
    assert refusal_of(problem) == (409, "not_among_the_approved", "XG-37")
    request = await xigang.do("invitations", request, "jyj-clerk", officials=["xg-bhjd-principal"])
    assert request["invitations"][0]["officials"] == ["xg-bhjd-principal"]


async def test_leaders_dont_attend_departments_meetings_unless_the_head_lets_it_be(xigang: Town) -> None:
    await xigang.today(date(2026, 3, 2))
    ask = ("jyj-clerk", "department-work-meeting", date(2026, 3, 5))
    problem = await refused(xigang.ask(*ask, invitees=["dep1"]))
    assert refusal_of(problem) == (409, "invitees_need_consent", "XG-37")
    assert (problem["lift"], problem["covers"]) == (["head"], ["xg-dep1"])
    request = await xigang.ask(*ask, invitees=["dep1"], exception="开学工作需要")
    assert (request["state"], request["next_step"]) == ("requested", None)
    request = await xigang.do("lifted-hindrances", request, "head", hindrance="invitees", reason="同意出席")
    assert request["state"] == "approved"
    assert (await xigang.ask(*ask))["state"] == "approved"  # without leaders nobody is asked


async def test_a_lift_covers_no_invitee_who_was_added_after_it(xigang: Town) -> None:
    await xigang.today(date(2026, 3, 2))
    request = await xigang.ask(
        "jyj-clerk", "district-meeting", date(2026, 3, 26), invitees=["dep1"], exception="需要", **WRITTEN
    )
    request = await xigang.do("lifted-hindrances", request, "head", hindrance="invitees", reason="同意出席")
    request = await xigang.do("return", request, "office-clerk", reason="请补充方案")
    assert (request["state"], request["next_step"], request["returns"][0]["reason"]) == ("returned", None, "请补充方案")
    request = await xigang.do("resubmission", request, "jyj-clerk", invitees=["xg-dep1", "xg-dep2"])
    assert [b["covers"] for b in request["breaches"]] == [["xg-dep1", "xg-dep2"]]


# Zhanqian: the deputy's consent first -----------------------------------------------------------------------------------
async def test_in_zhanqian_the_deputy_consents_first_and_the_formal_request_counts_for_the_seven_working_days(
    zhanqian: Town,
) -> None:
    await zhanqian.today(date(2026, 3, 2))
    request = await zhanqian.ask("jyj-clerk", "district-meeting", date(2026, 3, 16))
    assert (request["submitted_at"], request["lead"]["date"]) == (None, "2026-03-05")
    assert request["next_step"]["officials"] == ["zq-dep1"]
    problem = await refused(zhanqian.step(request, "jyj-clerk", "submit", **WRITTEN))
    assert refusal_of(problem) == (409, "step_out_of_order", "ZQ-25")
    problem = await refused(zhanqian.step(request, "dep1", "consent", exception="需要"))
    assert (problem["status"], problem["code"]) == (422, "only_with_submit")
    request = await zhanqian.step(request, "dep1", "consent")
    assert refusal_of(await refused(zhanqian.step(request, "jyj-clerk", "submit"))) == (409, "not_in_writing", "ZQ-25")
    await zhanqian.today(date(2026, 3, 6))
    problem = await refused(zhanqian.step(request, "jyj-clerk", "submit", **WRITTEN))
    assert refusal_of(problem) == (409, "request_late", "ZQ-25")
    on_time = {"occurred_at": at(date(2026, 3, 5), 17).isoformat()} | WRITTEN
    request = await zhanqian.step(request, "jyj-clerk", "submit", **on_time)
    assert (request["late_by"], request["document"]) == (0, WRITTEN["document"])
    assert (await zhanqian.through(request))["state"] == "approved"


# Shuangtaizi ------------------------------------------------------------------------------------------------------------
async def test_in_shuangtaizi_a_departments_district_meeting_is_never_in_the_governments_name_nor_with_leaders(
    shuangtaizi: Town,
) -> None:
    await shuangtaizi.today(date(2026, 3, 2))
    ask = ("jyj-clerk", "district-meeting", date(2026, 3, 5))
    problem = await refused(shuangtaizi.ask(*ask, in_name_of="government", exception="规格高"))
    assert refusal_of(problem) == (409, "wrong_name", "ST-43")
    problem = await refused(shuangtaizi.ask(*ask, invitees=["dep1"], exception="规格高"))
    assert refusal_of(problem) == (409, "invitees_need_consent", "ST-43")
    assert "can't be waived" in problem["satisfy"]
    request = await shuangtaizi.ask(*ask)
    request = await shuangtaizi.step(request, "dep1", "consent")
    request = await shuangtaizi.step(request, "jyj-principal", "submit", **WRITTEN)
    assert (await shuangtaizi.step(request, "head", "approve"))["state"] == "approved"


async def test_a_deputys_meeting_invites_beyond_the_portfolio_only_with_the_heads_consent(shuangtaizi: Town) -> None:
    await shuangtaizi.today(date(2026, 3, 2))
    ask = ("dep1", "deputy-meeting", date(2026, 3, 5))
    assert refusal_of(await refused(shuangtaizi.ask("jyj-clerk", *ask[1:]))) == (403, "not_the_asker", "ST-43")
    own = await shuangtaizi.ask(*ask, invitees=["jyj-principal", "wjj-principal"])
    assert (own["state"], own["led_by"]) == ("approved", "st-dep1")
    problem = await refused(shuangtaizi.ask(*ask, invitees=["wjj-principal", "zjj-principal", "lyz-principal"]))
    assert refusal_of(problem) == (409, "invitees_need_consent", "ST-43")
    assert problem["covers"] == ["st-zjj-principal", "st-lyz-principal"]
    request = await shuangtaizi.ask(*ask, invitees=["zjj-principal"], exception="项目涉及住建")
    request = await shuangtaizi.do("lifted-hindrances", request, "head", hindrance="invitees", reason="同意")
    assert request["state"] == "approved"


async def test_hosting_is_replied_to_only_once_it_is_approved(shuangtaizi: Town) -> None:
    await shuangtaizi.today(date(2026, 3, 2))
    request = await shuangtaizi.ask("jyj-clerk", "hosting", date(2026, 4, 2))
    assert refusal_of(await refused(shuangtaizi.do("reply", request, "jyj-clerk"))) == (409, "not_approved", "ST-44")
    await shuangtaizi.today(date(2026, 3, 3))
    request = await shuangtaizi.through(request)
    early = {"occurred_at": at(date(2026, 3, 2), 12).isoformat()}
    problem = await refused(shuangtaizi.do("reply", request, "jyj-clerk", **early))
    assert refusal_of(problem) == (409, "not_approved", "ST-44")
    request = await shuangtaizi.do("reply", request, "jyj-clerk", note="已函复市教育局")
    assert request["reply"]["official"] == "st-jyj-clerk"
    assert refusal_of(await refused(shuangtaizi.do("reply", request, "jyj-clerk"))) == (409, "replied_already", "ST-44")


# Huancui ----------------------------------------------------------------------------------------------------------------
async def test_in_huancui_a_class_one_meeting_is_the_heads_proposal_and_the_executive_meetings_decision(
    huancui: Town,
) -> None:
    await huancui.today(date(2026, 3, 2))
    ask = ("work-meeting-1", date(2026, 4, 15), "yjj")
    assert refusal_of(await refused(huancui.ask("exec", *ask))) == (403, "not_the_asker", "HC-46")
    request = await huancui.ask("head", *ask)
    same, another = [await huancui.ask("head", ask[0], date(2026, 4, 22), unit) for unit in ("yjj", "zjj")]
    assert (request["next_step"]["meeting"], request["next_step"]["officials"]) == (["executive"], [])
    assert "hc-office-clerk" in request["next_step"]["recorders"]
    assert refusal_of(await refused(huancui.step(request, "head", "decide"))) == (403, "not_the_actor", "HC-46")
    no, yes = await huancui.decided(date(2026, 3, 3), date(2026, 3, 18), Outcome.not_passed, Outcome.passed)
    problem = await refused(huancui.step(request, "office-clerk", "decide", decision_id=no["id"]))
    assert refusal_of(problem) == (409, "decision_not_adopted", "HC-46")
    problem = await refused(huancui.step(request, "head", "decide", decision_id=yes["id"]))
    assert refusal_of(problem) == (403, "not_the_actor", "HC-46")
    request = await huancui.step(request, "office-clerk", "decide", decision_id=yes["id"])
    assert (request["state"], request["steps"][-1]["decision_id"]) == ("approved", yes["id"])
    problem = await refused(huancui.step(another, "office-clerk", "decide", decision_id=yes["id"]))
    assert refusal_of(problem) == (409, "decision_about_another", "HC-46")
    problem = await refused(huancui.step(same, "office-clerk", "decide", decision_id=yes["id"]))
    assert refusal_of(problem) == (409, "decision_used", "HC-46")
    later = await huancui.ask("head", *ask)
    problem = await refused(huancui.step(later, "office-clerk", "decide", decision_id=yes["id"]))
    assert refusal_of(problem) == (409, "before_the_one_before", "HC-46"), "taken before it was asked for"


async def test_a_decision_that_leaves_less_than_fifteen_days_to_prepare_needs_another_day(huancui: Town) -> None:
    await huancui.today(date(2026, 3, 2))
    ask = ("zjj-clerk", "work-meeting-2")
    problem = await refused(huancui.ask(*ask, date(2026, 3, 16), "zjj", **WRITTEN))
    assert refusal_of(problem) == (409, "request_late", "HC-46")
    request = await huancui.ask(*ask, date(2026, 3, 17), "zjj", **WRITTEN)
    request = await huancui.step(request, "office-clerk", "review")
    await huancui.today(date(2026, 3, 3))
    problem = await refused(huancui.step(request, "head", "decide"))
    assert refusal_of(problem) == (409, "request_late", "HC-46")
    assert problem["lift"] == []
    request = await huancui.do("return", request, "head", reason="改期")
    request = await huancui.do("resubmission", request, "zjj-clerk", day="2026-03-20")
    request = await huancui.step(request, "office-clerk", "review")
    request = await huancui.step(request, "head", "decide")
    assert (request["state"], request["day"], len(request["returns"][0]["steps"])) == ("approved", "2026-03-20", 1)


async def test_a_work_meeting_is_called_on_its_approved_request_and_for_that_day(huancui: Town) -> None:
    await huancui.today(date(2026, 3, 2))
    request = await huancui.ask("zjj-clerk", "work-meeting-2", date(2026, 4, 20), "zjj", **WRITTEN)

    async def call(day: str, **more: str) -> Json:
        body = {"kind": "work-2", "title": "全区住建工作会议", "day": day, "convener": "hc-dep3"} | more
        return await huancui.api.command("meeting", "/v1/meetings", body, "hc-office-clerk")

    assert refusal_of(await refused(call("2026-04-20"))) == (409, "request_missing", "HC-46")
    on_it = {"request_id": request["id"]}
    assert refusal_of(await refused(call("2026-04-20", **on_it))) == (409, "not_approved", "HC-46")
    await huancui.through(request)
    assert refusal_of(await refused(call("2026-04-21", **on_it))) == (409, "other_day", "HC-46")
    assert (await call("2026-04-20", **on_it))["request_id"] == request["id"]


async def test_a_department_holds_one_annual_meeting_a_year_unless_the_head_lets_another_be(huancui: Town) -> None:
    await huancui.today(date(2026, 3, 2))
    ask = ("wjj-clerk", "annual-work-meeting")
    first = await huancui.ask(*ask, date(2026, 3, 9), "wjj")
    assert first["state"] == "approved"
    problem = await refused(huancui.ask(*ask, date(2026, 11, 9), "wjj"))
    assert refusal_of(problem) == (409, "over_quota", "HC-55")
    assert (await huancui.ask(*ask, date(2027, 3, 9), "wjj"))["state"] == "approved"
    assert (await huancui.ask("mzj-clerk", "annual-work-meeting", date(2026, 11, 9), "mzj"))["state"] == "approved"
    second = await huancui.ask(*ask, date(2026, 11, 9), "wjj", exception="机构改革后须再次部署")
    second = await huancui.do("lifted-hindrances", second, "head", hindrance="quota", reason="同意增加1次")
    assert (second["state"], second["lifts"][0]["covers"]) == ("approved", ["year:2026/1"])
    first = await huancui.do("withdrawal", first, "wjj-clerk", reason="改为视频会议")
    await huancui.do("withdrawal", second, "wjj-clerk", reason="合并召开")
    assert (await huancui.ask(*ask, date(2026, 11, 10), "wjj"))["state"] == "approved"


async def test_of_two_over_the_quota_asked_for_at_once_one_is_refused(huancui: Town) -> None:
    await huancui.today(date(2026, 3, 2))
    for year in (2028, 2029, 2030):
        asked = [huancui.ask("sfj-clerk", "annual-work-meeting", date(year, 5, day), "sfj") for day in (6, 7, 8)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        codes = sorted(a.code if isinstance(a, Refused) else a["state"] for a in answers)
        assert codes == ["approved", "over_quota", "over_quota"]


async def test_heads_of_towns_and_streets_are_asked_to_no_departments_meeting(huancui: Town) -> None:
    await huancui.today(date(2026, 3, 2))
    problem = await refused(
        huancui.ask("jyj-clerk", "department-meeting", date(2026, 3, 9), invitees=["qsz-principal", "hwjd-principal"])
    )
    assert refusal_of(problem) == (409, "invitees_need_consent", "HC-55")
    assert problem["lift"] == ["head"]


# Dalian: the rest -------------------------------------------------------------------------------------------------------
async def test_in_dalian_a_national_meeting_is_read_by_both_and_decided_by_the_head_or_the_executive_deputy(
    dalian: Town,
) -> None:
    await dalian.today(date(2026, 3, 2))
    ask = ("jyj-clerk", "national-meeting")
    assert refusal_of(await refused(dalian.ask(*ask, date(2026, 4, 1)))) == (409, "request_late", "DL-43")
    request = await dalian.ask(*ask, date(2026, 4, 2))
    request = await dalian.step(request, "office-clerk", "review")
    request = await dalian.step(request, "dep1", "read")
    assert (request["next_step"]["step"], request["next_step"]["by"]) == ("read", ["secretary_general"])
    assert refusal_of(await refused(dalian.step(request, "dep1", "read")))[:2] == (403, "not_the_actor")
    request = await dalian.step(request, "sg", "read")
    assert refusal_of(await refused(dalian.step(request, "sg", "approve")))[:2] == (403, "not_the_actor")
    assert (await dalian.step(request, "exec", "approve"))["state"] == "approved"


async def test_regional_heads_are_invited_to_a_departments_city_meeting_only_with_the_mayors_consent(
    dalian: Town,
) -> None:
    await dalian.today(date(2026, 3, 2))
    ask = ("jyj-clerk", "city-meeting", date(2026, 3, 9))
    problem = await refused(dalian.ask(*ask, in_name_of="office", exception="需要"))
    assert refusal_of(problem) == (409, "wrong_name", "DL-43")
    guests = [{"name": "某区区长", "group": "regional_heads"}]
    problem = await refused(dalian.ask(*ask, guests=guests, invitees=["bwxq-principal"]))
    assert refusal_of(problem) == (409, "invitees_need_consent", "DL-43")
    assert problem["covers"] == ["dl-bwxq-principal", "某区区长"]
    request = await dalian.ask(*ask, guests=guests, exception="须各区落实")
    request = await dalian.do("lifted-hindrances", request, "head", hindrance="invitees", reason="同意邀请")
    assert request["state"] == "approved"
    request = await dalian.do("invitations", request, "jyj-clerk", guests=["某区区长"])
    assert request["invitations"][0]["guests"] == ["某区区长"]


# the yearly plan ---------------------------------------------------------------------------------------------------------
async def test_the_yearly_plan_is_collected_reviewed_adopted_and_then_only_added_to_through_the_door(
    dalian: Town,
) -> None:
    await dalian.today(date(2026, 3, 2))
    plan = await dalian.plan(2027)  # there by itself since the composition was loaded
    asked = await dalian.api.get("meeting", "/v1/meeting-plans/2027", "dl-jyj-clerk")
    assert asked["version"] == plan["version"], "seen by those who are to hand in items"
    assert (plan["state"], plan["collection"]["date"], plan["overdue"]) == ("collecting", "2026-11-30", False)
    assert plan["collection"]["explanation"]
    items = [{"title": "全市教育工作会议", "month": 3}, {"title": "全市校园安全会议", "month": 9}]
    problem = await refused(dalian.plan_do("submissions", plan, "wjw-clerk", sponsor="dl-jyj", items=items))
    assert refusal_of(problem) == (403, "not_the_submitter", "DL-43")
    plan = await dalian.plan_do("submissions", plan, "jyj-clerk", sponsor="dl-jyj", items=items)
    joint = [{"title": "全市双拥工作会议", "month": 7, "joint": True}]
    plan = await dalian.plan_do("submissions", plan, "mzj-clerk", sponsor="dl-mzj", items=joint)
    assert [item["sponsor"] for item in plan["items"]] == ["dl-mzj"], "those of other units are seen once it is adopted"
    plan = await dalian.plan(2027)
    education, safety, military = plan["items"]
    problem = await refused(
        dalian.plan_do("additions", plan, "head", sponsor="dl-jyj", title="临时会议", month=5, reason="需要")
    )
    assert refusal_of(problem) == (409, "illegal_state", "DL-43")
    struck = [{"item_id": safety["id"], "reason": "与教育工作会议合并"}]
    plan = await dalian.plan_do("steps", plan, "office-clerk", step="review", struck=struck)
    assert (plan["state"], plan["items"][1]["struck"], plan["late"]) == ("in_review", "与教育工作会议合并", False)
    problem = await refused(dalian.plan_do("submissions", plan, "jyj-clerk", sponsor="dl-jyj", items=items))
    assert refusal_of(problem) == (409, "collection_is_over", "DL-43")

    ask = ("jyj-clerk", "government-meeting", date(2027, 3, 18))
    problem = await refused(dalian.ask(*ask, plan_item=education["id"], **IN_ITS_NAME))
    assert refusal_of(problem) == (409, "not_in_the_plan", "DL-43")
    assert refusal_of(await refused(dalian.plan_do("steps", plan, "head", step="decide")))[1] == "not_the_actor"
    decided = dalian.plan_do("steps", plan, "office-clerk", step="decide")
    assert refusal_of(await refused(decided))[1] == "decision_needed"
    (decision,) = await dalian.decided(date(2026, 3, 3), date(2026, 3, 18), Outcome.passed)
    plan = await dalian.plan_do("steps", plan, "office-clerk", step="decide", decision_id=decision["id"])
    assert (plan["state"], plan["steps"][-1]["decision_id"]) == ("adopted", decision["id"])
    assert [item["id"] for item in plan["versions"][0]["items"]] == [education["id"], military["id"]]
    request = await dalian.ask(*ask, plan_item=education["id"], **IN_ITS_NAME)
    assert request["state"] == "approved"
    before, plan = plan, await dalian.plan(2027)
    assert plan["version"] > before["version"], "its answer shows the request"
    for item, sponsor in ((safety, "jyj"), (education, "mzj")):
        day = date(2027, 9, 2)
        problem = await refused(
            dalian.ask(f"{sponsor}-clerk", "government-meeting", day, sponsor, plan_item=item["id"], **IN_ITS_NAME)
        )
        assert refusal_of(problem) == (409, "not_in_the_plan", "DL-43")

    problem = await refused(dalian.ask(*ask, plan_item=education["id"]))
    assert refusal_of(problem) == (409, "wrong_name", "DL-43")  # of the department alone

    joint_ask = ("mzj-clerk", "government-meeting", date(2027, 7, 20), "mzj")
    problem = await refused(dalian.ask(*joint_ask, plan_item=military["id"], **IN_ITS_NAME))
    assert refusal_of(problem) == (409, "not_in_the_plan", "DL-43")
    problem = await refused(dalian.plan_do("committee", plan, "jyj-clerk", note="市委常委会会议"))
    assert refusal_of(problem) == (403, "not_the_declarer", "DL-43")
    plan = await dalian.plan_do("committee", plan, "office-clerk", note="市委常委会第3次会议")
    assert plan["committee"][0]["official"] == "dl-office-clerk"
    assert (await dalian.ask(*joint_ask, plan_item=military["id"], **IN_ITS_NAME))["state"] == "approved"

    plan = await dalian.plan(2027)
    addition = {"sponsor": "dl-wjw", "title": "全市疾控工作会议", "month": 5, "reason": "国家新部署"}
    problem = await refused(dalian.plan_do("additions", plan, "exec", **addition))
    assert refusal_of(problem) == (403, "not_the_admitter", "DL-43")
    plan = await dalian.plan_do("additions", plan, "head", **addition)
    added = plan["items"][-1]
    assert (added["admitted_by"], added["reason"]) == ("dl-head", "国家新部署")
    assert [len(version["items"]) for version in plan["versions"]] == [2, 3]
    linked = next(item for item in plan["items"] if item["id"] == education["id"])
    assert [(each["id"], each["state"]) for each in linked["requests"]] == [(request["id"], "approved")]
    adopted = await dalian.api.get("meeting", "/v1/meeting-plans/2027", "dl-stj-clerk")
    assert adopted["items"] and not any(item["requests"] for item in adopted["items"]), "requests of other units"


async def test_a_year_whose_plan_wasnt_collected_in_time_is_shown_overdue_by_a_timer(
    dalian: Town, stack: EmbeddedStack
) -> None:
    await dalian.today(date(2027, 1, 4))
    plan = await dalian.api.command("meeting", "/v1/meeting-plans", {"year": 2028}, "dl-office-clerk")
    problem = await refused(dalian.api.command("meeting", "/v1/meeting-plans", {"year": 2028}, "dl-office-clerk"))
    assert refusal_of(problem) == (409, "plan_exists", "DL-43")
    assert plan["collection"]["date"] == "2027-11-30"
    await dalian.today(date(2027, 11, 30), 23)
    assert (await dalian.plan(2028))["overdue"] is False
    await dalian.today(date(2027, 12, 1), 0)
    assert (await dalian.plan(2028))["overdue"] is True
    for _ in range(200):
        plan = await dalian.plan(2028)
        if plan["overdue_at"]:
            break
        await asyncio.sleep(0.05)
    assert plan["overdue_at"].startswith("2027-11-30T16:")  # 24:00 in Shanghai
    items = [{"title": "全市教育工作会议", "month": 3}]
    plan = await dalian.plan_do("submissions", plan, "jyj-clerk", sponsor="dl-jyj", items=items)
    plan = await dalian.plan_do("steps", plan, "office-clerk", step="review")
    assert (plan["overdue"], plan["late"]) == (False, True)
    listed = await dalian.api.get("meeting", "/v1/meeting-plans", state="in_review")
    assert [each["year"] for each in listed["items"]] == [2028]


async def test_a_government_without_a_yearly_plan_has_none(xigang: Town) -> None:
    problem = await refused(xigang.api.command("meeting", "/v1/meeting-plans", {"year": 2027}, "xg-office-clerk"))
    assert (problem["status"], problem["code"]) == (409, "no_yearly_plan")
    assert (await refused(xigang.plan(2027)))["code"] == "meeting_plan_not_found"


# all of them -----------------------------------------------------------------------------------------------------------
async def test_of_two_who_answer_the_same_request_at_once_the_second_is_told_it_has_changed(linhai: Town) -> None:
    await linhai.today(date(2026, 3, 2))
    for day in (date(2027, 4, 9), date(2027, 7, 9), date(2027, 10, 9)):
        request = await linhai.ask("fish-clerk", "fair", day, "fish")
        answers = await asyncio.gather(
            linhai.step(request, "dep", "read"), linhai.step(request, "sg", "read"), return_exceptions=True
        )
        lost = [answer for answer in answers if isinstance(answer, Refused)]
        assert [(one.problem["status"], one.code) for one in lost] == [(412, "stale_etag")]


async def test_of_two_requests_approved_at_once_only_one_fits_the_quota(linhai: Town) -> None:
    await linhai.today(date(2026, 3, 2))
    for month in (4, 7, 10):
        asked = []
        for sponsor, day in (("fish", 11), ("water", 12)):
            request = await linhai.ask(f"{sponsor}-clerk", "fair", date(2028, month, day), sponsor)
            for official in ("sg", "dep"):
                request = await linhai.step(request, official, "read")
            asked.append(request)
        answers = await asyncio.gather(
            *(linhai.step(request, "head", "approve") for request in asked), return_exceptions=True
        )
        codes = sorted(a.code if isinstance(a, Refused) else a["state"] for a in answers)
        assert codes == ["approved", "over_quota"]


async def test_a_size_beyond_the_rules_is_let_be_for_that_size_alone(linhai: Town) -> None:
    await linhai.today(date(2026, 3, 2))
    ask = ("fish-clerk", "fair", date(2026, 6, 9), "fish")
    assert refusal_of(await refused(linhai.ask(*ask, participants=501))) == (409, "too_many_participants", "LH-32")
    request = await linhai.ask(*ask, participants=800, exception="百年渔节")
    request = await linhai.do("lifted-hindrances", request, "exec", hindrance="participants", reason="同意")
    assert request["breaches"] == []
    assert (await linhai.through(request))["state"] == "approved"


async def test_a_request_is_refused_with_a_reason_and_nothing_happens_to_it_afterwards(xigang: Town) -> None:
    await xigang.today(date(2026, 3, 2))
    request = await xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 26), **WRITTEN)
    problem = await refused(xigang.do("refusal", request, "dep1", reason="可并入其他会议"))
    assert refusal_of(problem) == (403, "not_the_actor", "XG-37")
    request = await xigang.do("refusal", request, "office-clerk", reason="可并入其他会议")
    assert (request["state"], request["closed_reason"]) == ("refused", "可并入其他会议")
    for act, by, body in (
        ("steps", "office-clerk", {"step": "review"}),
        ("withdrawal", "jyj-clerk", {"reason": "不办"}),
        ("return", "office-clerk", {"reason": "重报"}),
    ):
        problem = await refused(xigang.do(act, request, by, **body))
        assert refusal_of(problem) == (409, "illegal_state", "XG-37")


async def test_nothing_is_approved_once_its_day_is_over(xigang: Town) -> None:
    await xigang.today(date(2026, 3, 2))
    request = await xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 16), **WRITTEN)
    request = await xigang.step(request, "office-clerk", "review")
    request = await xigang.step(request, "dep1", "review")
    await xigang.today(date(2026, 3, 17))
    problem = await refused(xigang.step(request, "head", "approve"))
    assert refusal_of(problem) == (409, "day_has_passed", "XG-37")
    assert (await xigang.get(request))["state"] == "requested"


async def test_what_was_approved_is_held_on_its_day_only(xigang: Town) -> None:
    await xigang.today(date(2026, 3, 2))
    request = await xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 16), **WRITTEN)
    request = await xigang.through(request)
    assert refusal_of(await refused(xigang.do("holding", request, "jyj-clerk"))) == (409, "other_day", "XG-37")
    await xigang.today(date(2026, 3, 16))
    request = await xigang.do("holding", request, "jyj-clerk")
    assert request["state"] == "held"


async def test_a_meeting_is_held_by_a_request_that_is_approved_for_its_type_and_day(
    xigang: Town, stack: EmbeddedStack
) -> None:
    """What the commands of meetings call, on the application's own role."""
    await xigang.today(date(2026, 3, 2))
    request = await xigang.ask("jyj-clerk", "district-meeting", date(2026, 3, 16), **WRITTEN)
    meeting = await xigang.api.command(
        "meeting", "/v1/meetings", {"kind": "executive", "title": "会议", "day": "2026-03-16"}, "xg-office-clerk"
    )
    day, database = date(2026, 3, 16), Database(stack.database_url("meeting", "app"), application="test")

    async def attempt(type_: str, on: date) -> str:
        try:
            async with database.transaction("xigang") as session:
                found: PlanningRequest = await require_approved(session, request["id"], type_, on)
                await mark_held(session, found, meeting["id"], datetime(2026, 3, 16, 9, tzinfo=SHANGHAI))
                return "held"
        except Problem as problem:
            return f"{problem.code} {problem.clause}"

    assert await attempt("district-meeting", day) == "not_approved XG-37"
    await xigang.through(request)
    assert await attempt("department-work-meeting", day) == "other_type XG-37"
    assert await attempt("district-meeting", date(2026, 3, 17)) == "other_day XG-37"
    assert await attempt("district-meeting", day) == "held"
    held = await xigang.get(request)
    assert (held["state"], held["meeting_id"]) == ("held", meeting["id"])
    assert await attempt("district-meeting", day) == "not_approved XG-37"
    await database.close()


async def test_requests_are_found_by_state_type_sponsor_and_planned_day(zhanqian: Town) -> None:
    await zhanqian.today(date(2026, 3, 2))
    mine = await zhanqian.ask("czj-clerk", "district-meeting", date(2026, 8, 20), "czj")
    for wanted, there in (
        ({"sponsor": "zq-czj", "type": "district-meeting"}, True),
        ({"state": "requested", "since": "2026-08-20", "until": "2026-08-20"}, True),
        ({"state": "approved", "sponsor": "zq-czj"}, False),
        ({"since": "2026-08-21"}, False),
        ({"modified_since": mine["modified_at"]}, True),
    ):
        found = await zhanqian.api.get("meeting", "/v1/planning-requests", **wanted)
        assert (mine["id"] in [each["id"] for each in found["items"]]) is there, wanted


async def test_a_government_tells_what_has_to_be_asked_for(huancui: Town) -> None:
    found = await huancui.api.get("meeting", "/v1/planning-request-types")
    types = {each["type"]: each for each in found["items"]}
    assert types["work-meeting-2"]["ask"][-1]["meeting"] == ["executive"]
    assert (types["annual-work-meeting"]["clause"], types["annual-work-meeting"]["ask"]) == ("HC-55", [])
    problem = await refused(huancui.ask("jyj-clerk", "district-meeting", date(2027, 3, 9)))
    assert (problem["status"], problem["code"]) == (422, "unknown_request_type")


async def test_the_cadence_counts_sessions_that_were_opened_from_the_first_of_any_kind(zhanqian: Town) -> None:
    async def rhythms(**on: str) -> dict[str, Json]:
        found = await zhanqian.api.get("meeting", "/v1/cadence", **on)
        return {each["kind"]: each for each in found["items"]}

    await zhanqian.decided(date(2026, 5, 11), date(2026, 5, 20), Outcome.passed)
    for on, behind, held in (("2026-06-03", False, 1), ("2026-06-04", True, 0)):
        executive = (await rhythms(on=on))["executive"]
        assert (executive["behind"], executive["held"], executive["next_latest"]) == (behind, held, "2026-06-03"), on
        assert executive["clause"] == "ZQ-20"
        assert executive["told"]
    plenary = (await rhythms(on="2026-06-03"))["plenary"]
    assert (plenary["expected"], plenary["next_latest"], plenary["behind"]) == (0, "2026-12-31", False)
    before = (await rhythms(on="2024-05-19"))["executive"]
    assert (before["counting_from"], before["expected"], before["behind"]) == (None, 0, False)
    await zhanqian.today(date(2026, 6, 4))
    assert (await rhythms())["executive"]["behind"] is True
    problem = await refused(zhanqian.api.get("meeting", "/v1/cadence", on="9999-12-31"))
    assert problem["status"] == 422


async def test_chinese_is_told_to_whoever_asks_for_it(xigang: Town, stack: EmbeddedStack) -> None:
    await xigang.today(date(2026, 3, 4))
    headers = {
        "Authorization": f"Bearer {xigang.api.token('xg-jyj-clerk')}",
        "Accept-Language": "zh",
        "Idempotency-Key": "planning-in-chinese",
    }
    body = {"type": "district-meeting", "title": "会议", "day": "2026-03-16", "sponsor": "xg-jyj"} | WRITTEN
    async with httpx.AsyncClient() as client:
        url = f"{stack.addresses()['meeting']}/v1/planning-requests"
        problem = (await client.post(url, headers=headers, json=body)).json()
    assert "已迟2个工作日" in problem["detail"]
    assert "区长" in problem["satisfy"]
    assert (problem["title"], "政府主要负责人" in problem["satisfy"]) == ("不能办理", False)


async def test_every_act_on_a_request_leaves_its_audit_row(xigang: Town, stack: EmbeddedStack) -> None:
    await xigang.today(date(2026, 3, 2))
    request = await xigang.ask("jyj-clerk", "department-work-meeting", date(2026, 3, 5))
    await xigang.do("withdrawal", request, "jyj-principal", reason="不再召开")
    connection = await asyncpg.connect(stack.database_admin_url, database="meeting")
    try:
        rows = await connection.fetch(
            "SELECT actor, action FROM audit WHERE subject = $1 ORDER BY id", f"planning_request:{request['id']}"
        )
    finally:
        await connection.close()
    assert [tuple(row) for row in rows] == [
        ("xg-jyj-clerk", "ask_to_hold"),
        ("xg-jyj-principal", "withdraw_planning_request"),
    ]
