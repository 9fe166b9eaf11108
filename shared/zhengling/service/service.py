"""The objects shared by the requests and jobs of one process: settings, database, rulebooks, authenticator, file store."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from zhengling.database.session import Database
from zhengling.files.store import FileStore
from zhengling.rules.loading import Rulebooks
from zhengling.service.auth import Authenticator, KeySource
from zhengling.service.rates import Limits, Rates
from zhengling.service.settings import ServiceSettings


@dataclass
class Service:
    """The objects shared by all requests of one process; in `app.state.service`."""

    name: str
    settings: ServiceSettings
    database: Database
    rulebooks: Rulebooks
    authenticator: Authenticator
    files: FileStore | None = None

    @cached_property
    def rates(self) -> Rates:
        given = self.settings
        return Rates(
            Limits(
                person=given.person_requests,
                government=given.government_requests,
                at_once=given.person_requests_at_once,
                link=given.link_requests,
                unknown=given.unknown_requests,
                delayed=given.max_connections // 8,
            )
        )

    @classmethod
    def create(cls, name: str, settings: ServiceSettings, process: str) -> Service:
        return cls(
            name,
            settings,
            Database(
                settings.database_url.get_secret_value(),
                application=f"{name}-{process}",
                share=settings.government_connections,
            ),
            Rulebooks.read(settings.rulebook_roots),
            Authenticator(
                settings.auth_issuer,
                settings.auth_audience,
                KeySource.at(settings.auth_jwks),
                max_lifetime=settings.auth_max_token_lifetime,
            ),
            FileStore.of(settings) if settings.keeps_files else None,
        )
