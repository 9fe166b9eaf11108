"""Events that nobody can read or handle: others go on; they are seen and dealt with over the API, by two persons where
one is given up."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.conftest import ROOT
from tests.faults.invariants import ask
from tests.faults.mutant import REFUSED
from tests.faults.run import Fault, row
from tests.faults.stand import GOVERNMENTS, MARK, Stand
from zhengling.local.client import Api, Refused

REASON = {"reason": "the edition was mistyped and sent again"}


@pytest.fixture
async def people(stand: Stand) -> AsyncIterator[dict[str, Api]]:
    async with httpx.AsyncClient(timeout=30) as http:
        yield {code: Api(stand.stack.addresses(), stand.stack.issuer, code, http) for code in GOVERNMENTS}


async def failed(people: Api, status: str = "") -> dict[str, dict[str, object]]:
    """What waits or is dead for a government, by the event's id."""
    wanted, items = {"limit": "200"} | ({"status": status} if status else {}), []
    while True:
        found = await people.get("oversight", "/v1/events/failed", None, **wanted)
        items += found["items"]
        if not found["next_cursor"]:
            return {item["event_id"]: item for item in items}
        wanted["cursor"] = found["next_cursor"]


async def test_a_failed_event_is_seen_retried_and_given_up_by_two_persons_and_those_behind_it_follow(
    stand: Stand, people: dict[str, Api]
) -> None:
    xigang, dalian = people["xigang"], people["dalian"]
    decision = await stand.decide("failing", 1, editions=["1900-01-01", GOVERNMENTS["xigang"]])
    assert decision
    others = await stand.decide_many(6)
    await stand.until_in_ledger(others)  # nobody else waits

    async def of_the_decision(api: Api) -> list[dict[str, object]]:
        found = [item for item in (await failed(api)).values() if item["aggregate_id"] == decision]
        return sorted(found, key=lambda item: int(str(item["aggregate_seq"])))

    async with asyncio.timeout(60):
        while len(found := await of_the_decision(xigang)) < 2:
            await asyncio.sleep(0.1)
    seen, behind = found
    assert (seen["aggregate_seq"], seen["event_type"]) == (1, "zhengling.meeting.decision.adopted.v1")
    assert seen["attempts"]
    assert seen["last_error"]
    assert behind["status"] == "waiting"
    assert await of_the_decision(dalian) == []

    path = f"/v1/events/{seen['event_id']}"
    assert (await xigang.command("oversight", f"{path}/retry", {}))["status"] == "waiting"
    async with asyncio.timeout(60):
        while not (await of_the_decision(xigang))[0]["attempts"]:
            await asyncio.sleep(0.1)
    assert await stand.in_ledger([decision]) == 0

    with pytest.raises(Refused) as refused:
        await dalian.command("oversight", f"{path}/discard", REASON)
    assert refused.value.problem["status"] == 404
    asked = await xigang.command("oversight", f"{path}/discard", REASON, "one-person")
    assert asked["status"] == "awaiting_second_person"
    with pytest.raises(Refused) as refused:
        await xigang.command("oversight", f"{path}/discard", REASON, "one-person")
    assert refused.value.code == "second_person_needed"
    assert await stand.in_ledger([decision]) == 0
    done = await xigang.command("oversight", f"{path}/discard", REASON, "another-person")
    assert done["status"] == "discarded"
    await stand.until_in_ledger([decision])
    with pytest.raises(Refused) as refused:
        await xigang.command("oversight", f"{path}/retry", {})
    assert refused.value.code == "event_is_done"
    await stand.until_settled()


def write_later_rulebooks(root: Path) -> str:
    """All rulebooks, with an edition of Dalian's that no process has loaded yet; returns its date."""
    edition, old = "1990-01-01", GOVERNMENTS["dalian"]
    if not root.exists():
        shutil.copytree(ROOT / "rulebooks", root)
        shutil.copytree(root / "dalian" / old, root / "dalian" / edition)
        government = root / "dalian" / edition / "government.yaml"
        government.write_text(government.read_text().replace(old, edition))
    return edition


async def test_what_nobody_can_read_or_handle_holds_up_nothing_and_can_be_dealt_with_once_its_cause_is_mended(
    stand: Stand, people: dict[str, Api]
) -> None:
    """Of the failing events some rest on an edition that isn't loaded: they wait for it, and nobody has to do anything. The
    others meet a faulty handler: once it is mended, some are retried, and the others given up for the ones behind them."""
    root = stand.stack.folder / "later-rulebooks"
    later = write_later_rulebooks(root)
    async with row(stand, "poison and failing handlers") as run:
        workers = stand.names("oversight-worker")
        sound = {name: (stand.process(name).command, stand.process(name).env) for name in workers}
        for name in workers:
            stand.mutate(name, "with_a_handler_that_refuses")
            await stand.restart(name)
        producer = AIOKafkaProducer(bootstrap_servers=stand.stack.kafka_bootstrap_servers, enable_idempotence=False)
        await producer.start()
        to_wait: set[str] = set()
        to_retry: set[str] = set()
        to_discard: set[str] = set()

        def poison(n: int) -> Fault:
            value = [b"\xff%d" % n, orjson.dumps({"specversion": "1.0", "data": MARK, "n": n})][n % 2]

            async def happen() -> None:
                stand.books.garbage.add(value)
                await producer.send_and_wait("zhengling.meeting.v1", value, key=b"%d" % n)

            return Fault("unreadable records", "log", happen)

        def failing(n: int) -> Fault:
            current = list(GOVERNMENTS.values())[n % 3]

            async def happen() -> None:
                if n % 3 == 0:
                    to_wait.add(str(await stand.decide(f"failing-{n}", 0, editions=[later])))
                elif n % 3 == 1:
                    to_retry.add(str(await stand.decide(f"{REFUSED}{n}", n, editions=[current])))
                else:
                    to_discard.add(str(await stand.decide(f"{REFUSED}{n}", n, editions=[current, current])))

            return Fault("failing events", "handler", happen)

        try:
            faults = [poison(n) for n in range(run.counts.poison)] + [failing(n) for n in range(run.counts.failing)]
            await run.under_load(run.shuffled(faults))
        finally:
            await producer.stop()
        mine = "SELECT id FROM decision WHERE meeting_id NOT LIKE 'failing-%' AND meeting_id NOT LIKE $1"
        others = [row["id"] for row in await ask(stand.stack, "meeting", mine, f"{REFUSED}%")]
        await stand.until_in_ledger(others)  # nobody else waits
        assert await stand.in_ledger([*to_wait, *to_retry, *to_discard]) == 0

        async with asyncio.timeout(600):
            while set(await dead(people)) != to_retry | to_discard:
                await asyncio.sleep(0.2)
        for name in workers:
            stand.process(name).command, env = sound[name]
            stand.process(name).env = env
            await stand.restart(name, RULEBOOKS=str(root))
        await stand.until_in_ledger(sorted(to_wait))
        for decision, (api, event) in (await dead(people)).items():
            if decision in to_retry:
                await api.command("oversight", f"/v1/events/{event}/retry", {})
            else:
                for person in ("one-person", "another-person"):
                    await api.command("oversight", f"/v1/events/{event}/discard", REASON, person)
        await stand.until_in_ledger(sorted(to_retry | to_discard))


async def dead(people: dict[str, Api]) -> dict[str, tuple[Api, str]]:
    """The dead events by their decisions: who may deal with each, and its id."""
    return {
        str(item["aggregate_id"]): (api, event)
        for api in people.values()
        for event, item in (await failed(api, "dead")).items()
    }
