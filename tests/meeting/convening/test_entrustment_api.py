"""Entrusting the chair over HTTP: no act as chair before it; only its giver or the head revokes it; an absent chair is
replaced by an official whom the rules permit to chair."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.conftest import composition_of
from zhengling.authority.composition import PostRole
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.rules.vocabulary import Role

TODAY, DAY = date(2026, 3, 9), date(2026, 3, 20)


class Office:
    """One government's people around one meeting."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.people = composition_of(api.government)
        self.clerk = self.people.holders(Role.office, TODAY)[-1]
        (self.head,) = self.people.holders(Role.head, TODAY)

    async def begin(self) -> None:
        await load_composition(self.api, self.people)
        await self.api.set_clock(at(TODAY))

    def deputies(self) -> list[str]:
        return list(self.people.holders(Role.deputies, TODAY))

    async def call(self, kind: str, **fields: object) -> Json:
        body = {"kind": kind, "title": "研究有关事项", "day": DAY.isoformat()} | fields
        return await self.api.command("meeting", "/v1/meetings", body, self.clerk)

    async def do(self, meeting: Json, what: str, official: str, **body: object) -> Json:
        path = f"/v1/meetings/{meeting['id']}/{what}"
        return await self.api.command("meeting", path, body, official, meeting["version"])

    async def refused(self, meeting: Json, what: str, official: str, **body: object) -> Json:
        with pytest.raises(Refused) as caught:
            await self.do(meeting, what, official, **body)
        return caught.value.problem

    async def submit(self, official: str, **fields: object) -> Json:
        body = {"title": "关于某事项的请示", "nature": "study", "papers": []} | fields
        return await self.api.command("meeting", "/v1/topics", body, official)

    async def decide(self, topic: Json, official: str) -> Json:
        path, body = f"/v1/topics/{topic['id']}/steps", {"step": "decide"}
        return await self.api.command("meeting", path, body, official, topic["version"])


@pytest.fixture
async def huancui(api: Callable[[str], Api]) -> Office:
    office = Office(api("huancui"))
    await office.begin()
    return office


def asked_for(meeting: Json) -> dict[str, Any]:
    return {each["code"]: each for each in meeting["next"]}


async def test_who_is_to_chair_by_entrustment_does_nothing_as_the_chair_before_it_is_given(huancui: Office) -> None:
    """HC-45: the office's director and deputy directors chair only what the head or a deputy entrusts them with."""
    (office_deputy, *_) = huancui.people.with_post([PostRole.office_deputy_director], TODAY)
    meeting = await huancui.call("special", convener=office_deputy, participants={"officials": huancui.deputies()})
    topic = await huancui.submit(
        "hc-zjj-clerk", meeting_kind="special", sponsor="hc-zjj", matter="portfolio", convener=office_deputy
    )
    assert (topic["next_step"]["by"], topic["next_step"]["officials"]) == (["chair"], [])
    with pytest.raises(Refused) as refused:
        await huancui.decide(topic, office_deputy)
    assert (refused.value.problem["status"], refused.value.code) == (409, "chair_not_entrusted")
    assert refused.value.problem["clause"] == "HC-45"
    assert huancui.people.official_names[huancui.head] in refused.value.problem["satisfy"]

    deputy = huancui.deputies()[0]
    meeting = await huancui.do(meeting, "entrustment", deputy, to=office_deputy, reason="受托召集")
    topic = await huancui.api.get("meeting", f"/v1/topics/{topic['id']}")
    assert topic["next_step"]["officials"] == [office_deputy]
    topic = await huancui.decide(topic, office_deputy)

    other = await huancui.call("special", convener=office_deputy, participants={"officials": huancui.deputies()})
    other = await huancui.do(other, "agenda", huancui.clerk, topic_id=topic["id"])
    other = await huancui.do(other, "agenda/steps", huancui.clerk, step="arrange")
    assert other["next_step"]["officials"] == []
    entry = asked_for(other)["chair_not_lawful"]
    assert set(entry["officials"]) == {huancui.head, *huancui.deputies()}
    problem = await huancui.refused(other, "agenda/steps", office_deputy, step="approve")
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "chair_not_entrusted", "HC-45")
    other = await huancui.do(other, "entrustment", deputy, to=office_deputy, reason="受托召集")
    assert other["next_step"]["officials"] == [office_deputy]
    assert (await huancui.do(other, "agenda/steps", office_deputy, step="approve"))["state"] == "agenda_approved"


async def test_what_one_leader_entrusted_another_does_not_take_back_but_the_head_may(huancui: Office) -> None:
    (one, two, *_) = huancui.people.with_post([PostRole.office_director, PostRole.office_deputy_director], TODAY)
    giver, other = huancui.deputies()[:2]
    meeting = await huancui.call("special", convener=one, participants={"officials": [giver]})
    meeting = await huancui.do(meeting, "entrustment", giver, to=one, reason="受托召集")
    problem = await huancui.refused(meeting, "entrustment", other, to=two, reason="另行安排")
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "entrusted_by_another", "HC-45")
    assert huancui.people.official_names[giver] in problem["satisfy"]
    meeting = await huancui.do(meeting, "entrustment", giver, to=two, reason="原受托人出差")
    meeting = await huancui.do(meeting, "entrustment", huancui.head, to=one, reason="区长决定")
    assert (meeting["entrustment"]["to"], meeting["entrustment"]["by"]) == (one, huancui.head)
    assert [(each["to"], each["by"]) for each in meeting["earlier_entrustments"]] == [(one, giver), (two, giver)]


async def test_where_the_chair_has_leave_it_is_said_who_may_entrust_whom_and_then_who_is_entrusted(
    huancui: Office,
) -> None:
    """HC-43: the first deputy chairs once the head, who can't come, entrusts it."""
    names = huancui.people.official_names
    (first,) = huancui.people.holders(Role.executive_deputy, TODAY)
    meeting = await huancui.call("executive")
    assert "chair_on_leave" not in asked_for(meeting)
    meeting = await huancui.do(meeting, "leave", huancui.head, reason="参加市委会议")
    entry = asked_for(meeting)["chair_on_leave"]
    assert (entry["officials"], entry["clause"]) == ([huancui.head], "HC-51")
    assert f"{names[huancui.head]}委托{names[first]}" in entry["text"]["zh"]
    meeting = await huancui.do(meeting, "entrustment", huancui.head, to=first, reason="参加市委会议")
    assert "chair_on_leave" not in asked_for(meeting)
