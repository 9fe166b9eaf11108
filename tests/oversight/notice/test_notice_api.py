"""A notice of supervision over HTTP, for the five governments: drafted, signed, answered by the unit's return slip."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.oversight.course.test_course_api import another_unit, office_of
from tests.oversight.matter import GOVERNMENTS, Matter, matters_of
from zhengling.authority.composition import PostRole
from zhengling.local.client import Api, Json, Refused

TOLD = {"requirements": "立即组织整改\n每周报告一次进展"}
SERIES = {
    "dalian": "大政督通", "xigang": "西政督通", "shuangtaizi": "双政督通", "huancui": "威环政督通", "zhanqian": "站政督通",
}  # fmt: skip


class Notice:
    """A notice of a matter; its answers carry the version that the next command needs."""

    def __init__(self, matter: Matter, shown: Json) -> None:
        self.matter, self.api, self.shown = matter, matter.api, shown
        self.drafter = office_of(matter)

    @property
    def path(self) -> str:
        return f"/v1/notices/{self.shown['id']}"

    @property
    def signer(self) -> str:
        return self.matter.people.with_post([PostRole.office_director], self.matter.people_day)[0]

    async def do(self, act: str, by: str, **body: Any) -> Json:
        self.shown = await self.api.command("oversight", f"{self.path}/{act}", body, by, self.shown["version"])
        return self.shown

    async def refused(self, act: str, by: str, **body: Any) -> tuple[int, str]:
        try:
            await self.do(act, by, **body)
        except Refused as refused:
            return refused.problem["status"], refused.problem["code"]
        raise AssertionError(f"{act} wasn't refused")


async def drafted(matter: Matter) -> Notice:
    path, version = f"{matter.path}/notices", (await matter.shown())["version"]
    return Notice(matter, await matter.api.command("oversight", path, TOLD, office_of(matter), version))


async def issued(matter: Matter) -> Notice:
    notice = await drafted(matter)
    await notice.do("signature", notice.signer)
    return notice


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_notice_is_drafted_signed_under_its_number_and_answered_by_the_unit(
    government: str, api: Callable[[str], Api]
) -> None:
    matter = (await matters_of(api(government), government))[0]
    unit = matter.of_lead()[0]
    outsider = matter.people.of_organisation(another_unit(matter), matter.people_day)[0]
    notice = await drafted(matter)
    assert (notice.shown["state_name"], notice.shown["number"], notice.shown["text"]) == ("待签发", None, "")
    with pytest.raises(Refused) as unseen:  # a draft is the office's alone
        await notice.api.get("oversight", notice.path, unit)
    assert unseen.value.problem["status"] == 404
    assert await notice.refused("return-slip", notice.drafter, text="已整改") == (403, "not_the_addressee")
    assert (await notice.refused("signature", unit))[0] == 404

    signed = await notice.do("signature", notice.signer)
    year = signed["signed_at"][:4]
    assert signed["number"].startswith(f"{SERIES[government]}〔{year}〕")
    for said in (signed["number"], matter.entry["number"], matter.entry["lead"]["name"], "一次进展", "督办通知回执"):
        assert said in signed["text"]
    (clock,) = (await notice.api.get("oversight", f"{notice.path}/deadlines", unit))["items"]
    assert (clock["rule"], clock["date"], clock["state"]) == ("notice-slip", signed["due"], "running")
    assert clock["trace"]
    assert await notice.refused("signature", notice.signer) == (409, "illegal_state")
    assert await notice.refused("withdrawal", notice.drafter, reason="不再需要") == (409, "illegal_state")
    assert (await notice.refused("return-slip", outsider, text="代报"))[0] == 404

    answered = await notice.do("return-slip", unit, text="已完成整改，后续每周报告")
    assert (answered["state_name"], answered["late"], answered["answered_by"]) == ("已回执", False, unit)
    (clock,) = (await notice.api.get("oversight", f"{notice.path}/deadlines"))["items"]
    assert clock["state"] == "met"

    other = await drafted(matter)
    withdrawn = await other.do("withdrawal", other.drafter, reason="已当面沟通")
    assert (withdrawn["state_name"], withdrawn["number"]) == ("已撤回", None)
    following = await issued(matter)  # the series has no gap for the draft
    first, then = (int(one["number"].split("〕")[1].removesuffix("号")) for one in (signed, following.shown))
    assert then == first + 1
    assert await following.refused("withdrawal", unit, reason="不同意") == (403, "not_the_drafter")


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_return_slip_that_is_late_is_marked_and_stays_late(government: str, api: Callable[[str], Api]) -> None:
    matter = (await matters_of(api(government), government))[0]
    notice = await issued(matter)
    after = date.fromisoformat(notice.shown["due"]) + timedelta(days=1)
    await matter.today(f"{after} 09:00")
    async with asyncio.timeout(60):
        while notice.shown["overdue_at"] is None:
            await asyncio.sleep(0.05)
            notice.shown = await notice.api.get("oversight", notice.path)
    found = await notice.api.get("oversight", "/v1/notices", entry_id=matter.entry["id"], overdue="true")
    assert [each["id"] for each in found["items"]] == [notice.shown["id"]]
    answered = await notice.do("return-slip", matter.of_lead()[0], text="因故迟报")
    assert answered["late"] is True
