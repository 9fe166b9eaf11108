"""Anchors of the audit chains: signed heads of all governments' chains, kept where their database and its backups aren't.

An anchor is an object that is written once, a JWS (RFC 7515) signed with Ed25519 over service, time and the last seal of each
government. A chain whose tail was cut verifies by itself; compared with an anchor it lacks a seal, and one that was written
anew has another hash. What no anchor holds yet can still be cut unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import obstore
import orjson
import sqlalchemy as sa
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from obstore.exceptions import AlreadyExistsError
from obstore.store import from_url
from sqlalchemy.ext.asyncio import AsyncSession

ALGORITHM: Final = "Ed25519"
_KIND = "zhengling-audit-anchor"
_HEADS = sa.text("""
    SELECT DISTINCT ON (government) government, seal, hash FROM audit_seal ORDER BY government, seal DESC
""")
_NOW = sa.text("SELECT clock_timestamp()")
_HASHES = sa.text("SELECT seal, hash FROM audit_seal WHERE government = :government AND seal = ANY(:seals)")
_HEAD = sa.text("SELECT coalesce(max(seal), 0) FROM audit_seal WHERE government = :government")


@dataclass(frozen=True)
class Head:
    """The last seal of a chain, with its hash in hexadecimal digits."""

    seal: int
    hash: str


@dataclass(frozen=True)
class Anchor:
    """The heads of a service's chains, by government, at a time of its database's clock."""

    name: str
    service: str
    at: datetime
    heads: Mapping[str, Head]


class SigningKey:
    """An Ed25519 key, private or public, from a PEM file. OSError or ValueError if it isn't one."""

    def __init__(self, path: Path | str) -> None:
        try:
            self._key = OKPKey.import_key(Path(path).read_bytes())
        except (JoseError, UnicodeDecodeError, TypeError, ValueError) as error:
            raise ValueError("not an Ed25519 key in PEM format") from error
        if self._key.curve_name != ALGORITHM:
            raise ValueError("not an Ed25519 key in PEM format")

    @property
    def is_private(self) -> bool:
        return bool(self._key.is_private)

    def sign(self, anchor: Anchor) -> bytes:
        heads = {government: {"seal": head.seal, "hash": head.hash} for government, head in anchor.heads.items()}
        content = orjson.dumps({"service": anchor.service, "at": anchor.at.isoformat(), "heads": heads})
        header = {"alg": ALGORITHM, "typ": _KIND}
        return jws.serialize_compact(header, content, self._key, algorithms=[ALGORITHM]).encode()

    def read(self, name: str, signed: bytes) -> Anchor:
        """ValueError if it wasn't signed with this key."""
        try:
            found = jws.deserialize_compact(signed, self._key, algorithms=[ALGORITHM])
        except (JoseError, ValueError) as error:
            raise ValueError(f"anchor {name} isn't signed with this key") from error
        if found.headers().get("typ") != _KIND:
            raise ValueError(f"anchor {name} is something else that was signed with this key")
        content = orjson.loads(found.payload)
        heads = {government: Head(head["seal"], head["hash"]) for government, head in content["heads"].items()}
        return Anchor(name, content["service"], datetime.fromisoformat(content["at"]), heads)


def new_key(path: Path) -> None:
    """Write a new private key, and the public one beside it as `<path>.pub`. FileExistsError if there is one."""
    key = OKPKey.generate_key(ALGORITHM, auto_kid=False)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(key.as_pem(private=True))
    path.with_name(f"{path.name}.pub").write_bytes(key.as_pem(private=False))


class AnchorStore:
    """Where anchors are: `file:///folder`, or `s3://bucket/prefix` with AWS_* variables; obstore's errors if it's away."""

    def __init__(self, url: str) -> None:
        self._store = from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)

    async def add(self, name: str, signed: bytes) -> bool:
        """False if there is one of this name, which stays as it is."""
        try:
            await obstore.put_async(self._store, name, signed, mode="create")
        except AlreadyExistsError:
            return False
        return True

    async def read(self, service: str, key: SigningKey) -> tuple[list[Anchor], list[str]]:
        """The service's anchors by time, and a text for each object that isn't one."""
        anchors, findings = [], []
        async for page in obstore.list(self._store, prefix=service):
            for each in page:
                signed = await (await obstore.get_async(self._store, each["path"])).bytes_async()
                try:
                    anchor = key.read(each["path"], bytes(signed))
                except ValueError as error:
                    findings.append(str(error))
                    continue
                if anchor.service == service:
                    anchors.append(anchor)
                else:
                    findings.append(f"anchor {anchor.name} is one of {anchor.service}")
        return sorted(anchors, key=lambda anchor: anchor.at), sorted(findings)


async def take(
    session: AsyncSession, service: str, store: AnchorStore, key: SigningKey, interval: float | None = None
) -> Anchor | None:
    """Anchor all governments' chains as they are sealed now; None if nothing is sealed. With an `interval` in seconds only the
    first call of any process in each such period writes one. The session's role must see all governments."""
    rows = (await session.execute(_HEADS)).all()
    if not rows:
        return None
    at: datetime = await session.scalar(_NOW)
    moment = at if interval is None else datetime.fromtimestamp(at.timestamp() // interval * interval, UTC)
    name = f"{service}/{moment.astimezone(UTC):%Y-%m-%dT%H-%M-%S.%f}Z.jws"
    anchor = Anchor(name, service, at, {government: Head(seal, digest.hex()) for government, seal, digest in rows})
    await store.add(name, key.sign(anchor))
    return anchor


async def missing_from(session: AsyncSession, government: str, anchors: Collection[Anchor]) -> list[str]:
    """What these anchors hold of a government's chain and the chain doesn't; a text for each that is told."""
    held = sorted(
        ((anchor.heads[government], anchor) for anchor in anchors if government in anchor.heads),
        key=lambda each: (each[0].seal, each[1].at),
    )
    seals = sorted({head.seal for head, _ in held})
    rows = (await session.execute(_HASHES, {"government": government, "seals": seals})).all()
    hashes = {seal: digest.hex() for seal, digest in rows}
    last = int(await session.scalar(_HEAD, {"government": government}) or 0)
    findings = [
        f"seal {head.seal} isn't the one that anchor {anchor.name} holds: the chain was written anew"
        for head, anchor in held
        if head.seal <= last and hashes.get(head.seal) != head.hash
    ]
    beyond = [(head, anchor) for head, anchor in held if head.seal > last]
    if beyond:
        head, anchor = beyond[-1]
        findings.append(
            f"seals {last + 1} to {head.seal} are missing: the chain ends with seal {last}, anchor {anchor.name} holds "
            f"seal {head.seal}; the anchors from {beyond[0][1].name} on are ahead of the chain"
        )
    return findings
