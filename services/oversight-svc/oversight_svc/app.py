"""Wiring of oversight-svc: its API, its worker, its command line."""

from pathlib import Path

from fastapi import FastAPI

from oversight_svc import tables  # noqa: F401 - maps the nouns
from oversight_svc.feed import feed
from oversight_svc.handlers import DISCARDS, DUE_DATES, HANDLERS
from oversight_svc.ledger.figures import measure_lights
from oversight_svc.routes import ROUTERS
from oversight_svc.settings import Settings
from zhengling.kernel.errors import Text
from zhengling.service.program import Program
from zhengling.service.service import Service
from zhengling.service.worker import Worker
from zhengling.web import feeds
from zhengling.web.app import create_app as create_service_app


def create_app(service: Service) -> FastAPI:
    return create_service_app(
        service,
        title="Zhengling oversight-svc",
        description="The supervision ledger: every matter is recorded and answered for (督查督办).",
        routers=[*ROUTERS, feeds.routes("oversight", Text("Matters due", "督查事项时限"), feed)],
    )


def create_worker(service: Service) -> Worker:
    return Worker(service, HANDLERS, DUE_DATES, discards=DISCARDS, measure=measure_lights(service.rulebooks))


PROGRAM = Program("oversight", Settings, create_app, create_worker, Path(__file__).parent / "migrations")
cli = PROGRAM.cli()
