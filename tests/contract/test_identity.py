"""Authentication over HTTP on running services: the token matrix with its problem documents, scopes, machine clients,
keys of commands, versions, and what headers may carry. How tokens are checked in detail: tests/shared/service/test_auth.py."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from tests.conftest import composition_of
from zhengling.events.event import SERVICES
from zhengling.local.client import Api, Json, at
from zhengling.local.issuer import LocalIssuer
from zhengling.local.stack import EmbeddedStack

GOVERNMENT = "huancui"
CLERK, OTHER_CLERK = "hc-office-clerk", "hc-office-clerk2"
MEETING = {"kind": "executive", "title": "区政府常务会议", "day": "2026-02-12"}


class Caller:
    """meeting-svc, and tokens of every kind for it."""

    def __init__(self, stack: EmbeddedStack, client: httpx.AsyncClient) -> None:
        self.stack = stack
        self.client = client
        self.url = stack.addresses()["meeting"]

    def token(self, official: str | None = CLERK, scopes: str = "meeting:read meeting:write", **given: Any) -> str:
        given = {"subject": official or "operator", "government": GOVERNMENT} | given
        return self.stack.issuer.token(official=official, scopes=scopes.split(), **given)

    def signed(self, header: Json, key: Any, algorithms: list[str]) -> str:
        """Good claims under a header and a key of the caller's choice."""
        now = int(time.time())
        issuer = self.stack.issuer
        claims = {"iss": issuer.issuer, "aud": issuer.audience, "sub": "x", "iat": now, "exp": now + 600}
        registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
        return jwt.encode(header, claims | {"government": GOVERNMENT}, key, registry=registry)

    async def call_meeting(
        self, token: str, key: str | None = None, body: Json = MEETING, **more: str
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(uuid4())} | more
        return await self.client.post(f"{self.url}/v1/meetings", json=body, headers=headers)

    async def look(self, authorization: str | None, path: str = "/v1/meetings") -> httpx.Response:
        headers = {} if authorization is None else {"Authorization": authorization}
        return await self.client.get(f"{self.url}{path}", headers=headers)

    async def audit_of(self, subject: str) -> list[asyncpg.Record]:
        return await self.rows(
            "SELECT actor, action, details::text FROM audit WHERE subject = $1 ORDER BY pos", subject
        )

    async def rows(self, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.stack.database_admin_url, database="meeting")
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()


@pytest.fixture
async def caller(stack: EmbeddedStack, client: httpx.AsyncClient) -> Caller:
    api = Api(stack.addresses(), stack.issuer, GOVERNMENT, client)
    await api.set_clock(at(date(2026, 2, 2)))
    found = await client.get(
        f"{stack.addresses()['meeting']}/v1/composition", headers={"Authorization": f"Bearer {api.token(None)}"}
    )
    if found.status_code != 200 or CLERK not in found.text:
        body = composition_of(GOVERNMENT).model_dump(mode="json")
        version = found.json().get("version")
        await api.command("meeting", "/v1/composition", body, version=version, method="PUT")
    return Caller(stack, client)


def refused(answer: httpx.Response, status: int, code: str, instance: str | None = None) -> Json:
    """The problem document, checked."""
    problem: Json = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), problem
    assert problem["type"] == f"urn:zhengling:problem:{code}"
    assert problem["title"] and problem["detail"]
    assert problem["instance"] == (instance or answer.request.url.path)
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


# the token -----------------------------------------------------------------------------------------------------------
def unsigned(caller: Caller) -> str:
    head, payload, _ = caller.token().split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid_of(head)}).encode()).rstrip(b"=").decode()
    return f"{none}.{payload}."


def kid_of(head: str) -> str:
    kid: str = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return kid


def public_key(caller: Caller) -> ECKey:
    return ECKey.import_key(json.loads(caller.stack.issuer.jwks_path.read_bytes())["keys"][0])


def with_the_public_key_as_secret(caller: Caller) -> str:
    """Signed by hand, as libraries refuse to."""
    key = public_key(caller)
    head = json.dumps({"alg": "HS256", "typ": "JWT", "kid": key.kid}).encode()
    content = base64.urlsafe_b64encode(head).rstrip(b"=") + b"." + caller.token().split(".")[1].encode()
    signature = base64.urlsafe_b64encode(hmac.digest(key.as_pem(private=False), content, "sha256")).rstrip(b"=")
    return b".".join((content, signature)).decode()


def of_a_key_of_its_own(caller: Caller) -> str:
    key = ECKey.generate_key("P-256", auto_kid=True)
    return caller.signed({"alg": "ES256", "kid": key.kid, "jwk": key.as_dict(private=False)}, key, ["ES256"])


def of_a_stolen_kid(caller: Caller) -> str:
    return caller.signed({"alg": "ES256", "kid": public_key(caller).kid}, ECKey.generate_key("P-256"), ["ES256"])


def with_another_government_pasted_in(caller: Caller) -> str:
    head, payload, signature = caller.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))) | {"government": "dalian"}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{signature}"


INVALID: dict[str, Callable[[Caller], str]] = {
    "no JWT at all": lambda caller: "let-me-in",
    "the algorithm none": unsigned,
    "HS256 with the public key as its secret": with_the_public_key_as_secret,
    "a kid that the issuer doesn't have": of_a_key_of_its_own,
    "the issuer's kid and another key": of_a_stolen_kid,
    "another government pasted into the claims": with_another_government_pasted_in,
    "another issuer": lambda caller: caller.token(iss="urn:another"),
    "another audience": lambda caller: caller.token(aud="another"),
    "no audience": lambda caller: caller.token(aud=None),
    "no subject": lambda caller: caller.token(sub=None),
    "no government": lambda caller: caller.token(government=None),
    "the national calendar's government": lambda caller: caller.token(government="*"),
    "all governments": lambda caller: caller.token(government="huancui,dalian"),
    "a government in capitals": lambda caller: caller.token(government="HUANCUI"),
    "a government with a line break": lambda caller: caller.token(government="huancui\nx"),
    "an official with a line break": lambda caller: caller.token(official=f"{CLERK}\n"),
    "a subject with a NUL": lambda caller: caller.token(subject="x\0"),
}


@pytest.mark.parametrize("kind", INVALID)
async def test_a_token_is_invalid_with(kind: str, caller: Caller) -> None:
    token = INVALID[kind](caller)
    for answer in (await caller.look(f"Bearer {token}"), await caller.call_meeting(token)):
        refused(answer, 401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def test_an_expired_token_is_refused_as_expired(caller: Caller) -> None:
    token = caller.token(lifetime=-60)
    for answer in (await caller.look(f"Bearer {token}"), await caller.call_meeting(token)):
        refused(answer, 401, "expired_token")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Token x", "Basic aHVhbmN1aTp4"])
async def test_without_a_bearer_token_nobody_is_let_in(authorization: str | None, caller: Caller) -> None:
    answer = await caller.look(authorization)
    assert refused(answer, 401, "missing_token")["satisfy"]
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_isnt_taken_from_a_query_or_a_cookie(caller: Caller) -> None:
    token = caller.token()
    refused(await caller.look(None, f"/v1/meetings?access_token={token}"), 401, "missing_token")
    answer = await caller.client.get(f"{caller.url}/v1/meetings", headers={"Cookie": f"access_token={token}"})
    refused(answer, 401, "missing_token")


async def test_every_operation_of_every_service_asks_for_a_token_and_for_its_scope(
    stack: EmbeddedStack, caller: Caller
) -> None:
    asked = 0
    for service, url in stack.addresses().items():
        document = (await caller.client.get(f"{url}/openapi.json")).json()
        for path, methods in document["paths"].items():
            if not path.startswith("/v1/"):
                assert path in {"/livez", "/readyz"}
                continue
            if path == "/v1/feeds/{secret}.ics":  # the one place where a link's secret stands in a token's place
                refused(await caller.client.get(url + path), 404, "feed_not_found", instance=path)
                continue
            for method, operation in methods.items():
                target = url + path.replace("{year}", "2026").replace("{event_id}", str(UUID(int=7)))
                target = target.replace("{feed_id}", str(UUID(int=7)))
                keys = {"Idempotency-Key": str(uuid4()), "If-Match": '"1"'}
                refused(await caller.client.request(method, target, headers=keys), 401, "missing_token")
                bare = {"Authorization": f"Bearer {caller.token(scopes='act unrelated:write')}"}
                problem = refused(
                    await caller.client.request(method, target, headers=keys | bare), 403, "insufficient_scope"
                )
                for missing in problem["missing_scopes"]:
                    assert missing == "events:replay" or missing.split(":")[0] == service, operation["operationId"]
                asked += 1
    assert asked >= 30


# scopes and machines -------------------------------------------------------------------------------------------------
async def test_a_read_only_token_reads_and_writes_nothing(caller: Caller) -> None:
    reader = caller.token(scopes="meeting:read")
    assert (await caller.look(f"Bearer {reader}")).status_code == 200
    before = await caller.rows("SELECT count(*) FROM meeting WHERE government = $1", GOVERNMENT)
    answer = await caller.call_meeting(reader)
    assert refused(answer, 403, "insufficient_scope")["missing_scopes"] == ["meeting:write"]
    assert 'scope="meeting:write"' in answer.headers["www-authenticate"]
    assert await caller.rows("SELECT count(*) FROM meeting WHERE government = $1", GOVERNMENT) == before


async def test_a_scope_permits_nothing_of_another_service_or_right(caller: Caller) -> None:
    for scopes in (
        "oversight:write oversight:admin",
        "meeting",
        "meeting:*",
        "MEETING:WRITE",
        "meeting:writer",
        "admin",
    ):
        refused(await caller.call_meeting(caller.token(scopes=scopes)), 403, "insufficient_scope")
    headers = {"Authorization": f"Bearer {caller.token()}", "Idempotency-Key": str(uuid4())}
    body = {"since": "2026-01-01T00:00:00Z"}
    answer = await caller.client.post(f"{caller.url}/v1/events/replay", json=body, headers=headers)
    assert refused(answer, 403, "insufficient_scope")["missing_scopes"] == ["events:replay"]


async def test_a_scope_does_not_replace_a_post(caller: Caller) -> None:
    every = " ".join(f"{service}:{right}" for service in SERVICES for right in ("read", "write", "admin"))
    for official in (None, "somebody-unknown", "xg-office-clerk", "hc-head"):
        problem = refused(await caller.call_meeting(caller.token(official, every)), 403, "not_the_office")
        assert problem["clause"] and "office" in problem["satisfy"]


async def test_a_claim_of_an_organisation_gives_no_post_in_it(caller: Caller) -> None:
    token = caller.token("hc-zjj-clerk", organisation="hc-office")
    refused(await caller.call_meeting(token), 403, "not_the_office")


async def test_a_machine_acts_for_an_official_with_the_scope_act_alone_and_the_audit_names_both(caller: Caller) -> None:
    machine = {"subject": "erp", "client_id": "erp"}
    for answer in (
        await caller.call_meeting(caller.token(**machine)),
        await caller.look(f"Bearer {caller.token(**machine)}"),
    ):
        refused(answer, 403, "act_scope_missing")
    answer = await caller.call_meeting(caller.token(scopes="meeting:write act", **machine))
    assert answer.status_code == 201
    assert answer.json()["called_by"] == CLERK
    (row,) = await caller.audit_of(f"meeting:{answer.json()['id']}")
    assert (row["actor"], json.loads(row["details"])["client"]) == (CLERK, "erp")
    # act is no post either
    answer = await caller.call_meeting(caller.token("hc-zjj-clerk", "meeting:write act", **machine))
    refused(answer, 403, "not_the_office")
    # and without an official a machine has none
    assert (await caller.look(f"Bearer {caller.token(None, 'meeting:read', **machine)}")).status_code == 200
    refused(await caller.call_meeting(caller.token(None, "meeting:write act", **machine)), 403, "not_the_office")


# keys of commands ----------------------------------------------------------------------------------------------------
async def test_an_idempotency_key_used_for_one_official_is_refused_for_another(caller: Caller) -> None:
    """Without this the second official would get the answer about a meeting that the first one called."""
    key, machine = str(uuid4()), {"subject": "erp", "client_id": "erp", "scopes": "meeting:write act"}
    first = await caller.call_meeting(caller.token(CLERK, **machine), key)
    assert first.status_code == 201
    refused(await caller.call_meeting(caller.token(OTHER_CLERK, **machine), key), 422, "idempotency_key_reused")
    refused(await caller.call_meeting(caller.token("hc-zjj-clerk", **machine), key), 422, "idempotency_key_reused")
    again = await caller.call_meeting(caller.token(CLERK, **machine), key)
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (first.json()["id"], "true")


async def test_an_idempotency_key_of_one_person_gives_no_answer_to_another_user_of_the_client(caller: Caller) -> None:
    key = str(uuid4())
    assert (await caller.call_meeting(caller.token(CLERK, azp="portal"), key)).status_code == 201
    refused(await caller.call_meeting(caller.token(OTHER_CLERK, azp="portal"), key), 422, "idempotency_key_reused")
    impostor = caller.token(CLERK, subject="impostor", azp="portal")
    refused(await caller.call_meeting(impostor, key), 422, "idempotency_key_reused")


async def test_the_same_key_of_two_programs_is_two_keys(caller: Caller) -> None:
    key = str(uuid4())
    answers = [await caller.call_meeting(caller.token(CLERK, azp=azp), key) for azp in ("portal", "app")]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


async def test_a_key_is_for_one_body_and_one_path(caller: Caller) -> None:
    key = str(uuid4())
    assert (await caller.call_meeting(caller.token(), key)).status_code == 201
    other = MEETING | {"title": "另一次会议"}
    refused(await caller.call_meeting(caller.token(), key, other), 422, "idempotency_key_reused")
    headers = {"Authorization": f"Bearer {caller.token()}", "Idempotency-Key": key}
    answer = await caller.client.post(f"{caller.url}/v1/topics", json=MEETING, headers=headers)
    refused(answer, 422, "idempotency_key_reused")


async def test_a_stored_answer_isnt_repeated_to_a_token_without_the_scope(caller: Caller) -> None:
    key = str(uuid4())
    first = await caller.call_meeting(caller.token(), key)
    assert first.status_code == 201
    lost = await caller.call_meeting(caller.token(scopes="meeting:read"), key)
    assert refused(lost, 403, "insufficient_scope")["missing_scopes"] == ["meeting:write"]
    again = await caller.call_meeting(caller.token(), key)
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (first.json()["id"], "true")


async def test_a_stored_answer_isnt_repeated_to_an_official_who_left_office(
    caller: Caller, stack: EmbeddedStack
) -> None:
    api, key = Api(stack.addresses(), stack.issuer, GOVERNMENT, caller.client), str(uuid4())
    first = await caller.call_meeting(caller.token(OTHER_CLERK), key)
    assert first.status_code == 201
    body = composition_of(GOVERNMENT).model_dump(mode="json")

    async def load(posts: list[Json]) -> None:
        version = (await api.get("meeting", "/v1/composition"))["version"]
        await api.command("meeting", "/v1/composition", body | {"posts": posts}, version=version, method="PUT")

    left = [p | {"until": "2026-02-01"} if p["official"] == OTHER_CLERK else p for p in body["posts"]]
    await load(left)
    try:
        refused(await caller.call_meeting(caller.token(OTHER_CLERK), key), 403, "holds_no_post")
    finally:
        await load(body["posts"])
    again = await caller.call_meeting(caller.token(OTHER_CLERK), key)
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (first.json()["id"], "true")


async def test_every_command_asks_for_its_scope_before_it_looks_for_a_stored_answer(stack: EmbeddedStack) -> None:
    """A token without scopes learns nothing from a key, nor from the lack of one."""
    async with httpx.AsyncClient(timeout=30) as client:
        for service, url in stack.addresses().items():
            token = stack.issuer.token("li", GOVERNMENT)
            paths = (await client.get(f"{url}/openapi.json")).json()["paths"]
            commands = [
                (method, path)
                for path, item in paths.items()
                for method, operation in item.items()
                if any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", []))
            ]
            assert len(commands) > 5, service
            for method, path in commands:
                filled = re.sub(r"{[^}]*}", str(uuid4()), path)
                answer = await client.request(method, f"{url}{filled}", headers={"Authorization": f"Bearer {token}"})
                refused(answer, 403, "insufficient_scope")


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, "missing"), ("", "missing"), ("x" * 129, "invalid"), ("tab\tbed", "invalid"), ("caf\xe9", "invalid")],
)
async def test_a_command_needs_a_key_that_can_be_kept(key: str | None, code: str, caller: Caller) -> None:
    headers = [(b"authorization", f"Bearer {caller.token()}".encode())]
    if key is not None:
        headers.append((b"idempotency-key", key.encode("latin-1")))
    answer = await caller.client.post(f"{caller.url}/v1/meetings", json=MEETING, headers=headers)
    refused(answer, 400, f"idempotency_key_{code}")


# versions ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        (None, 428, "if_match_missing"),
        ('"2"', 412, "stale_etag"),
        ('"0"', 412, "stale_etag"),
        ('W/"1"', 412, "stale_etag"),
        ("1", 412, "stale_etag"),
        ("*", 412, "stale_etag"),
        ('"1", "2"', 412, "stale_etag"),
        ('""', 412, "stale_etag"),
        ('"-1"', 412, "stale_etag"),
        ('"99999999999999999999999"', 412, "stale_etag"),
        ('"١"', 412, "stale_etag"),
    ],
)
async def test_a_change_needs_the_one_version_it_was_decided_on(
    if_match: str | None, status: int, code: str, caller: Caller
) -> None:
    meeting = (await caller.call_meeting(caller.token())).json()
    path = f"{caller.url}/v1/meetings/{meeting['id']}/entrustment"
    headers = [
        (b"authorization", f"Bearer {caller.token('hc-head')}".encode()),
        (b"idempotency-key", str(uuid4()).encode()),
    ]
    if if_match is not None:
        headers.append((b"if-match", if_match.encode()))
    body = {"to": "hc-exec", "reason": "出差"}
    refused(await caller.client.post(path, json=body, headers=headers), status, code)
    headers[2:] = [(b"if-match", b'"1"')]
    headers[1] = (b"idempotency-key", str(uuid4()).encode())
    assert (await caller.client.post(path, json=body, headers=headers)).status_code in (200, 409)


# headers -------------------------------------------------------------------------------------------------------------
async def test_what_a_caller_puts_into_headers_reaches_no_event_and_no_answer_unless_it_is_well_formed(
    caller: Caller,
) -> None:
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    body = composition_of(GOVERNMENT).model_dump(mode="json")
    for traceparent, kept in ((good, good), ("x" * 4000, None), (f"{good}-more", None), ("ff" + good[2:], None)):
        version = (await caller.look(f"Bearer {caller.token()}", "/v1/composition")).json()["version"]
        headers = {
            "Authorization": f"Bearer {caller.token(scopes='meeting:admin')}",
            "Idempotency-Key": str(uuid4()),
            "If-Match": f'"{version}"',
            "traceparent": traceparent,
            "x-request-id": "my-request",
        }
        answer = await caller.client.put(f"{caller.url}/v1/composition", json=body, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["x-request-id"] == "my-request"
        (row,) = await caller.rows(
            """SELECT traceparent, correlation_id FROM outbox WHERE aggregate_type = 'government'
               AND government = $1 ORDER BY pos DESC LIMIT 1""",
            GOVERNMENT,
        )
        assert tuple(row) == (kept, "my-request")


@pytest.mark.parametrize("given", [b"x" * 65, b"caf\xe9", b"a\tb"])
async def test_a_request_id_that_isnt_short_and_printable_is_replaced(given: bytes, caller: Caller) -> None:
    answer = await caller.client.get(f"{caller.url}/livez", headers=[(b"x-request-id", given)])
    assert UUID(answer.headers["x-request-id"])


async def test_a_token_of_another_issuer_with_the_same_name_is_refused(
    caller: Caller, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = LocalIssuer(tmp_path_factory.mktemp("stranger"))
    token = stranger.token(CLERK, GOVERNMENT, official=CLERK, scopes=["meeting:read", "meeting:write"])
    refused(await caller.look(f"Bearer {token}"), 401, "invalid_token")


# four eyes on what failed --------------------------------------------------------------------------------------------
@pytest.fixture
async def dead_event(stack: EmbeddedStack) -> AsyncIterator[UUID]:
    """An event that meeting-svc couldn't handle."""
    event_id = uuid4()
    connection = await asyncpg.connect(stack.database_admin_url, database="meeting")
    await connection.execute(
        """INSERT INTO inbox (consumer, event_id, source, government, event_type, aggregate_type, aggregate_id,
               aggregate_seq, status, topic, part, koffset)
           VALUES ('meeting-test', $1, 'test', $2, 'test.v1', 'test', $3, 1, 'dead', 'test', 0, 0)""",
        event_id,
        GOVERNMENT,
        str(event_id),
    )
    yield event_id
    await connection.execute("DELETE FROM inbox WHERE event_id = $1", event_id)
    await connection.close()


async def test_an_event_is_discarded_by_two_people_whatever_token_the_first_one_uses(
    caller: Caller, dead_event: UUID
) -> None:
    async def discard(official: str | None, **token: Any) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {caller.token(official, 'meeting:admin act', **token)}",
            "Idempotency-Key": str(uuid4()),
        }
        body = {"reason": "已由人工补录"}
        return await caller.client.post(f"{caller.url}/v1/events/{dead_event}/discard", json=body, headers=headers)

    assert (await discard(CLERK, subject="wang")).json()["status"] == "awaiting_second_person"
    for official, token in (
        (CLERK, {"subject": "wang"}),
        (None, {"subject": "wang"}),
        (OTHER_CLERK, {"subject": "wang"}),
        (CLERK, {"subject": "erp", "client_id": "erp"}),
    ):
        problem = refused(await discard(official, **token), 409, "second_person_needed")
        assert problem["satisfy"]
    assert (await discard(OTHER_CLERK, subject="li")).json()["status"] == "discarded"
    refused(await discard(OTHER_CLERK, subject="li"), 409, "event_is_done")
    rows = await caller.audit_of(f"event:{dead_event}")
    assert [row["actor"] for row in rows] == [CLERK, OTHER_CLERK]
    assert all(json.loads(row["details"])["reason"] for row in rows)


async def test_a_retry_withdraws_the_request_to_discard_the_event(caller: Caller, dead_event: UUID) -> None:
    async def send(subject: str, verb: str, body: Json) -> Json:
        headers = {
            "Authorization": f"Bearer {caller.token(None, 'meeting:admin', subject=subject)}",
            "Idempotency-Key": str(uuid4()),
        }
        answer = await caller.client.post(f"{caller.url}/v1/events/{dead_event}/{verb}", json=body, headers=headers)
        content: Json = answer.json()
        return content

    reason = {"reason": "已由人工补录"}
    assert (await send("wang", "discard", reason))["status"] == "awaiting_second_person"
    assert (await send("li", "retry", {}))["status"] == "waiting"
    assert (await send("li", "discard", reason))["status"] == "awaiting_second_person"
    assert (await send("wang", "discard", reason))["status"] == "discarded"


# the composition -----------------------------------------------------------------------------------------------------
async def test_of_two_first_compositions_loaded_at_once_one_is_refused_as_stale(caller: Caller) -> None:
    body = composition_of(GOVERNMENT).model_dump(mode="json")
    for _ in range(5):
        token = caller.token(None, "meeting:admin", government=f"founding_{uuid4().hex[:8]}")

        async def load(token: str = token) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
            return await caller.client.put(f"{caller.url}/v1/composition", json=body, headers=headers)

        answers = await asyncio.gather(*(load() for _ in range(4)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 200
        assert set(statuses[1:]) <= {412, 428}, statuses  # at the same moment, or just too late
