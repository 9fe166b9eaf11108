"""Every kind of meeting of every government over HTTP, from the topic to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from demo.main_job import MainJob, PlannedDecision, Scenario
from tests.conftest import ROOT, composition_of
from zhengling.authority.composition import Composition, RoleContext
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.rules.loading import load_edition
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Outcome, Role, TopicNature

PREFIX = {"dalian": "dl", "xigang": "xg", "shuangtaizi": "st", "huancui": "hc", "zhanqian": "zq"}
SUBMITTED, DAY = date(2026, 4, 7), date(2026, 5, 13)
BOOKS = {government: load_edition(next((ROOT / "rulebooks" / government).iterdir())) for government in PREFIX}
KINDS = [(government, kind) for government, book in BOOKS.items() for kind in book.meetings]
#: Who chairs by entrustment where the rule lets nobody else, or where that is the way worth showing: role, entrusted by.
ENTRUSTED = {
    ("dalian", "business"): (Role.secretary_general, Role.deputy_in_charge),
    ("shuangtaizi", "head-office"): (Role.deputy_in_charge, Role.head),
    ("huancui", "special"): (Role.office_director, Role.deputy_in_charge),
    ("zhanqian", "special"): (Role.deputy_in_charge, Role.head),
}


def holder(people: Composition, role: Role, government: str) -> str:
    return people.holders(role, SUBMITTED, context=RoleContext(sponsor=f"{PREFIX[government]}-zjj"))[0]


def chair_of(people: Composition, government: str, name: str, kind: MeetingKind) -> str:
    if entrusted := ENTRUSTED.get((government, name)):
        return holder(people, entrusted[0], government)
    roles = [actor.role for actor in kind.chair if not actor.when]
    role = next(role for role in (Role.deputy_in_charge, *roles) if role in roles)
    return holder(people, Role.deputy_in_charge if role == Role.deputies else role, government)


def topics_of(government: str, kind: MeetingKind) -> tuple[PlannedDecision, ...]:
    """One topic that is passed, after the first topic that the rules require."""
    sponsor, matter = f"{PREFIX[government]}-zjj", kind.competence[0].id if kind.competence else None
    planned = PlannedDecision(
        title="关于年度重点事项的请示",
        sponsor=sponsor,
        matter=matter,
        task="按要求组织实施",
        lead=sponsor,
        due=date(2026, 9, 30),
    )
    if not kind.decides:
        return (planned.model_copy(update={"nature": TopicNature.study, "outcome": Outcome.noted}),)
    if kind.first_topic is None:
        return (planned,)
    study = {"title": "第一议题学习", "nature": kind.first_topic.nature, "outcome": Outcome.noted, "due": None}
    return (planned.model_copy(update=study), planned)


def scenario_for(people: Composition, government: str, name: str, **fields: Any) -> Scenario:
    kind = BOOKS[government].kind(name)
    chair = chair_of(people, government, name, kind)
    entrusted = ENTRUSTED.get((government, name))
    principal = people.of_organisation(f"{PREFIX[government]}-zjj", SUBMITTED, principal=True)
    return Scenario(
        kind=name,
        title=f"{kind.name}（2026年）",
        submitted=SUBMITTED,
        day=DAY,
        decisions=topics_of(government, kind),
        chair=chair,
        entrusted_by=holder(people, entrusted[1], government) if entrusted else None,
        participants=() if kind.members else (chair, *principal),
        **fields,
    )


async def approved_request(api: Api, people: Composition, kind: str, request: str) -> str:
    """A work meeting (HC-46) that was asked for and approved: class 1 by a decision of the executive meeting."""
    await load_composition(api, people)
    await api.set_clock(at(SUBMITTED))
    first = request.endswith("1")
    asker = "hc-head" if first else "hc-zjj-clerk"
    body = {"type": request, "title": "全区重点工作部署会议", "day": str(DAY), "document": "环建〔2026〕9号",
            "sponsor": "hc-zjj"}  # fmt: skip
    asked = await api.command("meeting", "/v1/planning-requests", body, asker)
    path = f"/v1/planning-requests/{asked['id']}/steps"
    if first:
        job = MainJob(
            api, people, scenario_for(people, "huancui", "executive").model_copy(update={"day": date(2026, 4, 22)})
        )
        meeting = await job.to_signed_minutes()
        decisions = await api.get("meeting", "/v1/decisions", meeting_id=meeting["id"])
        passed = next(d for d in decisions["items"] if d["resolution"]["outcome"] == "passed")
        step = {"step": "decide", "decision_id": passed["id"]}
        asked = await api.command("meeting", path, step, "hc-office-clerk", asked["version"])
    else:
        asked = await api.command("meeting", path, {"step": "review"}, "hc-office-clerk", asked["version"])
        asked = await api.command("meeting", path, {"step": "decide"}, "hc-head", asked["version"])
    assert asked["state"] == "approved"
    return str(asked["id"])


@pytest.mark.parametrize(("government", "name"), KINDS, ids=[f"{g}-{k}" for g, k in KINDS])
async def test_a_topic_goes_through_its_meeting_to_the_ledger(
    government: str, name: str, api: Callable[[str], Api]
) -> None:
    people, kind, here = composition_of(government), BOOKS[government].kind(name), api(government)
    request_id = None
    if kind.request:
        with pytest.raises(Refused) as refused:
            await MainJob(here, people, scenario_for(people, government, name)).run()
        assert refused.value.problem["clause"] == kind.clause
        request_id = await approved_request(here, people, name, kind.request)
    report = await MainJob(here, people, scenario_for(people, government, name, request_id=request_id)).run()
    if not kind.decides:
        assert report.landed == []
        return
    (landed,) = report.landed
    meeting = await here.get("meeting", f"/v1/meetings/{landed.decision['meeting_id']}")
    assert (meeting["kind"], meeting["state"], meeting["chair"]) == (
        name,
        "signed",
        chair_of(people, government, name, kind),
    )
    assert (landed.entry["due"], landed.entry["lead"]["code"]) == ("2026-09-30", f"{PREFIX[government]}-zjj")
    signed = [step["official"] for step in meeting["minutes_steps"]][-1]
    assert signed in lawful_signatories(people, meeting, kind)


def lawful_signatories(people: Composition, meeting: Json, kind: MeetingKind) -> set[str]:
    assert kind.minutes
    entrusting = meeting["entrustment"]["by"] if meeting["entrustment"] else None
    return {
        official
        for actor in kind.minutes.steps[-1].by
        for official in people.holders(
            actor.role, DAY, context=RoleContext(chair=meeting["chair"], entrusting=entrusting)
        )
    }


def test_all_kinds_of_the_clauses_are_there() -> None:
    assert {government: len(book.meetings) for government, book in BOOKS.items()} == {
        "dalian": 5, "xigang": 5, "shuangtaizi": 4, "huancui": 6, "zhanqian": 5,
    }  # fmt: skip
