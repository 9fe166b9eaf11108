"""`zhengling stack` and `zhengling token`: runs the embedded stack, and issues tokens with its key."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import httpx
import typer
import yaml
from rich.table import Table

from zhengling.authority.composition import Composition
from zhengling.cli.options import ALL_SCOPES, RulebookRoots, console, fail, loaded, rulebook_roots
from zhengling.local.issuer import LocalIssuer

stack = typer.Typer(no_args_is_help=True, help="The embedded stack: PostgreSQL, broker, four services.")


@stack.command("up", help="Run the stack and print its addresses and a token; Ctrl-C stops it.")
def stack_up(
    folder: Annotated[
        Path | None, typer.Option(help="folder for data, keys and logs; default: a temporary one")
    ] = None,
    government: Annotated[
        str | None, typer.Option(help="the government of the printed token; default: the first rulebook's")
    ] = None,
    official: Annotated[str | None, typer.Option(help="the official the token is issued to")] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            help="load the compositions <government>.yaml of this folder and issue the token to an office clerk"
        ),
    ] = None,
    rulebooks: RulebookRoots = None,
    database_admin_url: Annotated[
        str | None, typer.Option(envvar="DATABASE_ADMIN_URL", help="use this PostgreSQL instead of the embedded one")
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(envvar="KAFKA_BOOTSTRAP_SERVERS", help="use this Kafka instead of the embedded broker")
    ] = None,
) -> None:
    from zhengling.database.session import postgresql_url
    from zhengling.local.processes import StackError
    from zhengling.local.stack import EmbeddedStack

    if database_admin_url and postgresql_url(database_admin_url) is None:
        raise fail("--database-admin-url isn't the URL of a PostgreSQL database")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    government = government or loaded(rulebooks).governments[0]
    done = threading.Event()
    try:
        with EmbeddedStack(
            folder,
            rulebooks=rulebook_roots(rulebooks),
            database_admin_url=database_admin_url,
            kafka_bootstrap_servers=kafka,
            progress=lambda line: console.print(f"[dim]{line}[/dim]", highlight=False),
        ) as running:
            signal.signal(signal.SIGINT, lambda *_: done.set())
            signal.signal(signal.SIGTERM, lambda *_: done.set())
            table = Table(title="Zhengling is running", show_header=False)
            for service, url in running.addresses().items():
                table.add_row(f"{service}-svc", url, f"{url}/docs")
            table.add_row("Kafka", running.kafka_bootstrap_servers, "")
            table.add_row("logs", str(running.folder / "logs"), "")
            console.print(table)
            if people:
                clerks = asyncio.run(_load_people(people, running.addresses(), running.issuer))
                official = official or clerks.get(government)
                console.print(f"compositions loaded: {', '.join(clerks)}", highlight=False)
            token = running.issuer.token(
                official or f"{government}-operator", government, official=official, scopes=ALL_SCOPES, lifetime=86_400
            )
            console.print(f"token of {official or 'an operator'} of {government}, valid for a day:", highlight=False)
            print(token, flush=True)
            more = f"{sys.argv[0]} token --folder {running.folder} --government {government} --official ID"
            console.print(f"a token for somebody else: {more}", highlight=False, soft_wrap=True)
            console.print("Ctrl-C stops the stack.")
            done.wait()
    except StackError as error:
        raise fail(error) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


async def _load_people(folder: Path, addresses: dict[str, str], issuer: LocalIssuer) -> dict[str, str]:
    """Load every composition of the folder. Returns an office clerk's id by government."""
    from zhengling.local.client import Api, load_composition, office_clerk

    clerks: dict[str, str] = {}
    async with httpx.AsyncClient(timeout=30) as client:
        for government, composition in compositions(folder).items():
            await load_composition(Api(addresses, issuer, government, client), composition)
            clerks[government] = office_clerk(composition)
    return clerks


def compositions(folder: Path) -> dict[str, Composition]:
    return {
        path.stem: Composition.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.yaml"))
    }


def token(
    folder: Annotated[Path, typer.Option(help="the stack's folder")],
    government: Annotated[str, typer.Option()],
    official: Annotated[str | None, typer.Option()] = None,
    scope: Annotated[list[str] | None, typer.Option(help="repeatable; default: all scopes")] = None,
    hours: Annotated[int, typer.Option(min=1, max=24)] = 8,
) -> None:
    from zhengling.local.issuer import LocalIssuer

    if not (folder / "issuer").is_dir():
        raise fail(f"{folder} isn't a stack's folder: it has no issuer/")
    issuer = LocalIssuer(folder / "issuer")
    subject = official or f"{government}-operator"
    print(issuer.token(subject, government, official=official, scopes=scope or ALL_SCOPES, lifetime=hours * 3600))
