"""A matter of the ledger over HTTP: opened by a decision of signed minutes, and taken through its course."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from demo.main_job import MainJob
from tests.conftest import composition_of, scenario_of
from zhengling.authority.composition import Composition
from zhengling.kernel.instants import SHANGHAI
from zhengling.local.client import Api, Json, Refused

GOVERNMENTS = ("dalian", "xigang", "shuangtaizi", "huancui", "zhanqian")


def instant(text: str) -> datetime:
    """A local time, such as 2026-09-28 10:00."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


class Matter:
    """One entry; its answers carry the version that the next command needs. Each act is done by the first official whom it
    waits for, unless another is named."""

    def __init__(self, api: Api, people: Composition, entry: Json) -> None:
        self.api, self.people, self.entry = api, people, entry

    @property
    def path(self) -> str:
        return f"/v1/entries/{self.entry['id']}"

    async def do(self, act: str, by: str | None = None, **body: Any) -> Json:
        by = by or self.entry["next"]["officials"][0]
        self.entry = await self.api.command("oversight", f"{self.path}/{act}", body, by, self.entry["version"])
        return self.entry

    async def refused(self, act: str, by: str | None = None, **body: Any) -> tuple[int, str, str | None]:
        """Status, code and clause of the refusal."""
        version = self.entry["version"]
        try:
            await self.do(act, by, **body)
        except Refused as refused:
            assert (await self.shown())["version"] == version, "a refused act changed the matter"
            return refused.problem["status"], refused.problem["code"], refused.problem.get("clause")
        raise AssertionError(f"{act} wasn't refused")

    async def shown(self) -> Json:
        self.entry = await self.api.get("oversight", self.path)
        return self.entry

    async def until(self, met: Callable[[Json], bool]) -> Json:
        async with asyncio.timeout(60):
            while not met(await self.shown()):
                await asyncio.sleep(0.05)
        return self.entry

    async def decision(self, met: Callable[[Json], bool]) -> Json:
        """meeting-svc's decision, once it shows what is expected."""
        async with asyncio.timeout(60):
            while not met(found := await self.api.get("meeting", f"/v1/decisions/{self.entry['source_id']}")):
                await asyncio.sleep(0.05)
        return found

    async def clocks(self) -> dict[str, Json]:
        """What meets each clock → its newest row."""
        found = await self.api.get("oversight", f"{self.path}/deadlines")
        return {row["met_by"]: row for row in sorted(found["items"], key=lambda row: (row["round"], row["occurrence"]))}

    async def today(self, text: str) -> None:
        await self.api.set_clock(instant(text))

    def of_lead(self, *, principal: bool = False) -> list[str]:
        day = self.people_day
        return list(self.people.of_organisation(self.entry["lead"]["code"], day, principal=principal))

    @property
    def people_day(self) -> Any:
        return datetime.fromisoformat(self.entry["opened_at"]).date()


async def matters_of(api: Api, government: str) -> list[Matter]:
    """The matters of the government's scenario, as its decisions opened them."""
    people = composition_of(government)
    report = await MainJob(api, people, scenario_of(government)).run()
    return [Matter(api, people, landed.entry) for landed in report.landed]
