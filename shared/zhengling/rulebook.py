"""Rulebooks: a government's rules as data: loaded strictly, checked, and explained.

One folder per government and in-force date (`<root>/<government>/<YYYY-MM-DD>/`) with one YAML file per section;
`government.yaml` is needed, the others may be absent: what a government doesn't regulate isn't asked.
Invariants: every value has its clause; unknown and duplicate keys are refused with file, key and line; decision
tables have no unreachable row; a `Rulebook` never changes after it was loaded, and its `digest` names its content.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Hashable
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import orjson
import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from zhengling import absence_rules
from zhengling.absence_rules import Absence
from zhengling.deadlines import DeadlineRule, shanghai_day
from zhengling.errors import Problem, Text
from zhengling.vocabulary import CLAUSE, one_or_many
from zhengling.vocabulary import Clause as Clause
from zhengling.vocabulary import Role as Role
from zhengling.vocabulary import Roles as Roles
from zhengling.vocabulary import RuleName as RuleName


class RaisedBy(StrEnum):
    head = "head"
    deputy = "deputy"
    department = "department"


class Outcome(StrEnum):
    """What a meeting may make of a topic (clauses §1.7); no majority vote: the head decides."""

    passed = "passed"
    passed_in_principle = "passed_in_principle"
    not_passed = "not_passed"
    deferred = "deferred"
    noted = "noted"

    @property
    def adopts(self) -> bool:
        return self in (Outcome.passed, Outcome.passed_in_principle)


class Difficulty(StrEnum):
    general = "general"
    complex = "complex"
    long_term = "long_term"


class FollowingDocument(StrEnum):
    none = "none"
    to_issue = "to_issue"


class TopicNature(StrEnum):
    deliberation = "deliberation"
    transmission = "transmission"
    study = "study"
    safety = "safety"


class PaperKind(StrEnum):
    flow_sheet = "flow_sheet"
    drafting_note = "drafting_note"
    main_document = "main_document"
    annex = "annex"


class EntrySource(StrEnum):
    meeting_decision = "meeting_decision"


#: The closed vocabulary as clerks read it, in refusals and exports.
CHINESE: dict[str, str] = {
    Role.head: "政府主要负责人", Role.executive_deputy: "负责常务工作的副职", Role.deputies: "副职领导",
    Role.deputy_in_charge: "分管领导", Role.party_group: "党组成员", Role.party_secretary: "党组书记",
    Role.secretary_general: "秘书长", Role.deputy_secretary_general: "副秘书长",
    Role.office_director: "办公室主任", Role.office_deputy_director: "办公室副主任", Role.office: "政府办公室",
    Role.sponsor: "主办部门", Role.principal: "主办部门主要负责人", Role.department_principals: "部门主要负责人",
    Role.constituent_department_principals: "政府组成部门主要负责人", Role.unit_principals: "各部门、各单位主要负责人",
    Role.deputy_principals: "部门、镇街分管负责人", Role.town_and_street_principals: "镇街主要负责人",
    Role.chair: "会议主持人",
    PaperKind.flow_sheet: "议题流转单", PaperKind.drafting_note: "起草说明", PaperKind.main_document: "正文",
    PaperKind.annex: "附件",
    TopicNature.deliberation: "审议", TopicNature.transmission: "传达", TopicNature.study: "学习",
    TopicNature.safety: "底线",
} | absence_rules.CHINESE  # fmt: skip


def in_chinese(*words: str) -> str:
    """Words of the vocabulary as a Chinese enumeration."""
    return "、".join(CHINESE[word] for word in words)


BOOLEAN = (True, False)
#: The closed vocabulary of `when`: fact → the values it can take.
FACTS: dict[str, tuple[object, ...]] = {
    "entrusted": BOOLEAN,
    "chaired": BOOLEAN,
    "raised_by": tuple(RaisedBy),
    "nature": tuple(TopicNature),
    "outcome": tuple(Outcome),
    "document": tuple(FollowingDocument),
    "difficulty": tuple(Difficulty),
    "source": tuple(EntrySource),
}
Facts = dict[str, object]


def _known_facts(when: object) -> object:
    if not isinstance(when, dict):
        raise ValueError("expected a mapping fact: value (or fact: [values])")
    for fact, wanted in when.items():
        if fact not in FACTS:
            raise ValueError(f"unknown fact {fact!r}; known: {', '.join(FACTS)}")
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if value not in FACTS[fact]:
                raise ValueError(f"{fact} can't be {value!r}; it is one of {', '.join(map(str, FACTS[fact]))}")
    return when


When = Annotated[dict[str, bool | str | list[bool | str]], BeforeValidator(_known_facts)]


def matches(when: When, facts: Facts) -> bool:
    """True where every fact that `when` names has (one of) the wanted value(s). An empty `when` always matches."""
    return all(
        facts.get(fact) in wanted if isinstance(wanted, list) else facts.get(fact) == wanted
        for fact, wanted in when.items()
    )


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Actor(Section):
    """A role that may take a step, perhaps only under some facts. A bare string in YAML is the role alone."""

    role: Role
    when: When = {}

    @model_validator(mode="before")
    @classmethod
    def _bare_role(cls, value: object) -> object:
        return {"role": value} if isinstance(value, str) else value


Actors = Annotated[tuple[Actor, ...], Field(min_length=1), BeforeValidator(one_or_many)]


class StepName(StrEnum):
    propose = "propose"
    collect = "collect"
    review = "review"
    endorse = "endorse"
    decide = "decide"
    review_papers = "review_papers"
    approve_papers = "approve_papers"
    arrange = "arrange"
    approve = "approve"
    draft = "draft"
    sign = "sign"


CHINESE |= {
    StepName.propose: "提出", StepName.collect: "收集汇总", StepName.review: "审核", StepName.endorse: "核批",
    StepName.decide: "确定", StepName.review_papers: "材料审核", StepName.approve_papers: "材料审定",
    StepName.arrange: "议程安排", StepName.approve: "批准", StepName.draft: "起草", StepName.sign: "签发",
}  # fmt: skip


class Step(Section):
    """One step of a chain: what is done, by whom (any one of `by`), and in which cases it is asked for at all."""

    step: StepName
    by: Actors
    when: When = {}
    clause: Clause | None = None


class Chain(Section):
    clause: Clause
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_step_once(self) -> Self:
        keys = [(step.step, tuple(actor.role for actor in step.by)) for step in self.steps]
        if len(set(keys)) != len(keys):
            raise ValueError("the same step by the same role stands twice")
        return self

    def asked(self, facts: Facts) -> tuple[Step, ...]:
        """The steps asked for under these facts, in their order."""
        return tuple(step for step in self.steps if matches(step.when, facts))


class Papers(Section):
    """Which papers a topic needs, when they have to be in, and who may admit late ones."""

    clause: Clause
    required: tuple[PaperKind, ...] = (PaperKind.main_document,)
    deadline: RuleName | None = None
    admit_late: Roles = ()


class Cadence(Section):
    """How often a kind meets; it only warns. Every n weeks or months, or so many times in one of them."""

    every: Annotated[int, Field(ge=1)] = 1
    unit: Literal["week", "month"]
    at_least: Annotated[int, Field(ge=1)] = 1


def _fraction(value: object) -> object:
    return Fraction(value) if isinstance(value, str) else value


class Quorum(Section):
    """Present members must be more than (or at least) this fraction of those who should attend."""

    clause: Clause
    more_than: Annotated[Fraction, BeforeValidator(_fraction)] | None = None
    at_least: Annotated[Fraction, BeforeValidator(_fraction)] | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.more_than is None) == (self.at_least is None):
            raise ValueError("expected exactly one of more_than and at_least")
        return self

    def needed(self, members: int) -> int:
        """The smallest number of present members that meets the quorum among `members` who should attend."""
        if self.more_than is not None:
            return int(members * self.more_than) + 1
        assert self.at_least is not None
        return -int(-(members * self.at_least) // 1)


class FirstTopic(Section):
    clause: Clause
    nature: TopicNature


class FollowUp(Section):
    """When a decision asks for a document: the deadlines under which it is filed and issued."""

    clause: Clause
    when: When
    deadlines: Annotated[tuple[RuleName, ...], Field(min_length=1)]


class MeetingKind(Section):
    name: str
    clause: Clause
    members: Annotated[tuple[Role, ...], Field(min_length=1)]
    attendees: tuple[Role, ...] = ()
    chair: Actors
    cadence: Cadence | None = None
    quorum: Quorum | None = None
    first_topic: FirstTopic | None = None
    topic: Chain
    papers: Papers | None = None
    agenda: Chain
    minutes: Chain
    follow_up: tuple[FollowUp, ...] = ()

    @model_validator(mode="after")
    def _minutes_end_signed(self) -> Self:
        if self.minutes.steps[-1].step != StepName.sign:
            raise ValueError("the minutes' chain has to end with the step sign")
        return self


class DueRow(Section):
    """One row of the table that gives a ledger entry its due date (first match wins)."""

    clause: Clause
    when: When = {}
    rule: RuleName


class Ledger(Section):
    """How an entry gets into the supervision ledger: its clause, its number, its due date."""

    clause: Clause
    number: Annotated[str, Field(pattern=r"\{year\}.*\{n\}", description="e.g. 双政督〔{year}〕{n}号")]
    due: tuple[DueRow, ...] = ()
    set_by: Roles = (Role.office,)

    def due_row(self, facts: Facts) -> DueRow | None:
        return next((row for row in self.due if matches(row.when, facts)), None)


class Supervision(Section):
    ledger: Ledger


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


def _cites_a_clause(rule: DeadlineRule) -> DeadlineRule:
    if not re.match(CLAUSE, rule.clause):
        raise ValueError(f"clause {rule.clause!r} should match pattern '{CLAUSE}'")
    return rule


class _DeadlineSection(BaseModel):
    """`deadlines.yaml` is a mapping name → rule; wrapped so that errors carry their place."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rules: dict[RuleName, Annotated[DeadlineRule, AfterValidator(_cites_a_clause)]]


class _MeetingSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kinds: dict[RuleName, MeetingKind]


class RulebookError(Exception):
    """A rulebook that can't be used. `findings` are lines `file:line: key: what was expected`."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class Rulebook(Section):
    """One edition of one government's rules."""

    government: Government
    deadlines: dict[str, DeadlineRule] = {}
    meetings: dict[str, MeetingKind] = {}
    supervision: Supervision | None = None
    absence: Absence | None = None

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


class _StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, Hashable):
                raise yaml.MarkedYAMLError(problem="a key has to be a plain word", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _line_of(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """The 1-based line of the deepest part of `path` that stands in the file."""
    line = node.start_mark.line + 1 if node else 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _place(folder: Path, file: str, *path: int | str) -> str:
    """`file:line` of a part of a section; line 1 where the section has no file."""
    text = (folder / file).read_text(encoding="utf-8") if (folder / file).exists() else ""
    return f"{folder / file}:{_line_of(yaml.compose(text, _StrictLoader), path)}"


_SECTIONS: dict[str, tuple[type[BaseModel], str | None]] = {
    "government": (Government, None),
    "deadlines": (_DeadlineSection, "rules"),
    "meetings": (_MeetingSection, "kinds"),
    "supervision": (Supervision, None),
    "absence": (Absence, None),
}


def _load_section(path: Path, model: type[BaseModel], wrap: str | None, findings: list[str]) -> BaseModel | None:
    text = path.read_text(encoding="utf-8")
    try:
        node = yaml.compose(text, _StrictLoader)
        content = yaml.load(text, _StrictLoader)  # noqa: S506 - it is a SafeLoader
        return model.model_validate({wrap: content} if wrap else content)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        findings.append(f"{path}:{line}: not readable: {error.problem}")
    except ValidationError as errors:
        places = [detail["loc"] for detail in errors.errors()]
        for detail in errors.errors():
            loc = detail["loc"]
            if detail["type"] == "too_short" and any(loc == other[: len(loc)] != other for other in places):
                continue  # pydantic doesn't count the items that it has just refused
            place = loc[1:] if wrap else loc
            key = ".".join(map(str, place)) or "(the whole file)"
            said = detail["msg"].removeprefix("Value error, ")
            got = f"; got {detail['input']!r}" if not isinstance(detail["input"], (dict, list)) else ""
            findings.append(f"{path}:{_line_of(node, place)}: {key}: {said}{got}")
    return None


def load_edition(folder: Path) -> Rulebook:
    """Load one `<government>/<in-force date>` folder. Raises `RulebookError` with every finding at once."""
    findings: list[str] = []
    sections: dict[str, object] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.stem not in _SECTIONS:
            findings.append(f"{path}:1: unknown section; known: {', '.join(f'{s}.yaml' for s in _SECTIONS)}")
            continue
        model, wrap = _SECTIONS[path.stem]
        if section := _load_section(path, model, wrap, findings):
            sections[path.stem] = getattr(section, wrap) if wrap else section
    if not (folder / "government.yaml").exists():
        findings.append(f"{folder / 'government.yaml'}:1: missing; every edition has one")
    if findings:
        raise RulebookError(findings)
    rulebook = Rulebook.model_validate(sections)
    findings = check(rulebook, folder)
    if findings:
        raise RulebookError(findings)
    return rulebook


def _unreachable(rows: list[When]) -> list[int]:
    """Indexes of rows that no case can reach because earlier rows take all of theirs (hit policy FIRST)."""
    names = sorted({fact for when in rows for fact in when})
    reached: set[int] = set()
    for values in itertools.product(*(FACTS[name] for name in names)):
        facts = dict(zip(names, values, strict=True))
        first = next((i for i, when in enumerate(rows) if matches(when, facts)), None)
        if first is not None:
            reached.add(first)
    return [i for i in range(len(rows)) if i not in reached]


def check(rulebook: Rulebook, folder: Path) -> list[str]:
    """What the shape alone can't tell: names that point nowhere, rows that can't be reached, a folder misnamed."""
    findings: list[str] = []
    government = rulebook.government
    if folder.name != government.in_force.isoformat():
        found = f"in_force: the folder has to be named {government.in_force.isoformat()}; it is {folder.name}"
        findings.append(f"{_place(folder, 'government.yaml', 'in_force')}: {found}")
    if folder.parent.name != government.code:
        found = f"code: the folder above has to be named {government.code}; it is {folder.parent.name}"
        findings.append(f"{_place(folder, 'government.yaml', 'code')}: {found}")

    def named(file: str, rule: str | None, *path: int | str) -> None:
        if rule and rule not in rulebook.deadlines:
            key = ".".join(map(str, path))
            findings.append(f"{_place(folder, file, *path)}: {key}: no deadline rule {rule!r} in deadlines.yaml")

    def reachable(file: str, rows: list[When], *path: int | str) -> None:
        for i in _unreachable(rows):
            key = ".".join(map(str, (*path, i)))
            findings.append(f"{_place(folder, file, *path, i)}: {key}: no case reaches this row")

    for name, kind in rulebook.meetings.items():
        if kind.papers:
            named("meetings.yaml", kind.papers.deadline, name, "papers", "deadline")
        for i, follow_up in enumerate(kind.follow_up):
            for j, rule in enumerate(follow_up.deadlines):
                named("meetings.yaml", rule, name, "follow_up", i, "deadlines", j)
        reachable("meetings.yaml", [row.when for row in kind.follow_up], name, "follow_up")
    if rulebook.supervision:
        due = rulebook.supervision.ledger.due
        for i, row in enumerate(due):
            named("supervision.yaml", row.rule, "ledger", "due", i, "rule")
        reachable("supervision.yaml", [row.when for row in due], "ledger", "due")
    if rulebook.absence:
        for i, request in enumerate(rulebook.absence.requests):
            if request.notice:
                named("absence.yaml", request.notice.rule, "requests", i, "notice", "rule")
    return findings


class Rulebooks:
    """Every edition of every government under the given roots, in memory."""

    def __init__(self, editions: list[Rulebook]) -> None:
        self._editions: dict[str, dict[str, Rulebook]] = {}
        for book in sorted(editions, key=lambda book: book.edition):
            self._editions.setdefault(book.code, {})[book.edition] = book

    @classmethod
    def load(cls, roots: list[Path]) -> Rulebooks:
        """Load all of `<root>/<government>/<date>/`. Raises `RulebookError` naming everything that is wrong."""
        editions: list[Rulebook] = []
        findings: list[str] = []
        for root in roots:
            if not root.is_dir():
                findings.append(f"{root}:1: no such folder of rulebooks")
                continue
            for folder in sorted({path.parent for path in root.glob("*/*/*.yaml")}):
                try:
                    book = load_edition(folder)
                    if any((book.code, book.edition) == (other.code, other.edition) for other in editions):
                        findings.append(f"{folder}: {book.code} {book.edition} stands under another root too")
                    editions.append(book)
                except RulebookError as error:
                    findings += error.findings
        if findings:
            raise RulebookError(findings)
        return cls(editions)

    @property
    def governments(self) -> list[str]:
        return sorted(self._editions)

    def all(self) -> list[Rulebook]:
        return [book for editions in self._editions.values() for book in editions.values()]

    def _of(self, government: str) -> dict[str, Rulebook]:
        if editions := self._editions.get(government):
            return editions
        raise Problem(
            422,
            "unknown_government",
            Text(f"no rulebook for government {government!r}", f"没有“{government}”的规则库"),
            Text(f"one of {', '.join(self.governments)}", f"可用：{'、'.join(self.governments)}"),
        )

    def current(self, government: str, moment: datetime) -> Rulebook:
        """The edition in force at a moment: the latest whose in-force date isn't after it (else the earliest)."""
        on = shanghai_day(moment)
        editions = list(self._of(government).values())
        in_force = [book for book in editions if book.government.in_force <= on]
        return in_force[-1] if in_force else editions[0]

    def edition(self, government: str, edition: str) -> Rulebook:
        """The edition that a procedure began under."""
        if book := self._of(government).get(edition):
            return book
        raise Problem(
            500,
            "edition_not_loaded",
            Text(f"edition {edition} of {government} isn't loaded here", f"未加载{government}的{edition}版规则"),
        )
