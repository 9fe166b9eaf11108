"""Texts in payloads: surrounding blanks are stripped, and required texts aren't blank."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel, Field, ValidationError

import calendar_svc
import docflow_svc
import meeting_svc
import oversight_svc
import zhengling
from calendar_svc.deadline.schemas import DeadlineBatch
from zhengling.kernel.payload import SAYING, Once, Payload, Repeatable

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


class Member(Payload):
    name: str
    note: str = ""


class Lists(Payload):
    names: Annotated[list[Annotated[str, Field(pattern=SAYING)]] | None, Field(max_length=9), Once()] = None
    members: Annotated[list[Member], Field(default_factory=list), Once(by=("name",))]
    wholes: Annotated[list[Member], Field(default_factory=list), Once()]
    days: Annotated[list[date], Field(default_factory=list), Once()]
    often: Annotated[list[int], Field(default_factory=list), Repeatable("a test")]


A, B, TODAY = {"name": "a"}, {"name": "b"}, "2026-11-30"


@pytest.mark.parametrize(
    "given",
    [
        {"names": ["a", "b", "a"]},
        {"names": ["a", " a\t"]},
        {"members": [A, {"name": "a", "note": "another"}]},
        {"members": [A, {"name": " a "}]},
        {"wholes": [A, B, A]},
        {"days": [TODAY, TODAY]},
    ],
    ids=str,
)
def test_what_comes_twice_in_a_list_is_refused_at_its_place(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Lists.model_validate(given)
    (finding,) = refused.value.errors()
    assert finding["loc"] == tuple(given)
    assert finding["ctx"]["error"].text.zh.endswith("与前面的重复")


def test_a_list_takes_what_differs_and_what_may_come_twice() -> None:
    made = Lists.model_validate(
        {"names": ["a", "b"], "members": [A, B], "wholes": [A, A | {"note": "x"}], "days": [TODAY], "often": [1, 1]}
    )
    assert (made.names, made.often) == (["a", "b"], [1, 1])
    assert Lists.model_validate({"names": None}).names is None
    fields = Lists.model_json_schema()["properties"]
    assert fields["names"]["anyOf"][0]["uniqueItems"]
    assert [name for name, field in fields.items() if field.get("uniqueItems")] == ["members", "wholes", "days"]


def is_list(annotation: object) -> bool:
    """Whether a field holds a list, as it is or where it isn't null."""
    return get_origin(annotation) in (list, tuple, set, frozenset) or any(map(is_list, get_args(annotation)[:2]))


@pytest.mark.parametrize("payload", [*payloads(), DeadlineBatch], ids=lambda each: each.__name__)
def test_each_list_says_whether_the_same_may_come_twice(payload: type[BaseModel]) -> None:
    """With `Once` or `Repeatable`, beside its bounds."""
    for name, field in payload.model_fields.items():
        if is_list(field.annotation):
            assert any(isinstance(mark, (Once, Repeatable)) for mark in field.metadata), f"{payload.__name__}.{name}"


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


class Count(Payload):
    done: bool = False
    sure: bool | None = None
    many: int | None = None
    either: int | str = 0


@pytest.mark.parametrize("said", [{"done": "no"}, {"done": 0}, {"sure": "true"}, {"many": "5"}, {"many": True}])
def test_a_truth_value_or_a_number_of_another_type_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        Count.model_validate(said)


def test_truth_values_and_numbers_are_those_of_json() -> None:
    count = Count.model_validate({"done": True, "sure": None, "many": 5.0, "either": "5"})
    assert (count.done, count.sure, count.many, count.either) == (True, None, 5, "5")
