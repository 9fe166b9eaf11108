"""Tests of the stack in deploy/compose; each test here needs it running: `make test-compose`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.compose.repeating import Repeating
from tests.compose.stack import ComposeStack
from tests.faults.invariants import Books

ON_COMPOSE = {"compose", "books", "patient"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and ON_COMPOSE & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.compose)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def compose() -> ComposeStack:
    if "COMPOSE_STATE" not in os.environ:
        pytest.fail("these tests need the stack of deploy/compose: make test-compose")
    return ComposeStack(Path(os.environ["COMPOSE_STATE"]))


@pytest.fixture(scope="session")
def books(compose: ComposeStack) -> Books:
    """What judges the stack from its databases, its log in Kafka, its metrics and what it printed."""
    return Books(compose, compose.secrets)  # type: ignore[arg-type]


@pytest.fixture
async def patient() -> AsyncIterator[httpx.AsyncClient]:
    """A client that repeats a request, with its Idempotency-Key, until it is answered."""
    async with httpx.AsyncClient(timeout=30, transport=Repeating()) as client:
        yield client
