"""The main job over the public REST API, as another government system would do it: from a topic to the ledger.

The code knows no government: each answer states the next step and who may take it (`next_step`). The demo and the
end-to-end tests drive the services with it. The test clock moves business time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from zhengling.authority.composition import Composition, RoleContext
from zhengling.local.client import Api, Json, Refused, at, load_composition, office_clerk
from zhengling.rules.vocabulary import (
    Aspect,
    Difficulty,
    FollowingDocument,
    NotePart,
    Outcome,
    PaperKind,
    RaisedBy,
    Role,
    TopicNature,
)


class Ending(StrEnum):
    """How far a decision is taken after it is in the ledger."""

    closed = "closed"
    returned = "returned"
    untouched = "untouched"


class PlannedDecision(BaseModel):
    """One topic of a scenario, the meeting's decision on it, and how far it is taken in the ledger."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    sponsor: str
    task: str
    lead: str
    co_units: tuple[str, ...] = ()
    nature: TopicNature = TopicNature.deliberation
    raised_by: RaisedBy = RaisedBy.department
    matter: str | None = None
    aspects: tuple[Aspect, ...] = ()
    outcome: Outcome = Outcome.passed
    due: date | None = None
    difficulty: Difficulty = Difficulty.general
    document: FollowingDocument = FollowingDocument.none
    set_at_year_start: bool = False
    ending: Ending = Ending.untouched

    def body(self, topic_id: str) -> Json:
        fields = {"outcome", "task", "lead", "co_units", "due", "difficulty", "document", "set_at_year_start"}
        return {"topic_id": topic_id, **self.model_dump(mode="json", include=fields)}


class Breach(BaseModel):
    """An unlawful attempt of a scenario, and the code with which it has to be refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    attempt: Literal["late_papers", "too_few_members", "minutes_by_another", "step_out_of_order", "undecided_topic"]
    told: str
    code: str
    clause: str


class CourseDays(BaseModel):
    """The days on which the scenario's matters are accepted, reported as done, and verified."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    accepted: date
    reported: date
    verified: date


class Scenario(BaseModel):
    """The main job of one government: its meeting, its days, its topics, and one breach."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str
    title: str
    submitted: date
    day: date
    decisions: tuple[PlannedDecision, ...]
    chair: str | None = None
    entrusted_by: str | None = None
    participants: tuple[str, ...] = ()
    request_id: str | None = None
    breach: Breach | None = None
    course: CourseDays | None = None


@dataclass
class Landed:
    """One decision in the ledger: its entry, and the seconds from the signature's response to the entry's
    appearance."""

    decision: Json
    entry: Json
    seconds: float


@dataclass
class Report:
    government: str
    landed: list[Landed] = field(default_factory=list)
    refused: Json | None = None


class MainJob:
    """One government's scenario, step by step; `tell` is called with each line of progress."""

    def __init__(
        self, api: Api, composition: Composition, scenario: Scenario, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.api = api
        self.composition = composition
        self.scenario = scenario
        self.tell = tell
        self.report = Report(api.government)
        self.office = office_clerk(composition)
        self.head = composition.holders(Role.head, scenario.day)[0]
        self.chair = scenario.chair or self.head
        self.organiser = self.office

    async def run(self) -> Report:
        """Run the whole scenario. Raises `Refused` if a lawful step is refused, `TimeoutError` if an entry doesn't
        appear."""
        summary = await load_composition(self.api, self.composition)
        self.tell(f"composition loaded: {summary['organisations']} organisations, {summary['officials']} officials")
        await self.landing(await self.to_signed_minutes())
        return self.report

    async def to_signed_minutes(self) -> Json:
        """From the submission of topics to the signature of the minutes. Returns the meeting."""
        await self.api.set_clock(at(self.scenario.submitted))
        topics = [await self.submit(planned) for planned in self.scenario.decisions]
        meeting = await self.call_meeting()
        if self._tries("undecided_topic"):
            await self.expect(self.add_topic(meeting, topics[0]))
        topics = [await self.walk_topic(topic) for topic in topics]
        self.tell(f"{len(topics)} topics went through their chain")
        meeting = await self.agenda(meeting, topics)
        await self.api.set_clock(at(self.scenario.day, 9))
        meeting = await self.hold(meeting, topics)
        return await self.sign(meeting)

    def _tries(self, attempt: str) -> bool:
        return self.scenario.breach is not None and self.scenario.breach.attempt == attempt

    async def expect(self, attempt: Any) -> None:
        """Assert that the scenario's breach is refused with its code and clause."""
        breach = self.scenario.breach
        assert breach is not None
        try:
            await attempt
        except Refused as refused:
            if (refused.code, refused.problem.get("clause")) != (breach.code, breach.clause):
                raise
            self.report.refused = refused.problem
            self.tell(f"refused under {breach.clause}: {refused.problem['detail']}")
            return
        raise AssertionError(f"{breach.attempt} wasn't refused")

    async def submit(self, planned: PlannedDecision) -> Json:
        """Submit a topic by its raiser, with all kinds of papers that a rulebook may require."""
        body = {
            "title": planned.title,
            "meeting_kind": self.scenario.kind,
            "sponsor": planned.sponsor,
            "raised_by": planned.raised_by,
            "nature": planned.nature,
            "matter": planned.matter,
            "aspects": list(planned.aspects),
            "convener": self.chair,
            "papers": [
                {"kind": kind, "title": f"{planned.title}（{kind}）", "parts": list(NotePart)} for kind in PaperKind
            ],
        }
        return await self.api.command("meeting", "/v1/topics", body, self.raiser(planned))

    def raiser(self, planned: PlannedDecision) -> str:
        """The head, the deputy in charge, or an official of the sponsor."""
        on = self.scenario.submitted
        match planned.raised_by:
            case RaisedBy.head:
                return self.head
            case RaisedBy.deputy:
                return self.composition.holders(
                    Role.deputy_in_charge, on, context=RoleContext(sponsor=planned.sponsor)
                )[0]
            case RaisedBy.department:
                return self.composition.of_organisation(planned.sponsor, on)[-1]

    async def walk_topic(self, topic: Json) -> Json:
        """Take every step of the topic's chain by a lawful actor; first, if the scenario asks for it, by a wrong
        one."""
        if self._tries("step_out_of_order") and self.report.refused is None:
            body = {"step": "decide", "opinion": "同意"}
            path = f"/v1/topics/{topic['id']}/steps"
            await self.expect(self.api.command("meeting", path, body, self.head, topic["version"]))
        asked = {outstanding["code"] for outstanding in topic["outstanding"]}
        if "topic_form_unsigned" in asked:
            topic = await self.sign_form(topic)
        if "prior_meeting_missing" in asked:
            topic = await self.prior_meeting(topic)
        while step := topic["next_step"]:
            body = {"step": step["step"], "opinion": "同意"}
            path = f"/v1/topics/{topic['id']}/steps"
            topic = await self.api.command("meeting", path, body, step["officials"][0], topic["version"])
        return topic

    async def sign_form(self, topic: Json) -> Json:
        """The sponsor's principal signs the topic form."""
        (principal, *_) = self.composition.of_organisation(topic["sponsor"], self.scenario.submitted, principal=True)
        path, body = f"/v1/topics/{topic['id']}/signatures", {"organisation": topic["sponsor"]}
        return await self.api.command("meeting", path, body, principal, topic["version"])

    async def prior_meeting(self, topic: Json) -> Json:
        """Hold a special meeting under the deputy in charge first, and name its decision on the topic."""
        day, sponsor = self.scenario.submitted, topic["sponsor"]
        (chair, *_) = self.composition.holders(Role.deputy_in_charge, day, context=RoleContext(sponsor=sponsor))
        planned = PlannedDecision(
            title=f"{topic['title']}（前期研究）", sponsor=sponsor, task="形成一致意见后按程序提请审定", lead=sponsor
        )
        scenario = Scenario(
            kind="special",
            title=f"研究{topic['title']}专题会议",
            submitted=day,
            day=day,
            decisions=(planned,),
            chair=chair,
        )
        job = MainJob(self.api, self.composition, scenario)
        meeting = await job.to_signed_minutes()
        await self.api.set_clock(at(day, 15))
        decisions = await self.api.get("meeting", "/v1/decisions", meeting_id=meeting["id"])
        path, body = f"/v1/topics/{topic['id']}/prior-meeting", {"decision_id": decisions["items"][0]["id"]}
        official = self.composition.of_organisation(sponsor, day)[-1]
        return await self.api.command("meeting", path, body, official, topic["version"])

    async def call_meeting(self, day: date | None = None) -> Json:
        """Call the meeting by the kind's organiser: the office, or the sponsor of the first topic."""
        kind = await self.api.get("meeting", f"/v1/meeting-kinds/{self.scenario.kind}")
        title, held_on = self.scenario.title, str(day or self.scenario.day)
        body: Json = {"kind": self.scenario.kind, "title": title, "day": held_on}
        if self.scenario.chair:
            body["convener"] = self.scenario.chair
        if self.scenario.participants:
            body["participants"] = {"officials": list(self.scenario.participants)}
        if self.scenario.request_id:
            body["request_id"] = self.scenario.request_id
        if Role.office not in kind["rules"]["organiser"]:
            body["organised_by"] = self.scenario.decisions[0].sponsor
            self.organiser = self.composition.of_organisation(body["organised_by"], self.scenario.day)[-1]
        meeting = await self.api.command("meeting", "/v1/meetings", body, self.organiser)
        if self.scenario.entrusted_by and self.scenario.chair:
            path, body = (
                f"/v1/meetings/{meeting['id']}/entrustment",
                {"to": self.scenario.chair, "reason": "按分工委托"},
            )
            meeting = await self.api.command("meeting", path, body, self.scenario.entrusted_by, meeting["version"])
        return meeting

    async def add_topic(self, meeting: Json, topic: Json) -> Json:
        path, body = f"/v1/meetings/{meeting['id']}/agenda", {"topic_id": topic["id"]}
        return await self.api.command("meeting", path, body, self.organiser, meeting["version"])

    async def agenda(self, meeting: Json, topics: list[Json]) -> Json:
        """Put the topics on the agenda, have it approved, and send the notice where the rules require it."""
        if self._tries("late_papers"):
            too_soon = await self.call_meeting(self.scenario.submitted + timedelta(days=1))
            await self.expect(self.add_topic(too_soon, topics[0]))
        for topic in topics:
            meeting = await self.add_topic(meeting, topic)
        while meeting["state"] == "called":
            step = meeting["next_step"]
            body = {"step": step["step"], "opinion": "同意"}
            path = f"/v1/meetings/{meeting['id']}/agenda/steps"
            meeting = await self.api.command("meeting", path, body, step["officials"][0], meeting["version"])
        self.tell(f"agenda of {meeting['title']} approved")
        if "not_notified" in {asked["code"] for asked in meeting["next"]}:
            path = f"/v1/meetings/{meeting['id']}/notice"
            meeting = await self.api.command("meeting", path, {}, self.organiser, meeting["version"])
            self.tell("agenda and papers sent to everybody")
        return meeting

    async def hold(self, meeting: Json, topics: list[Json]) -> Json:
        """Open the session with everybody present, decide every topic, close it."""
        members = list(dict.fromkeys([*(each["official"] for each in meeting["expected"]), self.chair]))
        path = f"/v1/meetings/{meeting['id']}"
        if self._tries("too_few_members"):
            few = {"chair": self.head, "attendance": self.attendance(members, present=4)}
            await self.expect(self.api.command("meeting", f"{path}/opening", few, self.organiser, meeting["version"]))
        if "devices_not_declared" in {asked["code"] for asked in meeting["next"]}:
            meeting = await self.api.command("meeting", f"{path}/devices", {}, self.office, meeting["version"])
        body = {"chair": self.chair, "attendance": self.attendance(members, present=len(members))}
        meeting = await self.api.command("meeting", f"{path}/opening", body, self.organiser, meeting["version"])
        self.tell(f"session opened, {len(members)} members present")
        kind = await self.api.get("meeting", f"/v1/meeting-kinds/{meeting['kind']}")
        for topic, planned in zip(topics, self.scenario.decisions if kind["rules"]["decides"] else (), strict=False):
            body = planned.body(topic["id"])
            await self.api.command("meeting", f"{path}/decisions", body, self.organiser, meeting["version"])
            meeting = await self.api.get("meeting", path, self.office)
        await self.api.set_clock(at(self.scenario.day, 11, 30))
        meeting = await self.api.command("meeting", f"{path}/closing", {}, self.organiser, meeting["version"])
        self.tell(f"{len(topics)} decisions taken, session closed")
        return meeting

    def members(self) -> list[str]:
        """Every official who could be a member of some kind of meeting: leaders, the party group, the office; the
        service determines who counts."""
        leaders = (Role.head, Role.deputies, Role.party_group, Role.secretary_general)
        roles = (*leaders, Role.office_director, Role.office_deputy_director)
        return list(self.composition.members(roles, self.scenario.day))

    def attendance(self, members: list[str], present: int) -> list[Json]:
        return [{"official": official, "present": i < present} for i, official in enumerate(members)]

    async def sign(self, meeting: Json) -> Json:
        """Draft the minutes and have them reviewed and signed, if the kind has minutes."""
        if meeting["next_step"] is None:
            return meeting
        path = f"/v1/meetings/{meeting['id']}/minutes"
        await self.api.command("meeting", path, {}, meeting["next_step"]["officials"][-1], meeting["version"])
        while True:
            meeting = await self.api.get("meeting", f"/v1/meetings/{meeting['id']}", self.office)
            step = meeting["next_step"]
            if step is None:
                return meeting
            body = {"step": step["step"], "opinion": "同意"}
            if step["step"] == "sign" and self._tries("minutes_by_another"):
                another = next(m for m in self.members() if m not in step["officials"])
                await self.expect(self.api.command("meeting", f"{path}/steps", body, another, meeting["version"]))
            await self.api.command("meeting", f"{path}/steps", body, step["officials"][0], meeting["version"])
            if step["step"] == "sign":
                self.signed_at = time.perf_counter()
                self.tell(f"minutes signed by {self.composition.official_names[step['officials'][0]]}")

    async def landing(self, meeting: Json, within: float = 60.0) -> None:
        """Wait until each adopted decision has its entry in the ledger."""
        decisions = await self.api.get("meeting", "/v1/decisions", meeting_id=meeting["id"])
        adopted = [d for d in decisions["items"] if Outcome(d["resolution"]["outcome"]).adopts]

        async def entry_of(decision: Json) -> Landed:
            while True:
                found = await self.api.get("oversight", "/v1/entries", source_id=decision["id"])
                if found["items"]:
                    return Landed(decision, found["items"][0], time.perf_counter() - self.signed_at)
                await asyncio.sleep(0.02)

        async with asyncio.timeout(within):
            self.report.landed = sorted(
                await asyncio.gather(*map(entry_of, adopted)),
                key=lambda landed: landed.decision["resolution"]["number"],
            )
        self.tell(f"{len(adopted)} decisions are in the ledger")
