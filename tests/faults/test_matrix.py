"""The fault matrix: processes, servers and links fail while decisions are committed; every invariant holds afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.broker import ON_APACHE, chosen_broker
from tests.faults.conftest import standing
from tests.faults.invariants import ask
from tests.faults.rows import FULL
from tests.faults.run import Fault, row
from tests.faults.stand import CRASHES, GOVERNMENTS, SERVICES, FaultyStack, Stand
from zhengling.backbone.crash_points import CRASH_POINTS
from zhengling.local.apache_kafka import ApacheKafka
from zhengling.local.client import Api

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date()


@pytest.mark.parametrize("name", ["none, unthrottled", "none, 64 a second"])
async def test_without_faults_each_decision_lands_once(name: str, stand: Stand) -> None:
    async with row(stand, name) as run:
        await run.under_load()


async def test_each_decision_lands_once_though_processes_are_killed_and_frozen_at_random(stand: Stand) -> None:
    async with row(stand, "random kills and freezes") as run:
        faults = run.kills(run.counts.kills) + run.freezes(run.counts.freezes)
        await run.under_load(run.shuffled(faults), abreast=2)


def test_every_crash_point_is_armed_somewhere() -> None:
    elsewhere = {"file.stored"}  # no event is under way there: tests/meeting/test_files_api.py
    assert {point for armed in CRASHES for point in armed.values()} | elsewhere == set(CRASH_POINTS)


async def test_each_decision_lands_once_and_falls_overdue_once_though_processes_die_at_every_crash_point(
    stand: Stand,
) -> None:
    """Business time moves on day by day, so that there are timers to die on."""
    async with stand.shifted() as shift, row(stand, "named crash points", oversight_worker=3) as run:
        day, decided = 0, []
        for armed in CRASHES:
            budgets = [await stand.arm(name, point, run.counts.crashes) for name, point in armed.items()]
            async with run.clients(1):
                while any(int(budget.read_text() or "0") for budget in budgets):
                    decided += await stand.decide_many(10, TOMORROW + timedelta(days=day))
                    day += 1
                    await shift(timedelta(days=day + 1))
                    await asyncio.sleep(0.2)
            run.figures.did["crashes"] += run.counts.crashes * len(budgets)
        decided += await stand.decide_many(run.counts.decisions - len(decided), meetings=run.counts.meetings)
    overdue = await ask(stand.stack, "meeting", "SELECT count(*) FROM decision WHERE standing = 'overdue'")
    assert overdue[0][0] >= 10 * (day - 1)


async def test_each_decision_lands_once_though_database_and_broker_go_away_too(stand: Stand) -> None:
    async with row(stand, "database and broker away, kills and freezes") as run:
        postgres = stand.stack.postgres
        assert postgres
        faults = [
            *run.kills(run.counts.kills),
            *run.freezes(run.counts.freezes),
            *run.away("database kills", "postgres", postgres, run.counts.database),
            *run.broker_away(run.counts.broker),
        ]
        await run.under_load(run.shuffled(faults), abreast=2)


async def test_what_the_broker_acknowledged_and_lost_lands_after_it_was_published_again(stand: Stand) -> None:
    """It comes back without topics, records or offsets, while those who would have read them are frozen."""
    async with row(stand, "broker loses acknowledged data") as run, httpx.AsyncClient(timeout=30) as http:
        for loss in range(run.counts.losses):
            began = datetime.now(UTC)
            lost = await stand.lose(run.counts.decisions // run.counts.losses, meetings=run.counts.meetings)
            run.figures.did["losses"] = loss + 1
            await stand.until_ready(*stand.names())
            # The embedded broker also acknowledges records of topics that it has forgotten: those need another replay.
            for _ in range(8 if (await stand.unfinished())["decisions"] else 0):
                run.figures.did["replays"] += 1
                for government in GOVERNMENTS:
                    people = Api(stand.stack.addresses(), stand.stack.issuer, government, http)
                    for service in ("meeting", "oversight"):
                        await people.command(service, "/v1/events/replay", {"since": began.isoformat()})
                with suppress(AssertionError):  # what doesn't come then has to be published once more
                    await stand.until_drained(patience=15)
                    break
            assert await stand.in_ledger(lost) == len(lost)


async def test_what_the_broker_acknowledged_and_lost_lands_by_itself_where_nobody_replays(stand: Stand) -> None:
    """Decisions have but one event each and nothing comes after them; a composition is a snapshot."""
    async with row(stand, "broker loses acknowledged data, nobody replays") as run, stand.reconciling():
        for loss in range(run.counts.losses):
            lost = await stand.lose(run.counts.decisions // run.counts.losses, meetings=run.counts.meetings)
            run.figures.did["losses"] = loss + 1
            await stand.until_ready(*stand.names())
            await stand.until_in_ledger(lost)
            await stand.until_composed()


async def test_each_decision_lands_once_though_every_link_is_cut_slowed_down_and_reset(stand: Stand) -> None:
    """Between each service and its database, each service and Kafka, and the clients and the API."""
    await stand.scale()
    await stand.relink(True)
    try:
        async with row(stand, "links cut, slow, reset") as run:
            await run.under_load(run.shuffled(run.link_faults(run.counts.links)), abreast=4)
    finally:
        for link in stand.stack.links.ports:
            stand.stack.links.turn(link, "whole")
        await stand.relink(not FULL)


async def test_a_consumer_that_was_frozen_beyond_its_session_does_no_harm_when_it_wakes_up(stand: Stand) -> None:
    async with row(stand, "consumer frozen beyond its session") as run:
        await run.under_load(run.freezes(run.counts.zombies, "oversight-worker", shortest=4.0))


async def test_timers_fire_once_though_those_who_fire_them_are_killed(stand: Stand) -> None:
    """Each day some fall due, on three workers at once, one of which is killed right then."""
    async with stand.shifted() as shift, row(stand, "timers on three workers", oversight_worker=3) as run:
        kills = run.kills(run.counts.kills, "oversight-worker")
        decided = [
            await stand.decide_many(run.counts.decisions // len(kills), TOMORROW + timedelta(days=day))
            for day in range(len(kills))
        ]
        for decisions in decided:
            await stand.until_in_ledger(decisions)
        for day, kill in enumerate(kills):
            await stand.until_ready(kill.target)
            await shift(timedelta(days=day + 2))
            async with stand.busy(kill.target):
                await kill.happen()
            run.figures.did[kill.what] += 1
    overdue = await ask(stand.stack, "meeting", "SELECT id FROM decision WHERE standing = 'overdue'")
    assert {identity for decisions in decided for identity in decisions} <= {row["id"] for row in overdue}


async def test_a_rolling_restart_under_load_is_seen_by_no_client(stand: Stand) -> None:
    """As Kubernetes does it, each deployment by itself: the Service sends nobody there any more, then SIGTERM; what is
    in flight is finished. No client gets a 5xx or loses its connection."""

    def restart(name: str) -> Fault:
        kind, links = name.rpartition("-")[0], stand.stack.links
        ports = {api: stand.process(api).port for api in stand.names("meeting-api")}

        async def happen() -> None:
            async with stand.busy(kind):
                if name in ports:
                    links.lead("clients-api", [port for api, port in ports.items() if api != name])
                await asyncio.to_thread(stand.process(name).stop)
                stand.process(name).start()
                await stand.until_ready(name)
                if name in ports:
                    links.lead("clients-api", list(ports.values()))

        return Fault("restarts", name, happen)

    async with row(stand, "rolling restart") as run:
        await run.under_load(
            [restart(name) for _ in range(run.counts.restarts) for name in stand.names()], abreast=3, clients=3
        )
        seen = {what for what in run.figures.did if what.startswith(("requests without", "answers 5"))}
        assert not seen


@pytest.fixture
async def three_nodes() -> AsyncIterator[Stand]:
    if not ON_APACHE:
        pytest.skip("the embedded broker is one node")
    async with standing(FaultyStack(chosen_broker(nodes=3, links=SERVICES))) as made:
        yield made


async def test_each_decision_lands_once_though_one_of_three_kafka_nodes_is_killed(three_nodes: Stand) -> None:
    """Three copies, of which two have to be in sync."""
    async with row(three_nodes, "one of three Kafka nodes") as run:
        kafka = three_nodes.stack.broker
        assert isinstance(kafka, ApacheKafka)
        nodes = [kafka.nodes[n % 3] for n in range(run.counts.nodes)]
        faults = [fault for node in nodes for fault in run.away("node kills", node.name, node, 1)]
        await run.under_load(run.shuffled(faults))
