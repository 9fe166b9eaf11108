"""What texts may hold: whatever XML 1.0 can."""

from __future__ import annotations

import pytest
from lxml import etree  # type: ignore[import-untyped]

from zhengling.characters import not_allowed, require_allowed, without_forbidden
from zhengling.errors import Problem

FORBIDDEN = [*map(chr, (0, 1, 8, 0x0B, 0x0C, 0x0E, 0x1F, 0xFFFE, 0xFFFF))]
ALLOWED = "\t\n\r 关于\x7f\x85\ue000\ufffd\U0001f600"


@pytest.mark.parametrize("character", FORBIDDEN, ids=lambda c: f"U+{ord(c):04X}")
def test_a_character_that_xml_cannot_hold_is_found_wherever_it_stands_in_a_payload(character: str) -> None:
    text = f"关于{character}的请示"
    for payload in (text, {"a": [{"b": text}]}, [1, None, [text]], {text: 1}):
        with pytest.raises(Problem) as refused:
            require_allowed(payload)
        assert (refused.value.status, refused.value.code) == (422, "character_not_allowed")
        assert f"U+{ord(character):04X}" in refused.value.detail.en
    etree.Element("a").text = without_forbidden(text)


def test_what_xml_can_hold_stays() -> None:
    require_allowed({"a": [ALLOWED, 1, True, None]})
    assert without_forbidden(ALLOWED) == ALLOWED
    assert "U+0000" in not_allowed("\0").detail.zh
