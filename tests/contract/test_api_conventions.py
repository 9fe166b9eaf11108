"""The conventions of the API over HTTP, from a client's point of view."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import jsonschema
import pytest

from demo.main_job import MainJob
from tests import sixth
from tests.caller import (
    ALL_SCOPES,
    CLERK,
    DEPUTY,
    HEAD,
    OFFICE,
    PRINCIPAL,
    Caller,
    Json,
    code_of,
    topic_body,
)
from zhengling.events.event import SERVICES
from zhengling.local.client import Api, at
from zhengling.local.stack import EmbeddedStack

Rows = Callable[[str], Awaitable[dict[str, int]]]
JSON = {"Content-Type": "application/json"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Operation:
    """One operation of an OpenAPI document."""

    def __init__(self, service: str, method: str, path: str, content: Json) -> None:
        self.service = service
        self.method = method.upper()
        self.template = path
        self.path = re.sub(r"\{[^}]+\}", lambda _: str(uuid4()), path)
        self.id: str = content["operationId"]
        self.content = content
        self.headers = {p["name"]: p for p in content.get("parameters", []) if p["in"] == "header"}
        self.needs_token: bool = path.startswith("/v1/") and content["security"] != []

    def __repr__(self) -> str:
        return f"{self.service}: {self.method} {self.template}"


@pytest.fixture(scope="module")
async def operations(caller: Caller) -> list[Operation]:
    found = []
    for service in SERVICES:
        document = (await caller.client.get(f"{caller.addresses[service]}/openapi.json")).json()
        for path, methods in document["paths"].items():
            found += [Operation(service, method, path, content) for method, content in methods.items()]
    return found


@pytest.fixture(scope="module")
async def commands(operations: list[Operation]) -> list[Operation]:
    return [operation for operation in operations if "Idempotency-Key" in operation.headers]


@pytest.fixture(scope="module")
async def changes(commands: list[Operation]) -> list[Operation]:
    return [operation for operation in commands if operation.headers.get("If-Match", {}).get("required")]


# HEAD ---------------------------------------------------------------------------------------------------------------
async def test_head_is_answered_where_get_is_with_the_same_headers_and_no_content(
    operations: list[Operation], caller: Caller
) -> None:
    asked = [o for o in operations if o.method == "GET" and "{" not in o.template]
    assert len(asked) > 25
    changing = {"date", "x-request-id", "content-length"} | {"etag"}  # metrics and lists go on meanwhile
    for operation in asked:
        url = f"{caller.addresses[operation.service]}{operation.path}"
        headers = {"Authorization": f"Bearer {caller.token()}"} if operation.needs_token else {}
        get, head = [await caller.client.request(method, url, headers=headers) for method in ("GET", "HEAD")]
        assert head.status_code == get.status_code, operation
        assert head.content == b"", operation
        kept = [{k: v for k, v in answer.headers.items() if k not in changing} for answer in (get, head)]
        assert kept[0] == kept[1], operation


async def test_head_is_no_method_where_get_is_none(caller: Caller) -> None:
    url = f"{caller.addresses['meeting']}/v1/composition/preview"
    headers = {"Authorization": f"Bearer {caller.token()}"}
    answer = await caller.client.request("HEAD", url, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# the documents ------------------------------------------------------------------------------------------------------
async def test_operation_ids_are_unique_in_a_service_and_read_well(operations: list[Operation]) -> None:
    for service in SERVICES:
        ids = [operation.id for operation in operations if operation.service == service]
        assert len(ids) == len(set(ids))
    assert [o for o in operations if not re.fullmatch(r"[a-z]+(_[a-z]+)*", o.id)] == []
    shared = {
        o.id
        for o in operations
        if o.content["tags"][0] in ("operations", "numbers", "feeds", "files", "testing", "health")
    }
    own = [operation.id for operation in operations if operation.id not in shared]
    assert len(own) == len(set(own)), "clients of several services don't meet one name twice"


async def test_every_writing_operation_but_pure_computations_and_previews_is_a_command(
    operations: list[Operation],
) -> None:
    writing = {operation.id for operation in operations if operation.method != "GET"}
    with_key = {
        operation.id for operation in operations if operation.headers.get("Idempotency-Key", {}).get("required")
    }
    assert writing - with_key == {
        "compute_deadlines", "preview_notice", "preview_closure", "preview_composition",
    }  # fmt: skip
    assert not {operation.id for operation in operations if operation.method == "GET"} & with_key


async def test_every_schema_of_the_documents_is_a_json_schema(caller: Caller) -> None:
    for service in SERVICES:
        document = (await caller.client.get(f"{caller.addresses[service]}/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        for schema in document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)


async def test_the_documented_problems_follow_from_an_operations_parameters(operations: list[Operation]) -> None:
    for operation in operations:
        if not operation.template.startswith("/v1/"):
            continue
        documented = set(operation.content["responses"])
        assert {"409", "422", "503"} <= documented, operation
        assert ({"401", "403"} <= documented) == operation.needs_token, operation
        assert ("428" in documented) == ("If-Match" in operation.headers), operation
        assert ("413" in documented) == ("requestBody" in operation.content), operation
        assert operation.content["security"] == ([{"bearer": []}] if operation.needs_token else [])
    open_ = {
        operation.id for operation in operations if operation.template.startswith("/v1/") and not operation.needs_token
    }
    assert open_ == {"get_feed_by_link"}


# identity first -----------------------------------------------------------------------------------------------------
async def test_every_operation_needs_a_token_and_its_scope(operations: list[Operation], caller: Caller) -> None:
    for operation in operations:
        if not operation.needs_token:
            continue
        url = f"{caller.addresses[operation.service]}{operation.path.replace('{year}', '2026')}"
        key = {"Idempotency-Key": str(uuid4()), "If-Match": '"1"'}
        answer = await caller.client.request(operation.method, url, headers=key, json={})
        assert code_of(answer) == (401, "missing_token"), operation
        assert answer.headers["www-authenticate"].startswith("Bearer")
        token = {"Authorization": f"Bearer {caller.token(scopes=['other:read'])}"}
        answer = await caller.client.request(operation.method, url, headers=key | token, json={})
        assert code_of(answer) == (403, "insufficient_scope"), operation


# Idempotency-Key ----------------------------------------------------------------------------------------------------
async def test_every_command_needs_an_idempotency_key(commands: list[Operation], caller: Caller) -> None:
    assert len(commands) > 10
    scopes = [*ALL_SCOPES, "calendar:national"]
    for command in commands:
        sent: Json = {"key": None, "version": 1, "json": {}, "scopes": scopes}
        answer = await caller.ask(command.method, command.service, command.path, **sent)
        assert code_of(answer) == (400, "idempotency_key_missing"), command


@pytest.mark.parametrize("key", ["x" * 129, "schlüssel", "a\tb", "a b"])
async def test_an_idempotency_key_is_short_printable_ascii(key: str, caller: Caller) -> None:
    sent = {"Idempotency-Key": key.encode("latin-1")}
    token = {"Authorization": f"Bearer {caller.token(CLERK)}"}
    url = f"{caller.addresses['meeting']}/v1/topics"
    answer = await caller.client.post(url, headers=token | sent, json=topic_body())
    assert answer.status_code == 400
    assert answer.json()["code"] in ("idempotency_key_invalid", "idempotency_key_missing")


async def test_the_same_key_and_body_give_the_same_answer_and_one_effect(caller: Caller, rows: Rows) -> None:
    body, key = topic_body(title="只提交一次的请示"), str(uuid4())
    first = await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=body)
    before = await rows("meeting")
    again = await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for header in ("etag", "location", "content-type"):
        assert again.headers[header] == first.headers[header]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await rows("meeting") == before


async def test_the_same_key_with_another_request_is_refused(caller: Caller) -> None:
    key = str(uuid4())
    topic = (await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=topic_body())).json()
    other = await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=topic_body(title="另一个请示"))
    assert code_of(other) == (422, "idempotency_key_reused")
    elsewhere = await caller.post("meeting", f"/v1/topics/{topic['id']}/steps", by=CLERK, key=key, version=1, json={})
    assert code_of(elsewhere) == (422, "idempotency_key_reused")


async def test_an_idempotency_key_belongs_to_its_caller(caller: Caller) -> None:
    key = str(uuid4())
    first = await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=topic_body())
    other = await caller.post("meeting", "/v1/topics", by=PRINCIPAL, key=key, json=topic_body())
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


async def test_a_key_in_flight_is_refused_until_it_is_done(caller: Caller, stack: EmbeddedStack) -> None:
    key = str(uuid4())
    url = stack.database_admin_url.rsplit("/", 1)[0] + "/meeting"
    other = await asyncpg.connect(url)
    try:
        await other.execute(
            "SELECT pg_advisory_lock(hashtextextended($1, 1))", f"{sixth.CODE}\n{CLERK}\n{key}"
        )  # as a slow request with this key would
        answer = await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=topic_body())
        assert code_of(answer) == (409, "idempotency_key_in_flight")
        assert int(answer.headers["retry-after"]) >= 1
    finally:
        await other.close()
    answer = await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=topic_body())
    assert answer.status_code == 201


async def test_of_many_at_once_with_one_key_one_has_the_effect(caller: Caller, rows: Rows) -> None:
    body, key, before = topic_body(), str(uuid4()), await rows("meeting")
    answers = await asyncio.gather(
        *(caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=body) for _ in range(8))
    )
    done = [answer for answer in answers if answer.status_code == 201]
    assert done
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    assert {code_of(answer) for answer in answers if answer not in done} <= {(409, "idempotency_key_in_flight")}
    after = await rows("meeting")
    assert {table: after[table] - before[table] for table in ("topic", "idempotency_key", "audit")} == {
        "topic": 1,
        "idempotency_key": 1,
        "audit": 1,
    }


async def test_the_key_of_a_refused_command_can_be_used_again(caller: Caller) -> None:
    key = str(uuid4())
    refused = await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=topic_body(papers=[]))
    assert code_of(refused) == (409, "papers_missing")
    mended = await caller.post("meeting", "/v1/topics", by=CLERK, key=key, json=topic_body())
    assert mended.status_code == 201
    assert "idempotent-replayed" not in mended.headers


@pytest.fixture
async def the_day(caller: Caller) -> AsyncIterator[tuple[MainJob, list[Json], Json]]:
    """Business time is nine o'clock on the day of a meeting whose agenda is approved: the job, its topics, the meeting."""
    people = Api(caller.addresses, caller.stack.issuer, sixth.CODE, caller.client)
    job = MainJob(people, sixth.COMPOSITION, sixth.SCENARIO.model_copy(update={"breach": None}))
    await people.set_clock(at(sixth.SCENARIO.submitted))
    topics = [await job.walk_topic(await job.submit(planned)) for planned in sixth.SCENARIO.decisions]
    meeting = await job.agenda(await job.call_meeting(), topics)
    await people.set_clock(at(sixth.SCENARIO.day, 9))
    yield job, topics, meeting
    await people.set_clock(None)


async def test_a_repeated_signature_is_replayed_though_the_etag_is_stale_by_then(
    caller: Caller, the_day: tuple[MainJob, list[Json], Json], stack: EmbeddedStack
) -> None:
    job, topics, meeting = the_day
    meeting = await job.hold(meeting, topics)
    path = f"/v1/meetings/{meeting['id']}"
    await job.api.command("meeting", f"{path}/minutes", {}, OFFICE, meeting["version"])
    while True:
        meeting = await job.api.get("meeting", path)
        step = meeting["next_step"]
        if step["step"] == "sign":
            break
        body = {"step": step["step"], "opinion": "同意"}
        await job.api.command("meeting", f"{path}/minutes/steps", body, step["officials"][0], meeting["version"])
    request: dict[str, Any] = {
        "by": step["officials"][0],
        "key": str(uuid4()),
        "version": meeting["version"],
        "json": {"step": "sign", "opinion": "签发"},
    }
    signed = await caller.post("meeting", f"{path}/minutes/steps", **request)
    again = await caller.post("meeting", f"{path}/minutes/steps", **request)
    assert (signed.status_code, again.status_code) == (200, 200), again.text
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == signed.content
    assert again.headers["etag"] == signed.headers["etag"] != f'"{request["version"]}"'
    anew = await caller.post("meeting", f"{path}/minutes/steps", **request | {"key": str(uuid4())})
    assert code_of(anew) == (412, "stale_etag")
    connection = await asyncpg.connect(stack.database_admin_url.rsplit("/", 1)[0] + "/meeting")
    try:
        emitted = await connection.fetch(
            "SELECT event_type FROM outbox WHERE payload->>'meeting_id' = $1", meeting["id"]
        )
    finally:
        await connection.close()
    names = [row["event_type"].split(".", 2)[2] for row in emitted]
    assert names.count("minutes.signed.v1") == 1
    assert names.count("decision.adopted.v1") == 2


# ETag and If-Match --------------------------------------------------------------------------------------------------
async def test_every_change_of_an_existing_thing_needs_if_match(changes: list[Operation], caller: Caller) -> None:
    assert len(changes) > 8
    for change in changes:
        answer = await caller.ask(change.method, change.service, change.path, json={})
        assert code_of(answer) == (428, "if_match_missing"), change


@pytest.mark.parametrize("tag", ["1", 'W/"1"', "*", '"x"', '"1", "2"', '""', '"' + "9" * 40 + '"', '"-1"'])
async def test_an_entity_tag_that_no_answer_gave_never_matches(
    tag: str, changes: list[Operation], caller: Caller
) -> None:
    for change in changes:
        answer = await caller.ask(change.method, change.service, change.path, version=tag, json={}, by=OFFICE)
        assert code_of(answer) == (412, "stale_etag"), change


async def test_an_etag_makes_the_round_trip(caller: Caller) -> None:
    made = await caller.post("meeting", "/v1/topics", by=CLERK, json=topic_body())
    path = made.headers["location"]
    read = await caller.get("meeting", path)
    assert read.headers["etag"] == made.headers["etag"] == '"1"'
    assert read.json() == made.json()
    step = {"step": "propose", "opinion": "同意"}
    changed = await caller.post("meeting", f"{path}/steps", by=PRINCIPAL, version=read.headers["etag"], json=step)
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["version"] == 2
    read = await caller.get("meeting", path)
    assert (read.headers["etag"], read.json()) == ('"2"', changed.json())
    stale = await caller.post("meeting", f"{path}/steps", by=DEPUTY, version='"1"', json={"step": "review"})
    assert code_of(stale) == (412, "stale_etag")
    assert stale.json()["current"] == 2


async def test_a_stale_etag_is_refused_before_anything_else_to_who_may_make_the_change(caller: Caller) -> None:
    meeting, topic = await caller.meeting(), await caller.topic()
    bodies = {
        "agenda": {"topic_id": topic["id"]},
        "agenda/steps": {"step": "arrange"},
        "entrustment": {"to": "lh-exec", "reason": "外出"},
        "opening": {"chair": HEAD, "attendance": [{"official": HEAD, "present": True}]},
        "decisions": {"topic_id": topic["id"], "outcome": "passed", "task": "完成", "lead": "lh-water"},
        "closing": {},
        "minutes": {},
        "minutes/steps": {"step": "draft"},
    }
    for path, body in bodies.items():
        by = HEAD if path == "entrustment" else OFFICE
        answer = await caller.post("meeting", f"/v1/meetings/{meeting['id']}/{path}", by=by, version=99, json=body)
        assert code_of(answer) == (412, "stale_etag"), path


async def test_of_two_concurrent_changes_with_the_same_etag_exactly_one_wins(caller: Caller) -> None:
    for _ in range(5):
        path = f"/v1/topics/{(await caller.topic())['id']}"
        body = {"step": "propose", "opinion": "同意"}
        answers = await asyncio.gather(
            *(caller.post("meeting", f"{path}/steps", by=PRINCIPAL, version=1, json=body) for _ in range(4))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
        assert (await caller.get("meeting", path)).json()["version"] == 2


async def test_the_composition_is_changed_only_by_who_saw_it(caller: Caller) -> None:
    read = await caller.get("meeting", "/v1/composition")
    content, tag = read.json()["composition"], read.headers["etag"]
    assert tag == f'"{read.json()["version"]}"'
    blind = await caller.ask("PUT", "meeting", "/v1/composition", json=content)
    assert code_of(blind) == (428, "if_match_missing")
    answers = await asyncio.gather(
        *(caller.ask("PUT", "meeting", "/v1/composition", version=tag, json=content) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


# pages and feeds ----------------------------------------------------------------------------------------------------
async def walk(caller: Caller, path: str, limit: int) -> AsyncIterator[Json]:
    cursor: str | None = None
    for _ in range(500):
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = await caller.get("meeting", path, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        for item in page["items"]:
            yield item
        cursor = page["next_cursor"]
        if cursor is None:
            return
    raise AssertionError("the pages don't end")


async def test_the_pages_walk_all_items_exactly_once_in_the_order_of_change(caller: Caller) -> None:
    mine = {(await caller.topic(f"第{n}号请示"))["id"] for n in range(7)}
    for limit in (1, 3, 200):
        items = [item async for item in walk(caller, "/v1/topics", limit)]
        ids = [item["id"] for item in items]
        assert len(ids) == len(set(ids))
        assert mine <= set(ids)
        moments = [item["modified_at"] for item in items]
        assert moments == sorted(moments)


async def test_items_with_the_same_moment_of_change_are_all_found(caller: Caller, stack: EmbeddedStack) -> None:
    mine = [(await caller.topic())["id"] for _ in range(5)]
    connection = await asyncpg.connect(stack.database_admin_url.rsplit("/", 1)[0] + "/meeting")
    try:
        statement = "UPDATE topic SET modified_at = '2020-01-01T00:00:00.123456Z' WHERE id = ANY($1)"
        await connection.execute(statement, mine)
    finally:
        await connection.close()
    items = [item["id"] async for item in walk(caller, "/v1/topics", 2)]
    assert items[:5] == sorted(mine)


async def test_the_change_feed_returns_what_changed_since(caller: Caller) -> None:
    topics = [await caller.topic() for _ in range(3)]
    since = max(topic["modified_at"] for topic in topics)
    step = {"step": "propose", "opinion": "同意"}
    path = f"/v1/topics/{topics[0]['id']}/steps"
    changed = (await caller.post("meeting", path, by=PRINCIPAL, version=1, json=step)).json()
    feed = (await caller.get("meeting", "/v1/topics", params={"modified_since": changed["modified_at"]})).json()
    assert [item["id"] for item in feed["items"]] == [topics[0]["id"]]
    feed = (await caller.get("meeting", "/v1/topics", params={"modified_since": since})).json()
    assert [item["id"] for item in feed["items"]] == [topics[2]["id"], topics[0]["id"]], "the moment itself counts"


def cursor(*content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    "bad",
    [
        "abc", "%00", "é", "W10=", cursor(1, 2), cursor("2026-01-01", "x"), cursor("2026-01-01T00:00:00", "x"),
        cursor("0001-01-01T00:00:00+14:00", "x"), cursor("9999-12-31T23:59:59-14:00", "x"),
        cursor("2026-01-01T00:00:00Z", "\ud800"), cursor("2026-01-01T00:00:00Z"), cursor({}, []),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(), base64.urlsafe_b64encode(b"[" * 120).decode(),
    ],
)  # fmt: skip
async def test_a_cursor_that_no_page_gave_is_refused(bad: str, caller: Caller) -> None:
    answer = await caller.get("meeting", "/v1/topics", params={"cursor": bad})
    assert code_of(answer) == (422, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_payload"),
        ("limit=201", "invalid_payload"),
        ("limit=-1", "invalid_payload"),
        ("limit=ten", "invalid_payload"),
        ("limit=" + "9" * 5000, "invalid_payload"),
        ("cursor=" + "A" * 201, "invalid_payload"),
        ("modified_since=yesterday", "invalid_payload"),
        ("modified_since=1767225600", "invalid_payload"),
        ("modified_since=2026-01-01", "invalid_payload"),
        ("modified_since=2026-01-01T00:00:00", "invalid_payload"),
        ("modified_since=0001-01-01T00:00:00%2B14:00", "invalid_payload"),
        ("modified_since=9999-12-31T23:59:59-14:00", "invalid_payload"),
        ("state=unheard_of", "invalid_payload"),
        ("modifed_since=2026-01-01T00:00:00Z", "unknown_parameter"),
        ("limit=1&limit=2", "unknown_parameter"),
    ],
)
async def test_a_parameter_out_of_range_is_refused(query: str, code: str, caller: Caller) -> None:
    answer = await caller.get("meeting", f"/v1/topics?{query}")
    assert code_of(answer) == (422, code)
    if code == "invalid_payload":
        name = query.split("=")[0]
        assert answer.json()["errors"][0]["place"] == f"query.{name}"


# problems -----------------------------------------------------------------------------------------------------------
PROVOKED: dict[str, tuple[str, str, str, dict[str, Any], tuple[int, str]]] = {
    "unknown route": ("GET", "meeting", "/v1/nothing", {}, (404, "no_such_route")),
    "a slash too many": ("GET", "meeting", "/v1/topics/", {}, (404, "no_such_route")),
    "unknown thing": ("GET", "meeting", "/v1/topics/nothing", {}, (404, "topic_not_found")),
    "unknown meeting": ("GET", "meeting", "/v1/meetings/x/minutes", {}, (404, "minutes_not_found")),
    "unknown entry": ("GET", "oversight", "/v1/entries/x/due", {}, (404, "entry_not_found")),
    "unknown document": ("GET", "docflow", "/v1/documents/x", {}, (404, "document_not_found")),
    "unknown event": ("POST", "docflow", f"/v1/events/{uuid4()}/retry", {}, (404, "event_not_found")),
    "year without a calendar": ("GET", "calendar", "/v1/years/1949", {}, (404, "year_out_of_range")),
    "wrong method": ("DELETE", "meeting", "/v1/topics", {}, (405, "method_not_allowed")),
    "broken JSON": ("POST", "meeting", "/v1/topics", {"content": b'{"title":', "headers": JSON}, (400, "invalid_json")),
    "a byte order mark": (
        "POST", "meeting", "/v1/topics", {"content": b"\xef\xbb\xbf{}", "headers": JSON}, (400, "invalid_json"),
    ),
    "a byte order mark before a question": (
        "POST", "calendar", "/v1/closures/preview", {"content": b"\xef\xbb\xbf{}", "headers": JSON}, (400, "invalid_json"),
    ),
    "a byte order mark before dates": (
        "POST", "calendar", "/v1/deadlines", {"content": b"\xef\xbb\xbf{}", "headers": JSON}, (400, "invalid_json"),
    ),
    "a member twice among dates": (
        "POST", "calendar", "/v1/deadlines", {"content": b'{"rule": "a", "rule": "b"}', "headers": JSON},
        (400, "invalid_json"),
    ),
    "UTF-16": ("POST", "meeting", "/v1/topics", {"content": "{}".encode("utf-16"), "headers": JSON}, (400, "invalid_json")),
    "a member twice": (
        "POST", "meeting", "/v1/topics", {"content": b'{"title": "a", "title": "b"}', "headers": JSON}, (400, "invalid_json"),
    ),
    "a member twice further in": (
        "POST", "meeting", "/v1/topics", {"content": b'{"papers": [{"kind": 1, "kind": 1}]}', "headers": JSON},
        (400, "invalid_json"),
    ),
    "no number of JSON": ("POST", "meeting", "/v1/topics", {"content": b'{"x": NaN}', "headers": JSON}, (400, "invalid_json")),
    "no UTF-8": ("POST", "meeting", "/v1/topics", {"content": b'"\xff"', "headers": JSON}, (400, "invalid_json")),
    "nested too deep": ("POST", "meeting", "/v1/topics", {"content": b"[" * 9999, "headers": JSON}, (400, "invalid_json")),
    "a number too long": (
        "POST", "meeting", "/v1/topics", {"content": b'{"title":%s}' % (b"9" * 5000), "headers": JSON},
        (400, "invalid_json"),
    ),
    "no JSON said": (
        "POST", "meeting", "/v1/topics", {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
        (415, "unsupported_media_type"),
    ),
    "no body": ("POST", "meeting", "/v1/topics", {}, (422, "invalid_payload")),
    "a body of null": ("POST", "meeting", "/v1/topics", {"content": b"null", "headers": JSON}, (422, "invalid_payload")),
    "a refusal by the rules": ("POST", "meeting", "/v1/topics", {"json": topic_body(papers=[])}, (409, "papers_missing")),
    "not permitted": ("POST", "meeting", "/v1/topics", {"json": topic_body(sponsor="lh-fish")}, (403, "not_the_raiser")),
    "not a UUID": ("POST", "docflow", "/v1/events/x/retry", {}, (422, "invalid_payload")),
}  # fmt: skip


@pytest.mark.parametrize("provoked", PROVOKED)
async def test_every_error_is_a_problem_document_in_both_languages(provoked: str, caller: Caller) -> None:
    method, service, path, rest, expected = PROVOKED[provoked]
    headers = rest.get("headers", {})
    answers = {}
    for language in ("en", "zh-CN,zh;q=0.9,en;q=0.1"):
        sent = rest | {"headers": headers | {"Accept-Language": language}}
        answer = await caller.ask(method, service, path, by=CLERK, **sent)
        assert code_of(answer) == expected
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"] == f"urn:zhengling:problem:{expected[1]}"
        assert problem["status"] == expected[0]
        assert problem["title"] and problem["detail"]
        assert problem["instance"] == path
        assert problem["request_id"] == answer.headers["x-request-id"]
        answers[language[:2]] = problem
    assert CHINESE.search(answers["zh"]["detail"])
    assert answers["zh"]["detail"] != answers["en"]["detail"]
    assert answers["zh"]["code"] == answers["en"]["code"]


@pytest.mark.parametrize(
    ("accepted", "chinese"),
    [
        ("zh", True), ("zh-Hans-CN", True), ("zh-CN,zh;q=0.9,en;q=0.8", True), ("en;q=0.1, zh;q=0.9", True),
        ("fr, zh;q=0.5", True), ("en", False), ("zh;q=0, en", False), ("en-GB,zh;q=0.9", False), ("fr", False),
        ("", False), ("zh;q=0", False), (";;;=,q", False),
    ],
)  # fmt: skip
async def test_the_language_is_the_preferred_one(accepted: str, chinese: bool, caller: Caller) -> None:
    answer = await caller.get("meeting", "/v1/topics/nothing", headers={"Accept-Language": accepted})
    assert bool(CHINESE.search(answer.json()["detail"])) is chinese


async def test_a_wrong_method_is_answered_with_the_allowed_ones(caller: Caller) -> None:
    answer = await caller.ask("DELETE", "meeting", "/v1/topics")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    answer = await caller.ask("PATCH", "meeting", "/v1/composition")
    assert answer.headers["allow"] == "GET, HEAD, PUT"


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("service", "path", "size"),
    [("meeting", "/v1/topics", 2_000_000), ("calendar", "/v1/deadlines", 20_000_000)],  # a batch may be larger
)
async def test_a_body_too_large_is_refused_with_and_without_a_length(
    chunked: bool, service: str, path: str, size: int, caller: Caller
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * (size // 40)

    answer = await caller.post(service, path, headers=JSON, content=pieces() if chunked else b" " * size)
    assert code_of(answer) == (413, "body_too_large")


# payloads that mean nothing -----------------------------------------------------------------------------------------
WRONG: dict[str, tuple[Json, str, str]] = {
    "a number for text": ({"title": 5}, "invalid_payload", "body.title"),
    "a list for text": ({"title": ["关于"]}, "invalid_payload", "body.title"),
    "a text too short": ({"title": "关"}, "invalid_payload", "body.title"),
    "a text too long": ({"title": "关" * 201}, "invalid_payload", "body.title"),
    "an unknown value": ({"nature": "private"}, "invalid_payload", "body.nature"),
    "an unknown field": ({"tilte": "关于"}, "invalid_payload", "body.tilte"),
    "a wrong item": ({"papers": [{"kind": "poem", "title": "诗歌"}]}, "invalid_payload", "body.papers.0.kind"),
    "a code with a space": ({"sponsor": "lh water"}, "invalid_payload", "body.sponsor"),
    "a lone surrogate": ({"title": "关于\ud800"}, "invalid_payload", "body.title"),
    "a lone surrogate as a key": ({"\ud800": 1}, "invalid_payload", "body"),
    "U+0000": ({"title": "关于\0的请示"}, "character_not_allowed", ""),
    "U+0000 within a part": (
        {"papers": topic_body()["papers"] + [{"kind": "main_document", "title": "a\0b"}]}, "character_not_allowed", "",
    ),
    "a control character": ({"title": "关于\1的请示"}, "character_not_allowed", ""),
    "a character that XML cannot hold": ({"title": "关于\ufffe的请示"}, "character_not_allowed", ""),
    "a text of blanks": ({"title": "\u3000\u3000"}, "invalid_payload", "body.title"),
    "a day for an instant": ({"occurred_at": "2026-02-01"}, "invalid_payload", "body.occurred_at"),
    "an instant without offset": ({"occurred_at": "2026-02-01T09:00:00"}, "invalid_payload", "body.occurred_at"),
    "seconds since 1970": ({"occurred_at": 1767225600}, "invalid_payload", "body.occurred_at"),
    "an instant before all years": ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "invalid_payload", "body.occurred_at"),
    "an instant after all years": ({"occurred_at": "9999-12-31T23:59:59-12:00"}, "invalid_payload", "body.occurred_at"),
    "an instant of another age": ({"occurred_at": "0001-01-01T00:00:00Z"}, "occurred_too_long_ago", ""),
    "tomorrow": ({"occurred_at": "2099-01-01T00:00:00Z"}, "occurred_in_the_future", ""),
    "an unknown meeting kind": ({"meeting_kind": "monthly"}, "unknown_meeting_kind", ""),
    "an unknown organisation": ({"sponsor": "nobody"}, "unknown_organisation", ""),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_invalid_payload_is_refused_with_the_place_of_the_error(
    wrong: str, caller: Caller, rows: Rows
) -> None:
    change, code, place = WRONG[wrong]
    before = await rows("meeting")
    content = json.dumps(topic_body() | change).encode()
    answer = await caller.post("meeting", "/v1/topics", by=CLERK, headers=JSON, content=content)
    assert code_of(answer) == (422, code), answer.text
    if place:
        assert answer.json()["errors"][0]["place"] == place
        assert place in answer.json()["detail"]
        chinese = await caller.post(
            "meeting", "/v1/topics", by=CLERK, headers=JSON | {"Accept-Language": "zh"}, content=content
        )
        (found, *_) = chinese.json()["errors"]
        assert CHINESE.search(found["expected"])
        assert "Input" not in found["expected"]
        assert place not in chinese.json()["detail"]
    assert await rows("meeting") == before, "nothing half-done stays"


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("9999-12-31", "date_out_of_range"), ("0001-01-01", "day_in_the_past"),
        ("0000-01-01", "invalid_payload"), ("2026-02-30", "invalid_payload"),
        ("20300104", "invalid_payload"), (20300104, "invalid_payload"), ("2030-01-04T00:00:00Z", "invalid_payload"),
        (None, "invalid_payload"), (True, "invalid_payload"),
    ],
)  # fmt: skip
async def test_a_day_is_a_day_of_the_calendar(day: object, code: str, caller: Caller) -> None:
    body = {"kind": "weekly", "title": "县政府周例会", "day": day}
    answer = await caller.post("meeting", "/v1/meetings", by=OFFICE, json=body)
    assert code_of(answer) == (422, code)


async def test_a_due_day_beyond_the_calendar_is_refused_wherever_it_is_said(
    caller: Caller, the_day: tuple[MainJob, list[Json], Json]
) -> None:
    """Otherwise it would be in an event that no consumer can handle."""
    job, topics, meeting = the_day
    path = f"/v1/meetings/{meeting['id']}"
    attendance = job.attendance(job.members(), present=99)
    body = {"chair": HEAD, "attendance": attendance}
    opened = await job.api.command("meeting", f"{path}/opening", body, OFFICE, meeting["version"])
    decision = sixth.SCENARIO.decisions[0].body(topics[0]["id"])
    for due, code in (
        ("9999-12-31", "date_out_of_range"),
        ("2026-02-11", "due_before_the_meeting"),
        (5, "invalid_payload"),
    ):
        answer = await caller.post(
            "meeting", f"{path}/decisions", by=OFFICE, version=opened["version"], json=decision | {"due": due}
        )
        assert code_of(answer) == (422, code)
    meeting = opened
    for topic, planned in zip(topics, sixth.SCENARIO.decisions, strict=True):
        body = planned.body(topic["id"])
        await job.api.command("meeting", f"{path}/decisions", body, OFFICE, meeting["version"])
        meeting = await job.api.get("meeting", path)
    await job.api.set_clock(at(sixth.SCENARIO.day, 12))
    meeting = await job.api.command("meeting", f"{path}/closing", {}, OFFICE, meeting["version"])
    early = {"occurred_at": at(sixth.SCENARIO.day, 9).isoformat()}
    answer = await caller.post("meeting", f"{path}/minutes", by=OFFICE, version=meeting["version"], json=early)
    assert code_of(answer) == (409, "minutes_before_the_close"), "due dates count from the signature that follows"
    await job.sign(meeting)
    await job.landing(meeting)
    entry = job.report.landed[0].entry
    answer = await caller.post(
        "oversight", f"/v1/entries/{entry['id']}/due", by=OFFICE, version=entry["version"], json={"due": "9999-12-31"}
    )
    assert code_of(answer) == (422, "date_out_of_range")


@pytest.mark.parametrize("path", ["/v1/topics/%00", "/v1/decisions?meeting_id=%00", "/v1/meetings?kind=a%00b"])
async def test_a_nul_in_an_address_is_refused_too(path: str, caller: Caller) -> None:
    assert code_of(await caller.get("meeting", path)) == (422, "character_not_allowed")


async def test_a_place_at_the_agenda_is_a_number(caller: Caller) -> None:
    meeting, topic = await caller.meeting(), await caller.topic()
    for position in ("1", True, 1.5, 0, 10**30):
        body = {"topic_id": topic["id"], "position": position}
        path = f"/v1/meetings/{meeting['id']}/agenda"
        answer = await caller.post("meeting", path, by=OFFICE, version=1, json=body)
        assert code_of(answer) == (422, "invalid_payload"), position


async def test_a_composition_of_many_is_checked_quickly_and_refused_for_what_stands_twice(caller: Caller) -> None:
    many = [{"code": f"o{n}", "name": "某单位", "kind": "town"} for n in range(15_000)]
    body = {"organisations": [*many, many[0]], "officials": [], "posts": []}
    tag = (await caller.get("meeting", "/v1/composition")).headers["etag"]
    answer = await caller.ask("PUT", "meeting", "/v1/composition", version=tag, json=body)
    assert code_of(answer) == (422, "wrong_rows")
    assert "organisations row 15001: o0 is listed twice: also in row 1" in answer.json()["detail"]


async def test_refusals_of_every_kind_leave_nothing_behind(caller: Caller, rows: Rows) -> None:
    topic, meeting = await caller.topic(), await caller.meeting()
    before = await rows("meeting")
    step, add = f"/v1/topics/{topic['id']}/steps", f"/v1/meetings/{meeting['id']}/agenda"
    refused = [
        (403, await caller.post("meeting", step, by=CLERK, version=1, json={"step": "propose"})),
        (404, await caller.post("meeting", "/v1/topics/none/steps", by=HEAD, version=1, json={"step": "propose"})),
        (409, await caller.post("meeting", step, by=HEAD, version=1, json={"step": "decide"})),
        (409, await caller.post("meeting", add, by=OFFICE, version=1, json={"topic_id": topic["id"]})),
        (412, await caller.post("meeting", step, by=PRINCIPAL, version=7, json={"step": "propose"})),
        (422, await caller.post("meeting", step, by=PRINCIPAL, version=1, json={"step": "propose", "opinion": "a\0"})),
        (428, await caller.post("meeting", step, by=PRINCIPAL, json={"step": "propose"})),
        (403, await caller.post("meeting", step, by=PRINCIPAL, version=1, scopes=["meeting:read"], json={})),
    ]  # fmt: skip
    assert [answer.status_code for _, answer in refused] == [status for status, _ in refused]
    assert await rows("meeting") == before
    assert (await caller.get("meeting", f"/v1/topics/{topic['id']}")).json() == topic
    assert (await caller.get("meeting", f"/v1/meetings/{meeting['id']}")).json() == meeting


# operations ---------------------------------------------------------------------------------------------------------
async def test_operations_refuse_what_they_do_not_know(caller: Caller) -> None:
    for body, code in (
        ({"since": "0001-01-01T00:00:00+14:00"}, "invalid_payload"),
        ({"since": "2026-01-01"}, "invalid_payload"),
        ({"since": "2026-01-01T00:00:00Z", "aggregate": "meeting"}, "invalid_payload"),
        ({"since": "2026-01-01T00:00:00Z", "aggregate_id": "\0"}, "character_not_allowed"),
    ):
        answer = await caller.post("docflow", "/v1/events/replay", json=body)
        assert code_of(answer) == (422, code), body


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "2009-12-31T12:00:00+08:00"])
async def test_the_test_clock_stays_where_working_days_are_known(moment: str, caller: Caller) -> None:
    answer = await caller.post("docflow", "/v1/testing/clock", json={"at": moment})
    assert code_of(answer) == (422, "date_out_of_range")


# health and traces --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("service", SERVICES)
async def test_health_answers_without_a_token_and_metrics_on_a_port_of_their_own(service: str, caller: Caller) -> None:
    url = caller.addresses[service]
    assert (await caller.client.get(f"{url}/livez")).json() == {"ok": True, "checks": {}}
    ready = await caller.client.get(f"{url}/readyz")
    assert ready.status_code == 200
    assert ready.json()["ok"] is True
    files = {"files"} if service == "meeting" else set()
    assert set(ready.json()["checks"]) == {"database", "keys", "calendar", "rulebooks"} | files
    assert code_of(await caller.client.get(f"{url}/metrics")) == (404, "no_such_route")
    metrics = await caller.client.get(caller.metrics_url(service))
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'zhengling_http_requests_total{operation="readyz",status="200"}' in metrics.text


async def test_a_request_id_is_echoed_or_given(caller: Caller) -> None:
    url = f"{caller.addresses['meeting']}/v1/topics"
    for given in ("abc-1", "0af7651916cd43dd8448eb211c80319c"):
        answer = await caller.client.get(url, headers={"X-Request-ID": given})
        assert answer.headers["x-request-id"] == answer.json()["request_id"] == given
    for given in ("x" * 65, "é", ""):
        answer = await caller.client.get(url, headers={"X-Request-ID": given.encode("latin-1")})
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


async def test_metrics_name_operations_not_addresses(caller: Caller) -> None:
    secret = f"secret-{uuid4()}"
    await caller.get("meeting", f"/v1/topics/{secret}")
    await caller.get("meeting", f"/{secret}")
    metrics = (await caller.client.get(caller.metrics_url("meeting"))).text
    assert secret not in metrics
    assert 'operation="get_topic",status="404"' in metrics
    assert 'operation="other",status="404"' in metrics


async def test_a_traceparent_goes_along_and_an_invalid_one_does_not(caller: Caller, stack: EmbeddedStack) -> None:
    content = (await caller.get("meeting", "/v1/composition")).json()
    good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    version = content["version"]
    for given, kept in ((good, good), ("junk" * 1000, None), (good.upper(), None)):
        headers = {"traceparent": given, "X-Request-ID": f"trace-{version}"}
        answer = await caller.ask(
            "PUT", "meeting", "/v1/composition", version=version, headers=headers, json=content["composition"]
        )
        assert answer.status_code == 200, answer.text
        version += 1
        connection = await asyncpg.connect(stack.database_admin_url.rsplit("/", 1)[0] + "/meeting")
        try:
            row = await connection.fetchrow(
                "SELECT traceparent, correlation_id FROM outbox WHERE government = $1 ORDER BY pos DESC LIMIT 1",
                sixth.CODE,
            )
        finally:
            await connection.close()
        assert tuple(row) == (kept, f"trace-{version - 1}")


def test_the_scopes_asked_for_here_are_what_services_know() -> None:
    assert len(ALL_SCOPES) == 17


async def test_answers_are_json_with_offsets_at_every_moment(caller: Caller) -> None:
    answer: httpx.Response = await caller.post("meeting", "/v1/topics", by=CLERK, json=topic_body())
    topic = answer.json()
    for name in ("submitted_at", "recorded_at", "modified_at"):
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})", topic[name])
    assert all(re.fullmatch(r"[a-z0-9_]+", key) for key in topic)
