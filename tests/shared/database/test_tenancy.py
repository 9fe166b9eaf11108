"""Tenancy: no government reads another's rows, over HTTP with a neighbour's token, and for the database roles even
if a query omits its filter. Two governments have run their main job, so that both have data."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from demo.main_job import MainJob
from tests.conftest import composition_of, scenario_of
from tests.contents import PDF
from tests.oversight.matter import Matter
from tests.oversight.notice.test_notice_api import issued
from zhengling.authority.composition import PostRole
from zhengling.database.session import Database
from zhengling.events.event import SERVICES
from zhengling.local.client import Api, Json, Refused, at, office_clerk
from zhengling.local.stack import EmbeddedStack

MINE, THEIRS = "zhanqian", "shuangtaizi"
ROLES = ("app", "worker")
#: The backbone's tables where the worker looks for work in all governments. It inserts for the one it entered alone.
OPEN_TO_THE_WORKER = {
    "outbox", "inbox", "denied_event", "timer", "idempotency_key", "audit", "audit_seal", "deadline", "recomputation",
}  # fmt: skip
#: Tables without a government: what they hold is the process's, or names an event by its id only.
OF_NO_GOVERNMENT = {
    "alembic_version", "business_clock", "outbox_lane", "inbox_cursor", "missing_event", "reconciliation", "poison",
}  # fmt: skip
#: Of those, what the application's role may look into.
OF_NO_GOVERNMENT_AND_OPEN_TO_THE_APP = {"business_clock", "outbox_lane", "poison"}  # of poison not what it says
#: Path parameters that name nothing of a government's.
OF_NOBODY = {"year", "kind", "poison_id", "deadline_id"}


#: Path parameters that name a row only together with an id before them.
PLAIN = {"number": "1"}


@dataclass
class Neighbours:
    """What two governments have, and how to ask for it as either."""

    stack: EmbeddedStack
    client: httpx.AsyncClient
    ids: dict[str, str]  # of THEIRS, by the name of the path parameter
    own: dict[str, str]  # of MINE, likewise

    def token(self, government: str, *more: str, official: str | None = None) -> str:
        scopes = [f"{service}:{right}" for service in SERVICES for right in ("read", "write", "admin")]
        return self.stack.issuer.token(
            official or "operator", government, official=official, scopes=[*scopes, "events:replay", *more]
        )

    async def ask(
        self, government: str, method: str, service: str, path: str, body: Json | None = None, *, version: int = 1
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(government)}"}
        if method != "GET":
            headers |= {"Idempotency-Key": str(uuid4()), "If-Match": f'"{version}"'}
        url = f"{self.stack.addresses()[service]}{path}"
        return await self.client.request(method, url, json=body, headers=headers)


async def superuser(stack: EmbeddedStack, service: str) -> asyncpg.Connection:
    return await asyncpg.connect(stack.database_admin_url, database=service)


async def as_role(stack: EmbeddedStack, service: str, role: str) -> asyncpg.Connection:
    return await asyncpg.connect(stack.database_url(service, role))


async def dead_event(connection: asyncpg.Connection, service: str, government: str) -> UUID:
    """An event of this government that the service couldn't handle, and that its sender denies."""
    event_id = uuid4()
    await connection.execute(
        """INSERT INTO inbox (consumer, event_id, source, government, event_type, aggregate_type, aggregate_id,
               aggregate_seq, status, last_error, topic, part, koffset, discard_requested_by)
           VALUES ($1, $2, 'test', $3, 'test.v1', 'test', $4, 1, 'dead', 'its secret', 'test', 0, 0, 'the first person')""",
        f"{service}-test",
        event_id,
        government,
        str(event_id),
    )
    await connection.execute(
        """INSERT INTO denied_event (consumer, event_id, government, reason, discard_requested_by)
           VALUES ($1, $2, $3, 'never_emitted', 'the first person')""",
        f"{service}-test",
        event_id,
        government,
    )
    return event_id


@pytest.fixture(scope="module")
async def neighbours(stack: EmbeddedStack) -> AsyncIterator[Neighbours]:
    async with httpx.AsyncClient(timeout=30) as client:
        found: dict[str, dict[str, str]] = {}
        for government in (THEIRS, MINE):
            api = Api(stack.addresses(), stack.issuer, government, client)
            report = await MainJob(api, composition_of(government), scenario_of(government)).run()
            landed = next(x for x in report.landed if x.decision["resolution"]["document"] == "to_issue")
            found[government] = {
                "topic_id": landed.decision["topic_id"],
                "meeting_id": landed.decision["meeting_id"],
                "decision_id": landed.decision["id"],
                "entry_id": landed.entry["id"],
                "document_id": await drafted(api, landed.decision["id"]),
                "absence_id": await asked_for(api),
                "official_id": composition_of(government).officials[-1].id,
                "field_day_id": await spent_in_the_field(api) if government == THEIRS else "",
                "planning_request_id": await asked_to_hold(api) if government == THEIRS else "",
            }
        for service in SERVICES:
            connection = await superuser(stack, service)
            found[THEIRS][f"{service} event_id"] = str(await dead_event(connection, service, THEIRS))
            await connection.close()
        found[THEIRS] |= await offices_closed(Api(stack.addresses(), stack.issuer, THEIRS, client))
        made = Neighbours(stack, client, found[THEIRS], found[MINE])
        found[THEIRS]["file_id"] = await filed(made)
        found[THEIRS]["circular_id"] = await circulated(Api(stack.addresses(), stack.issuer, THEIRS, client))
        for service, noun in (("oversight", "entry"), ("docflow", "document")):
            path = f"/v1/{'entries' if noun == 'entry' else 'documents'}/{found[THEIRS][f'{noun}_id']}/deadlines"
            listed = (await made.ask(THEIRS, "GET", service, path)).json()
            found[THEIRS][f"{service} deadline_id"] = listed["items"][0]["id"]
            if noun == "entry":
                theirs = Api(stack.addresses(), stack.issuer, THEIRS, client)
                found[THEIRS] |= await supervised(theirs, found[THEIRS]["entry_id"])
        for service in SERVICES:
            feed = await made.ask(THEIRS, "POST", service, "/v1/feeds", {})
            found[THEIRS][f"{service} feed_id"] = feed.json()["id"]
        yield made
        for service in SERVICES:
            connection = await superuser(stack, service)
            await connection.execute("DELETE FROM denied_event WHERE consumer LIKE '%-test'")
            await connection.execute("DELETE FROM inbox WHERE source = 'test'")
            await connection.close()


async def supervised(api: Api, entry_id: str) -> dict[str, str]:
    """The source of THEIRS entry, a notice on it with its deadline, and a proposal that repeated urging made."""
    matter = Matter(api, composition_of(THEIRS), await api.get("oversight", f"/v1/entries/{entry_id}"))
    notice = await issued(matter)
    (clock,) = (await api.get("oversight", f"{notice.path}/deadlines"))["items"]
    for _ in range(3):
        version = (await matter.shown())["version"]
        await api.command("oversight", f"{matter.path}/pressure", {"reason": "进展缓慢"}, notice.drafter, version)
    (proposal,) = (await api.get("oversight", "/v1/proposals", notice.drafter, entry_id=entry_id))["items"]
    return {
        "source_id": matter.entry["sources"][0]["id"],
        "notice_id": notice.shown["id"],
        "notices deadline_id": clock["id"],
        "proposal_id": proposal["id"],
    }


async def filed(neighbours: Neighbours) -> str:
    """A file of THEIRS."""
    headers = {"Authorization": f"Bearer {neighbours.token(THEIRS)}", "Idempotency-Key": str(uuid4())}
    url = f"{neighbours.stack.addresses()['meeting']}/v1/files?name=a.pdf"
    answer = await neighbours.client.post(url, content=PDF, headers=headers | {"Content-Type": "application/pdf"})
    return str(answer.json()["id"])


async def offices_closed(api: Api) -> dict[str, str]:
    """A closure of the government's offices on a day without deadlines, and the operation with its progress."""
    body = {
        "first": "2029-08-08",
        "last": "2029-08-08",
        "reason": "暴雨停止办公",
        "ordered_by": "防汛指挥部",
        "document": "防指〔2029〕1号",
    }
    change = await api.command("calendar", "/v1/closures", body, office_clerk(composition_of(api.government)))
    return {"closure_id": change["subject"].removeprefix("closure:"), "operation_id": change["id"]}


async def circulated(api: Api) -> str:
    """A circular of a day's attendance."""
    body = {"since": "2026-02-12", "until": "2026-02-12", "recipients": "各部门"}
    clerk = office_clerk(composition_of(api.government))
    return str((await api.command("meeting", "/v1/attendance/circulars", body, clerk))["id"])


async def drafted(api: Api, decision: str) -> str:
    while not (found := (await api.get("docflow", "/v1/documents", decision_id=decision))["items"]):
        await asyncio.sleep(0.05)
    return str(found[0]["id"])


async def asked_for(api: Api) -> str:
    """An absence that a deputy of the government asks for, and that the head refuses."""
    people = composition_of(api.government)
    (deputy, *_) = people.with_post([PostRole.deputy], date(2027, 9, 1))
    body = {"kind": "leave", "since": "2027-09-01", "until": "2027-09-02", "reason": "年休假"}
    while True:  # until calendar-svc has heard of the people
        try:
            absence = await api.command("calendar", "/v1/absences", body, deputy)
            break
        except Refused as refused:
            if refused.code != "no_composition":
                raise
            await asyncio.sleep(0.05)
    path = f"/v1/absences/{absence['id']}/refusal"
    (head,) = people.with_post([PostRole.head], date(2027, 9, 1))
    await api.command("calendar", path, {"reason": "工作需要"}, head, absence["version"])
    return str(absence["id"])


async def spent_in_the_field(api: Api) -> str:
    """A day of field research of one of the government's deputies."""
    (deputy, *_) = composition_of(api.government).with_post([PostRole.deputy], date(2026, 1, 5))
    body = {"day": "2026-01-05", "place": "临河街道", "subject": "基层治理"}
    return str((await api.command("calendar", "/v1/field-research", body, deputy))["id"])


async def asked_to_hold(api: Api) -> str:
    """A department's work meeting, which nobody has to approve."""
    people = composition_of(api.government)
    principal = next(p for p in people.posts if p.role == PostRole.principal and p.official.endswith("jyj-principal"))
    body = {
        "type": "department-work-meeting",
        "title": "教育系统工作会议",
        "day": "2027-09-01",
        "sponsor": principal.organisation,
    }
    return str((await api.command("meeting", "/v1/planning-requests", body, principal.official))["id"])


# over HTTP ----------------------------------------------------------------------------------------------------------
class Operation:
    """One operation of an OpenAPI document, and a request that it takes."""

    def __init__(self, service: str, document: Json, path: str, method: str) -> None:
        self.service, self.path, self.method = service, path, method.upper()
        self._schemas = document["components"]["schemas"]
        operation = document["paths"][path][method]
        self.name: str = operation["operationId"]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        self.body = self.sample(content["schema"]) if content else None

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    def path_of(self, ids: dict[str, str]) -> str:
        """The path with another government's ids; a parameter that nobody thought of has to be added above."""
        given = ids | PLAIN
        noun = self.path.split("/")[2]
        values = {
            name: given.get(f"{noun} {name}") or given.get(name) or ids[f"{self.service} {name}"]
            for name in self.parameters
        }
        return self.path.format(**values)

    def sample(self, schema: Json) -> Any:
        """A value that the schema takes: of an object what is required, of a choice the first."""
        if "$ref" in schema:
            return self.sample(self._schemas[schema["$ref"].rsplit("/", 1)[1]])
        if "examples" in schema and schema.get("type") == "object":
            return schema["examples"][0]
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self.sample(schema[choice][0])
        match schema.get("type"):
            case "object" if "patternProperties" in schema:
                (values,) = schema["patternProperties"].values()
                return {f"x{n}": self.sample(values) for n in range(schema.get("minProperties", 0))}
            case "object":
                return {name: self.sample(schema["properties"][name]) for name in schema.get("required", [])}
            case "array":
                return [self.sample(schema["items"]) for _ in range(schema.get("minItems", 0))]
            case "integer" | "number":
                return int(schema.get("minimum", 1))  # which the document may say as 1.0
            case "boolean":
                return True
        formats = {"date": "2026-02-12", "date-time": "2026-02-12T09:00:00+08:00", "uuid": str(UUID(int=7))}
        return formats.get(schema.get("format", ""), "x" * max(2, schema.get("minLength", 2)))


async def operations(neighbours: Neighbours) -> list[Operation]:
    """Every operation of the four documents that belongs to the token's government."""
    found = []
    for service, url in neighbours.stack.addresses().items():
        document = (await neighbours.client.get(f"{url}/openapi.json")).json()
        for path, methods in document["paths"].items():
            if path.startswith("/v1/"):
                found += [Operation(service, document, path, m) for m in methods if methods[m]["security"] != []]
    return found


def tenant_ids(operation: Operation) -> bool:
    return bool(set(operation.parameters) - OF_NOBODY)


async def test_an_id_of_another_government_looks_like_none_in_every_operation_that_takes_one(
    neighbours: Neighbours,
) -> None:
    asked = [operation for operation in await operations(neighbours) if tenant_ids(operation)]
    assert {"get_topic", "take_minutes_step", "set_entry_due", "get_document", "retry_event", "discard_event"} <= {
        operation.name for operation in asked
    }
    for operation in asked:
        path = operation.path_of(neighbours.ids)
        answer = await neighbours.ask(MINE, operation.method, operation.service, path, operation.body)
        assert (answer.status_code, answer.json()["code"][-10:]) == (404, "_not_found"), (operation.name, answer.text)
        theirs = await neighbours.ask(THEIRS, operation.method, operation.service, path, operation.body)
        assert theirs.status_code != 404, (operation.name, theirs.text)  # so the id was right


async def all_pages(neighbours: Neighbours, government: str, service: str, path: str) -> str:
    """What the government is answered, as one text."""
    answer = await neighbours.ask(government, "GET", service, path)
    text = answer.text
    while answer.is_success and "json" in answer.headers["Content-Type"]:
        found = answer.json()
        if not isinstance(found, dict) or not (cursor := found.get("next_cursor")):
            break
        answer = await neighbours.ask(government, "GET", service, f"{path}?limit=200&cursor={quote(cursor)}")
        text += answer.text
    return text


async def test_no_list_shows_a_row_of_another_government(neighbours: Neighbours) -> None:
    connection = await superuser(neighbours.stack, "meeting")  # asked for by everybody, the first one may be discarded
    neighbours.ids["meeting event_id"] = str(await dead_event(connection, "meeting", THEIRS))
    await connection.close()
    shown = set()
    for operation in [o for o in await operations(neighbours) if o.method == "GET" and not tenant_ids(o)]:
        path = operation.path.replace("{year}", "2026").replace("{kind}", "executive")
        mine, theirs = [
            await all_pages(neighbours, government, operation.service, path) for government in (MINE, THEIRS)
        ]
        assert not [identity for identity in neighbours.ids.values() if identity in mine], operation.name
        if [identity for identity in neighbours.ids.values() if identity in theirs]:
            shown.add(operation.name)
    shown.discard("get_composition_changes")  # has rows only where the last load changed something
    assert shown == {  # so there was something to hide; add to `neighbours` what a new list shows
        "list_topics", "list_meetings", "list_decisions", "list_entries", "list_documents", "list_failed_events",
        "list_denied_events",
        "list_feeds", "get_calendar_feed", "list_absences", "list_closures", "list_files",
        "get_composition", "list_officials", "list_posts", "list_planning_requests",
        "list_attendance_circulars", "list_numbers", "list_known_decisions", "list_supervision_notices", "list_proposals",
    }  # fmt: skip


async def test_filters_and_cursors_that_name_another_governments_rows_find_nothing(neighbours: Neighbours) -> None:
    ids = neighbours.ids
    for service, path in (
        ("meeting", f"/v1/decisions?meeting_id={ids['meeting_id']}"),
        ("oversight", f"/v1/entries?source_id={ids['decision_id']}"),
        ("docflow", f"/v1/documents?decision_id={ids['decision_id']}"),
    ):
        assert (await neighbours.ask(MINE, "GET", service, path)).json()["items"] == []
        assert (await neighbours.ask(THEIRS, "GET", service, path)).json()["items"] != []
    page = (await neighbours.ask(THEIRS, "GET", "meeting", "/v1/topics?limit=1")).json()
    assert page["next_cursor"]
    rest = await neighbours.ask(MINE, "GET", "meeting", f"/v1/topics?limit=200&cursor={page['next_cursor']}")
    assert rest.status_code == 200
    assert not [topic for topic in rest.json()["items"] if topic["id"] in ids.values()]


async def test_another_governments_topic_can_neither_be_put_on_an_agenda_nor_admitted_late(
    neighbours: Neighbours,
) -> None:
    api = Api(neighbours.stack.addresses(), neighbours.stack.issuer, MINE, neighbours.client)
    await api.set_clock(at(date(2026, 2, 3)))
    body = {"kind": "executive", "title": "会议", "day": "2026-02-12"}
    meeting = await api.command("meeting", "/v1/meetings", body, "zq-office-clerk")
    path = f"/v1/meetings/{meeting['id']}/agenda"
    answer = await neighbours.ask(MINE, "POST", "meeting", path, {"topic_id": neighbours.ids["topic_id"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "topic_not_found")
    own = await api.get("meeting", f"/v1/topics/{neighbours.own['topic_id']}")
    answer = await neighbours.ask(
        MINE,
        "POST",
        "meeting",
        f"/v1/topics/{own['id']}/late-admission",
        {"meeting_id": neighbours.ids["meeting_id"], "reason": "别人的会议"},
        version=own["version"],
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "meeting_not_found")


async def test_a_link_shows_its_own_government_whoever_sends_which_token(neighbours: Neighbours) -> None:
    ids = neighbours.ids
    for service, shown in (("meeting", "meeting_id"), ("oversight", "entry_id"), ("docflow", "document_id")):
        links = [
            (await neighbours.ask(government, "POST", service, "/v1/feeds", {})).json()["url"]
            for government in (MINE, THEIRS)
        ]
        for token in (neighbours.token(MINE), neighbours.token(THEIRS), "rubbish"):
            headers = {"Authorization": f"Bearer {token}"}
            mine, theirs = [
                (await neighbours.client.get(link, headers=headers)).text.replace("\r\n ", "") for link in links
            ]
            assert "BEGIN:VEVENT" in mine
            assert neighbours.own[shown] not in theirs
            assert ids[shown] in theirs
            assert ids[shown] not in mine


async def test_a_replay_publishes_nothing_of_another_government_and_the_national_calendar_by_its_scope_alone(
    neighbours: Neighbours,
) -> None:
    body = {"since": "2020-01-01T00:00:00Z"}
    connection = await superuser(neighbours.stack, "calendar")
    waiting = "SELECT count(*) FROM outbox WHERE government = $1"
    national, own, others = [await connection.fetchval(waiting, government) for government in ("*", MINE, THEIRS)]
    await connection.close()
    assert national > 0 and others > 0
    answer = await neighbours.ask(MINE, "POST", "calendar", "/v1/events/replay", body)
    assert answer.json() == {"events": own}
    headers = {
        "Authorization": f"Bearer {neighbours.token(MINE, 'calendar:national')}",
        "Idempotency-Key": str(uuid4()),
    }
    url = f"{neighbours.stack.addresses()['calendar']}/v1/events/replay"
    answer = await neighbours.client.post(url, json=body, headers=headers)
    assert answer.json() == {"events": own + national}
    theirs = {
        "since": "2020-01-01T00:00:00Z",
        "aggregate_type": "meeting",
        "aggregate_id": neighbours.ids["meeting_id"],
    }
    answer = await neighbours.ask(MINE, "POST", "meeting", "/v1/events/replay", theirs)
    assert answer.json() == {"events": 0}
    answer = await neighbours.ask(THEIRS, "POST", "meeting", "/v1/events/replay", theirs)
    assert answer.json()["events"] > 0


async def test_deadlines_of_another_government_need_the_national_scope_and_do_not_reveal_which_governments_exist(
    neighbours: Neighbours,
) -> None:
    for government in (THEIRS, "nowhere"):
        body = {"government": government, "rule": "matter-general", "from": "2026-02-12"}
        answer = await neighbours.ask(MINE, "POST", "calendar", "/v1/deadlines", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "another_government")
        assert THEIRS not in answer.json()["satisfy"]


async def test_the_same_idempotency_key_of_the_same_client_is_another_one_in_another_government(
    neighbours: Neighbours,
) -> None:
    key, url = str(uuid4()), f"{neighbours.stack.addresses()['meeting']}/v1/events/replay"
    body = {"since": "2020-01-01T00:00:00Z", "aggregate_type": "meeting", "aggregate_id": neighbours.own["meeting_id"]}
    answers = [
        await neighbours.client.post(
            url,
            json=body,
            headers={"Authorization": f"Bearer {neighbours.token(government)}", "Idempotency-Key": key},
        )
        for government in (MINE, THEIRS)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["events"] > 0
    assert answers[1].json() == {"events": 0}
    assert "Idempotent-Replayed" not in answers[1].headers


# the database's roles -----------------------------------------------------------------------------------------------
@dataclass
class Column:
    name: str
    type: str
    needed: bool
    """NOT NULL and without a default."""


async def tables(connection: asyncpg.Connection) -> dict[str, list[Column]]:
    """Every table of the public schema with its columns, but for those that are generated."""
    rows = await connection.fetch("""
        SELECT table_name, column_name, udt_name, is_nullable, column_default, is_identity
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
        ORDER BY table_name, ordinal_position
    """)
    found: dict[str, list[Column]] = {}
    for table, name, kind, nullable, default, identity in rows:
        needed = nullable == "NO" and default is None and identity == "NO"
        found.setdefault(table, []).append(Column(name, kind, needed))
    return found


async def tenant_tables(connection: asyncpg.Connection) -> dict[str, list[Column]]:
    return {
        table: columns
        for table, columns in (await tables(connection)).items()
        if any(column.name == "government" for column in columns)
    }


async def first_allowed(connection: asyncpg.Connection, table: str) -> dict[str, str]:
    """Columns with a list of allowed values (CHECK … IN …), each with the first of them."""
    checks = await connection.fetch(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'", table
    )
    found = (re.search(r"\((\w+) = (?:ANY \(ARRAY\[)?'([^']+)'", row[0]) for row in checks)
    return {match[1]: match[2] for match in found if match}


def sample(kind: str) -> str:
    """An SQL value of a type, another one each time where it could be a key."""
    values = {
        "text": f"'{uuid4()}'", "uuid": f"'{uuid4()}'", "_uuid": "'{}'", "jsonb": "'[]'", "bool": "false",
        "bytea": "'x'", "timestamptz": "now()", "date": "current_date", "int2": "1", "int4": "1", "int8": "1",
    }  # fmt: skip
    return values[kind]


async def insertion(connection: asyncpg.Connection, table: str, columns: list[Column], government: str) -> str:
    """An INSERT of a fresh row of that government."""
    allowed = await first_allowed(connection, table)
    values = {column.name: sample(column.type) for column in columns if column.needed}
    values |= {name: f"'{value}'" for name, value in allowed.items() if name in values}
    values["government"] = f"'{government}'"
    return f'INSERT INTO "{table}" ({", ".join(values)}) VALUES ({", ".join(values.values())})'


@asynccontextmanager
async def rolled_back(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Roll back whatever happens inside; within a transaction a savepoint."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def attempt(connection: asyncpg.Connection, statement: str) -> str:
    """What PostgreSQL says to a statement, which leaves nothing behind: its tag, or `refused`."""
    async with rolled_back(connection):
        try:
            return str(await connection.execute(statement))
        except asyncpg.InsufficientPrivilegeError:
            return "refused"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_that_entered_one_government_touches_no_row_of_another_in_any_table(
    service: str, role: str, stack: EmbeddedStack
) -> None:
    """Rows of two governments that exist only inside a transaction which is rolled back, so that nobody is disturbed."""
    connection = await superuser(stack, service)
    try:
        async with rolled_back(connection):
            found = await tenant_tables(connection)
            assert {"outbox", "inbox", "audit", "composition", "rulebook_edition", "outbox_sequence"} <= set(found)
            await connection.execute("SET LOCAL session_replication_role = replica")  # foreign keys aside
            statements = {}
            for table, columns in found.items():
                for government in ("here", "there"):
                    await connection.execute(await insertion(connection, table, columns, government))
                statements[table] = {g: await insertion(connection, table, columns, g) for g in ("here", "there")}
            await connection.execute("SET LOCAL session_replication_role = origin")
            await connection.execute(f'SET LOCAL ROLE "{service}_{role}"')
            await connection.execute("SELECT set_config('app.government', 'here', true)")
            for table, columns in found.items():
                open_ = role == "worker" and table in OPEN_TO_THE_WORKER
                seen = await attempt(connection, f"SELECT FROM \"{table}\" WHERE government = 'there'")
                assert seen == ("SELECT 1" if open_ else "SELECT 0") or seen == "refused", (table, seen)
                own = await attempt(connection, f"SELECT FROM \"{table}\" WHERE government = 'here'")
                assert own in ("SELECT 1", "refused"), (table, own)  # so the other zero means something
                everything = await attempt(connection, f"SELECT FROM \"{table}\" WHERE government <> '*'")
                assert open_ or everything in ("SELECT 1", "refused"), (table, everything)
                inserted = await attempt(connection, statements[table]["there"])
                assert inserted == "refused", (table, inserted)
                deleted = await attempt(connection, f"DELETE FROM \"{table}\" WHERE government = 'there'")
                assert deleted in ("DELETE 0", "refused") or (open_ and table == "idempotency_key"), (table, deleted)
                moved = await attempt(connection, f"UPDATE \"{table}\" SET government = 'there'")
                assert moved == "refused", (table, moved)
                for column in [] if open_ else columns:
                    change = f'UPDATE "{table}" SET "{column.name}" = DEFAULT WHERE government = \'there\''
                    changed = await attempt(connection, change)
                    assert changed in ("UPDATE 0", "refused"), (table, column.name, changed)
            # and where nobody was entered, there is nothing at all
            await connection.execute("SELECT set_config('app.government', '', true)")
            for table in found:
                if not (role == "worker" and table in OPEN_TO_THE_WORKER):
                    seen = await attempt(connection, f"SELECT FROM \"{table}\" WHERE government <> '*'")
                    assert seen in ("SELECT 0", "refused"), (table, seen)
                assert await attempt(connection, statements[table]["here"]) == "refused", table
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_of_another_governments_rows_the_worker_changes_only_how_far_its_own_work_is(
    service: str, stack: EmbeddedStack
) -> None:
    connection = await superuser(stack, service)
    try:
        found = {
            table: {
                column.name
                for column in columns
                if await connection.fetchval(
                    "SELECT has_column_privilege($1, $2::regclass, $3, 'UPDATE')",
                    f"{service}_worker",
                    table,
                    column.name,
                )
            }
            for table, columns in (await tenant_tables(connection)).items()
            if table in OPEN_TO_THE_WORKER
        }
    finally:
        await connection.close()
    tries = {"attempts", "next_attempt_at", "last_error"}
    assert found == {
        "outbox": tries | {"published_at", "parked_at"},
        "inbox": tries | {"status", "envelope", "applied_at"},
        "timer": tries | {"state", "fired_at"},
        "denied_event": set(),
        "idempotency_key": set(),
        "audit": {"seal"},
        "audit_seal": set(),
        # of the deadlines only those of the government it entered: a policy of its own
        "deadline": {
            "due",
            "due_at",
            "provisional",
            "calendar_version",
            "adjustments",
            "state",
            "recurs",
            "passed_at",
            "met_at",
        },
        "recomputation": {"version", "why_en", "why_zh", "examined", "moved", "requested_at", "finished_at"},
    }


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_sees_the_rows_of_real_work_by_the_government_it_entered(
    role: str, neighbours: Neighbours
) -> None:
    for service in SERVICES:
        above, below = await superuser(neighbours.stack, service), await as_role(neighbours.stack, service, role)
        try:
            for table in await tenant_tables(above):
                counts = dict(await above.fetch(f'SELECT government, count(*) FROM "{table}" GROUP BY 1'))
                if role == "worker" and table in OPEN_TO_THE_WORKER:
                    continue
                assert not await below.fetch(f"SELECT FROM \"{table}\" WHERE government <> '*'"), table
                async with below.transaction():
                    await below.execute("SELECT set_config('app.government', $1, true)", MINE)
                    seen = dict(await below.fetch(f'SELECT government, count(*) FROM "{table}" GROUP BY 1'))
                seen.pop("*", None)
                assert set(seen) <= {MINE}, table
                assert bool(seen) == (MINE in counts), table
        finally:
            await above.close()
            await below.close()


async def test_an_aggregate_of_another_government_cant_be_emitted_on(neighbours: Neighbours) -> None:
    """Otherwise a command for the wrong government would number that meeting's events."""
    connection = await as_role(neighbours.stack, "meeting", "app")
    try:
        for government, statement in (
            (MINE, "UPDATE outbox_sequence SET last_seq = 99 WHERE aggregate_id = $1"),
            (THEIRS, "UPDATE outbox_sequence SET last_seq = last_seq WHERE aggregate_id = $1"),
        ):
            async with rolled_back(connection):
                await connection.execute("SELECT set_config('app.government', $1, true)", government)
                done = await connection.execute(statement, neighbours.ids["meeting_id"])
                assert done == ("UPDATE 0" if government == MINE else "UPDATE 1")
        async with rolled_back(connection):
            await connection.execute("SELECT set_config('app.government', $1, true)", MINE)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(
                    """INSERT INTO outbox_sequence AS s (aggregate_type, aggregate_id, government, last_seq)
                       VALUES ('meeting', $1, $2, 1)
                       ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE SET last_seq = s.last_seq + 1""",
                    neighbours.ids["meeting_id"],
                    MINE,
                )
    finally:
        await connection.close()


async def test_a_transaction_that_sets_the_hash_of_a_links_secret_sees_only_that_link_until_it_is_revoked(
    neighbours: Neighbours,
) -> None:
    made = [(await neighbours.ask(THEIRS, "POST", "calendar", "/v1/feeds", {})).json() for _ in range(2)]
    secret = made[0]["url"].rsplit("/", 1)[1].removesuffix(".ics")
    seen, connection = "SELECT id FROM feed", await as_role(neighbours.stack, "calendar", "app")
    try:
        async with rolled_back(connection):
            assert await connection.fetch(seen) == []
            await connection.execute("SELECT set_config('app.feed', $1, true)", hashlib.sha256(b"guessed").hexdigest())
            assert await connection.fetch(seen) == []
            digest = hashlib.sha256(secret.encode()).hexdigest()
            await connection.execute("SELECT set_config('app.feed', $1, true)", digest)
            assert [str(row["id"]) for row in await connection.fetch(seen)] == [made[0]["id"]]
            assert await connection.execute("UPDATE feed SET revoked_at = now()") == "UPDATE 0"
            await connection.execute("SELECT set_config('app.government', $1, true)", THEIRS)
            assert await connection.execute("UPDATE feed SET revoked_at = now()") != "UPDATE 0"
            await connection.execute("SELECT set_config('app.government', '', true)")
            assert await connection.fetch(seen) == []
        assert await connection.fetch(seen) == []
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_with_a_government_forces_its_policies_on_everybody(
    service: str, stack: EmbeddedStack
) -> None:
    connection = await superuser(stack, service)
    try:
        for table, columns in (await tables(connection)).items():
            enabled, forced, owner = await connection.fetchrow(
                "SELECT relrowsecurity, relforcerowsecurity, relowner::regrole::text FROM pg_class WHERE oid = $1::regclass",
                table,
            )
            assert owner == f"{service}_owner"
            if any(column.name == "government" for column in columns):
                assert enabled and forced, f"{table} has a government and no forced row-level security"
                continue
            assert table in OF_NO_GOVERNMENT, f"{table}: whose is it?"
            may = await connection.fetchval(
                "SELECT has_any_column_privilege($1, $2::regclass, 'SELECT')", f"{service}_app", table
            )
            assert may == (table in OF_NO_GOVERNMENT_AND_OPEN_TO_THE_APP), table
        for row in await connection.fetch("SELECT tablename, policyname, roles::text[], qual FROM pg_policies"):
            assert set(row["roles"]) <= {f"{service}_app", f"{service}_worker"}
            if row["qual"] == "true":
                assert row["roles"] == [f"{service}_worker"]
                assert row["tablename"] in OPEN_TO_THE_WORKER
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_no_role_of_a_service_bypasses_row_level_security_or_reaches_another_services_database(
    service: str, stack: EmbeddedStack
) -> None:
    connection = await superuser(stack, service)
    try:
        for role in ("owner", *ROLES):
            found = await connection.fetchrow(
                """SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
                          EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) FROM pg_roles r WHERE rolname = $1""",
                f"{service}_{role}",
            )
            assert tuple(found) == (False,) * 6, role
            for other in SERVICES:
                may = await connection.fetchval(
                    "SELECT has_database_privilege($1, $2, 'CONNECT')", f"{service}_{role}", other
                )
                assert may == (other == service)
        for role in ROLES:
            for privilege in ("CREATE", "TEMPORARY"):
                assert not await connection.fetchval(
                    "SELECT has_database_privilege($1, $2, $3)", f"{service}_{role}", service, privilege
                )
            assert not await connection.fetchval(
                "SELECT has_schema_privilege($1, 'public', 'CREATE')", f"{service}_{role}"
            )
        definers = "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        assert not await connection.fetch(definers)
    finally:
        await connection.close()
    stranger = stack.database_url(service, "app").rsplit("/", 1)[0]
    other = next(name for name in SERVICES if name != service)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(f"{stranger}/{other}")


@pytest.mark.parametrize("ending", ["commit", "rollback", "error"])
async def test_a_connection_goes_back_to_the_pool_without_its_government(ending: str, neighbours: Neighbours) -> None:
    """One connection, so that the next one to take it is the same."""
    database = Database(neighbours.stack.database_url("meeting", "app"), application="test", pool_size=1)
    count = sa.text("SELECT count(*) FROM topic")

    class Stop(Exception):
        pass

    async def work() -> int:
        async with database.transaction(THEIRS) as session:
            if ending == "error":
                with pytest.raises(sa.exc.DBAPIError):
                    async with session.begin_nested():
                        await session.execute(sa.text("SELECT 1 / 0"))
            seen = await session.scalar(count)
            if ending == "rollback":
                raise Stop
            return int(seen)

    try:
        if ending == "rollback":
            with pytest.raises(Stop):
                await work()
        else:
            assert await work() > 0
        async with database.engine.connect() as connection:
            assert await connection.scalar(sa.text("SELECT current_government()")) is None
            assert await connection.scalar(count) == 0
        async with database.transaction(None) as session:
            assert await session.scalar(count) == 0
        async with database.transaction(MINE) as session:
            governments = (await session.execute(sa.text("SELECT DISTINCT government FROM topic"))).scalars().all()
            assert governments == [MINE]
        assert database.engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    finally:
        await database.close()


async def test_a_snapshot_of_one_governments_people_is_not_what_another_reads(neighbours: Neighbours) -> None:
    """The parsed compositions are kept in the process, by government."""
    for government in (MINE, THEIRS, MINE):
        answer = await neighbours.ask(government, "GET", "meeting", "/v1/composition")
        officials = {official["id"] for official in answer.json()["composition"]["officials"]}
        assert officials == {official.id for official in composition_of(government).officials}


async def test_two_governments_ids_never_meet_in_one_answer(neighbours: Neighbours) -> None:
    """Whatever each government can list names no official of the other."""
    pattern = {MINE: re.compile(r'"st-'), THEIRS: re.compile(r'"zq-')}
    for operation in [o for o in await operations(neighbours) if o.method == "GET" and not tenant_ids(o)]:
        for government, others in pattern.items():
            path = operation.path.replace("{year}", "2026").replace("{kind}", "executive")
            answer = await neighbours.ask(government, "GET", operation.service, path)
            assert not others.search(answer.text), operation.name
