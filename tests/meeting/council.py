"""The council of the sixth government over HTTP: a meeting held, decided, and its minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
import pytest

from demo.main_job import MainJob, Scenario
from tests import sixth
from zhengling.local.client import Api, Json, Refused, at

SUBMITTED, DAY = date(2027, 3, 1), date(2027, 3, 10)
OFFICE, DIRECTOR, SECRETARY, HEAD = "lh-clerk", "lh-director", "lh-sg", "lh-head"


class Council:
    """One government's meeting from its close on; its answers carry the version that the next command needs."""

    def __init__(self, api: Api, job: MainJob) -> None:
        self.api, self.job = api, job
        self.meeting: Json = {}

    @property
    def path(self) -> str:
        return f"/v1/meetings/{self.meeting['id']}"

    async def hold(self) -> Council:
        """Hold the meeting up to its close."""
        await self.api.set_clock(at(SUBMITTED))
        topics = [await self.job.walk_topic(await self.job.submit(each)) for each in self.job.scenario.decisions]
        meeting = await self.job.agenda(await self.job.call_meeting(), topics)
        await self.api.set_clock(at(DAY))
        self.meeting = await self.job.hold(meeting, topics)
        return self

    async def do(self, act: str, by: str | None, **body: Any) -> Json:
        answer = await self.api.command("meeting", f"{self.path}/{act}", body, by, self.meeting["version"])
        self.meeting["version"] = answer["version"]
        return answer

    async def draft(self, by: str = OFFICE, **body: Any) -> Json:
        return await self.do("minutes", by, **body)

    async def step(self, name: str, by: str) -> Json:
        return await self.do("minutes/steps", by, step=name)

    async def sign(self) -> Json:
        """Take all remaining steps by permitted officials; returns the signed version."""
        while step := (await self.latest())["next_step"]:
            await self.step(step["step"], step["officials"][0])
        return await self.latest()

    async def signed(self) -> Council:
        await self.hold()
        await self.draft(by=self.job.office)
        await self.sign()
        return self

    async def latest(self) -> Json:
        return await self.api.get("meeting", f"{self.path}/minutes")

    async def version(self, number: int) -> Json:
        return await self.api.get("meeting", f"{self.path}/minutes/versions/{number}")

    async def correct(self, *amendments: Json, reason: str = "原纪要记录有误", **more: Any) -> Json:
        body = {"reason": reason, "amendments": list(amendments)} | more
        return await self.do("minutes/corrections", self.job.office, **body)

    async def decisions(self) -> list[Json]:
        found = (await self.api.get("meeting", "/v1/decisions", meeting_id=self.meeting["id"]))["items"]
        return sorted(found, key=lambda each: each["resolution"]["number"])

    async def decision(self, decision: Json) -> Json:
        return await self.api.get("meeting", f"/v1/decisions/{decision['id']}")

    async def file(self, number: int | None = None, **headers: str) -> httpx.Response:
        path = f"{self.path}/minutes.docx" if number is None else f"{self.path}/minutes/versions/{number}/docx"
        headers = {"Authorization": f"Bearer {self.api.token(None)}"} | headers
        answer = await self.api._client.get(f"{self.api._addresses['meeting']}{path}", headers=headers)
        assert answer.status_code in (200, 304), answer.text
        return answer

    async def entry(self, decision: Json, until: Callable[[Json], bool] = bool) -> Json:
        return await self.landed("oversight", "/v1/entries", until, source_id=decision["id"])

    async def document(self, decision: Json, until: Callable[[Json], bool] = bool) -> Json:
        return await self.landed("docflow", "/v1/documents", until, decision_id=decision["id"])

    async def landed(self, service: str, path: str, until: Callable[[Json], bool], **query: str) -> Json:
        """Wait for another service's row in the expected state; returns it."""
        async with asyncio.timeout(30):
            while True:
                items: list[Json] = (await self.api.get(service, path, **query))["items"]
                if items and until(items[0]):
                    return items[0]
                await asyncio.sleep(0.05)

    async def standing(self, decision: Json, until: Callable[[Json], bool]) -> Json:
        async with asyncio.timeout(30):
            while not until(found := await self.decision(decision)):
                await asyncio.sleep(0.05)
        return found


async def refused(attempt: Awaitable[Any]) -> Json:
    with pytest.raises(Refused) as caught:
        await attempt
    return caught.value.problem


Hold = Callable[..., Council]


def first(scenario: Scenario = sixth.SCENARIO, **changes: Any) -> dict[str, Any]:
    """A scenario of its first decision alone, changed."""
    return {"decisions": (scenario.decisions[0].model_copy(update=changes),)}
