"""Gates that may be passed after the meeting: topics with open ones, and which they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import queries as topic_queries
from meeting_svc.topic.topic import Topic
from tests.conftest import composition_of, scenario_of
from tests.meeting.council import Council, Hold
from tests.meeting.examples import DAY, book, resolution
from tests.meeting.topic.test_gate import GOVERNMENTS, ON_ASPECTS, declaring, named, passed
from zhengling.local.client import Json, at
from zhengling.rules.meetings import GateRule
from zhengling.rules.vocabulary import Aspect, Block, Outcome

AFTERWARDS = [(g, r) for g, r in ON_ASPECTS if r.blocks in (Block.issue, Block.tracked)]


def test_every_government_has_gates_that_may_be_passed_after_the_meeting() -> None:
    assert {government for government, _ in AFTERWARDS} == set(GOVERNMENTS)


@pytest.mark.parametrize(("government", "rule"), AFTERWARDS, ids=named(AFTERWARDS))
def test_a_gate_for_after_the_meeting_is_open_until_it_was_passed_for_the_text_as_it_stands(
    government: str, rule: GateRule
) -> None:
    rules = book(government).topics
    topic = declaring(government, rule, *rule.any_of[:1])
    assert rule in declarations.open_gates(topic, rules)
    topic.gates = [passed(rule)]
    assert rule not in declarations.open_gates(topic, rules)
    topic.gates = [passed(rule), passed(rule, passed=False)]
    assert rule in declarations.open_gates(topic, rules), "the newest record counts"
    topic.gates, topic.text_since = [passed(rule)], at(DAY)
    assert rule in declarations.open_gates(topic, rules), "another text"
    assert declarations.open_gates(declaring(government, rule), rules) == []


@pytest.mark.parametrize(("government", "rule"), ON_ASPECTS, ids=named(ON_ASPECTS))
def test_a_decision_states_the_aspects_and_the_gates_passed_with_their_proof(government: str, rule: GateRule) -> None:
    rules = book(government).topics
    topic = declaring(government, rule, *rule.any_of[:1])
    before = declarations.with_topic(resolution(topic.id), topic, rules)
    assert rule.gate not in {each.gate for each in before.gates}
    record = passed(rule)
    topic.gates = [record]
    stated = declarations.with_topic(resolution(topic.id), topic, rules)
    assert stated.aspects == tuple(topic.aspects)
    (gate,) = [each for each in stated.gates if each.gate == rule.gate]
    proof = (record.carried_out_by, record.reference, record.occurred_at)
    assert (gate.carried_out_by, gate.reference, gate.occurred_at) == proof
    topic.gates = [record, passed(rule, passed=False)]
    assert rule.gate not in {each.gate for each in declarations.passed_gates(topic, rules)}


async def test_a_page_of_them_costs_one_statement_and_shows_nothing_that_was_passed_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    government, rule = next((g, r) for g, r in AFTERWARDS if g == "huancui")
    rows = [declaring(government, rule, *rule.any_of[:1]) for _ in range(50)]
    for n, row in enumerate(rows):
        row.id, row.gates_open, row.modified_at = f"t{n}", True, at(DAY)
    rows[7].gates = [passed(rule)]
    pages = 0

    there = composition_of(government)

    async def a_page(*_: object) -> tuple[list[Topic], str]:
        nonlocal pages
        pages += 1
        return rows, "more"

    async def people(*_: object) -> object:
        return there

    monkeypatch.setattr(topic_queries, "page", a_page)

    async def nobody(*_: object) -> set[tuple[str, str]]:
        return set()

    monkeypatch.setattr("zhengling.replicas.composition.current", people)
    monkeypatch.setattr(topic_queries, "entrusted_chairs", nobody)
    call: Any = SimpleNamespace(
        session=object(),  # which answers nothing
        now=at(DAY),
        language="zh",
        says=lambda text: text.zh,
        government=government,
        service=SimpleNamespace(rulebooks=SimpleNamespace(edition=lambda *_: book(government))),
    )
    request: Any = None
    listed = await topic_queries.list_topics(call, request, None, None, None, True, None)
    assert [view.id for view in listed.items] == [row.id for n, row in enumerate(rows) if n != 7]
    assert {gate.clause for view in listed.items for gate in view.open_gates} == {rule.clause}
    assert (pages, listed.next_cursor) == (1, "more")


async def followed(hc: Council, **query: str) -> list[Json]:
    """Every topic of the filter, two at a time."""
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = await hc.api.get("meeting", "/v1/topics", open_gates="true", limit="2", **cursor, **query)
        assert len(page["items"]) <= 2
        found += page["items"]
        if page["next_cursor"] is None:
            assert len({topic["id"] for topic in found}) == len(found)
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_an_office_finds_the_topics_of_decided_meetings_too_and_what_is_open_on_each(council: Hold) -> None:
    study, coast, third = scenario_of("huancui").decisions
    touched = {"aspects": (Aspect.congress_competence,), "due": None}
    planned = (
        study,
        coast.model_copy(update=touched | {"outcome": Outcome.passed}),
        third.model_copy(update=touched | {"outcome": Outcome.not_passed}),
    )
    hc = council("huancui", decisions=planned)
    hc = await hc.signed()
    plain, decided, not_passed = sorted(await hc.decisions(), key=lambda each: each["resolution"]["number"])
    body = {
        "title": "关于预算调整的请示",
        "meeting_kind": "executive",
        "sponsor": "hc-zjj",
        "matter": "planning",
        "papers": [{"kind": "main_document", "title": "正文"}],
    }
    waiting = await hc.api.command("meeting", "/v1/topics", body | {"aspects": ["congress_competence"]}, "hc-zjj-clerk")
    found = {topic["id"]: topic for topic in await followed(hc)}
    assert {decided["topic_id"], waiting["id"]} <= set(found)
    assert not {plain["topic_id"], not_passed["topic_id"]} & set(found), "nothing to follow, nothing adopted"
    topic = found[decided["topic_id"]]
    assert (topic["state"], topic["meeting_id"]) == ("concluded", hc.meeting["id"])
    assert [(gate["gate"], gate["clause"], gate["blocks"], gate["passed"]) for gate in topic["open_gates"]] == [
        ("peoples_congress", "HC-35", "tracked", False)
    ]
    assert topic["open_gates"][0]["lacks"]
    only_decided = {each["id"] for each in await followed(hc, state="concluded")}
    assert decided["topic_id"] in only_decided
    assert waiting["id"] not in only_decided
    listed = (await hc.api.get("meeting", "/v1/topics", limit="200", kind="executive"))["items"]
    assert {plain["topic_id"], not_passed["topic_id"], waiting["id"]} <= {each["id"] for each in listed}

    taken_back = await hc.api.command(
        "meeting", f"/v1/topics/{waiting['id']}/withdrawal", {"reason": "不再提交"}, "hc-zjj-clerk", waiting["version"]
    )
    assert taken_back["open_gates"], "it still shows what it would need"
    record = {
        "gate": "peoples_congress",
        "passed": True,
        "carried_out_by": "区人大常委会",
        "reference": "人大〔2027〕1号",
    }
    path = f"/v1/topics/{topic['id']}/gates"
    done = await hc.api.command("meeting", path, record, "hc-office-clerk", topic["version"])
    assert done["open_gates"] == []
    assert not {waiting["id"], topic["id"]} & {each["id"] for each in await followed(hc)}


async def test_what_a_correction_revokes_is_followed_no_more(council: Hold) -> None:
    study, coast, _ = scenario_of("huancui").decisions
    touched = {"aspects": (Aspect.congress_competence,), "due": None}
    hc = await council("huancui", decisions=(study, coast.model_copy(update=touched))).signed()
    (decision,) = [each for each in await hc.decisions() if each["resolution"]["number"] == 2]
    assert decision["topic_id"] in {topic["id"] for topic in await followed(hc)}
    await hc.correct({"decision_id": decision["id"], "revoked": True})
    await hc.sign()
    assert decision["topic_id"] not in {topic["id"] for topic in await followed(hc)}
