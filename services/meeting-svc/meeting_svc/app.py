"""Wiring of meeting-svc: its API, its worker, its command line."""

from pathlib import Path

from fastapi import FastAPI

from meeting_svc import tables  # noqa: F401 - maps the nouns
from meeting_svc.composition.routes import BODY_LIMITS, DOCUMENTED
from meeting_svc.feed import feed
from meeting_svc.handlers import DUE_DATES, HANDLERS
from meeting_svc.routes import ROUTERS
from meeting_svc.scopes import meetings_of
from meeting_svc.settings import Settings
from meeting_svc.topic.queries import has_paper
from zhengling.kernel.errors import Text
from zhengling.service.program import Program
from zhengling.service.service import Service
from zhengling.service.worker import Worker
from zhengling.web import feeds, file_routes
from zhengling.web.app import create_app as create_service_app


def create_app(service: Service) -> FastAPI:
    return create_service_app(
        service,
        title="Zhengling meeting-svc",
        description="Composition of the government, topics, meetings, minutes and decisions (会议管理).",
        routers=[
            *ROUTERS,
            feeds.routes("meeting", Text("Meetings", "会议安排"), feed, meetings_of),
            file_routes.routes("meeting", has_paper, meetings_of),
        ],
        documented=DOCUMENTED,
        body_limits={**BODY_LIMITS, file_routes.PATH: service.settings.file_max_bytes},
    )


def create_worker(service: Service) -> Worker:
    return Worker(service, HANDLERS, DUE_DATES)


PROGRAM = Program("meeting", Settings, create_app, create_worker, Path(__file__).parent / "migrations")
cli = PROGRAM.cli()
