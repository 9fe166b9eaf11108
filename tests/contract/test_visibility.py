"""Who sees what: each read operation says it, and each kind of caller sees what the model of tests/sight.py says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from demo.main_job import MainJob, PlannedDecision, Scenario
from tests import contents, sight
from tests.conftest import ROOT, composition_of
from tests.sight import Caller
from zhengling.authority.composition import Composition, Official, Post, PostRole
from zhengling.contracts.api_docs import app_of
from zhengling.events.event import SERVICES
from zhengling.local.client import Api, Json, at, load_composition
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.vocabulary import Aspect, FollowingDocument
from zhengling.web.sight import Sees

GOVERNMENT, SPONSOR, LEAD, CO_UNIT = "xigang", "xg-wjj", "xg-mzj", "xg-jyj"
SUBMITTED, DAY = date(2026, 4, 7), date(2026, 4, 21)
PDF = contents.PDF
PEOPLE = {
    Caller.office: "xg-office-clerk",
    Caller.leader: "xg-head",
    Caller.own: "xg-wjj-principal",
    Caller.present: "xg-czj-principal",
    Caller.lead: "xg-mzj-clerk",
    Caller.outsider: "xg-yjj-principal",
    Caller.former: "xg-former",
    Caller.unknown: "xg-nobody",
}


# each operation says it ------------------------------------------------------------------------------------------------
def said() -> dict[str, Sees | None]:
    """Read operation → who sees what it answers, as its route says."""
    found: dict[str, Sees | None] = {}
    for program in SERVICES:
        for route in _routes(app_of(program).routes):
            if "GET" in route.methods or _only_reads(route):
                sees = [getattr(each.call, "sees", None) for each in route.dependant.dependencies]
                found[route.operation_id or route.name] = next((each for each in sees if each), None)
    return found


def _routes(among: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in among:
        if isinstance(route, APIRoute):
            yield route
        elif included := getattr(route, "original_router", None):
            yield from _routes(included.routes)


def _only_reads(route: APIRoute) -> bool:
    return (route.operation_id or "").startswith(("preview", "compute"))


def test_each_read_operation_says_who_sees_its_answer_and_the_model_agrees() -> None:
    found = said()
    assert len(found) > 70
    silent = {name for name, sees in found.items() if sees is None}
    assert silent == set(sight.BY_THEMSELVES)
    assert {name: sees for name, sees in found.items() if sees} == sight.OPERATIONS


def test_the_page_on_identity_shows_the_model() -> None:
    page = (ROOT / "docs/architecture/identity.md").read_text(encoding="utf-8")
    assert sight.table() in page
    assert all(f"{name}: {note}" in page for name, note in sight.NOTES.items())


# each caller sees what the model says ----------------------------------------------------------------------------------
@dataclass
class Scene:
    """One matter of the government, from the topic to the document, and what lies around it."""

    api: Api
    stack: EmbeddedStack
    client: httpx.AsyncClient
    things: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)  # thing → service, path, id
    reasons: tuple[str, str] = ("", "")

    def headers(self, caller: Caller, *more: str) -> dict[str, str]:
        official = PEOPLE.get(caller)
        rights = ("read", "restricted") if caller is Caller.restricted else ("read",)
        scopes = [f"{service}:{right}" for service in SERVICES for right in rights] + list(more)
        token = self.stack.issuer.token(official or "another-system", GOVERNMENT, official=official, scopes=scopes)
        return {"Authorization": f"Bearer {token}"}

    async def get(self, caller: Caller, service: str, path: str, **params: str) -> httpx.Response:
        url = f"{self.stack.addresses()[service]}{path}"
        return await self.client.get(url, headers=self.headers(caller), params=params)

    async def upload(self, official: str) -> str:
        """The id of a file that the official uploads."""
        headers = {"Authorization": f"Bearer {self.api.token(official)}", "Idempotency-Key": f"paper-of-{official}"}
        headers |= {"Content-Type": "application/pdf"}
        url = f"{self.stack.addresses()['meeting']}/v1/files"
        answer = await self.client.post(url, params={"name": "正文.pdf"}, content=PDF, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def sees(self, caller: Caller, service: str, path: str, identity: str) -> tuple[bool, bool]:
        """Whether the caller sees one thing by itself, and in its list."""
        one = await self.get(caller, service, f"{path}/{identity}")
        assert one.status_code in (200, 404), one.text
        cursor, listed = None, False
        while not listed:
            page = await self.get(caller, service, path, limit="200", **({"cursor": cursor} if cursor else {}))
            assert page.status_code == 200, page.text
            listed = identity in [item["id"] for item in page.json()["items"]]
            if (cursor := page.json()["next_cursor"]) is None:
                break
        return one.status_code == 200, listed


def people() -> Composition:
    known = composition_of(GOVERNMENT)
    former = Post(
        official="xg-former",
        role=PostRole.principal,
        organisation=SPONSOR,
        since=date(2022, 1, 1),
        until=date(2025, 12, 31),
    )
    officials = (*known.officials, Official(id="xg-former", name="尹前任"))
    return known.model_copy(update={"officials": officials, "posts": (*known.posts, former)})


def scenario(title: str, **more: Any) -> Scenario:
    planned = PlannedDecision(
        title=title,
        sponsor=SPONSOR,
        task="按要求组织实施",
        lead=LEAD,
        co_units=(CO_UNIT,),
        due=date(2026, 9, 30),
        **more,
    )
    return Scenario(
        kind="special", title=f"研究{title}", submitted=SUBMITTED, day=DAY, decisions=(planned,), chair="xg-dep1",
        participants=("xg-czj-principal",),
    )  # fmt: skip


async def held(api: Api, composition: Composition, plan: Scenario, **decision: Any) -> tuple[MainJob, Json, Json]:
    """A meeting held, with its one decision."""
    job = MainJob(api, composition, plan)
    await api.set_clock(at(SUBMITTED))
    topic = await job.walk_topic(await job.submit(plan.decisions[0]))
    meeting = await job.agenda(await job.call_meeting(), [topic])
    await api.set_clock(at(DAY))
    path = f"/v1/meetings/{meeting['id']}"
    body = {"chair": "xg-dep1", "attendance": job.attendance(["xg-dep1", "xg-czj-principal"], 2)}
    meeting = await api.command("meeting", f"{path}/opening", body, job.organiser, meeting["version"])
    body = plan.decisions[0].body(topic["id"]) | decision
    await api.command("meeting", f"{path}/decisions", body, job.organiser, meeting["version"])
    await api.set_clock(at(DAY, 11))
    meeting = await api.get("meeting", path, job.organiser)
    meeting = await api.command("meeting", f"{path}/closing", {}, job.organiser, meeting["version"])
    (found,) = (await api.get("meeting", "/v1/decisions", meeting_id=meeting["id"]))["items"]
    return job, meeting, found


@pytest.fixture(scope="module")
async def scene(stack: EmbeddedStack) -> Any:
    async with httpx.AsyncClient(timeout=30) as client:
        api = Api(stack.addresses(), stack.issuer, GOVERNMENT, client)
        scene, composition = Scene(api, stack, client), people()
        await load_composition(api, composition)
        await _fill(scene, composition)
        yield scene
        await api.set_clock(None)


async def _fill(scene: Scene, composition: Composition) -> None:
    api = scene.api
    await api.set_clock(at(SUBMITTED))
    topic = {"meeting_kind": "special", "sponsor": SPONSOR, "convener": "xg-dep1"}
    paper = await scene.upload(PEOPLE[Caller.own])
    papers = [{"kind": "main_document", "title": "正文", "file_id": paper}]
    own = PEOPLE[Caller.own]
    review = await api.command("meeting", "/v1/topics", topic | {"title": "一件议题", "papers": papers}, own)
    secret = topic | {"title": "需要保密的议题", "papers": [], "aspects": [Aspect.needs_secrecy]}
    needing = await api.command("meeting", "/v1/topics", secret, own)
    job, meeting, withheld = await held(
        api, composition, scenario("不公开的事项", document=FollowingDocument.to_issue), may_be_published=False
    )
    await job.landing(await job.sign(meeting))
    draft_job, drafted, _ = await held(api, composition, scenario("尚未签发的事项"))
    await api.command("meeting", f"/v1/meetings/{drafted['id']}/minutes", {}, draft_job.organiser, drafted["version"])
    open_job, opened, public = await held(api, composition, scenario("可以公开的事项"))
    await open_job.landing(await open_job.sign(opened))
    request = {"type": "district-meeting", "title": "全区卫生健康工作会议", "sponsor": SPONSOR, "day": "2026-06-18"}
    request |= {"document": "西卫〔2026〕5号", "occurred_at": at(SUBMITTED).isoformat()}
    asked = await api.command("meeting", "/v1/planning-requests", request, own)
    leave = {"kind": "official_trip", "since": "2026-06-08", "until": "2026-06-09", "reason": "赴省城住院治疗"}
    away = await api.command("calendar", "/v1/absences", leave | {"contact": "13800000000"}, own)
    wish = await api.command("calendar", "/v1/absences", leave | {"since": "2026-07-08", "until": "2026-07-09"}, own)
    while step := away["next_step"]:
        path = f"/v1/absences/{away['id']}/approval"
        away = await api.command("calendar", path, {}, step["officials"][0], away["version"])
    async with asyncio.timeout(60):
        while not (documents := await api.get("docflow", "/v1/documents", decision_id=withheld["id"]))["items"]:
            await asyncio.sleep(0.1)
    entries = [
        (await api.get("oversight", "/v1/entries", source_id=each["id"]))["items"][0] for each in (withheld, public)
    ]
    assert (away["state"], wish["state"]) == ("approved", "requested")
    scene.reasons = (away["id"], wish["id"])
    scene.things = {
        "a topic in review": [("meeting", "/v1/topics", review["id"])],
        "a topic that needs secrecy": [("meeting", "/v1/topics", needing["id"])],
        "a paper of a topic": [("meeting", "/v1/files", paper)],
        "a meeting": [("meeting", "/v1/meetings", each["id"]) for each in (meeting, drafted)],
        "minutes that aren't signed": [("meeting", f"/v1/meetings/{drafted['id']}/minutes", "")],
        "signed minutes": [("meeting", f"/v1/meetings/{meeting['id']}/minutes", "")],
        "a decision that isn't to be published": [("meeting", "/v1/decisions", withheld["id"])],
        "a decision that may be published": [("meeting", "/v1/decisions", public["id"])],
        "an entry of the ledger": [("oversight", "/v1/entries", each["id"]) for each in entries],
        "a document in preparation": [("docflow", "/v1/documents", documents["items"][0]["id"])],
        "a planning request": [("meeting", "/v1/planning-requests", asked["id"])],
        "an absence that is asked for": [("calendar", "/v1/absences", wish["id"])],
        "an approved absence": [("calendar", "/v1/absences", away["id"])],
    }


#: Things with a test of their own below.
OTHERWISE = {
    "a published decision", "the reason of an absence", "the composition", "the rules and the calendar",
    "the register of numbers",
}  # fmt: skip


@pytest.mark.parametrize("thing", [each for each in sight.THINGS if each not in OTHERWISE])
async def test_a_thing_shows_itself_to_those_whom_the_model_names(thing: str, scene: Scene) -> None:
    found: dict[Caller, set[tuple[bool, bool]]] = {}
    for caller in Caller:
        found[caller] = set()
        for service, path, identity in scene.things[thing]:
            if identity:
                alone, listed = await scene.sees(caller, service, path, identity)
                if path == "/v1/files":  # a list of files is of those that one uploaded
                    listed = alone
                found[caller].add((alone, listed))
            else:
                answer = await scene.get(caller, service, path)
                assert answer.status_code in (200, 404), answer.text
                found[caller].add((answer.status_code == 200,) * 2)
    assert found == {caller: {(caller in sight.THINGS[thing],) * 2} for caller in Caller}


async def test_minutes_in_their_versions_and_as_documents_show_themselves_alike(scene: Scene) -> None:
    for thing in ("minutes that aren't signed", "signed minutes"):
        ((service, path, _),) = scene.things[thing]
        for caller in Caller:
            shown = caller in sight.THINGS[thing]
            for more in (".docx", "/versions/1", "/versions/1/docx"):
                answer = await scene.get(caller, service, f"{path}{more}")
                assert answer.status_code == (200 if shown else 404), (thing, caller, more)
            versions = await scene.get(caller, service, f"{path}/versions")
            items = versions.json()["items"] if versions.status_code == 200 else []
            assert bool(items) == shown, (thing, caller)


async def test_a_published_decision_is_everybodys_whatever_published_it(scene: Scene) -> None:
    """No rule asks for the publication of this kind of meeting, so it is the row itself that says it."""
    ((service, path, identity),) = scene.things["a decision that may be published"]
    assert not (await scene.sees(Caller.unknown, service, path, identity))[0]
    connection = await asyncpg.connect(scene.stack.database_admin_url.rsplit("/", 1)[0] + "/meeting")
    await connection.execute("UPDATE decision SET publication = 'published' WHERE id = $1", identity)
    await connection.close()
    for caller in Caller:
        assert await scene.sees(caller, service, path, identity) == (True, True)


async def test_of_an_absence_others_see_that_somebody_is_away_and_until_when(scene: Scene) -> None:
    seen = sight.THINGS["the reason of an absence"]
    for caller in sight.THINGS["an approved absence"]:
        one = (await scene.get(caller, "calendar", f"/v1/absences/{scene.reasons[0]}")).json()
        listed = (await scene.get(caller, "calendar", "/v1/absences", official=PEOPLE[Caller.own])).json()["items"]
        for found in (one, *(each for each in listed if each["id"] == scene.reasons[0])):
            assert (found["since"], found["until"], found["state"]) == ("2026-06-08", "2026-06-09", "approved")
            assert (found["reason"] is not None, bool(found["contact"])) == ((caller in seen),) * 2, caller
        text = (await scene.get(caller, "calendar", "/v1/absences/away", on="2026-06-08")).text
        assert PEOPLE[Caller.own] in text and "住院" not in text and "138" not in text


async def test_tables_of_readers_say_what_the_rows_themselves_say(scene: Scene) -> None:
    """So that a page of those who see little shows what the column `readers` says, after every change of a row."""
    compared = set()
    for service in SERVICES:
        connection = await asyncpg.connect(scene.stack.database_admin_url.rsplit("/", 1)[0] + f"/{service}")
        tables = await connection.fetch(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'readers'"
        )
        for (table,) in tables:
            if not await connection.fetchval("SELECT to_regclass($1)", f"{table}_reader"):
                continue
            rows = await connection.fetch(f"""
                SELECT government, id, modified_at, array_agg(DISTINCT reader) AS readers
                FROM {table}, unnest(readers) AS reader WHERE reader NOT IN ('@', '#') GROUP BY 1, 2, 3 ORDER BY id
            """)
            listed = await connection.fetch(f"""
                SELECT government, id, modified_at, array_agg(reader ORDER BY reader) AS readers
                FROM {table}_reader GROUP BY 1, 2, 3 ORDER BY id
            """)
            assert [(*row[:3], sorted(row[3])) for row in map(tuple, rows)] == [
                (*row[:3], sorted(row[3])) for row in map(tuple, listed)
            ], table
            assert rows or table == "meeting_plan", table
            compared.add((service, table))
        await connection.close()
    assert len(compared) == 10


async def test_pages_of_those_who_see_little_follow_one_another(scene: Scene) -> None:
    for caller in (Caller.own, Caller.outsider, Caller.office):
        whole = (await scene.get(caller, "meeting", "/v1/decisions", limit="200")).json()["items"]
        found: list[str] = []
        page: dict[str, Any] = {"next_cursor": None}
        while page is not None:
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
            page = (await scene.get(caller, "meeting", "/v1/decisions", limit="1", **cursor)).json()
            found += [item["id"] for item in page["items"]]
            if not page["next_cursor"]:
                break
        assert found == [item["id"] for item in whole]
        since = await scene.get(caller, "meeting", "/v1/decisions", modified_since=whole[-1]["modified_at"])
        assert [item["id"] for item in since.json()["items"]] == [whole[-1]["id"]]


@pytest.mark.parametrize(
    ("thing", "places"),
    [
        ("the composition", [("meeting", "/v1/composition"), ("meeting", "/v1/officials"), ("meeting", "/v1/posts")]),
        ("the rules and the calendar", [("meeting", "/v1/meeting-kinds"), ("calendar", "/v1/years/2026")]),
        ("the register of numbers", [(service, "/v1/numbers") for service in ("meeting", "oversight")]),
    ],
)
async def test_what_is_whole_is_answered_to_those_whom_the_model_names_and_refused_to_others(
    thing: str, places: list[tuple[str, str]], scene: Scene
) -> None:
    for caller in Caller:
        for service, path in places:
            answer = await scene.get(caller, service, path)
            assert answer.status_code == (200 if caller in sight.THINGS[thing] else 403), (caller, path, answer.text)


async def test_a_feed_shows_its_caller_the_meetings_and_matters_that_lists_do(scene: Scene) -> None:
    for service, thing, uid in (
        ("meeting", "a meeting", "meeting-"), ("oversight", "an entry of the ledger", "entry-"),
    ):  # fmt: skip
        for caller in Caller:
            answer = await scene.get(caller, service, "/v1/calendar.ics")
            assert answer.status_code == 200, answer.text
            for _, _, identity in scene.things[thing]:
                assert (f"{uid}{identity}" in answer.text.replace("\r\n ", "")) == (caller in sight.THINGS[thing]), (
                    caller
                )


async def test_worklists_of_others_show_no_more_than_lists_do(scene: Scene) -> None:
    for service, path, thing in (
        ("meeting", "/v1/topics", "a topic in review"), ("meeting", "/v1/meetings", "a meeting"),
        ("meeting", "/v1/planning-requests", "a planning request"), ("calendar", "/v1/absences", "an absence that is asked for"),
    ):  # fmt: skip
        identities = {each[2] for each in scene.things[thing]}
        for official in ("xg-dep1", "xg-head", "xg-office-clerk", "xg-office-director"):
            answer = await scene.get(Caller.outsider, service, path, waits_for=official)
            assert answer.status_code == 200
            assert not identities & {item["id"] for item in answer.json()["items"]}


async def test_nobody_refers_to_a_file_that_is_another_units(scene: Scene) -> None:
    paper = scene.things["a paper of a topic"][0][2]
    topic = {"meeting_kind": "special", "sponsor": "xg-yjj", "convener": "xg-dep1", "title": "借用材料的议题"}
    body = topic | {"papers": [{"kind": "main_document", "title": "正文", "file_id": paper}]}
    url = f"{scene.stack.addresses()['meeting']}/v1/topics"
    headers = scene.headers(Caller.outsider, "meeting:write") | {"Idempotency-Key": "borrowing"}
    answer = await scene.client.post(url, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_file")


async def test_who_may_act_on_a_row_is_told_by_its_answer_whatever_lists_show(scene: Scene) -> None:
    """A command's answer is for whoever it was lawful for."""
    ((service, path, identity),) = scene.things["a topic in review"]
    topic = await scene.api.get(service, f"{path}/{identity}", "xg-dep1")
    assert topic["next_step"]["officials"] == ["xg-dep1"]
