"""Documents of the events: one AsyncAPI 3.0.0 document of the whole system, and a JSON Schema for each event type.

Both are derived from `events/catalogue.py`, `events/cloudevents.py` and the services' HANDLERS, and describe the Kafka
record: the CloudEvent with its `data`. A consumer ignores members that it doesn't know.
"""

from __future__ import annotations

import importlib
from typing import Any

from pydantic.json_schema import models_json_schema

from zhengling.backbone.inbox import Handlers, ignored
from zhengling.events.catalogue import EVENTS
from zhengling.events.cloudevents import CONTENT_TYPE, Envelope
from zhengling.events.event import BACKBONE, SERVICES, Event, EventKind

Json = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
BINDING = "0.5.0"  # of AsyncAPI's Kafka bindings
_MEDIA_TYPE = CONTENT_TYPE.decode().split(";")[0]
_OPTIONAL = ("correlationid", "causationid", "traceparent")


def handlers_of(service: str) -> Handlers:
    """A service's event handlers; its package must be installed."""
    handlers: Handlers = importlib.import_module(f"{service}_svc.handlers").HANDLERS
    return handlers


def event_schema(event: type[Event]) -> Json:
    """The self-contained JSON Schema of one event type on the wire."""
    data = _open(event.model_json_schema(mode="validation"))
    definitions = data.pop("$defs", {})
    schema = {"$schema": DIALECT, "$id": f"urn:zhengling:event:{event.type}", **_record(event, data)}
    return schema | ({"$defs": definitions} if definitions else {})


def _record(event: type[Event], data: Json) -> Json:
    """The schema of a CloudEvent of this type, around the schema of its payload."""
    envelope = Envelope.model_json_schema()
    properties: Json = envelope["properties"]
    properties |= {name: {"type": "string"} for name in _OPTIONAL}  # absent, never null
    properties["type"] = {"const": event.type, "type": "string"}
    properties["aggregatetype"] = {"const": event.aggregate, "type": "string"}
    properties["subject"] |= {"description": f"the aggregate's id: data.{event.key}"}
    properties["sequence"] = {
        "type": "string",
        "pattern": "^[1-9][0-9]*$",
        "description": "number of the event within its aggregate, from 1"
        + (", without gaps" if event.kind == EventKind.ordered else "; the highest wins"),
    }
    properties["data"] = {**data, "title": event.__name__}
    required = [name for name in properties if name not in _OPTIONAL]
    return {
        "title": event.__name__,
        "description": " ".join((event.__doc__ or "").split()),
        "type": "object",
        "properties": properties,
        "required": required,
    }


def _open(schema: Any) -> Any:
    """The schema without `additionalProperties: false`: a model that an API validates strictly is read leniently here."""
    if isinstance(schema, dict):
        return {
            key: _open(value) for key, value in schema.items() if not (key == "additionalProperties" and value is False)
        }
    return [_open(item) for item in schema] if isinstance(schema, list) else schema


def asyncapi() -> Json:
    """The AsyncAPI document of all events: channels, messages, and the operations of each service."""
    events = list(EVENTS.values())
    _, definitions = models_json_schema(
        [(event, "validation") for event in events], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = _open(definitions.get("$defs", {}))
    for event in events:
        schemas[event.__name__] = _record(event, schemas[event.__name__])
    channels: Json = {}
    for event in events:
        channel = channels.setdefault(_channel(event), _new_channel(event))
        channel["messages"][event.type] = {"$ref": f"#/components/messages/{event.type}"}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Zhengling: events",
            "version": "1.0.0",
            "description": "Domain events of the four services: CloudEvents 1.0 in structured JSON over Kafka. "
            "The key of a record is the aggregate's id, so order holds per aggregate. Delivery is at least once: "
            "a consumer stores the ids it applied. Members may be added; any other change is a new type.",
        },
        "defaultContentType": _MEDIA_TYPE,
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The cluster that the services' KAFKA_BOOTSTRAP_SERVERS names.",
                "variables": {"bootstrap": {"default": "localhost:9092", "description": "host:port of a broker"}},
            }
        },
        "channels": channels,
        "operations": _operations(events),
        "components": {"messages": {event.type: _message(event) for event in events}, "schemas": schemas},
    }


def _channel(event: type[Event]) -> str:
    return f"{event.service()}_{'snapshots' if event.kind == EventKind.snapshot else 'events'}"


def _owner(event: type[Event]) -> str:
    return "the backbone of every service" if event.service() == BACKBONE else f"{event.service()}-svc"


def _new_channel(event: type[Event]) -> Json:
    snapshot = event.kind == EventKind.snapshot
    kafka: Json = {"topic": event.kafka_topic(), "bindingVersion": BINDING}
    if snapshot:
        kafka["topicConfiguration"] = {"cleanup.policy": ["compact"]}
    return {
        "address": event.kafka_topic(),
        "title": f"{_owner(event)}: {'snapshots' if snapshot else 'ordered events'}",
        "description": "The whole state: the latest per key wins, the topic is compacted."
        if snapshot
        else "In order per key, with a gapless sequence per aggregate.",
        "messages": {},
        "bindings": {"kafka": kafka},
    }


def _message(event: type[Event]) -> Json:
    headers = {
        "content-type": {"type": "string", "const": CONTENT_TYPE.decode()},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string"},
        "ce_source": {"type": "string"},
        "ce_type": {"type": "string", "const": event.type},
        "ce_subject": {"type": "string"},
        "ce_government": {"type": "string"},
        "ce_sequence": {"type": "string"},
    }
    _, _, noun, verb, _ = event.type.split(".")
    return {
        "name": event.type,
        "title": f"{noun} {verb.replace('_', ' ')}",
        "summary": " ".join((event.__doc__ or "").split()),
        "contentType": _MEDIA_TYPE,
        "headers": {"type": "object", "properties": headers, "required": list(headers)},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "correlationId": {"location": "$message.payload#/correlationid"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"the id of the {event.aggregate}: data.{event.key}"},
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(events: list[type[Event]]) -> Json:
    """`<service>_sends_<channel>` for the service that owns the channel (every service for the backbone's channels), and
    `<service>_receives_<channel>` with the messages that the service handles."""
    operations: Json = {}

    def add(service: str, action: str, event: type[Event]) -> None:
        channel = _channel(event)
        operation = operations.setdefault(
            f"{service}_{action}s_{channel}",
            {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "title": f"{service}-svc {action}s {channel.replace('_', ' ')}",
                "messages": [],
            },
        )
        operation["messages"].append({"$ref": f"#/channels/{channel}/messages/{event.type}"})

    for event in events:
        for service in SERVICES if event.service() == BACKBONE else [event.service()]:
            add(service, "send", event)
    for service in SERVICES:
        for event, handler in handlers_of(service).items():
            if handler is not ignored:
                add(service, "receive", event)
    return operations
