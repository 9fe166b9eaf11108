"""Signing minutes and reading over HTTP, compared with the same SQL statements alone.

Ours are the API processes of meeting-svc and oversight-svc. The baseline is `bench.bare`, a separate process on the same
databases that executes with asyncpg, in one transaction, exactly the statements that ours sends for the same request
(recorded once, at the driver), and answers with the rows as JSON. So the difference is the cost of authentication,
idempotency, rules, objects and SQLAlchemy. Each signature is of different minutes with one decision: one meeting is taken
to the point where its minutes can be signed, the others are copies of its rows. The workers are stopped meanwhile, as the
pipeline has its own benchmark.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import orjson
import psutil
import sqlalchemy as sa
import yaml
from uuid_utils.compat import uuid7

import meeting_svc.app
import meeting_svc.settings
import oversight_svc.app
import oversight_svc.settings
from bench.bare import Recipe
from bench.table import Row
from demo.main_job import MainJob, Scenario
from zhengling.authority.composition import Composition
from zhengling.local.client import Api, Json, at, load_composition
from zhengling.local.processes import ServiceProcess, free_port
from zhengling.local.stack import EmbeddedStack
from zhengling.service.service import Service

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "demo"
GOVERNMENT = "xigang"
ROUNDS = 3
CONCURRENCIES = {1: 50, 16: 160}  # at a time: requests per round
WARM_UP = 32
ENTRIES = 300
PROGRAMS = {
    "meeting": (meeting_svc.app.create_app, meeting_svc.settings.Settings),
    "oversight": (oversight_svc.app.create_app, oversight_svc.settings.Settings),
}


class Connection:
    """One kept-alive connection: a minimal client, as it shares the processor with the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> Connection:
        place = urlsplit(url)
        return cls(*await asyncio.open_connection(place.hostname, place.port))

    async def ask(self, request: bytes) -> None:
        """Send one request and read its answer. RuntimeError with the answer unless its status is 200."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
        body = await self._reader.readexactly(int(length))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head.decode()}{body.decode()}")

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def load(url: str, requests: list[bytes], at_a_time: int) -> tuple[float, float]:
    """Milliseconds: the median response time, and the total time divided by the number of requests."""
    connections = [await Connection.open(url) for _ in range(at_a_time)]
    waiting, taken = iter(requests), list[float]()

    async def client(connection: Connection) -> None:
        for request in waiting:
            began = perf_counter()
            await connection.ask(request)
            taken.append((perf_counter() - began) * 1e3)

    began = perf_counter()
    try:
        await asyncio.gather(*map(client, connections))
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
    return median(taken), (perf_counter() - began) * 1e3 / len(requests)


class Operation:
    """One kind of request: ours for the n-th time, and its baseline."""

    def __init__(self, name: str, title: str, service: str, ask: Callable[[int], bytes]) -> None:
        self.name, self.title, self.service, self.ask = name, title, service, ask
        self.figures: dict[tuple[str, int], list[tuple[float, float, float]]] = defaultdict(list)
        self.used = 0

    def requests(self, side: str, number: int) -> list[bytes]:
        """`number` requests that neither side has sent before."""
        numbers = range(self.used, self.used + number)
        self.used += number
        return [self.ask(n) if side == "ours" else http("POST", f"/{self.name}/{n}", {}) for n in numbers]

    def rows(self) -> Iterable[Row]:
        for at_a_time in CONCURRENCIES:
            ours, bare = (
                [median(values) for values in zip(*self.figures[side, at_a_time], strict=True)]
                for side in ("ours", "bare")
            )
            what = f"{self.title}, {at_a_time} at a time"
            beside = "FastAPI, asyncpg, same SQL"
            yield Row(f"{what}: median answer", ours[0], "ms", bare[0], beside)
            if at_a_time > 1:
                note = f"{1e3 / ours[1]:,.0f}/s beside {1e3 / bare[1]:,.0f}/s, one process each"
                yield Row(f"{what}: time per request", ours[1], "ms", bare[1], beside, note=note)
                yield Row(f"{what}: the process's own processor time", ours[2], "ms", bare[2], beside)


def http(method: str, path: str, headers: dict[str, str], body: Json | None = None) -> bytes:
    content = orjson.dumps(body) if body is not None else b""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    if method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Waiting:
    """A meeting with minutes ready to be signed, and the copies of its rows: `ids[n]` maps its ids to the n-th copy's."""

    def __init__(self, meeting: Json, signer: str, ids: list[dict[str, str]]) -> None:
        self.meeting, self.signer, self.ids = meeting, signer, ids

    def id(self, n: int) -> str:
        return self.ids[n][self.meeting["id"]]


async def walk(job: MainJob) -> tuple[Json, str]:
    """Take one meeting to the point where its minutes can be signed. Returns it and the signing official."""
    topics = [await job.submit(planned) for planned in job.scenario.decisions]
    meeting = await job.call_meeting()
    topics = [await job.walk_topic(topic) for topic in topics]
    meeting = await job.agenda(meeting, topics)
    await job.api.set_clock(at(job.scenario.day, 9))
    meeting = await job.hold(meeting, topics)
    path = f"/v1/meetings/{meeting['id']}"
    await job.api.command("meeting", f"{path}/minutes", {}, job.office, meeting["version"])
    while True:
        meeting = await job.api.get("meeting", path, job.office)
        step = meeting["next_step"]
        if step["step"] == "sign":
            return meeting, step["officials"][0]
        body = {"step": step["step"], "opinion": "同意"}
        await job.api.command("meeting", f"{path}/minutes/steps", body, step["officials"][0], meeting["version"])


#: Those that aren't generated.
_COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_generated = 'NEVER'"


async def copy_rows(url: str, ids: list[dict[str, str]], tables: dict[str, str]) -> None:
    """Copy the rows of each table (name → condition) once for each mapping, with their ids replaced."""
    connection = await asyncpg.connect(url)
    try:
        for table, condition in tables.items():
            found = await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} t WHERE {condition}")
            copies = [replaced(row[0], mapping) for mapping in ids for row in found]
            names = ", ".join(row[0] for row in await connection.fetch(_COLUMNS, table))
            insert = (
                f"INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)"
            )
            for start in range(0, len(copies), 500):
                await connection.execute(insert, f"[{','.join(copies[start : start + 500])}]")
            await connection.execute(f"ANALYZE {table}")
    finally:
        await connection.close()


def replaced(text: str, mapping: dict[str, str]) -> str:
    for old, new in mapping.items():
        text = text.replace(old, new)
    return text


def rebound(value: Any, mapping: dict[str, str]) -> Any:
    """A recorded parameter for another copy: ids replaced by the mapping, and every UUID by a new one."""
    if isinstance(value, str):
        return replaced(value, mapping)
    if isinstance(value, UUID):
        return uuid7()
    if isinstance(value, list):
        return [rebound(item, mapping) for item in value]
    return value


def settings_of(stack: EmbeddedStack, service: str) -> dict[str, Any]:
    return {
        "profile": "development",
        "database_url": stack.database_url(service, "app"),
        "rulebooks": str(ROOT / "rulebooks"),
        "auth_issuer": stack.issuer.issuer,
        "auth_audience": stack.issuer.audience,
        "auth_jwks": str(stack.issuer.jwks_path),
        "kafka_bootstrap_servers": stack.kafka_bootstrap_servers,
        "file_store_url": (stack.folder / "files").as_uri(),
    }


async def record(stack: EmbeddedStack, operation: Operation, request: bytes) -> list[tuple[str, tuple[Any, ...]]]:
    """The statements that one request of ours sends to the driver: of the second of two requests, with warm caches."""
    create_app, settings = PROGRAMS[operation.service]
    service = Service.create(operation.service, settings(**settings_of(stack, operation.service)), "bench")
    sent: list[tuple[str, tuple[Any, ...]]] = []

    @sa.event.listens_for(service.database.engine.sync_engine, "before_cursor_execute")
    def executed(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, executemany: bool) -> None:
        sent.extend((statement, tuple(each)) for each in (parameters if executemany else [parameters]))

    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    transport = httpx.ASGITransport(create_app(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
        await client.get("/v1/meetings" if operation.service == "meeting" else "/v1/entries", headers=headers)
        sent.clear()
        answer = await client.request(method, path, headers=headers, content=body)
    await service.database.close()
    if answer.status_code != 200:
        raise RuntimeError(answer.text)
    return sent


async def run() -> list[Row]:
    """Start a stack and the bare process and measure; takes about a minute."""
    with (
        TemporaryDirectory(prefix="zhengling-bench-") as folder,
        EmbeddedStack(rulebooks=[ROOT / "rulebooks"], log_level="WARNING") as stack,
    ):
        async with httpx.AsyncClient(timeout=30) as client:
            api = Api(stack.addresses(), stack.issuer, GOVERNMENT, client)
            waiting = await prepare(stack, api)
        for process in stack.processes.values():
            if process.role == "worker":
                process.stop()
        operations = operations_on(api, waiting)
        recipes = {
            operation.name: await recipe(stack, operation, operation.ask(0), waiting) for operation in operations
        }
        recipes_path = Path(folder) / "recipes"
        recipes_path.write_bytes(pickle.dumps(recipes))
        port = free_port()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PORT": str(port)}
        command = [sys.executable, "-m", "bench.bare", str(recipes_path), str(port)]
        with ServiceProcess("bare", "api", command, environment, Path(folder) / "bare.log") as bare:
            for operation in operations:
                operation.used = 1  # the first was recorded
                await measure(operation, stack.processes[f"{operation.service}-api-0"], bare)
    return [row for operation in operations for row in operation.rows()]


async def prepare(stack: EmbeddedStack, api: Api) -> Waiting:
    """Prepare minutes to be signed, and a ledger of some hundreds of entries."""
    composition = Composition.model_validate(yaml.safe_load((DEMO / f"compositions/{GOVERNMENT}.yaml").read_bytes()))
    whole = Scenario.model_validate(yaml.safe_load((DEMO / "scenarios.yaml").read_bytes())[GOVERNMENT])
    scenario = whole.model_copy(update={"breach": None, "decisions": whole.decisions[:1]})
    await load_composition(api, composition)

    landed = MainJob(api, composition, scenario)
    await api.set_clock(at(scenario.submitted))
    meeting, signer = await walk(landed)
    step = {"step": "sign", "opinion": "同意"}
    await api.command("meeting", f"/v1/meetings/{meeting['id']}/minutes/steps", step, signer, meeting["version"])
    landed.signed_at = perf_counter()
    await landed.landing(meeting)
    entry = landed.report.landed[0].entry
    await copy_rows(
        admin_url(stack, "oversight"),
        [{key: f"{key}-{n}" for key in (entry["id"], entry["source_id"], entry["number"])} for n in range(ENTRIES)],
        {"ledger_entry": f"id = '{entry['id']}'"},
    )

    await api.set_clock(at(scenario.submitted))
    meeting, signer = await walk(MainJob(api, composition, scenario))
    decisions = (await api.get("meeting", "/v1/decisions", meeting_id=meeting["id"]))["items"]
    minutes = await api.get("meeting", f"/v1/meetings/{meeting['id']}/minutes")
    topics = [item["topic_id"] for item in meeting["agenda"]]
    originals = [meeting["id"], minutes["id"], *topics, *(decision["id"] for decision in decisions)]
    number = 1 + 2 * (ROUNDS * sum(CONCURRENCIES.values()) + WARM_UP)
    ids = [{original: str(uuid7()) for original in originals} for _ in range(number)]
    of_meeting = f"meeting_id = '{meeting['id']}'"
    tables = {
        "topic": of_meeting,
        "meeting": f"id = '{meeting['id']}'",
        "minutes": of_meeting,
        "decision": of_meeting,
    }
    await copy_rows(admin_url(stack, "meeting"), ids, tables)
    return Waiting(meeting, signer, ids)


def admin_url(stack: EmbeddedStack, database: str) -> str:
    return urlsplit(stack.database_admin_url)._replace(path=f"/{database}").geturl()


def operations_on(api: Api, waiting: Waiting) -> list[Operation]:
    authorised = {"Authorization": f"Bearer {api.token(waiting.signer)}"}

    def sign(n: int) -> bytes:
        headers = authorised | {"Idempotency-Key": f"sign-{n:06}", "If-Match": f'"{waiting.meeting["version"]}"'}
        body = {"step": "sign", "opinion": "同意"}
        return http("POST", f"/v1/meetings/{waiting.id(n)}/minutes/steps", headers, body)

    def one(n: int) -> bytes:
        return http("GET", f"/v1/meetings/{waiting.id(n % len(waiting.ids))}", authorised)

    def entries(n: int) -> bytes:
        return http("GET", "/v1/entries?limit=50", authorised)

    def meetings(n: int) -> bytes:
        return http("GET", "/v1/meetings?limit=50", authorised)

    return [
        Operation("sign", "Sign minutes of one decision", "meeting", sign),
        Operation("meeting", "Read one meeting", "meeting", one),
        Operation("meetings", "List 50 meetings", "meeting", meetings),
        Operation("entries", "List 50 ledger entries", "oversight", entries),
    ]


async def recipe(stack: EmbeddedStack, operation: Operation, request: bytes, waiting: Waiting) -> Recipe:
    """The recipe of the bare process for this kind of request."""
    sent = await record(stack, operation, request)
    recorded, key = waiting.ids[0], "sign-000000"
    bindings = []
    for n, ids in enumerate(waiting.ids):
        mapping = {recorded[original]: new for original, new in ids.items()} | {key: f"sign-{n:06}"}
        bindings.append([tuple(rebound(value, mapping) for value in parameters) for _, parameters in sent])
    statements = [statement for statement, _ in sent]
    nouns = ("FROM meeting", "FROM ledger_entry")
    answer = max(i for i, text in enumerate(statements) if any(noun in " ".join(text.split()) for noun in nouns))
    return Recipe(stack.database_url(operation.service, "app"), statements, bindings, answer)


async def measure(operation: Operation, ours: ServiceProcess, bare: ServiceProcess) -> None:
    """Measure both in every round, in alternating order."""
    sides = {"ours": ours, "bare": bare}
    for side, process in sides.items():
        await load(process.url, operation.requests(side, WARM_UP), 16)
    for turn in range(ROUNDS):
        for at_a_time, number in CONCURRENCIES.items():
            for side in sorted(sides, reverse=bool(turn % 2)):
                before = worked(sides[side])
                taken = await load(sides[side].url, operation.requests(side, number), at_a_time)
                operation.figures[side, at_a_time].append((*taken, (worked(sides[side]) - before) / number))


def worked(process: ServiceProcess) -> float:
    """The process's processor time in milliseconds."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system) * 1e3
