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


def write_missing_edition(root: Path) -> str:
    """An edition of Dalian's rules that no process has loaded, in a root of its own; returns its date."""
    edition = "1990-01-01"
    folder = root / "dalian" / edition
    if not folder.exists():
        shutil.copytree(ROOT / "rulebooks" / "dalian" / GOVERNMENTS["dalian"], folder)
        government = folder / "government.yaml"
        government.write_text(government.read_text().replace(GOVERNMENTS["dalian"], edition))
    return edition


@pytest.mark.skip(
    reason="an event whose edition isn't loaded waits now: the row has to make its handlers fail otherwise"
)
async def test_what_nobody_can_read_or_handle_holds_up_nothing_and_can_be_dealt_with_once_its_cause_is_mended(
    stand: Stand, people: dict[str, Api]
) -> None:
    """Half of the failing events rest on an edition that wasn't loaded, and are retried once it is; the others on one
    that never was, and are given up for the ones behind them."""
    root = stand.stack.folder / "late-rulebooks"
    missing = write_missing_edition(root)
    async with row(stand, "poison and failing handlers") as run:
        topic = "zhengling.meeting.v1"
        producer = AIOKafkaProducer(bootstrap_servers=stand.stack.kafka_bootstrap_servers, enable_idempotence=False)
        await producer.start()
        to_retry: set[str] = set()
        to_discard: set[str] = set()

        def poison(n: int) -> Fault:
            value = [b"\xff%d" % n, orjson.dumps({"specversion": "1.0", "data": MARK, "n": n})][n % 2]

            async def happen() -> None:
                stand.books.garbage.add(value)
                await producer.send_and_wait(topic, value, key=b"%d" % n)

            return Fault("unreadable records", "log", happen)

        def failing(n: int) -> Fault:
            async def happen() -> None:
                if n % 2:
                    wrong = ["1900-01-01", list(GOVERNMENTS.values())[n % 3]]
                    to_discard.add(str(await stand.decide(f"failing-{n}", n, editions=wrong)))
                else:
                    to_retry.add(str(await stand.decide(f"failing-{n}", 0, editions=[missing])))

            return Fault("failing events", "handler", happen)

        try:
            faults = [poison(n) for n in range(run.counts.poison)] + [failing(n) for n in range(run.counts.failing)]
            await run.under_load(run.shuffled(faults))
        finally:
            await producer.stop()
        mine = "SELECT id FROM decision WHERE meeting_id NOT LIKE 'failing-%'"
        others = [row["id"] for row in await ask(stand.stack, "meeting", mine)]
        await stand.until_in_ledger(others)  # nobody else waits

        for name in stand.names("oversight-worker"):
            known = str((stand.process(name).env or {})["RULEBOOKS"]).split(":")
            await stand.restart(name, RULEBOOKS=":".join(dict.fromkeys([*known, str(root)])))
        dealt_with: set[object] = set()
        async with asyncio.timeout(600):
            while len(dealt_with) < len(to_retry | to_discard):
                for api in people.values():
                    for event, item in (await failed(api, "dead")).items():
                        if item["aggregate_id"] in to_retry:
                            await api.command("oversight", f"/v1/events/{event}/retry", {})
                        else:
                            assert item["aggregate_id"] in to_discard
                            for person in ("one-person", "another-person"):
                                await api.command("oversight", f"/v1/events/{event}/discard", REASON, person)
                        dealt_with.add(item["aggregate_id"])
                await asyncio.sleep(0.2)
