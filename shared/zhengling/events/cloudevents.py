"""CloudEvents 1.0 on the wire: structured JSON as the value, the main attributes repeated as Kafka headers."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from zhengling.kernel.instants import Instant

CONTENT_TYPE = b"application/cloudevents+json; charset=UTF-8"
#: Limits of a record: eight times what our producers send, and a depth that every JSON library can write again.
MAX_BYTES, MAX_DEPTH = 8 << 20, 64
#: An indexed attribute; PostgreSQL limits the length of index entries.
Name = Annotated[str, Field(min_length=1, max_length=255)]
_NUL = re.compile(
    rb"(?<!\\)(?:\\\\)*\\u0000"
)  # an escaped U+0000, which PostgreSQL accepts neither in text nor in jsonb


def _whole_number(value: object) -> object:
    """The CloudEvents sequence extension is a string of digits; a JSON integer is accepted too, but no boolean or float."""
    if type(value) is int or (isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,18}", value, re.ASCII)):
        return value
    raise ValueError("a sequence is a whole number from 1 on")


class Envelope(BaseModel):
    """One CloudEvent. `sequence` is the gapless number of the event within its aggregate (from 1)."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    source: Name
    type: Name
    subject: Name
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    government: Name
    aggregatetype: Name
    sequence: Annotated[int, BeforeValidator(_whole_number), Field(ge=1, lt=2**63)]
    classification: str = "internal"
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    data: dict[str, JsonValue]

    def encode(self) -> bytes:
        attributes = self.model_dump(mode="json", exclude_none=True)
        attributes["sequence"] = str(self.sequence)  # the sequence extension is a string
        return orjson.dumps(attributes)

    def headers(self) -> list[tuple[str, bytes]]:
        return [
            ("content-type", CONTENT_TYPE),
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("ce_subject", self.subject.encode()),
            ("ce_government", self.government.encode()),
            ("ce_sequence", str(self.sequence).encode()),
            *([("ce_traceparent", self.traceparent.encode())] if self.traceparent else []),
        ]


def source_of(service: str) -> str:
    """The `source` of a service's events."""
    return f"/zhengling/{service}-svc"


def digest_of(envelope: Envelope) -> bytes:
    """128 bits of the SHA-256 of what the event says, of what and in which government: the same for the sender, whose payload
    comes from its outbox, and for a reader, whatever else a newer envelope has."""
    said = [
        envelope.type,
        envelope.government,
        envelope.aggregatetype,
        envelope.subject,
        envelope.sequence,
        envelope.classification,
        envelope.data,
    ]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()[:16]


def decode(value: bytes | None) -> Envelope:
    """Parse a record's value. Raises `ValueError` (which includes pydantic's) if it isn't a valid event, or is larger or
    more deeply nested than any event: what is decoded can be encoded and stored again."""
    if value is None:
        raise ValueError("the record has no value")
    if len(value) > MAX_BYTES:
        raise ValueError(f"the record has more than {MAX_BYTES} bytes")
    if _NUL.search(value):
        raise ValueError("a text contains the character U+0000")
    content = orjson.loads(value)
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH:  # otherwise it can't be deeper
        _require_depth(content)
    return Envelope.model_validate(content)


def _require_depth(content: object) -> None:
    level: list[object] = [content]
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            part
            for each in level
            if isinstance(each, (dict, list))
            for part in (each.values() if isinstance(each, dict) else each)
        ]
    raise ValueError(f"the record is nested more than {MAX_DEPTH} deep")
