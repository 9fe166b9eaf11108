"""A stack of its own for what is killed, stopped and emptied, and decisions to lose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from tests.conftest import ROOT
from tests.faults.invariants import ask, findings

from zhengling.db import Database
from zhengling.events import DecisionAdopted, Resolution, Unit
from zhengling.outbox import emit
from zhengling.rulebook import Outcome
from zhengling.stack import EmbeddedStack, ServiceProcess

GOVERNMENTS = {"dalian": "2014-06-28", "xigang": "2023-08-21", "shuangtaizi": "2022-11-02"}
_DECISION = sa.text("""
    INSERT INTO decision (id, government, version, meeting_id, topic_id, resolution, standing)
    VALUES (:id, :government, 1, 'meeting', :id, CAST(:resolution AS jsonb), 'adopted')
""")


class Faulty:
    """A stack with one worker per service; processes that die are started again, as Kubernetes would."""

    def __init__(self, stack: EmbeddedStack, folder: Path) -> None:
        self.stack = stack
        self._folder = folder
        self._app = Database(stack.database_url("meeting", "app"), application="faults")

    def process(self, name: str) -> ServiceProcess:
        return self.stack.processes[name]

    async def arm(self, name: str, point: str, kills: int = 2) -> Path:
        """Start a process so that it kills itself at a crash point; returns the file that counts down."""
        process = self.process(name)
        budget = self._folder / name
        budget.write_text(str(kills))
        await asyncio.to_thread(process.stop)
        process.env = dict(process.env or {}) | {"CRASH_POINT": point, "CRASH_BUDGET": str(budget)}
        process.start()
        return budget

    async def disarm(self, *names: str) -> None:
        """Let no later start of these processes be armed; their budgets are used up or their test has failed."""
        for name in names:
            process = self.process(name)
            process.env = {key: value for key, value in (process.env or {}).items() if not key.startswith("CRASH_")}
            (self._folder / name).write_text("0")

    def restart_the_dead(self) -> None:
        for process in self.stack.processes.values():
            if not process.alive:
                process.start()

    @asynccontextmanager
    async def restarting(self) -> AsyncIterator[None]:
        """Inside the block whatever dies is started again."""

        async def forever() -> None:
            while True:
                await asyncio.to_thread(self.restart_the_dead)
                await asyncio.sleep(0.2)

        task = asyncio.create_task(forever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @asynccontextmanager
    async def shifted(self, by: timedelta) -> AsyncIterator[None]:
        """Inside the block business time is ahead, in all services."""
        for shift in (by, timedelta(0)):
            for service in self.stack.services:
                await ask(self.stack, service, "UPDATE business_clock SET shift = $1", shift)
            if shift:
                yield

    async def decide(self, count: int, due: date) -> list[str]:
        """Adopt so many decisions of several governments, some transactions of which are rolled back; returns those
        that were committed."""
        decided = []
        for n in range(count):
            government = list(GOVERNMENTS)[n % len(GOVERNMENTS)]
            identity = str(uuid4())
            try:
                async with self._app.transaction(government) as session:
                    event = _decision(identity, GOVERNMENTS[government], due)
                    await emit(session, event)
                    resolution = event.resolution.model_dump_json()
                    await session.execute(
                        _DECISION, {"id": identity, "government": government, "resolution": resolution}
                    )
                    if n % 10 == 9:
                        raise LookupError("rolled back on purpose")
                decided.append(identity)
            except LookupError:
                pass
            except DBAPIError as error:  # a connection from before the database went away
                if not error.connection_invalidated:
                    raise
        return decided

    async def in_ledger(self, decisions: list[str]) -> int:
        rows = await ask(
            self.stack,
            "oversight",
            "SELECT count(DISTINCT source_id) FROM ledger_entry WHERE source_id = ANY($1)",
            decisions,
        )
        return int(rows[0][0])

    async def until_in_ledger(self, decisions: list[str], within: float = 90) -> None:
        async with asyncio.timeout(within):
            while await self.in_ledger(decisions) < len(decisions):
                await asyncio.sleep(0.1)

    async def until_settled(self, within: float = 90) -> None:
        """Until every invariant holds; what doesn't in that time is the failure's text."""
        found = ["never looked"]
        try:
            async with asyncio.timeout(within):
                while found := await findings(self.stack):
                    await asyncio.sleep(0.5)
        except TimeoutError:
            raise AssertionError("\n".join(found)) from None

    async def close(self) -> None:
        await self._app.close()


def _decision(identity: str, edition: str, due: date) -> DecisionAdopted:
    unit = Unit(code="office", name="办公室")
    moment = datetime.now(UTC)
    return DecisionAdopted(
        decision_id=identity,
        meeting_id="meeting",
        meeting_kind="executive",
        meeting_title="常务会议",
        meeting_clause="XG-1",
        edition=edition,
        resolution=Resolution(
            decision_id=identity, topic_id=identity, number=1, title="关于供水管网的请示", sponsor=unit, outcome=Outcome.passed,
            task="抓紧实施", lead=unit, due=due,
        ),
        signed_at=moment,
        recorded_at=moment,
    )  # fmt: skip


@pytest.fixture(scope="session")
async def faulty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Faulty]:
    """One stack for all tests of this folder: each leaves it whole."""
    with EmbeddedStack(
        rulebooks=[ROOT / "rulebooks"],
        services=("meeting", "oversight", "calendar"),
        environment={"KAFKA_SESSION_TIMEOUT_MS": "3000", "CONSUMER_PATIENCE": "10"},
    ) as running:
        for name in ("meeting", "topic"):  # the decisions here belong to no meeting that was held
            await ask(running, "meeting", f"ALTER TABLE decision DROP CONSTRAINT decision_{name}_id_fkey")
        made = Faulty(running, tmp_path_factory.mktemp("budgets"))
        yield made
        await made.close()
