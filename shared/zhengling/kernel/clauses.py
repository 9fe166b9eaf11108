"""Where a value of a rulebook comes from: the clause of an article, or a practice where no article gives the value.

A source is a text, so that it is told apart wherever it is shown, stored or sent: `ST-39`, or
`ST-53 (practice: 区政府办公室, 2026-01-05)` for a value that nobody but the office decided, under a rule of article 53;
`practice: …` alone where no article has the rule either. Pure.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from zhengling.kernel.errors import Text

CLAUSE = r"[A-Z]{2,4}-\d+(¶\d+)?"
_PRACTICE = re.compile(
    rf"(?:(?P<clause>{CLAUSE}) \()?practice: (?P<decided_by>[^()]{{2,60}}), (?P<decided_on>\d{{4}}-\d\d-\d\d)\)?"
)
_CLAUSE = re.compile(CLAUSE)


class Practice(NamedTuple):
    """A value that no article gives: who decided it and when, and the article of the rule that it belongs to, if any."""

    decided_by: str
    decided_on: date
    clause: str | None = None

    def __str__(self) -> str:
        said = f"practice: {self.decided_by}, {self.decided_on.isoformat()}"
        return f"{self.clause} ({said})" if self.clause else said


def practice_of(source: str) -> Practice | None:
    """The practice that a source states; None for a clause."""
    if found := _PRACTICE.fullmatch(source):
        return Practice(found["decided_by"], date.fromisoformat(found["decided_on"]), found["clause"])
    return None


def require_source(source: str) -> str:
    """The source. ValueError, for the author of a rulebook, if it is neither a clause nor a practice."""
    if not _CLAUSE.fullmatch(source) and practice_of(source) is None:
        raise ValueError("expected a clause such as ST-39, or {basis: practice, decided_by: …, decided_on: …}")
    return source


def cited(source: str) -> Text:
    """A source in a sentence."""
    practice = practice_of(source)
    if practice is None:
        return Text(source, source)
    said = f"惯例：{practice.decided_by}{practice.decided_on}确定"
    return Text(source, f"{practice.clause}（{said}）" if practice.clause else said)
