"""Who sees what: each read operation says it, and each kind of caller sees what the model of tests/sight.py says."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from html import unescape
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from demo.main_job import MainJob, PlannedDecision, Scenario
from tests import contents, sight
from tests.calendar.year.test_calendar_changes import notice
from tests.conftest import ROOT, composition_of, scenario_of
from tests.shared.web.test_due_routes import drafts_of
from tests.sight import Caller
from zhengling.authority.composition import Composition, Official, Post, PostRole
from zhengling.contracts.api_docs import app_of
from zhengling.events.event import SERVICES
from zhengling.local.client import Api, Json, at, load_composition
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.vocabulary import Aspect, FollowingDocument
from zhengling.web.sight import Sees

GOVERNMENT, SPONSOR, LEAD, CO_UNIT = "xigang", "xg-wjj", "xg-mzj", "xg-jyj"
#: Governments whose rules have what those of the first one don't: a yearly plan, days of field research, limits of drafts.
PLANNING, RESEARCHING, ISSUING = "dalian", "huancui", "zhanqian"
SHORT = {GOVERNMENT: "xg", PLANNING: "dl", RESEARCHING: "hc", ISSUING: "zq"}
SUBMITTED, DAY = date(2026, 4, 7), date(2026, 4, 21)
LONG_AGO = "2020-01-01T00:00:00+08:00"
PDF = contents.PDF
PEOPLE = {
    Caller.office: "office-clerk",
    Caller.leader: "head",
    Caller.own: "wjj-principal",
    Caller.present: "czj-principal",
    Caller.lead: "mzj-clerk",
    Caller.outsider: "yjj-principal",
    Caller.former: "former",
    Caller.unknown: "nobody",
}
#: Elsewhere the matter is another unit's.
ELSEWHERE = {PLANNING: {Caller.own: "jyj-principal"}, ISSUING: {Caller.own: "fgj-principal"}}
#: Whom items of worklists wait for.
WAITED_FOR = ("xg-dep1", "xg-head", "xg-office-clerk", "xg-office-director", "xg-mzj-clerk")


def official_of(caller: Caller, government: str = GOVERNMENT) -> str | None:
    name = ELSEWHERE.get(government, {}).get(caller) or PEOPLE.get(caller)
    return f"{SHORT[government]}-{name}" if name else None


# each operation says it ------------------------------------------------------------------------------------------------
def said() -> dict[str, Sees | None]:
    """Read operation → who sees what it answers, as its route says."""
    found: dict[str, Sees | None] = {}
    for program in SERVICES:
        for route in _routes(app_of(program).routes):
            if "GET" in route.methods or _only_reads(route.operation_id or ""):
                sees = [getattr(each.call, "sees", None) for each in route.dependant.dependencies]
                found[route.operation_id or route.name] = next((each for each in sees if each), None)
    return found


def _routes(among: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in among:
        if isinstance(route, APIRoute):
            yield route
        elif included := getattr(route, "original_router", None):
            yield from _routes(included.routes)


def _only_reads(operation_id: str) -> bool:
    return operation_id.startswith(("preview", "compute"))


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
@dataclass(frozen=True)
class Instance:
    """One thing of a kind in a service: the parameters by which it is asked for, and what shows it in lists and feeds."""

    service: str
    parameters: dict[str, str]
    mark: str
    government: str = GOVERNMENT


@dataclass(frozen=True)
class Operation:
    """A read operation as its document has it."""

    service: str
    name: str
    method: str
    path: str
    in_path: tuple[str, ...]
    required: tuple[str, ...]
    optional: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"


def operations() -> Iterator[Operation]:
    """The read operations of the four documents."""
    for service in SERVICES:
        document = json.loads((ROOT / f"docs/api/openapi/{service}.json").read_text(encoding="utf-8"))
        for path, methods in document["paths"].items():
            for method, told in methods.items():
                if method == "get" or _only_reads(told["operationId"]):
                    among = told.get("parameters", [])
                    queries = [each for each in among if each["in"] == "query"]
                    yield Operation(
                        service,
                        told["operationId"],
                        method.upper(),
                        path,
                        tuple(each["name"] for each in among if each["in"] == "path"),
                        tuple(each["name"] for each in queries if each.get("required")),
                        tuple(each["name"] for each in queries if not each.get("required")),
                    )


@dataclass
class Scene:
    """One matter of the government, from the topic to the document, and what lies around it."""

    api: Api
    stack: EmbeddedStack
    client: httpx.AsyncClient
    things: dict[str, list[Instance]] = field(default_factory=dict)
    #: Text → the things that contain it.
    texts: dict[str, set[str]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)  # of what is everybody's
    bodies: dict[str, Json] = field(default_factory=dict)
    tokens: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def headers(self, caller: Caller, *more: str, government: str = GOVERNMENT) -> dict[str, str]:
        key = (caller, more, government)
        if key not in self.tokens:
            official = official_of(caller, government)
            rights = ("read", "restricted") if caller is Caller.restricted else ("read",)
            scopes = [f"{service}:{right}" for service in SERVICES for right in rights] + list(more)
            subject = official or f"another-system-{caller.name}"
            self.tokens[key] = self.stack.issuer.token(subject, government, official=official, scopes=scopes)
        return {"Authorization": f"Bearer {self.tokens[key]}"}

    async def get(self, caller: Caller, service: str, path: str, **params: str) -> httpx.Response:
        url = f"{self.stack.addresses()[service]}{path}"
        return await self.client.get(url, headers=self.headers(caller), params=params)

    async def ask(
        self, operation: Operation, caller: Caller, values: dict[str, str], government: str, *more: str
    ) -> tuple[int, str]:
        """The status and the whole text of an operation's answer; of a list with all its pages."""
        if operation.name == "get_feed_by_link":
            return await self._ask_by_link(operation, caller, government)
        url = self.stack.addresses()[operation.service] + operation.path.format(**values)
        params = {name: value for name, value in values.items() if name in operation.required + operation.optional}
        if "cursor" in operation.optional:
            params["limit"] = "200"
        headers, body = self.headers(caller, *more, government=government), self.bodies.get(operation.name)
        text = ""
        while True:
            answer = await self.client.request(operation.method, url, headers=headers, params=params, json=body)
            text += text_of(answer)
            cursor = answer.json().get("next_cursor") if is_json(answer) else None
            if cursor is None:
                return answer.status_code, text
            params["cursor"] = cursor

    async def _ask_by_link(self, operation: Operation, caller: Caller, government: str) -> tuple[int, str]:
        """A link that the caller makes, followed without a token."""
        url = self.stack.addresses()[operation.service]
        headers = self.headers(caller, government=government) | {"Idempotency-Key": str(uuid4())}
        made = await self.client.post(f"{url}/v1/feeds", json={}, headers=headers)
        if made.status_code == 403:
            return 403, made.text
        secret = made.json()["url"].rsplit("/", 1)[1].removesuffix(".ics")
        answer = await self.client.get(url + operation.path.format(secret=secret))
        return answer.status_code, text_of(answer)

    def values(self, operation: Operation, *instances: Instance) -> dict[str, str]:
        """The values of the parameters that the operation needs, of these things and else of the scene."""
        known = dict(self.parameters)
        for each in instances:
            known |= each.parameters
        needed = () if operation.name == "get_feed_by_link" else operation.in_path + operation.required
        assert known.keys() >= set(needed), f"no way of asking: neither {instances} nor the scene have {needed}"
        return {name: known[name] for name in needed}

    def instances(self, operation: Operation) -> list[tuple[str, Instance]]:
        """The things of the operation's service that it shows."""
        return [
            (thing, each)
            for thing in sight.SHOWS[operation.name]
            for each in self.things.get(thing, [])
            if each.service == operation.service
        ]

    async def upload(self, official: str) -> str:
        """The id of a file that the official uploads."""
        headers = {"Authorization": f"Bearer {self.api.token(official)}", "Idempotency-Key": f"paper-of-{official}"}
        headers |= {"Content-Type": "application/pdf"}
        url = f"{self.stack.addresses()['meeting']}/v1/files"
        answer = await self.client.post(url, params={"name": "正文.pdf"}, content=PDF, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def sees(self, caller: Caller, thing: str, *names: str) -> list[bool]:
        """Whether the caller sees the thing by each of these operations."""
        (each, *_) = self.things[thing]
        asked = [o for o in operations() if o.service == each.service and o.name in names]
        answers = [await self.ask(o, caller, self.values(o, each), each.government) for o in asked]
        return [status == 200 and each.mark in text for status, text in answers]


def is_json(answer: httpx.Response) -> bool:
    return answer.headers.get("Content-Type", "").endswith("json") and isinstance(answer.json(), dict)


def text_of(answer: httpx.Response) -> str:
    """The text of an answer, also of a workbook or a document, and of unfolded calendar lines."""
    if answer.content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
            return unescape("".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist()))
    return answer.content.decode("utf-8", "replace").replace("\r\n ", "")


def people(government: str) -> Composition:
    known, short = composition_of(government), SHORT[government]
    former = Post(
        official=f"{short}-former",
        role=PostRole.principal,
        organisation=known.posts[-1].organisation if government != GOVERNMENT else SPONSOR,
        since=date(2022, 1, 1),
        until=date(2025, 12, 31),
    )
    officials = (*known.officials, Official(id=f"{short}-former", name="尹前任"))
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
        scene, composition = Scene(api, stack, client), people(GOVERNMENT)
        await load_composition(api, composition)
        await _fill(scene, composition)
        yield scene
        await api.set_clock(None)


async def _fill(scene: Scene, composition: Composition) -> None:
    api, document = scene.api, await _document(scene)
    await api.set_clock(at(SUBMITTED))
    topic = {"meeting_kind": "special", "sponsor": SPONSOR, "convener": "xg-dep1"}
    own = official_of(Caller.own) or ""
    paper = await scene.upload(own)
    papers = [{"kind": "main_document", "title": "正文", "file_id": paper}]
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
    entries = [
        (await api.get("oversight", "/v1/entries", source_id=each["id"]))["items"][0] for each in (withheld, public)
    ]
    assert (away["state"], wish["state"]) == ("approved", "requested")
    clerk = official_of(Caller.office)
    pressed, made = f"/v1/entries/{entries[0]['id']}", []
    for act, body in [("pressure", {"reason": "进展缓慢"})] * 3 + [("notices", {"requirements": "立即整改"})] * 2:
        version = (await api.get("oversight", pressed))["version"]
        made.append(await api.command("oversight", f"{pressed}/{act}", body, clerk, version))
    (proposal,) = (await api.get("oversight", "/v1/proposals", clerk))["items"]
    unsigned, signed = made[3:]
    path = f"/v1/notices/{signed['id']}/signature"
    signed = await api.command("oversight", path, {}, "xg-office-director", signed["version"])
    order = {"first": "2029-05-08", "last": "2029-05-09", "reason": "暴雨停止办公", "ordered_by": "区防汛抗旱指挥部"}
    change = await api.command("calendar", "/v1/closures", order | {"document": "西防指〔2026〕7号"}, clerk)
    links = {service: await api.command(service, "/v1/feeds", {}, own) for service in SERVICES}
    plan = await _plan(scene)
    researcher = await _researcher(scene)

    def of(service: str, parameter: str, *identities: str) -> list[Instance]:
        return [Instance(service, {parameter: each}, each) for each in identities]

    def minutes_of(meeting: Json) -> list[Instance]:
        return [Instance("meeting", {"meeting_id": meeting["id"], "number": "1"}, meeting["id"])]

    scene.things = {
        "a topic in review": of("meeting", "topic_id", review["id"]),
        "a topic that needs secrecy": of("meeting", "topic_id", needing["id"]),
        "a paper of a topic": of("meeting", "file_id", paper),
        "a file, in the list of files": of("meeting", "file_id", paper),
        "a meeting": of("meeting", "meeting_id", meeting["id"], drafted["id"]),
        "minutes that aren't signed": minutes_of(drafted),
        "signed minutes": minutes_of(meeting),
        "a decision that isn't to be published": of("meeting", "decision_id", withheld["id"]),
        "a decision that may be published": [
            *of("meeting", "decision_id", public["id"]), *of("docflow", "decision_id", public["id"])
        ],
        "docflow's copy of a decision that isn't to be published": of("docflow", "decision_id", withheld["id"]),
        "an entry of the ledger": of("oversight", "entry_id", *(each["id"] for each in entries)),
        "a notice of supervision that isn't signed": of("oversight", "notice_id", unsigned["id"]),
        "a signed notice of supervision": of("oversight", "notice_id", signed["id"]),
        "a line of the ledger's workbook": of("oversight", "entry_id", *(each["number"] for each in entries)),
        "a unit in the ledger's numbers": of("oversight", "entry_id", LEAD),
        "a document in preparation": [
            Instance("docflow", {"document_id": document}, document, ISSUING)
        ],
        "a planning request": of("meeting", "planning_request_id", asked["id"]),
        "a yearly plan": [Instance("meeting", {"year": "2030"}, plan["id"], PLANNING)],
        "an absence that is asked for": of("calendar", "absence_id", wish["id"]),
        "an approved absence": of("calendar", "absence_id", away["id"]),
        "a leader's days of field research": [Instance("calendar", {"year": "2026"}, researcher, RESEARCHING)],
        "the rules and the calendar": [Instance("calendar", {}, "2026")],
        "a link to a feed": [Instance(service, {}, link["id"]) for service, link in links.items()],
    }  # fmt: skip
    scene.texts = {
        review["title"]: {"a topic in review"},
        needing["title"]: {"a topic that needs secrecy"},
        "不公开的事项": {"a meeting", "a decision that isn't to be published"},
        "尚未签发的事项": {"a meeting"},
        "研究可以公开的事项": {"a meeting", "an entry of the ledger"},
        request["title"]: {"a planning request"},
        "全区教育工作会议": {"an item of a plan that isn't adopted"},
        leave["reason"]: {"the reason of an absence"},
        "13800000000": {"the reason of an absence"},
    }
    scene.parameters = {
        "year": "2026", "kind": "special", "official_id": "xg-dep1", "operation_id": change["id"],
        "closure_id": change["subject"].removeprefix("closure:"), "from": "2026-04-01", "to": "2026-04-30",
        "on": "2026-06-08", "proposal_id": proposal["id"],
    }  # fmt: skip
    scene.bodies = {
        "preview_closure": order | {"document": "西防指〔2026〕8号"},
        "preview_notice": notice("国办发明电〔2028〕6号", 2029),
        "preview_composition": composition.model_dump(mode="json"),
        "compute_deadlines": {
            "government": GOVERNMENT,
            "period": {"within": 5, "unit": "working_day"},
            "from": at(DAY).isoformat(),
        },
    }


async def _document(scene: Scene) -> str:
    """The draft of a document that is to be issued within the limits of the rules."""
    api, composition = Api(scene.stack.addresses(), scene.stack.issuer, ISSUING, scene.client), people(ISSUING)
    report = await MainJob(api, composition, scenario_of(ISSUING).model_copy(update={"breach": None})).run()
    (draft,) = await drafts_of(api, report.landed)
    return str(draft["id"])


async def _plan(scene: Scene) -> Json:
    """A yearly plan with an item of one unit, in a government whose rules have one."""
    api = Api(scene.stack.addresses(), scene.stack.issuer, PLANNING, scene.client)
    await load_composition(api, people(PLANNING))
    plan = await api.command("meeting", "/v1/meeting-plans", {"year": 2030}, official_of(Caller.office, PLANNING))
    items = {"sponsor": "dl-jyj", "items": [{"title": "全区教育工作会议", "month": 3}]}
    path = "/v1/meeting-plans/2030/submissions"
    return await api.command("meeting", path, items, official_of(Caller.own, PLANNING), plan["version"])


async def _researcher(scene: Scene) -> str:
    """A leader whose days of field research are counted."""
    api = Api(scene.stack.addresses(), scene.stack.issuer, RESEARCHING, scene.client)
    await load_composition(api, people(RESEARCHING))
    async with asyncio.timeout(60):
        while True:
            asking = scene.headers(Caller.office, government=RESEARCHING)
            url = f"{scene.stack.addresses()['calendar']}/v1/field-research"
            found = await scene.client.get(url, params={"year": "2026"}, headers=asking)
            if found.is_success and (items := found.json()["items"]):  # calendar-svc gets the composition by an event
                return str(items[0]["official"])
            await asyncio.sleep(0.1)


def test_the_model_says_of_each_read_operation_which_things_it_shows() -> None:
    assert {operation.name for operation in operations()} == set(said())
    assert sight.SHOWS.keys() == sight.OPERATIONS.keys() | sight.BY_THEMSELVES.keys()
    assert {thing for shown in sight.SHOWS.values() for thing in shown} | TESTED_BELOW == sight.THINGS.keys()


#: Things that aren't an operation's whole answer, with a test of their own.
TESTED_BELOW = {"a published decision", "the reason of an absence", "an item of a plan that isn't adopted"}


async def _answers(
    operation: Operation, scene: Scene, values: dict[str, str], government: str = GOVERNMENT
) -> dict[Caller, tuple[int, str]]:
    """What the operation answers to each caller. None of it contains a text of what the caller doesn't see."""
    found = await asyncio.gather(*(scene.ask(operation, caller, values, government) for caller in Caller))
    for caller, (status, text) in zip(Caller, found, strict=True):
        assert status in (200, 403, 404), (caller, status, text[:500])
        told = {each for each, things in scene.texts.items() if each in text and not _sees(caller, *things)}
        assert not told, f"{caller} is told {told}"
    return dict(zip(Caller, found, strict=True))


def _sees(caller: Caller, *things: str) -> bool:
    return any(caller in sight.THINGS[thing] for thing in things)


@pytest.mark.parametrize("operation", list(operations()), ids=str)
async def test_an_operation_shows_each_caller_what_the_model_says(operation: Operation, scene: Scene) -> None:
    """As those of the matter, an outsider, a former official, an unknown one, a system: one thing by itself, a list with all
    its pages, as a change feed and as a worklist, and what is answered as a whole."""
    shown = scene.instances(operation)
    if operation.name in sight.BY_ROW and operation.in_path and operation.name != "get_feed_by_link":
        assert shown, "no thing of the scene is asked for by this operation"
        for thing, each in shown:
            answers = await _answers(operation, scene, scene.values(operation, each), each.government)
            empty = '"items":[],"in_force"' if operation.name == "list_minutes_versions" else "no such text"
            seeing = {c for c, (status, text) in answers.items() if status == 200 and empty not in text}
            assert seeing == sight.THINGS[thing], thing
            assert 403 not in {status for status, _ in answers.values()}
    elif operation.name in sight.BY_ROW:
        assert shown, "no thing of the scene is in what this operation lists"
        for government in {each.government for _, each in shown}:
            await _lists(
                operation, scene, government, {each.mark: t for t, each in shown if each.government == government}
            )
    else:
        answers = await _answers(operation, scene, scene.values(operation))
        (thing,) = sight.SHOWS[operation.name]
        expected = {caller: 200 if caller in sight.THINGS[thing] else 403 for caller in Caller}
        assert {caller: status for caller, (status, _) in answers.items()} == expected
        administering = (f"{operation.service}:admin", "calendar:national")
        status, text = await scene.ask(operation, Caller.office, scene.values(operation), GOVERNMENT, *administering)
        assert status == 200, text


async def _lists(operation: Operation, scene: Scene, government: str, marks: dict[str, str]) -> None:
    values = scene.values(operation, *(each for _, each in scene.instances(operation) if each.government == government))
    filters: list[dict[str, str]] = [{}]
    filters += [{"modified_since": LONG_AGO}] if "modified_since" in operation.optional else []
    filters += [{"waits_for": each} for each in WAITED_FOR if "waits_for" in operation.optional]
    waiting = set()
    for given in filters:
        answers = await _answers(operation, scene, values | given, government)
        (_, whole) = answers[Caller.office if operation.name != "list_feeds" else Caller.own]
        wanted = {mark for mark in marks if mark in whole}
        if "waits_for" in given:
            waiting |= wanted
        else:
            assert wanted == marks.keys() or not _sees(Caller.office, *marks.values())
        for caller, (status, text) in answers.items():
            has_a_post = caller not in (Caller.former, Caller.unknown)
            may = has_a_post or operation.name not in sight.WITH_A_POST
            assert status == (200 if may else 403), caller
            expected = {mark for mark in wanted if may and _sees(caller, marks[mark])}
            assert {mark for mark in marks if mark in text} == expected, (caller, given)
    assert waiting or "waits_for" not in operation.optional, "nothing waits for anybody"


async def test_a_published_decision_is_everybodys_whatever_published_it(scene: Scene) -> None:
    """No rule asks for the publication of this kind of meeting, so it is the row itself that says it."""
    thing, ways = "a decision that may be published", ("get_decision", "list_decisions")
    assert not any(await scene.sees(Caller.unknown, thing, *ways))
    connection = await asyncpg.connect(scene.stack.database_admin_url.rsplit("/", 1)[0] + "/meeting")
    statement = "UPDATE decision SET publication = $2 WHERE id = $1"
    identity = scene.things[thing][0].mark
    was = await connection.fetchval("SELECT publication FROM decision WHERE id = $1", identity)
    await connection.execute(statement, identity, "published")
    try:
        for caller in Caller:
            assert await scene.sees(caller, thing, *ways) == [True, True]
    finally:
        await connection.execute(statement, identity, was)
        await connection.close()


async def test_of_an_absence_others_see_that_somebody_is_away_and_until_when(scene: Scene) -> None:
    seen, (away,) = sight.THINGS["the reason of an absence"], scene.things["an approved absence"]
    for caller in sight.THINGS["an approved absence"]:
        one = (await scene.get(caller, "calendar", f"/v1/absences/{away.mark}")).json()
        listed = (await scene.get(caller, "calendar", "/v1/absences", official=official_of(Caller.own) or "")).json()[
            "items"
        ]
        for found in (one, *(each for each in listed if each["id"] == away.mark)):
            assert (found["since"], found["until"], found["state"]) == ("2026-06-08", "2026-06-09", "approved")
            assert (found["reason"] is not None, bool(found["contact"])) == ((caller in seen),) * 2, caller
        text = (await scene.get(caller, "calendar", "/v1/absences/away", on="2026-06-08")).text
        assert (official_of(Caller.own) or "") in text and "住院" not in text and "138" not in text


async def test_of_a_plan_before_its_adoption_others_see_that_it_is_collected_without_the_items(scene: Scene) -> None:
    """Whoever is to hand in items has to find the plan, and its version."""
    seen, (plan,) = sight.THINGS["an item of a plan that isn't adopted"], scene.things["a yearly plan"]
    url = f"{scene.stack.addresses()['meeting']}/v1/meeting-plans"
    for caller in sight.THINGS["a yearly plan"]:
        headers = scene.headers(caller, government=PLANNING)
        one = (await scene.client.get(f"{url}/{plan.parameters['year']}", headers=headers)).json()
        listed = (await scene.client.get(url, headers=headers)).json()["items"]
        for found in (one, *(each for each in listed if each["id"] == plan.mark)):
            assert (found["state"], found["version"]) == ("collecting", 2)
            assert bool(found["items"]) == (caller in seen), caller


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
    assert len(compared) == 11


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


async def test_nobody_refers_to_a_file_that_is_another_units(scene: Scene) -> None:
    paper = scene.things["a paper of a topic"][0].mark
    topic = {"meeting_kind": "special", "sponsor": "xg-yjj", "convener": "xg-dep1", "title": "借用材料的议题"}
    body = topic | {"papers": [{"kind": "main_document", "title": "正文", "file_id": paper}]}
    url = f"{scene.stack.addresses()['meeting']}/v1/topics"
    headers = scene.headers(Caller.outsider, "meeting:write") | {"Idempotency-Key": "borrowing"}
    answer = await scene.client.post(url, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_file")


async def test_who_may_act_on_a_row_is_told_by_its_answer_whatever_lists_show(scene: Scene) -> None:
    """A command's answer is for whoever it was lawful for."""
    (topic,) = scene.things["a topic in review"]
    found = await scene.api.get(topic.service, f"/v1/topics/{topic.mark}", "xg-dep1")
    assert found["next_step"]["officials"] == ["xg-dep1"]
