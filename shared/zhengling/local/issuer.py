"""A token issuer for development, the demo and the tests: its key is in a folder, its JWK set in a file."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

from zhengling.service.fitness import LOCAL_ISSUER, PUBLISHED_BY


class LocalIssuer:
    """One ES256 key in a folder, shared by all processes that use the same folder.

    `jwks_path` is the JWK set for a `KeySource`; the private key beside it is readable by its owner only.
    """

    def __init__(
        self,
        folder: Path,
        issuer: str = LOCAL_ISSUER,
        audience: str = "zhengling",
        now: Callable[[], float] = time.time,
    ) -> None:
        """Load or create the key of `folder`; if several processes start at once, one creates it for all."""
        self.issuer = issuer
        self.audience = audience
        self.jwks_path = folder / "jwks.json"
        self._now = now
        private_path = folder / "private.json"
        folder.mkdir(parents=True, exist_ok=True)
        if not private_path.exists():
            fresh = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
            create_whole(private_path, fresh.as_dict(private=True))
        self._key = ECKey.import_key(json.loads(private_path.read_bytes()))
        replace_whole(self.jwks_path, {"keys": [self._key.as_dict(private=False)], PUBLISHED_BY: issuer})

    def token(
        self,
        subject: str,
        government: str,
        organisation: str | None = None,
        official: str | None = None,
        scopes: Iterable[str] = (),
        client_id: str | None = None,
        lifetime: int = 3600,
        **overrides: object,
    ) -> str:
        """A signed token valid for `lifetime` seconds: of a person's session, unless the client itself is the subject.
        `overrides` replace claims; None removes a claim."""
        issued = int(self._now())
        machine = subject in (client_id, overrides.get("azp"))
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": issued,
            "exp": issued + lifetime,
            "government": government,
            "organisation": organisation,
            "official": official,
            "scope": " ".join(scopes) or None,
            "client_id": client_id,
            "sid": None if machine else str(uuid4()),
        } | overrides
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, given, self._key, algorithms=["ES256"])


def create_whole(path: Path, document: Mapping[str, object]) -> None:
    """Create a JSON file readable by its owner only, unless it exists; atomic."""
    draft = write_draft(path, document)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its key is used
    finally:
        draft.unlink()


def replace_whole(path: Path, document: Mapping[str, object]) -> None:
    """Replace a world-readable JSON file; atomic."""
    draft = write_draft(path, document)
    draft.chmod(0o644)
    draft.replace(path)


def write_draft(path: Path, document: Mapping[str, object]) -> Path:
    """Write a new file (mode 0600) beside `path` and fsync it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
