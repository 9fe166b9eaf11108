"""Processes that die at the worst moments: every committed decision still ends as exactly one ledger entry."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from tests.conftest import composition_of
from tests.faults.conftest import FIRST_ARMED, Faulty
from tests.faults.invariants import ask

from zhengling.faults import CRASH_POINTS
from zhengling.main_job import Api

#: What is armed side by side, each in the process of a service that gets there.
ARMED = (FIRST_ARMED, {"oversight-worker-0": "timer.fired", "meeting-worker-0": "relay.sent"})
ARMED_WITH_A_COMMAND = {"meeting-api-0": "outbox.emitted", "meeting-worker-0": "relay.marked"}


def test_every_crash_point_has_its_test() -> None:
    assert {point for armed in (*ARMED, ARMED_WITH_A_COMMAND) for point in armed.values()} == set(CRASH_POINTS)


@pytest.mark.parametrize("armed", ARMED, ids=lambda armed: " and ".join(armed.values()))
async def test_each_decision_lands_once_and_falls_overdue_once_though_processes_are_killed(
    armed: dict[str, str], faulty: Faulty
) -> None:
    """Two kills at each point, in processes that are started again while decisions keep coming."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    decided = await faulty.decide(20, tomorrow)
    await faulty.until_in_ledger(decided)
    budgets = await asyncio.gather(*(faulty.arm(name, point) for name, point in armed.items()))
    try:
        async with faulty.restarting(), faulty.shifted(timedelta(days=3)), asyncio.timeout(90):
            while any(int(budget.read_text() or "0") for budget in budgets):
                decided += await faulty.decide(10, tomorrow)
                await faulty.recompose()
                await asyncio.sleep(0.5)
            await faulty.until_in_ledger(decided)
            await faulty.until_settled()
    finally:
        faulty.disarm(*armed)
    overdue = await ask(faulty.stack, "meeting", "SELECT id FROM decision WHERE standing = 'overdue'")
    assert set(decided) <= {row["id"] for row in overdue}


async def test_a_command_that_died_before_its_commit_is_done_once_when_it_is_repeated(faulty: Faulty) -> None:
    """The API is killed twice between the event and the commit, and the relay twice between mark and commit; the
    client repeats its command under the same Idempotency-Key."""
    stack, body = faulty.stack, composition_of("huancui").model_dump(mode="json")
    budgets = await asyncio.gather(*(faulty.arm(name, point) for name, point in ARMED_WITH_A_COMMAND.items()))
    url, answers = f"{stack.addresses()['meeting']}/v1/composition", []
    try:
        async with faulty.restarting(), httpx.AsyncClient(timeout=10) as client, asyncio.timeout(90):
            token = Api(stack.addresses(), stack.issuer, "huancui", client).token(None)
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
            while len(answers) < 2:
                try:
                    answers.append(await client.put(url, json=body, headers=headers))
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
            while any(int(budget.read_text() or "0") for budget in budgets):
                await asyncio.sleep(0.1)
            await faulty.until_settled()
    finally:
        faulty.disarm(*ARMED_WITH_A_COMMAND)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    events = await ask(stack, "meeting", "SELECT aggregate_seq FROM outbox WHERE aggregate_id = 'huancui'")
    assert [row["aggregate_seq"] for row in events] == [1]
    audited = await ask(stack, "meeting", "SELECT action FROM audit WHERE government = 'huancui'")
    assert [row["action"] for row in audited] == ["load_composition"]
