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
from tests.conftest import ROOT, composition_of
from tests.faults.invariants import ask, findings
from tests.shared.conftest import trial, trial_database  # noqa: F401 - fixtures of the mutation tests

from zhengling.db import Database
from zhengling.events import CompositionChanged, DecisionAdopted, Resolution, Unit
from zhengling.outbox import emit
from zhengling.rulebook import Outcome
from zhengling.stack import EmbeddedStack, ServiceProcess

GOVERNMENTS = {"dalian": "2014-06-28", "xigang": "2023-08-21", "shuangtaizi": "2022-11-02"}
_DECISION = sa.text("""
    INSERT INTO decision (id, government, version, meeting_id, topic_id, resolution, standing)
    VALUES (:id, :government, 1, 'meeting', :id, CAST(:resolution AS jsonb), 'adopted')
""")


#: The crash points that processes are started with, by default; each waits for its budget.
FIRST_ARMED = {
    "oversight-worker-0": "consumer.handling",
    "meeting-worker-0": "consumer.handled",
    "calendar-worker-0": "consumer.committed",
}


class ArmedStack(EmbeddedStack):
    """Each process has a crash point and an empty budget, so that most can be armed without a restart."""

    def _environment_of(self, service: str, database_role: str, instance: str) -> dict[str, str]:
        crash = {
            "CRASH_POINT": FIRST_ARMED.get(instance, "outbox.emitted"),
            "CRASH_BUDGET": str(self.folder / instance),
        }
        return super()._environment_of(service, database_role, instance) | crash


class Faulty:
    """A stack with one worker per service; processes that die are started again, as Kubernetes would."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self.stack = stack
        self._app = Database(stack.database_url("meeting", "app"), application="faults")

    def process(self, name: str) -> ServiceProcess:
        return self.stack.processes[name]

    async def arm(self, name: str, point: str, kills: int = 2) -> Path:
        """Have a process kill itself so many times at a crash point; returns the file that counts down. The process is
        started anew where another point was in its environment."""
        process = self.process(name)
        budget = Path(str((process.env or {})["CRASH_BUDGET"]))
        if (process.env or {})["CRASH_POINT"] != point:
            await asyncio.to_thread(process.stop)
            process.env = dict(process.env or {}) | {"CRASH_POINT": point}
            budget.write_text(str(kills))
            process.start()
        budget.write_text(str(kills))
        return budget

    def disarm(self, *names: str) -> None:
        """Have them live on, also where their test has failed before their budgets were used up."""
        for name in names:
            Path(str((self.process(name).env or {})["CRASH_BUDGET"])).write_text("0")

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

    async def recompose(self) -> None:
        """Tell the other services a composition: a snapshot for the calendar's consumer."""
        async with self._app.transaction("dalian") as session:
            await emit(
                session, CompositionChanged(government="dalian", version=1, composition=composition_of("dalian"))
            )

    async def decide_badly(self) -> tuple[str, str]:
        """A decision whose event can't be handled, as its edition isn't loaded; behind it one that can. Returns the
        decision and the id of the bad event."""
        identity, government = str(uuid4()), "xigang"
        async with self._app.transaction(government) as session:
            bad, good = (
                _decision(identity, edition, date(2030, 1, 1)) for edition in ("1900-01-01", GOVERNMENTS[government])
            )
            await emit(session, bad, good)
            resolution = good.resolution.model_dump_json()
            await session.execute(_DECISION, {"id": identity, "government": government, "resolution": resolution})
        (row,) = await ask(
            self.stack, "meeting", "SELECT event_id FROM outbox WHERE aggregate_id = $1 AND aggregate_seq = 1", identity
        )
        return identity, str(row["event_id"])

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
async def faulty() -> AsyncIterator[Faulty]:
    """One stack for all tests of this folder: each leaves it whole."""
    with ArmedStack(
        rulebooks=[ROOT / "rulebooks"],
        services=("meeting", "oversight", "calendar"),
        environment={"KAFKA_SESSION_TIMEOUT_MS": "3000", "CONSUMER_PATIENCE": "10"},
    ) as running:
        for name in ("meeting", "topic"):  # the decisions here belong to no meeting that was held
            await ask(running, "meeting", f"ALTER TABLE decision DROP CONSTRAINT decision_{name}_id_fkey")
        made = Faulty(running)
        yield made
        await made.close()
