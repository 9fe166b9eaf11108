"""Rulebooks: a government's rules as data: loaded strictly, checked, and explained.

One folder per government and in-force date (`<root>/<government>/<YYYY-MM-DD>/`) with one YAML file per section;
`government.yaml` is needed, the others may be absent: what a government doesn't regulate isn't asked.
Invariants: every value has its clause; unknown and duplicate keys are refused with file, key and line; decision
tables have no unreachable row; a `Rulebook` never changes after it was loaded, and its `digest` names its content.
"""

from __future__ import annotations

import hashlib
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

import orjson
from pydantic import Field

from zhengling.dates.deadlines import DeadlineRule
from zhengling.kernel.errors import Problem, Text
from zhengling.rules.absences import Absence
from zhengling.rules.cadence import Cadence as Cadence
from zhengling.rules.chains import Actor as Actor
from zhengling.rules.chains import Actors as Actors
from zhengling.rules.chains import Chain as Chain
from zhengling.rules.chains import Step as Step
from zhengling.rules.chains import StepName as StepName
from zhengling.rules.conditions import FACTS as FACTS
from zhengling.rules.conditions import Facts as Facts
from zhengling.rules.conditions import Section as Section
from zhengling.rules.conditions import When as When
from zhengling.rules.conditions import matches as matches
from zhengling.rules.meetings import FirstTopic as FirstTopic
from zhengling.rules.meetings import FollowUp as FollowUp
from zhengling.rules.meetings import MeetingKind as MeetingKind
from zhengling.rules.meetings import Papers as Papers
from zhengling.rules.meetings import Quorum as Quorum
from zhengling.rules.meetings import TopicRules
from zhengling.rules.planning import Planning
from zhengling.rules.supervision import Supervision
from zhengling.rules.vocabulary import CHINESE as CHINESE
from zhengling.rules.vocabulary import CLAUSE as CLAUSE
from zhengling.rules.vocabulary import Clause as Clause
from zhengling.rules.vocabulary import Difficulty as Difficulty
from zhengling.rules.vocabulary import EntrySource as EntrySource
from zhengling.rules.vocabulary import FollowingDocument as FollowingDocument
from zhengling.rules.vocabulary import Outcome as Outcome
from zhengling.rules.vocabulary import PaperKind as PaperKind
from zhengling.rules.vocabulary import RaisedBy as RaisedBy
from zhengling.rules.vocabulary import Role as Role
from zhengling.rules.vocabulary import Roles as Roles
from zhengling.rules.vocabulary import RuleName as RuleName
from zhengling.rules.vocabulary import TopicNature as TopicNature
from zhengling.rules.vocabulary import in_chinese as in_chinese
from zhengling.rules.vocabulary import one_or_many as one_or_many


class Titles(Section):
    """What this government calls its posts, for the texts that clerks read."""

    head: str
    executive_deputy: str
    deputies: str
    office: str
    office_director: str
    secretary_general: str | None = None


class Government(Section):
    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: str
    level: Literal["province", "city", "district", "county", "town"]
    region: Annotated[str, Field(pattern=r"^\d{6}$", description="GB/T 2260")]
    superior: str
    in_force: date
    revision: Annotated[int, Field(ge=1)] = 1
    clause: Clause
    titles: Titles


class Rulebook(Section):
    """One edition of one government's rules."""

    government: Government
    deadlines: dict[str, DeadlineRule] = Field(default_factory=dict)
    meetings: dict[str, MeetingKind] = Field(default_factory=dict)
    topics: TopicRules = TopicRules()
    supervision: Supervision | None = None
    absence: Absence | None = None
    planning: Planning | None = None

    @property
    def code(self) -> str:
        return self.government.code

    @property
    def edition(self) -> str:
        return self.government.in_force.isoformat()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content without its revision: formatting and comments don't count, meaning does."""
        content = self.model_dump(mode="json")
        content["government"].pop("revision")
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def kind(self, name: str) -> MeetingKind:
        if kind := self.meetings.get(name):
            return kind
        raise Problem(
            422,
            "unknown_meeting_kind",
            Text(f"{self.code} has no meeting kind {name!r}", f"{self.government.name}没有会议类别“{name}”"),
            Text(f"one of {', '.join(self.meetings)}", f"可用类别：{'、'.join(self.meetings)}"),
        )

    def deadline(self, name: str) -> DeadlineRule:
        if rule := self.deadlines.get(name):
            return rule
        raise Problem(
            422,
            "unknown_rule",
            Text(f"{self.code} has no deadline rule {name!r}", f"{self.government.name}没有时限规则“{name}”"),
            Text(f"one of {', '.join(self.deadlines)}", f"可用规则：{'、'.join(self.deadlines)}"),
        )
