"""Finds incompatible changes by comparing two JSON Schemas of one event type.

Services are upgraded one after another, and a topic keeps old events. So a consumer of the old schema must be able to read
events of the new one, and the other way round; any other change needs a new type. Pure.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
#: Keywords that don't affect validation.
ANNOTATIONS = frozenset({"title", "description", "examples", "default", "$id", "$schema", "$defs", "$comment"})
READER, WRITER = "an older reader", "an older writer"


def breaks(old: Json, new: Json) -> list[str]:
    """Every incompatible change from `old` to `new`: its place, and whether it breaks an older reader or writer.

    Compatible are annotations (titles, descriptions, examples) and a new optional field. A removed field is a break even
    if it was optional, since a renamed one looks the same.
    """
    return _compare(old, new, old, new, "", set())


def _resolve(schema: Json, root: Json) -> Json:
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def _compare(old: Json, new: Json, old_root: Json, new_root: Json, place: str, seen: set[tuple[str, str]]) -> list[str]:
    pair = (str(old.get("$ref")), str(new.get("$ref")))
    if "$ref" in old and "$ref" in new:
        if pair in seen:
            return []  # a model that contains itself
        seen = seen | {pair}
    old, new = _resolve(old, old_root), _resolve(new, new_root)
    found = _compare_fields(old, new, place)
    for name, was in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            inner = f"{place}.{name}" if place else name
            found += _compare(was, new["properties"][name], old_root, new_root, inner, seen)
    for key in sorted((old.keys() | new.keys()) - ANNOTATIONS - {"properties", "required", "enum"}):
        was, now = old.get(key), new.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            found += _compare(was, now, old_root, new_root, f"{place}[]", seen)
        elif _is_schemas(was) and _is_schemas(now) and len(was) == len(now):  # type: ignore[arg-type]  # both are lists
            for left, right in zip(was, now, strict=True):  # type: ignore[arg-type]
                found += _compare(left, right, old_root, new_root, place, seen)
        elif was != now:
            found.append(f"{place or 'the event'}: {key} was {was!r} and is {now!r}: {READER} or {WRITER} would differ")
    return found


def _compare_fields(old: Json, new: Json, place: str) -> list[str]:
    """Fields added, removed or newly required, and enumeration values added or removed."""
    had, has = old.get("properties", {}), new.get("properties", {})
    needed, needs = set(old.get("required", [])), set(new.get("required", []))
    where = f"{place}." if place else ""
    found = [f"{where}{name} is gone: {READER} looks for it" for name in had if name not in has]
    found += [f"{where}{name} is needed now: {WRITER} doesn't send it" for name in sorted(needs - needed)]
    found += [f"{where}{name} may be left out now: {READER} needs it" for name in sorted(needed - needs) if name in has]
    if old.get("additionalProperties") is False:
        found += [f"{where}{name} is new: {READER} refuses what it doesn't know" for name in has if name not in had]
    if "enum" in old or "enum" in new:
        was, now = old.get("enum"), new.get("enum")
        if was is None or now is None:
            found.append(f"{place}: the values were {was} and are {now}: {READER} or {WRITER} would differ")
        else:
            found += [f"{place}: the value {v!r} is gone: {WRITER} sends it" for v in was if v not in now]
            found += [f"{place}: the value {v!r} is new: {READER} doesn't know it" for v in now if v not in was]
    return found


def _is_schemas(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
