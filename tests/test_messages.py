"""Every message in Chinese, found in the source: what a clerk reads has no identifiers, codes of the API or ISO dates."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.meeting.examples import book
from zhengling.kernel.errors import CHINESE_TITLES, Problem, Text
from zhengling.web.payload_errors import FIELDS
from zhengling.web.payload_errors import in_chinese as place_in_chinese

_CHINESE = re.compile("[\u4e00-\u9fff]")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]*")
#: Names of standards, formats and headers, which have no other name in Chinese.
_NAMES = {
    "AB", "ASCII", "AM", "B", "CLOSED", "Bearer", "Authorization:", "Content-Disposition", "Content-Type",
    "Content-Type：", "ETag", "Excel", "GBK", "Idempotency-Key", "If-Match", "If-None-Match", "If-Range", "GB2312",
    "JSON", "JSON、", "MM-DD", "OOXML", "Open", "RFC", "Range", "SHA-256", "Strict", "UTF-8", "UUID", "Unicode",
    "xls", "xlsx", "XML", "YYYY-MM-DD", "application/json", "true", "false",
}  # fmt: skip


_NEVER_ANSWERED = {402, 407, 417, 418, 423, 424, 451, 505, 506, 508, 510, 511}


def sources() -> list[Path]:
    found = [*(ROOT / "shared" / "zhengling").rglob("*.py"), *(ROOT / "services").glob("*/*_svc/**/*.py")]
    return sorted(path for path in found if not {"migrations", "local", "cli", "contracts"} & set(path.parts))


def in_chinese(text: str) -> bool:
    """Whether the text is Chinese; an English one may quote a Chinese word."""
    return len(_CHINESE.findall(text)) > len(re.findall(r"\b[a-z]{2,} ", text))


def docstrings(tree: ast.AST) -> set[int]:
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }


#: Arguments that are for programmers: descriptions of the API, patterns.
_OF_THE_API = {"description", "summary", "examples", "pattern", "title", "example"}


def texts(path: Path) -> Iterator[tuple[int, str, list[ast.expr]]]:
    """Every literal with Chinese characters: its line, its constant text, the expressions put into it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in _OF_THE_API:
            skipped |= {id(each) for each in ast.walk(node.value)}
        if isinstance(node, ast.Assign) and any("re.compile" in ast.unparse(node.value) for _ in (0,)):
            skipped |= {id(each) for each in ast.walk(node.value)}
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(each) for each in node.values}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            constant = "\0".join(str(each.value) for each in node.values if isinstance(each, ast.Constant))
            put_in = [each.value for each in node.values if isinstance(each, ast.FormattedValue)]
            if in_chinese(constant):
                yield node.lineno, constant, put_in
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and in_chinese(node.value):
            yield node.lineno, re.sub(r"\{[a-z_]+\}", "", node.value), []


ALL = [(path, line, text, put_in) for path in sources() for line, text, put_in in texts(path)]


def test_no_chinese_message_names_an_identifier() -> None:
    assert len(ALL) > 900
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for path, line, text, _ in ALL
        for word in _WORD.findall(text)
        if word.rstrip(".:：-") not in _NAMES and word not in _NAMES and len(word) > 1
    ]
    assert not wrong, "\n".join(wrong)


def test_no_chinese_message_has_an_instant_or_a_quoted_object_put_in() -> None:
    """A day is written in Chinese when the text is shown (`Text.in_language`); an instant or a repr isn't."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {ast.unparse(each)}"
        for path, line, _, put_in in ALL
        for each in put_in
        if "isoformat" in ast.unparse(each) or ast.unparse(each).endswith(("!r", ".value"))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_text_in_chinese_has_its_dates_in_chinese() -> None:
    text = Text("due on 2026-03-24", "应于2026-03-24前办结，附件 方案-2026-03-24.docx，2026-03-24T09:00:00+08:00")
    assert text.in_language("zh") == "应于2026年3月24日前办结，附件 方案-2026-03-24.docx，2026-03-24T09:00:00+08:00"
    assert text.in_language("en") == "due on 2026-03-24"


def test_every_problem_has_a_title_in_chinese() -> None:
    statuses = {
        int(found)
        for path in sources()
        for found in re.findall(r"Problem\(\s*(\d{3})\b", path.read_text(encoding="utf-8"))
    }
    assert len(statuses) > 10
    assert statuses | {409, 403, 404, 422} <= CHINESE_TITLES.keys()
    for status in (each.value for each in HTTPStatus if each >= 400 and each not in _NEVER_ANSWERED):
        title = Problem(status, "some_code", Text("x", "某")).document("zh")["title"]
        assert re.fullmatch("[\u4e00-\u9fff]+", str(title))


def test_every_member_and_parameter_of_the_api_has_a_name_in_chinese() -> None:
    names = set()
    for file in (ROOT / "docs" / "api" / "openapi").glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        operations = [each for path in document["paths"].values() for each in path.values() if isinstance(each, dict)]
        names |= {parameter["name"] for each in operations for parameter in each.get("parameters", [])}
        schemas = document["components"]["schemas"]
        asked = [
            content["schema"]["$ref"].rpartition("/")[2]
            for each in operations
            for content in each.get("requestBody", {}).get("content", {}).values()
            if "$ref" in content.get("schema", {})
        ]
        seen: set[str] = set()
        while asked:
            if (name := asked.pop()) not in seen:
                seen.add(name)
                names |= schemas[name].get("properties", {}).keys()
                asked += re.findall(r'#/components/schemas/(\w+)"', json.dumps(schemas[name]))
    assert len(names) > 150
    assert not sorted(names - FIELDS.keys())


def test_the_place_of_an_error_is_named_as_a_clerk_would() -> None:
    assert place_in_chinese(("body", "amendments", 0, "changes", "due")) == "更正事项第1项的更正内容的办结时限："
    assert place_in_chinese(("body",)) == ""
    assert place_in_chinese(("query", "since")) == "查询条件：起始日期："


@pytest.mark.parametrize(
    ("government", "head", "office", "deputies"),
    [("dalian", "市长", "市政府办公厅", "副市长"), ("huancui", "区长", "区政府办公室", "副区长")],
)
def test_roles_are_called_as_the_government_calls_them(government: str, head: str, office: str, deputies: str) -> None:
    titles = book(government).government.titles
    said = "应由政府主要负责人、副职领导办理，报政府办公室；区政府办公室主任、区政府办公室副主任照旧"
    assert titles.in_text(said) == f"应由{head}、{deputies}办理，报{office}；区政府办公室主任、区政府办公室副主任照旧"
    assert titles.in_text("请办公室主任审核") == f"请{titles.office_director}审核"
