"""`<name>-svc api | worker | migrate`: the command line of all four services."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

import sqlalchemy as sa
import typer
import uvicorn
from alembic import command
from alembic.config import Config
from fastapi import FastAPI

from zhengling.database.session import postgresql_url
from zhengling.rules.loading import RulebookError
from zhengling.service.check import Process, check
from zhengling.service.connections import Bounds, bounded
from zhengling.service.logs import log_as_json
from zhengling.service.metrics import serve_metrics
from zhengling.service.service import Service
from zhengling.service.settings import MigrationSettings, ProcessSettings, ServiceSettings
from zhengling.service.telemetry import start_tracing
from zhengling.service.worker import Worker, create_worker_app

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Program:
    """One service as a program: its settings, its API, its worker, its migrations."""

    name: str
    settings: type[ServiceSettings]
    create_app: Callable[[Service], FastAPI]
    create_worker: Callable[[Service], Worker]
    migrations: Path

    def cli(self) -> typer.Typer:
        app = typer.Typer(
            help=f"{self.name}-svc of Zhengling",
            no_args_is_help=True,
            add_completion=False,
            pretty_exceptions_enable=False,
        )

        @app.callback()
        def begin() -> None:
            # The kernel ignores a SIGTERM for the first process of a container unless the process handles it; uvicorn does
            # while it serves, but nothing would while a process starts or migrates.
            signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))

        @app.command(help="Serve the REST API.")
        def api() -> None:
            service = self._service("api")
            self._serve(self.create_app(service), service)

        @app.command(help="Run relay, consumer and timers.")
        def worker() -> None:
            service = self._service("worker")
            self._serve(create_worker_app(self.create_worker(service)), service)

        @app.command(help="Migrate the database to REVISION (default: the newest; 'base' removes the schema).")
        def migrate(revision: Annotated[str, typer.Argument()] = "head") -> None:
            settings = cast(MigrationSettings, self._checked("migrate"))
            migrate_database(self.migrations, settings.migration_database_url.get_secret_value(), revision)

        return app

    def _checked(self, process: Process) -> ProcessSettings:
        """The settings of a process; ends it with exit code 2 and all findings if they aren't fit."""
        checked = asyncio.run(check(self.settings, process))
        if checked.settings is None:
            raise self._unfit("\n".join(map(str, checked.findings)))
        instance = getattr(checked.settings, "instance", "0")
        log_as_json(checked.settings.log_level, self.name, process, instance)
        for finding in checked.settings.accepted():
            log.warning("accepted as %s: %s %s", finding.risk, finding.variable, finding.problem)
        return checked.settings

    def _service(self, process: Literal["api", "worker"]) -> Service:
        settings = cast(ServiceSettings, self._checked(process))
        try:
            service = Service.create(self.name, settings, process)
        except (RulebookError, OSError) as error:
            raise self._unfit(error) from error
        start_tracing(self.name, process, settings)
        return service

    def _unfit(self, findings: object) -> typer.Exit:
        typer.echo(f"{self.name}-svc can't start:\n{findings}", err=True)
        return typer.Exit(2)

    def _serve(self, app: FastAPI, service: Service) -> None:
        settings = service.settings
        try:
            serve_metrics(settings.metrics_host, settings.metrics_port)
        except OSError as error:
            raise self._unfit("METRICS_HOST and METRICS_PORT can't be listened on") from error
        # Objects created so far are permanent: freeze them, since a request or an event makes thousands of objects and
        # the garbage collector would traverse the permanent ones again each time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,  # its records go where all others do
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
            # Longer than clients and gateways keep idle connections (5 to 60 s): whoever closes first can't cut a request off.
            timeout_keep_alive=75,
            http=bounded(Bounds(settings.max_header_bytes, settings.patience, settings.max_connections)),
            ws="none",
        )


def migrate_database(migrations: Path, url: str, revision: str) -> None:
    """Run one service's migrations, as the database's owner: up to `revision`, down to `base`, or down by `-n`."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["url"] = postgresql_url(url)
    if revision != "base" and not revision.startswith("-"):
        command.upgrade(config, revision)  # does nothing where the database is beyond it
    if revision not in ("head", "heads") and not revision.startswith("+"):
        command.downgrade(config, revision)


def run_migrations(url: sa.URL) -> None:
    """Called by each service's `migrations/env.py`: each migration in one transaction, with lock_timeout 5 s."""
    from alembic import context
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    def steps(connection: sa.Connection) -> None:
        context.configure(connection=connection, transactional_ddl=True)
        with context.begin_transaction():
            connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
            context.run_migrations()

    async def run() -> None:
        engine = create_async_engine(url, poolclass=NullPool)
        try:
            async with engine.connect() as connection:
                await connection.run_sync(steps)
                await connection.commit()
        finally:
            await engine.dispose()

    asyncio.run(run())
