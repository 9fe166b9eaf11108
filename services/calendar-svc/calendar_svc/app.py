"""Wiring of calendar-svc: its API, its worker, its command line."""

from pathlib import Path

from fastapi import FastAPI

from calendar_svc import tables  # noqa: F401 - maps the nouns
from calendar_svc.deadline.routes import BODY_LIMITS, DOCUMENTED
from calendar_svc.feed import feed
from calendar_svc.handlers import HANDLERS
from calendar_svc.routes import ROUTERS
from calendar_svc.settings import Settings
from calendar_svc.year.commands import seed_national_years
from zhengling.kernel.errors import Text
from zhengling.service.program import Program
from zhengling.service.service import Service
from zhengling.service.worker import Worker
from zhengling.web import feeds
from zhengling.web.app import create_app as create_service_app


def create_app(service: Service) -> FastAPI:
    return create_service_app(
        service,
        title="Zhengling calendar-svc",
        description="Working days, deadlines with their proof, absences (工作日历、时限计算、请销假).",
        routers=[*ROUTERS, feeds.routes("calendar", Text("Working days", "工作日历"), feed)],
        documented=DOCUMENTED,
        body_limits=BODY_LIMITS,
    )


def create_worker(service: Service) -> Worker:
    return Worker(service, HANDLERS, seed=seed_national_years)


PROGRAM = Program("calendar", Settings, create_app, create_worker, Path(__file__).parent / "migrations")
cli = PROGRAM.cli()
