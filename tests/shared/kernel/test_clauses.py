"""The source of a value: a clause, or a practice, as texts that are told apart."""

from __future__ import annotations

from datetime import date

import pytest

from zhengling.kernel.clauses import Practice, cited, practice_of, require_source

OFFICE = Practice("区政府办公室", date(2026, 1, 5))


@pytest.mark.parametrize("practice", [OFFICE, OFFICE._replace(clause="ST-53"), OFFICE._replace(clause="HC-64¶2")])
def test_a_practice_reads_back_from_its_text(practice: Practice) -> None:
    assert practice_of(require_source(str(practice))) == practice


def test_a_clause_is_no_practice() -> None:
    assert practice_of(require_source("ST-53")) is None
    assert cited("ST-53") == ("ST-53", "ST-53")


def test_a_practice_is_told_apart_in_both_languages() -> None:
    assert cited(str(OFFICE._replace(clause="ST-53"))) == (
        "ST-53 (practice: 区政府办公室, 2026-01-05)",
        "ST-53（惯例：区政府办公室2026-01-05确定）",
    )
    assert cited(str(OFFICE)).zh == "惯例：区政府办公室2026-01-05确定"


@pytest.mark.parametrize(
    "text", ["", "article 4", "st-53", "ST-53 practice", "practice: 办公室", "practice: 办公室, 1 May"]
)
def test_anything_else_is_no_source(text: str) -> None:
    with pytest.raises(ValueError, match="expected a clause such as ST-39, or"):
        require_source(text)
