"""Wiring of docflow-svc: its API, its worker, its command line."""

from pathlib import Path

from fastapi import FastAPI

from docflow_svc import tables  # noqa: F401 - maps the nouns
from docflow_svc.feed import feed
from docflow_svc.handlers import DUE_DATES, HANDLERS
from docflow_svc.routes import ROUTERS
from docflow_svc.settings import Settings
from zhengling.kernel.errors import Text
from zhengling.service.program import Program
from zhengling.service.service import Service
from zhengling.service.worker import Worker
from zhengling.web import feeds
from zhengling.web.app import create_app as create_service_app


def create_app(service: Service) -> FastAPI:
    return create_service_app(
        service,
        title="Zhengling docflow-svc",
        description="Official documents that decisions ask for, with their deadlines (公文办理).",
        routers=[*ROUTERS, feeds.routes("docflow", Text("Document deadlines", "公文时限"), feed)],
    )


def create_worker(service: Service) -> Worker:
    return Worker(service, HANDLERS, DUE_DATES)


PROGRAM = Program("docflow", Settings, create_app, create_worker, Path(__file__).parent / "migrations")
cli = PROGRAM.cli()
