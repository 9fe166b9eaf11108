"""A rulebook: one edition of one government's rules, as data.

Invariants: every value has its clause; a `Rulebook` is immutable, and its `digest` identifies its content. A rule that a
government doesn't have is absent and isn't applied. Loading from files: `loading.py`. Pure.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

import orjson
from pydantic import Field

from zhengling.dates.deadlines import DeadlineRule
from zhengling.kernel.errors import Problem, Text
from zhengling.rules.absences import Absence
from zhengling.rules.conditions import Section
from zhengling.rules.meetings import MeetingKind, TopicRules
from zhengling.rules.planning import Planning
from zhengling.rules.supervision import Supervision
from zhengling.rules.vocabulary import Clause, EntrySource, Role, in_chinese


class Titles(Section):
    """This government's titles of posts, for texts."""

    head: str
    executive_deputy: str
    deputies: str
    office: str
    office_director: str
    secretary_general: str | None = None

    def in_text(self, chinese: str) -> str:
        """A Chinese text with this government's titles in place of the vocabulary's general terms of roles."""
        own = {
            in_chinese(Role.head): self.head,
            in_chinese(Role.executive_deputy): self.executive_deputy,
            in_chinese(Role.deputies): self.deputies,
            in_chinese(Role.office): self.office,
            in_chinese(Role.office_director): self.office_director,
        }
        return _ROLES.sub(lambda found: own[found[0]], chinese)


#: The general terms of roles, where they aren't part of a title or a name already: 区政府办公室, 人民政府办公室, 区委办公室主任.
_ROLES = re.compile(
    f"(?<![省市区县镇乡民]){in_chinese(Role.head)}|{in_chinese(Role.executive_deputy)}|{in_chinese(Role.deputies)}|"
    f"(?<![省市区县镇乡民]){in_chinese(Role.office)}(?!主任|副主任)|(?<![府委会局])" + in_chinese(Role.office_director)
)


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
        """SHA-256 of the parsed content without its revision, independent of formatting, comments and defaults: a field that a
        later version adds leaves the digest of a rulebook without it as it was."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        content["government"].pop("revision", None)
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def keeps_ledger(self) -> bool:
        """Whether decisions that are adopted get an entry in a supervision ledger."""
        return self.supervision is not None

    def category_of(self, source: EntrySource) -> str | None:
        """The focus category that an entry from this source has by itself, if any."""
        focus = self.supervision.focus if self.supervision else None
        return focus.of(source) if focus else None

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
