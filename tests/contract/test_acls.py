"""The access rules for the broker: who writes what is theirs, and reads what their handlers list."""

from __future__ import annotations

import importlib
import shlex

import pytest
import yaml
from typer.testing import CliRunner

from zhengling.cli.main import app
from zhengling.contracts.acls import acls
from zhengling.events.catalogue import EVENTS
from zhengling.events.event import BACKBONE, SERVICES, owner_of

Rules = dict[str, dict[tuple[str, str], set[str]]]


def printed(*arguments: str) -> str:
    answer = CliRunner().invoke(app, ["kafka", "acls", *arguments])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def from_commands() -> Rules:
    """What the script allows: principal → (kind, name) → operations."""
    rules: Rules = {}
    first, second, *lines = printed().splitlines()
    assert (first, second) == ("#!/bin/sh", "set -eu")
    for line in lines:
        words = shlex.split(line)
        assert words[:6] == [
            "kafka-acls.sh", "--bootstrap-server", "$BOOTSTRAP_SERVERS", "--command-config", "$ADMIN_PROPERTIES", "--add"
        ]  # fmt: skip
        options = list(zip(words[6::2], words[7::2], strict=True))
        (principal,) = [value for name, value in options if name == "--allow-principal"]
        allowed = {value for name, value in options if name == "--operation"}
        for name, value in options:
            if name in ("--topic", "--group"):
                rules.setdefault(principal.removeprefix("User:"), {})[name.removeprefix("--"), value] = allowed
    return rules


def from_strimzi() -> Rules:
    documents = list(yaml.safe_load_all(printed("--format", "strimzi", "--cluster", "main", "--authentication", "tls")))
    for document in documents:
        assert (document["apiVersion"], document["kind"]) == ("kafka.strimzi.io/v1beta2", "KafkaUser")
        assert document["metadata"]["labels"] == {"strimzi.io/cluster": "main"}
        assert document["spec"]["authentication"] == {"type": "tls"}
        assert document["spec"]["authorization"]["type"] == "simple"
    return {
        document["metadata"]["name"]: {
            (each["resource"]["type"], each["resource"]["name"]): set(each["operations"])
            for each in document["spec"]["authorization"]["acls"]
        }
        for document in documents
    }


def test_both_formats_say_the_same() -> None:
    assert from_commands() == from_strimzi()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_writes_only_its_own_topics_and_those_of_reconciliation(service: str) -> None:
    written = {name for (kind, name), operations in from_commands()[f"{service}-svc"].items() if "Write" in operations}
    assert {owner_of(name) for name in written} == {service, BACKBONE}
    emitted = {event.kafka_topic() for event in EVENTS.values() if event.service() in (service, BACKBONE)}
    assert emitted <= written


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_what_its_handlers_list_as_its_own_group(service: str) -> None:
    rules = from_commands()[f"{service}-svc"]
    handlers = importlib.import_module(f"{service}_svc.handlers").HANDLERS
    read = {name for (kind, name), operations in rules.items() if kind == "topic" and "Read" in operations}
    assert read == {event.kafka_topic() for event in handlers}
    assert {name: operations for (kind, name), operations in rules.items() if kind == "group"} == {service: {"Read"}}


def test_no_topic_has_two_writers_but_those_of_reconciliation() -> None:
    writers = [acl.name for service in SERVICES for acl in acls(service) if "Write" in acl.operations]
    assert all(writers.count(name) == 1 for name in writers if owner_of(name) != BACKBONE)
