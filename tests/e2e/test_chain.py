"""From a topic to what became of it and back, each step by the reference that the answer before shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from demo.main_job import MainJob
from tests import sixth
from zhengling.local.client import Api, Json
from zhengling.rules.vocabulary import FollowingDocument

#: Noun → its path in the API of the service that owns it.
PATHS = {"topic": "topics", "decision": "decisions", "entry": "entries", "document": "documents", "meeting": "meetings"}


async def follow(people: Api, reference: Json) -> Json:
    return await people.get(reference["service"], f"/v1/{PATHS[reference['noun']]}/{reference['id']}")


async def test_a_topic_leads_to_its_decision_its_entry_and_its_document_and_each_of_them_back(
    api: Callable[[str], Api],
) -> None:
    people = api(sixth.CODE)
    planned = sixth.SCENARIO.decisions[0].model_copy(update={"document": FollowingDocument.to_issue})
    report = await MainJob(people, sixth.COMPOSITION, sixth.SCENARIO.model_copy(update={"decisions": (planned,)})).run()
    topic = await people.get("meeting", f"/v1/topics/{report.landed[0].decision['topic_id']}")
    (decided,) = topic["decisions"]
    async with asyncio.timeout(30):
        while not ((decision := await follow(people, decided))["entry"] and decision["document"]):
            await asyncio.sleep(0.05)
    entry, document = await follow(people, decision["entry"]), await follow(people, decision["document"])
    assert decision["entry"]["number"] == entry["number"]
    assert entry["source"] == document["decision"] == decided
    assert entry["topic"] == document["topic"] == decision["resolution"]["topic"]
    assert (await follow(people, entry["topic"]))["id"] == topic["id"]
    assert entry["meeting"] == document["meeting"]
    minutes = await people.get("meeting", f"/v1/meetings/{entry['meeting']['id']}/minutes")
    assert entry["minutes"] == {
        "service": "meeting",
        "noun": "minutes",
        "id": minutes["id"],
        "number": minutes["issue"],
    }
    (of_topic,) = (await people.get("meeting", "/v1/decisions", topic_id=topic["id"]))["items"]
    assert of_topic["id"] == decision["id"]
    async with asyncio.timeout(30):
        while (known := await people.get("docflow", f"/v1/decisions/{decided['id']}"))["state"] != "adopted":
            await asyncio.sleep(0.05)
    assert (known["decision"], known["document"], known["minutes"]) == (decided, decision["document"], entry["minutes"])
    assert (known["resolution"], known["topic"]) == (decision["resolution"], entry["topic"])
    listed = await people.get("docflow", "/v1/decisions", topic_id=topic["id"], state="adopted")
    assert [each["id"] for each in listed["items"]] == [decided["id"]]
