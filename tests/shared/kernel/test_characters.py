"""The characters allowed in texts: those of XML 1.0."""

from __future__ import annotations

from typing import Annotated

import pytest
from lxml import etree  # type: ignore[import-untyped]

from zhengling.kernel.characters import SeveralLines, not_allowed, require_allowed, unpadded, without_forbidden
from zhengling.kernel.errors import Problem
from zhengling.kernel.payload import Payload

FORBIDDEN = [*map(chr, (0, 1, 8, 0x0B, 0x0C, 0x0E, 0x1F, 0xFFFE, 0xFFFF))]
HIDDEN = [
    *map(chr, (0x7F, 0x85, 0x9F, 0x61C, 0x200E, 0x2028, 0x2029, 0x202A, 0x202E, 0x2066, 0x2069)),
    *map(chr, (0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0x2800, 0x3164, 0xFEFF, 0xFFA0, 0xE0041)),
]
ALLOWED = "\t\n\r 关于\ue000\ufffd\U0001f600葛\U000e0100"


class Named(Payload):
    title: str
    others: list[str] = []
    remarks: dict[str, str] = {}
    text: Annotated[str | None, SeveralLines] = None
    reason: Annotated[str, SeveralLines] = ""


@pytest.mark.parametrize("given", ["甲\n二、乙", "甲\r乙", "甲\t乙", "甲\u2028乙", "甲\x85乙", "甲\u202e乙"])
def test_a_text_has_one_line_unless_it_is_marked_as_one_of_several(given: str) -> None:
    wanted = "several_lines" if set(given) & set("\t\n\r") else "character_not_allowed"
    fields: list[dict[str, object]] = [
        {"title": given}, {"others": ["甲", given]}, {"remarks": {"甲": given}}, {"remarks": {given: "甲"}}
    ]  # fmt: skip
    for field in fields:
        with pytest.raises(Problem) as refused:
            Named.model_validate({"title": "甲"} | field)
        assert (refused.value.status, refused.value.code) == (422, wanted)
    Named.model_validate({"title": "甲", "text": "甲\n乙", "reason": "甲\n\t乙"})


@pytest.mark.parametrize("character", HIDDEN, ids=lambda c: f"U+{ord(c):04X}")
def test_invisible_and_bidirectional_formatting_characters_are_refused_everywhere(character: str) -> None:
    with pytest.raises(Problem, match="character_not_allowed"):
        require_allowed({"text": f"甲{character}乙"})


@pytest.mark.parametrize("character", FORBIDDEN, ids=lambda c: f"U+{ord(c):04X}")
def test_a_character_forbidden_in_xml_is_found_anywhere_in_a_payload(character: str) -> None:
    text = f"关于{character}的请示"
    for payload in (text, {"a": [{"b": text}]}, [1, None, [text]], {text: 1}):
        with pytest.raises(Problem) as refused:
            require_allowed(payload)
        assert (refused.value.status, refused.value.code) == (422, "character_not_allowed")
        assert f"U+{ord(character):04X}" in refused.value.detail.en
    etree.Element("a").text = without_forbidden(text)


def test_characters_allowed_in_xml_are_kept() -> None:
    require_allowed({"a": [ALLOWED, 1, True, None]})
    assert without_forbidden(ALLOWED) == ALLOWED
    assert "U+0000" in not_allowed("\0").detail.zh


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("张　三", "张三"),
        (" 欧阳\u00a0 修　", "欧阳修"),
        ("阿不都 · 克里木", "阿不都·克里木"),
        ("John  Smith", "John Smith"),
        ("第一 No. 2 中学", "第一 No. 2 中学"),
    ],
)
def test_the_spaces_that_pad_a_chinese_name_are_no_part_of_it(name: str, read: str) -> None:
    assert unpadded(name) == read
