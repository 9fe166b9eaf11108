"""An issuer of tokens for a laptop, the demo and the tests: its key lies in a folder, its key set is served from a file."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey


class LocalIssuer:
    """An issuer for the demo and the tests: one ES256 key in a folder, shared by all who name the same folder.

    `jwks_path` is what a `KeySource` reads; the private key beside it is readable for its owner only.
    """

    def __init__(
        self,
        folder: Path,
        issuer: str = "urn:zhengling:local",
        audience: str = "zhengling",
        now: Callable[[], float] = time.time,
    ) -> None:
        """Load the key of `folder`, or make it; of several processes that start at once, one makes it for all."""
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
        replace_whole(self.jwks_path, {"keys": [self._key.as_dict(private=False)]})

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
        """A signed token for `lifetime` seconds. `overrides` are claims set as given; None leaves a claim out."""
        issued = int(self._now())
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
        } | overrides
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, given, self._key, algorithms=["ES256"])


def create_whole(path: Path, document: Mapping[str, object]) -> None:
    """Write a JSON file only its owner can read, unless there is one; nobody ever sees half of it."""
    draft = write_draft(path, document)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        draft.unlink()


def replace_whole(path: Path, document: Mapping[str, object]) -> None:
    """Write a JSON file everybody can read, in place of what is there; nobody ever sees half of it."""
    draft = write_draft(path, document)
    draft.chmod(0o644)
    draft.replace(path)


def write_draft(path: Path, document: Mapping[str, object]) -> Path:
    """A new file (mode 0600) beside `path`, on disk in full."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
