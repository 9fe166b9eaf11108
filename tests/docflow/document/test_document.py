"""Which decisions require a document, and its deadlines."""

from __future__ import annotations

import pytest

from docflow_svc.document.document import asks_for_document, follow_up_of
from tests.meeting.examples import book, resolution


@pytest.mark.parametrize(
    ("outcome", "document", "asks"),
    [
        ("passed", "to_issue", True),
        ("passed_in_principle", "to_issue", True),
        ("passed", "none", False),
        ("not_passed", "to_issue", False),
        ("deferred", "to_issue", False),
        ("noted", "to_issue", False),
    ],
)
def test_only_what_was_passed_and_is_to_be_issued_asks_for_a_document(outcome: str, document: str, asks: bool) -> None:
    assert asks_for_document(resolution("t1", outcome=outcome, document=document)) is asks


@pytest.mark.parametrize(
    ("government", "clause", "deadlines"),
    [
        ("shuangtaizi", "ST-39", ("document-issue",)),
        ("zhanqian", "ZQ-22", ("document-filing", "document-issue")),
        ("dalian", None, ()),
        ("xigang", None, ()),
        ("huancui", None, ()),
    ],
)
def test_the_deadlines_are_those_of_the_governments_rulebook(
    government: str, clause: str | None, deadlines: tuple[str, ...]
) -> None:
    found = follow_up_of(book(government).kind("executive"), resolution("t1", document="to_issue"))
    assert (found.clause if found else None, found.deadlines if found else ()) == (clause, deadlines)
