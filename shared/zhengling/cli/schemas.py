"""`zhengling schemas`: the documents of the APIs and events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhengling.cli.options import HERE, console

schemas = typer.Typer(no_args_is_help=True, help="The documents of the APIs and events.")


SchemaFolder = Annotated[Path, typer.Option("--folder", help="where the documents stand")]


@schemas.command("write", help="Write docs/api from the code: AsyncAPI, a schema per event type, OpenAPI per service.")
def schemas_write(folder: SchemaFolder = HERE / "docs" / "api") -> None:
    from zhengling.contracts import api_docs

    for name in api_docs.write(folder):
        console.print(f"{folder / name} written", highlight=False)


@schemas.command("check", help="Compare docs/api with the code; exit with 1 where they differ.")
def schemas_check(folder: SchemaFolder = HERE / "docs" / "api") -> None:
    from zhengling.contracts import api_docs

    differing = api_docs.differing(folder)
    for name in differing:
        console.print(
            f"{folder / name} isn't what the code says: run `zhengling schemas write`", style="red", highlight=False
        )
    raise typer.Exit(1 if differing else 0)
