"""Commands on a service's database itself, for all governments: publish events again, anchor and verify the audit chains.

They are for whoever restores a database, before its service runs, and connect as the role of the service's worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import obstore.exceptions
import typer
from sqlalchemy.exc import DBAPIError

from zhengling.backbone import anchors, outbox
from zhengling.backbone import audit as chains
from zhengling.cli.options import console, fail
from zhengling.cli.remote import audit, events
from zhengling.database.session import Database, enter_government, loggable
from zhengling.events.event import SERVICES

__all__ = ["audit", "events"]
T = TypeVar("T")
PORTION = 10_000
Service = Annotated[str, typer.Argument(help="meeting, docflow, oversight or calendar")]
DatabaseUrl = Annotated[
    str, typer.Option("--database-url", envvar="DATABASE_URL", help="the service's database, as its worker's role")
]
AnchorsUrl = Annotated[str, typer.Option("--anchors", envvar="AUDIT_ANCHOR_URL", help="file:///folder or s3://bucket")]


@events.command(
    "republish",
    help="Publish a service's events of all governments again, straight from its database; consumers drop the duplicates.",
)
def events_republish(
    database_url: DatabaseUrl,
    since: Annotated[
        datetime | None, typer.Option(help="only events created since then, UTC if it has no offset; default: all")
    ] = None,
) -> None:
    moment = since or datetime(2000, 1, 1, tzinfo=UTC)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    async def republish(database: Database) -> int:
        total, position = 0, 0
        while True:
            async with database.transaction(None) as session:
                count, position = await outbox.republish(session, moment, position, PORTION)
            total += count
            if count < PORTION:
                return total

    console.print(f"{_on(database_url, republish)} events are published again", highlight=False)


@audit.command("anchor-key", help="Write a new Ed25519 key for anchors to FILE, and its public part to FILE.pub.")
def audit_anchor_key(file: Path) -> None:
    try:
        anchors.new_key(file)
    except OSError as error:
        raise fail(f"the key wasn't written: {error}") from error
    console.print(f"{file} signs anchors, {file}.pub verifies them", highlight=False)


@audit.command("anchor", help="Write an anchor of a service's audit chains now: what is sealed of all governments.")
def audit_anchor(
    service: Service,
    database_url: DatabaseUrl,
    store: AnchorsUrl,
    key_file: Annotated[Path, typer.Option("--key", envvar="AUDIT_ANCHOR_KEY_FILE", help="the private key")],
) -> None:
    key = _key(key_file)

    async def anchor(database: Database) -> anchors.Anchor | None:
        async with database.transaction(None) as session:
            return await anchors.take(session, _known(service), anchors.AnchorStore(store), key)

    taken = _on(database_url, anchor)
    if taken is None:
        raise fail("nothing is sealed yet")
    console.print(f"{taken.name}: {len(taken.heads)} governments", highlight=False, soft_wrap=True)


@audit.command(
    "verify-database",
    help="Verify the audit chains of all governments in a service's database, and compare them with their anchors; exit with 1 "
    "if one was altered or cut.",
)
def audit_verify_database(
    service: Service,
    database_url: DatabaseUrl,
    store: Annotated[str | None, typer.Option("--anchors", envvar="AUDIT_ANCHOR_URL")] = None,
    key_file: Annotated[Path | None, typer.Option("--anchor-key", help="the public key")] = None,
    accept: Annotated[list[str] | None, typer.Option(help="an anchor of what a restore is known to have lost")] = None,
) -> None:
    if (store is None) != (key_file is None):
        raise fail("--anchors and --anchor-key go together")
    key = _key(key_file) if key_file else None
    accepted = set(accept or ())

    async def verify(database: Database) -> bool:
        held: list[anchors.Anchor] = []
        unsound: list[str] = []
        if store and key:
            held, unsound = await anchors.AnchorStore(store).read(_known(service), key)
            if not held:
                raise fail(f"there is no anchor of {service}")
            console.print(f"{len(held)} anchors, the newest of {held[-1].at.isoformat()}", highlight=False)
        _tell(service, unsound)
        sound = not unsound
        async with database.transaction(None) as session:
            governments = {*await chains.governments(session), *(code for each in held for code in each.heads)}
        for government in sorted(governments):
            async with database.transaction(None) as session:
                await enter_government(session, government)
                found = await chains.verify(session)
                known = [anchor for anchor in held if anchor.name in accepted]
                others = [anchor for anchor in held if anchor.name not in accepted]
                findings = found.findings + await anchors.missing_from(session, government, others)
                allowed = await anchors.missing_from(session, government, known)
            _tell(government, findings)
            _tell(f"{government}, accepted", allowed, "yellow")
            sound = sound and not findings
            state = "NOT sound" if findings else "sound"
            counts = f"{found.seals} seals, {found.rows} rows, {found.unsealed} not sealed yet"
            console.print(f"{government}: {state}, {counts}", highlight=False)
        return sound

    raise typer.Exit(0 if _on(database_url, verify) else 1)


def _tell(what: str, findings: list[str], style: str = "red") -> None:
    for finding in findings:
        console.print(f"{what}: {finding}", style=style, highlight=False, markup=False, soft_wrap=True)


def _known(service: str) -> str:
    if service not in SERVICES:
        raise fail(f"{service} isn't one of {', '.join(SERVICES)}")
    return service


def _key(path: Path) -> anchors.SigningKey:
    try:
        return anchors.SigningKey(path)
    except (OSError, ValueError) as error:
        raise fail(f"the key can't be used: {error}") from error


def _on(url: str, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Do the work on the database."""

    async def run() -> T:
        database = Database(url, application="zhengling", pool_size=1)
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except (DBAPIError, OSError, TimeoutError, ValueError) as error:
        raise fail(f"the database can't be used: {loggable(error)}") from error
    except obstore.exceptions.BaseError as error:
        raise fail(f"the anchors can't be reached: {type(error).__name__}") from error
