"""One trace from the HTTP request to the ledger entry, as a collector receives it from the stack's processes over OTLP/HTTP."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncpg
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from demo.main_job import MainJob
from tests import sixth
from tests.broker import chosen_broker
from tests.conftest import ROOT
from zhengling.local.client import Api
from zhengling.local.stack import EmbeddedStack


@dataclass(frozen=True)
class Seen:
    """A span as it was exported; ids in hex, `parent` is empty for a root."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    text: str


class Collector:
    """What an OpenTelemetry collector is to its clients."""

    def __init__(self) -> None:
        self.spans: dict[str, Seen] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    self.spans[ids[1]] = Seen(named["service.name"], span.name, *ids, text=str(span))

    def above(self, span: Seen) -> list[Seen]:
        """The span and those above it, up to the root; shorter while one hasn't arrived."""
        line = [span]
        while line[-1].parent in self.spans:
            line.append(self.spans[line[-1].parent])
        return line


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


@pytest.fixture(scope="module")
def traced(sixth_root: Path, collector: Collector) -> Iterator[EmbeddedStack]:
    settings = {"OTLP_TRACES_ENDPOINT": collector.url, "TRACE_SHARE": "1", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with EmbeddedStack(
        rulebooks=[ROOT / "rulebooks", sixth_root], broker=chosen_broker(), environment=settings
    ) as running:
        yield running


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not found():
            await asyncio.sleep(0.1)


async def test_one_trace_leads_from_the_request_to_the_ledger_entry(
    traced: EmbeddedStack, collector: Collector, client: httpx.AsyncClient
) -> None:
    people = Api(traced.addresses(), traced.issuer, sixth.CODE, client)
    report = await MainJob(people, sixth.COMPOSITION, sixth.SCENARIO).run()
    entry = report.landed[0].entry
    connection = await asyncpg.connect(traced.database_admin_url.rsplit("/", 1)[0] + "/oversight")
    try:
        carried = await connection.fetchval(
            "SELECT traceparent FROM outbox WHERE aggregate_id = $1 ORDER BY pos LIMIT 1", entry["id"]
        )
    finally:
        await connection.close()
    assert carried, "the entry's first event carries no trace"
    _, trace, opener, sampled = carried.split("-")
    assert int(sampled, 16) & 1, "it is carried as not recorded"
    await until(lambda: opener in collector.spans and not collector.above(collector.spans[opener])[-1].parent)
    line = collector.above(collector.spans[opener])
    assert {span.trace for span in line} == {trace}
    opened_by, *_, request = line
    assert opened_by.service == "oversight-svc"
    assert opened_by.name.startswith("handle zhengling.meeting.")
    assert line[1].name == opened_by.name.replace("handle ", "publish ", 1)
    assert (line[1].service, request.service) == ("meeting-svc", "meeting-svc")
    assert "http.request.method" in request.text
    # The entry's own event goes on in the same trace, to whoever reads it.
    await until(
        lambda: any(
            span.trace == trace and span.parent == opener and span.name.startswith("publish zhengling.oversight.")
            for span in collector.spans.values()
        )
    )


async def test_a_callers_trace_goes_on_and_its_choice_not_to_be_recorded_is_kept(
    traced: EmbeddedStack, collector: Collector, client: httpx.AsyncClient
) -> None:
    people = Api(traced.addresses(), traced.issuer, sixth.CODE, client)
    url, bearer = f"{traced.addresses()['meeting']}/v1/topics", {"Authorization": f"Bearer {people.token(None)}"}
    caller = "b7ad6b7169203331"
    unrecorded, recorded = "1" * 32, "2" * 32
    for trace, flags in ((unrecorded, "00"), (recorded, "01")):
        await client.get(url, headers=bearer | {"traceparent": f"00-{trace}-{caller}-{flags}"})
    await until(lambda: any(span.trace == recorded for span in collector.spans.values()))
    assert {span.parent for span in collector.spans.values() if span.trace == recorded} == {caller}
    assert not any(span.trace == unrecorded for span in collector.spans.values())


async def test_no_span_shows_what_was_sent(
    traced: EmbeddedStack, collector: Collector, client: httpx.AsyncClient
) -> None:
    secret = "canary7f3a9c"
    people = Api(traced.addresses(), traced.issuer, sixth.CODE, client)
    base, before = traced.addresses()["meeting"], len(collector.spans)
    bearer = {"Authorization": f"Bearer {people.token(None)}"}
    await client.get(f"{base}/v1/topics", params={secret: secret}, headers=bearer)
    await client.get(f"{base}/v1/topics/{secret}", headers=bearer)
    await client.get(f"{base}/v1/feeds/{secret}.ics")
    await client.post(f"{base}/v1/topics", json={"title": secret}, headers={"Authorization": f"Bearer {secret}"})
    await until(lambda: len(collector.spans) >= before + 4)
    assert not [span for span in collector.spans.values() if secret in span.text]
