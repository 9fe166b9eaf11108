"""Apache Kafka as a part of the embedded stack: KRaft, one node or several, its data in a folder, on 127.0.0.1.

It runs from a folder of jars (`make kafka` fills deploy/apache-kafka/target/lib) with the machine's Java 17. Beside the
default listener each node can have named ones, each with its own advertised port, where a test puts a proxy.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from zhengling.local.broker import answers_kafka
from zhengling.local.processes import ChildProcess, StackError, free_port

_LOOPBACK = "127.0.0.1"
_LOGGING = """
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


@dataclass(frozen=True)
class Listener:
    """A node's listener: the port it binds and the port it advertises."""

    name: str
    port: int
    advertised: int

    @property
    def address(self) -> str:
        return f"{_LOOPBACK}:{self.advertised}"


class KafkaNode(ChildProcess):
    """One node, broker and controller in one; its log survives `kill`."""

    stop_within = 20.0

    def __init__(
        self,
        number: int,
        folder: Path,
        libraries: Path,
        links: Sequence[str],
        properties: Mapping[str, object],
    ) -> None:
        self.number = number
        self._more = properties
        self.folder = folder.resolve()
        self.controller_port = free_port()
        port = free_port()
        self.listeners = {"DIRECT": Listener("DIRECT", port, port)} | {
            link: Listener(link.upper(), free_port(), free_port()) for link in links
        }
        self._properties = self.folder / "server.properties"
        self._java = [
            *(shutil.which("java") or "java", "-Xms256m", "-Xmx512m", "-XX:+UseG1GC", "-XX:-UsePerfData"),
            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
            *("-cp", f"{libraries.resolve()}/*"),
        ]
        command = [*self._java, "kafka.Kafka", str(self._properties)]
        super().__init__(f"kafka-{number}", command, self.folder / "kafka.log")

    @property
    def port(self) -> int:
        return self.listeners["DIRECT"].port

    def prepare(self, cluster: str, voters: str, nodes: int) -> None:
        """Write the configuration and format an empty data folder. StackError if the tool fails."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        listeners = [f"{each.name}://{_LOOPBACK}:{each.port}" for each in self.listeners.values()]
        names = [each.name for each in self.listeners.values()] + ["CONTROLLER"]
        copies = min(3, nodes)
        settings = {
            "process.roles": "broker,controller",
            "node.id": self.number,
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join([*listeners, f"CONTROLLER://{_LOOPBACK}:{self.controller_port}"]),
            "advertised.listeners": ",".join(f"{each.name}://{each.address}" for each in self.listeners.values()),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
            "inter.broker.listener.name": "DIRECT",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "min.insync.replicas": max(1, copies - 1),
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": max(1, copies - 1),
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,  # Kafka's default of 6 s would make tests wait for dead members
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
        } | dict(self._more)
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        tool = [*self._java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties)]
        formatting = ChildProcess(f"{self.name}-format", tool, self.folder / "format.log")
        formatting.start()
        formatting.finish(within=60)

    def is_ready(self) -> bool:
        return self.alive and answers_kafka(self.listeners["DIRECT"].address)


class ApacheKafka:
    """A cluster of one or three nodes, to be used as `EmbeddedStack(broker=lambda folder: ApacheKafka(folder, …))`.

    `links` names further listeners; `bootstrap_for(link)` is that listener's bootstrap address. `properties` are added to those
    of every node.
    """

    name = "Apache Kafka"

    def __init__(
        self,
        folder: Path,
        libraries: Path,
        *,
        nodes: int = 1,
        links: Sequence[str] = (),
        properties: Mapping[str, object] | None = None,
    ) -> None:
        if not any(libraries.glob("kafka_2.13-*.jar")) or not shutil.which("java"):
            raise StackError(f"Apache Kafka needs Java 17 and its jars in {libraries}: run `make kafka`")
        self.nodes = [
            KafkaNode(n + 1, folder / f"node-{n + 1}", libraries, links, properties or {}) for n in range(nodes)
        ]
        self._prepared = False
        # "fetch.max.wait.ms" stays at the client's default: this broker answers a fetch as soon as there is data
        self.environment: Mapping[str, str] = {"KAFKA_REPLICATION_FACTOR": str(min(3, nodes))}

    @property
    def bootstrap_servers(self) -> str:
        return self.bootstrap_for("DIRECT")

    def bootstrap_for(self, link: str) -> str:
        return ",".join(node.listeners[link].address for node in self.nodes)

    @property
    def alive(self) -> bool:
        return all(node.alive for node in self.nodes)

    def start(self) -> None:
        if not self._prepared:
            cluster, voters = (
                uuid4().hex[:22],
                ",".join(f"{node.number}@{_LOOPBACK}:{node.controller_port}" for node in self.nodes),
            )
            with ThreadPoolExecutor() as side_by_side:
                list(side_by_side.map(lambda node: node.prepare(cluster, voters, len(self.nodes)), self.nodes))
            self._prepared = True
        for node in self.nodes:
            node.start()

    def wait_ready(self, within: float = 60.0) -> None:
        for node in self.nodes:
            node.wait_ready(within)

    def stop(self) -> None:
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(KafkaNode.stop, self.nodes))

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def freeze(self) -> None:
        for node in self.nodes:
            node.freeze()

    def thaw(self) -> None:
        for node in self.nodes:
            node.thaw()

    def restart_empty(self) -> None:
        """Restart on the same ports without topics, records or offsets."""
        self.kill()
        self._prepared = False
        self.start()
        self.wait_ready()
