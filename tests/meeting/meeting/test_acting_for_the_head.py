"""Chairing and signing while the head is away, by calendar-svc's events of absences (DL-9, HC-5, HC-62, XG-6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any

import asyncpg
import pytest

from demo.main_job import MainJob
from tests.conftest import composition_of, scenario_of
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.local.stack import EmbeddedStack

SUBMITTED, DAY = date(2029, 3, 1), date(2029, 3, 20)
SIGN = {"step": "sign", "opinion": "同意"}


class Government:
    """One government's meeting on a day on which its head may be away."""

    def __init__(self, api: Api, prefix: str, known: Callable[[str], Awaitable[Any]]) -> None:
        people = composition_of(api.government)
        scenario = scenario_of(api.government)
        decisions = tuple(planned.model_copy(update={"due": None}) for planned in scenario.decisions)
        changes = {"breach": None, "submitted": SUBMITTED, "day": DAY, "decisions": decisions}
        scenario = scenario.model_copy(update=changes)
        self.api, self.prefix, self.known = api, prefix, known
        self.job = MainJob(api, people, scenario)
        self.head, self.exec, self.clerk = (f"{prefix}-{who}" for who in ("head", "exec", "office-clerk"))

    async def begin(self) -> None:
        version = (await load_composition(self.api, self.job.composition))["version"]
        await self.until("calendar", "SELECT max(version) FROM composition WHERE government = $1", version)
        await self.api.set_clock(at(SUBMITTED))

    async def until(self, service: str, question: str, wanted: Any) -> None:
        async with asyncio.timeout(30):
            while await self.known(service)(question, self.api.government) != wanted:
                await asyncio.sleep(0.05)

    async def away(self, kind: str, day: date = DAY) -> Json:
        """Record the head's absence on that day and wait for its replica in meeting-svc."""
        body = {"kind": kind, "since": str(day), "until": str(day), "reason": "外出", "official": self.head}
        absence = await self.api.command("calendar", "/v1/absences", body, self.clerk)
        await self.replicated(absence, "content ->> 'absence_id'")
        return absence

    async def replicated(self, absence: Json, what: str, wanted: Any = None) -> None:
        """Wait for meeting-svc's replica of the absence."""
        question = f"SELECT {what} FROM absence_replica WHERE government = $1 AND id = '{absence['id']}'"
        await self.until("meeting", question, wanted or absence["id"])

    async def meeting(self) -> tuple[Json, Json]:
        topic = await self.job.walk_topic(await self.job.submit(self.job.scenario.decisions[0]))
        study = [await self.job.walk_topic(await self.job.submit(d)) for d in self.job.scenario.decisions[1:]]
        meeting = await self.job.agenda(await self.job.call_meeting(), [topic, *study])
        await self.api.set_clock(at(DAY))
        return meeting, topic

    def opening(self, chair: str, meeting: Json | None = None) -> Json:
        """With everybody there but a head for whom somebody chairs; of a meeting those whom it expects."""
        listed = [each["official"] for each in meeting["expected"]] if meeting else self.job.members()
        there = [member for member in listed if member != self.head or chair == self.head]
        away = [{"official": member, "present": False} for member in listed if member not in there]
        return {"chair": chair, "attendance": [*self.job.attendance(there, present=len(there)), *away]}

    async def to_the_signature(self, meeting: Json, chair: str) -> Json:
        path = f"/v1/meetings/{meeting['id']}"
        if "devices_not_declared" in {asked["code"] for asked in meeting["next"]}:
            meeting = await self.api.command("meeting", f"{path}/devices", {}, self.clerk, meeting["version"])
        meeting = await self.api.command(
            "meeting", f"{path}/opening", self.opening(chair, meeting), self.clerk, meeting["version"]
        )
        topics = [item["topic_id"] for item in meeting["agenda"]]
        for topic, planned in zip(topics, self.job.scenario.decisions, strict=True):
            await self.api.command("meeting", f"{path}/decisions", planned.body(topic), self.clerk, meeting["version"])
            meeting = await self.api.get("meeting", path)
        meeting = await self.api.command("meeting", f"{path}/closing", {}, self.clerk, meeting["version"])
        await self.api.command("meeting", f"{path}/minutes", {}, self.clerk, meeting["version"])
        return await self.api.get("meeting", path)

    async def refuse(self, path: str, body: Json, official: str, version: int) -> Json:
        with pytest.raises(Refused) as caught:
            await self.api.command("meeting", path, body, official, version)
        return caught.value.problem


@pytest.fixture(scope="module")
async def database(stack: EmbeddedStack) -> AsyncIterator[Callable[[str], Any]]:
    """`database("meeting")(question, …)`: one value out of a service's database."""
    connections = {
        name: await asyncpg.connect(stack.database_admin_url, database=name) for name in ("meeting", "calendar")
    }
    yield lambda service: connections[service].fetchval
    for connection in connections.values():
        await connection.close()


@pytest.fixture
async def government(
    api: Callable[[str], Api], database: Callable[[str], Any]
) -> AsyncIterator[Callable[[str, str], Awaitable[Government]]]:
    """A government at the beginning of its scenario; absences of the head are cancelled afterwards."""
    made: list[Government] = []

    async def begin(code: str, prefix: str) -> Government:
        found = Government(api(code), prefix, database)
        made.append(found)
        await found.begin()
        return found

    yield begin
    for each in made:
        await each.api.set_clock(at(DAY, 18))
        window = {"official": each.head, "since": str(DAY), "until": str(DAY), "state": "approved"}
        listed = await each.api.get("calendar", "/v1/absences", **window)
        for absence in listed["items"]:
            await each.api.command(
                "calendar", f"/v1/absences/{absence['id']}/return", {}, each.clerk, absence["version"]
            )
            await each.replicated(absence, "(until < since)", True)
        await each.api.set_clock(None)


Begin = Callable[[str, str], Awaitable[Government]]


async def test_in_dalian_the_executive_deputy_chairs_and_signs_for_a_head_on_an_official_trip_by_the_rule_itself(
    government: Begin, database: Callable[[str], Any]
) -> None:
    dalian = await government("dalian", "dl")
    meeting, _ = await dalian.meeting()
    path = f"/v1/meetings/{meeting['id']}"
    problem = await dalian.refuse(f"{path}/opening", dalian.opening("dl-exec"), dalian.clerk, meeting["version"])
    assert (problem["code"], problem["clause"]) == ("not_a_lawful_chair", "DL-38")
    assert (await dalian.api.get("meeting", path))["away"] == []
    await dalian.away("official_trip")
    assert (await dalian.api.get("meeting", path))["away"] == ["dl-head"]
    problem = await dalian.refuse(f"{path}/opening", dalian.opening("dl-dep1"), dalian.clerk, meeting["version"])
    assert (problem["code"], problem["clause"]) == ("not_a_lawful_chair", "DL-38")
    meeting = await dalian.to_the_signature(meeting, "dl-exec")
    assert (meeting["chair"], meeting["next_step"]["officials"]) == ("dl-exec", ["dl-exec"])
    problem = await dalian.refuse(f"{path}/minutes/steps", SIGN, "dl-dep1", meeting["version"])
    assert (problem["code"], problem["clause"]) == ("not_the_actor", "DL-38")
    signed = await dalian.api.command("meeting", f"{path}/minutes/steps", SIGN, "dl-exec", meeting["version"])
    step = signed["steps"][-1]
    assert (signed["state"], step["role"], step["official"]) == ("signed", "head", "dl-exec")
    assert (step["on_behalf_of"], step["under"]) == ("dl-head", "DL-9")
    statement = (
        "SELECT payload ->> 'on_behalf_of' FROM outbox WHERE event_type LIKE '%minutes.signed%' AND aggregate_id = $1"
    )
    assert await database("meeting")(statement, meeting["id"]) == "dl-head"
    kept = "SELECT details ->> 'on_behalf_of' FROM audit WHERE action = 'open_session' AND subject = $1"
    assert await database("meeting")(kept, f"meeting:{meeting['id']}") == "dl-head"


async def test_in_dalian_private_leave_isnt_covered_until_the_head_has_entrusted_it(government: Begin) -> None:
    dalian = await government("dalian", "dl")
    meeting, _ = await dalian.meeting()
    path = f"/v1/meetings/{meeting['id']}"
    absence = await dalian.away("leave")
    problem = await dalian.refuse(f"{path}/opening", dalian.opening("dl-exec"), dalian.clerk, meeting["version"])
    assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_a_lawful_chair", "DL-9")
    assert problem["away"] == {"official": "dl-head", "until": str(DAY), "basis": "entrusted"}
    assert dalian.job.composition.official_names["dl-head"] in problem["satisfy"]

    body = {"official": "dl-exec", "reason": "休假期间代行职务"}
    entrusted = await dalian.api.command(
        "calendar", f"/v1/absences/{absence['id']}/stand-in", body, "dl-head", absence["version"]
    )
    await dalian.replicated(entrusted, "content #>> '{stand_ins,0,official}'", "dl-exec")
    meeting = await dalian.to_the_signature(meeting, "dl-exec")
    signed = await dalian.api.command("meeting", f"{path}/minutes/steps", SIGN, "dl-exec", meeting["version"])
    step = signed["steps"][-1]
    assert (step["on_behalf_of"], step["under"]) == ("dl-head", "DL-9")


async def test_the_head_who_is_away_may_still_sign_and_after_the_return_nobody_else_does(government: Begin) -> None:
    dalian = await government("dalian", "dl")
    meeting, _ = await dalian.meeting()
    path = f"/v1/meetings/{meeting['id']}"
    absence = await dalian.away("abroad")
    meeting = await dalian.to_the_signature(meeting, "dl-exec")
    await dalian.api.command("calendar", f"/v1/absences/{absence['id']}/return", {}, dalian.clerk, absence["version"])
    await dalian.replicated(absence, "(until < since)", True)
    problem = await dalian.refuse(f"{path}/minutes/steps", SIGN, "dl-exec", meeting["version"])
    assert (problem["code"], problem["clause"]) == ("not_the_actor", "DL-38")
    assert (await dalian.api.get("meeting", path))["next_step"]["officials"] == ["dl-head"]
    signed = await dalian.api.command("meeting", f"{path}/minutes/steps", SIGN, "dl-head", meeting["version"])
    assert signed["steps"][-1]["on_behalf_of"] is None


async def test_in_huancui_the_first_deputy_presides_by_the_rule_and_in_shuangtaizi_signs_only_once_entrusted(
    government: Begin,
) -> None:
    huancui = await government("huancui", "hc")
    await huancui.away("official_trip")
    meeting, _ = await huancui.meeting()
    meeting = await huancui.to_the_signature(meeting, "hc-exec")
    assert meeting["chair"] == "hc-exec"

    shuangtaizi = await government("shuangtaizi", "st")
    meeting, _ = await shuangtaizi.meeting()
    path = f"/v1/meetings/{meeting['id']}"
    body = {"to": "st-exec", "reason": "区长出差"}
    meeting = await shuangtaizi.api.command("meeting", f"{path}/entrustment", body, "st-head", meeting["version"])
    absence = await shuangtaizi.away("official_trip")
    meeting = await shuangtaizi.to_the_signature(meeting, "st-exec")
    problem = await shuangtaizi.refuse(f"{path}/minutes/steps", SIGN, "st-exec", meeting["version"])
    assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_the_actor", "ST-7")
    body = {"official": "st-exec", "reason": "外出期间主持工作"}
    entrusted = await shuangtaizi.api.command(
        "calendar", f"/v1/absences/{absence['id']}/stand-in", body, "st-head", absence["version"]
    )
    await shuangtaizi.replicated(entrusted, "content #>> '{stand_ins,0,official}'", "st-exec")
    signed = await shuangtaizi.api.command("meeting", f"{path}/minutes/steps", SIGN, "st-exec", meeting["version"])
    assert signed["steps"][-1]["under"] == "ST-7"
