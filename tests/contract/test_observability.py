"""The page of metrics, the metrics of a running stack, the alerts with their page, and the dashboards name the same things."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT
from zhengling.local.stack import EmbeddedStack

OBSERVABILITY = ROOT / "deploy" / "observability"
ALERTS = OBSERVABILITY / "prometheus" / "alerts.yaml"
DASHBOARDS = sorted(OBSERVABILITY.glob("grafana/dashboards/*.json"))
#: Of Prometheus itself, and of its client.
OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
#: Beside a metric's own: who collects it adds them.
COLLECTED = {"service", "process", "instance", "job", "le"}
ROW = re.compile(r"^\| `(zhengling_\w+)` \| (\w+) \|([^|]*)\|([^|]+)\|([^|]+)\|$", re.MULTILINE)
SELECTOR = re.compile(r"\b([a-z]\w*_\w+|up)\s*(?:\{([^}]*)\})?")
#: Of PromQL, with an underscore.
FUNCTIONS = {"histogram_quantile", "label_values"}


def listed() -> dict[str, tuple[str, set[str]]]:
    """Name → type and labels, as the page says."""
    page = (ROOT / "docs/operations/metrics.md").read_text(encoding="utf-8")
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _, _ in ROW.findall(page)}


def samples() -> dict[str, set[str]]:
    """Name of a sample → its labels."""
    endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return {f"{name}{end}": labels for name, (kind, labels) in listed().items() for end in endings[kind]}


def expressions() -> list[tuple[str, str]]:
    """Every PromQL expression, with where it is."""
    rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]
    found = [(rule["alert"], rule["expr"]) for rule in rules]
    for path in DASHBOARDS:
        board = json.loads(path.read_text(encoding="utf-8"))
        found += [(f"{path.name}: {panel['title']}", t["expr"]) for panel in board["panels"] for t in panel["targets"]]
        found += [(f"{path.name}: ${each['name']}", each["query"]["query"]) for each in board["templating"]["list"]]
    return found


async def scraped(stack: EmbeddedStack, client: httpx.AsyncClient) -> dict[str, Metric]:
    """The project's metrics of all processes, by name; samples of all of them together."""
    found: dict[str, Metric] = {}
    for process in stack.processes.values():
        text = (await client.get(process.metrics_url)).text
        for family in text_string_to_metric_families(text):
            if family.name.startswith("zhengling_") and not family.name.endswith("_created"):
                found.setdefault(family.name, family).samples.extend(family.samples)
    return found


SHIPPED = {"dalian", "xigang", "shuangtaizi", "huancui", "zhanqian"}


def governments_of(found: dict[str, Metric]) -> set[str]:
    """Whose ledgers are counted: one after another, as the worker comes to them."""
    return {sample.labels["government"] for sample in found["zhengling_ledger_entries"].samples}


async def test_the_page_lists_the_metrics_of_a_running_stack(stack: EmbeddedStack, client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while not (found := await scraped(stack, client))["zhengling_consumer_lag"].samples:
            await asyncio.sleep(0.5)
        while not governments_of(found := await scraped(stack, client)) >= SHIPPED:
            await asyncio.sleep(0.5)
    said = listed()
    assert {name: family.type for name, family in found.items()} == {name: kind for name, (kind, _) in said.items()}
    for name, family in found.items():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                assert sample.labels.keys() - {"le"} == said[name][1], name


def test_rules_and_dashboards_use_listed_metrics_and_their_labels() -> None:
    known = samples()
    assert len(DASHBOARDS) == 3
    used = set()
    for place, expression in expressions():
        for name, matchers in SELECTOR.findall(re.sub(r"\b(?:by|without) \([^)]*\)", "", expression)):
            if name in FUNCTIONS or name in OTHERS or not name.startswith("zhengling"):
                assert name in FUNCTIONS | OTHERS or name in COLLECTED | {"long_overdue"}, f"{place}: {name}"
                continue
            assert name in known, f"{place}: {name} isn't in the list"
            used.add(name)
            wanted = set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)", matchers))
            assert wanted <= known[name] | COLLECTED, f"{place}: {name} has no label {wanted - known[name]}"
    unused = {name for name in listed() if not any(each.startswith(name) for each in used)}
    assert not unused, f"no rule and no dashboard shows {unused}"


def test_each_alert_has_its_section_and_its_tests() -> None:
    rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]
    page = (ROOT / "docs/operations/alerts.md").read_text(encoding="utf-8")
    names = [rule["alert"] for rule in rules]
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == names
    for rule in rules:
        assert rule["annotations"]["runbook"] == f"docs/operations/alerts.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
    tests = yaml.safe_load(ALERTS.with_name("alerts.test.yaml").read_text(encoding="utf-8"))["tests"]
    outcomes = {(each["alertname"], bool(each["exp_alerts"])) for test in tests for each in test["alert_rule_test"]}
    assert outcomes == {(name, fires) for name in names for fires in (True, False)}


@pytest.mark.parametrize("command", [("check", "config", "prometheus.yaml"), ("test", "rules", "alerts.test.yaml")])
def test_promtool_accepts_the_rules_and_their_unit_tests(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool isn't installed: it is in Debian's package prometheus")
    folder: Path = ALERTS.parent
    ran = subprocess.run([promtool, *command], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
