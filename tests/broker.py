"""Which broker the tests run on: the embedded one, or Apache Kafka where `TEST_BROKER=apache` says so."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from zhengling.local.apache_kafka import ApacheKafka
from zhengling.local.broker import Broker, EmbeddedBroker

LIBRARIES = Path(__file__).resolve().parents[1] / "deploy" / "apache-kafka" / "target" / "lib"
ON_APACHE = os.environ.get("TEST_BROKER", "embedded") == "apache"


def chosen_broker(nodes: int = 1, links: Sequence[str] = ()) -> Callable[[Path], Broker]:
    """What `EmbeddedStack(broker=…)` takes; `nodes` and `links` are for Apache Kafka alone."""
    return partial(ApacheKafka, libraries=LIBRARIES, nodes=nodes, links=links) if ON_APACHE else EmbeddedBroker
