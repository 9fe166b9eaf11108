"""Authentication: the caller, its government and scopes, from an OAuth2 bearer JWT (RFC 6750 and RFC 9068).

Invariant: a `Principal` exists only for a token whose signature, issuer, audience and times were verified with a key of
the configured source. A key referenced or contained in the token itself (`jku`, `x5u`, `jwk`) is ignored.
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
GOVERNMENT = re.compile(r"[a-z][a-z0-9_]*")  # as in rulebooks; no token is for the national calendar's `*`
ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"})

KEYS_KEPT = 600.0
"""Seconds a loaded key set counts as fresh."""
REFRESH_PAUSE = 30.0
"""Minimum seconds between two attempts to load, whatever the cause: an unknown kid, age, or an outage."""
FIRST_LOAD_PAUSE = 1.0
"""Seconds between two attempts while no key was ever loaded, so that a start isn't delayed."""
LOAD_LIMIT = 5.0
"""Seconds one load may take in total."""
MOST_WAITING = 100
"""How many requests with an unknown key wait for a load at a time, so that they don't use up the connections of the process."""
TOKENS_KEPT = 1000
"""How many verified tokens are cached."""
MAX_LIFETIME = 86_400
"""Seconds from `iat` to `exp` that a token may be valid for, unless a setting says otherwise."""
SESSION_CLAIMS = ("sid", "session_state", "auth_time")
"""Claims of a token that was issued in the session of a person who signed in (OpenID Connect; Keycloak's older name)."""
MACHINE_CLAIMS = ("clientHost", "clientAddress")
"""Claims that Keycloak adds to the tokens of service accounts only."""
MACHINE_GRANTS = ("client_credentials", "client-credentials", "app")
"""Values of `grant_type`, `gty` and `idtyp` in tokens that a client got for itself."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The verified caller. `official` is the official it acts for, whose posts decide what is permitted."""

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
        """Raise 403 `insufficient_scope` with the missing scopes unless the token has all of them."""
        missing = [scope for scope in scopes if not self.has(scope)]
        if missing:
            names = " ".join(missing)
            raise Problem(
                403,
                "insufficient_scope",
                Text(f"the token lacks the scope {names}", f"访问令牌缺少权限范围 {names}"),
                Text(f"ask for a token with the scope {names}", f"请申请具有权限范围 {names} 的访问令牌"),
                extra={"missing_scopes": missing},
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{names}"'},
            )


class KeySource:
    """The issuer's public keys by kid, loaded from a URL or a file.

    Fresh for ten minutes; an unknown kid causes a reload, at most every 30 s; one load at a time. The last good set is
    kept during an outage, and requests with a known kid don't wait for the source then.
    """

    def __init__(self, load: Callable[[], Awaitable[bytes]], clock: Callable[[], float] = time.monotonic) -> None:
        """`load` returns a JWK set (RFC 7517) as JSON; `clock` is monotonic, in seconds."""
        self._load = load
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._stale_at = -math.inf
        self._next_attempt = -math.inf
        self._failing = False
        self._refreshing: asyncio.Task[None] | None = None
        self._waiting = 0

    @classmethod
    def at(cls, location: str) -> Self:
        """The source for a setting: an http(s) URL, or else the path of a file."""
        return cls.from_url(location) if location.startswith(("http://", "https://")) else cls.from_file(Path(location))

    @classmethod
    def from_url(
        cls,
        url: str,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """The JWK set at a URL; `transport` replaces the network in tests. Redirects aren't followed."""

        async def load() -> bytes:
            async with httpx.AsyncClient(transport=transport, timeout=LOAD_LIMIT) as client:
                return (await client.get(url)).raise_for_status().content

        return cls(load, clock)

    @classmethod
    def from_file(cls, path: Path, clock: Callable[[], float] = time.monotonic) -> Self:
        """The JWK set in a file, such as `LocalIssuer.jwks_path`."""
        return cls(lambda: asyncio.to_thread(path.read_bytes), clock)

    async def key(self, kid: str) -> Key | None:
        """The key with this kid, or None if the issuer has none. 503 `keys_unavailable` if many wait for unknown ones."""
        known = self._keys.get(kid)
        if known is not None and self._clock() < self._stale_at:
            return known
        refreshing = self._refresh_if_due()
        if not refreshing.done() and (known is None or not self._failing):
            if known is None and self._waiting >= MOST_WAITING:
                raise keys_unavailable()
            self._waiting += known is None
            try:
                await asyncio.shield(refreshing)
            finally:
                self._waiting -= known is None
        return self._keys.get(kid)

    async def ready(self) -> bool:
        """Whether keys are available; loads them the first time."""
        if not self._keys:
            refreshing = self._refresh_if_due()
            if not refreshing.done():
                await asyncio.shield(refreshing)
        return bool(self._keys)

    def _refresh_if_due(self) -> asyncio.Task[None]:
        """The load in progress, a new one if the interval is over, else the finished last one."""
        if self._refreshing is None or (self._refreshing.done() and self._clock() >= self._next_attempt):
            self._refreshing = asyncio.create_task(self._refresh())
        return self._refreshing

    async def _refresh(self) -> None:
        started = self._clock()
        try:
            # httpx limits each phase, not the total: a source that sends slowly would block us without this.
            async with asyncio.timeout(LOAD_LIMIT):
                self._keys = parse_key_set(await self._load())
        except Exception:  # whatever the source's error, the last good set is kept
            self._failing = True
            log.warning("the issuer's keys could not be loaded; keeping %d", len(self._keys), exc_info=True)
        else:
            self._failing = False
            self._stale_at = started + KEYS_KEPT
        self._next_attempt = started + (REFRESH_PAUSE if self._keys else FIRST_LOAD_PAUSE)


def parse_key_set(document: bytes) -> dict[str, Key]:
    """The keys of a JWK set by kid; unreadable keys are skipped. ValueError if none remains."""
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
    """The claims of a token with a valid signature, and the key that verified it."""

    kid: str
    key: Key
    claims: dict[str, Any]


class Authenticator:
    """Turns an Authorization header into a `Principal`, or raises a 401 problem.

    A valid signature isn't verified again while the issuer's key set is unchanged: that took a tenth of a read's time. The
    key is looked up and the claims, including times, are checked for every request. The last 1,000 tokens with a valid
    signature are cached by their digests.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: KeySource,
        algorithms: Iterable[str] = ("RS256", "ES256"),
        leeway: int = 30,
        now: Callable[[], float] = time.time,
        max_lifetime: int = MAX_LIFETIME,
    ) -> None:
        """`leeway` and `max_lifetime` are in seconds, `now` returns Unix time in seconds. ValueError for a symmetric
        algorithm."""
        allowed = frozenset(algorithms)
        if (
            not allowed or not allowed <= ASYMMETRIC
        ):  # joserfc replaces an empty list by its defaults, which include HS256
            raise ValueError(f"algorithms must be some of {sorted(ASYMMETRIC)}, not {sorted(allowed)}")
        self._keys = keys
        self._max_lifetime = max_lifetime
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
        """The caller of `Bearer <token>`.

        401 `missing_token`, `invalid_token`, `expired_token` or `token_valid_too_long`; 403 `act_scope_missing`; 503
        `keys_unavailable` while the issuer's keys were never loaded, as no token can be verified then, or while many wait.
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
            raise unauthorised("expired_token", Text("the token has expired", "访问令牌已过期")) from None
        except ClaimError as error:
            raise bad_claim(error.claim) from None
        except (JoseError, ValueError, TypeError):
            raise invalid_token() from None
        self._require_short_lived(held.claims)
        return principal_from(held.claims)

    def _require_short_lived(self, claims: Mapping[str, Any]) -> None:
        """401 `token_valid_too_long`: a token can't be revoked, so what bounds the harm of a leaked one is its lifetime. An
        `iat` that is moved up to shorten it lies in the future, which is refused before."""
        if not claims["exp"] - claims["iat"] <= self._max_lifetime:
            raise unauthorised(
                "token_valid_too_long",
                Text(
                    f"the token is valid for longer than {self._max_lifetime} seconds",
                    f"访问令牌的有效期超过{self._max_lifetime}秒",
                ),
            )

    async def ready(self) -> bool:
        """Whether tokens can be verified."""
        return await self._keys.ready()

    async def _verified(self, token: str) -> _Held:
        """The token's claims after verifying the signature; the claims aren't checked yet. Raises joserfc's errors."""
        kid, key = await self._key_of(token)
        return _Held(kid, key, jwt.decode(token, key, registry=self._signature).claims)

    async def _key_of(self, token: str) -> tuple[str, Key]:
        """The token's `kid` and the issuer's key with this kid; no other header selects a key."""
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError, TypeError, AttributeError):  # joserfc accepts a header that isn't an object
            raise invalid_token() from None
        if not isinstance(kid, str):
            raise invalid_token()
        key = await self._keys.key(kid)
        if key is not None:
            return kid, key
        if await self._keys.ready():
            raise invalid_token()
        raise keys_unavailable()


def bearer_token(authorization_header: str | None) -> str:
    """The token of the header; 401 `missing_token` if there is none or the scheme isn't Bearer."""
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
    """The principal of verified claims; 401 `invalid_token` naming a missing or malformed claim.

    A token that a client got for itself may act for the `official` it names only with the scope `act`, else 403
    `act_scope_missing`. A person's token doesn't need this scope: the issuer vouches that the person is the official.
    """
    subject = required_claim(claims, "sub")
    azp, client_id = text_claim(claims, "azp"), text_claim(claims, "client_id")
    official = text_claim(claims, "official")
    scopes = frozenset((text_claim(claims, "scope") or "").split())
    if official is not None and ACT_SCOPE not in scopes and not is_of_a_person(claims):
        raise Problem(
            403,
            "act_scope_missing",
            Text(
                "a machine client may not act for an official without the scope act; a token counts as a machine's unless it "
                f"has one of the claims {', '.join(SESSION_CLAIMS)}",
                "客户端程序未获授权代官员操作；访问令牌中没有个人登录会话信息"
                f"（{'、'.join(SESSION_CLAIMS)}）的，视为客户端程序的令牌",
            ),
            Text(
                "ask for a token with the scope act, or one without an official",
                "请申请可代官员办理的访问令牌，或使用不指明官员的访问令牌",
            ),
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


def is_of_a_person(claims: Mapping[str, object]) -> bool:
    """Whether the issuer says that a person signed in for this token, rather than a client for itself.

    RFC 9068, 2.2: the `sub` of a client's own token is the client. Not every issuer keeps to it: Keycloak gives a service
    account an id of its own as `sub`, and the client only in `preferred_username`. So a session is required, and any sign of
    a client's own token outweighs it, as a service account that may refresh its tokens has a session too.
    """
    subject, username = claims.get("sub"), claims.get("preferred_username")
    clients = [claims.get(name) for name in ("azp", "client_id", "clientId")]
    machine = (
        any(client and subject in (client, f"{client}@clients") for client in clients)
        or (isinstance(username, str) and username.startswith("service-account-"))
        or any(name in claims for name in MACHINE_CLAIMS)
        or any(claims.get(name) in MACHINE_GRANTS for name in ("grant_type", "gty", "idtyp"))
    )
    return not machine and any(claims.get(name) for name in SESSION_CLAIMS)


def text_claim(claims: Mapping[str, object], name: str) -> str | None:
    """The claim as text, None if it is absent; 401 unless it is a non-empty, printable string."""
    value = claims.get(name)
    if value is None or (isinstance(value, str) and value and value.isprintable()):
        return value
    raise bad_claim(name)


def required_claim(claims: Mapping[str, object], name: str) -> str:
    """The claim as text; 401 if it is absent."""
    value = text_claim(claims, name)
    if value is None:
        raise bad_claim(name)
    return value


def unauthorised(code: str, detail: Text) -> Problem:
    """A 401 for a given token; RFC 6750, 3.1 has one error code for all causes."""
    challenge = f'Bearer error="invalid_token", error_description="{detail.en}"'
    return Problem(401, code, detail, headers={"WWW-Authenticate": challenge})


def invalid_token() -> Problem:
    """The same text for every fault found before the signature is verified, so that an attacker learns nothing."""
    return unauthorised("invalid_token", Text("the token is not valid here", "访问令牌无效"))


def keys_unavailable() -> Problem:
    """503: no token with this key can be verified yet."""
    text = Text("the issuer's keys couldn't be loaded yet", "尚未取得令牌签发方的公钥")
    return Problem(503, "keys_unavailable", text, headers={"Retry-After": "5"})


def bad_claim(name: str) -> Problem:
    """401 naming the claim at fault; only after the signature was verified."""
    return unauthorised(
        "invalid_token", Text(f"the claim {name} is missing or wrong", f"访问令牌的声明 {name} 缺失或有误")
    )
