"""What the value of a setting must be, beyond its type: rules that always hold, and those of the production profile.

Invariant: the texts of a finding are constants, so that no finding can show a value. A rule that protects a connection can
be accepted by the name of its risk in ACCEPTED_RISKS, since a network may protect it already; the others can't.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlalchemy.engine import URL

from zhengling.backbone.anchors import SigningKey
from zhengling.database.session import postgresql_url
from zhengling.files.kinds import KINDS

LOCAL_ISSUER = "urn:zhengling:local"
"""The issuer of the embedded stack, whose private key lies in its folder."""
PUBLISHED_BY = "issuer"
"""The member of a key set's file that names its issuer."""


class Finding(BaseModel):
    """One thing that is wrong with the settings: the variable, what is wrong, what would be right. `risk` is the name by
    which ACCEPTED_RISKS accepts it; None: it can't be accepted."""

    model_config = ConfigDict(frozen=True)
    variable: str
    problem: str
    remedy: str
    risk: str | None = None

    def __str__(self) -> str:
        accept = f" (or accept this with ACCEPTED_RISKS={self.risk})" if self.risk else ""
        return f"{self.variable} {self.problem}; right would be: {self.remedy}{accept}"


class UnfitSettings(ValueError):
    """Settings that a process doesn't start with; its text has a line for each finding."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


@dataclass(frozen=True)
class Given:
    """The settings that were declared and accepted before the one in question; None for those that weren't."""

    values: Mapping[str, Any]
    keeps_files: bool

    def __getitem__(self, setting: str) -> Any:
        return plain(self.values.get(setting))


@dataclass(frozen=True)
class Rule:
    """`broken` says of a setting's value, without its `SecretStr`, whether it breaks the rule."""

    setting: str
    broken: Callable[[Any, Given], bool]
    problem: str
    remedy: str
    risk: str | None = None

    def finding(self) -> Finding:
        return Finding(variable=self.setting.upper(), problem=self.problem, remedy=self.remedy, risk=self.risk)


def plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


# predicates -----------------------------------------------------------------------------------------------------------
def parts(text: str) -> list[str]:
    """The parts of a list separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def printable(text: str) -> bool:
    """Whether a text has at least one character, none of them a space or unprintable."""
    return bool(text) and text.isprintable() and " " not in text


def address(text: str, *schemes: str) -> SplitResult | None:
    """The URL with one of these schemes and a host, without user, query or fragment; None if the text isn't one."""
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - ValueError for a port that is none
    except ValueError:
        return None
    sound = url.scheme in schemes and url.hostname and printable(text) and "\\" not in text
    return url if sound and "@" not in url.netloc and not url.query and not url.fragment else None


def is_web_address(text: str) -> bool:
    return address(text, "http", "https") is not None


def is_local(host: str) -> bool:
    """Whether a host is this machine: its name, a loopback address, or the folder of a socket."""
    try:
        return host == "localhost" or host.startswith("/") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_over_the_network_in_the_clear(text: str) -> bool:
    url = address(text, "http")
    return url is not None and not is_local(url.hostname or "")


def is_file_store(text: str) -> bool:
    """Whether a text is `s3://bucket`, with or without a prefix, or `file:///folder`."""
    bucket, folder = address(text, "s3"), text.removeprefix("file://")
    if bucket is not None:
        return ":" not in bucket.netloc
    return text.startswith("file:///") and bool(folder.strip("/"))


def is_broker(text: str) -> bool:
    """Whether a text is `host` or `host:port`."""
    return address(f"kafka://{text}", "kafka") is not None and "/" not in text


def options(url: URL, name: str, otherwise: str | None) -> tuple[str, ...]:
    """What a database's URL says in its query, which goes before what it says elsewhere."""
    said = url.query.get(name, otherwise or "")
    return (said,) if isinstance(said, str) else said


def is_postgresql(text: str) -> bool:
    url = postgresql_url(text)
    return url is not None and all(
        all(options(url, name, otherwise))
        for name, otherwise in (("host", url.host), ("user", url.username), ("database", url.database))
    )


def connects_as(text: str, *endings: str) -> bool:
    """Whether the URL's user has one of these names, or a name with one of these endings."""
    url = postgresql_url(text)
    return url is not None and any(user.endswith(endings) for user in options(url, "user", url.username))


def is_unverified_database(text: str) -> bool:
    """Whether the server is another machine, and the connection isn't encrypted to a server whose certificate is verified."""
    url = postgresql_url(text)
    if url is None:
        return False
    hosts = [host.partition(":")[0] if host.count(":") == 1 else host for host in options(url, "host", url.host)]
    return not all(map(is_local, hosts)) and options(url, "ssl", None) not in (("verify-ca",), ("verify-full",))


def keys_in(path: str) -> dict[str, Any] | None:
    """The key set in a file; None if there is none."""
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    keys = found.get("keys") if isinstance(found, dict) else None
    return found if isinstance(keys, list) and keys and all(isinstance(key, dict) for key in keys) else None


def is_local_issuers(path: str) -> bool:
    return (keys_in(path) or {}).get(PUBLISHED_BY) == LOCAL_ISSUER


def has_private_key(path: str) -> bool:
    """Whether the file, or `private.json` beside it, holds what signs or decrypts: private or symmetric keys (RFC 7518, 6)."""
    return (
        any({"d", "k"} & key.keys() for key in (keys_in(path) or {"keys": []})["keys"])
        or Path(path).with_name("private.json").exists()
    )


def is_a_file(location: str) -> bool:
    return "://" not in location


def readable(path: str) -> bool:
    return os.access(path, os.R_OK) and Path(path).is_file()


def is_signing_key(path: str) -> bool:
    try:
        return SigningKey(path).is_private
    except (OSError, ValueError):
        return False


def lacks_for_sasl(value: str | None, given: Given) -> bool:
    return str(given["kafka_security_protocol"]).startswith("SASL") and not value


def kafka_is(*protocols: str) -> Callable[[Any, Given], bool]:
    return lambda value, _: value in protocols


# rules ----------------------------------------------------------------------------------------------------------------
_DATABASE = "postgresql://user:password@host/database; characters of the password such as @ : / # are percent-encoded"
_VERIFIED = "add ?ssl=verify-full, with the certificate of its authority in the file that PGSSLROOTCERT names"
_WEB = "https://host[:port][/path] without user, query or fragment"
_S3 = "file:///folder with three slashes, or s3://bucket/prefix"

ALWAYS = (
    Rule(
        "accepted_risks",
        lambda text, _: not set(parts(text)) <= set(RISKS),
        "names a risk that isn't one",
        "the names that findings give, separated by commas",
    ),
    Rule("database_url", lambda text, _: not is_postgresql(text), "isn't the URL of a PostgreSQL database", _DATABASE),
    Rule(
        "migration_database_url",
        lambda text, _: not is_postgresql(text),
        "isn't the URL of a PostgreSQL database",
        _DATABASE,
    ),
    Rule(
        "metrics_port",
        lambda port, given: port == given["port"],
        "is the same as PORT",
        "a port of its own, which callers of the API don't reach",
    ),
    Rule("public_url", lambda text, _: text is not None and not is_web_address(text), "isn't a web address", _WEB),
    Rule(
        "otlp_traces_endpoint",
        lambda text, _: text is not None and not is_web_address(text),
        "isn't a web address",
        _WEB,
    ),
    Rule("instance", lambda text, _: not printable(text), "isn't a name", "printable characters without spaces"),
    Rule(
        "rulebooks",
        lambda text, _: not all(Path(part).is_dir() for part in text.split(os.pathsep) if part),
        "names a folder that isn't there",
        f"folders separated by {os.pathsep}",
    ),
    Rule("auth_issuer", lambda text, _: not printable(text), "isn't a name", "the issuer as its tokens name it in iss"),
    Rule("auth_audience", lambda text, _: not printable(text), "isn't a name", "what tokens name in aud"),
    Rule(
        "auth_jwks",
        lambda text, _: not (is_web_address(text) or is_a_file(text)),
        "isn't a web address without user and query, nor a path",
        "https://host/path of the issuer's key set, or the path of a file",
    ),
    Rule(
        "kafka_bootstrap_servers",
        lambda text, _: not parts(text) or not all(map(is_broker, parts(text))),
        "isn't a list of brokers",
        "host:port of some brokers, separated by commas",
    ),
    *(
        Rule(
            setting,
            lambda path, _: path is not None and not readable(path),
            "names a file that can't be read",
            "the path of a file in PEM format",
        )
        for setting in ("kafka_ssl_ca_file", "kafka_ssl_certificate_file", "kafka_ssl_key_file")
    ),
    *(
        Rule(
            setting,
            lacks_for_sasl,
            "isn't set, and KAFKA_SECURITY_PROTOCOL names SASL",
            "what the broker knows this service by",
        )
        for setting in ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password")
    ),
    Rule(
        "file_store_url",
        lambda text, given: text is None and given.keeps_files,
        "isn't set, and this service stores files",
        _S3,
    ),
    Rule("file_store_url", lambda text, _: text is not None and not is_file_store(text), "isn't a file store", _S3),
    Rule(
        "file_kinds",
        lambda text, _: not set(parts(text)) <= KINDS.keys(),
        "names a kind that isn't one",
        f"some of {', '.join(KINDS)}",
    ),
    Rule(
        "file_s3_endpoint", lambda text, _: text is not None and not is_web_address(text), "isn't a web address", _WEB
    ),
    Rule(
        "file_s3_secret_access_key",
        lambda secret, given: bool(secret) != bool(given["file_s3_access_key_id"]),
        "is set without FILE_S3_ACCESS_KEY_ID, or that without this",
        "both, or neither where AWS_* variables or the machine's role give them",
    ),
    Rule(
        "audit_anchor_url",
        lambda text, _: text is not None and not is_file_store(text),
        "isn't a place for anchors",
        _S3,
    ),
    Rule(
        "audit_anchor_key_file",
        lambda path, given: (path is None) != (given["audit_anchor_url"] is None),
        "is set without AUDIT_ANCHOR_URL, or that without this",
        "both, or neither",
    ),
    Rule(
        "audit_anchor_key_file",
        lambda path, _: path is not None and not is_signing_key(path),
        "isn't a private Ed25519 key in a file that can be read",
        "a file that zhengling audit anchor-key wrote",
    ),
)

IN_PRODUCTION = (
    Rule(
        "log_level",
        lambda level, _: level == "DEBUG",
        "is DEBUG, with which libraries log what they send and receive",
        "INFO or higher",
    ),
    Rule("allow_test_clock", lambda on, _: on, "is on, so that an administrator sets the time", "false"),
    Rule("crash_point", lambda name, _: name is not None, "is set, which is for the fault tests", "leave it unset"),
    Rule(
        "sslkeylogfile",
        lambda path, _: path is not None,
        "is set, so that the keys of all TLS connections are written to a file",
        "leave it unset",
    ),
    Rule(
        "pythonasynciodebug",
        lambda text, _: text not in (None, "0"),
        "is set, so that arguments are logged with slow calls",
        "leave it unset",
    ),
    Rule(
        "database_url",
        lambda text, _: connects_as(text, "postgres", "_owner"),
        "connects as the superuser or the owner, to whom row-level security doesn't apply",
        "the role <database>_app for an api, <database>_worker for a worker",
    ),
    Rule(
        "migration_database_url",
        lambda text, _: connects_as(text, "postgres", "_app", "_worker"),
        "doesn't connect as the owner",
        "the role <database>_owner",
    ),
    *(
        Rule(
            setting,
            lambda text, _: is_unverified_database(text),
            "leads to another machine whose certificate isn't verified, or in the clear",
            _VERIFIED,
            risk="database_unencrypted",
        )
        for setting in ("database_url", "migration_database_url")
    ),
    Rule(
        "public_url",
        lambda text, _: text is None,
        "isn't set, so that links begin with the host that a caller names",
        "the address under which callers reach this service",
    ),
    Rule(
        "public_url",
        lambda text, _: text is not None and address(text, "http") is not None,
        "is an address in the clear, and links with secrets begin with it",
        _WEB,
        risk="public_url_unencrypted",
    ),
    Rule(
        "otlp_traces_endpoint",
        lambda text, _: text is not None and is_over_the_network_in_the_clear(text),
        "is reached in the clear, with who did what when",
        _WEB,
        risk="traces_unencrypted",
    ),
    Rule(
        "auth_issuer",
        lambda text, _: text == LOCAL_ISSUER,
        "is the issuer of the embedded stack, which has no people",
        "your own issuer",
    ),
    Rule(
        "auth_jwks",
        lambda text, _: is_over_the_network_in_the_clear(text),
        "is fetched in the clear, so that whoever is on the way chooses who is believed",
        "https://, or a file",
        risk="keys_unencrypted",
    ),
    Rule(
        "auth_jwks",
        lambda text, _: is_a_file(text) and keys_in(text) is None,
        "names a file that isn't a key set",
        "a JWK set (RFC 7517) that this process can read",
    ),
    Rule(
        "auth_jwks",
        lambda text, _: is_a_file(text) and is_local_issuers(text),
        "is the key set of the embedded stack, whose private key lies in a folder",
        "the key set of your own issuer",
    ),
    Rule(
        "auth_jwks",
        lambda text, _: is_a_file(text) and has_private_key(text),
        "holds a private or symmetric key, or lies beside a private one, which belong to the issuer alone",
        "a file with public keys only",
    ),
    Rule(
        "kafka_security_protocol",
        kafka_is("PLAINTEXT", "SASL_PLAINTEXT"),
        "doesn't encrypt what services send one another",
        "SASL_SSL, or SSL with a client certificate",
        risk="kafka_unencrypted",
    ),
    Rule(
        "kafka_security_protocol",
        kafka_is("PLAINTEXT"),
        "doesn't authenticate, so that anybody writes events",
        "SASL_SSL, or SSL with a client certificate",
        risk="kafka_unauthenticated",
    ),
    Rule(
        "kafka_ssl_certificate_file",
        lambda path, given: path is None and given["kafka_security_protocol"] == "SSL",
        "isn't set, and KAFKA_SECURITY_PROTOCOL=SSL authenticates by it alone",
        "the path of the client's certificate, or KAFKA_SECURITY_PROTOCOL=SASL_SSL",
        risk="kafka_unauthenticated",
    ),
    Rule(
        "file_s3_endpoint",
        lambda text, _: text is not None and is_over_the_network_in_the_clear(text),
        "is reached in the clear, with all files",
        _WEB,
        risk="files_unencrypted",
    ),
)

RISKS: tuple[str, ...] = tuple(dict.fromkeys(rule.risk for rule in IN_PRODUCTION if rule.risk))


def broken(setting: str, value: Any, given: Given) -> list[Rule]:
    """The rules that a value breaks, whether their risks are accepted or not. A value of the wrong form isn't looked at
    further. A profile that wasn't accepted counts as production."""
    for rules in (ALWAYS, IN_PRODUCTION if given["profile"] != "development" else ()):
        if found := [rule for rule in rules if rule.setting == setting and rule.broken(plain(value), given)]:
            return found
    return []
