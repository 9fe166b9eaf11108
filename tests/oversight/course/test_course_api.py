"""The course of a matter over HTTP: from its opening to its closing, with every branch, for the five governments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.oversight.matter import GOVERNMENTS, Matter, instant, matters_of
from zhengling.authority.composition import OrganisationKind
from zhengling.kernel.instants import shanghai_day
from zhengling.local.client import Api, Json

#: The clause under which a matter is reported as done.
REPORTED_UNDER = {
    "dalian": "DL-51",
    "xigang": "XG-45",
    "shuangtaizi": "ST-53",
    "huancui": "HC-68",
    "zhanqian": "ZQ-35",
}


def office_of(matter: Matter) -> str:
    (code,) = (o.code for o in matter.people.organisations if o.kind is OrganisationKind.office)
    return matter.people.of_organisation(code, matter.people_day)[0]


def another_unit(matter: Matter) -> str:
    taken = {matter.entry["lead"]["code"], *(unit["code"] for unit in matter.entry["co_units"])}
    units = (o.code for o in matter.people.organisations if o.kind is OrganisationKind.constituent_department)
    return next(code for code in units if code not in taken and matter.people.of_organisation(code, matter.people_day))


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_matter_is_accepted_reported_returned_verified_closed_looked_back_at_and_reopened(
    government: str, api: Callable[[str], Api]
) -> None:
    matter = (await matters_of(api(government), government))[0]
    entry = matter.entry
    assert (entry["state"], entry["state_name"], entry["next"]["act"]) == ("open", "待签收", "accept")
    staff, principals = matter.of_lead(), matter.of_lead(principal=True)
    office, outsider = office_of(matter), matter.people.of_organisation(another_unit(matter), matter.people_day)[0]

    # nothing is done before it is accepted, and only by its lead
    early = await matter.refused("report", principals[0], text="已完成")
    assert early == (409, "illegal_state", REPORTED_UNDER[government])
    assert (await matter.refused("acceptance", outsider))[:2] == (404, "entry_not_found")
    assert (await matter.refused("acceptance", staff[0], responsible=outsider))[:2] == (422, "not_of_the_unit")
    measure = {"task": "制定实施方案", "official": staff[-1], "due": "2026-12-31"}
    await matter.do("acceptance", staff[0], responsible=staff[-1], measures=[measure])
    assert (matter.entry["state"], matter.entry["responsible"]) == ("accepted", staff[-1])
    assert [line["task"] for line in matter.entry["measures"]] == ["制定实施方案"]
    assert matter.entry["next"]["officials"][0] == staff[-1]
    assert (await matter.clocks())["acceptance"]["state"] == "met"

    await matter.do("progress", staff[0], text="已完成招标")
    assert (await matter.refused("report", office, text="已完成"))[0] == 403
    assert (await matter.refused("verification", office, text="看过"))[:2] == (409, "illegal_state")
    await matter.do("report", principals[0], text="全部完成", document="〔2026〕1号")
    assert (matter.entry["state"], matter.entry["closed_at"]) == ("reported", None)  # done is not closed
    assert matter.entry["course"][-1]["document"] == "〔2026〕1号"

    await matter.do("return", reason="现场未完工")
    assert (matter.entry["state"], matter.entry["met_at"], matter.entry["late"]) == ("accepted", None, None)
    await matter.do("report", principals[0], text="整改完成")
    assert (await matter.refused("closing", office, quality="good"))[:2] == (409, "illegal_state")
    await matter.do("verification", text="现场核实属实")
    decision = await matter.decision(lambda found: found["ledger_state"] == "verified")
    assert decision["standing"] != "closed"
    await matter.do("closing", quality="good", text="同意销号")
    assert (matter.entry["state"], matter.entry["quality"], matter.entry["light"]) == ("closed", "good", "ended")
    assert (await matter.refused("due", office, due="2026-12-30"))[:2] == (409, "entry_ended")
    assert matter.entry["next"] is None
    decision = await matter.decision(lambda found: found["standing"] == "closed")
    assert (decision["ledger_state"], decision["ledger_lead"]) == ("closed", matter.entry["lead"])

    await matter.do("look-back", office, holds=False, text="回潮")
    later = str(shanghai_day(instant("2026-12-30 09:00")))
    await matter.do("reopening", office, reason="问题反弹", due=later)
    assert (matter.entry["state"], matter.entry["due"], matter.entry["due_basis"]) == ("accepted", later, "office")
    assert (matter.entry["number"], matter.entry["closed_at"], matter.entry["quality"]) == (entry["number"], None, None)
    await matter.decision(lambda found: (found["standing"], found["ledger_state"]) == ("in_ledger", "accepted"))
    closing, look_back = matter.entry["course"][-3:-1]
    assert (closing["quality"], look_back["holds"]) == ("good", False)  # reopening doesn't lose them
    acts = [turn["act"] for turn in matter.entry["course"]]
    assert acts == [
        "accept", "progress", "report", "send_back", "report", "verify", "close", "look_back", "reopen",
    ]  # fmt: skip


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_matter_is_refused_within_its_days_and_given_to_another_unit(
    government: str, api: Callable[[str], Api]
) -> None:
    first, second = (await matters_of(api(government), government))[:2]
    principal, office = first.of_lead(principal=True)[0], office_of(first)
    await first.do("refusal", principal, reason="不属本单位职责")
    assert (first.entry["state"], first.entry["next"]["act"]) == ("refused", "transfer")
    assert office in first.entry["next"]["officials"]
    due, lead = first.entry["due"], another_unit(first)
    assert (await first.refused("transfer", principal, lead=lead, reason="改派"))[:2] == (403, "not_the_actor")
    assert (await first.refused("transfer", office, lead="nowhere", reason="改派"))[:2] == (422, "unknown_unit")
    (itself,) = (o.code for o in first.people.organisations if o.kind is OrganisationKind.government)
    refused = await first.refused("transfer", office, lead=itself, reason="改派")
    assert refused[:2] == (422, "unit_is_the_government")
    await first.do("transfer", office, lead=lead, reason="按职责改派")
    assert (first.entry["state"], first.entry["lead"]["code"], first.entry["due"]) == ("open", lead, due)
    await first.decision(lambda found: (found["ledger_lead"] or {}).get("code") == lead)
    waiting = await first.api.get("oversight", "/v1/entries", waits_for=first.entry["next"]["officials"][0])
    assert first.entry["id"] in [item["id"] for item in waiting["items"]]
    again = first.of_lead(principal=True)[0]
    await first.do("acceptance", again)
    assert (await first.refused("transfer", office, lead=lead, reason="改派"))[:2] == (409, "same_lead")

    # too late to refuse: the third working day has passed
    clock = (await second.clocks())["acceptance"]
    await second.today(f"{date.fromisoformat(clock['date']) + timedelta(days=1)} 09:00")
    late = await second.refused("refusal", second.of_lead(principal=True)[0], reason="不属本单位职责")
    assert late == (409, "refused_too_late", clock["clause"].split(" ")[0])


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_done_before_midnight_of_the_due_day_is_in_time_however_late_it_is_recorded_and_verified(
    government: str, api: Callable[[str], Api]
) -> None:
    matter = (await matters_of(api(government), government))[0]
    office, principal = office_of(matter), matter.of_lead(principal=True)[0]
    if matter.entry["due"] is None:
        await matter.do("due", office, due=str(matter.people_day + timedelta(days=20)))
    await matter.do("acceptance", principal)
    due = matter.entry["due"]
    tomorrow = date.fromisoformat(due) + timedelta(days=1)
    await matter.today(f"{tomorrow} 09:00")
    await matter.until(lambda entry: entry["overdue_at"] is not None)
    assert matter.entry["light"] == "overdue"
    await matter.do(
        "report", principal, text="已完成", occurred_at=instant(f"{due} 23:59").isoformat(), document="〔2026〕9号"
    )
    assert (matter.entry["late"], matter.entry["overdue_at"], matter.entry["light"]) == (False, None, "in_time")
    explained = await matter.api.get("oversight", f"{matter.path}/due")
    assert explained["explanation"].startswith(f"Met on {due}. ")
    assert [step["date"] for step in explained["trace"] if step["effect"] == "due"] == [due]
    await matter.today(f"{tomorrow + timedelta(days=4)} 09:00")
    await matter.do("verification", office, text="属实")
    await matter.do("closing", office, quality="excellent")
    assert (matter.entry["late"], matter.entry["course"][1]["late"]) == (False, False)
    await matter.decision(lambda found: found["standing"] == "closed")
    last = (await matter.clocks())["completion"]
    assert (last["state"], last["date"]) == ("met", due)


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_returned_for_redo_the_clock_never_stopped_unless_the_return_sets_a_limit(
    government: str, api: Callable[[str], Api]
) -> None:
    first, second = (await matters_of(api(government), government))[:2]
    for matter in (first, second):
        if matter.entry["due"] is None:
            await matter.do("due", office_of(matter), due=str(matter.people_day + timedelta(days=20)))
        await matter.do("acceptance", matter.of_lead(principal=True)[0])
        await matter.do("report", matter.of_lead(principal=True)[0], text="已完成")
    due = date.fromisoformat(first.entry["due"])
    await first.today(f"{max(due, date.fromisoformat(second.entry['due'])) + timedelta(days=1)} 09:00")
    assert (await first.shown())["light"] == "in_time"  # it was met
    await first.do("return", office_of(first), reason="不符合要求")
    await first.until(lambda entry: entry["overdue_at"] is not None)
    assert first.entry["due"] == str(due)
    await first.do("report", first.of_lead(principal=True)[0], text="再报")
    assert first.entry["late"] is True
    await first.decision(lambda found: (found["standing"], found["ledger_state"]) == ("overdue", "reported"))

    past = str(date.fromisoformat(second.entry["due"]) - timedelta(days=1))
    refused = await second.refused("return", office_of(second), reason="重办", due=past)
    assert refused[:2] == (409, "due_in_the_past")
    limit = str(shanghai_day(instant(f"{max(due, date.fromisoformat(second.entry['due'])) + timedelta(days=9)} 09:00")))
    await second.do("return", office_of(second), reason="重办", due=limit)
    assert (second.entry["due"], second.entry["due_basis"], second.entry["overdue_at"]) == (limit, "office", None)
    clock = (await second.clocks())["completion"]
    assert (clock["round"] >= 1, clock["basis"], clock["date"], clock["state"]) == (True, "office", limit, "running")


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_an_explanation_leaves_the_date_and_makes_progress_regular(
    government: str, api: Callable[[str], Api]
) -> None:
    matter = (await matters_of(api(government), government))[0]
    principal, due = matter.of_lead(principal=True)[0], matter.entry["due"]
    await matter.do("acceptance", principal)
    await matter.do("explanation", principal, reason="因征地进度滞后，不能按期完成")
    assert (matter.entry["due"], matter.entry["state"]) == (due, "accepted")
    first = (await matter.clocks())["progress"]
    assert (first["rule"], first["state"]) == ("matter-progress", "running")
    await matter.do("progress", principal, text="征地已完成八成")
    assert (await matter.clocks())["progress"]["state"] == "met"
    await matter.today(f"{date.fromisoformat(first['date']) + timedelta(days=1)} 09:00")
    await matter.until(lambda entry: entry["version"] > 0)
    rows = await matter.clocks()
    assert rows["progress"]["occurrence"] >= 1


async def test_a_complex_matter_has_its_result_in_time_and_stays_open_until_the_office_dates_its_end(
    api: Callable[[str], Api],
) -> None:
    matters = await matters_of(api("shuangtaizi"), "shuangtaizi")
    matter = next(each for each in matters if each.entry["difficulty"] == "complex")
    principal, office = matter.of_lead(principal=True)[0], office_of(matter)
    assert (await matter.clocks())["result"]["rule"] == "matter-complex"
    await matter.do("acceptance", principal)
    deployed = date.fromisoformat(matter.entry["deployed_on"])
    await matter.today(f"{deployed + timedelta(days=24)} 10:00")  # day 25, the day of deployment counted
    await matter.do("progress", principal, text="已形成方案并开工", result=True)
    clock = (await matter.clocks())["result"]
    turn = matter.entry["course"][-1]
    assert (clock["state"], turn["late"], turn["result"]) == ("met", False, True)
    assert (matter.entry["state"], matter.entry["due"], matter.entry["due_basis"]) == ("accepted", None, "to_be_set")
    assert matter.entry["light"] == "undated"
    assert (await matter.refused("progress", principal, text="又有结果", result=True))[:2] == (409, "no_result_due")
    await matter.do("due", office, due="2026-06-30")
    assert (matter.entry["due"], (await matter.clocks())["completion"]["date"]) == ("2026-06-30", "2026-06-30")
    await matter.decision(lambda found: found["ledger_due"] == "2026-06-30")


async def test_a_unit_that_gets_to_lead_a_matter_is_no_co_unit_of_it_any_more_and_owes_itself_nothing(
    api: Callable[[str], Api],
) -> None:
    matter = next(each for each in await matters_of(api("xigang"), "xigang") if each.entry["co_units"])
    unit, principal = matter.entry["co_units"][0]["code"], matter.of_lead(principal=True)[0]
    owed = {"unit": unit, "due": str(matter.people_day + timedelta(days=5))}
    await matter.do("acceptance", principal, contributions=[owed])
    await matter.do("transfer", office_of(matter), lead=unit, reason="按职责改派")
    assert (matter.entry["lead"]["code"], matter.entry["co_units"], matter.entry["contributions"]) == (unit, [], [])


async def test_nothing_is_asked_for_by_a_day_that_is_over_but_a_measure_may_stay_that_is_late(
    api: Callable[[str], Api],
) -> None:
    matter = next(each for each in await matters_of(api("xigang"), "xigang") if each.entry["co_units"])
    unit, principal = matter.entry["co_units"][0]["code"], matter.of_lead(principal=True)[0]
    over, soon = str(matter.people_day - timedelta(days=1)), str(matter.people_day + timedelta(days=1))
    first = {"task": "摸清底数", "official": principal, "due": soon}
    for body in ({"contributions": [{"unit": unit, "due": over}]}, {"measures": [first | {"due": over}]}):
        assert (await matter.refused("acceptance", principal, **body))[:2] == (409, "due_in_the_past")
    await matter.do("acceptance", principal, measures=[first])
    await matter.today(f"{matter.people_day + timedelta(days=3)} 09:00")
    second = {"task": "组织实施", "official": principal, "due": "2026-04-01"}
    await matter.do("progress", principal, text="已摸清底数", measures=[first, second])
    assert [each["due"] for each in matter.entry["measures"]] == [soon, "2026-04-01"]


async def test_contributions_are_made_beside_the_acts_of_the_lead_and_neither_makes_the_other_late(
    api: Callable[[str], Api],
) -> None:
    matter = next(each for each in await matters_of(api("xigang"), "xigang") if each.entry["co_units"])
    unit, principal = matter.entry["co_units"][0]["code"], matter.of_lead(principal=True)[0]
    helper = matter.people.of_organisation(unit, matter.people_day)[0]
    owed = matter.people_day + timedelta(days=5)
    early = instant(f"{matter.people_day} 11:00").isoformat()
    await matter.do("acceptance", principal, contributions=[{"unit": unit, "due": str(owed)}])
    await matter.today(f"{owed + timedelta(days=2)} 09:00")
    await matter.do("progress", principal, text="已完成方案")
    before = await matter.refused("contributions", helper, unit=unit, text="资金已落实", occurred_at=early)
    assert before[:2] == (409, "before_the_last_act")  # before the acceptance
    returned = instant(f"{owed} 17:00").isoformat()
    await matter.do("contributions", helper, unit=unit, text="资金已落实", occurred_at=returned)
    assert matter.entry["contributions"][0]["late"] is False

    due = date.fromisoformat(matter.entry["due"])
    await matter.today(f"{due + timedelta(days=1)} 09:00")
    await matter.do("contributions", helper, unit=unit, text="补充材料")
    done = instant(f"{due} 23:59").isoformat()
    await matter.do("report", principal, text="已完成", occurred_at=done, document="〔2026〕9号")
    assert (matter.entry["late"], matter.entry["light"]) == (False, "in_time")


async def test_a_co_unit_returns_to_the_lead_and_its_lateness_is_its_own(api: Callable[[str], Api]) -> None:
    matters = await matters_of(api("xigang"), "xigang")
    matter = next(each for each in matters if each.entry["co_units"])
    unit = matter.entry["co_units"][0]["code"]
    helper = matter.people.of_organisation(unit, matter.people_day)[0]
    principal = matter.of_lead(principal=True)[0]
    owed = str(matter.people_day + timedelta(days=5))
    await matter.do("acceptance", principal, contributions=[{"unit": unit, "due": owed}])
    assert (await matter.refused("contributions", principal, unit=unit, text="代报"))[:2] == (403, "not_the_actor")
    assert (await matter.refused("contributions", principal, unit="xg-none", text="反馈"))[:2] == (422, "not_a_co_unit")
    await matter.today(f"{matter.people_day + timedelta(days=6)} 09:00")
    await matter.do("contributions", helper, unit=unit, text="资金已落实")
    (row,) = matter.entry["contributions"]
    assert (row["late"], row["official"], matter.entry["late"]) == (True, helper, None)


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_matter_answers_which_acts_are_possible_and_each_is_done_by_whom_it_names(
    government: str, api: Callable[[str], Api]
) -> None:
    matter = next(each for each in await matters_of(api(government), government) if each.entry["co_units"])
    helpers = {
        official
        for unit in matter.entry["co_units"]
        for official in matter.people.of_organisation(unit["code"], matter.people_day)
    }

    async def acts() -> dict[str, Json]:
        found = (await matter.api.get("oversight", f"{matter.path}/acts"))["items"]
        waits = matter.entry["next"]
        assert [each["act"] for each in found if each["awaited"]] == ([waits["act"]] if waits else [])
        return {each["act"]: each for each in found}

    async def do(act: str, **body: object) -> None:
        offered = (await acts())[act]
        await matter.do(offered["path"], offered["officials"][0], **body)
        turn = matter.entry["course"][-1]
        assert (turn["act"], turn["clause"]) == (act, offered["clause"])
        assert turn["role"] in offered["by"]

    undated = ["set_due"] if matter.entry["due"] is None else []
    offered = await acts()
    assert list(offered) == ["accept", "refuse", "transfer", "merge", "divide", *undated]
    assert offered["refuse"]["until"] == (await matter.clocks())["acceptance"]["date"]
    assert offered["accept"]["until"] is None
    staff = matter.of_lead()[-1]
    await do("accept", responsible=staff)
    offered = await acts()
    assert list(offered) == ["report", "transfer", "progress", "contribute", "explain", "merge", "divide", *undated]
    if undated:
        setting = offered["set_due"]
        assert (setting["act_name"], setting["by"]) == ("确定办结时限", ["office"])
        await matter.do(setting["path"], setting["officials"][0], due=str(matter.people_day + timedelta(days=20)))
        assert "set_due" not in await acts()
    assert offered["report"]["officials"] == matter.of_lead(principal=True)  # not the person responsible
    assert set(offered["contribute"]["officials"]) == helpers
    await do("report", text="已全部完成")
    assert list(await acts()) == ["verify", "contribute", "send_back", "merge"]
    await do("verify", text="属实")
    assert list(await acts()) == ["close", "send_back", "merge"]
    await do("close", quality="good")
    assert list(await acts()) == ["look_back", "reopen"]
