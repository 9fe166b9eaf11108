"""Due dates over the API and by the command line, against cases computed by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from calendar_svc.deadline import queries
from calendar_svc.deadline.schemas import DeadlineRequest
from tests.caller import Caller, code_of
from tests.conftest import ROOT
from zhengling.cli.main import app
from zhengling.dates.deadlines import compute
from zhengling.dates.workdays import WorkdayCalendar, base_years
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.loading import Rulebooks

Json = dict[str, Any]
FILE = ROOT / "tests" / "rulebooks" / "cases" / "deadlines.yaml"
CASES: list[Json] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
NATIONAL = ["calendar:read", "calendar:national"]


def asked(case: Json) -> Json:
    return {"government": case["government"], "rule": case["rule"], "from": str(case["from"])}


OWN = asked(CASES[0])


@pytest.fixture(scope="module")
async def caller(stack: EmbeddedStack) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield Caller(stack, client, CASES[0]["government"])


async def ask(caller: Caller, body: Json, scopes: list[str] | None = None, **rest: Any) -> httpx.Response:
    """Without an Idempotency-Key: nothing is changed."""
    return await caller.post("calendar", "/v1/deadlines", key=None, scopes=scopes, json=body, **rest)


# over the API -------------------------------------------------------------------------------------------------------
async def test_the_whole_file_of_cases_passes_as_one_batch(caller: Caller) -> None:
    answer = await ask(caller, {"items": [asked(case) for case in CASES]}, NATIONAL)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    found = {n: item["date"] for n, item in enumerate(items)}
    assert found == {n: str(case["date"]) for n, case in enumerate(CASES)}
    for case, item in zip(CASES, items, strict=True):
        assert item["rule"] == case["rule"]
        assert item["clause"]
        assert item["at"].startswith(str(case["date"] + timedelta(days=1)))
        assert item["at"].endswith("T00:00:00+08:00")
        assert item["trace"] is None


@pytest.mark.parametrize("case", CASES[::8], ids=lambda case: f"{case['government']}-{case['rule']}-{case['from']}")
async def test_a_case_passes_by_itself(case: Json, caller: Caller) -> None:
    answer = await ask(caller, asked(case), NATIONAL)
    assert answer.status_code == 200, answer.text
    assert answer.json()["date"] == str(case["date"])


@pytest.mark.parametrize(("language", "chinese"), [("en", False), ("zh-CN", True)])
async def test_a_trace_is_returned_on_request_in_the_requested_language(
    language: str, chinese: bool, caller: Caller
) -> None:
    body = {"items": [asked(case) for case in CASES]}
    answer = await ask(caller, body, NATIONAL, params={"trace": "true"}, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    for case, item in zip(CASES, answer.json()["items"], strict=True):
        effects = [step["effect"] for step in item["trace"]]
        assert effects[0] == "start"
        assert effects[-1] == "clause"
        due = next(step for step in item["trace"] if step["effect"] == "due")
        assert due["date"] == str(case["date"])
        for text in (item["explanation"], *(step["text"] for step in item["trace"][:-1])):
            assert bool(re.search(r"[\u4e00-\u9fff]", text.split("(")[0])) is chinese, text
        assert item["clause"] in item["explanation"]


async def test_a_make_up_day_is_counted_and_a_day_off_by_swap_is_not(caller: Caller) -> None:
    case = next(case for case in CASES if case["rule"] == "document-issue" and case["from"] == date(2026, 9, 30))
    trace = (await ask(caller, asked(case), NATIONAL, params={"trace": "true"})).json()["trace"]
    counted = [step["date"] for step in trace if step["effect"] == "counted"]
    skipped = [step["date"] for step in trace if step["effect"] == "skipped"]
    assert counted == ["2026-10-08", "2026-10-09", "2026-10-10", "2026-10-12", "2026-10-13"]
    assert skipped[0] == "2026-10-01"
    assert "2026-10-11" in skipped


async def test_an_instant_counts_on_its_day_in_shanghai(caller: Caller) -> None:
    """Midnight at another offset is another day; that it is midnight doesn't make it a bare date."""
    case = next(case for case in CASES if case["rule"] == "document-issue" and case["from"] == date(2026, 9, 30))
    for instant, day in (
        ("2026-09-30T00:00:00+08:00", "2026-09-30"),
        ("2026-09-30T23:59:59.999+08:00", "2026-09-30"),
        ("2026-09-29T16:00:00Z", "2026-09-30"),
        ("2026-10-01T00:00:00+14:00", "2026-09-30"),
        ("2026-09-30T00:00:00+14:00", "2026-09-29"),
        ("2026-09-30T16:00:00Z", "2026-10-01"),
    ):
        body = {"items": [asked(case) | {"from": instant}, asked(case) | {"from": day}]}
        found, expected = (await ask(caller, body, NATIONAL, params={"trace": "true"})).json()["items"]
        assert found["trace"] == expected["trace"], instant


async def test_another_governments_deadline_needs_the_scope(caller: Caller) -> None:
    other = next(case for case in CASES if case["government"] != caller.government)
    for body in (asked(other), {"items": [OWN, asked(other)]}):
        answer = await ask(caller, body, ["calendar:read"])
        assert code_of(answer) == (403, "another_government")
    assert (await ask(caller, OWN, ["calendar:read"])).status_code == 200
    assert code_of(await ask(caller, OWN, ["calendar:national"])) == (403, "insufficient_scope")


async def test_an_unknown_government_looks_like_anothers_without_the_scope(caller: Caller) -> None:
    body = OWN | {"government": "nowhere"}
    assert code_of(await ask(caller, body, ["calendar:read"])) == (403, "another_government")
    assert code_of(await ask(caller, body, NATIONAL)) == (422, "unknown_government")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rule": "unheard-of"}, "unknown_rule"),
        ({"rule": "\0"}, "unknown_rule"),
        ({"from": "0001-01-01"}, "date_out_of_range"),
        ({"from": "9999-12-31"}, "date_out_of_range"),
        ({"from": "2009-12-31"}, "date_out_of_range"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "invalid_payload"),
        ({"from": "9999-12-31T23:59:59-12:00"}, "invalid_payload"),
        ({"from": "2026-09-30T10:00:00"}, "invalid_payload"),
        ({"from": "2026-02-30"}, "invalid_payload"),
        ({"from": 20260930}, "invalid_payload"),
        ({"from": "1790000000"}, "invalid_payload"),
        ({"from": None}, "invalid_payload"),
        ({"from_": "2026-09-30"}, "invalid_payload"),
        ({"occurrence": 2}, "no_such_occurrence"),
        ({"occurrence": 0}, "invalid_payload"),
        ({"occurrence": 10**30}, "invalid_payload"),
        ({"occurrence": "1"}, "invalid_payload"),
        ({"occurrence": True}, "invalid_payload"),
        ({"government": 5}, "invalid_payload"),
        ({"colour": "red"}, "invalid_payload"),
    ],
    ids=str,
)
async def test_an_invalid_query_is_refused(change: Json, code: str, caller: Caller) -> None:
    assert code_of(await ask(caller, OWN | change)) == (422, code)
    answer = await ask(caller, {"items": [OWN, OWN | change]})
    assert code_of(answer) == (422, code)
    if code == "invalid_payload":
        assert answer.json()["errors"][0]["place"].startswith("body.items.1"), "the place is the batch's"


@pytest.mark.parametrize("body", [{"items": []}, {"items": {}}, {}, [], 5, "x", None], ids=str)
async def test_a_batch_without_questions_is_refused(body: Any, caller: Caller) -> None:
    assert code_of(await ask(caller, body)) == (422, "invalid_payload")


# by the command line ------------------------------------------------------------------------------------------------
def check(file: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("zhengling"), "deadlines", "check", file]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_check_passes_the_file_of_cases() -> None:
    done = check(FILE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == f"{len(CASES)} cases, 0 differ"


def test_check_names_each_case_that_differs(tmp_path: Path) -> None:
    cases = [dict(case) for case in CASES]
    cases[3]["date"] += timedelta(days=1)
    cases[20]["rule"] = "unheard-of"
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump(cases, allow_unicode=True), encoding="utf-8")
    done = check(tmp_path / "cases.yaml")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("case 4: ")
    assert f"expected {cases[3]['date']}, computed {CASES[3]['date']}" in lines[0]
    assert lines[1].startswith("case 21: ")
    assert "unknown_rule" in lines[1]
    assert lines[2] == f"{len(CASES)} cases, 2 differ"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"rubbish", b"{", b"a: b", b"- [1, 2]", b"\xff\xfe\x00", b"- {government: g, rule: r, from: soon, date: 2026-01-01}",
        b"- {government: g, rule: r, from: 2026-01-01}",
        b"- {government: g, rule: r, from: 2026-01-01 10:00:00, date: 2026-01-01}",
        b"- !!python/object/apply:os.system [ls]",
    ],
)  # fmt: skip
def test_check_says_what_is_wrong_with_a_file_that_holds_no_cases(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_bytes(content)
    done = CliRunner().invoke(app, ["deadlines", "check", str(tmp_path / "cases.yaml")])
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit), "no traceback"


def test_check_says_that_there_is_no_file(tmp_path: Path) -> None:
    done = check(tmp_path / "none.yaml")
    assert done.returncode == 2
    assert "none.yaml" in done.stderr
    assert "Traceback" not in done.stderr


# periods that no rulebook names -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ({"within": 5, "unit": "working_day"}, "2026-10-09"),  # 25 September and 1 to 7 October are off
        ({"within": 5, "unit": "working_day", "counting": "start_day"}, "2026-10-08"),
        ({"within": 7, "unit": "day"}, "2026-10-08"),
        ({"within": 7, "unit": "day", "roll": "none"}, "2026-10-01"),
        ({"within": 7, "unit": "day", "roll": "preceding"}, "2026-09-30"),
        ({"within": 7, "unit": "day", "counting": "start_day"}, "2026-09-30"),
        ({"within": 2, "unit": "week"}, "2026-10-08"),
        ({"within": 1, "unit": "month"}, "2026-10-26"),
        ({"before": 3, "unit": "working_day"}, "2026-09-21"),
        ({"before": 10, "unit": "day"}, "2026-09-14"),
        ({"by": {"month": 12, "day": 31, "year": "same"}}, "2026-12-31"),
    ],
    ids=str,
)
async def test_a_period_is_counted_by_the_civil_code(period: Json, expected: str, caller: Caller) -> None:
    body = {"government": caller.government, "from": "2026-09-24", "period": period}
    answer = await ask(caller, body, params={"trace": "true"}, headers={"Accept-Language": "zh"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["date"] == expected
    assert "民法典" in answer.json()["clause"]
    assert "起算" in answer.json()["explanation"]
    batch = await ask(caller, {"items": [body]})
    assert batch.json()["items"][0]["date"] == expected


@pytest.mark.parametrize(
    ("period", "complaint"),
    [
        ({"within": 5, "unit": "日"}, "is ambiguous"),
        ({"within": 5, "unit": "天"}, "is ambiguous"),
        ({"within": 5}, "of what?"),
        ({"within": 5, "before": 5, "unit": "day"}, "exactly one"),
        ({"unit": "day"}, "exactly one"),
        ({"within": 0, "unit": "day"}, "greater than or equal to 1"),
        ({"within": 5, "unit": "day", "counting": "guess"}, "start_day"),
        ({"by": {"month": 2, "day": 30, "year": "same"}}, "no day 30"),
        ({"before": 5, "unit": "working_day", "counting": "start_day"}, "run forward"),
    ],
    ids=str,
)
async def test_an_ambiguous_period_is_refused(period: Json, complaint: str, caller: Caller) -> None:
    body = {"government": caller.government, "from": "2026-09-24", "period": period}
    for sent in (body, {"items": [body]}):
        answer = await ask(caller, sent)
        assert code_of(answer) == (422, "invalid_payload")
        assert complaint in answer.text


async def test_a_question_names_a_rule_or_a_period_and_not_both(caller: Caller) -> None:
    period = {"within": 5, "unit": "working_day"}
    for body in (OWN | {"period": period}, {k: v for k, v in OWN.items() if k != "rule"}):
        answer = await ask(caller, body)
        assert code_of(answer) == (422, "invalid_payload")
        assert "either the name of a rule or a period" in answer.text


# large batches ------------------------------------------------------------------------------------------------------
async def test_a_batch_of_100_000_answers_each_question_in_its_place(caller: Caller) -> None:
    first = date(2024, 1, 1)
    items = [
        {"government": caller.government, "rule": rule, "from": str(first + timedelta(days=n % 700))}
        for n in range(50_000)
        for rule in ("meeting-request", "request-lead-general")
    ]
    answer = await ask(caller, {"items": items})
    assert answer.status_code == 200, answer.text[:500]
    found = answer.json()["items"]
    assert len(found) == 100_000
    for place in (0, 1, 1399, 1400, 77_777, 99_999):
        alone = await ask(caller, items[place])
        assert found[place] == alone.json()
    more = await ask(caller, {"items": [*items, items[0]]})
    assert code_of(more) == (422, "invalid_payload")


@pytest.mark.parametrize("with_trace", [False, True])
async def test_deadlines_are_computed_beside_the_event_loop(with_trace: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    computed_in: set[int] = set()

    async def enter(calculator: Any, governments: Iterable[str]) -> None:
        for government in governments:
            calculator.books[government] = Rulebooks.load([ROOT / "rulebooks"]).current(government, NOON)
            calculator.calendars[government] = WorkdayCalendar(base_years(date(2026, 11, 22)), "1")

    def due(item: DeadlineRequest, *rest: Any) -> Any:
        computed_in.add(threading.get_ident())
        return compute(item, *rest)

    monkeypatch.setattr(queries._Calculator, "enter", enter)
    monkeypatch.setattr(queries, "compute", due)
    call: Any = SimpleNamespace(government=OWN["government"], language="en")
    if with_trace:
        (found,) = await queries.compute_deadlines(call, [DeadlineRequest.model_validate(OWN)], with_trace=True)
        assert found.trace
    else:
        answer = json.loads(await queries.compute_batch(call, [OWN] * 10))
        assert len(answer["items"]) == 10
    assert computed_in and threading.get_ident() not in computed_in


async def test_a_problem_lists_a_hundred_findings_and_says_how_many_there_are(caller: Caller) -> None:
    answer = await ask(caller, {"items": [OWN | {"from": "yesterday"}] * 300}, params={"trace": "true"})
    assert code_of(answer) == (422, "invalid_payload")
    assert (len(answer.json()["errors"]), answer.json()["error_count"]) == (100, 300)


async def test_an_error_in_one_of_many_is_reported_for_that_one(caller: Caller) -> None:
    items = [OWN] * 500
    for wrong in (5, "x", None, [], OWN | {"from": "2026-02-30"}, {"government": [], "rule": {}, "from": 1}):
        answer = await ask(caller, {"items": [*items, wrong, *items]})
        assert code_of(answer) == (422, "invalid_payload")
        assert answer.json()["errors"][0]["place"].startswith("body.items.500")
    answer = await ask(caller, {"items": [*items, OWN | {"rule": "unheard-of"}]})
    assert code_of(answer) == (422, "unknown_rule")
    assert answer.json()["place"] == "items.500"


async def test_traces_are_for_a_thousand_at_a_time(caller: Caller) -> None:
    answer = await ask(caller, {"items": [OWN] * 1001}, params={"trace": "true"})
    assert code_of(answer) == (422, "too_many_traces")
    assert answer.json()["limit"] == 1000
    answer = await ask(caller, {"items": [OWN] * 1000}, params={"trace": "true"})
    assert answer.status_code == 200
    assert all(item["trace"] for item in answer.json()["items"])


async def test_a_body_that_isnt_json_is_refused(caller: Caller) -> None:
    for content, kind, code in (
        (b"{", "application/json", (400, "invalid_json")),
        (b"{}", "text/plain", (415, "unsupported_media_type")),
        (b"", "application/json", (422, "invalid_payload")),
        (b"[" * (17 * 1_048_576), "application/json", (413, "body_too_large")),
    ):
        answer = await caller.post(
            "calendar", "/v1/deadlines", key=None, content=content, headers={"Content-Type": kind}
        )
        assert code_of(answer) == code
