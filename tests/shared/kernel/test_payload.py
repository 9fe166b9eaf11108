"""Texts in payloads: surrounding blanks are stripped, and required texts aren't blank."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

import calendar_svc
import docflow_svc
import meeting_svc
import oversight_svc
import zhengling
from zhengling.kernel.payload import Payload

PACKAGES = (meeting_svc, docflow_svc, oversight_svc, calendar_svc, zhengling)
BLANK = "  \u3000\n\t "


def payloads() -> list[type[Payload]]:
    """Every payload of the services and of the library."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(("schemas", ".operations", ".steps", "file_routes", "feeds")):
                importlib.import_module(module.name)
    found: list[type[Payload]] = []
    waiting = [Payload]
    while waiting:
        below = waiting.pop().__subclasses__()
        found += below
        waiting += below
    return [each for each in dict.fromkeys(found) if each.__module__.split(".")[0] in {p.__name__ for p in PACKAGES}]


def texts(schema: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every text of a JSON schema, with where it stands."""
    if isinstance(schema, dict):
        if schema.get("type") == "string":
            yield at, schema
        for name, part in schema.items():
            yield from texts(part, f"{at}.{name}")
    elif isinstance(schema, list):
        for part in schema:
            yield from texts(part, at)


def test_every_service_with_payloads_is_checked() -> None:
    assert {each.__module__.split(".")[0] for each in payloads()} >= {"meeting_svc", "calendar_svc", "zhengling"}
    assert len(payloads()) > 90


@pytest.mark.parametrize("payload", payloads(), ids=lambda each: each.__name__)
def test_no_required_text_may_be_blank(payload: type[Payload]) -> None:
    for at, text in texts(payload.model_json_schema()):
        if text.get("minLength") and "format" not in text:
            assert not re.search(text.get("pattern", ""), BLANK), f"{payload.__name__}{at} lets blanks pass"


class Note(Payload):
    text: str
    names: list[str] = []
    grounds: dict[str, str] = {}


def test_surrounding_blanks_are_stripped_from_every_text() -> None:
    note = Note(text=f"{BLANK}同 意{BLANK}", names=[f" 张{BLANK}"], grounds={"a": f"{BLANK}理据"})
    assert (note.text, note.names, note.grounds) == ("同 意", ["张"], {"a": "理据"})
    assert Note(text=BLANK).text == ""


def test_an_unknown_member_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Note.model_validate({"text": "同意", "opinion": "同意"})
