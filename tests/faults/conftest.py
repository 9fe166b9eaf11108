"""A stand of its own for what is killed, stopped and emptied; the summary of what it went through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.broker import ON_APACHE
from tests.faults.figures import markdown
from tests.faults.invariants import ask
from tests.faults.rows import FULL, SEED
from tests.faults.run import FIGURES
from tests.faults.stand import FaultyStack, Stand
from tests.shared.conftest import trial, trial_database  # noqa: F401 - fixtures of the mutation tests


@asynccontextmanager
async def standing(stack: FaultyStack) -> AsyncIterator[Stand]:
    """Start the stack and stand decisions on it that belong to no meeting that was held."""
    with stack:
        for name in ("meeting", "topic"):
            await ask(stack, "meeting", f"ALTER TABLE decision DROP CONSTRAINT decision_{name}_id_fkey")
        stand = Stand(stack)
        try:
            yield stand
        finally:
            await stand.close()


class Stands:
    """One stand for all tests of this folder; after one that left it broken the next gets a new one."""

    def __init__(self) -> None:
        self._undo = AsyncExitStack()
        self._stand: Stand | None = None

    async def sound(self) -> Stand:
        if self._stand is None or not self._stand.sound:
            await self._undo.aclose()
            self._stand = await self._undo.enter_async_context(standing(FaultyStack()))
        return self._stand

    async def close(self) -> None:
        await self._undo.aclose()


@pytest.fixture(scope="session")
async def stands() -> AsyncIterator[Stands]:
    made = Stands()
    yield made
    await made.close()


@pytest.fixture
async def stand(stands: Stands, request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    """A stand that is whole; a test that fails has broken it."""
    made = await stands.sound()
    made.sound = False
    failed = request.session.testsfailed
    yield made
    made.disarm()
    made.sound = request.session.testsfailed == failed


#: Fixtures with processes that are killed: what asks for one of them is a test of faults.
STANDS = {"stand", "victim", "three_nodes", "pair", "restorable"}


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Waits here end when nothing moves any more; the limit on a whole test is only against hanging elsewhere."""
    if hasattr(config, "workerinput"):  # side by side: what takes longest begins first
        items.sort(key=lambda item: "three_nodes" not in getattr(item, "fixturenames", ()))
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(1800 if FULL else 480))
            if isinstance(item, pytest.Function) and STANDS & set(item.fixturenames):
                item.add_marker(pytest.mark.faults)
                if "victim" in item.fixturenames:  # each leaves broken books for the next one
                    item.add_marker(pytest.mark.xdist_group("victim"))


#: The summary's lines from the processes that the tests were spread over.
GATHERED: list[list[str]] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = [each.cells() for each in FIGURES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    GATHERED.extend(getattr(node, "workeroutput", {}).get("figures", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if cells := [*(each.cells() for each in FIGURES), *GATHERED]:
        broker = "Apache Kafka" if ON_APACHE else "the embedded broker"
        terminalreporter.write_line(f"\nOn {broker}, FAULTS_SEED={SEED}\n")
        for line in markdown(cells):
            terminalreporter.write_line(line)
