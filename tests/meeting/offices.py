"""The offices of the five governments over HTTP, each with what its clerks do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from demo.main_job import MainJob, PlannedDecision
from tests.conftest import composition_of, scenario_of
from zhengling.local.client import Api, Json, Refused
from zhengling.rules.vocabulary import TopicNature

PREFIX = {"dalian": "dl", "xigang": "xg", "shuangtaizi": "st", "huancui": "hc", "zhanqian": "zq"}
SUBMITTED, DAY = date(2031, 3, 3), date(2031, 3, 14)


class Office:
    """One government's office at work: ids without the government's prefix."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.prefix = PREFIX[api.government]
        scenario = scenario_of(api.government).model_copy(
            update={"breach": None, "submitted": SUBMITTED, "day": DAY, "decisions": ()}
        )
        self.job = MainJob(api, composition_of(api.government), scenario)

    def who(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    async def call(self, kind: str = "executive", by: str = "office-clerk", **more: Any) -> Json:
        body = {"kind": kind, "title": "会议", "day": str(DAY)} | more
        return await self.api.command("meeting", "/v1/meetings", body, self.who(by))

    async def do(self, meeting: Json, act: str, body: Json, by: str = "office-clerk", method: str = "POST") -> Json:
        path = f"/v1/meetings/{meeting['id']}/{act}"
        return await self.api.command("meeting", path, body, self.who(by), meeting["version"], method)

    async def get(self, meeting: Json) -> Json:
        return await self.api.get("meeting", f"/v1/meetings/{meeting['id']}")

    async def topic(self, sponsor: str, nature: str = "deliberation", kind: str = "executive") -> Json:
        """A topic that is ready, for a meeting of this kind."""
        rules = (await self.api.get("meeting", f"/v1/meeting-kinds/{kind}"))["rules"]
        planned = PlannedDecision(
            title=f"关于{sponsor}的汇报",
            sponsor=self.who(sponsor),
            task="组织实施",
            lead=self.who(sponsor),
            nature=TopicNature(nature),
            matter=next((task["id"] for task in rules["competence"]), None),
        )
        self.job.scenario = self.job.scenario.model_copy(update={"kind": kind})
        topic = await self.job.walk_topic(await self.job.submit(planned))
        assert topic["state"] == "ready"
        return topic

    async def add(self, meeting: Json, *topics: Json) -> Json:
        for topic in topics:
            meeting = await self.do(meeting, "agenda", {"topic_id": topic["id"]})
        return meeting

    async def approve(self, meeting: Json, steps: str = "agenda/steps", step_of: str = "next_step") -> Json:
        while step := meeting[step_of]:
            by = step["officials"][0].removeprefix(f"{self.prefix}-")
            meeting = await self.do(meeting, steps, {"step": step["step"]}, by)
        return meeting

    def listed(self, meeting: Json, *absent: str) -> list[Json]:
        gone = {self.who(name) for name in absent}
        return [{"official": e["official"], "present": e["official"] not in gone} for e in meeting["expected"]]

    async def open(
        self, meeting: Json, *absent: str, chair: str = "head", also: tuple[str, ...] = (), guests: Sequence[Json] = ()
    ) -> Json:
        more = [{"official": self.who(name), "present": True} for name in also]
        body = {"chair": self.who(chair), "attendance": self.listed(meeting, *absent) + more, "guests": list(guests)}
        return await self.do(meeting, "opening", body)

    async def decide(self, meeting: Json, topic: Json) -> Json:
        outcome = "passed" if TopicNature(topic["nature"]).decides else "noted"
        body = {"topic_id": topic["id"], "outcome": outcome, "task": "组织实施", "lead": topic["sponsor"]}
        await self.do(meeting, "decisions", body)
        return await self.get(meeting)


async def refused(attempt: Any) -> tuple[int, str, str | None]:
    with pytest.raises(Refused) as caught:
        await attempt
    problem = caught.value.problem
    return problem["status"], problem["code"], problem.get("clause")
