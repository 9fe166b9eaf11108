"""The course of a scenario's matters over the public REST API: from the ledger to the closing (销号), and back to the topic.

The code knows no government: the service answers which acts are possible, where each is posted and who may do it
(`GET /v1/entries/{id}/acts`). The test clock moves business time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from demo.main_job import Ending, Landed, Scenario
from zhengling.authority.composition import Composition
from zhengling.kernel.instants import SHANGHAI
from zhengling.local.client import Api, Json, at

#: How long a matter that is returned has for its redo.
REDO = timedelta(days=7)


class Line(NamedTuple):
    """One line of a trace: when, what happened, who did it, under which clause."""

    when: str
    what: str
    who: str
    clause: str


class Courses:
    """The matters of one government's scenario, taken as far as each one's `ending` says; `tell` is called with each line of
    progress."""

    def __init__(
        self, api: Api, composition: Composition, scenario: Scenario, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.api = api
        self.composition = composition
        self.scenario = scenario
        self.tell = tell

    async def run(self, landed: list[Landed]) -> list[Json]:
        """Accept, report, verify and close the matters that are to be closed, and return for redo, with a limit, those that are
        to be returned: nobody does them again, so that they escalate, rung by rung. Matters that stay untouched aren't
        accepted by anybody: their due dates pass. Returns every entry as it stands at the end. Raises `Refused` if a lawful act
        is refused, `TimeoutError` if a decision doesn't show its entry's closing, or a rung isn't taken."""
        days = self.scenario.course
        assert days is not None, "the scenario names no days for the course of its matters"
        to_close = self.ending(landed, Ending.closed)
        to_return = self.ending(landed, Ending.returned)
        await self.api.set_clock(at(days.accepted))
        for matter in (*to_close, *to_return):
            await self.accept(matter)
        await self.api.set_clock(at(days.reported, 15))
        for matter in (*to_close, *to_return):
            await self.do(matter, "report", text="已全部完成，现报告办结。")
        await self.api.set_clock(at(days.verified))
        for matter in to_close:
            await self.do(matter, "verify", text="经核查，完成情况属实。")
            await self.do(matter, "close", quality="good", text="同意销号")
        limit = str(days.verified + REDO)
        for matter in to_return:
            await self.do(matter, "send_back", reason="成效与要求尚有差距，请继续办理。", due=limit)
        await asyncio.gather(*map(self.closed_in_meeting, to_close))
        for matter in to_return:
            await self.escalate(matter)
        return [await self.entry(each.entry["id"]) for each in landed]

    def ending(self, landed: Iterable[Landed], ending: Ending) -> list[str]:
        """The ids of the entries of the scenario's decisions with this ending."""
        titles = {planned.title for planned in self.scenario.decisions if planned.ending == ending}
        return [each.entry["id"] for each in landed if each.entry["title"] in titles]

    async def entry(self, entry_id: str) -> Json:
        return await self.api.get("oversight", f"/v1/entries/{entry_id}")

    async def accept(self, entry_id: str) -> Json:
        """The lead unit accepts the matter, and names whoever of it comes last as responsible."""
        may = await self.may(entry_id, "accept")
        entry = await self.do(entry_id, "accept", responsible=may["officials"][-1])
        self.tell(f"{entry['number']} accepted by {entry['lead']['name']}")
        return entry

    async def may(self, entry_id: str, act: str) -> Json:
        """Where the act is posted, and who may do it."""
        acts = (await self.api.get("oversight", f"/v1/entries/{entry_id}/acts"))["items"]
        return next(each for each in acts if each["act"] == act)

    async def do(self, entry_id: str, act: str, **body: Any) -> Json:
        """The act, by the first official who may do it."""
        may, entry = await self.may(entry_id, act), await self.entry(entry_id)
        path = f"/v1/entries/{entry_id}/{may['path']}"
        return await self.api.command("oversight", path, body, may["officials"][0], entry["version"])

    async def escalate(self, entry_id: str, within: float = 60.0) -> None:
        """Move business time over the matter's ladder, and wait until each of its rungs was taken; without a ladder nothing."""
        path = f"/v1/entries/{entry_id}/pressure"
        if not (coming := (await self.api.get("oversight", path))["coming"]):
            return
        await self.api.set_clock(datetime.fromisoformat(coming[-1]["at"]) + timedelta(minutes=1))
        async with asyncio.timeout(within):
            while (found := await self.api.get("oversight", path))["coming"]:
                await asyncio.sleep(0.02)
        entry = await self.entry(entry_id)
        taken = " → ".join(f"{one['way']} ({one['way_name']})" for one in found["items"])
        self.tell(f"{entry['number']} wasn't done by {entry['due']}: {taken}")

    async def closed_in_meeting(self, entry_id: str, within: float = 60.0) -> None:
        """Wait until the decision shows that its entry is closed."""
        entry = await self.entry(entry_id)
        async with asyncio.timeout(within):
            while (await self.decision_of(entry))["standing"] != "closed":
                await asyncio.sleep(0.02)
        self.tell(f"{entry['number']} closed, as its decision shows")

    async def decision_of(self, entry: Json) -> Json:
        return await self.api.get("meeting", f"/v1/decisions/{entry['source']['id']}")

    async def trace(self, entry_id: str) -> list[Line]:
        """The way of one matter, read back from its entry by the references: topic, meeting, minutes, decision, entry, each act
        of its course, and the decision as it stands now."""
        entry = await self.entry(entry_id)
        decision, topic, meeting, minutes = await asyncio.gather(
            self.decision_of(entry),
            self.api.get("meeting", f"/v1/topics/{entry['topic']['id']}"),
            self.api.get("meeting", f"/v1/meetings/{entry['meeting']['id']}"),
            self.api.get("meeting", f"/v1/meetings/{entry['meeting']['id']}/minutes"),
        )
        names = self.composition.official_names
        resolution = decision["resolution"]
        due = f"due {entry['due']} ({entry['due_clause'] or entry['due_basis']})" if entry["due"] else "no date yet"
        lines = [
            Line(_day(topic["submitted_at"]), f"topic submitted: {topic['title']}", names[topic["submitted_by"]], ""),
            *(
                Line(_day(step["occurred_at"]), f"topic: {step['step']}", names[step["official"]], "")
                for step in topic["steps"]
            ),
            Line(
                _day(meeting["closed_at"]),
                f"{meeting['title']}: decision {resolution['number']}, {resolution['outcome']}: {resolution['task']}",
                names[meeting["chair"]],
                decision["quorum_clause"] or "",
            ),
            Line(_day(minutes["signed_at"]), f"minutes signed: {minutes['issue']}", names[minutes["signed_by"]], ""),
            Line(
                _day(entry["opened_at"]),
                f"in the ledger: {entry['number']}, lead {entry['lead']['name']}, {due}",
                "",
                entry["clause"],
            ),
            *(self._act(turn) for turn in entry["course"]),
        ]
        now = f"meeting-svc shows the decision as {decision['standing']} ({decision['ledger_state']})"
        return [*lines, Line("", now, "", "")]

    def _act(self, turn: Json) -> Line:
        names = self.composition.official_names
        person = f", responsible: {names[turn['person']]}" if turn["person"] else ""
        late = {None: "", False: ", in time", True: ", late"}[turn["late"]]
        text = f": {turn['text']}" if turn["text"] else ""
        what = f"{turn['act']} ({turn['act_name']}){person}{late}{text}"
        return Line(_day(turn["occurred_at"]), what, names[turn["official"]], turn["clause"] or "")


def _day(moment: str | None) -> str:
    """The local date and time of a moment, to the minute."""
    return datetime.fromisoformat(moment).astimezone(SHANGHAI).strftime("%m-%d %H:%M") if moment else ""
