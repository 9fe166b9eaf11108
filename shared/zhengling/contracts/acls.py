"""What each service may do on the broker, from the event catalogue and the services' handlers.

Invariant: a service writes only its own topics and those of reconciliation, which all services write, and reads only what its
handlers list. A principal is the service's name with `-svc`, its consumer group the service's name.
"""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from zhengling.events.event import BACKBONE, SERVICES, topics_of

_KAFKA_ACLS = 'kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_PROPERTIES"'


@dataclass(frozen=True)
class Acl:
    """What a principal may do with one topic or consumer group."""

    principal: str
    kind: Literal["topic", "group"]
    name: str
    operations: tuple[str, ...]


def acls(service: str) -> Iterator[Acl]:
    """What the service may do. The owner of a topic also creates it."""
    principal, written = f"{service}-svc", [*topics_of(service), *topics_of(BACKBONE)]
    read = _handled(service)
    for topic in sorted({*written, *read}):
        operations = [
            *(["Write", "Create"] if topic in written else []),
            *(["Read"] if topic in read else []),
            "Describe",
        ]
        yield Acl(principal, "topic", topic, tuple(operations))
    yield Acl(principal, "group", service, ("Read",))


def _handled(service: str) -> set[str]:
    handlers = importlib.import_module(f"{service}_svc.handlers").HANDLERS
    return {event.kafka_topic() for event in handlers}


def as_commands(services: Iterable[str] = SERVICES) -> str:
    """A shell script that calls `kafka-acls.sh`, with $BOOTSTRAP_SERVERS and the properties file $ADMIN_PROPERTIES."""
    lines = ["#!/bin/sh", "set -eu"]
    for service in services:
        alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
        for acl in acls(service):
            alike.setdefault((acl.principal, acl.kind, acl.operations), []).append(acl.name)
        for (principal, kind, operations), names in alike.items():
            allowed = [part for operation in operations for part in ("--operation", operation)]
            named = [part for name in names for part in (f"--{kind}", name)]
            rule = shlex.join(["--add", "--allow-principal", f"User:{principal}", *allowed, *named])
            lines.append(f"{_KAFKA_ACLS} {rule}")
    return "\n".join(lines) + "\n"


def as_strimzi(cluster: str, authentication: str, services: Iterable[str] = SERVICES) -> str:
    """A `KafkaUser` of Strimzi for each service of the cluster."""
    return yaml.safe_dump_all([_kafka_user(service, cluster, authentication) for service in services], sort_keys=False)


def _kafka_user(service: str, cluster: str, authentication: str) -> dict[str, Any]:
    rules = [
        {
            "resource": {"type": acl.kind, "name": acl.name, "patternType": "literal"},
            "operations": list(acl.operations),
            "host": "*",
        }
        for acl in acls(service)
    ]
    return {
        "apiVersion": "kafka.strimzi.io/v1beta2",
        "kind": "KafkaUser",
        "metadata": {"name": f"{service}-svc", "labels": {"strimzi.io/cluster": cluster}},
        "spec": {
            "authentication": {"type": authentication},
            "authorization": {"type": "simple", "acls": rules},
        },
    }
