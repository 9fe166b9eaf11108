"""The audit trail: rows written in the transaction of the change, then sealed into a hash chain per government.

A row carries the SHA-256 of its content; the worker seals rows in batches, each seal a hash over the previous seal and
the rows' hashes in order. `verify` reports altered, removed and reordered rows, and counts unsealed ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from zhengling.database.batching import columns, write
from zhengling.database.session import enter_government, government_of

BATCH = 1000
GENESIS = bytes(32)

_INSERT = sa.text("""
    INSERT INTO audit (id, government, at, actor, action, subject, details, hash)
    SELECT id, :government, at, actor, action, subject, CAST(details AS jsonb), hash FROM unnest(
        CAST(:id AS uuid[]), CAST(:at AS text[]), CAST(:actor AS text[]), CAST(:action AS text[]), CAST(:subject AS text[]),
        CAST(:details AS text[]), CAST(:hash AS bytea[])) WITH ORDINALITY
    AS a (id, at, actor, action, subject, details, hash, n) ORDER BY n
""")
_UNSEALED_GOVERNMENTS = sa.text("SELECT DISTINCT government FROM audit WHERE seal IS NULL")
_LOCK_CHAIN = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('audit:' || :government, 0))")
_LAST_SEAL = sa.text("SELECT seal, hash FROM audit_seal WHERE government = :government ORDER BY seal DESC LIMIT 1")
_UNSEALED = sa.text("""
    SELECT id, hash FROM audit WHERE government = :government AND seal IS NULL ORDER BY pos LIMIT :limit
""")
_SEAL = sa.text("INSERT INTO audit_seal (government, seal, rows, hash) VALUES (:government, :seal, :rows, :hash)")
_MARK = sa.text("UPDATE audit SET seal = :seal WHERE government = :government AND id = ANY(:rows)")
# `verify` also runs as roles that see all governments.
_SEALS = sa.text("SELECT seal, rows, hash FROM audit_seal WHERE government = current_government() ORDER BY seal")
_ROWS_OF_SEAL = sa.text("""
    SELECT id, pos, government, at, actor, action, subject, details, hash, seal FROM audit WHERE id = ANY(:rows)
""")
_COUNT_STRAYS = sa.text("""
    SELECT count(*) FROM audit a
    WHERE a.government = current_government() AND a.seal IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.government = a.government AND s.seal = a.seal AND a.id = ANY(s.rows))
""")
_TAIL = sa.text("""
    SELECT id, government, at, actor, action, subject, details, hash FROM audit
    WHERE government = current_government() AND seal IS NULL ORDER BY pos
""")
_GOVERNMENTS = sa.text(
    "SELECT DISTINCT government FROM audit UNION SELECT DISTINCT government FROM audit_seal ORDER BY 1"
)


def row_hash(id: UUID, government: str, at: str, actor: str, action: str, subject: str, details: object) -> bytes:
    content = orjson.dumps([str(id), government, at, actor, action, subject, details], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).digest()


def seal_hash(previous: bytes, seal: int, hashes: list[bytes]) -> bytes:
    return hashlib.sha256(previous + seal.to_bytes(8, "big") + b"".join(hashes)).digest()


async def record(session: AsyncSession, *, actor: str, action: str, subject: str, details: dict[str, object]) -> None:
    """Write one row in the caller's transaction. `at` is real time, not the business clock."""
    identity, at = uuid7(), datetime.now(UTC).isoformat()
    encoded = orjson.dumps(details, default=str)
    row = {
        "id": identity,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "details": encoded.decode(),
        "hash": row_hash(identity, government_of(session), at, actor, action, subject, orjson.loads(encoded)),
    }
    await write(session, _insert, [row])


async def _insert(session: AsyncSession, rows: list[dict[str, object]]) -> None:
    await session.execute(_INSERT, columns(rows) | {"government": government_of(session)})


async def seal_once(session: AsyncSession) -> int:
    """Seal one batch of one government's unsealed rows. Returns the number of sealed rows (0: nothing to do)."""
    for government in (await session.execute(_UNSEALED_GOVERNMENTS)).scalars().all():
        if not await session.scalar(_LOCK_CHAIN, {"government": government}):
            continue
        await enter_government(session, government)
        last = (await session.execute(_LAST_SEAL, {"government": government})).first()
        number, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
        rows = (await session.execute(_UNSEALED, {"government": government, "limit": BATCH})).all()
        if not rows:
            continue
        identities = [row[0] for row in rows]
        digest = seal_hash(previous, number, [row[1] for row in rows])
        await session.execute(_SEAL, {"government": government, "seal": number, "rows": identities, "hash": digest})
        await session.execute(_MARK, {"government": government, "seal": number, "rows": identities})
        return len(rows)
    return 0


@dataclass
class Verdict:
    """The result of `verify`: numbers of seals and rows checked, of unsealed rows, and a text for each mismatch."""

    seals: int = 0
    rows: int = 0
    unsealed: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.findings


async def governments(session: AsyncSession) -> list[str]:
    """Those with a chain that the session's role sees."""
    return list((await session.execute(_GOVERNMENTS)).scalars())


async def verify(session: AsyncSession) -> Verdict:
    """Check the hash chain of the session's government."""
    verdict = Verdict()
    previous = GENESIS
    for number, identities, digest in (await session.execute(_SEALS)).all():
        verdict.seals += 1
        if number != verdict.seals:
            verdict.findings.append(f"seal {verdict.seals} is missing before seal {number}")
        found = {row.id: row for row in await session.execute(_ROWS_OF_SEAL, {"rows": identities})}
        hashes = []
        for identity in identities:
            row = found.get(identity)
            if row is None:
                verdict.findings.append(f"seal {number}: row {identity} was removed")
                continue
            verdict.rows += 1
            if row.seal != number:
                verdict.findings.append(f"seal {number}: row {identity} was moved to seal {row.seal}")
            hashes.append(row_hash(row.id, row.government, row.at, row.actor, row.action, row.subject, row.details))
            if hashes[-1] != row.hash:
                verdict.findings.append(f"seal {number}: row {identity} was altered")
        positions = [found[identity].pos for identity in identities if identity in found]
        if positions != sorted(positions):
            verdict.findings.append(f"seal {number}: its rows were reordered")
        if seal_hash(previous, number, hashes) != digest:
            verdict.findings.append(f"seal {number} doesn't match its rows and the seal before it")
        previous = digest
    if strays := await session.scalar(_COUNT_STRAYS):
        verdict.findings.append(f"{strays} rows claim a seal that doesn't hold them")
    for row in (await session.execute(_TAIL)).all():
        verdict.unsealed += 1
        if row_hash(row.id, row.government, row.at, row.actor, row.action, row.subject, row.details) != row.hash:
            verdict.findings.append(f"unsealed row {row.id} was altered")
    return verdict
