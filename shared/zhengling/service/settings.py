"""Settings of every service, from the environment. A service's own `settings.py` adds to them.

Invariant: a `ServiceSettings` exists only if every setting is of its form and, in the production profile, no rule of
`fitness.py` is broken whose risk isn't accepted by name. No error, representation or log of one shows a secret.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from zhengling.backbone.kafka import KafkaSettings
from zhengling.files.kinds import KINDS
from zhengling.service.fitness import RISKS, Finding, Given, Rule, UnfitSettings, broken, parts

S = TypeVar("S", bound="ProcessSettings")
Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


@dataclass(frozen=True)
class Form:
    """What the text of a setting has to be, in words; for findings and the page of settings."""

    text: str


PostgresUrl = Annotated[SecretStr, Form("postgresql://user:password@host/database")]
WebAddress = Annotated[str, Form("http(s)://host[:port][/path]")]
PemFile = Annotated[str, Form("path of a PEM file")]


class ProcessSettings(BaseSettings):
    """What every process of a service is given. ValidationError, with all findings and no value, for what isn't fit."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True, allow_inf_nan=False
    )
    keeps_files: ClassVar[bool] = False
    """Whether the service requires a file store. Its location must then be set explicitly: a default folder would hold
    papers that no backup covers."""

    # The rules for a setting know those that are declared before it.
    profile: Literal["development", "production"] = Field(
        "production", description="what isn't named a development is production, with all its rules"
    )
    accepted_risks: Annotated[str, Form(f"some of {', '.join(RISKS)}; separated by commas")] = Field(
        "", description="findings of production that this deployment accepts, as something else protects it"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="lowest level that is logged"
    )
    crash_point: str | None = Field(None, description="for the fault tests: where the process kills itself")
    sslkeylogfile: str | None = Field(
        None, description="Python's own: a file that keys of TLS connections are written to"
    )
    pythonasynciodebug: str | None = Field(None, description="Python's own: the event loop's debugging")

    @field_validator("*")
    @classmethod
    def _fit(cls, value: Any, info: ValidationInfo) -> Any:
        given = Given(info.data, cls.keeps_files)
        accepted = parts(given["accepted_risks"] or "")
        if found := [rule for rule in broken(info.field_name or "", value, given) if rule.risk not in accepted]:
            text = "; ".join(map(str, (rule.finding() for rule in found)))
            raise PydanticCustomError("unfit", "{text}", {"text": text, "rules": found})
        return value

    def accepted(self) -> list[Finding]:
        """The findings that this process runs with, as their risks are accepted."""
        given = Given(self.__dict__, self.keeps_files)
        return [rule.finding() for name, value in self for rule in broken(name, value, given)]


class MigrationSettings(ProcessSettings):
    """The settings of `migrate`, which runs as the database's owner."""

    migration_database_url: PostgresUrl = Field(description="the database, as its owner; for `migrate` alone")


class ServiceSettings(ProcessSettings):
    """One process of one service: its api or its worker."""

    database_url: PostgresUrl = Field(description="the service's database, as the role of this process")
    host: Annotated[str, Form("an address of this machine")] = Field(
        "0.0.0.0",  # noqa: S104 - a container listens on all its addresses
        description="address on which the API is served",
    )
    port: Port = Field(8000, description="port of the API and of `/livez` and `/readyz`; a worker has only these two")
    metrics_host: Annotated[str, Form("an address of this machine")] = Field(
        "127.0.0.1",
        description="address on which metrics are served, without a token: this machine's, or an inside network's",
    )
    metrics_port: Port = Field(9464, description="port of `/metrics`; every process on one machine needs its own")
    otlp_traces_endpoint: WebAddress | None = Field(
        None,
        description="where spans are sent (OTLP/HTTP), as a rule `…:4318/v1/traces` of a collector; unset: no traces",
    )
    trace_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1,
        description="share of traces that is recorded, of those whose caller hasn't decided it with its `traceparent`",
    )
    api_docs: bool = Field(False, description="whether `/openapi.json` and `/docs` are served, without a token")
    public_url: WebAddress | None = Field(
        None, description="address with which links begin; unset: the one that the request names"
    )
    instance: Annotated[str, Form("a name")] = Field(
        "0", description="name of this process, unique among the service's workers"
    )
    rulebooks: Annotated[str, Form("folders, separated as in PATH")] = Field(description="folders of rulebooks")
    allow_test_clock: bool = Field(False, description="whether `POST /v1/testing/clock` sets the time, for tests")
    max_body_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = Field(
        1 << 20, description="largest body of a request; some routes take larger ones, up to a limit of their own"
    )
    max_header_bytes: Annotated[int, Field(ge=4096, le=1 << 20)] = Field(
        32_768, description="request line and headers together"
    )
    max_connections: Annotated[int, Field(ge=10, le=100_000)] = Field(
        800, description="open at a time in one process; beyond it the one idle for longest is closed"
    )
    patience: Annotated[float, Field(gt=0, le=600)] = Field(
        20.0, description="seconds for a request's head, and in which a body or an answer has to move on by 1 KiB/s"
    )

    person_requests: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        1200, description="requests a minute of one person to one process; 0: no limit"
    )
    government_requests: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        12_000, description="requests a minute of one government to one process; 0: no limit"
    )
    person_requests_at_once: Annotated[int, Field(ge=0, le=10_000)] = Field(
        10, description="requests of one person in progress in one process; 0: no limit"
    )
    link_requests: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        30, description="requests a minute by one calendar link to one process; 0: no limit"
    )
    unknown_requests: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        1200,
        description="requests a minute without a valid token, of all callers together, to one process, until their refusals are "
        "delayed; and as many by calendar links that weren't used before; 0: no limit",
    )
    government_connections: Annotated[int, Field(ge=1, le=19)] = Field(
        15,
        description="connections to the database, of the 20 of one process, that one government's requests hold at a time",
    )

    auth_issuer: Annotated[str, Form("a name, as a rule an https:// address")] = Field(description="`iss` of tokens")
    auth_audience: Annotated[str, Form("a name")] = Field("zhengling", description="`aud` of tokens")
    auth_jwks: Annotated[str, Form("https://host/path, or the path of a file")] = Field(
        description="the issuer's key set (RFC 7517)"
    )
    auth_max_token_lifetime: Annotated[int, Field(ge=60, le=31_536_000)] = Field(
        86_400, description="seconds from iat to exp that a token may be valid for"
    )

    kafka_bootstrap_servers: Annotated[str, Form("host:port of some brokers, separated by commas")] = Field(
        description="where the cluster is found"
    )
    kafka_fetch_max_wait_ms: Annotated[int, Field(ge=1, le=60_000)] = Field(
        500, description="how long a broker holds a fetch without data"
    )
    kafka_session_timeout_ms: Annotated[int, Field(ge=1000, le=600_000)] = Field(
        10_000, description="after this time without a sign a member's partitions go to others"
    )
    kafka_partitions: Annotated[int, Field(ge=1, le=1000)] = Field(6, description="of topics that this service creates")
    kafka_replication_factor: Annotated[int, Field(ge=1, le=9)] = Field(
        1, description="of topics that this service creates; 3 where there are three brokers"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how brokers and services authenticate, and whether they encrypt"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="how this service proves its password"
    )
    kafka_sasl_username: Annotated[str, Form("a name")] | None = Field(
        None, description="who this service is to the brokers: a user of its own, with the rights on its own topics"
    )
    kafka_sasl_password: SecretStr | None = Field(None, description="its password")
    kafka_ssl_ca_file: PemFile | None = Field(
        None, description="certificates of the authorities that the brokers' are signed by; unset: the system's"
    )
    kafka_ssl_certificate_file: PemFile | None = Field(None, description="this service's certificate, for the broker")
    kafka_ssl_key_file: PemFile | None = Field(None, description="its private key; unset: in the certificate's file")
    kafka_ssl_key_password: SecretStr | None = Field(None, description="the private key's password, where it has one")
    consumer_patience: Annotated[float, Field(gt=0, le=3600)] = Field(
        30.0, description="seconds with lag and no progress until the watchdog rebuilds the consumer"
    )

    gap_patience: Seconds = Field(60.0, description="seconds until a missing event is requested from its source")
    report_interval: Seconds = Field(
        600.0, description="seconds between reports of emitted events, by which other services detect losses"
    )

    file_store_url: Annotated[str, Form("file:///folder or s3://bucket/prefix")] | None = Field(
        None, description="where files are; services that store files need it"
    )
    file_max_bytes: Annotated[int, Field(ge=1, le=5 << 30)] = Field(
        100 << 20, description="largest file; S3 can copy an object of up to 5 GiB"
    )
    person_upload_bytes: Annotated[int, Field(ge=0, le=1 << 50)] = Field(
        5 << 30, description="bytes that one person may upload a day; 0: no limit"
    )
    government_upload_bytes: Annotated[int, Field(ge=0, le=1 << 50)] = Field(
        50 << 30, description="bytes that one government may upload a day; 0: no limit"
    )
    file_kinds: Annotated[str, Form("kinds, separated by commas")] = Field(
        ",".join(KINDS), description="accepted kinds of files"
    )
    file_s3_endpoint: WebAddress | None = Field(
        None, description="unset: Amazon's; other settings that are unset come from AWS_* variables"
    )
    file_s3_region: str | None = Field(None, description="the bucket's region")
    file_s3_access_key_id: SecretStr | None = Field(None, description="who this service is to the store")
    file_s3_secret_access_key: SecretStr | None = Field(None, description="its secret key")
    file_s3_path_style: bool = Field(
        True, description="path-style addressing: the bucket in the path, not in the host name"
    )

    audit_anchor_url: Annotated[str, Form("file:///folder or s3://bucket/prefix")] | None = Field(
        None,
        description="where a worker keeps signed heads of the audit chains: not where the database's backups are; a bucket is "
        "reached with AWS_* variables",
    )
    audit_anchor_key_file: PemFile | None = Field(None, description="the private Ed25519 key that they are signed with")
    audit_anchor_interval: Seconds = Field(900.0, description="seconds between two of them")

    @property
    def allowed_file_kinds(self) -> frozenset[str]:
        return frozenset(parts(self.file_kinds))

    @property
    def rulebook_roots(self) -> list[Path]:
        return [Path(part) for part in self.rulebooks.split(os.pathsep) if part]

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings(
            bootstrap_servers=self.kafka_bootstrap_servers,
            fetch_max_wait_ms=self.kafka_fetch_max_wait_ms,
            session_timeout_ms=self.kafka_session_timeout_ms,
            partitions=self.kafka_partitions,
            replication_factor=self.kafka_replication_factor,
            security_protocol=self.kafka_security_protocol,
            sasl_mechanism=self.kafka_sasl_mechanism,
            sasl_username=self.kafka_sasl_username,
            sasl_password=self.kafka_sasl_password,
            ssl_ca_file=self.kafka_ssl_ca_file,
            ssl_certificate_file=self.kafka_ssl_certificate_file,
            ssl_key_file=self.kafka_ssl_key_file,
            ssl_key_password=self.kafka_ssl_key_password,
        )


def read(kind: type[S]) -> S:
    """The settings in the environment. `UnfitSettings` with all findings."""
    try:
        return kind()
    except ValidationError as error:
        unfit = UnfitSettings(tuple(findings(kind, error)))
    raise unfit  # outside of the handler: the error's context is the environment


def findings(kind: type[ProcessSettings], error: ValidationError) -> list[Finding]:
    """What an error says, without a value."""
    found: list[Finding] = []
    for each in error.errors(include_url=False, include_input=False):
        name = str(each["loc"][0])
        if each["type"] == "unfit":
            rules: list[Rule] = each["ctx"]["rules"]
            found += [rule.finding() for rule in rules]
        else:
            problem = "isn't set" if each["type"] == "missing" else "isn't what it has to be"
            remedy = accepted_values(kind.model_fields[name])
            found.append(Finding(variable=name.upper(), problem=problem, remedy=remedy))
    return found


def accepted_values(field: FieldInfo) -> str:
    """What a setting accepts, in words."""
    kind, metadata = _unwrapped(field.annotation, field.metadata)
    for form in metadata:
        if isinstance(form, Form):
            return form.text
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if kind is bool:
        return "true or false"
    if kind in (int, float):
        low, high = bounds(field)
        return f"a {'whole ' if kind is int else ''}number {low} {high}"
    return "a text"


def bounds(field: FieldInfo) -> tuple[str, str]:
    """The lowest and the highest value of a number, in words; LookupError if there is none."""
    _, metadata = _unwrapped(field.annotation, field.metadata)
    limits: dict[type, Any] = {}
    for each in metadata:
        for part in getattr(each, "metadata", [each]):
            limits[type(part)] = part
    low = f"from {limits[Ge].ge}" if Ge in limits else f"above {limits[Gt].gt}"
    return low, f"to {limits[Le].le}" if Le in limits else f"to below {limits[Lt].lt}"


def _unwrapped(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """The type without `None` and without what annotates it, and all that annotates it."""
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Annotated:
        annotation, *further = get_args(annotation)
        return annotation, [*metadata, *further]
    return annotation, metadata
