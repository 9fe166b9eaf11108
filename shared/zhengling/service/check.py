"""Whether the settings of a process are fit for it, before it starts: all findings at once, the database's role included."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from zhengling.database.session import Database, postgresql_url
from zhengling.service.fitness import Finding, UnfitSettings
from zhengling.service.settings import MigrationSettings, ProcessSettings, ServiceSettings, read

Process = Literal["api", "worker", "migrate"]
_DATABASE = {"api": "DATABASE_URL", "worker": "DATABASE_URL", "migrate": "MIGRATION_DATABASE_URL"}
_ROLE = {"api": "app", "worker": "worker", "migrate": "owner"}
_LOOK = sa.text("""
    SELECT coalesce(bool_or(rolsuper OR rolbypassrls), false) AS above_policies,
           coalesce(bool_or(rolcreaterole OR rolcreatedb OR rolreplication
                            OR rolname ~ '^pg_(read|write)_(all_data|server_files)$|^pg_execute_server_program$'), false)
               AS administers,
           pg_has_role(current_user, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'MEMBER') AS owns,
           current_user::text AS role, current_database()::text AS database
    FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')
""")


class Checked(NamedTuple):
    """`settings` are None where there are findings; `role` says whether the database's role could be looked at."""

    settings: ProcessSettings | None
    findings: tuple[Finding, ...]
    role: Literal["checked", "not reached", "not asked"]


async def check(kind: type[ServiceSettings], process: Process) -> Checked:
    """Read the settings in the environment and, in the production profile, ask the database what its role may do, if it
    answers within 5 s."""
    settings: ProcessSettings | None = None
    found: tuple[Finding, ...] = ()
    try:
        settings = read(MigrationSettings if process == "migrate" else kind)
    except UnfitSettings as error:
        found = error.findings
    variable = _DATABASE[process]
    url = os.environ.get(variable, "")
    if (settings and settings.profile == "development") or postgresql_url(url) is None:
        return Checked(settings, found, "not asked")
    of_role = await role_findings(url, process)
    if of_role is None:
        return Checked(settings, found, "not reached")
    if of_role:
        settings, found = None, (*found, *of_role)
    return Checked(settings, found, "checked")


async def role_findings(url: str, process: Process) -> list[Finding] | None:
    """What the role of this URL may do that the process's may not, as the server says; None if it doesn't answer."""
    database = Database(url, application="settings-check", pool_size=1)
    try:
        async with database.autocommit.connect() as connection:
            role = (await connection.execute(_LOOK)).one()
    except (OSError, TimeoutError, DBAPIError, sa.exc.TimeoutError, TypeError, ValueError):
        return None
    finally:
        await database.close()
    owns = role.owns and process != "migrate"
    wrong = (
        (role.above_policies, "connects as a superuser, or as a role that row-level security doesn't apply to"),
        (
            role.administers,
            "connects as a role that administers roles or databases, or reaches all data or the server's files",
        ),
        (owns, "connects as the database's owner, or as a member of that role"),
        (role.role != f"{role.database}_{_ROLE[process]}", f"doesn't connect as the role of this process ({process})"),
    )
    remedy = f"the role <database>_{_ROLE[process]} as `zhengling database create` makes it"
    return [Finding(variable=_DATABASE[process], problem=problem, remedy=remedy) for is_so, problem in wrong if is_so]
