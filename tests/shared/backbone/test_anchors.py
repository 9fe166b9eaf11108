"""Anchors of the audit chains: a tail that a superuser cuts, or writes anew, shows by them alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.conftest import ScratchDatabase
from tests.shared.backbone.test_audit import BATCH, ZHENGLING, Chain
from zhengling.backbone import anchors
from zhengling.backbone.anchors import Anchor, AnchorStore, SigningKey
from zhengling.database.session import Database

CUT = (
    "DELETE FROM audit WHERE {mine} AND (seal > 1 OR seal IS NULL)",
    "DELETE FROM audit_seal WHERE {mine} AND seal > 1",
)


@dataclass
class Anchored:
    """A chain of two seals, a folder for its anchors, and the command line on both."""

    chain: Chain
    folder: Path

    @property
    def store(self) -> AnchorStore:
        return AnchorStore((self.folder / "anchors").as_uri())

    async def take(self, interval: float | None = None) -> Anchor:
        async with self.chain.worker.transaction(None) as session:
            taken = await anchors.take(session, "meeting", self.store, SigningKey(self.folder / "key"), interval)
        assert taken
        return taken

    async def zhengling(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run,
            [ZHENGLING, "audit", command, "meeting", *options],
            env=os.environ | {"DATABASE_URL": self.chain.scratch.worker},
            capture_output=True,
            text=True,
            timeout=60,
        )

    async def verify(self, *options: str) -> tuple[int, str]:
        """With the anchors, by the public key."""
        place = ("--anchors", (self.folder / "anchors").as_uri(), "--anchor-key", str(self.folder / "key.pub"))
        done = await self.zhengling("verify-database", *place, *options)
        return done.returncode, " ".join(f"{done.stdout} {done.stderr}".split())


@pytest.fixture
async def anchored(scratch_database: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Anchored]:
    scratch: ScratchDatabase = await scratch_database()
    app, worker = Database(scratch.app, application="app"), Database(scratch.worker, application="worker")
    made = Anchored(Chain(scratch, app, worker), tmp_path)
    await made.chain.build()
    anchors.new_key(tmp_path / "key")
    yield made
    await app.close()
    await worker.close()


async def test_a_cut_tail_verifies_by_itself_and_shows_by_an_anchor(anchored: Anchored) -> None:
    taken = await anchored.take()
    assert (await anchored.verify())[0] == 0
    for statement in CUT:
        assert not (await anchored.chain.tamper(statement)).endswith(" 0")
    assert (await anchored.chain.verify()).findings == []
    assert (await anchored.zhengling("verify-database")).returncode == 0
    code, printed = await anchored.verify()
    assert code == 1
    assert f"seals 2 to 2 are missing: the chain ends with seal 1, anchor {taken.name} holds seal 2" in printed


async def test_a_tail_that_was_written_anew_shows_and_an_accepted_anchor_stays_visible(anchored: Anchored) -> None:
    early = await anchored.take()
    await anchored.chain.seal()
    late = await anchored.take()
    for statement in (
        "DELETE FROM audit WHERE {mine} AND seal = 3",
        "DELETE FROM audit_seal WHERE {mine} AND seal = 3",
    ):
        await anchored.chain.tamper(statement)
    await anchored.chain.record(3)
    await anchored.chain.seal()
    assert (await anchored.chain.verify()).findings == []
    code, printed = await anchored.verify()
    told = f"seal 3 isn't the one that anchor {late.name} holds: the chain was written anew"
    assert code == 1
    assert told in printed
    assert early.name not in printed
    code, printed = await anchored.verify("--accept", late.name)
    assert code == 0
    assert f"accepted: {told}" in printed


async def test_a_government_whose_chain_is_gone_is_told(anchored: Anchored) -> None:
    await anchored.take()
    for statement in ("DELETE FROM audit WHERE {mine}", "DELETE FROM audit_seal WHERE {mine}"):
        connection = await asyncpg.connect(anchored.chain.scratch.admin)
        await connection.execute(statement.format(mine=f"government = '{anchored.chain.government}'"))
        await connection.close()
    code, printed = await anchored.verify()
    assert (code, "seals 1 to 2 are missing" in printed) == (1, True)


async def test_one_anchor_is_written_in_an_interval_by_all_workers_and_none_is_overwritten(anchored: Anchored) -> None:
    name = (await anchored.take(interval=86_400)).name
    before = (anchored.folder / "anchors" / name).read_bytes()
    await anchored.chain.seal()
    assert (await anchored.take(interval=86_400)).name == name
    assert (anchored.folder / "anchors" / name).read_bytes() == before
    assert not await anchored.store.add(name, b"another")


async def test_what_was_signed_with_another_key_or_for_another_service_is_told(anchored: Anchored) -> None:
    taken = await anchored.take()
    anchors.new_key(anchored.folder / "other")
    await anchored.store.add("meeting/forged.jws", SigningKey(anchored.folder / "other").sign(taken))
    stray = Anchor("meeting/stray.jws", "oversight", taken.at, taken.heads)
    await anchored.store.add(stray.name, SigningKey(anchored.folder / "key").sign(stray))
    code, printed = await anchored.verify()
    assert code == 1
    assert "anchor meeting/forged.jws isn't signed with this key" in printed
    assert "anchor meeting/stray.jws is one of oversight" in printed


async def test_the_command_line_anchors_on_demand_and_tells_what_it_cannot_do(anchored: Anchored) -> None:
    place = ("--anchors", (anchored.folder / "anchors").as_uri())
    refused = await anchored.zhengling("anchor", *place, "--key", str(anchored.folder / "nothing"))
    assert (refused.returncode, "can't be used" in refused.stderr) == (2, True)
    code, printed = await anchored.verify()
    assert (code, "no anchor of meeting" in printed) == (2, True)
    done = await anchored.zhengling("anchor", *place, "--key", str(anchored.folder / "key"))
    assert (done.returncode, "1 governments" in done.stdout) == (0, True), done.stderr
    assert (await anchored.verify())[0] == 0


async def test_one_governments_chain_is_verified_though_the_role_sees_all(anchored: Anchored) -> None:
    await anchored.chain.record(1, "another")
    await anchored.chain.seal()
    async with anchored.chain.worker.transaction(anchored.chain.government) as session:
        found = await anchors.missing_from(session, "nobody", [await anchored.take()])
    assert found == []
    done = await anchored.zhengling("verify-database")
    assert "another: sound, 1 seals, 1 rows" in done.stdout
    assert f"{anchored.chain.government}: sound, 3 seals, {2 * BATCH + 2} rows" in done.stdout
