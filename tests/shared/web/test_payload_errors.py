"""Validation errors of payloads have a Chinese text."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import _pydantic_core

from zhengling.kernel.instants import Day
from zhengling.web.payload_errors import CHINESE, expected

#: What only Python objects can cause, never JSON or a query.
NEVER = re.compile(
    "no_such_attribute|needs_python_object|frozen_field|frozen_instance|get_attribute_error|dataclass_exact_type"
    "|named_tuple_type|default_factory_not_called|iteration_error|ordered_dict_type|counter_type|deque_type"
    "|missing_sentinel_error|ellipsis_error|is_instance_of|is_subclass_of|callable_type|.*argument.*|fraction_.*|complex_.*"
)
FINDINGS = {each["type"]: each["message_template_python"] for each in _pydantic_core.list_all_errors()}


@pytest.mark.parametrize("kind", sorted(kind for kind in FINDINGS if not NEVER.fullmatch(kind)))
def test_every_finding_that_a_request_can_cause_has_its_chinese(kind: str) -> None:
    given = {name: f"<{name}>" for name in re.findall(r"{(\w+)}", FINDINGS[kind])}
    text = expected({"type": kind, "msg": FINDINGS[kind], "ctx": given})
    assert re.search("[\u4e00-\u9fff]", text.zh)
    assert "{" not in text.zh


def test_every_chinese_text_belongs_to_a_finding_of_pydantic() -> None:
    assert CHINESE.keys() <= FINDINGS.keys()


class Kind(StrEnum):
    one = "one"
    two = "two"


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(min_length=2)] = "ab"
    reason: Annotated[str, Field(pattern=r"\S")] = "ab"
    kind: Kind = Kind.one
    day: Day | None = None
    papers: Annotated[list[int], Field(max_length=1)] = []


@pytest.mark.parametrize(
    ("wrong", "zh", "en"),
    [
        ({"title": "a"}, "不得少于2个字", "String should have at least 2 characters"),
        ({"reason": "  "}, "不得为空白", "can't be blank"),
        ({"kind": "three"}, "应为下列之一：one、two", "Input should be 'one' or 'two'"),
        ({"day": 20260101}, "日期格式应为 YYYY-MM-DD", "a day must be a text YYYY-MM-DD"),
        ({"papers": [1, 2]}, "不得多于1项", "List should have at most 1 item after validation, not 2"),
        ({"tilte": "a"}, "无此项，请删除", "Extra inputs are not permitted"),
    ],
)
def test_a_clerk_reads_what_was_expected(wrong: dict[str, Any], zh: str, en: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate(wrong)
    (finding,) = caught.value.errors()
    assert expected(finding) == (en, zh)
