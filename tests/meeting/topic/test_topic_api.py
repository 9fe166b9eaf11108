"""A topic over HTTP, from its submission to an agenda, under the rules of governments that ask for different things."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import uuid4

import pytest

from tests.conftest import composition_of
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.rules.vocabulary import NotePart, PaperKind, Role

DAY = date(2026, 3, 9)
PAPERS = [{"kind": kind, "title": f"材料（{kind}）", "parts": list(NotePart)} for kind in PaperKind]

SIDES = {"hc-zjj": "群众期盼", "hc-czj": "预算已定"}


class Desk:
    """One government's people at work on one topic."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.topic: Json = {}

    async def begin(self) -> None:
        await load_composition(self.api, composition_of(self.api.government))
        await self.api.set_clock(at(DAY))

    async def submit(self, official: str, **fields: object) -> Json:
        body = {"title": "关于某事项的请示", "meeting_kind": "executive", "papers": PAPERS} | fields
        self.topic = await self.api.command("meeting", "/v1/topics", body, official)
        return self.topic

    async def do(self, what: str, official: str, **body: object) -> Json:
        path = f"/v1/topics/{self.topic['id']}/{what}"
        self.topic = await self.api.command("meeting", path, dict(body), official, self.topic["version"])
        return self.topic

    async def step(self, name: str, official: str) -> Json:
        return await self.do("steps", official, step=name, opinion="同意")

    async def refused(self, what: str, official: str, **body: object) -> tuple[str, str | None]:
        """Code and clause of the refusal; the topic stays as it was."""
        with pytest.raises(Refused) as caught:
            await self.do(what, official, **body)
        now = await self.api.get("meeting", f"/v1/topics/{self.topic['id']}")
        assert now["version"] == self.topic["version"]
        return caught.value.code, caught.value.problem.get("clause")

    def outstanding(self) -> dict[str, str | None]:
        return {each["code"]: each["clause"] for each in self.topic["outstanding"]}


@pytest.fixture
async def huancui(api: Callable[[str], Api]) -> Desk:
    desk = Desk(api("huancui"))
    await desk.begin()
    return desk


@pytest.fixture
async def xigang(api: Callable[[str], Api]) -> Desk:
    desk = Desk(api("xigang"))
    await desk.begin()
    return desk


async def test_departments_agree_or_their_disagreement_is_coordinated_before_the_principals_sign(huancui: Desk) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="planning", concerned=["hc-czj", "hc-yjj"])
    assert huancui.outstanding()["not_consulted"] == "HC-25"
    assert huancui.outstanding()["topic_form_unsigned"] == "HC-49"
    office, principal = "hc-office-clerk", principal_of("huancui", "hc-zjj")
    assert await huancui.refused("steps", office, step="review_papers") == ("topic_form_unsigned", "HC-49")
    assert await huancui.refused("signatures", principal, organisation="hc-zjj") == ("not_consulted", "HC-49")
    assert (await huancui.refused("positions", "hc-zjj-clerk", organisation="hc-czj", stance="agrees"))[0] == (
        "not_of_the_organisation"
    )
    assert (await huancui.refused("positions", clerk_of("huancui", "hc-czj"), organisation="hc-czj", stance="objects"))[
        0
    ] == "grounds_missing"
    await huancui.do(
        "positions", clerk_of("huancui", "hc-czj"), organisation="hc-czj", stance="objects", grounds="资金来源不落实"
    )
    await huancui.do("positions", clerk_of("huancui", "hc-yjj"), organisation="hc-yjj", stance="agrees")
    assert await huancui.refused("signatures", principal, organisation="hc-zjj") == ("disagreement_open", "HC-49")
    deputy = in_charge("huancui", "hc-zjj")
    settled = {"agreed": True, "opinion": "分两年安排资金"}
    assert await huancui.refused("coordination", deputy, **settled) == ("coordination_note_missing", "HC-49")
    await huancui.do(
        "coordination-note",
        "hc-zjj-clerk",
        grounds={"hc-czj": "年度预算已定", "hc-zjj": "群众期盼"},
        preferred="建议分年度安排",
    )
    assert await huancui.refused("coordination", "hc-zjj-clerk", **settled) == ("not_the_coordinator", "HC-49")
    await huancui.do("coordination", deputy, **settled)
    assert await huancui.refused("signatures", "hc-zjj-clerk", organisation="hc-zjj") == ("not_the_principal", "HC-49")
    for organisation in ("hc-zjj", "hc-czj", "hc-yjj"):
        await huancui.do("signatures", principal_of("huancui", organisation), organisation=organisation)
    await huancui.step("review_papers", office)
    await huancui.step("approve_papers", deputy)
    assert (huancui.topic["state"], huancui.topic["outstanding"]) == ("ready", [])


async def test_an_objection_after_the_coordination_opens_the_disagreement_again(huancui: Desk) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="planning", concerned=["hc-czj"])
    finance, objection = clerk_of("huancui", "hc-czj"), {"organisation": "hc-czj", "stance": "objects"}
    await huancui.do("positions", finance, grounds="资金来源不落实", **objection)
    await huancui.do("coordination-note", "hc-zjj-clerk", grounds=SIDES, preferred="建议分年度安排")
    await huancui.do("coordination", in_charge("huancui", "hc-zjj"), agreed=True, opinion="分两年安排")
    assert "disagreement_open" not in huancui.outstanding()
    await huancui.do("positions", finance, grounds="分两年也无资金", **objection)
    assert huancui.outstanding()["disagreement_open"] == "HC-49"


async def test_a_note_has_the_sponsors_own_side_as_well_and_the_older_one_is_kept_when_it_is_written_anew(
    huancui: Desk,
) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="planning", concerned=["hc-czj"])
    finance = {"organisation": "hc-czj", "stance": "objects", "grounds": "资金来源不落实"}
    await huancui.do("positions", clerk_of("huancui", "hc-czj"), **finance)
    for side in ("hc-czj", "hc-zjj"):
        one = {"grounds": {side: SIDES[side]}, "preferred": "分年度安排"}
        assert await huancui.refused("coordination-note", "hc-zjj-clerk", **one) == (
            "coordination_note_missing", "HC-49",
        )  # fmt: skip
    await huancui.do("coordination-note", "hc-zjj-clerk", grounds=SIDES, preferred="分年度安排")
    await huancui.do("coordination-note", "hc-zjj-clerk", grounds=SIDES, preferred="明年一并安排")
    assert huancui.topic["coordination_note"]["preferred"] == "明年一并安排"
    assert [note["preferred"] for note in huancui.topic["earlier_notes"]] == ["分年度安排"]


async def test_blanks_are_no_grounds_and_no_opinion(huancui: Desk) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="planning", concerned=["hc-czj"])
    finance, objection = clerk_of("huancui", "hc-czj"), {"organisation": "hc-czj", "stance": "objects"}
    for blank in ("   ", "\u3000\u3000\n"):
        assert (await huancui.refused("positions", finance, grounds=blank, **objection))[0] == "grounds_missing"
        for what, official, body in (
            ("coordination-note", "hc-zjj-clerk", {"grounds": SIDES | {"hc-czj": blank}, "preferred": "分年度安排"}),
            ("coordination-note", "hc-zjj-clerk", {"grounds": SIDES, "preferred": blank}),
            ("coordination", in_charge("huancui", "hc-zjj"), {"agreed": True, "opinion": blank}),
        ):
            assert (await huancui.refused(what, official, **body))[0] == "invalid_payload"
    await huancui.do("positions", finance, grounds="\u3000资金来源不落实 ", **objection)
    assert huancui.topic["positions"][0]["grounds"] == "资金来源不落实"


async def test_a_department_that_is_asked_is_called_by_its_name_and_not_the_sponsor(huancui: Desk) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="planning", concerned=["hc-czj"])
    with pytest.raises(Refused) as refused:
        await huancui.do("positions", "hc-zjj-clerk", organisation="hc-czj", stance="agrees")
    satisfy = refused.value.problem["satisfy"]
    assert composition_of("huancui").organisation_names["hc-czj"] in satisfy
    assert "主办部门" not in satisfy and "sponsor" not in satisfy


async def test_only_a_stated_urgency_waives_the_fifteen_days_and_stated_later_it_is_seen_by_everybody_again(
    api: Callable[[str], Api],
) -> None:
    """DL-43: a department's request comes 15 days ahead, unless it is specially urgent."""
    desk = Desk(api("dalian"))
    await desk.begin()
    people = composition_of("dalian")
    deputy = in_charge("dalian", "dl-czj")
    body = {"sponsor": "dl-czj", "meeting_kind": "head-office", "convener": deputy}
    await desk.submit(clerk_of("dalian", "dl-czj"), urgency=" \u3000 ", **body)
    assert desk.topic["urgency"] == ""

    async def through_the_chain() -> None:
        while step := desk.topic["next_step"]:
            await desk.step(step["step"], step["officials"][0])

    await through_the_chain()
    call = {"kind": "head-office", "title": "市长办公会议", "day": "2026-03-16", "convener": deputy}
    call["participants"] = {"officials": ["dl-head"]}  # type: ignore[assignment]
    office = people.holders(Role.office, DAY)[-1]
    meeting = await desk.api.command("meeting", "/v1/meetings", call, office)
    add = f"/v1/meetings/{meeting['id']}/agenda", {"topic_id": desk.topic["id"]}, office, meeting["version"]
    with pytest.raises(Refused) as refused:
        await desk.api.command("meeting", *add)
    assert (refused.value.code, refused.value.problem["clause"]) == ("papers_late", "DL-43")
    assert "nobody" not in refused.value.problem["satisfy"] and "urgency" in refused.value.problem["satisfy"]
    assert (await desk.refused("late-admission", "dl-head", reason="紧急", meeting_id=meeting["id"]))[0] == "firm"
    assert (await desk.refused("urgency", clerk_of("dalian", "dl-czj"), urgency="  "))[0] == "invalid_payload"
    assert (await desk.refused("urgency", office, urgency="防汛"))[0] == "not_the_sponsor"
    await desk.do("urgency", clerk_of("dalian", "dl-czj"), urgency="防汛应急")
    assert (desk.topic["state"], desk.topic["steps"]) == ("in_review", [])
    assert (desk.topic["history"][-1]["turn"], desk.topic["history"][-1]["before"]) == (
        "urgency_stated", {"urgency": ""},
    )  # fmt: skip
    await through_the_chain()
    assert (await desk.api.command("meeting", *add))["agenda"][0]["topic_id"] == desk.topic["id"]


async def test_the_justice_organ_records_its_legality_review_even_after_a_failed_one(huancui: Desk) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="normative", aspects=["normative_document"])
    record = {"gate": "legality_review", "carried_out_by": "区司法局", "reference": "环司审〔2026〕3号"}
    await huancui.do("gates", clerk_of("huancui", "hc-sfj"), passed=False, **record)
    assert await huancui.refused("gates", "hc-zjj-clerk", passed=True, **record) == ("not_the_recorder", "HC-19")
    await huancui.do("gates", clerk_of("huancui", "hc-sfj"), passed=True, **record)
    other = {"gate": "public_consultation", "passed": True, "carried_out_by": "区司法局"}
    assert await huancui.refused("gates", clerk_of("huancui", "hc-sfj"), **other) == ("not_the_recorder", "HC-19")


async def test_who_carried_a_check_out_records_it_or_the_office_from_its_paper(huancui: Desk) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="normative", aspects=["normative_document"])
    wanted = {(gate["gate"], gate["clause"]) for gate in huancui.topic["gates"] if not gate["passed"]}
    assert wanted == {("legality_review", "HC-19"), ("public_consultation", "HC-19"), ("legal_counsel", "HC-22")}
    may = {gate["gate"]: gate["recorders"] for gate in huancui.topic["gates"]}
    assert may["legality_review"] == ["justice_organ", "office"]
    principal, clerk, office = principal_of("huancui", "hc-zjj"), "hc-zjj-clerk", "hc-office-clerk"
    record = {"gate": "legality_review", "passed": True, "carried_out_by": "区司法局", "reference": "环司审〔2026〕3号"}
    for sponsors in (clerk, principal):
        assert await huancui.refused("gates", sponsors, **record) == ("not_the_recorder", "HC-19")
    assert (await huancui.refused("gates", clerk_of("huancui", "hc-czj"), **record))[0] == "topic_not_found"
    assert huancui.topic["gate_records"] == []
    no_paper = record | {"reference": ""}
    assert (await huancui.refused("gates", office, **no_paper))[0] == "reference_missing"
    await huancui.do("gates", office, **record)
    counsel = record | {"gate": "legal_counsel", "carried_out_by": "政府法律顾问", "reference": ""}
    assert await huancui.refused("gates", clerk, **counsel) == ("not_the_recorder", "HC-22")
    await huancui.do("gates", principal, **counsel)
    await huancui.do("signatures", principal, organisation="hc-zjj")
    assert await huancui.refused("steps", office, step="review_papers") == ("gate_not_passed", "HC-19")
    await huancui.do("gates", principal, **counsel | {"gate": "public_consultation"})
    await huancui.step("review_papers", office)
    told = [(each["gate"], each["recorded_by"], each["confirmation"]) for each in huancui.topic["gate_records"]]
    assert told == [
        ("legality_review", office, "from_paper"),
        ("legal_counsel", principal, "carried_out"),
        ("public_consultation", principal, "carried_out"),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_refusal_of_a_sponsors_own_legality_review_names_who_may_record_it(
    huancui: Desk, language: str
) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="normative", aspects=["normative_document"])
    path = f"{huancui.api._addresses['meeting']}/v1/topics/{huancui.topic['id']}/gates"
    headers = {
        "Authorization": f"Bearer {huancui.api.token('hc-zjj-clerk')}",
        "Idempotency-Key": str(uuid4()),
        "If-Match": f'"{huancui.topic["version"]}"',
        "Accept-Language": language,
    }
    record = {
        "gate": "legality_review",
        "passed": True,
        "carried_out_by": "区司法局",
        "reference": "环司审〔2026〕99号",
    }
    answer = await huancui.api._client.post(path, json=record, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["clause"]) == (403, "not_the_recorder", "HC-19")
    assert problem["required_roles"] == ["justice_organ", "office"]
    justice = composition_of("huancui").names(composition_of("huancui").holders(Role.justice_organ, DAY))
    assert justice and all(name in problem["satisfy"] for name in justice)
    assert ("from its paper" if language == "en" else "书面材料") in problem["satisfy"]


async def test_a_returned_topic_comes_again_with_new_papers_and_keeps_what_it_went_through(xigang: Desk) -> None:
    await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", matter="requests")
    deputy = in_charge("xigang", "xg-zjj")
    await xigang.step("review", deputy)
    assert (await xigang.refused("return", "xg-zjj-clerk", reason="材料有误"))[0] == "not_the_actor"
    await xigang.do("return", "xg-office-clerk", reason="起草说明与正文不一致")
    assert (xigang.topic["state"], xigang.topic["steps"], xigang.topic["next_step"]) == ("returned", [], None)
    assert (await xigang.refused("steps", deputy, step="review"))[0] == "illegal_state"
    note = next(paper for paper in xigang.topic["papers"] if paper["kind"] == "drafting_note")
    body = {"kind": "drafting_note", "title": "起草说明（修改稿）", "parts": list(NotePart), "replaces": note["id"]}
    assert (await xigang.refused("papers", clerk_of("xigang", "xg-czj"), **body))[0] == "topic_not_found"
    await xigang.do("papers", "xg-zjj-clerk", **body)
    versions = [
        (p["title"], p["number"], p["replaced_by"] is None) for p in xigang.topic["papers"] if "起草" in p["title"]
    ]
    assert versions == [("起草说明（修改稿）", 2, True)]
    assert next(p for p in xigang.topic["papers"] if p["id"] == note["id"])["replaced_by"] is not None
    await xigang.do("resubmission", "xg-zjj-clerk", reason="已按意见修改")
    assert [entry["turn"] for entry in xigang.topic["history"]] == ["returned", "resubmitted"]
    assert [step["official"] for step in xigang.topic["history"][0]["steps"]] == [deputy]
    assert xigang.topic["next_step"]["step"] == "review"


async def test_a_note_that_loses_a_part_is_refused_and_a_replaced_paper_cannot_be_replaced_again(xigang: Desk) -> None:
    await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", matter="requests")
    note = next(paper for paper in xigang.topic["papers"] if paper["kind"] == "drafting_note")
    body = {"kind": "drafting_note", "title": "起草说明", "replaces": note["id"]}
    assert await xigang.refused("papers", "xg-zjj-clerk", **body) == ("papers_missing", "XG-35")
    await xigang.do("papers", "xg-zjj-clerk", parts=list(NotePart), **body)
    assert (await xigang.refused("papers", "xg-zjj-clerk", parts=list(NotePart), **body))[0] == "no_such_paper"


async def test_who_approved_the_papers_sees_the_new_ones(huancui: Desk) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="planning")
    await huancui.do("signatures", principal_of("huancui", "hc-zjj"), organisation="hc-zjj")
    await huancui.step("review_papers", "hc-office-clerk")
    await huancui.step("approve_papers", in_charge("huancui", "hc-zjj"))
    assert huancui.topic["state"] == "ready"
    await huancui.do("papers", "hc-zjj-clerk", kind="annex", title="补充测算表")
    assert (huancui.topic["state"], huancui.topic["next_step"]["step"]) == ("in_review", "review_papers")
    assert huancui.topic["history"][-1]["turn"] == "papers_changed"
    assert len(huancui.topic["history"][-1]["steps"]) == 2


async def test_another_text_passes_its_gates_and_its_whole_chain_anew(huancui: Desk) -> None:
    await huancui.submit(
        "hc-zjj-clerk", sponsor="hc-zjj", matter="normative", aspects=["market_related"], concerned=["hc-czj"]
    )
    agrees = {"organisation": "hc-czj", "stance": "agrees"}
    await huancui.do("positions", clerk_of("huancui", "hc-czj"), **agrees)
    review = {"gate": "fair_competition_review", "passed": True, "carried_out_by": "区市场监管局", "reference": "1号"}
    await huancui.do("gates", "hc-office-clerk", **review)
    for organisation in ("hc-zjj", "hc-czj"):
        await huancui.do("signatures", principal_of("huancui", organisation), organisation=organisation)
    await huancui.step("review_papers", "hc-office-clerk")
    assert huancui.outstanding() == {"topic_not_ready": "HC-50"}
    text = next(paper["id"] for paper in huancui.topic["papers"] if paper["kind"] == "main_document")
    await huancui.do("papers", "hc-zjj-clerk", kind="main_document", title="正文（改稿）", replaces=text)
    assert (huancui.topic["steps"], huancui.topic["signatures"]) == ([], [])
    assert huancui.outstanding() == {
        "not_consulted": "HC-25", "gate_not_passed": "HC-25", "topic_form_unsigned": "HC-49", "topic_not_ready": "HC-50",
    }  # fmt: skip
    assert len(huancui.topic["gate_records"]) == len(huancui.topic["positions"]) == 1


async def test_the_sponsor_cannot_shed_an_objector_or_a_gate_by_submitting_again(huancui: Desk) -> None:
    await huancui.submit(
        "hc-zjj-clerk", sponsor="hc-zjj", matter="normative", aspects=["market_related"], concerned=["hc-czj", "hc-yjj"]
    )
    await huancui.do("withdrawal", "hc-zjj-clerk", reason="调整")
    for less in ({"concerned": ["hc-yjj"]}, {"aspects": []}):
        assert (await huancui.refused("resubmission", "hc-zjj-clerk", reason="调整", **less))[0] == "not_the_office"
    twice = {"reason": "调整", "concerned": ["hc-yjj", "hc-czj", "hc-yjj"]}
    assert (await huancui.refused("resubmission", "hc-office-clerk", **twice))[0] == "invalid_payload"
    await huancui.do(
        "resubmission",
        "hc-office-clerk",
        reason="经核实不涉及财政",
        concerned=["hc-zjj", "hc-yjj"],
        urgency="汛期",
    )
    assert (huancui.topic["concerned"], huancui.topic["urgency"]) == (["hc-yjj"], "汛期")


async def test_a_failed_gate_is_not_passed_by_a_statement_of_the_sponsor(huancui: Desk) -> None:
    await huancui.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="normative", aspects=["market_related"])
    review = {"gate": "fair_competition_review", "carried_out_by": "区市场监管局", "reference": "1号"}
    await huancui.do("gates", "hc-zjj-clerk", passed=False, **review)
    assert huancui.topic["gate_records"][-1]["confirmation"] == "stated"
    for sponsors in ("hc-zjj-clerk", principal_of("huancui", "hc-zjj")):
        assert await huancui.refused("gates", sponsors, passed=True, **review) == ("not_the_recorder", "HC-25")
    await huancui.do("gates", "hc-office-clerk", passed=True, **review)
    assert "gate_not_passed" not in huancui.outstanding()


async def test_whoever_sends_papers_cannot_say_that_they_came_earlier(xigang: Desk) -> None:
    earlier = at(DAY.replace(day=2)).isoformat()
    with pytest.raises(Refused, match="receipt_stated_by_the_sender"):
        await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", matter="requests", occurred_at=earlier)
    await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", matter="requests", occurred_at=at(DAY, 8).isoformat())
    annex = {"kind": "annex", "title": "测算表", "occurred_at": earlier}
    assert (await xigang.refused("papers", "xg-zjj-clerk", **annex))[0] == "receipt_stated_by_the_sender"
    await xigang.do("papers", "xg-office-clerk", **annex)


async def test_a_withdrawn_topic_takes_no_step_and_may_come_again(xigang: Desk) -> None:
    await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", matter="requests")
    assert (await xigang.refused("withdrawal", "xg-office-clerk", reason="不再需要"))[0] == "not_the_sponsor"
    await xigang.do("withdrawal", "xg-zjj-clerk", reason="情况有变化")
    assert (await xigang.refused("steps", in_charge("xigang", "xg-zjj"), step="review"))[0] == "illegal_state"
    await xigang.do("resubmission", "xg-zjj-clerk", reason="情况已明确")
    assert xigang.topic["state"] == "in_review"


async def test_a_resubmitted_topic_may_declare_other_aspects_and_shows_the_former_ones(
    xigang: Desk,
) -> None:
    await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", meeting_kind="head-office")
    await xigang.do("return", "xg-office-clerk", reason="属重大事项，请核实")
    again = {"reason": "已核实", "aspects": ["major_matter"], "title": "关于某重大事项的请示"}
    assert await xigang.refused("resubmission", "xg-zjj-clerk", **again) == ("reserved_matter", "XG-30")
    await xigang.do("resubmission", "xg-zjj-clerk", prepares_for="executive", **again)
    assert (xigang.topic["state"], xigang.topic["aspects"]) == ("in_review", ["major_matter"])
    assert xigang.topic["history"][-1]["before"] == {
        "title": "关于某事项的请示", "aspects": [], "prepares_for": None,
    }  # fmt: skip
    assert ("assessment", "XG-16") in [(gate["gate"], gate["clause"]) for gate in xigang.topic["gates"]]


async def test_whoever_raised_a_topic_and_left_office_goes_on_with_it_no_more(xigang: Desk) -> None:
    deputy = in_charge("xigang", "xg-zjj")
    await xigang.submit(deputy, sponsor="xg-zjj", matter="requests", raised_by="deputy")
    people = composition_of("xigang")
    posts = tuple(post for post in people.posts if post.official != deputy)
    await load_composition(xigang.api, people.model_copy(update={"posts": posts}))
    assert (await xigang.refused("withdrawal", deputy, reason="离任前撤回"))[0] == "topic_not_found"
    await load_composition(xigang.api, people)
    await xigang.do("withdrawal", deputy, reason="情况有变化")
    assert xigang.topic["state"] == "withdrawn"


async def test_what_a_topic_declares_itself_to_be_decides_where_it_may_go(xigang: Desk) -> None:
    """XG-30: a major matter is decided by the plenary or executive meeting; another may prepare it for them."""
    body = {"sponsor": "xg-zjj", "aspects": ["major_matter"], "meeting_kind": "head-office"}
    with pytest.raises(Refused) as refused:
        await xigang.submit("xg-zjj-clerk", **body)
    assert (refused.value.code, refused.value.problem["clause"]) == ("reserved_matter", "XG-30")
    assert refused.value.problem["reserved_for"] == ["plenary", "executive"]
    topic = await xigang.submit("xg-zjj-clerk", prepares_for="executive", **body)
    assert (topic["prepares_for"], topic["meeting_kind"]) == ("executive", "head-office")


async def test_a_topic_of_the_head_or_for_transmission_is_exempt_from_the_earlier_meeting_and_says_so(
    xigang: Desk,
) -> None:
    await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", matter="requests")
    assert xigang.outstanding()["prior_meeting_missing"] == "XG-34"
    assert xigang.topic["exempt_from_prior_meeting"] is None
    await xigang.submit("xg-head", sponsor="xg-zjj", matter="requests", raised_by="head")
    assert (xigang.topic["exempt_from_prior_meeting"], "prior_meeting_missing" in xigang.outstanding()) == (
        "XG-34",
        False,
    )
    await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", matter="transmission", nature="transmission")
    assert xigang.topic["exempt_from_prior_meeting"] == "XG-34"


async def test_the_head_does_not_decide_on_a_topic_before_the_special_meeting_found_a_plan(xigang: Desk) -> None:
    await xigang.submit("xg-zjj-clerk", sponsor="xg-zjj", matter="requests")
    while (step := xigang.topic["next_step"])["step"] != "decide":
        await xigang.step(step["step"], step["officials"][0])
    assert await xigang.refused("steps", "xg-head", step="decide") == ("prior_meeting_missing", "XG-34")


async def test_where_the_chair_decides_on_topics_it_is_said_who_is_to_chair(api: Callable[[str], Api]) -> None:
    desk = Desk(api("shuangtaizi"))
    await desk.begin()
    body = {"sponsor": "st-zjj", "meeting_kind": "business"}
    with pytest.raises(Refused, match="convener_missing"):
        await desk.submit("st-zjj-clerk", **body)
    with pytest.raises(Refused, match="not_a_convener"):
        await desk.submit("st-zjj-clerk", convener="st-head", **body)
    deputy = in_charge("shuangtaizi", "st-zjj")
    await desk.submit("st-zjj-clerk", convener=deputy, **body)
    assert (desk.topic["next_step"]["step"], desk.topic["next_step"]["officials"]) == ("propose", [deputy])
    assert await desk.refused("steps", "st-head", step="propose") == ("not_the_actor", "ST-42")
    await desk.step("propose", deputy)
    assert desk.topic["state"] == "ready"


async def test_an_important_disagreement_is_settled_by_the_head(api: Callable[[str], Api]) -> None:
    """ST-24: grounds and a proposal by the sponsor, the deputy coordinates, the head decides what is important."""
    desk = Desk(api("shuangtaizi"))
    await desk.begin()
    await desk.submit("st-zjj-clerk", sponsor="st-zjj", matter="requests", concerned=["st-czj"])
    await desk.do(
        "positions", clerk_of("shuangtaizi", "st-czj"), organisation="st-czj", stance="objects", grounds="无资金安排"
    )
    await desk.do(
        "coordination-note",
        "st-zjj-clerk",
        grounds={"st-zjj": "汛期将至", "st-czj": "无资金安排"},
        preferred="建议先行启动",
    )
    await desk.do("coordination", in_charge("shuangtaizi", "st-zjj"), agreed=False, opinion="未能一致，报区长")
    assert desk.outstanding()["disagreement_open"] == "ST-24"
    await desk.do("coordination", "st-head", agreed=False, opinion="按主办部门意见办理")
    assert "disagreement_open" not in desk.outstanding()


def principal_of(government: str, organisation: str) -> str:
    return composition_of(government).of_organisation(organisation, DAY, principal=True)[0]


def clerk_of(government: str, organisation: str) -> str:
    return composition_of(government).of_organisation(organisation, DAY)[-1]


def in_charge(government: str, organisation: str) -> str:
    portfolios = composition_of(government).portfolios
    return next(each.official for each in portfolios if organisation in each.organisations)
