"""Shared fixtures of docflow-svc's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docflow.office import Office
from zhengling.database.session import Database
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.loading import Rulebooks


@pytest.fixture
async def office(stack: EmbeddedStack, sixth_root: Path) -> AsyncIterator[Office]:
    database = Database(stack.database_url("docflow", "worker"), application="test")
    yield Office(database, Rulebooks.load([ROOT / "rulebooks", sixth_root]))
    await database.close()
