"""The restore drill of docs/operations/backup-and-restore.md: under load back up, lose database and broker, restore to a point in
time, verify the audit chains with their anchors, publish again."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.conftest import composition_of
from tests.faults.conftest import standing
from tests.faults.invariants import ask
from tests.faults.restoring import Backup
from tests.faults.stand import GOVERNMENTS, SERVICES, FaultyStack, Stand, during
from tests.shared.backbone.test_audit import ZHENGLING
from zhengling.backbone import anchors
from zhengling.local.client import Api, load_composition

COMMITTERS = 4
#: Where the load leaves something to seal.
ANCHORED = ("meeting", "oversight")


class RestorableStack(FaultyStack):
    """Archives its WAL, and anchors its audit chains in a folder that is lost with nothing."""

    def __init__(self, folder: Path) -> None:
        self.anchors, self.key = folder / "anchors", folder / "key"
        anchors.new_key(self.key)
        super().__init__(
            environment={
                "AUDIT_ANCHOR_URL": self.anchors.as_uri(),
                "AUDIT_ANCHOR_KEY_FILE": str(self.key),
                "AUDIT_ANCHOR_INTERVAL": "1",
            }
        )
        assert self.postgres
        self.backup = Backup(self.postgres, self.folder / "backup")

    def zhengling(self, service: str, *command: str) -> tuple[int, str]:
        """A command on a service's database; its exit code and what it printed."""
        done = subprocess.run(
            [ZHENGLING, *command],
            env=os.environ | {"DATABASE_URL": self.database_url(service, "worker")},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    def verify(self, service: str, *options: str) -> tuple[int, str]:
        place = ("--anchors", self.anchors.as_uri(), "--anchor-key", f"{self.key}.pub")
        return self.zhengling(service, "audit", "verify-database", service, *place, *options)


@pytest.fixture
async def restorable(tmp_path: Path) -> AsyncIterator[tuple[Stand, RestorableStack]]:
    stack = RestorableStack(tmp_path)
    async with standing(stack) as stand:
        yield stand, stack


class Load:
    """Decisions, one after another on each of some meetings, in the order in which they were committed."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.committed: list[str] = []

    async def forever(self) -> None:
        async def committer(n: int) -> None:
            while True:
                if identity := await self._stand.decide(f"meeting-{n}", n):
                    self.committed.append(identity)
                await asyncio.sleep(0.02)

        await asyncio.gather(*(committer(n) for n in range(COMMITTERS)))

    async def more(self, decisions: int) -> None:
        """Until so many more are committed."""
        until = len(self.committed) + decisions
        async with asyncio.timeout(60):
            while len(self.committed) < until:
                await asyncio.sleep(0.05)


async def kept(stack: FaultyStack) -> set[str]:
    return {row["id"] for row in await ask(stack, "meeting", "SELECT id FROM decision")}


async def heads(stack: FaultyStack, service: str) -> dict[str, int]:
    rows = await ask(stack, service, "SELECT government, max(seal) AS seal FROM audit_seal GROUP BY 1")
    return {row["government"]: row["seal"] for row in rows}


async def anchored(stack: RestorableStack, service: str) -> dict[str, int]:
    """The last seal of each chain that any anchor holds."""
    taken, _ = await anchors.AnchorStore(stack.anchors.as_uri()).read(service, anchors.SigningKey(stack.key))
    held: dict[str, int] = {}
    for anchor in taken:
        for government, head in anchor.heads.items():
            held[government] = max(head.seal, held.get(government, 0))
    return held


async def until_anchored(stack: RestorableStack, service: str, beyond: dict[str, int]) -> None:
    """Until anchors hold more of each of these chains."""
    async with asyncio.timeout(60):
        while True:
            held = await anchored(stack, service)
            if all(held.get(government, 0) > seal for government, seal in beyond.items()):
                return
            await asyncio.sleep(0.2)


async def test_what_was_committed_before_the_point_is_back_once_after_database_and_broker_were_lost(
    restorable: tuple[Stand, RestorableStack],
) -> None:
    stand, stack = restorable
    backup, broker = stack.backup, stack.broker
    assert broker
    backup.prepare()
    load = Load(stand)
    async with during(load.forever()):
        await load.more(20)
        await asyncio.to_thread(backup.take)
        await load.more(40)
        before = set(load.committed)
        point: datetime = (await ask(stack, "meeting", "SELECT clock_timestamp()"))[0][0]
        around = len(load.committed) + COMMITTERS  # each had one in hand then
        at_point = {g: seal for g, seal in (await heads(stack, "oversight")).items() if g in GOVERNMENTS}
        await load.more(40)
        await backup.archived()
        await until_anchored(stack, "oversight", at_point)
        await load.more(8)
    lost = set(load.committed[around:])
    assert lost

    await asyncio.to_thread(broker.kill)
    await asyncio.to_thread(backup.server.kill)
    shutil.rmtree(backup.server.data)
    for name in stand.names():
        await asyncio.to_thread(stand.process(name).stop)

    await backup.restore(point)
    assert before <= (found := await kept(stack))
    assert not lost & found

    for service in SERVICES:
        code, printed = await asyncio.to_thread(stack.zhengling, service, "audit", "verify-database", service)
        assert code == 0, printed
    restored = await heads(stack, "oversight")
    code, printed = await asyncio.to_thread(stack.verify, "oversight")
    assert code == 1
    beyond = {g: seal for g, seal in (await anchored(stack, "oversight")).items() if seal > restored.get(g, 0)}
    assert beyond.keys() >= GOVERNMENTS.keys()
    for government, seal in beyond.items():
        assert f"{government}: seals {restored.get(government, 0) + 1} to {seal} are missing" in printed

    store, key = anchors.AnchorStore(stack.anchors.as_uri()), anchors.SigningKey(stack.key)
    ahead = {
        service: [
            option
            for anchor in (await store.read(service, key))[0]
            if anchor.at > point
            for option in ("--accept", anchor.name)
        ]
        for service in ANCHORED
    }
    for service in ANCHORED:
        code, printed = await asyncio.to_thread(stack.verify, service, *ahead[service])
        assert code == 0, printed

    await asyncio.to_thread(broker.restart_empty)
    stand.books.forget_the_log()
    for service in SERVICES:
        code, printed = await asyncio.to_thread(stack.zhengling, service, "events", "republish")
        assert (code, "events are published again" in printed) == (0, True), printed
    stand.restart_the_dead()
    await stand.until_ready(*stand.names())

    after = await stand.decide_many(20)
    await stand.until_in_ledger([*before, *after])
    await stand.until_settled()
    assert await stand.in_ledger(sorted(lost)) == 0
    await numbers_are_gapless(stack)
    async with httpx.AsyncClient(timeout=30) as http:
        people = Api(stack.addresses(), stack.issuer, "xigang", http)
        await load_composition(people, composition_of("xigang"))
        assert (await people.get("oversight", "/v1/entries"))["items"]
    for service in ANCHORED:
        code, printed = await asyncio.to_thread(stack.verify, service, *ahead[service])
        assert code == 0, printed


async def numbers_are_gapless(stack: FaultyStack) -> None:
    """Each series of ledger numbers is 1…n, each number used by one entry."""
    rows = await ask(
        stack, "oversight",
        "SELECT government, series, period, array_agg(n ORDER BY n) AS given FROM number GROUP BY 1, 2, 3",
    )  # fmt: skip
    assert rows
    for row in rows:
        assert row["given"] == list(range(1, len(row["given"]) + 1)), row
