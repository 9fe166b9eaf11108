"""Values that no article gives: `basis: practice` in the place of a clause, or beside one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.requests import Request
from typer.testing import CliRunner

from tests.rulebooks.test_rulebooks import DEADLINES, GOVERNMENTS, ROOT, SUPERVISION, book, finding, swapped, write
from zhengling.cli.main import app
from zhengling.kernel.clauses import practice_of
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.loading import load_edition
from zhengling.web.problems import problem_response

DECIDED = "basis: practice, decided_by: 区政府办公室, decided_on: 2026-01-05"
SOURCE = "practice: 区政府办公室, 2026-01-05"


def test_a_practice_stands_in_the_place_of_a_clause_or_beside_one(tmp_path: Path) -> None:
    lines = (
        f"  number_clause: {{clause: TV-7, {DECIDED}}}\n"
        f"  set_by_clause: &practice {{{DECIDED}}}\n"
        "  due:\n    - {clause: *practice, when: {}}\n"
    )
    supervision = SUPERVISION[: SUPERVISION.index("  due:")] + lines
    deadlines = swapped(DEADLINES, "clause: TV-3", f"clause: {{clause: TV-3, {DECIDED}}}")
    loaded = load_edition(write(tmp_path, supervision=supervision, deadlines=deadlines))
    assert loaded.supervision
    ledger = loaded.supervision.ledger
    assert (ledger.number_clause, ledger.set_by_clause, ledger.due[0].clause) == (f"TV-7 ({SOURCE})", SOURCE, SOURCE)
    assert loaded.deadline("document-issue").clause == f"TV-3 ({SOURCE})"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("{basis: practice, decided_by: 区政府办公室}", "decided_on: Field required"),
        ("{basis: practice, decided_on: 2026-01-05}", "decided_by: Field required"),
        ("{basis: habit, decided_by: 区政府办公室, decided_on: 2026-01-05}", "basis: Input should be 'practice'"),
        ("{" + DECIDED + ", clause: seven}", "clause: String should match pattern"),
        ("{" + DECIDED + ", why: habit}", "why: Extra inputs are not permitted"),
        ("seven", "expected a clause such as ST-39, or {basis: practice, decided_by: …, decided_on: …}; got 'seven'"),
    ],
)
def test_a_practice_says_who_decided_it_and_when(stated: str, expected: str, tmp_path: Path) -> None:
    ledger = swapped(SUPERVISION, "ledger:\n  clause: TV-7", f"ledger:\n  clause: {stated}")
    assert finding(write(tmp_path / "ledger", supervision=ledger)).startswith(
        f"supervision.yaml:2: ledger.clause: {expected}"
    )
    rule = swapped(DEADLINES, "clause: TV-3", f"clause: {stated}")
    assert expected.removesuffix("; got 'seven'") in finding(write(tmp_path / "rule", deadlines=rule))


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_no_clause_is_cited_for_the_style_of_a_ledger_number_and_for_who_sets_a_date(government: str) -> None:
    supervision = book(government).supervision
    assert supervision
    ledger = supervision.ledger
    for source in (ledger.number_clause, ledger.set_by_clause):
        practice = practice_of(source or "")
        assert practice
        assert practice.clause == ledger.clause


def test_a_refusal_names_the_clause_and_who_decided_the_practice() -> None:
    request = Request({"type": "http", "path": "/v1/x", "headers": [], "path_params": {}})

    def answer(clause: str) -> dict[str, object]:
        problem = refusal("not_the_setter", clause, "no", "否", Text("ask", "请示"))
        document: dict[str, object] = json.loads(bytes(problem_response(problem, request).body))
        return {name: document.get(name) for name in ("clause", "practice")}

    practice = {"decided_by": "区政府办公室", "decided_on": "2026-01-05"}
    assert answer("TV-7") == {"clause": "TV-7", "practice": None}
    assert answer(f"TV-7 ({SOURCE})") == {"clause": "TV-7", "practice": practice}
    assert answer(SOURCE) == {"clause": None, "practice": practice}


def test_explain_tells_a_practice_apart() -> None:
    done = CliRunner().invoke(app, ["rulebook", "explain", str(ROOT / "rulebooks/xigang/2023-08-21")])
    said = [line.strip() for line in done.output.splitlines() if "practice: " in line]
    for rule in ("minutes: sign by head [XG-31 (practice: ", "late papers: admitted by head [XG-35 (practice: "):
        assert any(line.startswith(rule) for line in said), said
    for rule in ("number: 西政督〔{year}〕{n}号 [XG-52 (practice: ", "dates to be set: by office [XG-52 (practice: "):
        assert any(line.startswith(rule) for line in said), said
