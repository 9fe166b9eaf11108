"""The stack of deploy/compose as the tests see one: the same attributes as those of `EmbeddedStack` that tests of the API use.

The services are reached through the gateway; PostgreSQL, Kafka and the metrics, which the tests look into, aren't.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zhengling.events.event import SERVICES
from zhengling.local.issuer import LocalIssuer

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "deploy" / "compose" / "run"


@dataclass(frozen=True)
class Container:
    """One container of the stack, by its name in the compose file."""

    service: str
    id: str

    def inspect(self) -> dict[str, Any]:
        return json.loads(docker("inspect", self.id))[0]

    @property
    def alive(self) -> bool:
        return self.inspect()["State"]["Running"]

    @property
    def pid(self) -> int:
        """Of its first process, as this machine numbers it."""
        return self.inspect()["State"]["Pid"]

    @property
    def host(self) -> str:
        """Its address in the stack's network."""
        networks = self.inspect()["NetworkSettings"]["Networks"]
        return next(iter(networks.values()))["IPAddress"]

    @property
    def url(self) -> str:
        return f"http://{self.host}:8000"

    @property
    def metrics_url(self) -> str:
        return f"http://{self.host}:9464/metrics"

    @property
    def starts(self) -> str:
        """When it was last started."""
        return self.inspect()["State"]["StartedAt"]

    def logs(self) -> str:
        return subprocess.run(
            ["docker", "logs", self.id], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        ).stdout

    def kill(self) -> None:
        docker("kill", "--signal", "KILL", self.id)

    def start(self) -> None:
        docker("start", self.id)

    def wait_healthy(self, within: float = 120.0) -> None:
        deadline = time.monotonic() + within
        while (state := self.inspect()["State"])["Health"]["Status"] != "healthy":
            assert time.monotonic() < deadline, f"{self.service} isn't healthy: {state}\n{self.logs()[-3000:]}"
            time.sleep(0.5)


class ComposeStack:
    """The running stack whose passwords and key are in the folder `state`; stopping it is up to who started it."""

    services = SERVICES

    def __init__(self, state: Path) -> None:
        self.folder = state.resolve()
        lines = (self.folder / "env").read_text().splitlines()
        self._env = dict(line.split("=", 1) for line in lines if "=" in line)
        self.issuer = LocalIssuer(self.folder / "issuer")
        self.kafka_bootstrap_servers = f"127.0.0.1:{os.environ.get('KAFKA_PORT', '19094')}"

    @property
    def secrets(self) -> set[str]:
        return {value for name, value in self._env.items() if name.endswith("_PASSWORD")}

    def addresses(self) -> dict[str, str]:
        """Behind the gateway; or each api's own address, which only this machine reaches, where COMPOSE_DIRECT is set: for tests
        of what an api answers to requests that the gateway doesn't pass on."""
        if "COMPOSE_DIRECT" in os.environ:
            return {service: self.processes[f"{service}-api-0"].url for service in self.services}
        gateway = f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '8080')}"
        return {service: f"{gateway}/{service}" for service in self.services}

    @property
    def database_admin_url(self) -> str:
        return self._database("postgres", self._env["POSTGRES_PASSWORD"], "postgres")

    def database_url(self, service: str, role: str) -> str:
        password = self._env[f"{service.upper()}_{role.upper()}_PASSWORD"]
        return self._database(f"{service}_{role}", password, service)

    @cached_property
    def processes(self) -> dict[str, Container]:
        """The api and worker of each service, by the names that they have in `EmbeddedStack`."""
        return {f"{s}-{role}-0": self.container(f"{s}-{role}") for s in self.services for role in ("api", "worker")}

    def container(self, service: str) -> Container:
        found = subprocess.run(
            [RUN, "ps", "-a", "-q", service],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"STATE": str(self.folder)},
        )
        (identity,) = found.stdout.split()
        return Container(service, identity)

    def keep_logs(self) -> None:
        """Write what every process has said so far into `<folder>/logs`."""
        (self.folder / "logs").mkdir(exist_ok=True)
        for name, container in self.processes.items():
            (self.folder / "logs" / f"{name}.log").write_text(container.logs())

    def _database(self, user: str, password: str, name: str) -> str:
        port = os.environ.get("POSTGRES_PORT", "15432")
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{name}"


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout
