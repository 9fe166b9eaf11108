"""`zhengling database`: creates databases and roles on your own PostgreSQL server."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from zhengling.cli.options import console, fail
from zhengling.events.event import SERVICES

database = typer.Typer(no_args_is_help=True, help="Databases and roles on your own PostgreSQL server.")


@database.command("create", help="Create or repair one service's database and its three roles.")
def database_create(
    service: Annotated[str, typer.Argument(help="meeting, docflow, oversight or calendar")],
    admin_url: Annotated[
        str, typer.Option(envvar="DATABASE_ADMIN_URL", help="URL of a role that may create roles and databases")
    ],
    owner_password: Annotated[str, typer.Option(envvar="OWNER_PASSWORD", prompt=True, hide_input=True)],
    app_password: Annotated[str, typer.Option(envvar="APP_PASSWORD", prompt=True, hide_input=True)],
    worker_password: Annotated[str, typer.Option(envvar="WORKER_PASSWORD", prompt=True, hide_input=True)],
) -> None:
    from asyncpg import PostgresError

    from zhengling.database.bootstrap import Passwords, bootstrap_database

    if service not in SERVICES:
        raise fail(f"{service} isn't one of {', '.join(SERVICES)}")
    try:
        passwords = Passwords(owner_password, app_password, worker_password)
        asyncio.run(bootstrap_database(admin_url, service, passwords))
    except (OSError, ValueError, PostgresError) as error:
        raise fail(f"the database wasn't created: {error}") from error
    console.print(f"database {service} with the roles {service}_owner, {service}_app and {service}_worker")
