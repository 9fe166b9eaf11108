"""The composition as rows written by people: the fields of each list, and the conversion of each row to the model.

Invariant: every row becomes an entry of the composition or gets a finding that states the error in both languages, at
its field; nothing is dropped silently. Pure: no I/O.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from zhengling.authority.composition import (
    Composition,
    Official,
    Organisation,
    OrganisationFunction,
    OrganisationKind,
    Pair,
    Portfolio,
    Post,
    PostRole,
)
from zhengling.authority.titles import own_titles
from zhengling.kernel.characters import beyond_one_line, unpadded
from zhengling.kernel.errors import Text, invalid
from zhengling.rules.rulebook import Titles

#: Rows of all lists together; the limit of the event's size is checked separately.
MAX_ROWS = 20_000
#: Findings of all rows together, warnings included.
MAX_FINDINGS = MAX_ROWS
Values = dict[str, Any]


class Listing(StrEnum):
    """The five lists of a composition; each is a sheet of the workbook."""

    organisations = "organisations"
    officials = "officials"
    posts = "posts"
    portfolios = "portfolios"
    pairs = "pairs"


class Status(StrEnum):
    """What loading does with a row."""

    new = "new"
    changed = "changed"
    removed = "removed"
    unchanged = "unchanged"
    wrong = "wrong"


class Kind(StrEnum):
    """The type of a field, which determines how a cell of it is read."""

    text = "text"
    word = "word"
    day = "day"
    words = "words"
    reference = "reference"
    references = "references"


@dataclass(frozen=True)
class Field:
    """One field of a list: its header for clerks and, for a reference, the list that it refers to. A workbook may lack the
    column of an `optional` one."""

    name: str
    header: str
    kind: Kind = Kind.text
    to: Listing | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False


#: The words that clerks use for posts and kinds; a government's own titles of posts are accepted as well.
ROLE_WORDS: dict[str, str] = {
    PostRole.head: "政府主要负责人", PostRole.executive_deputy: "负责常务工作的副职", PostRole.deputy: "副职领导",
    PostRole.party_secretary: "党组书记", PostRole.party_group_member: "党组成员", PostRole.secretary_general: "秘书长",
    PostRole.deputy_secretary_general: "副秘书长", PostRole.office_director: "办公室主任",
    PostRole.office_deputy_director: "办公室副主任", PostRole.principal: "主要负责人",
    PostRole.deputy_principal: "副职负责人", PostRole.staff: "工作人员",
}  # fmt: skip
KIND_WORDS: dict[str, str] = {
    OrganisationKind.government: "政府", OrganisationKind.office: "政府办公室",
    OrganisationKind.constituent_department: "组成部门", OrganisationKind.dispatched_organ: "派出机关",
    OrganisationKind.dispatched_agency: "派出机构", OrganisationKind.affiliated_unit: "直属单位",
    OrganisationKind.institution: "事业单位", OrganisationKind.town: "镇", OrganisationKind.street: "街道",
    OrganisationKind.coordination_body: "议事协调机构",
}  # fmt: skip
FUNCTION_WORDS: dict[str, str] = {
    OrganisationFunction.justice: "司法行政", OrganisationFunction.supervision: "督查",
    OrganisationFunction.unit_office: "单位办公室",
}  # fmt: skip
TITLES: dict[Listing, str] = {
    Listing.organisations: "机构", Listing.officials: "人员", Listing.posts: "职务", Listing.portfolios: "分管",
    Listing.pairs: "AB角",
}  # fmt: skip
FIELDS: dict[Listing, tuple[Field, ...]] = {
    Listing.organisations: (
        Field("code", "代码"),
        Field("name", "名称"),
        Field("kind", "类别", Kind.word, words=KIND_WORDS),
        Field("parent", "上级机构", Kind.reference, Listing.organisations),
        Field("since", "设立日期", Kind.day),
        Field("until", "撤销日期", Kind.day),
        Field("functions", "职能", Kind.words, words=FUNCTION_WORDS, optional=True),
        Field("successor", "承接机构", Kind.reference, Listing.organisations, optional=True),
    ),
    Listing.officials: (Field("id", "编号"), Field("name", "姓名")),
    Listing.posts: (
        Field("official", "人员", Kind.reference, Listing.officials),
        Field("role", "职务类别", Kind.word, words=ROLE_WORDS),
        Field("organisation", "机构", Kind.reference, Listing.organisations),
        Field("title", "职务名称"),
        Field("since", "任职日期", Kind.day),
        Field("until", "免职日期", Kind.day),
    ),
    Listing.portfolios: (
        Field("official", "人员", Kind.reference, Listing.officials),
        Field("organisations", "分管机构", Kind.references, Listing.organisations),
        Field("since", "起始日期", Kind.day),
        Field("until", "截止日期", Kind.day),
    ),
    Listing.pairs: (
        Field("a", "A角", Kind.reference, Listing.officials),
        Field("b", "B角", Kind.reference, Listing.officials),
        Field("since", "起始日期", Kind.day),
        Field("until", "截止日期", Kind.day),
    ),
}
MODELS: dict[Listing, type[BaseModel]] = {
    Listing.organisations: Organisation, Listing.officials: Official, Listing.posts: Post,
    Listing.portfolios: Portfolio, Listing.pairs: Pair,
}  # fmt: skip
#: The key that identifies a row across two versions: first exactly, then without its first day.
KEYS: dict[Listing, tuple[str, ...]] = {
    Listing.organisations: ("code",), Listing.officials: ("id",), Listing.posts: ("official", "role", "organisation"),
    Listing.portfolios: ("official",), Listing.pairs: ("a", "b"),
}  # fmt: skip
DATED = (Listing.posts, Listing.portfolios, Listing.pairs)


@dataclass(frozen=True)
class Finding:
    """An error of a row, or (`warning`) something to check before loading."""

    code: str
    text: Text
    field: str | None = None
    warning: bool = False


@dataclass
class Row:
    """One row as written: its number in the sheet (or its index in the JSON list), its fields, its findings. `unread`
    marks the row at which a whole list couldn't be read."""

    number: int
    values: Values
    findings: list[Finding] = field(default_factory=list)
    entry: BaseModel | None = None
    unread: bool = False

    @property
    def wrong(self) -> bool:
        return any(not finding.warning for finding in self.findings)

    def find(self, code: str, en: str, zh: str, name: str | None = None, *, warning: bool = False) -> None:
        self.findings.append(Finding(code, Text(en, zh), name, warning))


Written = dict[Listing, list[Row]]


def require_few_findings(written: Written) -> None:
    """422 `too_many_findings`, with the place of the first."""
    found = [(listing, row) for listing, rows in written.items() for row in rows if row.findings]
    if sum(len(row.findings) for _, row in found) <= MAX_FINDINGS:
        return
    listing, row = found[0]
    first = row.findings[0].text
    raise invalid(
        "too_many_findings",
        f"more than {MAX_FINDINGS} findings; the first: {listing}, row {row.number}: {first.en}",
        f"问题超过{MAX_FINDINGS}处，首处为“{TITLES[listing]}”第{row.number}行：{first.zh}",
        limit=MAX_FINDINGS,
    )


def unread(rows: Iterable[Row]) -> bool:
    return any(row.unread for row in rows)


def header_of(listing: Listing, name: str | None) -> str | None:
    return next((f.header for f in FIELDS[listing] if f.name == name), None)


def key_of(listing: Listing, values: Values) -> str:
    """The row's key in answers; empty if the row has no values."""
    if not values:
        return ""
    parts = [str(values.get(name) or "?") for name in KEYS[listing]]
    return " ".join([*parts, str(values.get("since") or "?")] if listing in DATED else parts)


def rows_of(content: Mapping[str, Sequence[Mapping[str, Any]]]) -> Written:
    """The rows of a document's lists, numbered from 1."""
    return {
        listing: [Row(number, dict(values)) for number, values in enumerate(content.get(listing, ()), 1)]
        for listing in Listing
    }


def rows_written(composition: Composition) -> Written:
    """The rows of an existing composition."""
    return {
        listing: [
            Row(number, entry.model_dump(mode="json"), entry=entry)
            for number, entry in enumerate(getattr(composition, listing), 1)
        ]
        for listing in Listing
    }


def words_of(titles: Titles | None) -> dict[str, str]:
    """Word → post: the words above, and the government's own titles of posts."""
    words: dict[str, str] = {chinese: role for role, chinese in ROLE_WORDS.items()}
    if titles:
        for role, word in own_titles(titles).items():
            words.setdefault(word, role)  # a word that already names another post keeps its meaning
    return words


def enter(written: Written, titles: Titles | None = None) -> None:
    """Convert each row to an entry of its list, or add a finding at each field that prevents it. 422 `too_many_findings`."""
    functions = {chinese: function for function, chinese in FUNCTION_WORDS.items()}
    words = {chinese: kind for kind, chinese in KIND_WORDS.items()}, words_of(titles), functions
    findings = 0
    for listing, rows in written.items():
        model = MODELS[listing]
        for row in rows:
            if findings > MAX_FINDINGS:
                require_few_findings(written)
            for name, known in zip(("kind", "role", "functions"), words, strict=True):
                value = row.values.get(name)
                if isinstance(value, str) and name in model.model_fields:
                    row.values[name] = known.get(unpadded(value), value)
                elif isinstance(value, list):
                    row.values[name] = [
                        known.get(unpadded(each), each) if isinstance(each, str) else each for each in value
                    ]
            _refuse_characters(row)
            try:
                entry = model.model_validate(row.values)
            except ValidationError as error:
                reported = {finding.field for finding in row.findings if finding.field}
                found = [] if row.unread else [_finding(listing, e) for e in error.errors() if not _dangles(listing, e)]
                row.findings += (finding for finding in found if finding.field not in reported)
                findings += len(row.findings)
                continue
            if listing == Listing.portfolios and not row.values["organisations"]:
                row.find(
                    "missing", "a portfolio has to name at least one organisation", "分管须写明机构", "organisations"
                )
            if not row.wrong:
                row.entry = entry
                row.values = entry.model_dump(mode="json")


def _refuse_characters(row: Row) -> None:
    for name, value in row.values.items():
        if isinstance(value, str) and (beyond_one_line(value) or any(unicodedata.category(c) == "Cs" for c in value)):
            row.find(
                "character_not_allowed", "a text contains a control character", "文本含有控制字符（不可见字符）", name
            )


_TEXTS: dict[str, Callable[[Listing, str, ErrorDetails], tuple[str, str, str]]] = {
    "missing": lambda listing, name, _: ("missing", f"{name} is missing", f"缺少“{_header(listing, name)}”"),
    "extra_forbidden": lambda listing, name, _: (
        "unknown_field",
        f"unknown field {name[:60]!r}; known: {', '.join(f.name for f in FIELDS[listing])}",
        f"没有字段“{name[:60]}”，可用：{'、'.join(f.header for f in FIELDS[listing])}",
    ),
    "enum": lambda listing, name, error: (
        "unknown_word",
        f"{name} can't be {_shown(error)}; it has to be one of {', '.join(_words(listing, name))}",
        f"“{_header(listing, name)}”不能为{_shown(error)}，可用：{'、'.join(_words(listing, name).values())}",
    ),
    "string_pattern_mismatch": lambda listing, name, error: (
        "not_a_key",
        f"{name} {_shown(error)} isn't a valid key: up to 64 letters, digits, '.', '_' and '-', without spaces",
        f"“{_header(listing, name)}”{_shown(error)}不是有效代码：限64个以内字母、数字、点、下划线、短横线",
    ),
    "string_too_short": lambda listing, name, _: ("missing", f"{name} is empty", f"“{_header(listing, name)}”不能为空"),
    "string_too_long": lambda listing, name, error: (
        "too_long",
        f"{name} is longer than {error['ctx']['max_length']} characters",
        f"“{_header(listing, name)}”超过{error['ctx']['max_length']}个字",
    ),
}


def _dangles(listing: Listing, error: ErrorDetails) -> bool:
    """Whether a reference isn't a valid key; it is then reported as a reference to nothing."""
    to = next((f.to for f in FIELDS[listing] if error["loc"] and f.name == error["loc"][0]), None)
    return to is not None and error["type"] == "string_pattern_mismatch" and bool(error["input"])


def _finding(listing: Listing, error: ErrorDetails) -> Finding:
    """A pydantic error as a finding, worded for the author of the row."""
    if not error["loc"]:
        text = Text("until is before since", "截止日期早于起始日期")
        return Finding("until_before_since", text, "until")
    name = str(error["loc"][0])
    if say := _TEXTS.get(error["type"]):
        code, en, zh = say(listing, name, error)
    elif name in ("since", "until"):
        code = "not_a_day"
        en = f"{name} {_shown(error)} isn't a date: YYYY-MM-DD, or a date cell"
        zh = f"“{_header(listing, name)}”{_shown(error)}不是日期：应为“年-月-日”或日期格式的单元格"
    else:
        code = "wrong_type"
        en, zh = f"{name} can't be {_shown(error)}", f"“{_header(listing, name)}”不能为{_shown(error)}"
    return Finding(code, Text(en, zh), name[:60])


def _header(listing: Listing, name: str) -> str:
    return header_of(listing, name) or name


def _words(listing: Listing, name: str) -> Mapping[str, str]:
    return next(f.words for f in FIELDS[listing] if f.name == name)


def _shown(error: ErrorDetails) -> str:
    return repr(error["input"])[:60]


def composed(written: Written) -> Composition | None:
    """The composition made of the rows; None if any row is wrong."""
    if any(row.wrong for rows in written.values() for row in rows):
        return None
    return Composition(**{listing: tuple(row.entry for row in rows) for listing, rows in written.items()})


def entries(rows: Iterable[Row]) -> list[tuple[Row, Any]]:
    """The rows that are valid entries, with their entries."""
    return [(row, row.entry) for row in rows if row.entry is not None]
