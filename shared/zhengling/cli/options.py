"""Options, console output and failure shared by the command groups."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from zhengling.events.event import SERVICES
from zhengling.rules.loading import RulebookError, Rulebooks

console = Console(width=None if sys.stdout.isatty() else 150)  # a pipe has no width of its own
errors = Console(stderr=True)
HERE = Path(__file__).resolve().parents[3]
RulebookRoots = Annotated[
    list[Path] | None,
    typer.Option("--rulebooks", help="folders of rulebooks; default: RULEBOOKS, else the five shipped"),
]
Token = Annotated[str, typer.Option(envvar="ZHENGLING_TOKEN", help="a bearer token")]
ServiceUrl = Annotated[str, typer.Option("--url", help="base URL of the service")]
ALL_SCOPES = [
    *(f"{service}:{right}" for service in SERVICES for right in ("read", "write", "admin")),
    "calendar:national",
    "events:replay",
]


def rulebook_roots(given: list[Path] | None = None) -> list[Path]:
    if given:
        return given
    if named := os.environ.get("RULEBOOKS"):
        return [Path(part) for part in named.split(os.pathsep) if part]
    return [HERE / "rulebooks"]


def fail(text: object) -> typer.Exit:
    errors.print(str(text), style="red", highlight=False, markup=False, soft_wrap=True)
    return typer.Exit(2)


def loaded(roots: list[Path] | None) -> Rulebooks:
    try:
        return Rulebooks.load(rulebook_roots(roots))
    except RulebookError as error:
        raise fail(error) from error
