"""An event that can't be handled: seen and dealt with over the API, by two persons where it is given up."""

from __future__ import annotations

import asyncio
from datetime import date

import httpx
import pytest
from tests.faults.conftest import Faulty

from zhengling.main_job import Api, Refused


async def test_a_failed_event_is_seen_retried_and_given_up_by_two_persons_and_those_behind_it_follow(
    faulty: Faulty,
) -> None:
    decision, event = await faulty.decide_badly()
    others = await faulty.decide(6, date(2030, 1, 1))
    await faulty.until_in_ledger(others)  # nobody else waits
    async with httpx.AsyncClient(timeout=30) as client:
        xigang, dalian = (
            Api(faulty.stack.addresses(), faulty.stack.issuer, government, client)
            for government in ("xigang", "dalian")
        )

        async def failed(people: Api) -> dict[str, dict[str, object]]:
            found = await people.get("oversight", "/v1/events/failed")
            return {item["event_id"]: item for item in found["items"] if item["aggregate_id"] == decision}

        async with asyncio.timeout(60):
            while event not in await failed(xigang):
                await asyncio.sleep(0.1)
        seen = (await failed(xigang))[event]
        assert (seen["aggregate_seq"], seen["event_type"]) == (1, "zhengling.meeting.decision.adopted.v1")
        assert seen["attempts"] >= 1
        assert seen["last_error"]
        assert [item["status"] for key, item in (await failed(xigang)).items() if key != event] == ["waiting"]
        assert await failed(dalian) == {}

        path = f"/v1/events/{event}"
        assert (await xigang.command("oversight", f"{path}/retry", {}))["status"] == "waiting"
        async with asyncio.timeout(60):
            while not (await failed(xigang))[event]["attempts"]:
                await asyncio.sleep(0.1)
        assert await faulty.in_ledger([decision]) == 0

        reason = {"reason": "the edition was mistyped and sent again"}
        with pytest.raises(Refused) as refused:
            await dalian.command("oversight", f"{path}/discard", reason)
        assert refused.value.problem["status"] == 404
        asked = await xigang.command("oversight", f"{path}/discard", reason, "one-person")
        assert asked["status"] == "awaiting_second_person"
        with pytest.raises(Refused) as refused:
            await xigang.command("oversight", f"{path}/discard", reason, "one-person")
        assert refused.value.code == "second_person_needed"
        assert await faulty.in_ledger([decision]) == 0
        done = await xigang.command("oversight", f"{path}/discard", reason, "another-person")
        assert done["status"] == "discarded"
        await faulty.until_in_ledger([decision])
        with pytest.raises(Refused) as refused:
            await xigang.command("oversight", f"{path}/retry", {})
        assert refused.value.code == "event_is_done"
    await faulty.until_settled()
