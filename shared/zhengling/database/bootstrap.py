"""Creates one service's database and its three roles, on the embedded PostgreSQL or a government's own.

Invariant: no role is a superuser or bypasses row-level security; application and worker own nothing and get each privilege
from a migration. Running it again changes only the passwords.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

import asyncpg

from zhengling.database.session import postgresql_url

_ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")


class Passwords(NamedTuple):
    """The passwords of `<name>_owner`, `<name>_app` and `<name>_worker`; ASCII."""

    owner: str
    app: str
    worker: str

    @classmethod
    def random(cls) -> Passwords:
        return cls(*(secrets.token_urlsafe(24) for _ in cls._fields))


async def bootstrap_database(admin_url: str, name: str, passwords: Passwords) -> None:
    """Create or repair the database `name` with its roles `<name>_owner`, `<name>_app` and `<name>_worker`.

    `admin_url` is a superuser's, or that of a role with CREATEROLE and CREATEDB (managed PostgreSQL). The owner runs the
    migrations; only the three roles can connect. Raises ValueError for an invalid name, password or URL, and asyncpg's errors if
    the server refuses.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"a database's name has lower case letters, digits and _ only, not {name!r}")
    if postgresql_url(admin_url) is None:  # asyncpg's error would show a part of the password
        raise ValueError("the administrator's URL isn't one of a PostgreSQL database")
    owner, app, worker = roles = tuple(f"{name}_{role}" for role in Passwords._fields)

    admin = await asyncpg.connect(admin_url, timeout=30, command_timeout=60)
    try:
        for role, password in zip(roles, passwords, strict=True):
            await _ensure_role(admin, role, password)
        if not await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            await admin.execute(f"GRANT {owner} TO CURRENT_USER")  # else it may not create a database for the owner
        if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await admin.execute(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'")
        await admin.execute(f"""
            ALTER DATABASE {name} OWNER TO {owner};
            REVOKE ALL ON DATABASE {name} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {name} TO {app}, {worker};
        """)
    finally:
        await admin.close(timeout=10)

    inside = await asyncpg.connect(admin_url, database=name, timeout=30, command_timeout=60)
    try:
        await inside.execute(f"""
            ALTER SCHEMA public OWNER TO {owner};
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT USAGE ON SCHEMA public TO {app}, {worker};
        """)
    finally:
        await inside.close(timeout=10)


async def _ensure_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    found = await admin.fetchrow(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR NOT rolcanlogin AS unfit"
        " FROM pg_roles WHERE rolname = $1",
        role,
    )
    if found is None:
        await admin.execute(f"CREATE ROLE {role} {_ATTRIBUTES}")
    elif found["unfit"]:  # only then: the admin of a managed PostgreSQL may not even set NOSUPERUSER
        await admin.execute(f"ALTER ROLE {role} {_ATTRIBUTES}")
    await admin.execute(f"ALTER ROLE {role} PASSWORD '{_scram_verifier(password)}'")


def _scram_verifier(password: str) -> str:
    """PostgreSQL's SCRAM verifier of a password (RFC 5803), computed here so that the password is in no server log."""
    if not (password.isascii() and password.isprintable() and password):
        raise ValueError("a password must have printable ASCII characters only")
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${rounds}:{salt64}${stored64}:{server64}"
