"""Loads and checks rulebooks from folders of YAML files; holds every edition of every government in memory.

One folder per government and in-force date (`<root>/<government>/<YYYY-MM-DD>/`) with one YAML file per section;
`government.yaml` is required, the others are optional. Invariants: unknown and duplicate keys are refused with file, line
and key; decision tables have no unreachable row; an undefined name is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from zhengling.dates.deadlines import DeadlineRule
from zhengling.kernel.clauses import require_source
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.absences import Absence
from zhengling.rules.checks import never_asked
from zhengling.rules.meetings import MeetingKind, TopicRules
from zhengling.rules.planning import Planning
from zhengling.rules.rulebook import Government, Rulebook
from zhengling.rules.supervision import Supervision
from zhengling.rules.vocabulary import RuleName, source


def _with_source(rule: object) -> object:
    """A deadline rule with its source as a text; `dates/` knows no rulebooks."""
    if isinstance(rule, dict) and "clause" in rule:
        stated = source(rule["clause"])
        return rule | {"clause": require_source(stated) if isinstance(stated, str) else stated}
    return rule


class _DeadlineSection(BaseModel):
    """`deadlines.yaml`, a mapping name → rule, wrapped so that errors have their location."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rules: dict[RuleName, Annotated[DeadlineRule, BeforeValidator(_with_source)]]


class _MeetingSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kinds: dict[RuleName, MeetingKind]


class RulebookError(Exception):
    """An invalid rulebook. `findings` are lines `file:line: key: what was expected`."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


#: Plain scalars that YAML 1.1 and YAML 1.2 read differently: octal by a leading zero, sexagesimal numbers, digits set apart
#: by underscores, exponents without a point, and words for true and false.
_AMBIGUOUS = re.compile(
    r"""[-+]?0[0-9_]+(\.[0-9_]*)? | [-+]?0[ob][0-7_]+ | [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?
    | [-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)? | [-+]?[0-9]+[eE][-+]?[0-9]+ | [-+]?[0-9]+\.[0-9]*[eE][0-9]+
    | y | n | yes | no | on | off""",
    re.VERBOSE | re.IGNORECASE,
)


class _StrictLoader(yaml.SafeLoader):
    """A YAML loader that refuses duplicate keys, and plain scalars that YAML 1.1 and 1.2 read differently. Dates stay text,
    which the models parse."""

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        node: yaml.ScalarNode = super().compose_scalar_node(anchor)
        if node.style is None and _AMBIGUOUS.fullmatch(node.value):
            problem = f"{node.value!r} is read differently by YAML 1.1 and 1.2: write a plain number, true or false, or quote it"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, Hashable):
                raise yaml.MarkedYAMLError(problem="a key must be a plain scalar", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"duplicate key {key!r}", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _line_of(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """The 1-based line of the deepest part of `path` that exists in the file."""
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
    """`file:line` of a part of a section; line 1 if the section has no file."""
    text = _text(folder / file) if (folder / file).exists() else ""
    return f"{folder / file}:{_line_of(yaml.compose(text, _StrictLoader), path)}"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")  # some editors put a byte order mark before UTF-8


_SECTIONS: dict[str, tuple[type[BaseModel], str | None]] = {
    "government": (Government, None),
    "deadlines": (_DeadlineSection, "rules"),
    "meetings": (_MeetingSection, "kinds"),
    "topics": (TopicRules, None),
    "supervision": (Supervision, None),
    "absence": (Absence, None),
    "planning": (Planning, None),
}


def _load_section(path: Path, model: type[BaseModel], wrap: str | None, findings: list[str]) -> BaseModel | None:
    try:
        text = _text(path)
        node = yaml.compose(text, _StrictLoader)
        content = yaml.load(text, _StrictLoader)  # noqa: S506 - it is a SafeLoader
        return model.model_validate({wrap: content} if wrap else content)
    except UnicodeDecodeError:
        findings.append(f"{path}:1: not readable: the file has to be UTF-8")
    except RecursionError:
        findings.append(f"{path}:1: not readable: it is nested too deep")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        findings.append(f"{path}:{line}: not readable: {error.problem}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        findings.append(f"{path}:{line}: not readable: a character that no YAML may hold, U+{error.character:04X}")
    except ValidationError as errors:
        places = [detail["loc"] for detail in errors.errors()]
        for detail in errors.errors():
            loc = detail["loc"]
            if detail["type"] == "too_short" and any(loc == other[: len(loc)] != other for other in places):
                continue  # pydantic's indexes skip the items that it has refused
            place = loc[1:] if wrap else loc
            key = ".".join(map(str, place)) or "(the whole file)"
            said = detail["msg"].removeprefix("Value error, ")
            got = f"; got {detail['input']!r}" if not isinstance(detail["input"], (dict, list)) else ""
            findings.append(f"{path}:{_line_of(node, place)}: {key}: {said}{got}")
    return None


def _visible(folder: Path) -> list[Path]:
    """The entries of a folder, without hidden ones: volumes of Kubernetes have some of their own."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _passes_for_a_section(path: Path) -> bool:
    """Whether people would take a file that isn't read for a part of the rulebook: supervision.yml, supervision.yaml.bak."""
    return path.suffix.lower() in (".yml", ".yaml") or path.name.split(".")[0].lower() in _SECTIONS


def load_edition(folder: Path) -> Rulebook:
    """Load one `<government>/<in-force date>` folder. Raises `RulebookError` with all findings."""
    findings: list[str] = []
    sections: dict[str, object] = {}
    for path in _visible(folder):
        if path.suffix != ".yaml":
            if _passes_for_a_section(path):
                findings.append(
                    f"{path}:1: isn't read: a section is a file named {path.name.split('.')[0].lower()}.yaml"
                )
            continue
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


def check(rulebook: Rulebook, folder: Path) -> list[str]:
    """Findings that the schema can't express: a wrong folder name, undefined names, rules that would never be asked."""
    findings: list[str] = []
    government = rulebook.government
    if folder.name != government.in_force.isoformat():
        found = f"in_force: the folder must be named {government.in_force.isoformat()}, not {folder.name}"
        findings.append(f"{_place(folder, 'government.yaml', 'in_force')}: {found}")
    if folder.parent.name != government.code:
        found = f"code: the parent folder must be named {government.code}, not {folder.parent.name}"
        findings.append(f"{_place(folder, 'government.yaml', 'code')}: {found}")
    for file, path, said in never_asked(rulebook):
        findings.append(f"{_place(folder, file, *path)}: {'.'.join(map(str, path))}: {said}")
    return findings


def warnings(rulebook: Rulebook, folder: Path) -> list[str]:
    """What a sound edition lacks, and files of its folder that aren't read: lines `file:line: what`."""
    found = [f"{path}:1: isn't read" for path in _visible(folder) if path.suffix != ".yaml"]
    if rulebook.meetings and not rulebook.keeps_ledger:
        said = "missing: no ledger takes the decisions that these meetings adopt"
        found.append(f"{folder / 'supervision.yaml'}:1: {said}")
    return found


@dataclass(frozen=True)
class _Found:
    """What a government's folder holds: its sound editions, the findings that stop the government, and the warnings."""

    editions: list[Rulebook] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def _read_government(folder: Path) -> _Found:
    found = _Found()
    for path in [folder] if folder.is_file() else _visible(folder) or [folder]:
        try:
            if path.is_dir() and any(map(_passes_for_a_section, _visible(path))):
                book = load_edition(path)
                found.editions.append(book)
                found.warnings.extend(warnings(book, path))
            else:
                said = "isn't read: an edition is a folder <government>/<YYYY-MM-DD> of YAML files"
                found.warnings.append(f"{path}:1: {said}")
        except RulebookError as error:
            found.findings.extend(error.findings)
        except Exception as error:  # whatever an edition holds, it stops no other government
            found.findings.append(f"{path}:1: not readable: {type(error).__name__}: {error}")
    return found


class Rulebooks:
    """Every edition of every government under the given roots, in memory.

    A rulebook that can't be used stops its own government: each look-up of its rules is a 503 `rulebook_unusable`, which a
    request answers and for which an event waits. `faults` has the findings by government, `warnings` what is to be shown.
    """

    def __init__(self, editions: list[Rulebook]) -> None:
        self.faults: dict[str, list[str]] = {}
        self.warnings: dict[str, list[str]] = {}
        self._editions: dict[str, dict[str, Rulebook]] = {}
        for book in sorted(editions, key=lambda book: book.edition):
            self._editions.setdefault(book.code, {})[book.edition] = book

    @classmethod
    def read(cls, roots: list[Path]) -> Rulebooks:
        """Read all of `<root>/<government>/<date>/`. Findings stop only the government in whose folder they are. Raises
        `RulebookError` if there is no such root."""
        if absent := [f"{root}:1: no such folder of rulebooks" for root in roots if not root.is_dir()]:
            raise RulebookError(absent)
        editions: list[Rulebook] = []
        faults: dict[str, list[str]] = {}
        warned: dict[str, list[str]] = {}
        root_of: dict[str, Path] = {}
        for folder in (path for root in roots for path in _visible(root)):
            found = _read_government(folder)
            findings = list(found.findings)
            if (found.editions or findings) and (
                root := root_of.setdefault(folder.name, folder.parent)
            ) != folder.parent:
                findings.append(f"{folder}:1: {folder.name} is also under another root, {root}")
            editions += found.editions
            for lines, of in ((findings, faults), (found.warnings, warned)):
                if lines:
                    of.setdefault(folder.name, []).extend(lines)
        books = cls([book for book in editions if book.code not in faults])
        books.faults, books.warnings = faults, warned
        return books

    @classmethod
    def load(cls, roots: list[Path]) -> Rulebooks:
        """As `read`, but raises `RulebookError` with all findings of all governments."""
        books = cls.read(roots)
        if books.faults:
            raise RulebookError([finding for findings in books.faults.values() for finding in findings])
        return books

    def stop(self, government: str, finding: str) -> None:
        """Use none of this government's editions any more."""
        self._editions.pop(government, None)
        self.faults.setdefault(government, []).append(finding)

    @property
    def governments(self) -> list[str]:
        """All governments that have a rulebook, including those whose rulebook can't be used."""
        return sorted(self._editions.keys() | self.faults.keys())

    def all(self) -> list[Rulebook]:
        return [book for editions in self._editions.values() for book in editions.values()]

    def editions(self, government: str) -> list[Rulebook]:
        """The usable editions of a government, the earliest first; none if it has no rulebook."""
        return list(self._editions.get(government, {}).values())

    def _of(self, government: str) -> dict[str, Rulebook]:
        if editions := self._editions.get(government):
            return editions
        if findings := self.faults.get(government):
            raise Problem(
                503,
                "rulebook_unusable",
                Text(
                    f"the rulebook of {government} can't be used: {len(findings)} findings",
                    f"“{government}”的规则库有{len(findings)}处错误，暂停使用",
                ),
                Text(
                    "an administrator corrects the findings of GET /v1/rulebook, and restarts the services",
                    "请系统管理员按所列错误更正规则库，并重启服务",
                ),
                headers={"Retry-After": "60"},
            )
        raise Problem(
            422,
            "unknown_government",
            Text(f"no rulebook for government {government!r}", f"没有“{government}”的规则库"),
            Text(f"one of {', '.join(self.governments)}", f"可用：{'、'.join(self.governments)}"),
        )

    def find(self, government: str, edition: str) -> Rulebook | None:
        """A given edition, if it is loaded and usable."""
        return self._editions.get(government, {}).get(edition)

    def in_force(self, government: str, moment: datetime) -> Rulebook | None:
        """The edition in force at an instant: the latest with an in-force date not after it. None before the first one, and
        for a government without a usable rulebook."""
        on = shanghai_day(moment)
        return next((book for book in reversed(self.editions(government)) if book.government.in_force <= on), None)

    def in_own_titles(self, government: str, moment: datetime, chinese: str) -> str:
        """A Chinese text with the titles that the government's rules in force give; as it is where none are."""
        book = self.in_force(government, moment)
        return book.government.titles.in_text(chinese) if book else chinese

    def current(self, government: str, moment: datetime) -> Rulebook:
        """As `in_force`, else a problem: 503 `rulebook_unusable`, 422 `unknown_government`, and 409 `rulebook_not_in_force`
        before the first edition's date."""
        editions = self._of(government)
        if book := self.in_force(government, moment):
            return book
        first = next(iter(editions))
        raise Problem(
            409,
            "rulebook_not_in_force",
            Text(
                f"the rules of {government} are in force from {first}; none are on {shanghai_day(moment)}",
                f"“{government}”的规则自{first}起施行，{shanghai_day(moment)}尚无施行中的规则",
            ),
            Text(
                f"wait for {first}, or add the edition in force until then",
                f"待{first}施行后办理，或补充此前施行的规则",
            ),
        )

    def edition(self, government: str, edition: str) -> Rulebook:
        """A given edition, such as the one under which a procedure began. 503 `edition_not_loaded` while it is missing."""
        if book := self.find(government, edition):
            return book
        if self.faults.get(government):
            self._of(government)
        raise Problem(
            503,
            "edition_not_loaded",
            Text(f"edition {edition} of {government} isn't loaded", f"未加载{government}的{edition}版规则"),
            Text("keep every edition under which a procedure began", "请保留仍有事项适用的各版规则"),
        )
