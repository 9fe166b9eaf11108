"""Alembic's entry: the library runs the steps as the database's owner."""

from alembic import context

from zhengling.service.program import run_migrations

run_migrations(context.config.attributes["url"])
