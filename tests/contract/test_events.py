"""The contract of events: documents match the code, and changes are compatible."""

from __future__ import annotations

import copy
import gzip
import importlib
import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from pkgutil import iter_modules
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
import yaml
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat

from tests.conftest import ROOT, composition_of
from zhengling import events
from zhengling.authority.composition import Composition
from zhengling.contracts import api_docs
from zhengling.contracts.asyncapi import asyncapi, event_schema, handlers_of
from zhengling.contracts.compatibility import breaks
from zhengling.events.calendar import AbsenceApproved
from zhengling.events.catalogue import EVENTS
from zhengling.events.cloudevents import Envelope, decode
from zhengling.events.event import BACKBONE, SERVICES, Event
from zhengling.events.meeting import CompositionChanged, DecisionAdopted, Resolution, Unit
from zhengling.events.oversight import EntryOpened

COMMITTED = ROOT / "docs" / "api"
OFFICIAL = Path(__file__).parent / "asyncapi-3.0.0" / "schema.json.gz"
NOW = datetime(2026, 2, 12, 3, 30, tzinfo=UTC)
UNIT = Unit(code="lh-water", name="县水务局")
RESOLUTION = Resolution(
    decision_id="d1", topic_id="t1", number=1, title="请示", sponsor=UNIT, outcome="passed", task="完成", lead=UNIT
)


def enveloped(event: Event, **attributes: Any) -> Envelope:
    """The event as the relay sends it."""
    return Envelope(
        id=str(uuid4()),
        source=f"/zhengling/{event.service()}-svc",
        type=event.type,
        subject=event.aggregate_id,
        time=NOW,
        government="linhai",
        aggregatetype=event.aggregate,
        sequence=7,
        data=json.loads(event.model_dump_json()),
        **attributes,
    )


def samples() -> list[Envelope]:
    opened = EntryOpened(
        entry_id="e1", number="临督〔2026〕1号", source_kind="meeting_decision", source_id="d1", title="请示", lead=UNIT,
        clause="LH-19", due=None, due_rule=None, opened_at=NOW,
    )  # fmt: skip
    adopted = DecisionAdopted(
        decision_id="d1", meeting_id="m1", meeting_kind="weekly", meeting_title="周例会", meeting_clause="LH-5",
        edition="2025-05-01", resolution=RESOLUTION, signed_at=NOW, recorded_at=NOW,
    )  # fmt: skip
    changed = CompositionChanged(government="dalian", version=3, composition=composition_of("dalian"))
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    approved = AbsenceApproved(
        absence_id="a1", official="lh-head", absence_kind="abroad", since="2026-03-02", until="2026-03-06", clause="LH-30",
        stand_ins=[{"official": "lh-exec", "acts": ["preside"], "clause": "LH-31", "basis": "rule"}],
        vacancies=[{"candidates": ["lh-exec"], "acts": ["sign"], "clause": "LH-32", "basis": "entrusted"}],
        approved_at=NOW, recorded_at=NOW,
    )  # fmt: skip
    return [
        enveloped(opened), enveloped(adopted, traceparent=trace, causationid=str(uuid4())), enveloped(changed),
        enveloped(approved),
    ]  # fmt: skip


# the documents ------------------------------------------------------------------------------------------------------
def test_the_asyncapi_document_is_valid_by_the_official_schema() -> None:
    official = jsonschema.Draft7Validator(json.loads(gzip.decompress(OFFICIAL.read_bytes())))
    document = yaml.safe_load((COMMITTED / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert [error.message for error in official.iter_errors(document)] == []
    document["channels"]["meeting_events"]["unheard_of"] = True
    assert not official.is_valid(document), "a check has to be able to fail"


def test_the_documents_committed_are_what_the_code_says() -> None:
    assert api_docs.differing(COMMITTED) == [], "run `zhengling schemas write`"


def test_every_event_that_a_service_emits_is_in_the_catalogue() -> None:
    modules = [importlib.import_module(module.name) for module in iter_modules(events.__path__, f"{events.__name__}.")]
    defined = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    types = {value for value in defined if issubclass(value, Event) and value is not Event}
    assert len(types) > 25
    assert types == set(EVENTS.values())


def test_check_tells_an_altered_a_missing_and_a_superfluous_document(tmp_path: Path) -> None:
    assert len(api_docs.write(tmp_path)) == 1 + len(EVENTS) + len(SERVICES)
    assert api_docs.differing(tmp_path) == []
    (tmp_path / "asyncapi.yaml").write_text("asyncapi: 2.0.0\n")
    (tmp_path / "openapi" / "calendar.json").unlink()
    (tmp_path / "events" / "zhengling.gone.v1.json").write_text("{}")
    wrong = ["asyncapi.yaml", "events/zhengling.gone.v1.json", "openapi/calendar.json"]
    assert api_docs.differing(tmp_path) == wrong
    assert api_docs.write(tmp_path) == wrong
    assert api_docs.differing(tmp_path) == []


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads(json.dumps(asyncapi()))

    def follow(node: Any) -> None:
        if isinstance(node, dict):
            if reference := node.get("$ref"):
                target = document
                for part in reference.removeprefix("#/").split("/"):
                    target = target[part]
            for value in node.values():
                follow(value)
        elif isinstance(node, list):
            for value in node:
                follow(value)

    follow(document)


def test_every_event_type_has_one_owner_that_sends_it_and_says_who_receives_it() -> None:
    operations = asyncapi()["operations"]

    def who(action: str, event: type[Event]) -> set[str]:
        return {
            name.split("_")[0]
            for name, operation in operations.items()
            if operation["action"] == action
            and any(message["$ref"].endswith(f"/{event.type}") for message in operation["messages"])
        }

    for event in EVENTS.values():
        assert who("send", event) == (set(SERVICES) if event.service() == BACKBONE else {event.service()})
    assert who("receive", DecisionAdopted) == {"oversight", "docflow"}
    assert who("receive", EntryOpened) == {"meeting"}
    assert who("receive", AbsenceApproved) == {"meeting", "docflow", "oversight"}


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.type)
def test_an_event_type_says_service_noun_past_tense_and_version(event: type[Event]) -> None:
    assert re.fullmatch(
        r"zhengling\.(meeting|docflow|oversight|calendar|backbone)\.[a-z_]+\.[a-z_]+\.v[1-9]\d*", event.type
    )
    verb = event.type.split(".")[3]
    assert verb.endswith("ed") or verb in {
        "deemed",
        "overdue",
        "due_set",
        "fell_due",
        "made",
        "withdrawn",
        "looked_back",
        "given",
        "result_seen",
        "followed_up",
        "carried_over",
    }, "an event is a fact that happened"
    assert event.key in event.model_fields
    assert event.__doc__


# compatibility ------------------------------------------------------------------------------------------------------
BEFORE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "state": {"enum": ["open", "closed"], "type": "string"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "lead": {"$ref": "#/$defs/Unit"},
        "units": {"type": "array", "items": {"$ref": "#/$defs/Unit"}},
    },
    "required": ["number", "state", "lead"],
    "$defs": {"Unit": {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}},
}
Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> dict[str, Any]:
    after = copy.deepcopy(BEFORE)
    change(after)
    return after


def _rename(schema: dict[str, Any]) -> None:
    schema["properties"]["title"] = schema["properties"].pop("number")
    schema["required"] = ["title", "state", "lead"]


COMPATIBLE: dict[str, Change] = {
    "nothing": lambda s: None,
    "a new field that may be left out": lambda s: s["properties"].update(due={"type": "string", "format": "date"}),
    "a new field within a part": lambda s: s["$defs"]["Unit"]["properties"].update(name={"type": "string"}),
    "other words": lambda s: s["properties"]["number"].update(description="the ledger's number", title="Number"),
    "another default": lambda s: s["properties"]["note"].update(default=""),
    "a part under another name": lambda s: (
        s["$defs"].update(Organisation=s["$defs"].pop("Unit")),
        s["properties"].update(
            lead={"$ref": "#/$defs/Organisation"},
            units={"type": "array", "items": {"$ref": "#/$defs/Organisation"}},
        ),
    ),
}
INCOMPATIBLE: dict[str, tuple[Change, str]] = {
    "a needed field removed": (lambda s: (s["properties"].pop("number"), s["required"].remove("number")), "older reader"),
    "a field removed that could be left out": (lambda s: s["properties"].pop("note"), "older reader"),
    "a field renamed": (_rename, "older reader"),
    "a new field that is needed": (
        lambda s: (s["properties"].update(due={"type": "string"}), s["required"].append("due")),
        "older writer",
    ),
    "a field that is needed from now on": (lambda s: s["required"].append("note"), "older writer"),
    "a field that may be left out from now on": (lambda s: s["required"].remove("number"), "older reader"),
    "another type": (lambda s: s["properties"].update(number={"type": "integer"}), "older"),
    "another format": (lambda s: s["properties"]["number"].update(format="date"), "older"),
    "a limit": (lambda s: s["properties"]["number"].update(maxLength=10), "older"),
    "null no more": (lambda s: s["properties"].update(note={"type": "string"}), "older"),
    "an enumeration narrowed": (lambda s: s["properties"]["state"].update(enum=["open"]), "older writer"),
    "an enumeration widened": (lambda s: s["properties"]["state"]["enum"].append("merged"), "older reader"),
    "an enumeration where there was none": (lambda s: s["properties"]["number"].update(enum=["1"]), "older"),
    "a needed field within a part": (lambda s: s["$defs"]["Unit"].update(properties={}, required=[]), "older reader"),
    "another kind of item": (lambda s: s["properties"]["units"].update(items={"type": "string"}), "older"),
}  # fmt: skip


@pytest.mark.parametrize("change", COMPATIBLE)
def test_a_compatible_change_is_let_through(change: str) -> None:
    assert breaks(BEFORE, changed(COMPATIBLE[change])) == []


@pytest.mark.parametrize("change", INCOMPATIBLE)
def test_a_change_that_an_older_reader_or_writer_could_not_live_with_is_told(change: str) -> None:
    make, who = INCOMPATIBLE[change]
    found = breaks(BEFORE, changed(make))
    assert found
    assert any(who in finding for finding in found), found


def test_a_new_field_breaks_a_reader_that_refuses_what_it_does_not_know() -> None:
    strict = changed(lambda s: s.update(additionalProperties=False))
    wider = copy.deepcopy(strict)
    wider["properties"]["due"] = {"type": "string"}
    assert any("older reader" in finding for finding in breaks(strict, wider))


def _at(revision: str, name: str) -> dict[str, Any] | None:
    command = ["git", "-C", str(ROOT), "show", f"{revision}:docs/api/events/{name}.json"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(shown.stdout) if shown.returncode == 0 else None


def _revisions() -> list[str]:
    """The last commit and the last release, where there is a history."""
    command = ["git", "-C", str(ROOT), "describe", "--tags", "--abbrev=0"]
    tag = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return ["HEAD", tag] if tag else ["HEAD"]


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.type)
def test_the_code_breaks_no_event_schema_that_stands_committed(event: type[Event]) -> None:
    schema = json.loads(json.dumps(event_schema(event)))
    path = COMMITTED / "events" / f"{event.type}.json"
    assert breaks(json.loads(path.read_text(encoding="utf-8")), schema) == []
    for revision in _revisions():
        if before := _at(revision, event.type):
            assert breaks(before, schema) == [], f"since {revision}: a break is a new type"


def test_no_event_type_of_the_last_release_is_gone() -> None:
    for revision in _revisions():
        command = ["git", "-C", str(ROOT), "ls-tree", "--name-only", revision, "docs/api/events/"]
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        assert {Path(name).stem for name in listed} <= set(EVENTS), f"consumers may still wait for it, since {revision}"


# the wire -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("envelope", samples(), ids=lambda envelope: envelope.type)
def test_the_cloudevents_sdk_reads_what_we_send(envelope: Envelope) -> None:
    headers = dict(envelope.headers())
    message = KafkaMessage(headers=headers, key=envelope.subject.encode(), value=envelope.encode())
    read = from_structured_event(message, JSONFormat())
    assert read.get_specversion() == "1.0"
    assert (read.get_id(), read.get_source(), read.get_type()) == (envelope.id, envelope.source, envelope.type)
    assert (read.get_subject(), read.get_time()) == (envelope.subject, envelope.time)
    assert read.get_datacontenttype() == "application/json"
    assert read.get_data() == envelope.data
    assert read.get_extension("sequence") == "7"
    assert read.get_extension("government") == "linhai"
    assert read.get_extension("traceparent") == envelope.traceparent


@pytest.mark.parametrize("envelope", samples(), ids=lambda envelope: envelope.type)
def test_what_we_send_fits_its_schema_and_comes_back_the_same(envelope: Envelope) -> None:
    schema = event_schema(EVENTS[envelope.type])
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    sent = json.loads(envelope.encode())
    assert [error.message for error in checker.iter_errors(sent)] == []
    assert decode(envelope.encode()) == envelope
    assert not checker.is_valid(sent | {"type": "zhengling.meeting.other.happened.v1"})
    assert not checker.is_valid(sent | {"sequence": 7}), "the extension sequence is a string"


def test_headers_repeat_the_main_attributes() -> None:
    envelope = samples()[0]
    headers = {name: value.decode() for name, value in envelope.headers()}
    sent = json.loads(envelope.encode())
    assert headers.pop("content-type").startswith("application/cloudevents+json")
    assert {name: sent[name.removeprefix("ce_")] for name in headers} == headers
    documented = asyncapi()["components"]["messages"][envelope.type]["headers"]["properties"]
    assert set(documented) == {"content-type", *headers}


def test_an_older_reader_takes_an_event_that_says_more_than_it_knows() -> None:
    """Even if an API validates the same model strictly."""
    data = json.loads(
        CompositionChanged(government="g", version=1, composition=composition_of("dalian")).model_dump_json()
    )
    data["composition"]["posts"][0]["rank"] = "new"
    with pytest.raises(ValueError, match="rank"):
        Composition.model_validate(data["composition"])
    read = CompositionChanged.model_validate(data, extra="ignore")  # as the inbox does
    assert read.composition == composition_of("dalian")


# who hears whom -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("service", SERVICES)
def test_handlers_are_total_over_the_topics_they_name(service: str) -> None:
    handled = set(handlers_of(service))
    topics = {event.kafka_topic() for event in handled}
    everything = {event for event in EVENTS.values() if event.kafka_topic() in topics}
    assert handled == everything, "an event that is nothing to a service stands there as `ignored`"
    assert not {event for event in handled if event.service() == service}


def test_every_event_is_heard_by_somebody() -> None:
    heard = {event for service in SERVICES for event in handlers_of(service)}
    assert set(EVENTS.values()) - heard == set()
