"""Leaders' instructions in the ledger: their events go the way that docflow's go, through its outbox and Kafka, and the matter is
taken through its course over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import ROOT, composition_of
from tests.oversight.course.test_course_api import office_of
from tests.oversight.matter import GOVERNMENTS, Matter, instant
from zhengling.authority.composition import OrganisationKind
from zhengling.backbone.outbox import emit
from zhengling.database.session import Database
from zhengling.events.docflow import (
    Instruction,
    InstructionAmended,
    InstructionGiven,
    InstructionResultSeen,
    InstructionWithdrawn,
    Signer,
)
from zhengling.events.event import Event
from zhengling.events.meeting import ResolutionChange, Unit
from zhengling.events.reference import Reference
from zhengling.local.client import Api, Json, Refused, load_composition
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.loading import Rulebooks
from zhengling.rules.vocabulary import InstructionKind, Role

GIVEN = "2026-09-21 10:00"  # a Monday


class Leaders:
    """The leaders of one government, whose instructions docflow tells of."""

    def __init__(self, api: Api, docflow: Database, edition: str) -> None:
        self.api, self.docflow, self.edition = api, docflow, edition
        self.government = api.government
        self.people = composition_of(api.government)
        self.day = instant(GIVEN).date()
        (self.head,) = self.people.holders(Role.head, self.day)
        departments = [o for o in self.people.organisations if o.kind is OrganisationKind.constituent_department]
        self.unit = next(o for o in departments if self.people.of_organisation(o.code, self.day, principal=True))

    async def tell(self, *events: Event) -> None:
        async with self.docflow.transaction(self.government) as session:
            await emit(session, *events)

    def instruction(self, **changes: Any) -> Instruction:
        said: dict[str, Any] = {
            "title": "关于老旧小区供水管网改造的报告", "text": "请抓紧办理，结果报我。", "task": "抓紧改造供水管网",
            "lead": Unit(code=self.unit.code, name=self.unit.name),
        }  # fmt: skip
        return Instruction(**said | changes)

    def given(self, **changes: Any) -> InstructionGiven:
        names = self.people.official_names
        said: dict[str, Any] = {
            "instruction_id": str(uuid4()), "edition": self.edition, "instruction": self.instruction(),
            "given_by": Signer(official=self.head, name=names[self.head]), "given_at": instant(GIVEN),
            "noticed_at": instant(GIVEN) + timedelta(hours=1),
            "paper": Reference(service="docflow", noun="paper", id="p1", number="收文〔2026〕18号"),
        }  # fmt: skip
        return InstructionGiven(**said | changes)

    async def matter(self, event: InstructionGiven) -> Matter:
        """The matter that the instruction opened."""
        await self.tell(event)
        entry = await self.entry(event.instruction_id)
        async with asyncio.timeout(60):
            while not await self._known(entry["id"]):
                await asyncio.sleep(0.05)
        return Matter(self.api, self.people, await self.entry(event.instruction_id))

    async def _known(self, entry: str) -> bool:
        """Whether oversight-svc has the composition, which it gets by an event."""
        try:
            await self.api.get("oversight", f"/v1/entries/{entry}/acts")
        except Refused:
            return False
        return True

    async def entry(self, instruction: str) -> Json:
        async with asyncio.timeout(60):
            while not (found := await self.api.get("oversight", "/v1/entries", source_id=instruction))["items"]:
                await asyncio.sleep(0.05)
        (entry,) = found["items"]
        return entry


@asynccontextmanager
async def leaders_of(
    stack: EmbeddedStack, api: Callable[[str], Api]
) -> AsyncIterator[Callable[[str], Awaitable[Leaders]]]:
    """Makes the leaders of a government, on the day of their instructions."""
    database = Database(stack.database_url("docflow", "worker"), application="test")
    books = Rulebooks.load([ROOT / "rulebooks"])

    async def make(government: str) -> Leaders:
        own = api(government)
        await load_composition(own, composition_of(government))
        await own.set_clock(instant(GIVEN) + timedelta(hours=2))
        return Leaders(own, database, books.current(government, instant(GIVEN)).edition)

    yield make
    await api("xigang").set_clock(None)
    await database.close()


@pytest.fixture
async def leaders(
    stack: EmbeddedStack, api: Callable[[str], Api]
) -> AsyncIterator[Callable[[str], Awaitable[Leaders]]]:
    async with leaders_of(stack, api) as make:
        yield make


async def reported(matter: Matter) -> None:
    await matter.do("acceptance", matter.of_lead()[0])
    await matter.do("report", matter.of_lead(principal=True)[0], text="已完成")


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_matter_of_an_instruction_is_finished_when_its_leader_has_seen_the_result(
    government: str, leaders: Callable[[str], Awaitable[Leaders]]
) -> None:
    of = await leaders(government)
    matter = await of.matter(of.given(instruction=of.instruction(due=date(2026, 11, 30))))
    entry = matter.entry
    assert (entry["source_kind"], entry["due"], entry["due_basis"]) == ("instruction", "2026-11-30", "leader")
    assert (
        entry["source"]["noun"] == "instruction" and entry["sources"][0]["giver"] == of.people.official_names[of.head]
    )
    await reported(matter)
    assert (await matter.refused("acknowledgement", matter.of_lead()[0]))[:2] == (403, "not_the_actor")
    await matter.do("verification", text="属实")
    assert (matter.entry["next"]["act"], matter.entry["next"]["officials"]) == ("acknowledge", [of.head])
    waiting = await of.api.get("oversight", "/v1/entries", waits_for=of.head)
    assert entry["id"] in [item["id"] for item in waiting["items"]]
    office = office_of(matter)
    assert (await matter.refused("closing", office, quality="good"))[:2] == (409, "result_not_seen")
    assert (await matter.refused("acknowledgement", office))[:2] == (403, "not_the_actor")
    await matter.do("acknowledgement", of.head, text="同意销号")
    assert matter.entry["sources"][0]["seen_at"] and matter.entry["next"]["act"] == "close"
    await matter.do("closing", office, quality="good")
    assert matter.entry["state"] == "closed"


@pytest.mark.parametrize("government", GOVERNMENTS)
async def test_a_new_instruction_on_the_report_is_a_follow_up_of_the_same_entry(
    government: str, leaders: Callable[[str], Awaitable[Leaders]]
) -> None:
    of = await leaders(government)
    first = of.given(instruction=of.instruction(due=date(2026, 11, 30)))
    matter = await of.matter(first)
    await reported(matter)
    await matter.do("acknowledgement", of.head)
    again = of.given(
        given_at=instant("2026-09-21 11:30"),
        noticed_at=instant("2026-09-21 11:40"),
        follows=Reference(service="oversight", noun="entry", id=matter.entry["id"]),
        instruction=of.instruction(text="继续跟进，扩大范围。", due=date(2026, 12, 15)),
    )
    await of.tell(again)
    entry = await matter.until(lambda found: found["state"] == "accepted")
    assert (entry["state"], entry["due"], entry["number"]) == ("accepted", "2026-12-15", matter.entry["number"])
    assert [source["seen_at"] for source in entry["sources"]] == [None, None]
    assert (entry["course"][-1]["act"], entry["course"][-1]["act_name"]) == ("follow_up", "再次批示")
    assert (await of.api.get("oversight", "/v1/entries", source_id=again.instruction_id))["items"] == []

    withdrawn = {"reason": "情况变化", "revision": 2, "withdrawn_at": instant("2026-09-21 11:50")}
    await of.tell(InstructionWithdrawn(instruction_id=first.instruction_id, **withdrawn))
    entry = await matter.until(lambda found: found["sources"][0]["standing"] == "revoked")
    assert entry["state"] == "accepted"  # it lives for the other
    await of.tell(InstructionWithdrawn(instruction_id=again.instruction_id, **withdrawn))
    assert (await matter.until(lambda found: found["state"] != "accepted"))["state"] == "revoked"


async def test_feedback_counts_from_the_instruction_and_completion_from_its_day_and_neither_moves_the_other(
    leaders: Callable[[str], Awaitable[Leaders]],
) -> None:
    of = await leaders("shuangtaizi")
    matter = await of.matter(of.given(instruction=of.instruction(kind=InstructionKind.express)))
    clocks = await matter.clocks()
    # ST-64: two working days from Monday the 21st; ST-55: seven days, the day of deployment counted, of which the last
    # is in the holiday of the Mid-Autumn Festival
    assert (clocks["feedback"]["date"], clocks["feedback"]["rule"]) == ("2026-09-23", "instruction-report-express")
    assert "ST-64" in clocks["feedback"]["clause"] and clocks["feedback"]["trace"]
    assert (matter.entry["due"], matter.entry["due_clause"]) == ("2026-09-28", "ST-55")
    await matter.do("acceptance", matter.of_lead()[0])
    await matter.do("progress", matter.of_lead()[0], text="已摸底，月底前完成")
    clocks = await matter.clocks()
    assert (clocks["feedback"]["state"], clocks["completion"]["state"]) == ("met", "running")


async def test_a_long_term_instruction_has_progress_reported_every_two_weeks_and_an_express_one_at_once(
    leaders: Callable[[str], Awaitable[Leaders]],
) -> None:
    of = await leaders("shuangtaizi")
    event = of.given(instruction=of.instruction(kind=InstructionKind.long_term))
    matter = await of.matter(event)
    fortnight = (await matter.clocks())["feedback"]["date"]
    assert fortnight == "2026-10-08"  # two weeks on is 10-05, in the National Day holiday
    changed = ResolutionChange(field="kind", before="long_term", after="express")
    said = {"revision": 2, "reason": "改为速办", "changes": (changed,), "amended_at": instant("2026-09-21 11:30")}
    express = of.instruction(kind=InstructionKind.express, task="立即改造供水管网")
    await of.tell(InstructionAmended(instruction_id=event.instruction_id, instruction=express, **said))
    entry = await matter.until(lambda found: found["task"] == "立即改造供水管网")
    rows = (await of.api.get("oversight", f"{matter.path}/deadlines"))["items"]
    running = [row for row in rows if row["met_by"] == "feedback" and row["state"] == "running"]
    assert [(row["rule"], row["date"]) for row in running] == [("instruction-report-express", "2026-09-23")]
    assert entry["sources"][0]["handling"] == "express"


async def test_feedback_in_dalian_counts_from_the_receipt_and_in_xigang_the_paper_is_fetched_within_a_day(
    leaders: Callable[[str], Awaitable[Leaders]],
) -> None:
    of = await leaders("dalian")
    matter = await of.matter(of.given())
    assert "feedback" not in await matter.clocks()
    await matter.do("acceptance", matter.of_lead()[0], occurred_at="2026-09-21T12:00:00+08:00")
    assert (await matter.clocks())["feedback"]["date"] == "2026-10-08"  # DL-51, ten days; 10-01 is in the holiday
    of = await leaders("xigang")
    matter = await of.matter(of.given())
    fetching = (await matter.clocks())["fetching"]
    assert datetime.fromisoformat(fetching["at"]) == instant("2026-09-22 11:00")  # XG-45, real hours from the notice
    await matter.do("acceptance", matter.of_lead()[0])
    assert (await matter.clocks())["fetching"]["state"] == "met"


async def test_of_a_leader_from_outside_the_office_records_that_the_result_was_seen_and_of_ours_docflow_tells_it(
    leaders: Callable[[str], Awaitable[Leaders]],
) -> None:
    of = await leaders("huancui")
    event = of.given(given_by=Signer(official=None, name="市领导甲"))
    matter = await of.matter(event)
    await reported(matter)
    assert (await matter.refused("acknowledgement", of.head))[:2] == (403, "not_the_actor")
    await matter.do("acknowledgement", office_of(matter), text="市领导已阅", document="市府阅〔2026〕7号")
    assert matter.entry["sources"][0]["seen_at"]

    event = of.given()
    matter = await of.matter(event)
    seen = Signer(official=of.head, name=of.people.official_names[of.head])
    told = {"instruction_id": event.instruction_id, "seen_by": seen, "text": "已阅"}
    await of.tell(InstructionResultSeen(**told, seen_at=instant("2026-09-21 11:00")))  # nothing was reported yet
    await reported(matter)
    assert matter.entry["sources"][0]["seen_at"] is None
    await of.tell(InstructionResultSeen(**told, seen_at=instant("2026-09-21 12:30")))
    entry = await matter.until(lambda found: found["sources"][0]["seen_at"])
    assert (entry["course"][-1]["act"], entry["course"][-1]["official"]) == ("acknowledge", of.head)


async def test_an_instruction_that_only_takes_note_opens_nothing(leaders: Callable[[str], Awaitable[Leaders]]) -> None:
    of = await leaders("zhanqian")
    noted, asked = of.given(asks_result=False), of.given()
    await of.tell(noted)
    await of.matter(asked)  # told after it
    assert (await of.api.get("oversight", "/v1/entries", source_id=noted.instruction_id))["items"] == []


async def test_a_change_of_an_instruction_whose_matter_has_ended_starts_no_clock(
    leaders: Callable[[str], Awaitable[Leaders]],
) -> None:
    of = await leaders("shuangtaizi")
    event = of.given()
    matter = await of.matter(event)
    said = {"reason": "情况变化", "revision": 2, "withdrawn_at": instant("2026-09-21 11:30")}
    express = of.instruction(kind=InstructionKind.express)
    changed: dict[str, Any] = {"reason": "改为速办", "changes": (), "amended_at": instant("2026-09-21 11:40")}
    await of.tell(
        InstructionWithdrawn(instruction_id=event.instruction_id, **said),
        InstructionAmended(instruction_id=event.instruction_id, instruction=express, revision=3, **changed),
    )
    await matter.until(lambda entry: entry["sources"][0]["handling"] == "express")
    rows = (await of.api.get("oversight", f"{matter.path}/deadlines"))["items"]
    assert rows and not [row for row in rows if row["state"] == "running"]
