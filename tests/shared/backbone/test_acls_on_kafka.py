"""The printed access rules on Apache Kafka with an authorizer: each service can do its work by them, and nothing beyond."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from aiokafka.protocol.admin import CreateAclsRequest

from tests.broker import LIBRARIES, ON_APACHE
from zhengling.backbone.kafka import Consumer, KafkaSettings, Message, Producer, ensure_topics, reachable
from zhengling.contracts.acls import acls
from zhengling.events.event import BACKBONE, SERVICES, EventKind, topic_of, topics_of
from zhengling.local.apache_kafka import ApacheKafka, Listener

pytestmark = pytest.mark.skipif(not ON_APACHE, reason="the embedded broker has no authorizer")
LINK = "services"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
PROPERTIES = {
    "listener.security.protocol.map": "DIRECT:PLAINTEXT,SERVICES:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",  # the listener without authentication, which only the test and the broker use
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.services.plain.sasl.jaas.config": f"{LOGIN} "
    + " ".join(f'user_{service}-svc="{service}"' for service in (*SERVICES, "stranger"))
    + ";",
}
#: The numbers of Kafka's protocol.
RESOURCES = {"topic": 2, "group": 3}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8}
LITERAL, ALLOW = 3, 3


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApacheKafka]:
    cluster = ApacheKafka(tmp_path_factory.mktemp("kafka"), LIBRARIES, links=[LINK], properties=PROPERTIES)
    for node in cluster.nodes:
        port = node.listeners[LINK].port
        node.listeners[LINK] = Listener(LINK.upper(), port, port)  # without a proxy in between
    await asyncio.to_thread(cluster.start)
    try:
        await asyncio.to_thread(cluster.wait_ready, 120.0)
        await allow(cluster)
        for service in SERVICES:  # as their relays do when they start
            producer = Producer(settings(cluster, service), service)
            await producer.ready()
            await producer.close()
        yield cluster
    finally:
        await asyncio.to_thread(cluster.kill)


async def allow(cluster: ApacheKafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    await admin.start()
    for service in SERVICES:
        for acl in acls(service):
            for operation in acl.operations:
                rule = CreateAclsRequest(
                    RESOURCES[acl.kind], acl.name, LITERAL, f"User:{acl.principal}", "*", OPERATIONS[operation], ALLOW
                )
                answer = await admin._send_to_controller(rule)
                assert [code for code, *_ in answer.creation_responses] == [0]
    await admin.close()


def settings(cluster: ApacheKafka, service: str, password: str | None = None) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=cluster.bootstrap_for(LINK),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=f"{service}-svc",
        sasl_password=password or service,
    )


def topics_read_by(service: str) -> list[str]:
    handlers = importlib.import_module(f"{service}_svc.handlers").HANDLERS
    return sorted({event.kafka_topic() for event in handlers})


async def test_by_its_rules_a_service_writes_its_topics_and_no_others(kafka: ApacheKafka) -> None:
    for service in SERVICES:
        producer = Producer(settings(kafka, service), service)
        own = [*topics_of(service), *topics_of(BACKBONE)]
        assert await producer.send([Message(topic, b"key", b"value", []) for topic in own]) == [None] * len(own)
        others = [topic_of(other, EventKind.ordered) for other in SERVICES if other != service]
        outcomes = await producer.send([Message(topic, b"key", b"forged", []) for topic in others])
        assert [type(outcome) for outcome in outcomes] == [TopicAuthorizationFailedError] * len(others), service
        await producer.close()


async def test_by_its_rules_a_service_reads_what_its_handlers_list_in_its_own_group(kafka: ApacheKafka) -> None:
    for service in SERVICES:
        topics = topics_read_by(service)
        await ensure_topics(settings(kafka, service), topics)
        reader = Consumer(settings(kafka, service), service, "0", topics)
        await reader.start()
        found = set()
        async with asyncio.timeout(120):
            while found != set(topics):
                found |= {partition.topic for partition in await reader.poll(1.0, 100)}
        committed, ends = await reader.lag()
        await reader.commit(ends)
        assert committed.keys() == ends.keys()
        await reader.close()


async def test_another_services_group_and_an_unknown_client_are_refused(kafka: ApacheKafka) -> None:
    reader = Consumer(settings(kafka, "calendar"), "oversight", "0", topics_read_by("calendar"))
    with pytest.raises((GroupAuthorizationFailedError, KafkaError)):
        await reader.start()
        await reader.poll(1.0, 1)
    await reader.close()
    assert not await reachable(settings(kafka, "meeting", "a guess"))
    assert not await reachable(KafkaSettings(bootstrap_servers=kafka.bootstrap_for(LINK)))
    stranger = Producer(settings(kafka, "stranger"), "meeting")
    with pytest.raises(TopicAuthorizationFailedError):
        await stranger.ready()
    await stranger.close()
