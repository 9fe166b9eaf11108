"""Writes what the stack of compose.yaml needs once, into a folder that stays out of the repository: passwords, the key of a
local issuer of tokens, and a folder for the rulebooks of further governments. What is there is kept."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from zhengling.events.event import SERVICES
from zhengling.local.issuer import LocalIssuer

PASSWORDS = ("POSTGRES", *(f"{service.upper()}_{role}" for service in SERVICES for role in ("OWNER", "APP", "WORKER")))


def read_env(path: Path) -> dict[str, str]:
    """The variables of an env file; none where it isn't there."""
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def prepare(folder: Path) -> None:
    folder.joinpath("rulebooks").mkdir(parents=True, exist_ok=True)
    issuer = LocalIssuer(folder / "issuer")
    wanted = {f"{name}_PASSWORD": secrets.token_urlsafe(24) for name in PASSWORDS} | {"AUTH_ISSUER": issuer.issuer}
    path = folder / "env"
    kept = read_env(path)
    if missing := {name: value for name, value in wanted.items() if name not in kept}:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
            file.writelines(f"{name}={value}\n" for name, value in missing.items())


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
