"""Identity: who calls, for which government, and with which scopes (OAuth2 bearer JWT, RFC 6750 and RFC 9068).

Invariant: a `Principal` exists only for a token whose signature, issuer, audience and times were checked with a key
from the configured source. A key named or carried by the token itself (`jku`, `x5u`, `jwk`) is never looked at.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import JWKRegistry, Key

from zhengling.kernel.errors import Problem, Text

log = logging.getLogger(__name__)

ACT_SCOPE = "act"
GOVERNMENT = re.compile(r"[a-z][a-z0-9_]*")  # as rulebooks name them; the national calendar's `*` is nobody's
ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"})

KEYS_KEPT = 600.0
"""Seconds a loaded key set counts as fresh."""
REFRESH_PAUSE = 30.0
"""Seconds between two attempts to load, whatever asks for one: an unknown kid, age, or an outage."""
FIRST_LOAD_PAUSE = 1.0
"""Seconds between two attempts as long as there are no keys at all, so that a start isn't held up."""
LOAD_LIMIT = 5.0
"""Seconds one load may take in all."""
TOKENS_KEPT = 1000
"""How many tokens' signatures are remembered."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The verified caller. `official` is the person acted for; what they may do follows from their post."""

    subject: str
    client: str
    government: str
    organisation: str | None
    official: str | None
    scopes: frozenset[str]

    def has(self, scope: str) -> bool:
        """Whether the token carries this scope."""
        return scope in self.scopes

    def require(self, *scopes: str) -> None:
        """Raise 403 `insufficient_scope`, naming what is missing, unless the token has all these scopes."""
        missing = [scope for scope in scopes if not self.has(scope)]
        if missing:
            names = " ".join(missing)
            raise Problem(
                403,
                "insufficient_scope",
                Text(f"the token lacks the scope {names}", f"令牌缺少权限范围 {names}"),
                Text(f"ask for a token with the scope {names}", f"请申请带有权限范围 {names} 的令牌"),
                extra={"missing_scopes": missing},
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{names}"'},
            )


class KeySource:
    """The issuer's public keys by kid, loaded from a URL or a file.

    Fresh for ten minutes; an unknown kid loads again, at most every 30 s; one load at a time. The last good set
    survives an outage, and during one nobody with a known kid waits for the source.
    """

    def __init__(self, load: Callable[[], Awaitable[bytes]], clock: Callable[[], float] = time.monotonic) -> None:
        """`load` returns a JWK set (RFC 7517) as JSON; `clock` counts seconds and never runs backwards."""
        self._load = load
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._stale_at = -math.inf
        self._next_attempt = -math.inf
        self._failing = False
        self._refreshing: asyncio.Task[None] | None = None

    @classmethod
    def at(cls, location: str) -> Self:
        """The source for a setting: an http(s) URL, else the path of a file."""
        return cls.from_url(location) if location.startswith(("http://", "https://")) else cls.from_file(Path(location))

    @classmethod
    def from_url(
        cls,
        url: str,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """The set behind a URL; `transport` replaces the network in tests. Redirects aren't followed."""

        async def load() -> bytes:
            async with httpx.AsyncClient(transport=transport, timeout=LOAD_LIMIT) as client:
                return (await client.get(url)).raise_for_status().content

        return cls(load, clock)

    @classmethod
    def from_file(cls, path: Path, clock: Callable[[], float] = time.monotonic) -> Self:
        """The set in a file, such as `LocalIssuer.jwks_path`."""
        return cls(lambda: asyncio.to_thread(path.read_bytes), clock)

    async def key(self, kid: str) -> Key | None:
        """The key of this kid, or None if the issuer has none."""
        known = self._keys.get(kid)
        if known is not None and self._clock() < self._stale_at:
            return known
        refreshing = self._refresh_if_due()
        if not refreshing.done() and (known is None or not self._failing):
            await asyncio.shield(refreshing)
        return self._keys.get(kid)

    async def ready(self) -> bool:
        """Whether there are keys to check a token with; loads them the first time."""
        if not self._keys:
            refreshing = self._refresh_if_due()
            if not refreshing.done():
                await asyncio.shield(refreshing)
        return bool(self._keys)

    def _refresh_if_due(self) -> asyncio.Task[None]:
        """The load under way, a new one if the pause is over, else the finished last one."""
        if self._refreshing is None or (self._refreshing.done() and self._clock() >= self._next_attempt):
            self._refreshing = asyncio.create_task(self._refresh())
        return self._refreshing

    async def _refresh(self) -> None:
        started = self._clock()
        try:
            # httpx limits each phase, not the whole: a source that drips would hold us up without this.
            async with asyncio.timeout(LOAD_LIMIT):
                self._keys = parse_key_set(await self._load())
        except Exception:  # whatever ails the source, the last good set stays
            self._failing = True
            log.warning("the issuer's keys could not be loaded; keeping %d", len(self._keys), exc_info=True)
        else:
            self._failing = False
            self._stale_at = started + KEYS_KEPT
        self._next_attempt = started + (REFRESH_PAUSE if self._keys else FIRST_LOAD_PAUSE)


def parse_key_set(document: bytes) -> dict[str, Key]:
    """The keys of a JWK set by kid; one that can't be read is left out. ValueError if none remains."""
    keys: dict[str, Key] = {}
    for jwk in json.loads(document)["keys"]:
        try:
            key = JWKRegistry.import_key(jwk)
            key.ensure_kid()
            keys[str(key.kid)] = key
        except (JoseError, ValueError, TypeError, KeyError):
            log.warning("the issuer publishes a key that can't be read", exc_info=True)
    if not keys:
        raise ValueError("the key set has no usable key")
    return keys


@dataclass(frozen=True, slots=True)
class _Held:
    """The claims of a token whose signature held, with the key that it held with."""

    kid: str
    key: Key
    claims: dict[str, Any]


class Authenticator:
    """Turns an Authorization header into a Principal, or raises the 401 that says so.

    A signature that held is not checked again as long as the issuer's key set is the same one: that was a tenth of what
    a read takes. The key is looked up and the claims, its times among them, are checked every time. Tokens are known
    by their digests; only those whose signature held are kept, the last 1,000.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: KeySource,
        algorithms: Iterable[str] = ("RS256", "ES256"),
        leeway: int = 30,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`leeway` is in seconds, `now` the wall clock in seconds since 1970. ValueError for a symmetric algorithm."""
        allowed = frozenset(algorithms)
        if not allowed or not allowed <= ASYMMETRIC:  # joserfc takes an empty list for its defaults, HS256 among them
            raise ValueError(f"algorithms must be some of {sorted(ASYMMETRIC)}, not {sorted(allowed)}")
        self._keys = keys
        # RFC 7515, 4: an unknown header is ignored unless `crit` lists it.
        self._signature = jws.JWSRegistry(algorithms=allowed, strict_check_header=False)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=leeway,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        self._held: OrderedDict[bytes, _Held] = OrderedDict()

    async def authenticate(self, authorization_header: str | None) -> Principal:
        """The caller behind `Bearer <token>`.

        401 `missing_token`, `invalid_token` or `expired_token`; 403 `act_scope_missing`; 503 `keys_unavailable` as
        long as the issuer's keys were never loaded, as nothing can be said about a token then.
        """
        token = bearer_token(authorization_header)
        try:
            digest = hashlib.sha256(token.encode()).digest()
            held = self._held.get(digest)
            if held is None or await self._keys.key(held.kid) is not held.key:
                held = await self._verified(token)
                self._held[digest] = held
                if len(self._held) > TOKENS_KEPT:
                    self._held.popitem(last=False)
            self._claims.validate(held.claims)
        except ExpiredTokenError:
            raise unauthorised("expired_token", Text("the token has expired", "令牌已过期")) from None
        except ClaimError as error:
            raise bad_claim(error.claim) from None
        except (JoseError, ValueError, TypeError):
            raise invalid_token() from None
        return principal_from(held.claims)

    async def ready(self) -> bool:
        """Whether tokens can be checked."""
        return await self._keys.ready()

    async def _verified(self, token: str) -> _Held:
        """The token's claims, once the signature holds; nothing is said of them yet. Raises joserfc's errors."""
        kid, key = await self._key_of(token)
        return _Held(kid, key, jwt.decode(token, key, registry=self._signature).claims)

    async def _key_of(self, token: str) -> tuple[str, Key]:
        """The token's `kid` and the issuer's key that it names; nothing else in the token leads to a key."""
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError, TypeError, AttributeError):  # joserfc lets a header through that is no object
            raise invalid_token() from None
        if not isinstance(kid, str):
            raise invalid_token()
        key = await self._keys.key(kid)
        if key is not None:
            return kid, key
        if await self._keys.ready():
            raise invalid_token()
        raise Problem(
            503,
            "keys_unavailable",
            Text("the issuer's keys could not be loaded yet", "尚未能获取签发方的公钥"),
            headers={"Retry-After": "5"},
        )


def bearer_token(authorization_header: str | None) -> str:
    """The token of the header; 401 `missing_token` if there is none or the scheme is another."""
    scheme, _, token = (authorization_header or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(
            401,
            "missing_token",
            Text("the request carries no bearer token", "请求未携带访问令牌"),
            Text("send the header Authorization: Bearer <token>", "请发送请求头 Authorization: Bearer <令牌>"),
            headers={"WWW-Authenticate": "Bearer"},
        )
    return token.strip()


def principal_from(claims: Mapping[str, object]) -> Principal:
    """The principal of verified claims; 401 `invalid_token` naming a claim that is missing or malformed.

    A client-credentials token (RFC 9068, 2.2: its `sub` is the client itself, that is `azp` or `client_id`) acts for
    the `official` it names only with the scope `act`, else 403 `act_scope_missing`. A person's token needs no such
    scope: the issuer vouches that the person is the official.
    """
    subject = required_claim(claims, "sub")
    azp, client_id = text_claim(claims, "azp"), text_claim(claims, "client_id")
    official = text_claim(claims, "official")
    scopes = frozenset((text_claim(claims, "scope") or "").split())
    if official is not None and subject in (azp, client_id) and ACT_SCOPE not in scopes:
        raise Problem(
            403,
            "act_scope_missing",
            Text("a machine client may not act for an official without the scope act", "客户端程序未获代为行事的授权"),
            Text("ask for a token with the scope act, or without an official", "请申请带有 act 的令牌,或不指明官员"),
        )
    government = required_claim(claims, "government")
    if not GOVERNMENT.fullmatch(government):
        raise bad_claim("government")
    return Principal(
        subject=subject,
        client=azp or client_id or subject,
        government=government,
        organisation=text_claim(claims, "organisation"),
        official=official,
        scopes=scopes,
    )


def text_claim(claims: Mapping[str, object], name: str) -> str | None:
    """The claim as text, None if the token doesn't have it; 401 for anything but a non-empty, printable string."""
    value = claims.get(name)
    if value is None or (isinstance(value, str) and value and value.isprintable()):
        return value
    raise bad_claim(name)


def required_claim(claims: Mapping[str, object], name: str) -> str:
    """The claim as text; 401 if the token doesn't have it."""
    value = text_claim(claims, name)
    if value is None:
        raise bad_claim(name)
    return value


def unauthorised(code: str, detail: Text) -> Problem:
    """A 401 for a token that was given: RFC 6750, 3.1 knows one error for all of them."""
    challenge = f'Bearer error="invalid_token", error_description="{detail.en}"'
    return Problem(401, code, detail, headers={"WWW-Authenticate": challenge})


def invalid_token() -> Problem:
    """The same words for every fault before the signature holds: an attacker learns nothing from them."""
    return unauthorised("invalid_token", Text("the token is not valid here", "令牌无效"))


def bad_claim(name: str) -> Problem:
    """The signature holds, so its bearer may know which claim is at fault."""
    return unauthorised("invalid_token", Text(f"the claim {name} is missing or wrong", f"令牌声明 {name} 缺失或有误"))
