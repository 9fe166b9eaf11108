"""The demo: runs the main job for five governments on a stack of its own, and prints the results."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import typer
import yaml
from rich.table import Table

from demo.main_job import MainJob, Report, Scenario
from zhengling.cli.options import HERE, console, fail
from zhengling.cli.stack import compositions
from zhengling.local.client import Api
from zhengling.local.issuer import LocalIssuer
from zhengling.local.processes import StackError
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.loading import Rulebooks

FOLDER = HERE / "demo"


def demo() -> None:
    """The main job for five governments on a stack of its own, over the REST API only."""
    try:
        with EmbeddedStack(
            rulebooks=[HERE / "rulebooks"],
            progress=lambda line: console.print(f"[dim]{line}[/dim]", highlight=False),
        ) as running:
            sound = asyncio.run(_demo(running.addresses(), running.issuer))
    except StackError as error:
        raise fail(error) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(0 if sound else 1)


async def _demo(addresses: dict[str, str], issuer: LocalIssuer) -> bool:
    scenarios = yaml.safe_load((FOLDER / "scenarios.yaml").read_text(encoding="utf-8"))
    people = compositions(FOLDER / "compositions")
    books = Rulebooks.load([HERE / "rulebooks"])
    console.print("\nThe demo moves business time by the services' test clock; real time runs on.", style="yellow")
    reports: list[Report] = []
    async with httpx.AsyncClient(timeout=30) as client:
        for government, content in scenarios.items():
            name = books.current(government, datetime.now(UTC)).government.name
            console.rule(f"{name} ({government})")
            scenario = Scenario.model_validate(content)
            console.print(f"  business time: {scenario.submitted}, then {scenario.day}", highlight=False)
            api = Api(addresses, issuer, government, client)
            job = MainJob(api, people[government], scenario, lambda line: console.print(f"  {line}", highlight=False))
            reports.append(await job.run())
        _show_breaches(reports, scenarios)
        _show_ledger(reports)
        await _show_explanation(reports, Api(addresses, issuer, "", client))
    return all(report.landed and report.refused for report in reports)


def _show_breaches(reports: list[Any], scenarios: dict[str, Any]) -> None:
    table = Table(title="One breach per government, refused with its clause", show_lines=True)
    for column in ("government", "what was tried", "answer", "clause", "what would satisfy it"):
        table.add_column(column, overflow="fold")
    for report in reports:
        problem = report.refused
        attempt = scenarios[report.government]["breach"]["told"]
        answer = f"{problem['status']} {problem['code']}: {problem['detail']}"
        table.add_row(report.government, attempt, answer, problem["clause"], problem["satisfy"])
    console.print(table)


def _show_ledger(reports: list[Any]) -> None:
    table = Table(title="Decisions of signed minutes in the supervision ledger", show_lines=True)
    for column in ("government", "decision", "ledger number", "lead unit", "due", "clause", "signature → entry"):
        table.add_column(column, overflow="fold")
    for report in reports:
        for landed in report.landed:
            entry = landed.entry
            due = (
                f"{entry['due']} ({entry['due_clause'] or entry['due_basis']})"
                if entry["due"]
                else "to be set by the office"
            )
            table.add_row(
                report.government, entry["title"], entry["number"], entry["lead"]["name"], due, entry["clause"],
                f"{landed.seconds * 1000:.0f} ms",
            )  # fmt: skip
    console.print(table)


async def _show_explanation(reports: list[Any], api: Any) -> None:
    """The first due date that a rule gave, explained day by day."""
    for report in reports:
        for landed in report.landed:
            if landed.entry["due_basis"] == "rule":
                api.government = report.government
                found = await api.get("oversight", f"/v1/entries/{landed.entry['id']}/due")
                console.print(f"\nWhy {landed.entry['number']} is due on {found['date']}:", style="bold")
                console.print(f"  {found['explanation']}", highlight=False)
                for step in found["trace"]:
                    console.print(f"  {step['date'] or '':10}  {step['effect']:8}  {step['text']}", highlight=False)
                return
