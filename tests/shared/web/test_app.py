"""What an API has before it serves its first request."""

from __future__ import annotations

import pytest

from zhengling.contracts.api_docs import app_of
from zhengling.events.event import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_has_to_wait_for_the_openapi_document_to_be_made(service: str) -> None:
    assert app_of(service).openapi_schema is not None
