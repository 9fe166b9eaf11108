"""Idempotency-Key: the same key gives the same answer and one effect.

Invariant: effect and stored answer are one transaction, and only 2xx answers are stored; a key in flight is refused
without waiting (`pg_try_advisory_xact_lock`, since a unique insert would block until the other transaction ends).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.database.session import government_of
from zhengling.kernel.errors import Problem, Text

_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 1))")
_FIND = sa.text("""
    SELECT fingerprint, status, body, headers, expires_at <= now() AS expired FROM idempotency_key
    WHERE government = :government AND client = :client AND key = :key
""")
_STORE = sa.text("""
    INSERT INTO idempotency_key (government, client, key, route, fingerprint, status, body, headers, expires_at)
    VALUES (:government, :client, :key, :route, :fingerprint, :status, :body, CAST(:headers AS jsonb),
            now() + interval '24 hours')
""")
_EXPIRED = sa.text("DELETE FROM idempotency_key WHERE expires_at <= now()")
_DELETE = sa.text("""
    DELETE FROM idempotency_key WHERE government = :government AND client = :client AND key = :key
""")
MAX_KEY = 128


@dataclass(frozen=True)
class StoredAnswer:
    status: int
    body: bytes
    headers: dict[str, str]


def check_key(key: str | None) -> str:
    """The checked key. Raises problem 400 `idempotency_key_missing` or `idempotency_key_invalid`."""
    if not key:
        raise Problem(
            400,
            "idempotency_key_missing",
            Text("a command needs the header Idempotency-Key", "命令请求须带 Idempotency-Key 请求头"),
            Text(
                "send a new UUID for each command and the same one for a retry", "每个命令使用新的 UUID，重试时沿用原值"
            ),
        )
    if len(key) > MAX_KEY or not key.isprintable() or not key.isascii() or " " in key:
        raise Problem(
            400,
            "idempotency_key_invalid",
            Text(
                f"Idempotency-Key must be 1 to {MAX_KEY} printable ASCII characters without spaces",
                f"Idempotency-Key 须为1至{MAX_KEY}个可打印的 ASCII 字符，不含空格",
            ),
        )
    return key


def fingerprint(subject: str, official: str | None, route: str, body: bytes) -> bytes:
    """SHA-256 over client, official, route and body. Two requests of one client for different officials differ, so none
    gets the answer meant for another official."""
    return hashlib.sha256(f"{subject}\n{official or ''}\n{route}\n".encode() + body).digest()


async def begin(session: AsyncSession, client: str, key: str, request: bytes) -> StoredAnswer | None:
    """Lock the key until the transaction ends. Returns the stored answer if the command was already done, else None.

    Problems: 409 `idempotency_key_in_flight` (Retry-After), 422 `idempotency_key_reused` if the request differs.
    """
    place = {"government": government_of(session), "client": client, "key": key}
    name = f"{place['government']}\n{client}\n{key}"
    if not await session.scalar(_LOCK, {"name": name}):
        raise Problem(
            409,
            "idempotency_key_in_flight",
            Text("a command with this Idempotency-Key is in progress", "使用该 Idempotency-Key 的命令正在处理"),
            Text("retry after a second", "请稍后重试"),
            headers={"Retry-After": "1"},
        )
    found = (await session.execute(_FIND, place)).first()
    if found is None:
        return None
    if found.expired:  # not yet deleted by `forget_expired`; the new answer replaces it
        await session.execute(_DELETE, place)
        return None
    if found.fingerprint != request:
        raise Problem(
            422,
            "idempotency_key_reused",
            Text("this Idempotency-Key was used for another request", "该 Idempotency-Key 已用于另一请求"),
            Text("use a new key for a new command", "新命令请使用新的 Idempotency-Key"),
        )
    return StoredAnswer(found.status, found.body, found.headers)


async def store(session: AsyncSession, client: str, key: str, route: str, request: bytes, answer: StoredAnswer) -> None:
    """Store the answer for 24 hours under the key that `begin` locked in this transaction."""
    place = {"government": government_of(session), "client": client, "key": key}
    await session.execute(
        _STORE,
        place
        | {
            "route": route,
            "fingerprint": request,
            "status": answer.status,
            "body": answer.body,
            "headers": orjson.dumps(answer.headers).decode(),
        },
    )


async def forget_expired(session: AsyncSession) -> None:
    await session.execute(_EXPIRED)
