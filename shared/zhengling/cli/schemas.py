"""`zhengling schemas`: the OpenAPI, AsyncAPI and JSON Schema documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhengling.cli.options import HERE, console

schemas = typer.Typer(no_args_is_help=True, help="The OpenAPI, AsyncAPI and JSON Schema documents.")


SchemaFolder = Annotated[Path, typer.Option("--folder", help="folder of the documents")]


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
            f"{folder / name} differs from the code: run `zhengling schemas write`", style="red", highlight=False
        )
    raise typer.Exit(1 if differing else 0)
