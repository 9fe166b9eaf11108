"""Settings of every service, from the environment. A service's own `settings.py` adds to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from zhengling.backbone.kafka import KafkaSettings
from zhengling.files.kinds import KINDS


class ServiceSettings(BaseSettings):
    """One process of one service. ValueError for a combination that must not run in production."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)
    keeps_files: ClassVar[bool] = False
    """Whether the service requires a file store. Its location must then be set explicitly: a default folder would hold
    papers that no backup covers."""

    profile: Literal["development", "production"] = "production"
    database_url: str
    host: str = "0.0.0.0"  # noqa: S104 - a container listens on all its addresses
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: str | None = Field(None, description="base URL for callers; None: from the request")
    instance: str = "0"
    log_level: str = "INFO"
    rulebooks: str = Field(description="folders of rulebooks, separated by the system's path separator")
    allow_test_clock: bool = False
    max_body_bytes: int = 1_048_576

    auth_issuer: str
    auth_audience: str = "zhengling"
    auth_jwks: str = Field(description="URL or file path of the issuer's key set")

    kafka_bootstrap_servers: str
    kafka_fetch_max_wait_ms: int = 500
    kafka_session_timeout_ms: int = 10_000
    kafka_partitions: int = 6
    kafka_replication_factor: int = 1
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: str | None = None
    consumer_patience: float = Field(
        30.0, description="seconds with lag and no progress until the watchdog rebuilds the consumer"
    )

    gap_patience: Annotated[float, Field(gt=0)] = Field(
        60.0, description="seconds until a missing event is requested from its source"
    )
    report_interval: Annotated[float, Field(gt=0)] = Field(
        600.0, description="seconds between reports of emitted events, by which other services detect losses"
    )

    file_store_url: str | None = Field(None, description="file:///folder or s3://bucket/prefix")
    file_max_bytes: Annotated[int, Field(ge=1, le=5 << 30)] = 100 << 20  # S3 can copy an object of up to 5 GiB
    file_kinds: str = Field(",".join(KINDS), description="accepted kinds, separated by commas")
    file_s3_endpoint: str | None = Field(
        None, description="None: Amazon's; other settings that are None come from AWS_* variables"
    )
    file_s3_region: str | None = None
    file_s3_access_key_id: str | None = None
    file_s3_secret_access_key: SecretStr | None = None
    file_s3_path_style: bool = Field(
        True, description="path-style addressing: the bucket in the path, not in the host name"
    )

    @model_validator(mode="after")
    def _file_store(self) -> Self:
        if self.keeps_files and self.file_store_url is None:
            raise ValueError("FILE_STORE_URL must be set: this service stores files")
        address = urlsplit("s3://none" if self.file_store_url is None else self.file_store_url)
        if not (address.netloc if address.scheme == "s3" else address.scheme == "file" and address.path.strip("/")):
            raise ValueError("FILE_STORE_URL must be file:///folder or s3://bucket/prefix")
        if address.scheme == "file" and address.netloc:
            raise ValueError("FILE_STORE_URL: a folder has three slashes, file:///folder")
        if unknown := sorted(self.allowed_file_kinds - KINDS.keys()):
            raise ValueError(f"FILE_KINDS: {', '.join(unknown)} isn't one of {', '.join(KINDS)}")
        return self

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        if self.profile == "production" and self.allow_test_clock:
            raise ValueError("ALLOW_TEST_CLOCK can't be set in the production profile")
        if self.profile == "production" and os.environ.get("CRASH_POINT"):
            raise ValueError("CRASH_POINT can't be set in the production profile")
        return self

    @property
    def allowed_file_kinds(self) -> frozenset[str]:
        return frozenset(part.strip() for part in self.file_kinds.split(",") if part.strip())

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
        )
