"""Authentication: the token matrix against a local issuer whose key set is served over a fake network."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from zhengling.kernel.errors import Problem
from zhengling.local.issuer import LocalIssuer
from zhengling.service import auth
from zhengling.service.auth import Authenticator, KeySource, Principal

JWKS_URL = "https://issuer.example/jwks"


class Clock:
    """A clock in seconds that advances only when set."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class KeyServer:
    """The issuer's key set on the network: counts every request to anywhere, can be down or slow."""

    def __init__(self, *jwks_paths: Path) -> None:
        self.requested: list[str] = []
        self.down = False
        self.delay = 0.0
        self.publish(*jwks_paths)

    def publish(self, *jwks_paths: Path) -> None:
        self.keys = [key for path in jwks_paths for key in json.loads(path.read_text())["keys"]]

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.requested.append(str(request.url))
        await asyncio.sleep(self.delay)
        if self.down:
            raise httpx.ConnectError("the issuer is down")
        return httpx.Response(200, json={"keys": self.keys})


class World:
    """One issuer, its key server, and an authenticator that trusts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.issuer = LocalIssuer(folder / "issuer")
        self.server = KeyServer(self.issuer.jwks_path)
        self.keys = KeySource.from_url(JWKS_URL, httpx.MockTransport(self.server.answer), self.clock)
        self.authenticator = self.trusting(self.keys)

    def trusting(self, keys: KeySource, algorithms: tuple[str, ...] = ("RS256", "ES256")) -> Authenticator:
        return Authenticator(self.issuer.issuer, self.issuer.audience, keys, algorithms)

    def token(self, **overrides: object) -> str:
        given = {"subject": "li.ming", "government": "shuangtaizi"} | overrides
        return self.issuer.token(**given)  # type: ignore[arg-type]

    def private_key(self) -> ECKey:
        return ECKey.import_key(json.loads((self.folder / "issuer" / "private.json").read_text()))

    def other_issuer(self, name: str = "other") -> LocalIssuer:
        """The same issuer by name, with another key."""
        return LocalIssuer(self.folder / name)

    async def principal(self, token: str) -> Principal:
        return await self.authenticator.authenticate(f"Bearer {token}")

    async def refusal(self, authorization_header: str | None) -> Problem:
        with pytest.raises(Problem) as raised:
            await self.authenticator.authenticate(authorization_header)
        return raised.value

    async def refused(self, token: str) -> str:
        """The code of the 401 for this token."""
        problem = await self.refusal(f"Bearer {token}")
        assert problem.status == 401
        assert problem.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
        return problem.code


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def segment(value: object) -> str:
    return base64url(json.dumps(value).encode())


def header_of(token: str) -> dict[str, object]:
    encoded = token.split(".")[0]
    header: dict[str, object] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return header


def with_header(token: str, **members: object) -> str:
    """The token with another header, its signature left as it is."""
    return ".".join([segment(header_of(token) | members), *token.split(".")[1:]])


def claims_of(world: World) -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": world.issuer.issuer,
        "aud": world.issuer.audience,
        "sub": "li.ming",
        "government": "shuangtaizi",
        "iat": now,
        "exp": now + 60,
    }


# Who is let in


@pytest.mark.asyncio
async def test_a_person_is_known_by_subject_government_organisation_official_and_scopes(world: World) -> None:
    token = world.token(
        organisation="office", official="li.ming", scopes=["meeting:read", "meeting:write"], client_id="web"
    )
    assert await world.principal(token) == Principal(
        subject="li.ming",
        client="web",
        government="shuangtaizi",
        organisation="office",
        official="li.ming",
        scopes=frozenset({"meeting:read", "meeting:write"}),
    )


@pytest.mark.asyncio
async def test_the_client_is_azp_then_client_id_then_the_subject(world: World) -> None:
    assert (await world.principal(world.token(azp="portal", client_id="web"))).client == "portal"
    assert (await world.principal(world.token(client_id="web"))).client == "web"
    assert (await world.principal(world.token())).client == "li.ming"


@pytest.mark.asyncio
async def test_an_audience_may_be_one_of_a_list(world: World) -> None:
    assert await world.principal(world.token(aud=["elsewhere", world.issuer.audience]))
    assert await world.refused(world.token(aud=["elsewhere", "nowhere"])) == "invalid_token"
    assert await world.refused(world.token(aud=[])) == "invalid_token"


@pytest.mark.asyncio
async def test_the_scheme_is_matched_whatever_its_case(world: World) -> None:
    assert await world.authenticator.authenticate(f"bearer {world.token()}")


@pytest.mark.asyncio
async def test_an_rs256_token_is_accepted_with_an_rsa_key(world: World) -> None:
    key = RSAKey.generate_key(2048, auto_kid=True)
    world.server.keys = [key.as_dict(private=False)]
    token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims_of(world), key)
    assert (await world.principal(token)).government == "shuangtaizi"


@pytest.mark.asyncio
async def test_an_unknown_header_is_ignored_unless_it_is_critical(world: World) -> None:
    key = world.private_key()

    def signed(**members: object) -> str:
        header = {"alg": "ES256", "kid": key.kid, **members}
        return jwt.encode(
            header, claims_of(world), key, registry=JWSRegistry(algorithms=["ES256"], strict_check_header=False)
        )

    assert await world.principal(signed(nonce="abc"))
    critical = with_header(signed(nonce="abc"), crit=["nonce"])
    assert await world.refused(critical) == "invalid_token"


# Who isn't


@pytest.mark.asyncio
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic bGk6bWluZw==", "Token abc", "bearerabc"])
async def test_no_bearer_token_is_a_missing_token(world: World, header: str | None) -> None:
    problem = await world.refusal(header)
    assert (problem.status, problem.code) == (401, "missing_token")
    assert problem.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "garbage",
    ["x", "a.b.c", "...", "令牌.é.é", "\ud800.b.c", "a b", "[", segment(["alg"]) + ".e30.e30", "e30.e30.e30"],
)
async def test_garbage_is_an_invalid_token(world: World, garbage: str) -> None:
    assert await world.refused(garbage) == "invalid_token"


@pytest.mark.asyncio
async def test_a_token_without_a_signature_is_refused_whatever_its_alg_says(world: World) -> None:
    payload = world.token().split(".")[1]
    kid = header_of(world.token())["kid"]
    for alg in ("none", "None", "ES256"):
        assert await world.refused(f"{segment({'alg': alg, 'kid': kid})}.{payload}.") == "invalid_token"


@pytest.mark.asyncio
async def test_hs256_with_the_public_key_as_the_secret_is_refused(world: World) -> None:
    rsa = RSAKey.generate_key(2048, auto_kid=True)
    world.server.keys.append(rsa.as_dict(private=False))
    signed = f"{segment({'alg': 'HS256', 'kid': rsa.kid})}.{segment(claims_of(world))}"
    # joserfc wouldn't make such a token, an attacker does
    forged = f"{signed}.{base64url(hmac.digest(rsa.as_pem(private=False), signed.encode(), 'sha256'))}"
    assert await world.refused(forged) == "invalid_token"


@pytest.mark.asyncio
async def test_a_shared_secret_in_the_key_set_is_never_used(world: World) -> None:
    secret = OctKey.generate_key(256, auto_kid=True)
    world.server.keys.append(secret.as_dict(private=True))
    forged = jwt.encode({"alg": "HS256", "kid": secret.kid}, claims_of(world), secret, algorithms=["HS256"])
    assert await world.refused(forged) == "invalid_token"


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("ES256", "HS256")])
def test_symmetric_or_no_algorithms_cannot_be_configured(world: World, algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        world.trusting(world.keys, algorithms)


@pytest.mark.asyncio
async def test_an_algorithm_that_is_not_listed_is_refused(world: World) -> None:
    world.authenticator = world.trusting(world.keys, ("RS256",))
    assert await world.refused(world.token()) == "invalid_token"


@pytest.mark.asyncio
async def test_a_changed_payload_or_a_foreign_signature_is_refused_with_the_same_words(world: World) -> None:
    header, _, signature = world.token().split(".")
    changed = f"{header}.{segment(claims_of(world) | {'government': 'elsewhere'})}.{signature}"
    foreign = with_header(world.other_issuer().token("li.ming", "shuangtaizi"), kid=header_of(world.token())["kid"])
    unknown = with_header(world.token(), kid="unknown")
    documents = [(await world.refusal(f"Bearer {token}")).document() for token in (changed, foreign, unknown, "x")]
    assert all(document == documents[0] for document in documents)
    assert documents[0]["code"] == "invalid_token"


@pytest.mark.asyncio
@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "sub", "government"])
async def test_a_token_needs_every_required_claim(world: World, claim: str) -> None:
    missing = await world.refusal(f"Bearer {with_claim(world, claim, None)}")
    assert (missing.status, missing.code) == (401, "invalid_token")
    assert claim in missing.detail.en and claim in missing.detail.zh
    assert await world.refused(with_claim(world, claim, "")) == "invalid_token"
    assert await world.refused(with_claim(world, claim, {"a": 1})) == "invalid_token"


def with_claim(world: World, claim: str, value: object) -> str:
    """A well-signed token with one claim set, or left out for None."""
    key = world.private_key()
    claims = {name: given for name, given in (claims_of(world) | {claim: value}).items() if given is not None}
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


@pytest.mark.asyncio
@pytest.mark.parametrize("claim", ["organisation", "official", "scope", "azp", "client_id"])
async def test_an_optional_claim_must_be_text(world: World, claim: str) -> None:
    assert await world.refused(with_claim(world, claim, ["a"])) == "invalid_token"


@pytest.mark.asyncio
async def test_another_issuer_or_audience_is_refused(world: World) -> None:
    assert await world.refused(world.token(iss="https://elsewhere.example")) == "invalid_token"
    assert await world.refused(world.token(aud="elsewhere")) == "invalid_token"


@pytest.mark.asyncio
async def test_an_expired_token_says_so_once_the_leeway_is_over(world: World) -> None:
    assert await world.refused(world.token(lifetime=-60)) == "expired_token"
    assert await world.principal(world.token(lifetime=-10))


@pytest.mark.asyncio
async def test_a_token_that_was_accepted_is_refused_once_it_has_expired(world: World) -> None:
    seconds = Clock()
    seconds.seconds = time.time()
    authenticator = Authenticator(world.issuer.issuer, world.issuer.audience, world.keys, now=seconds)
    header = f"Bearer {world.token(lifetime=60)}"
    assert (await authenticator.authenticate(header)).subject == "li.ming"
    seconds.advance(85)  # within the leeway
    assert (await authenticator.authenticate(header)).subject == "li.ming"
    seconds.advance(10)
    with pytest.raises(Problem, match="expired_token"):
        await authenticator.authenticate(header)


async def test_a_token_that_was_accepted_is_checked_anew_with_another_key_of_the_same_name(world: World) -> None:
    """As when a key that leaked is replaced under its old kid."""
    token = world.token()
    assert (await world.principal(token)).subject == "li.ming"
    other = json.loads(world.other_issuer().jwks_path.read_text())["keys"][0]
    world.server.keys = [other | {"kid": world.server.keys[0]["kid"]}]
    world.clock.advance(601)
    assert await world.refused(token) == "invalid_token"


async def test_a_changed_token_is_another_token(world: World) -> None:
    token = world.token()
    assert (await world.principal(token)).subject == "li.ming"
    for changed in (token[:-2], f"{token}A", token.replace(".", ".A", 1)):
        assert await world.refused(changed) == "invalid_token"


async def test_only_so_many_tokens_are_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhengling.service.auth.TOKENS_KEPT", 3)
    for n in range(5):
        assert (await world.principal(world.token(subject=f"li.{n}"))).subject == f"li.{n}"
    assert len(world.authenticator._held) == 3


async def test_a_token_from_the_future_is_refused(world: World) -> None:
    assert await world.refused(world.token(iat=int(time.time()) + 3600)) == "invalid_token"
    assert await world.refused(world.token(nbf=int(time.time()) + 3600)) == "invalid_token"
    assert await world.principal(world.token(iat=int(time.time()) + 10))


@pytest.mark.asyncio
@pytest.mark.parametrize("never", [float("nan"), float("inf"), True, "9999999999"])
async def test_an_expiry_that_is_no_number_of_seconds_is_refused(world: World, never: object) -> None:
    assert await world.refused(world.token(exp=never)) == "invalid_token"


def test_the_local_issuer_gives_a_session_to_persons_only(world: World) -> None:
    def claims(token: str) -> dict[str, object]:
        return jwt.decode(token, world.private_key(), algorithms=["ES256"]).claims

    assert claims(world.token())["sid"]
    assert "sid" not in claims(world.token(client_id="li.ming")) and "sid" not in claims(world.token(azp="li.ming"))


@pytest.mark.asyncio
async def test_a_token_good_for_years_is_refused_whatever_its_iat_says(world: World) -> None:
    now, day, century = int(time.time()), 86_400, 100 * 365 * 86_400
    assert await world.principal(world.token(lifetime=day))
    for token in (world.token(lifetime=day + 1), world.token(lifetime=century), world.token(iat=0)):
        assert await world.refused(token) == "token_valid_too_long"
    moved_up = world.token(iat=now + century - 3600, exp=now + century)
    assert await world.refused(moved_up) == "invalid_token"


@pytest.mark.asyncio
async def test_how_long_a_token_may_be_valid_is_a_setting(world: World) -> None:
    issuer = world.issuer
    world.authenticator = Authenticator(issuer.issuer, issuer.audience, world.keys, max_lifetime=600)
    assert await world.principal(world.token(lifetime=600))
    assert await world.refused(world.token(lifetime=601)) == "token_valid_too_long"


# Scopes, and machines that act for officials


@pytest.mark.asyncio
async def test_a_missing_scope_is_named(world: World) -> None:
    principal = await world.principal(world.token(scopes=["meeting:read"]))
    principal.require("meeting:read")
    with pytest.raises(Problem) as raised:
        principal.require("meeting:read", "meeting:write")
    problem = raised.value
    assert (problem.status, problem.code) == (403, "insufficient_scope")
    assert "meeting:write" in problem.detail.en and "meeting:read" not in problem.detail.en
    assert problem.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="meeting:write"'


@pytest.mark.asyncio
@pytest.mark.parametrize("claim", ["client_id", "azp"])
async def test_a_machine_acts_for_an_official_only_with_the_scope_act(world: World, claim: str) -> None:
    def machine(scope: str) -> str:
        claims: dict[str, object] = {"subject": "archive-import", claim: "archive-import"}
        return world.token(official="li.ming", scopes=[scope], **claims)

    problem = await world.refusal(f"Bearer {machine('task:write')}")
    assert (problem.status, problem.code) == (403, "act_scope_missing")
    assert (await world.principal(machine("act"))).official == "li.ming"


#: What Keycloak puts into the token of a service account, whose `sub` is an id of its own.
KEYCLOAK = {
    "subject": "0f0c4a5e-6f0b-4c43-9e0e-3b1a2b1d7c11",
    "azp": "archive-import",
    "preferred_username": "service-account-archive-import",
    "clientHost": "10.0.0.7",
    "clientAddress": "10.0.0.7",
    "acr": "1",
}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "claims",
    [
        KEYCLOAK | {"sid": None},
        KEYCLOAK | {"sid": None, "client_id": "archive-import"},
        KEYCLOAK,  # a service account that may refresh its tokens has a session
        {"subject": "u-1", "azp": "archive-import", "preferred_username": "service-account-archive-import"},
        {"subject": "u-1", "azp": "archive-import", "clientHost": "10.0.0.7"},
        {"subject": "u-1", "azp": "archive-import", "sid": None},  # a lightweight token: nothing but the client
        {"subject": "u-1", "sid": None, "acr": "1"},
        {"subject": "archive-import@clients", "azp": "archive-import", "gty": "client-credentials"},
        {"subject": "u-1", "azp": "archive-import", "grant_type": "client_credentials"},
        {"subject": "u-1", "azp": "archive-import", "idtyp": "app"},
        {"subject": "archive-import", "clientId": "archive-import"},
    ],
)
async def test_a_service_account_in_its_issuers_default_form_is_a_machine(
    world: World, claims: dict[str, object]
) -> None:
    problem = await world.refusal(f"Bearer {world.token(official='li.ming', **claims)}")
    assert (problem.status, problem.code) == (403, "act_scope_missing")
    assert (await world.principal(world.token(official="li.ming", scopes=["act"], **claims))).official == "li.ming"
    assert (await world.principal(world.token(**claims))).official is None


@pytest.mark.asyncio
@pytest.mark.parametrize("session", ["sid", "session_state", "auth_time"])
async def test_a_persons_session_shows_in_one_claim_of_their_token(world: World, session: str) -> None:
    """As in Keycloak's tokens for persons, old and new."""
    claims = {"azp": "portal", "preferred_username": "li.ming", "acr": "1", "sid": None, session: 1782000000}
    token = world.token(subject="f81d4fae-7dec-11d0-a765-00a0c91e6bf6", official="li.ming", **claims)
    assert (await world.principal(token)).official == "li.ming"


@pytest.mark.asyncio
async def test_a_machine_that_names_no_official_needs_no_scope_act(world: World) -> None:
    token = world.issuer.token("archive-import", "shuangtaizi", client_id="archive-import")
    assert (await world.principal(token)).official is None


# The issuer's keys


@pytest.mark.asyncio
async def test_keys_are_loaded_once_for_ten_minutes(world: World) -> None:
    for _ in range(5):
        await world.principal(world.token())
        world.clock.advance(119)
    assert len(world.server.requested) == 1
    world.clock.advance(10)
    await world.principal(world.token())
    assert len(world.server.requested) == 2


@pytest.mark.asyncio
async def test_a_new_key_is_picked_up_and_one_taken_away_is_refused(world: World) -> None:
    old = world.token()
    await world.principal(old)
    rotated = world.other_issuer()
    world.server.publish(rotated.jwks_path)
    world.clock.advance(31)
    assert await world.principal(rotated.token("li.ming", "shuangtaizi"))
    assert await world.refused(old) == "invalid_token"


@pytest.mark.asyncio
async def test_a_removed_key_is_refused_after_ten_minutes_without_another_trigger(world: World) -> None:
    old = world.token()
    await world.principal(old)
    world.server.publish(world.other_issuer().jwks_path)
    world.clock.advance(600)
    assert await world.refused(old) == "invalid_token"


@pytest.mark.asyncio
async def test_unknown_kids_load_the_keys_at_most_once_in_thirty_seconds(world: World) -> None:
    await world.principal(world.token())
    world.clock.advance(31)
    for attempt in range(20):
        assert await world.refused(with_header(world.token(), kid=f"unknown-{attempt}")) == "invalid_token"
        world.clock.advance(1)
    assert len(world.server.requested) == 2
    world.clock.advance(10)
    await world.refused(with_header(world.token(), kid="unknown"))
    assert len(world.server.requested) == 3


@pytest.mark.asyncio
async def test_many_callers_at_once_share_one_load(world: World) -> None:
    world.server.delay = 0.02
    principals = await asyncio.gather(*(world.principal(world.token()) for _ in range(50)))
    assert len(principals) == 50
    assert len(world.server.requested) == 1


@pytest.mark.asyncio
async def test_a_caller_who_gives_up_does_not_stop_the_load_for_the_others(world: World) -> None:
    world.server.delay = 0.02
    impatient = asyncio.create_task(world.principal(world.token()))
    patient = asyncio.create_task(world.principal(world.token()))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient
    assert len(world.server.requested) == 1


@pytest.mark.asyncio
async def test_the_last_good_keys_survive_an_outage_and_are_tried_again_every_thirty_seconds(world: World) -> None:
    await world.principal(world.token())
    world.server.down = True
    for _ in range(10):
        world.clock.advance(600)
        assert await world.principal(world.token())
    assert await world.authenticator.ready()
    before = len(world.server.requested)
    for _ in range(5):
        assert await world.principal(world.token())
    assert len(world.server.requested) <= before + 1
    world.server.down = False
    world.server.publish(world.other_issuer().jwks_path)
    world.clock.advance(31)
    assert await world.principal(world.other_issuer().token("li.ming", "shuangtaizi"))


@pytest.mark.asyncio
async def test_a_bounded_number_of_requests_with_unknown_keys_waits_for_a_slow_issuer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "MOST_WAITING", 3)
    await world.principal(world.token())
    world.clock.advance(31)
    world.server.delay = 60.0
    unknown = with_header(world.token(), kid="unknown")
    waiting = [asyncio.create_task(world.refused(unknown)) for _ in range(3)]
    await asyncio.sleep(0)
    refused = await world.refusal(f"Bearer {unknown}")
    assert (refused.status, refused.code, refused.headers) == (503, "keys_unavailable", {"Retry-After": "5"})
    assert await world.principal(world.token()), "who has a known key doesn't wait"
    assert not any(each.done() for each in waiting)
    for each in waiting:
        each.cancel()


async def test_during_an_outage_a_known_kid_does_not_wait_for_the_source(world: World) -> None:
    await world.principal(world.token())
    world.server.down = True
    world.clock.advance(600)
    await world.principal(world.token())
    world.server.delay = 60.0
    world.clock.advance(31)
    async with asyncio.timeout(1):
        assert await world.principal(world.token())


@pytest.mark.asyncio
async def test_an_invalid_key_set_does_not_replace_a_good_one(world: World) -> None:
    await world.principal(world.token())
    for nonsense in ([], [{"kty": "AKP"}], ["x"], None):
        world.server.keys = nonsense  # type: ignore[assignment]
        world.clock.advance(600)
        assert await world.principal(world.token())


@pytest.mark.asyncio
async def test_an_unreadable_key_does_not_affect_the_others(world: World) -> None:
    world.server.keys[:0] = [{"kty": "AKP", "kid": "pq"}, {"kty": "EC", "crv": "P-256"}, {"kid": "no kty"}]
    assert await world.principal(world.token())


@pytest.mark.asyncio
async def test_without_any_keys_no_token_is_called_invalid(world: World) -> None:
    world.server.down = True
    assert not await world.authenticator.ready()
    problem = await world.refusal(f"Bearer {world.token()}")
    assert (problem.status, problem.code) == (503, "keys_unavailable")
    world.server.down = False
    world.clock.advance(2)
    assert await world.authenticator.ready()
    assert await world.principal(world.token())


@pytest.mark.asyncio
async def test_a_key_referenced_or_contained_in_the_token_is_ignored(world: World) -> None:
    attacker = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)
    public = attacker.as_dict(private=False)
    evil = "https://evil.example/keys"
    kid = header_of(world.token())["kid"]
    for lure in ({"jku": evil}, {"x5u": evil}, {"jwk": public}):
        for claimed in (kid, attacker.kid):
            forged = jwt.encode({"alg": "ES256", "kid": claimed, **lure}, claims_of(world), attacker)
            assert await world.refused(forged) == "invalid_token"
    assert set(world.server.requested) == {JWKS_URL}


@pytest.mark.asyncio
async def test_an_honest_token_with_a_jku_is_checked_with_the_configured_keys(world: World) -> None:
    key = world.private_key()
    header = {"alg": "ES256", "kid": key.kid, "jku": "https://evil.example/keys"}
    assert await world.principal(jwt.encode(header, claims_of(world), key))
    assert world.server.requested == [JWKS_URL]


# The local issuer


@pytest.mark.asyncio
async def test_keys_come_from_a_file_as_well(world: World) -> None:
    world.authenticator = world.trusting(KeySource.at(str(world.issuer.jwks_path)))
    assert await world.authenticator.ready()
    assert await world.principal(world.token())


@pytest.mark.asyncio
async def test_the_local_issuer_keeps_its_key_when_it_starts_again(world: World) -> None:
    again = LocalIssuer(world.folder / "issuer")
    assert header_of(again.token("a", "b")) == header_of(world.token())
    assert await world.principal(again.token("li.ming", "shuangtaizi"))


def test_the_private_key_is_for_its_owner_and_the_public_one_for_everybody(world: World) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (world.folder / "issuer").iterdir()}
    assert modes == {"private.json": 0o600, "jwks.json": 0o644}
    assert all("d" not in key for key in json.loads(world.issuer.jwks_path.read_text())["keys"])


def test_processes_that_start_at_once_end_up_with_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = LocalIssuer(tmp_path)
    with monkeypatch.context() as patch:  # the second one looked before the first had written
        patch.setattr(Path, "exists", lambda self, **_: False)
        second = LocalIssuer(tmp_path)
    assert header_of(first.token("a", "b")) == header_of(second.token("a", "b"))
