"""The demo: runs the main job for five governments on a stack of its own, and prints the results."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import typer
import yaml
from rich.table import Table

from demo.course import Courses, Line
from demo.main_job import Ending, MainJob, Report, Scenario
from zhengling.cli.options import HERE, console, fail
from zhengling.cli.stack import compositions
from zhengling.local.client import Api, Json
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
    taken: dict[str, list[Json]] = {}
    explained: tuple[Json, Json] | None = None
    trace: list[Line] = []
    async with httpx.AsyncClient(timeout=30) as client:
        for government, content in scenarios.items():
            name = books.current(government, datetime.now(UTC)).government.name
            console.rule(f"{name} ({government})")
            scenario = Scenario.model_validate(content)
            assert scenario.course, government
            last = scenario.course.verified
            console.print(f"  business time: {scenario.submitted}, then {scenario.day} to {last}", highlight=False)
            api = Api(addresses, issuer, government, client)
            report = await MainJob(api, people[government], scenario, _tell).run()
            explained = explained or await _explained(api, report)  # before it is met: it isn't counted any more then
            courses = Courses(api, people[government], scenario, _tell)
            taken[government] = await courses.run(report.landed)
            if explained and not trace:
                trace = await courses.trace(courses.ending(report.landed, Ending.closed)[0])
            reports.append(report)
    _show_breaches(reports, scenarios)
    _show_ledger(reports)
    if explained:
        _show_explanation(*explained)
    _show_course(taken)
    _show_trace(trace)
    went = all({"closed", "accepted"} <= {entry["state"] for entry in entries} for entries in taken.values())
    return went and all(report.landed and report.refused for report in reports)


def _tell(line: str) -> None:
    console.print(f"  {line}", highlight=False)


def _show_course(taken: dict[str, list[Json]]) -> None:
    table = Table(title="What came of them", show_lines=True)
    for column in ("government", "ledger number", "state", "in time", "acts", "waits for"):
        table.add_column(column, overflow="fold")
    for government, entries in taken.items():
        for entry in entries:
            acts = " → ".join(f"{turn['act']} [{turn['clause']}]" for turn in entry["course"])
            in_time = {None: "", False: "yes", True: "no"}[entry["late"]]
            state, waits = f"{entry['state']} ({entry['state_name']})", entry["next"]["act"] if entry["next"] else ""
            table.add_row(government, entry["number"], state, in_time, acts, waits)
    console.print(table)


def _show_trace(trace: list[Line]) -> None:
    """The way of one matter, from the topic to the closing."""
    table = Table(title="One matter from its topic to its closing (销号), read back by its references")
    for column in ("when", "what", "who", "clause"):
        table.add_column(column, overflow="fold")
    for line in trace:
        table.add_row(*line)
    console.print(table)


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


async def _explained(api: Api, report: Report) -> tuple[Json, Json] | None:
    """The first entry whose due date a rule gave, and the explanation of that date; None if there is none."""
    by_rule = (landed.entry for landed in report.landed if landed.entry["due_basis"] == "rule")
    entry = next(by_rule, None)
    return (entry, await api.get("oversight", f"/v1/entries/{entry['id']}/due")) if entry else None


def _show_explanation(entry: Json, found: Json) -> None:
    """A due date, explained day by day."""
    console.print(f"\nWhy {entry['number']} is due on {found['date']}:", style="bold")
    console.print(f"  {found['explanation']}", highlight=False)
    for step in found["trace"]:
        console.print(f"  {step['date'] or '':10}  {step['effect']:8}  {step['text']}", highlight=False)
