"""The one address of the stack: what it passes on, what it doesn't, and what it logs."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.compose.stack import ComposeStack
from tests.conftest import ROOT
from zhengling.events.event import SERVICES
from zhengling.web.security_headers import HEADERS

FEED = "/v1/feeds/a-secret-that-nobody-has.ics"


@pytest.mark.parametrize("service", SERVICES)
async def test_each_services_openapi_document_is_behind_it_and_names_the_address_to_call(
    service: str, compose: ComposeStack, patient: httpx.AsyncClient
) -> None:
    address = compose.addresses()[service]
    served = (await patient.get(f"{address}/openapi.json")).json()
    committed = json.loads((ROOT / "docs" / "api" / "openapi" / f"{service}.json").read_text())
    assert served["paths"].keys() - committed["paths"].keys() == {"/v1/testing/clock"}
    assert committed["paths"].keys() <= served["paths"].keys()
    assert served["servers"] == [{"url": address}]


@pytest.mark.parametrize("path", ["/docs", "/livez", "/readyz", "/metrics", "/v2/entries", "", "/v1/../docs"])
async def test_nothing_but_the_api_is_passed_on(path: str, compose: ComposeStack, patient: httpx.AsyncClient) -> None:
    address = compose.addresses()["oversight"]
    url = httpx.URL(address).copy_with(raw_path=f"/oversight{path}".encode())
    answer = await patient.get(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(answer.headers[name] == value for name, value in HEADERS.items())
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "path", ["/v1/topics/a%2Fb%20c", "/v1/topics//x", "/v1/topics?title=a%26b&x=%E6%94%BF", "/v1/topics/%2e%2e"]
)
async def test_an_address_arrives_as_it_was_sent(path: str, compose: ComposeStack, patient: httpx.AsyncClient) -> None:
    answers = []
    for address in (compose.addresses()["meeting"], compose.container("meeting-api").url):
        base = httpx.URL(address)
        answer = await patient.get(base.copy_with(raw_path=base.raw_path.rstrip(b"/") + f"/v1/{path}".encode()))
        answers.append((answer.status_code, answer.json() | {"request_id": ""}))
    assert answers[0] == answers[1]


async def test_its_log_holds_no_secret_of_a_feed_and_no_query(
    compose: ComposeStack, patient: httpx.AsyncClient
) -> None:
    address = compose.addresses()["calendar"]
    assert (await patient.get(f"{address}{FEED}?name=nobody")).status_code == 404
    logged = compose.container("gateway").logs()
    assert "/calendar/v1/feeds/{secret}.ics" in logged
    assert "a-secret-that-nobody-has" not in logged
    assert "nobody" not in logged
