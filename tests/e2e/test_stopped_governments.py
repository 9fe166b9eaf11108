"""A rulebook that can't be used, over HTTP: its own government is stopped and says why, the others go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import sixth
from tests.caller import Caller, code_of
from tests.conftest import ROOT, composition_of
from tests.sixth import write_sixth_government
from zhengling.local.stack import EmbeddedStack

BROKEN, FUTURE, UNLEDGERED = "brokenville", "futureville", sixth.CODE
MEETING = {"kind": "weekly", "title": "周例会", "day": "2030-01-04"}


def write_as(root: Path, code: str, edition: str = sixth.EDITION) -> Path:
    """The sixth government under another code."""
    folder = write_sixth_government(root)
    text = (folder / "government.yaml").read_text(encoding="utf-8")
    text = text.replace(f"code: {sixth.CODE}", f"code: {code}").replace(sixth.EDITION, edition)
    (folder / "government.yaml").write_text(text, encoding="utf-8")
    (root / code).mkdir()
    target = root / code / edition
    folder.rename(target)
    folder.parent.rmdir()
    return target


@pytest.fixture(scope="module")
def broken_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    root = tmp_path_factory.mktemp("rulebooks")
    (write_as(root, BROKEN) / "deadlines.yaml").write_text("topic-papers: {within: 010}\n", encoding="utf-8")
    write_as(root, FUTURE, "2099-01-01")
    (write_sixth_government(root) / "supervision.yaml").unlink()
    with EmbeddedStack(rulebooks=[ROOT / "rulebooks", root], services=["meeting", "calendar"]) as running:
        yield running


async def test_commands_are_refused_by_what_is_wrong_and_the_others_go_on(
    broken_stack: EmbeddedStack, client: httpx.AsyncClient
) -> None:
    people = sixth.COMPOSITION.model_dump(mode="json")
    for government, status, code in (
        (BROKEN, 503, "rulebook_unusable"),
        (FUTURE, 409, "rulebook_not_in_force"),
        ("nowhere", 422, "unknown_government"),
    ):
        caller = Caller(broken_stack, client, government)
        loaded = await caller.ask("PUT", "meeting", "/v1/composition", json=people)
        assert loaded.status_code == 200, "people are loaded before their government has rules"
        answer = await caller.post("meeting", "/v1/meetings", by="lh-clerk", json=MEETING)
        assert code_of(answer) == (status, code)
        assert "Retry-After" in answer.headers or status != 503
        assert code_of(await caller.get("meeting", "/v1/meeting-kinds")) == (status, code)
        assert (await caller.get("meeting", "/v1/topics")).status_code == 200
    other = Caller(broken_stack, client, "dalian")
    assert (await other.get("meeting", "/v1/meeting-kinds")).status_code == 200
    content = composition_of("dalian").model_dump(mode="json")
    assert (await other.ask("PUT", "meeting", "/v1/composition", json=content)).status_code == 200


@pytest.mark.parametrize("service", ["meeting", "calendar"])
async def test_each_government_sees_the_state_of_its_own_rulebook(
    service: str, broken_stack: EmbeddedStack, client: httpx.AsyncClient
) -> None:
    async def state(government: str) -> dict[str, object]:
        answer = await Caller(broken_stack, client, government).get(service, "/v1/rulebook")
        assert answer.status_code == 200, answer.text
        shown: dict[str, object] = answer.json()
        return shown

    broken = await state(BROKEN)
    assert (broken["state"], broken["editions"]) == ("unusable", [])
    (finding,) = broken["findings"]  # type: ignore[misc]
    assert "deadlines.yaml:1: not readable: '010'" in finding
    future = await state(FUTURE)
    assert (future["state"], future["in_force"], len(future["editions"])) == ("not_in_force", None, 1)  # type: ignore[arg-type]
    usable = await state("dalian")
    assert (usable["state"], usable["in_force"], usable["findings"]) == ("usable", "2014-06-28", [])
    assert (await state("nowhere"))["state"] == "unknown"
    (warning,) = (await state(UNLEDGERED))["warnings"]  # type: ignore[misc]
    assert "supervision.yaml:1: missing: no ledger" in warning


async def test_readiness_notes_it_and_a_metric_alerts(broken_stack: EmbeddedStack, client: httpx.AsyncClient) -> None:
    for name, process in broken_stack.processes.items():
        ready = await client.get(f"{process.url}/readyz")
        assert (ready.status_code, ready.json()["checks"]["rulebooks"]) == (
            200,
            f"ok, but stopped: {BROKEN} (1 findings)",
        ), name
        metrics = (await client.get(process.metrics_url)).text
        assert f'zhengling_rulebook_unusable{{government="{BROKEN}"}} 1.0' in metrics
        assert 'zhengling_rulebook_unusable{government="dalian"} 0.0' in metrics
