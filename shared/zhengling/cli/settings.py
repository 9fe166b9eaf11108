"""`zhengling settings`: whether a process would start with the environment as it is, and the page of all settings."""

from __future__ import annotations

import asyncio
import importlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from zhengling.cli.options import HERE, console, fail
from zhengling.events.event import SERVICES
from zhengling.service.check import check

settings = typer.Typer(no_args_is_help=True, help="The settings of the services' processes.")
PAGE = HERE / "docs" / "architecture" / "settings.md"


class ProcessName(StrEnum):
    """The commands of a service."""

    api = "api"
    worker = "worker"
    migrate = "migrate"


@settings.command(
    "check", help="Check the environment as SERVICE's process would; exit with 1 where it wouldn't start."
)
def settings_check(
    service: Annotated[str, typer.Argument(help="meeting, docflow, oversight or calendar")],
    process: Annotated[ProcessName, typer.Option(help="the process that is to start")] = ProcessName.api,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    if service not in SERVICES:
        raise fail(f"{service} isn't one of {', '.join(SERVICES)}")
    kind = importlib.import_module(f"{service}_svc.settings").Settings
    checked = asyncio.run(check(kind, process.value))
    accepted = checked.settings.accepted() if checked.settings else []
    profile = checked.settings.profile if checked.settings else None
    if as_json:
        document = {
            "service": service,
            "process": process.value,
            "profile": profile,
            "fit": not checked.findings,
            "database_role": checked.role,
            "findings": [finding.model_dump() for finding in checked.findings],
            "accepted": [finding.model_dump() for finding in accepted],
        }
        print(json.dumps(document, indent=2))
    else:
        for finding in checked.findings:
            console.print(str(finding), style="red", highlight=False, markup=False, soft_wrap=True)
        for finding in accepted:
            line = f"accepted as {finding.risk}: {finding.variable} {finding.problem}"
            console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)
        if checked.role == "not reached":
            console.print("the database didn't answer, so that its role wasn't checked", style="yellow")
        if profile == "development":
            console.print("PROFILE is development: the rules of production weren't applied", style="yellow")
        name = f"{service}-svc {process.value}"
        console.print(f"{name} wouldn't start" if checked.findings else f"{name}: fit", highlight=False)
    raise typer.Exit(1 if checked.findings else 0)


@settings.command("page", help="Write the page of all settings from the code.")
def settings_page(path: Annotated[Path, typer.Option("--path")] = PAGE) -> None:
    from zhengling.contracts.settings_page import page

    path.write_text(page(), encoding="utf-8")
