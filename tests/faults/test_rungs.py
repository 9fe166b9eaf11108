"""The escalation ladder of matters: two workers take its rungs, one of them is killed amid them, and the clock jumps."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.faults.invariants import ask
from tests.faults.stand import Stand
from tests.faults.test_matrix import TOMORROW

SECOND = "oversight-worker-9"
_TAKEN = """
    SELECT o.payload->>'entry_id' AS entry, array_agg((o.payload->>'rung')::int ORDER BY o.aggregate_seq) AS rungs
    FROM outbox o WHERE o.event_type = 'zhengling.oversight.entry.urged.v1' AND o.aggregate_id = ANY($1) GROUP BY 1
"""


async def test_each_rung_is_taken_once_and_in_order_though_one_of_two_workers_is_killed_and_the_clock_jumps_over_all(
    stand: Stand,
) -> None:
    second, first = stand.stack._service_process("oversight", "worker", SECOND), stand.process("oversight-worker-0")
    second.env = dict(second.env or {}) | {"CRASH_POINT": "timer.fired"}
    (stand.stack.folder / SECOND).write_text("1")
    try:
        async with stand.shifted() as shift:
            decisions = await stand.decide_many(30, TOMORROW + timedelta(days=10), meetings=3)
            await stand.until_in_ledger(decisions)
            found = await ask(
                stand.stack, "oversight", "SELECT id FROM ledger_entry WHERE source_id = ANY($1)", decisions
            )
            entries = [row["id"] for row in found]
            second.start()
            while not await asyncio.to_thread(second.is_ready):
                await asyncio.sleep(0.1)
            first.freeze()
            await shift(timedelta(days=60))
            while second.alive:  # it died between the rungs of a matter and their commit
                await asyncio.sleep(0.05)
            first.thaw()
            second.start()
            while True:
                taken = {row["entry"]: row["rungs"] for row in await ask(stand.stack, "oversight", _TAKEN, entries)}
                if len(taken) == len(entries) and all(len(rungs) >= 5 for rungs in taken.values()):
                    break
                await asyncio.sleep(0.2)
            await stand.until_settled()
            assert {tuple(rungs) for rungs in taken.values()} == {(0, 1, 2, 3, 4)}
            kept = await ask(
                stand.stack,
                "oversight",
                "SELECT (SELECT count(*) FROM pressure WHERE entry_id = ANY($1)) AS rungs,"
                " (SELECT count(*) FROM proposal WHERE entry_id = ANY($1)) AS proposals",
                entries,
            )
            assert dict(kept[0]) == {"rungs": 5 * len(entries), "proposals": len(entries)}
    finally:
        first.thaw()
        second.stop()
