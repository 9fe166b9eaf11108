"""The four APIs against their own OpenAPI documents: by requests that schemathesis makes up, and by the main job's."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from demo.course import Courses
from demo.main_job import MainJob
from tests import sixth
from tests.caller import OFFICE, Caller
from tests.conftest import ROOT
from zhengling.events.event import SERVICES
from zhengling.files.kinds import FILE_KINDS
from zhengling.local.client import Api

schemathesis.serializer.alias([kind.media_type for kind in FILE_KINDS], "application/octet-stream")
EXAMPLES = 15
#: What all services have from the library is tried at one of them.
SAME_EVERYWHERE_TRIED_AT = "docflow"
KEY = re.compile(r"[!-~]{1,128}")
#: What is wrong with a request's form; anything else that is refused is a matter of its meaning.
MALFORMED = {"invalid_payload", "invalid_json", "unknown_parameter", "unsupported_media_type", "method_not_allowed"}


def _api(service: str) -> Any:
    """The committed document; a running service's differs only by the test clock (see below)."""
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "with-security-parameters": False},
            "phases": {"coverage": {"unexpected-methods": ["DELETE"]}},
            "checks": {
                "missing_required_header": {"expected-statuses": [400, 401, 403, 422, 428]},
                "negative_data_rejection": {"expected-statuses": ["4xx"]},
                "positive_data_acceptance": {"enabled": False},  # `well_formed` says the same of the form alone
            },
        }
    )
    schema = schemathesis.openapi.from_dict(_document(service), config=config)
    return schema if service == SAME_EVERYWHERE_TRIED_AT else schema.exclude(tag=["operations", "health"])


def _document(service: str) -> dict[str, Any]:
    path = ROOT / "docs" / "api" / "openapi" / f"{service}.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def well_formed(ctx: Any, response: Any, case: Any) -> None:
    """A request valid by the document is never refused as malformed, except 1.0, an integer to JSON Schema."""
    if case.meta and case.meta.generation.mode == GenerationMode.POSITIVE and 400 <= response.status_code < 500:
        problem = response.json()
        of_meaning = {error["type"] for error in problem.get("errors", [])} & {"value_error", "int_type"}
        assert problem["code"] not in MALFORMED or of_meaning, problem


APIS = {service: _api(service) for service in SERVICES}


async def _main_job(caller: Caller, client: httpx.AsyncClient) -> MainJob:
    people = Api(caller.addresses, caller.stack.issuer, sixth.CODE, client)
    job = MainJob(people, sixth.COMPOSITION, sixth.SCENARIO)
    try:
        await job.run()
    finally:
        await people.set_clock(None)
    return job


@pytest.fixture(scope="module")
async def things(caller: Caller) -> dict[str, str]:
    """What the requests made up may be about: one thing of each kind, with decisions, an entry and a document."""
    job = await _main_job(caller, caller.client)
    landed = job.report.landed[0]
    document = (await caller.get("docflow", "/v1/documents")).json()["items"][0]
    return {
        "topic_id": landed.decision["topic_id"],
        "meeting_id": landed.decision["meeting_id"],
        "decision_id": landed.decision["id"],
        "entry_id": landed.entry["id"],
        "document_id": document["id"],
    }


def exchange(service: str, case: Any, caller: Caller, things: dict[str, str]) -> None:
    """Send a generated request for an official with a new key; a well-formed one refers to existing resources."""
    headers = {"Authorization": f"Bearer {caller.token(OFFICE)}"}
    if KEY.fullmatch(str((case.headers or {}).get("Idempotency-Key", ""))):
        headers["Idempotency-Key"] = str(uuid4())
    if case.meta and case.meta.generation.mode == GenerationMode.POSITIVE:
        for name in things.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[name] = things[name]
    case.call_and_validate(base_url=caller.addresses[service], headers=headers, additional_checks=[well_formed])


@APIS["meeting"].parametrize()
def test_meeting_does_as_its_document_says(case: Any, caller: Caller, things: dict[str, str]) -> None:
    exchange("meeting", case, caller, things)


@APIS["docflow"].parametrize()
def test_docflow_does_as_its_document_says(case: Any, caller: Caller, things: dict[str, str]) -> None:
    exchange("docflow", case, caller, things)


@APIS["oversight"].parametrize()
def test_oversight_does_as_its_document_says(case: Any, caller: Caller, things: dict[str, str]) -> None:
    exchange("oversight", case, caller, things)


@APIS["calendar"].parametrize()
def test_calendar_does_as_its_document_says(case: Any, caller: Caller, things: dict[str, str]) -> None:
    exchange("calendar", case, caller, things)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_running_service_gives_the_committed_document_and_the_test_clock(service: str, caller: Caller) -> None:
    running = (await caller.client.get(f"{caller.addresses[service]}/openapi.json")).json()
    committed = _document(service)
    assert set(running["paths"]) - set(committed["paths"]) == {"/v1/testing/clock"}
    assert {path: running["paths"][path] for path in committed["paths"]} == committed["paths"]
    assert running["components"]["schemas"].items() >= committed["components"]["schemas"].items()


async def test_every_answer_of_the_main_job_fits_its_document(caller: Caller) -> None:
    """Generated requests are seldom lawful; these are, so successful answers are checked, too."""
    seen: set[str] = set()

    async def validate(response: httpx.Response) -> None:
        await response.aread()
        url = f"{response.request.url.scheme}://{response.request.url.netloc.decode()}"
        service = next(name for name, address in caller.addresses.items() if address == url)
        path = response.request.url.path
        operation = APIS[service].find_operation_by_path(response.request.method, path)
        if operation is None:
            assert path == "/v1/testing/clock"
            return
        operation.validate_response(response)
        if response.is_success:
            seen.add(operation.definition.raw["operationId"])

    async with httpx.AsyncClient(timeout=30, event_hooks={"response": [validate]}) as client:
        job = await _main_job(caller, client)
        landed = job.report.landed[0]
        for service, path in (
            ("meeting", f"/v1/meetings/{landed.decision['meeting_id']}/minutes"),
            ("meeting", f"/v1/topics/{landed.decision['topic_id']}"),
            ("meeting", f"/v1/decisions/{landed.decision['id']}"),
            ("meeting", "/v1/topics"),
            ("meeting", "/v1/meetings"),
            ("oversight", f"/v1/entries/{landed.entry['id']}"),
            ("oversight", f"/v1/entries/{landed.entry['id']}/due"),
            ("docflow", "/v1/documents"),
            ("calendar", "/v1/years/2026"),
        ):
            found = await job.api.get(service, path)
            if path == "/v1/documents":
                await job.api.get(service, f"{path}/{found['items'][0]['id']}")
        courses = Courses(job.api, sixth.COMPOSITION, sixth.SCENARIO)
        await courses.run(job.report.landed)
        await courses.trace(landed.entry["id"])
    assert {
        "submit_topic",
        "take_topic_step",
        "add_to_agenda",
        "open_session",
        "record_decision",
        "close_session",
    } <= seen
    assert {
        "draft_minutes",
        "take_minutes_step",
        "get_document",
        "explain_entry_due",
        "get_year",
        "get_minutes",
    } <= seen
    assert {
        "list_entry_acts",
        "accept_entry",
        "report_entry_done",
        "verify_entry",
        "close_entry",
        "send_entry_back",
    } <= seen
